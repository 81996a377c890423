"""The main flow: load, judge, stage, send, report; and what goes on from an earlier run."""

from importer.pipeline.again import resume, retry, write_again
from importer.pipeline.flow import check, run
from importer.pipeline.runs import RunLine, find_run, list_runs, purge
from importer.pipeline.watch import Silent, Watch

__all__ = [
    "RunLine",
    "Silent",
    "Watch",
    "check",
    "find_run",
    "list_runs",
    "purge",
    "resume",
    "retry",
    "run",
    "write_again",
]
