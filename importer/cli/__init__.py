"""The command line: commands, questions, progress bars, exit codes."""

from importer.cli.main import main

__all__ = ["main"]
