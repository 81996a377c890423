"""From a file to staged rows: a child process reads and judges, so that a hostile file harms only the child."""

from importer.staging.frames import Opened
from importer.staging.recipe import Recipe, judge_rows
from importer.staging.sheet import RowsReader, Sheet, open_file, open_options

__all__ = ["Opened", "Recipe", "RowsReader", "Sheet", "judge_rows", "open_file", "open_options"]
