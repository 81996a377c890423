"""Texts about runs: journals, locks, disks, resume, retry, lineage and the account's dropdown lists."""

from __future__ import annotations

from importer.messages import ErrorText, format_count

# --- the disk

CANNOT_WRITE_FOLDER = "Cannot write to the folder {folder}: {reason}."
LOCKED_ADVICE = (
    "Another program is using it, perhaps a run that was paused by Ctrl-Z. "
    "Continue that run (type fg in its terminal) or end it, and try again."
)
REMOVED_FOLDER_ADVICE = "The folder that you are in was removed. Change to another folder."
FILE_IN_THE_WAY_ADVICE = (
    "{file} is a file, not a folder. Move it away, or choose another folder with --reports."
)
FULL_DISK_ADVICE = "Free some space on the disk, or make the folder writable."

# --- the journal

_UPDATE = "Update importer and try again."
UNKNOWN_ISSUE_CODE = ErrorText(
    "{path} was written by a newer importer, or changed by hand: "
    'this version does not know the problem "{code}".',
    _UPDATE,
)
UNREACHABLE_JOURNAL = ErrorText(
    "The journal {path} cannot be read ({error}).",
    "Close the other programs that have it open, check the disk, and try again.",
)
DAMAGED_JOURNAL = ErrorText(
    "The journal {path} is damaged ({error}).",
    "Import the file again. No lead is created twice, because leads are matched by phone. "
    "No note is sent twice, because importer remembers the notes that it sent.",
)
NOT_A_JOURNAL = ErrorText(
    "{path} is not a journal of importer.", "Name one of the runs that importer runs lists."
)
OLDER_JOURNAL = ErrorText(
    "{path} was written by an older importer (journal version {version}, this one knows {known}).",
    "Import the file again. No lead is created twice, because leads are matched by phone.",
)
MISSING_WAL = ErrorText(
    "The journal {path} was copied without {wal}, which holds what was sent last.",
    "Copy the whole folder of the run again, with every file in it. Without that file, notes could be sent twice.",
)
NEWER_JOURNAL = ErrorText(
    "{path} was written by a newer importer (journal version {version}, this one knows {known}).", _UPDATE
)
INCOMPLETE_JOURNAL = ErrorText(
    "The journal {path} is not complete.", "It has sent nothing. Import the file again."
)

# --- the state folder, and the memory of sent notes

CANNOT_WRITE_STATE = ErrorText(
    "Cannot write to the state folder {folder}: {reason}. "
    "importer remembers there which notes it has sent, so nothing was sent.",
    "Make the folder writable, or name another folder on this computer with {variable}.",
)
STATE_ON_NETWORK_DRIVE = ErrorText(
    "The state folder {folder} is on a network drive ({kind}). "
    "Locks do not hold there, so two computers could send one note twice.",
    "Set {variable} to a folder on a disk of this computer.",
)
STATE_IN_USE = ErrorText(
    "Another run has been holding the state folder {folder} for too long.",
    "Perhaps it was paused by Ctrl-Z. Continue that run (type fg in its terminal) or end it, and try again.",
)
UNREADABLE_ACCOUNT = ErrorText(
    "{path} cannot be read ({error}). It says which account a key belongs to, so nothing was sent.",
    "Restore the file from a backup. If you have none, delete it: importer writes it again.",
)
UNREADABLE_OWNERS = ErrorText(
    "{path} cannot be read ({error}). It has the phones of the team that importer remembers, so nothing was sent.",
    "Restore the file from a backup. If you have none, delete it: importer asks for the phones again.",
)
UNUSABLE_MEMORY = ErrorText(
    "The list of notes already sent, {path}, cannot be used ({error}).",
    "Move it out of the folder and try again. importer rebuilds it from the runs in the reports folder that you use. "
    "Only notes of runs that were purged, or that are in another reports folder, could then be sent a second time.",
)
NEWER_MEMORY = "it is from a newer importer"
UNREADABLE_RUN_NOTES = (
    "importer cannot read which notes run {run_id} sent, so they could be sent again. {reason}"
)

# --- run ids, locks and the history

RUN_ID_TAKEN = ErrorText("There is already a run {run_id} in {reports}.", "Choose another --run-id.")
FOLDER_TAKEN = ErrorText(
    "The folder {folder} already exists, and each run makes a folder of its own.", "Choose another --run-id."
)
RUN_NOT_FOUND = ErrorText(
    "Run {run} does not exist in {reports}.", "To list the runs that exist: importer runs"
)
KILLED_WHILE_CHECKING = "it was killed while its sheet was checked; nothing was sent"
RUN_WITHOUT_JOURNAL = ErrorText(
    f"Run {{run}} has no checked rows: {KILLED_WHILE_CHECKING}, or it is checking its sheet right now.",
    "Start it again: importer run FILE",
)
RUN_LOCKED = ErrorText(
    "Run {run_id} is sending this file to this account right now.",
    "Wait until it has ended, or stop it and use importer resume.",
)
ACCOUNT_LOCKED = ErrorText(
    "Run {run_id} is sending {file} to this account right now. It is in {reports}.",
    "One run at a time sends to an account. Wait until it has ended, or stop it and use importer resume.",
)
WATCH_LOCKED = ErrorText(
    "Another importer watch is importing {file} into this account right now.",
    "Nothing is lost: the file is imported at the next look.",
)
BATCH_LOCKED = ErrorText(
    "Another batch ({file}) is running in {reports} right now.",
    "Wait until it has ended, or stop it. Then run the same command again.",
)
UNKNOWN_LOCK_HOLDER = "(of another process)"
KEPT_LINK = "it is a link to another folder"
KEPT_UNREADABLE = "its journal cannot be read, so it may belong to another program"
KEPT_OTHER_RUN = "its journal belongs to run {run_id}, so it was copied or renamed"
CANNOT_PURGE = ErrorText(
    "{path} could not be deleted: {reason}.",
    "Close the program that has it open, and run importer purge again.",
)

CANNOT_DISCARD = ErrorText(
    "{path} could not be deleted, so the sheet was not checked again: {reason}.",
    "Close the program that has it open, and import the sheet again.",
)

# --- columns and answers

ANSWERS_NOT_SAVED = ErrorText(
    "Cannot save the answers in {folder}: {reason}.", "Choose another folder with --reports."
)
ANSWERS_NOT_FORGOTTEN = ErrorText(
    "Cannot delete the answers in {path}: {reason}.",
    "Close the program that has the file open, and try again.",
)
MAP_NOT_SAVED = ErrorText("Cannot write the map {path}: {reason}.", "Choose another place with --save.")
ANSWERS_REUSED = (
    "Columns are read as you answered last time. The answers are in {path}: "
    "edit that file, or delete it to be asked again."
)
COLUMN_FROM_MAP = "named by the map"
COLUMN_FROM_SAVED_ANSWERS = "as answered last time"
COLUMN_FROM_ANSWER = "as answered"
ADDED_COLUMN = 'it was added to the report; name it with --column "{header}=FIELD"'
RENAMED_COLUMN = 'it is where "{lost}" was; if it was renamed, add --column "{header}={field}"'
MAY_BE_RENAMED = 'it is where "{lost}" was, so it may be that column under another name'
NO_NAME_COLUMN = 'No column holds the names of the leads. If one does, name it: --column "HEADER=full_name".'
PRESET_RECOGNISED = "Recognised as {title} (preset {preset})."
PRESET_FILLS = ' Rows without a {field} get "{value}".'
DEFAULT_PHONE = ErrorText(
    "{where}: each lead has its own phone, so one value cannot be used for all rows.",
    "For numbers without a country code, use --region.",
)

OWNERS_REUSED = "Leads get their owners as you answered earlier: {names}."
_MAX_OWNERS = 5


def format_unknown_owners(column: str, names: list[str]) -> str:
    """Return the sentence about owners who are named in a column, and whose phones nobody could be asked for."""
    more = len(names) - _MAX_OWNERS
    shown = ", ".join(names[:_MAX_OWNERS]) + (f" and {format_count(more)} more" if more > 0 else "")
    return (
        f'The leads of {shown} get no owner: the column "{column}" has names, but the CRM takes the phones of team members. '
        "To be asked for each phone once, use importer run at a terminal. "
        "Or write the phones into a map, under [values.assignee_user_phone]."
    )


def format_refused_owners(owners: dict[str, str]) -> str:
    """Return the sentence about owners whose phones, by name, the CRM does not have."""
    phones = " or ".join(f"{phone} ({name})" for name, phone in owners.items())
    return (
        f"The CRM has no team member with the phone {phones}. "
        "importer has forgotten it and asks again when you import failed_rows."
    )


# --- what a run reads and leaves out

NO_ROWS = ErrorText(
    "{file} has a header and no rows below it.",
    "There is nothing to import: check the file. If it may be empty on some days, add --allow-empty.",
)
LOST_ROWS = ErrorText(
    "{file} has {read} rows, but only {staged} were saved for checking: two rows have the same row number.",
    "This is an internal error in importer. Your file is fine and nothing was sent. Please report it.",
)
REPORT_WITHOUT_RUN = (
    "The run of this report is not in {reports}, so its columns are matched again. "
    "Repeat the options of that run (such as --column, --default, --no-create)."
)
REPORT_OF_OTHER_ACCOUNT = ErrorText(
    "{file} belongs to the account of the run {run}, but the API key is that of another account.",
    "Set SUPERFONE_API_KEY to the key of the run's account. In a manifest, list the file under that account.",
)
REPORT_OF_OTHER_KEY = (
    "This report is from the run {run}, which had another API key. "
    "Before you send, check that both keys are of the same account."
)


def format_limit_notice(limit: int) -> str:
    """Return the sentence that says how many rows `--limit` lets in."""
    rows = "row is" if limit == 1 else f"{format_count(limit)} rows are"
    return f"Only the first {rows} read, because of --limit. The rest of the sheet is left out."


def format_unsent_rows(file: str, rows: int, command: str) -> str:
    """Return the sentence that says how many valid rows of a checked file were not sent, and how to send them."""
    those = "1 row that can go in is" if rows == 1 else f"{format_count(rows)} rows that can go in are"
    return f"{file} was checked but not sent. Its {those} not part of this run. To send them too: {command}"


def format_rows_elsewhere(file: str, rows: int, host: str, command: str) -> str:
    """Return the sentence that says that the other rows of a report were sent to another account."""
    others = "1 other row" if rows == 1 else f"{format_count(rows)} other rows"
    return (
        f"This report is from a run that sent {others} of {file} to another account ({host}). "
        f"They are not part of this run. To send them to this account too: {command}"
    )


# --- sending, and how it ended

SEND_DECLINED = ErrorText("Nothing was sent.", "The reports of the check are in {folder}.")
INTERRUPTED = "Interrupted."
INTERRUPTED_DRAINED = "Interrupted; requests under way were finished."
INTERRUPTED_AT_ONCE = "Stopped at once. Some rows may have reached the CRM. importer resume sends them again, but without their notes, so that no note is added twice."
INTERRUPTED_BY_ERROR = "Interrupted by an internal error ({error})."
INTERRUPTED_REPORTS = ErrorText(
    "Stopped while the reports were written. The journal holds all that was sent.",
    "Write the reports with: {command}",
)
CONTINUE_WITH = "Continue with: {command}"

# --- resume and retry

RUN_ONLY_CHECKED = ErrorText("Run {run} was only checked.", "Send it with: {command}")
RUN_WITHOUT_SENDING = ErrorText("Run {run} ended before anything was sent.", "Start it again: {command}")
OTHER_ADDRESS = ErrorText(
    "The run was for {run_url}, but the address set now is {url}.",
    "Set SUPERFONE_BASE_URL to the address of the run.",
)
OTHER_ADDRESS_SANDBOX = " To start a practice CRM at that address: importer sandbox --port {port}"
OTHER_ACCOUNT = ErrorText(
    "The API key that is set seems to belong to another account than that of this run: "
    "only {found} of the run's {total} dropdown values exist there.",
    "Set the key of the run's own account. To send the sheet to this account, import the file again.",
)
DETAIL_RUN_KILLED = "the run was killed"
