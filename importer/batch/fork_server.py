"""What the process that all accounts' processes are forked from loads once, so that none of them does it again.

Importing this module does the work: multiprocessing's fork server imports it when it starts (not on Windows).
"""

from __future__ import annotations

import filelock
import uvloop

from importer.batch import account_processes, judge_job, send_job
from importer.report.html_page import load_template

__all__ = ["account_processes", "filelock", "judge_job", "send_job", "uvloop"]

load_template("importer.report", "report.html")
