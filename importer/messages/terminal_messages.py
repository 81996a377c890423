"""Every line that the terminal shows, in the order in which a user meets it: help, questions, progress, results, errors."""

from __future__ import annotations

from collections.abc import Sequence

from importer.messages import ErrorText, format_count


def format_row_count(count: int) -> str:
    """Return `1 row` or `1,234 rows`."""
    return "1 row" if count == 1 else f"{format_count(count)} rows"


def format_run_count(count: int) -> str:
    """Return `1 run` or `2 runs`."""
    return "1 run" if count == 1 else f"{count} runs"


# --- help

APP_HELP = """Import lead sheets into the Superfone CRM, matched by phone, with a report on every row.

Start with:  importer demo   then:  importer check FILE
"""
COMMANDS_TITLE = "Commands"
COMMAND_SUMMARIES = {
    "check": "Check every row of a sheet. Changes nothing in the CRM.",
    "plan": "Check a sheet, look up its leads, and show what sending would change.",
    "apply": "Send exactly what a plan shows.",
    "verify": "Read the leads of a run back and compare them with what was sent.",
    "run": "Check a sheet, then send its rows to the CRM.",
    "resume": "Finish a run that was interrupted or stopped.",
    "retry": "Check and send again the rows that did not go in during an earlier run.",
    "runs": "List your runs.",
    "report": "Write the reports of a run again from its journal.",
    "purge": "Delete old runs and the personal data in them.",
    "dropdowns": "Show the account's stages, groups, labels, products and source types.",
    "columns": "Show which column goes to which field, and why.",
    "template": "Write an empty sheet to fill in, with the account's values as dropdown lists.",
    "sandbox": "Start a practice CRM on this machine.",
    "demo": "Import a sample sheet into a practice CRM.",
}
COMMAND_HELP = {
    "check": """Check every row of FILE against the account. Changes nothing in the CRM.

FILE is a CSV or Excel sheet, or - for CSV on standard input.
""",
    "plan": """Check FILE, look up the lead of each phone, and show what sending would change.

Nothing is sent. Send the plan later with importer apply.
""",
    "apply": "Send exactly what the plan of RUN shows. RUN is a run id or its folder.",
    "verify": """Read the leads that RUN sent back from the CRM, and compare them with what was sent.

Nothing is sent. RUN is a run id or its folder.
""",
    "run": """Check FILE, ask for confirmation, then send the rows that passed.

FILE is a CSV or Excel sheet, or - for CSV on standard input.
""",
    "resume": "Finish RUN, which was interrupted or stopped. RUN is a run id or its folder.",
    "retry": "Send again the rows of RUN that did not go in, as a new run with its mapping and options.",
    "runs": "List your runs: id, time, file, state, counts, and how to resume them.",
    "report": "Write the reports of RUN again from its journal.",
    "purge": """Delete old runs and all personal data in them.

Only files that importer made are deleted. Other files in the folder of a run stay, and they are named.
Fingerprints of the notes that were sent are kept, so that no note is sent twice.
""",
    "dropdowns": "Show the account's stages, groups, labels, products and source types.",
    "columns": "Show which column of FILE goes to which field and why, with samples and how many cells are filled.",
    "template": "Write an empty sheet to fill in, with the account's values as real Excel dropdown lists.",
    "sandbox": "Start a practice CRM on this machine. Press Ctrl-C to stop it.",
    "demo": "Start a practice CRM, import a sample sheet into it, and show where the report is.",
}
OPTION_CONFIG = "Settings file (default: importer.toml, if it exists)."
OPTION_CREATE_DEFAULT = " [default: --create]"
OPTION_DEFAULT = " [default: {value}]"
OPTION_JSON = "Print JSON."
OPTION_OLDER_THAN = "Delete runs that started longer ago than this (d for days, h for hours)."
OPTION_PURGE_YES = "Do not ask for confirmation."
OPTION_FORGET = "Delete the saved answers for sheets with these columns."
OPTION_FORCE = "Replace a file that exists."
OPTION_DEMO_REPORTS = "Folder for the runs. [default: reports]"
OPTION_STAY = "Keep the practice CRM running until Ctrl-C, to look at its page."

# --- commands that were typed wrongly

SEE_HELP = "See {command} --help."
FILE_IS_NO_COMMAND = ErrorText(
    "{name} is a file, not a command.", "To check it without sending anything: {check}"
)
UNKNOWN_COMMAND = ErrorText('There is no command "{name}".', "Did you mean importer {suggestion}?")
UNKNOWN_COMMAND_WITHOUT_SUGGESTION = ErrorText(
    'There is no command "{name}".', "The commands are: {commands}."
)
MISSING_ARGUMENTS = {
    "file": "{command} needs a FILE to read. See {command} --help.",
    "run": "{command} needs a RUN (importer runs lists your runs). See {command} --help.",
    "out": "{command} needs a file to write, such as leads.xlsx. See {command} --help.",
}
MISSING_ARGUMENT = "{command} needs one more argument. See {command} --help."
UNKNOWN_OPTION = "There is no option {option}. See {command} --help."
UNKNOWN_OPTION_WITH_SUGGESTION = (
    "There is no option {option}. Did you mean {suggestion}? See {command} --help."
)
OTHER_USAGE_ERROR = "{message}. See {command} --help."
NAME_NEEDS_QUOTES = "Put a name with spaces in quotes: {command}"
SEVERAL_FILES = (
    "{command} reads one FILE, but you gave more: {names}. "
    "Put a name with spaces in quotes. See {command} --help."
)
WRONG_PAIR = ErrorText("--{option} takes {expected}, not {value!r}.")
WRONG_SANDBOX_OPTION = ErrorText("{option} takes {expected}, not {value!r}.", "See importer sandbox --help.")
WRONG_AGE = ErrorText("--older-than takes days or hours, such as 90d or 12h, not {value!r}.")

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

WAITING_FOR_LISTS = "The CRM asks us to wait {duration} before it sends its dropdown lists ..."
READING = "Reading {file}"
LEFT_OUT = "  left out: {columns}"
UNNAMED_COLUMN = "(column {number})"
INTERRUPTED_RUN_FOUND = (
    "Run {run_id} started to send this file and did not finish. "
    "To finish it instead of sending every row again: {command}"
)
ANSWERS_SAVED = "Your answers are saved in {path} for the next sheet with these columns."

# --- questions

CONFIRM_SAVED_MAP = (
    "You imported a sheet with the same columns before. Your answers are in {path}.",
    "Read this sheet the same way?",
)
NO_EARLIER_QUESTION = "  This is the first question."
TYPE_YES_OR_NO = "  Type y for yes or n for no, then press Enter."
WHICH_SHEETS = "Several sheets of this workbook look like leads. Which ones should be read, as one run?"
SHEET_NUMBERS = "Numbers of the sheets, such as 1 3 (Enter: all of them)"
TYPE_SHEET_NUMBERS = "Type numbers from 1 to {last}, or press Enter for all of them."
WHICH_COLUMN_IS_PHONE = "No header says which column has the leads' phone numbers. Which one is it?"
COLUMN_NUMBER = "  Number of the column, or 0 to stop"
WHICH_COLUMN_IS_NAME = "Which column holds the names?"
NAME_COLUMN_NUMBER = "  Number of the column, or 0 if none of them does"
TYPE_COLUMN_NUMBER = "  Type a number from 0 to {last}, then press Enter."
NO_SOURCE_COLUMN = "No column says where the leads come from."
WHICH_SOURCE = "  Where do these leads come from? Enter accepts [{suggestion}], - leaves it open"
UNSURE_COLUMNS_HINT = (
    "Press Enter to accept the field in [ ]. Type - to leave the column out, ? to list the fields, "
    "or b to go back."
)
UNSURE_COLUMN = 'Column "{name}" ({samples}): {reason}.'
WHICH_FIELD = "  Send it to [{default}]"
UNKNOWN_FIELD = '  There is no field "{name}". Type ? to list the fields.'
FIELD_IS_TAKEN = "  {field} already has a column. Choose another field, or type - to leave this column out."
NO_SAMPLES = "empty"
VALUE_CHOICES = (
    "  Enter  keep the value (its rows are rejected; with --unknown drop, they are sent without the value)",
    "  -      send its rows without the value",
    "  b      go back to the question before",
)
VALUE_CHOICES_FOR_ALL = (
    "  all    keep this and all other values of {field};  -all  send their rows without them"
)
UNKNOWN_VALUE = '{position}: {field} "{value}" ({rows})'
WHICH_VALUE_NUMBER = "  Which one is meant? Type its number, or another value from your account"
WHICH_VALUE_TITLE = "  Which one is meant? Type a value (importer dropdowns lists them)"
VALUE_CHOSEN = '  Using "{title}".'
VALUE_NOT_IN_ACCOUNT = '  "{value}" does not exist in your account. Type a number, a value from your account, or Enter to keep this value.'
VALUE_IS_AMBIGUOUS = '  More than one value in your account begins with "{value}": {titles}.'
OWNER_CHOICES = (
    "  Enter  leave the owner out (the name is kept as additional info)",
    "  b      go back to the question before",
)
OWNER_CHOICE_FOR_ALL = "  all    leave out this and all other owners"
OWNER = '{position}: {column} "{name}" ({rows})'
WHICH_OWNER_PHONE = "  What is {name}'s phone in the CRM? Enter leaves it out"
OWNER_PHONE_CHOSEN = "  Using {phone}."
IS_TITLE_MEANT = '  Do you mean "{title}"?'


def format_unsure_columns(count: int) -> str:
    """Return the sentence before the questions about columns."""
    columns = "1 column" if count == 1 else f"{count} columns"
    return f"We are not sure about {columns}. {UNSURE_COLUMNS_HINT}"


def format_bad_cells(rows: int) -> str:
    """Return the sentence before the question about cells that cannot be read."""
    can_not = "1 row is" if rows == 1 else f"{format_count(rows)} rows are"
    return f"{can_not} rejected only because of a cell that cannot be read and is not the phone:"


def format_drop_question(rows: int) -> str:
    """Return the question whether rows may go in without such cells."""
    return (
        "Send this row without the cell?"
        if rows == 1
        else f"Send these {format_count(rows)} rows without such cells?"
    )


def format_rest_columns(names: Sequence[str]) -> str:
    """Return the sentence before the question about the columns that go to no field."""
    if len(names) == 1:
        return f'Column "{names[0]}" goes to no field.'
    return f"These columns go to no field: {', '.join(names)}."


def format_rest_question(count: int) -> str:
    """Return the question about the columns that go to no field."""
    columns = "the other column" if count == 1 else f"the other {count} columns"
    return f"Keep {columns} as additional info?"


def format_unknown_values(field: str, values: int, rows: int) -> str:
    """Return the sentence before the questions about the unknown values of one field."""
    do_not_exist = "1 value does not exist" if values == 1 else f"{format_count(values)} values do not exist"
    return f"{field}: {do_not_exist} in your account ({format_row_count(rows)})."


def format_owners(names: int, rows: int) -> str:
    """Return the sentence before the questions about owners who are named in the sheet."""
    has_names = "has 1 name" if names == 1 else f"has {format_count(names)} names"
    return f"Owners: the sheet {has_names} ({format_row_count(rows)}), but the CRM takes the phones of team members."


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
YOUR_ANSWERS = "Your answers"
HOW_TO_CHANGE_AN_ANSWER = (
    "To change an answer, type its number, or b for the last one. The sheet is then checked again."
)
WHICH_ANSWER_TO_CHANGE = "Number of the answer to change, or Enter to stop"
TYPE_YES_NO_OR_NUMBER = (
    "  Type y to send, n to stop, or the number of an answer to change it. Then press Enter."
)
IS_LEFT_OUT = "left out"
ROWS_ARE_REJECTED = "not changed, so its rows are rejected"
SAVED_MAP_ANSWER = "Read the columns as last time ({path}): {answer}"
FIELD_ANSWER = '{field}: column "{column}"'
NO_COLUMN = "none"
SOURCE_ANSWER = "Source of all leads: {source}"
COLUMN_ANSWER = 'Column "{column}": {field}'
OWNER_ANSWER = '{column} "{name}" ({rows}): {phone}'
VALUE_ANSWER = '{field} "{value}" ({rows}): {title}'
REST_ANSWER = "Keep the columns that go to no field as additional info ({columns}): {answer}"
BAD_CELLS_ANSWER = "Send {rows} without the cells that cannot be read: {answer}"
SENDING = "Sending"
LOOKING_UP = "Looking up leads"


def format_look_ups(phones: int, rate_per_s: float | None) -> str:
    """Return how many leads are looked up and how long it takes: one request for each phone."""
    rate = _USUAL_RATE_PER_S if rate_per_s is None else rate_per_s
    minutes = phones / rate / 60
    time = "less than a minute" if minutes < 1 else f"about {format_count(round(minutes))} min"
    noun = "lead" if phones == 1 else "leads"
    return f"Looking up {format_count(phones)} {noun}: {time} at {rate:g} requests per second."


_USUAL_RATE_PER_S = 20.0
"""The rate of the estimate with --rate auto, which is not known before the first answers."""

PROGRESS_RATE = "{rate} rows/s"
PROGRESS_FAILED = "{rows} did not go in"
PROGRESS_WAITING = "waiting {duration} for the CRM"
PROGRESS_TIME_LEFT = "about {duration} left"


def format_send_question(leads: int, crm: str) -> str:
    """Return the question before the first write."""
    return f"Send {'1 lead' if leads == 1 else f'{format_count(leads)} leads'} to {crm} now?"


# --- the last line

CHECKED = "{accepted} of {rows} can go in. Nothing was sent."
SHEET_HAS_NO_ROWS = "The sheet has a header and no rows, so nothing was sent."
SEND_WITH = " Send with: {command}"
APPLY_WITH = " Send this plan with: {command}"
PLAN_TITLE = "The plan:"
PLANNED_FIELDS = "Fields of known leads:"
VERIFICATION_TITLE = "Read back from the CRM:"
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


def format_expected_number(*, is_whole: bool, minimum: float | None, maximum: float | None) -> str:
    """Return what a numeric option takes: `a whole number from 0 to 65535`."""
    number = "a whole number" if is_whole else "a number"
    if minimum is None:
        return number
    return (
        f"{number}, {minimum:g} or more" if maximum is None else f"{number} from {minimum:g} to {maximum:g}"
    )
