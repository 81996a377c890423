"""The sandboxed process that reads a file, and the main process's side of it."""
