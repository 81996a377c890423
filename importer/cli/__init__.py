"""The command line: commands, questions, progress bars, exit codes."""
