"""For programs: check and import a sheet or a DataFrame, and get the rows back as a DataFrame."""

from importer.library.calls import Result, check_file, run_import
from importer.report import Summary
from importer.sender import Progress

__all__ = ["Progress", "Result", "Summary", "check_file", "run_import"]
