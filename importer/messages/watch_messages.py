"""Texts of `importer watch`: what became of each file in the folder, and why one was not sent."""

from __future__ import annotations

from importer.messages import ErrorText, format_count, format_lead_count, format_row_count

# --- the command

NEEDS_ONCE_OR_EVERY = ErrorText(
    "importer watch needs --once or --every SECONDS.",
    "Use --once for cron and Task Scheduler. Use --every 60 for a command that keeps running.",
)
NO_SUCH_FOLDER = ErrorText("There is no folder {folder}.", "Check the name and the folder you are in.")
FOLDER_OF_A_RUN = ErrorText(
    "{folder} is the folder of a run of importer.", "Name the folder in which new sheets appear."
)
DONE_IS_WATCHED = ErrorText(
    "--done names the folder that is watched.", "Name another folder, such as {folder}/done."
)
WRONG_PERCENT = ErrorText(
    '--stop-if-invalid cannot be "{value}".', "Give a percentage of the rows, such as 20%."
)
STOPPED_DURING_CHECK = "Stopped before the file was sent. Files that were sent before are not sent again."
STOPPED_WATCHING = "Stopped watching {folder}. No import is under way."

# --- what became of a file

FILE_LINE = "{file}: {text}"
NOTHING_NEW = "Nothing new in {folder}."
STILL_CHANGING = "It is still being written. It is imported at the next look."
UNKNOWN_COLUMNS = (
    "Not sent, because no sheet with these columns was imported before. Import it once yourself: {command}"
)
OWN_REPORT = "Not sent, because it is a report of importer. To import the rows that you fixed: {command}"
ON_HOLD = "Not continued, because it was stopped in the page of importer ui. To continue it, run: {command}"
HELD_BACK = "Not sent. {reason} To send it, run: {command}"
CANNOT_MOVE = ErrorText(
    "{file} was imported, but it could not be moved to {folder}: {reason}.",
    "It is not imported again. Move it yourself, or make the folder writable.",
)


def format_too_many_invalid(invalid: int, rows: int, limit: int) -> str:
    """Return how many rows are rejected, and the limit in percent."""
    return f"{format_count(invalid)} of {format_row_count(rows)} cannot go in, and --stop-if-invalid allows {limit}%."


def format_too_many_updates(updates: int, limit: int) -> str:
    """Return how many leads would be updated, and the limit."""
    return (
        f"{format_lead_count(updates)} would be updated, and --stop-if-updates allows {format_count(limit)}."
    )


def format_too_many_conflicts(conflicts: int, limit: int) -> str:
    """Return how many rows are conflicts, and the limit."""
    are = "is a conflict" if conflicts == 1 else "are conflicts"
    return f"{format_row_count(conflicts)} {are}, and --stop-if-conflicts allows {format_count(limit)}."
