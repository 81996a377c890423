"""Many files of many accounts with one command: read the manifest, judge all, ask once, send."""
