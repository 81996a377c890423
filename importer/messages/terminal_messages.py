"""Every other line that the terminal shows, in the order in which a user meets it: progress, results, errors.

Help is in help_messages.py, questions are in prompt_messages.py.
"""

from __future__ import annotations

from importer.messages import ErrorText, format_count, format_lead_count, format_row_count, format_run_count

# --- finding the file

FILE_IS_FOLDER = ErrorText("{file} is a folder.", "Name the sheet in it.")
FILE_IS_DEVICE = ErrorText("{file} is a device, not a sheet.", "Name a file, or - for standard input.")
FILE_NOT_FOUND = ErrorText("There is no file {file}.", "Check the name and the folder you are in.")
REPORTS_FOLDER_OF_FILE = "This file is a report of a run in {reports}, so the new run is saved there as well."
CONFIRMATION_NEEDED = ErrorText(
    "Confirmation is needed, but this is not an interactive terminal.",
    "Run again with --yes to send: {command} --yes",
)

# --- reading the sheet

WAITING_FOR_WORKER = "A worker of a batch may still send to this account. Waiting {duration} for it ..."
WAITING_FOR_LISTS = "The CRM asks us to wait {duration} before it sends its dropdown lists ..."
READING = "Reading {file}"
LEFT_OUT = "  left out: {columns}"
UNNAMED_COLUMN = "(column {number})"
INTERRUPTED_RUN_FOUND = (
    "Run {run_id} started to send this file and did not finish. "
    "To finish it instead of sending every row again: {command}"
)
ANSWERS_SAVED = "Your answers are saved in {path} for the next sheet with these columns."

# --- the summary of a check or a run

CHECKING = "Checking"
SUMMARY_TITLE = "{rows} of {file}"
STANDARD_INPUT = "standard input"
COMMON_PROBLEMS = "Most common problems"
VALUES_LEFT_OUT = "Values left out because of --unknown drop"
WARNINGS_ON_CHECKED_ROWS = "Warnings on {rows} that can go in: see _problems in {file}"
WARNINGS_ON_SENT_ROWS = "Warnings on {rows} that went in: see _problems in {file}"
MERGED_ROW = '  row {row} "{name}" with {other}'
MORE_MERGED_ROWS = "  To see all of them, search for row.other_name in _codes of {file}"
MERGED_ROWS_ADVICE = (
    "  Are they different people? Add --duplicates reject to send none of them, "
    "or --duplicates first or last to send one."
)
UNKNOWN_VALUES_ADVICE = (
    "Some values do not exist in your account. `importer run` asks once what each one means. "
    "To import the rows without these values, add `--unknown drop`."
)
EXAMPLE_SOURCE = "Trade fair"
SOURCE_ADVICE = "No column says where the leads come from. To set a source for all of them, add: {option}"
BAD_CELLS_ADVICE = "Some cells other than the phone cannot be read. To import their rows without these cells, add --bad-cells drop."
NO_SUCH_LEAD_ADVICE = "Some phones match no lead in your account. To create leads for them, import these rows again with --create."
FILE_NOT_REPLACED = "{name} is open or was edited, so it was not replaced. The new file is {new_name}."
WORKBOOK_IS_FULL = (
    "failed_rows.xlsx has {rows} of the {all_rows} rows to fix, the maximum for a workbook. "
    "failed_rows.csv has all of them."
)
REPORT = "Report: {path}"


def format_merged_rows(rows: int, *, checked: bool) -> str:
    """Return the line about rows that share a phone but not a name. A check has not merged them yet."""
    present, past = ("is", "was") if rows == 1 else ("are", "were")
    return f"{format_row_count(rows)} {present if checked else past} merged with a row that has the same phone and another name"


# --- confirmation and sending

CRM_ON_THIS_MACHINE = "the CRM on this machine ({host})"
CRM_ELSEWHERE = "the CRM at {host}"
NO_ROW_CAN_BE_SENT = "No row can be sent."
SENDING = "Sending"
LOOKING_UP = "Looking up leads"


def format_look_ups(phones: int, rate_per_s: float | None) -> str:
    """Return how many leads are looked up and how long it takes: one request for each phone."""
    rate = _USUAL_RATE_PER_S if rate_per_s is None else rate_per_s
    minutes = phones / rate / 60
    time = "less than a minute" if minutes < 1 else f"about {format_count(round(minutes))} min"
    return f"Looking up {format_lead_count(phones)}: {time} at {rate:g} requests per second."


_USUAL_RATE_PER_S = 20.0
"""The rate of the estimate with --rate auto, which is not known before the first answers."""

PROGRESS_RATE = "{rate} rows/s"
PROGRESS_FAILED = "{rows} did not go in"
PROGRESS_WAITING = "waiting {duration} for the CRM"
PROGRESS_TIME_LEFT = "about {duration} left"

# --- the last line

CHECKED = "{accepted} of {rows} can go in. Nothing was sent."
SHEET_HAS_NO_ROWS = "The sheet has a header and no rows, so nothing was sent."
SEND_WITH = " Send with: {command}"
APPLY_WITH = " Send this plan with: {command}"
VERIFICATION_FAILED = "{accepted} of {rows} went in, but {found}. See _verified in {file}."
CONTINUE_WITH = "{reason} Continue with: {command}"
SENT = "{accepted} of {rows} went in."
RETRY_WITH = "{accepted} of {rows} went in. The others can be sent again without changes: {command}"
FIX_AND_IMPORT = (
    "{accepted} of {rows} went in. {to_fix}. Open {file}, fix the rows, and import the file again: {command}"
)
NOTHING_TO_RETRY = "Run {run} has no row left that can go in. There is nothing to retry."


def format_rows_to_fix(rows: int) -> str:
    """Return `1 row needs fixing` or `2 rows need fixing`."""
    return f"{format_row_count(rows)} {'needs' if rows == 1 else 'need'} fixing"


def format_skipped_rows(rows: int) -> str:
    """Return the sentence about rows that are not leads."""
    if rows == 1:
        return "1 row was skipped because it is not a lead."
    return f"{format_count(rows)} rows were skipped because they are not leads."


def format_all_rows_accepted(rows: int) -> str:
    """Return the sentence for a run of which every row went in."""
    return "The row went in." if rows == 1 else f"All {format_count(rows)} rows went in."


# --- interruptions and errors

STOPPED_BEFORE_SENDING = "Stopped before anything was sent."
STOPPED_RESUME_BEFORE_SENDING = "Stopped before anything more was sent."
STOPPED_AFTER_SENDING = "Stopped after sending. importer runs shows how the run ended."
PURGE_STOPPED = "Stopped. importer runs lists the runs that are left."
NOTHING_WAS_SENT = "Nothing was sent."
SENT_ROWS_ARE_SAVED = "The journal has everything that was sent. {how_to_continue}"
OUT_OF_MEMORY = "This machine does not have enough free memory. Close other programs and try again."
SYSTEM_ERROR = "{message}. {progress} Check the name and your access rights."
INTERNAL_ERROR_BEFORE_SENDING = (
    "Internal error in importer ({kind}). Your file is fine and nothing was sent. "
    "Run again with -v and send us the output."
)
INTERNAL_ERROR_AFTER_SENDING = (
    "Internal error in importer ({kind}). Your file is fine and nothing more was sent. {how_to_continue} "
    "Run again with -v and send us the output."
)
CANNOT_WRITE_OUTPUT = ErrorText(
    "Cannot write to standard output: {reason}.",
    "Free some disk space. The results are in the run's folder: importer runs lists it.",
)
ERROR_LINE = "importer: {message}"

# --- runs, report, purge

NO_RUNS = "There are no runs in {reports} yet. Start with: importer check FILE"
RUN_LINE = "{run_id}  {started_at}  {file}  {state}: {counts}"
RUN_LINE_APPLY = "  -> {command}"
RUN_LINE_RESUME = "  -> {command}"
UNREADABLE_RUN = "{run_id}  cannot be read: {reason}"
REPORTS_WRITTEN = "Reports written again: {path}"
KEPT_FOLDER = "{folder} was not deleted: {reason}. If you do not need it, delete it yourself."
FILES_LEFT = "{folder} still has files that importer did not make: {names}."
NO_OLD_RUNS = "No run in {reports} is older than {age}."
PURGE_NEEDS_CONFIRMATION = ErrorText(
    "Confirmation is needed, but this is not an interactive terminal.",
    "Run again with --yes to delete the runs.",
)
NOTHING_REMOVED = ErrorText("Nothing was deleted.")


def format_purge_question(runs: int, resumable: int) -> str:
    """Return the question before runs are removed."""
    question = f"Delete {format_run_count(runs)} and all personal data in {'it' if runs == 1 else 'them'}?"
    return f"{question} {format_run_count(resumable)} can still be resumed." if resumable else question


def format_removed_runs(run_ids: list[str]) -> str:
    """Return the sentence about the runs that were removed."""
    return f"Deleted {format_run_count(len(run_ids))}{': ' + ', '.join(run_ids) if run_ids else ''}."


def format_unsent_sheets(count: int) -> str:
    """Return the sentence about old sheets of the page in the browser that never became a run."""
    found = "1 sheet that was" if count == 1 else f"{count} sheets that were"
    return f"importer ui keeps {found} chosen there and never sent. They are deleted too."


def format_runs_in_use(count: int) -> str:
    """Return the sentence about runs that were not deleted because they are sending, or write their reports."""
    if count == 1:
        return "1 run was not deleted because it is in use now."
    return f"{count} runs were not deleted because they are in use now."


# --- columns, dropdowns, template

COLUMN_WITHOUT_HEADER = "({name}, without a header)"
COLUMN_GOES_TO = "  -> {label} ({field})"
COLUMN_LEFT_OUT = "  -> left out"
COLUMN_REASON = "     why: {reason}; {fill_rate} filled; {samples}"
SHEET_TITLE = 'Sheet "{sheet}"'
COLUMN_IS_EMPTY = "(empty)"
NO_PHONE_COLUMN = (
    'No column has the leads\' phone numbers. Say which one it is: --column "HEADER=customer_phone"'
)
CORRECT_A_COLUMN = 'Is a column wrong? Add --column "HEADER=FIELD", or "HEADER=" to leave it out, here and in the next command.'
CHECK_WITH = "To check every row: {command}"
ANSWERS_FORGOTTEN = "The answers for sheets with these columns were deleted: {path}"
NO_ANSWERS_TO_FORGET = "There are no saved answers for sheets with these columns."
MAP_SAVED = "Saved in {path}. You can edit it. To use it: {command}"
LISTS_NOT_READ = "Could not read the account's dropdown lists: {reason}"
LIST_TITLE = "{field} ({count})"
LIST_ENTRY = "  {title}"
DISABLED_LIST_ENTRY = "  {title}  (disabled)"
TEMPLATE_IS_EXCEL = ErrorText(
    "The template is an Excel sheet, but {file} does not end in .xlsx.", "Try: {command}"
)
TEMPLATE_EXISTS = ErrorText(
    "{file} already exists, and somebody may have filled it in.",
    "Choose another name, or replace it with --force.",
)
CANNOT_WRITE_TEMPLATE = ErrorText(
    "Cannot write {file}: {reason}.", "Choose a folder that exists and that you may write to."
)
TEMPLATE_WRITTEN = "Template written: {file}. Fill it in, then import it: {command}"

# --- sandbox, demo

SANDBOX_LISTENING = "LISTENING {base_url}"
SANDBOX_PAGE = "Web page: {url}   Press Ctrl-C to stop."
SANDBOX_SET_UP = "To use it, run this in another window: {command}"
SANDBOX_DB_ERROR = ErrorText("Cannot store the leads in {file}: {reason}.", "Name another file with --db.")
SANDBOX_PORT_ERROR = ErrorText("Cannot listen on port {port}: {reason}.", "Choose another --port.")
SANDBOX_DEFAULT_NONE = "none"
DEMO_STARTED = "A practice CRM runs at {base_url}. No real account is used."
DEMO_APPLIES = "The demo now sends this plan, as importer apply does."
DEMO_LEADS = "The leads in the practice CRM: {page}"
DEMO_LEADS_UNTIL_CTRL_C = "The leads in the practice CRM: {page}  (Ctrl-C stops it)"
DEMO_RESTART = "To start this practice CRM again: {command}"
