"""The table in a sheet: where its header is, where it ends, and its rows as wide as the header."""
