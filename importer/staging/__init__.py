"""From a file to staged rows: a child process reads and judges, so that a hostile file harms only the child."""

from importer.staging.frames import Opened
from importer.staging.process import ReadingProcess
from importer.staging.recipe import Recipe, judge_rows

__all__ = ["Opened", "ReadingProcess", "Recipe", "judge_rows"]
