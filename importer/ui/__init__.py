"""The page in the browser: the whole journey from a sheet to its report, on this machine."""
