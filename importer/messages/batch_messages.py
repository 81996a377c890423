"""Sentences about batches: what is wrong with a manifest, how jobs ended, and the texts of batch.html."""

from __future__ import annotations

from pathlib import Path

from importer.messages import ErrorText, format_count, format_lead_count, format_row_count
from importer.messages.terminal_messages import format_skipped_rows

# --- the manifest

PLACE_IN_MANIFEST = "Job {number} of the manifest"
PLACE_IN_TABLE = "{file}, row {row}"
UNREADABLE_MANIFEST = ErrorText(
    "The manifest {path} cannot be read: {reason}.", "docs/batch.md shows how it is written."
)
NO_JOBS = ErrorText(
    "The manifest {path} has no jobs.", 'Add [[jobs]], each with account and file, or jobs = "jobs.csv".'
)
NO_JOB_TABLE = ErrorText(
    "The manifest names {file} as its list of jobs, but there is no such file.",
    "Check the name. It is relative to the manifest.",
)
WRONG_ACCOUNT_NAME = ErrorText(
    "{name!r} cannot be the name of an account.",
    "Use letters, digits, . _ and -. It is also the name of a folder.",
)
SIMILAR_ACCOUNT_NAMES = ErrorText(
    "The accounts {name} and {other} would have one folder on Windows and macOS.", "Rename one of them."
)
ACCOUNT_WITHOUT_KEY = ErrorText(
    "The account {name} has no key.", 'Say where the key is, such as key = "env:{name}_KEY".'
)
KEY_IN_MANIFEST = ErrorText(
    "The key of the account {name} is not a reference. If it is the key itself, others may have read it.",
    "Put the key into an environment variable, a file or the keyring, and write env:NAME, file:PATH or keyring:NAME. "
    "Ask for a new key if the manifest was shared.",
)
UNKNOWN_ACCOUNT = ErrorText(
    '{place}: the manifest has no account "{name}".', "Add [accounts.NAME] with its key, or correct the name."
)
NO_SUCH_FILES = ErrorText(
    '{place}: no file matches "{file}".', "Check the path. It is relative to the folder of the manifest."
)
ID_OF_SEVERAL_FILES = ErrorText(
    '{place}: an id is for one file, and "{file}" matches several.', "Remove the id, or name one file."
)
NOT_AN_OPTION_OF_A_JOB = ErrorText(
    "{place}: {name} cannot be set for a job.", "Remove it. A batch has one reports folder and asks once."
)
SAME_JOB_TWICE = ErrorText(
    "{file} is listed twice for {account}.", "Remove one of them, or give each an id of its own."
)
ONLY_UNKNOWN_ACCOUNT = ErrorText('The manifest has no account "{name}".', "Correct the name after --only.")

# --- keys

NO_KEY = {
    "env": ErrorText("The environment variable {name} is not set.", "Set it to the API key of the account."),
    "file": ErrorText(
        "The file {name} has no API key, or cannot be read.",
        "Write the key into it. Only you should be able to read it.",
    ),
    "keyring": ErrorText(
        "The keyring has no key {name}, or the package keyring is not installed.",
        "Save it with: keyring set superfone-importer {name}",
    ),
}

ACCOUNT_FAILED = "The account could not be opened ({kind}). Check the place of its key in the manifest."
REFUSED_KEY = "Put the right key of {account} at {key}."

# --- preflight

SAME_ACCOUNT = ErrorText(
    "The keys of {name} and {other} open the same account.",
    "Use one name for both. The jobs of an account run one after another.",
)


def format_no_space(reports: Path, needed: int, free: int) -> tuple[str, str]:
    """Return message and advice if the disk has too little room."""
    return (
        f"The disk of {reports} has {_format_megabytes(free)} free. The batch may need {_format_megabytes(needed)}.",
        "Free some space, or choose another folder with --reports.",
    )


def _format_megabytes(size: int) -> str:
    return f"{format_count(size // 1_000_000)} MB"


# --- a cluster

NO_DASK = ErrorText(
    "--cluster needs Dask, which is not installed.", 'Install it: pip install "superfone-importer[cluster]"'
)
BAD_CLUSTER_ADDRESS = ErrorText(
    '"{address}" is not the address of a cluster.',
    "Write it as tls://HOST:8786. docs/cluster.md shows how to start one.",
)
CLUSTER_WITHOUT_TLS = ErrorText(
    "{address} is not protected: anyone who reaches the scheduler can run programs on all workers.",
    "Use tls://. tcp:// is accepted for this computer alone. docs/cluster.md shows how certificates are made.",
)
NO_CLUSTER = ErrorText(
    "No cluster answers at {address}: {reason}.", "Start the scheduler, or correct the address."
)
NO_WORKERS = ErrorText("The cluster at {address} has no workers.", "Start some. docs/cluster.md shows how.")
UNFIT_WORKER = ErrorText(
    "The worker {worker} cannot run importer ({reason}).",
    'Install the same version there: pip install "superfone-importer[cluster]"',
)
OTHER_VERSION = ErrorText(
    "The worker {worker} has {name} {theirs}, and this computer has {ours}.",
    "Install the same version on both.",
)
WORKER_WITHOUT_KEY = ErrorText(
    "The worker {worker} has no key at {key}.",
    "Each worker needs the keys of all accounts, at the same place.",
)
UNREACHABLE_SERVICE = ErrorText(
    "The worker {worker} cannot reach this computer.",
    "Let the workers connect to it: they read and write journals here.",
)
CLUSTER_LOST = ErrorText(
    "The scheduler of the cluster cannot be reached any more. Every result so far is saved.",
    "Start it again, then run the same command again.",
)
WORKERS_LOST = ErrorText(
    "The cluster has no workers any more. Every result so far is saved.",
    "Start some, then run the same command again.",
)
LISTS_LOST = ErrorText(
    "The workers that were to read the lists of this account ended unexpectedly.",
    "Run the same command again.",
)
UNKNOWN_WORKER = "(unknown)"
WORKER_LOST = ErrorText("The worker {worker} is gone.", "Run the same command again to continue.")
WORKER_LOST_LINE = (
    "{account}: the worker {worker} is gone. Another one goes on when nothing of it can be under way."
)
LEASE_LOST = ErrorText("This worker may not send to the account any more.", "Another one goes on.")
JOURNAL_FAILED = ErrorText("The journal of this job could not be read or written.", "")

# --- how a job ended

CHANGED_FILE = (
    "{file} has changed since it was sent as run {run_id}. To send the new content, give the job another id."
)
CANNOT_READ_FILE = ErrorText("{path} cannot be read: {reason}.", "Check the path in the manifest.")
EDITED_REPORT = ErrorText(
    "{file} must be checked again, but {path} was edited.",
    "Move that file to another folder. To import it too, add it there to the manifest, under the same account.",
)


def format_edited_run(file: str, run_id: str, rows: int) -> tuple[str, str]:
    """Return message and advice for a run whose rows a person has edited."""
    were = "was" if rows == 1 else "were"
    return (
        f"{file} must be checked again, but {format_row_count(rows)} of run {run_id} {were} edited.",
        "Give the job another id to check the file as it is now. The edited run stays.",
    )


PROCESS_FAILED = "Its process ended unexpectedly ({kind}). Every result so far is saved. Run the same command again to continue."
NOT_REACHED = "The command was stopped before this job."
CHECK_INTERRUPTED = "Stopped while the files were checked. Nothing was sent."
A_BATCH = "(batch)"
SEND_DECLINED = ErrorText("Nothing was sent.", "To send later, run the same command again.")
CONFIRMATION_NEEDED = ErrorText(
    "Confirmation is needed, but this is not an interactive terminal.",
    "Run again with --yes to send, or with --check.",
)

# --- the terminal

CHECK_OR_PLAN = ErrorText(
    "--check and --plan were both given.", "Give one of them: a plan checks the files too."
)
PREFLIGHT = "Reading the lists of {accounts}, {jobs}."
PHASES = {"JUDGING": "Checking", "PLANNING": "Planning", "SENDING": "Sending"}
JOB_LINE = "{account}  {file}: {state}, {went_in} of {rows}"
ACCOUNT_PROBLEM = "  {account}: {reason}"
MORE_PROBLEMS = "  and {count} more: see {path}"
REPORT = "Report: {path}"


def format_account_count(count: int) -> str:
    """Return `1 account` or `12 accounts`."""
    return "1 account" if count == 1 else f"{format_count(count)} accounts"


def format_job_count(count: int) -> str:
    """Return `1 file` or `12 files`."""
    return "1 file" if count == 1 else f"{format_count(count)} files"


def format_account_progress(
    *, done: int, total: int, not_accepted: int, rate_per_s: float, waiting_s: float
) -> str:
    """Return how far the sending of a file is: `1,200/5,000 rows, 40/s, 3 failed, the CRM asks to wait 12 s`."""
    parts = [f"{format_count(done)}/{format_row_count(total)}", f"{rate_per_s:.0f}/s"]
    if not_accepted:
        parts.append(f"{format_count(not_accepted)} failed")
    if waiting_s >= 1:
        parts.append(f"the CRM asks to wait {waiting_s:.0f} s")
    return ", ".join(parts)


def format_send_question(leads: int, jobs: int, accounts: int) -> str:
    """Return the one question of a batch."""
    return f"Send {format_lead_count(leads)} from {format_job_count(jobs)} to {format_account_count(accounts)} now?"


def format_headline(
    *,
    rows: int,
    went_in: int,
    can_go_in: int,
    to_fix: int,
    skipped: int,
    jobs: int,
    accounts: int,
    is_sent: bool,
) -> str:
    """Return in one line what happened. `can_go_in` are rows beside those that went in."""
    place = f"{format_job_count(jobs)} for {format_account_count(accounts)}"
    verb = "went in" if is_sent else "can go in"
    more = f", {format_count(can_go_in)} more can go in" if can_go_in else ""
    line = f"{format_count(went_in)} of {format_row_count(rows)} {verb}{more} ({place})."
    if to_fix:
        line += f" {format_row_count(to_fix)} to fix."
    return f"{line} {format_skipped_rows(skipped)}" if skipped else line


def format_job_problem(
    account: str, file: str, reason: str, *, to_fix: int, path_to_fix: str, undelivered: int
) -> str:
    """Return the line about a job that needs a person. `path_to_fix` is the file with the rows to fix."""
    parts = [reason] if reason else []
    if to_fix:
        parts.append(f"{format_row_count(to_fix)} to fix in {path_to_fix}")
    if undelivered:
        parts.append(f"{format_row_count(undelivered)} to send again")
    return f"  {account}  {file}: {' '.join(parts)}"


LAST_LINES = {
    "CHECK": {
        0: "All rows can go in. This command sent nothing.",
        1: "Some rows or files cannot go in. This command sent nothing.",
        2: "Nothing was sent.",
        3: "Some files are only partly sent or planned. Run importer batch without --check to continue.",
        130: "Stopped. To continue, run the same command again.",
    },
    "PLAN": {
        0: "All rows can go in as planned. This command sent nothing.",
        1: "Some rows or files cannot go in. This command sent nothing.",
        2: "Nothing was sent.",
        3: "Some accounts are not planned. Fix what is named above, and run the same command again: it continues. "
        "Files that are partly sent continue without --plan.",
        130: "Stopped. To continue, run the same command again.",
    },
    "SEND": {
        0: "All rows went in.",
        2: "Nothing was sent.",
        3: "Some accounts are not finished. Fix what is named above, and run the same command again: it continues.",
        130: "Stopped. To continue, run the same command again.",
    },
}
"""The last line by goal and exit code."""


def format_not_all_in(*, is_failed: bool, is_unread: bool) -> str:
    """Return the last line of a finished batch whose rows did not all go in.

    `is_failed`: failed_rows has some rows. `is_unread`: a file could not be read. Without both, there is nothing to fix.
    """
    parts = ["Not everything went in."]
    if is_failed:
        parts.append(
            "Correct each failed_rows.xlsx and add it to the manifest under the same account, "
            "or import it with importer run and the key of that account in SUPERFONE_API_KEY."
        )
    if is_unread:
        parts.append("Correct each file that could not be read, and run the same command again.")
    if not is_failed and not is_unread:
        parts.append("Open the report to see why.")
    return " ".join(parts)


# --- batch.html

TITLE = "Batch"
STARTED = "Started"
NEXT_STEPS = "What to do next"
RUN_AGAIN = "Run importer batch again. What is finished is skipped, and the rest continues. --check and --plan send nothing."
ACCOUNTS = "What went in, by account"
JOBS = "What needs attention"
ALL_JOBS = "All files"
HEAD_ACCOUNT = "Account"
HEAD_FILES = "Files"
HEAD_ROWS = "Rows"
HEAD_WENT_IN = "Went in"
HEAD_CAN_GO_IN = "Can go in"
HEAD_TO_FIX = "To fix"
HEAD_UNDELIVERED = "To send again"
HEAD_FILE = "File"
HEAD_STATE = "State"
HEAD_REASON = "Why"
HEAD_REPORT = "Report"
OPEN_REPORT = "report"
JOB_STATES = {
    "not_checked": "not checked",
    "checked": "checked, not sent",
    "planned": "planned, not sent",
    "finished": "finished",
    "stopped": "stopped",
    "interrupted": "interrupted",
}
