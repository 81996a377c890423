"""What became of every row, as files for people and for scripts."""

from importer.report.origin import origin_of
from importer.report.summary import Summary
from importer.report.template import write_template
from importer.report.write import write_reports

__all__ = ["Summary", "origin_of", "write_reports", "write_template"]
