"""The words for everything that can be wrong with a row, and for rows that share a phone.

An issue is shown as `Row 14, Stage: "Warm led" does not exist in your account. Did you mean "Warm lead"?`. So a sentence
here begins in lower case. The place in front of it comes from `importer/issues.py`.
"""

from __future__ import annotations

from importer.issue_codes import IssueCode as Code
from importer.messages import IssueText, format_count, undo_messages
from importer.messages.task_issue_messages import TASK_ISSUE_TEXTS

ISSUE_TEXTS: dict[Code, IssueText] = {
    **undo_messages.ISSUE_TEXTS,
    # --- a cell of any field
    Code.ERROR_VALUE: IssueText(
        "error cells", "the cell shows {value}, an Excel error. Type the value itself."
    ),
    Code.FORMULA_WITHOUT_VALUE: IssueText(
        "formulas without a value",
        "the cell has the formula {value}, but no saved value. Open the sheet in Excel, save it and try again, or type the value.",
    ),
    Code.LETTERS_LOST: IssueText(
        "letters lost",
        '"{value}" has question marks where letters, such as Hindi ones, were lost when the sheet was saved as CSV. '
        "Type the text again, or save the sheet again as a workbook or as CSV UTF-8.",
    ),
    Code.TOO_LONG: IssueText("cells too long", "the cell has {hint} characters. Shorten it."),
    # --- phones
    Code.MISSING: IssueText("missing", "{label} is missing. Fill the cell in."),
    Code.NOT_A_PHONE: IssueText(
        "not a phone",
        '"{value}" is not a phone number. Type digits only, like 98450 12345, or +971 50 123 4567 for another country.',
    ),
    Code.DIGITS_LOST: IssueText(
        "digits lost by Excel",
        "Excel shortened the number to {value}, so its last digits are lost. Format the column as Text, then paste the full "
        "number from the original list.",
    ),
    Code.TOO_SHORT: IssueText(
        "too few digits",
        '"{value}" has too few digits for a phone number. Type the full number, and a landline with its STD code.',
    ),
    Code.TOO_MANY_DIGITS: IssueText(
        "too many digits",
        '"{value}" has too many digits for one phone number. Put a comma between two numbers. Put + and the country code '
        "in front of a foreign number.",
    ),
    Code.TWO_NUMBERS: IssueText("two numbers", '"{value}" has more than one phone number. Keep only one.'),
    Code.NO_SUCH_NUMBER: IssueText(
        "no such number",
        '"{value}" cannot be a phone number: the length is right, but no number begins like this. Check the digits.',
    ),
    Code.PART_LEFT_OUT: IssueText("part left out", '"{value}" is not a phone number, so it was left out.'),
    Code.EXTENSION_LEFT_OUT: IssueText(
        "extension left out", 'the extension "{value}" was left out, because the CRM stores only the number.'
    ),
    Code.WORDS_LEFT_OUT: IssueText(
        "words beside a phone left out",
        'only the phone number in "{value}" was used. The words were left out.',
    ),
    Code.DIAL_CODE_LEFT_OUT: IssueText(
        "dial code not understood",
        'the dial code "{value}" was not understood, so it was left out. Type it like +971.',
    ),
    Code.MAYBE_SHORTENED: IssueText(
        "perhaps shortened by Excel",
        "{value} ends in zeros, so Excel may have shortened it. Compare it with the original list.",
    ),
    Code.SHORTENED: IssueText(
        "shortened by Excel",
        "{value} ends in zeros, so Excel may have shortened it, and {hint} has the same number. Type the full number from the "
        "original list. If it is correct, type it with a space, like 98450 10000.",
    ),
    Code.DRAGGED: IssueText(
        "counts up, as if dragged",
        "{value} is not the number that this row had ({hint}), and the numbers below one another count up, as if a cell was "
        "dragged down. Type the right number. If {value} is right, empty the cell _phone.",
    ),
    Code.OTHER_PHONE_USED: IssueText(
        "taken from the other phones", "{label} is empty, so {value} from the other phones was used instead."
    ),
    # --- e-mails, amounts, coordinates
    Code.NOT_AN_EMAIL: IssueText(
        "not an e-mail", '"{value}" is not an e-mail address ({hint}). Fix the address, or empty the cell.'
    ),
    Code.NOT_A_NAME: IssueText(
        "a date in place of a name",
        '"{value}" is a date, not a name. Check that each cell of the row is in its column, or type the name.',
    ),
    Code.NOT_A_NUMBER: IssueText(
        "not a number",
        '"{value}" is not one clear amount. Type it like 120000 or 1.2 lakh, or empty the cell.',
    ),
    Code.NOT_DEGREES: IssueText(
        "not degrees", '"{value}" is not a map position. Type degrees like 12.9716, or empty the cell.'
    ),
    Code.UNIT_UNCLEAR: IssueText(
        "unit not clear",
        '"{value}" is too large for an amount in {hint}s, the unit in the header. Type it with its own unit, like 65 lakh.',
    ),
    Code.OUT_OF_RANGE: IssueText("out of range", "{value} is not between {hint}. Check the cell."),
    Code.CANNOT_CLEAR: IssueText(
        "cannot be cleared", "the CRM cannot clear {label}. Empty the cell to leave the field unchanged."
    ),
    # --- cells that cost only themselves, not their row
    Code.COUNTED_AS_EMPTY: IssueText(
        "error cells counted as empty", "the cell shows {value}, an Excel error, so it counts as empty."
    ),
    Code.LEFT_OUT_BAD_CELL: IssueText(
        "left out: cannot be read", "the row was imported without this cell, because {hint}"
    ),
    Code.RANGE_KEPT_AS_INFO: IssueText(
        "ranges kept as additional info",
        '"{value}" is a range, not one amount, so it was kept in the additional info.',
    ),
    Code.LINES_KEPT_AS_INFO: IssueText(
        "lines below a name kept as additional info",
        'the first line was read as the name. "{value}" was kept in the additional info.',
    ),
    Code.RANGE_END_USED: IssueText(
        "one end of a range used", '"{value}" is a range. Its {hint} end was used as the amount.'
    ),
    Code.UNKNOWN_OWNER: IssueText(
        "owners whose phone is not known",
        '"{value}" is a name, but the CRM takes the phone of a team member. The row was imported without an owner, and the name '
        "was kept in the additional info.",
    ),
    # --- values of the account's dropdown lists; {label} is the list's name in lower case
    Code.UNKNOWN: IssueText("not in the account", '"{value}" does not exist in your account.{hint}'),
    Code.DISABLED: IssueText(
        "disabled in the account",
        'the {label} "{value}" is disabled in your account. Enable it there, or choose another.{hint}',
    ),
    Code.AMBIGUOUS: IssueText(
        "same name twice in the account",
        'your account has more than one {label} with the name "{value}". Rename one of them in the account.',
    ),
    Code.LEFT_OUT_UNKNOWN: IssueText(
        "left out: not in the account",
        '"{value}" does not exist in your account, so the row was imported without it.{hint}',
    ),
    Code.LEFT_OUT_DISABLED: IssueText(
        "left out: disabled",
        'the {label} "{value}" is disabled in your account, so the row was imported without it.{hint}',
    ),
    Code.LEFT_OUT_AMBIGUOUS: IssueText(
        "left out: same name twice in the account",
        'your account has more than one {label} with the name "{value}", so the row was imported without it.',
    ),
    Code.WITH_REMOVE_LABELS: IssueText(
        "adds and removes a label",
        'the row adds the label "{value}" and removes it too. Delete it from one of the two cells.',
    ),
    # --- the row as a whole
    Code.STRAY_QUOTE: IssueText(
        "stray quotes",
        'there is a quotation mark in the wrong place, near "{value}". Fix this line in the file.',
    ),
    Code.NUL: IssueText(
        "NUL characters", "the line contains a NUL character, so part of it may be lost. Type the row again."
    ),
    Code.UNDECODABLE: IssueText(
        "broken characters",
        'some characters could not be read, near "{value}". Type the text again, or give the right --encoding.',
    ),
    Code.RAGGED: IssueText(
        "too many cells",
        'the row has too many cells ({hint} more than the header). The first extra cell is "{value}". Check that no comma splits a cell, or give '
        "the extra column a header.",
    ),
    Code.CELL_COUNT: IssueText(
        "a comma too many or too few",
        "the row has {value} cells, but the other rows have {hint}. A comma too many or too few may have moved its values to "
        "other columns. Check each cell.",
    ),
    Code.ABOVE_HEADER: IssueText(
        "above the header",
        "the row holds a phone, but it is above the header. Put it below the header if it is a lead. If it is not, delete it.",
    ),
    Code.UNREADABLE_CONTACT: IssueText(
        "contact not readable",
        'a part of the contact that begins with "{value}" could not be read. Check its cells, or type the contact again.',
    ),
    Code.DELETED: IssueText(
        "deleted in the old CRM", "skipped because this lead was deleted in the old CRM ({value}{hint})."
    ),
    Code.TEST_ROW: IssueText("test rows", "skipped because it is a test row of the export ({value}{hint})."),
    Code.NOT_A_LEAD: IssueText("not a lead", "skipped because it is not a lead ({value}{hint})."),
    # --- what a person changed before the sending
    Code.EDITED: IssueText("changed in importer", "changed in importer. The file has {hint}."),
    Code.LEFT_OUT_BY_HAND: IssueText("left out by you", "skipped because it was left out in importer."),
    # --- rows that share a phone; {hint} names the other row
    Code.SAME_PHONE: IssueText("same phone as another row", "same phone as row {hint}: {value}."),
    Code.OTHER_NAME: IssueText(
        "same phone, another name", 'the name "{value}" is different from {hint}. They may be two people.'
    ),
    Code.MERGED: IssueText("merged with other rows", "merged with {value} because they share a phone.{hint}"),
    Code.SHARES_NUMBER: IssueText(
        "same further number, another name",
        "{value} is also a number of {hint}. The names differ, so both rows are sent as leads of their own.",
    ),
    Code.SHARED_PHONE: IssueText(
        "same phone as another row", "row {hint} has the same phone. Keep one of the two rows."
    ),
    # --- the result of sending; {value} is the server's own message
    Code.REFUSED: IssueText(
        "refused by the CRM", 'the CRM refused the row: "{value}". Fix the row and import it again.'
    ),
    Code.TURNED_AWAY: IssueText(
        "blocked before the CRM",
        "a firewall or proxy in front of the CRM probably blocked this row with {hint} ({value}). Shorten or change its note "
        "or name and import it again, or ask your network administrator to allow it.",
    ),
    Code.NO_SUCH_LEAD: IssueText(
        "no such lead",
        "the CRM has no lead with this phone, and --no-create was given. To create the lead, import the row again with --create.",
    ),
    Code.FAILED: IssueText(
        "not delivered",
        "the row could not be sent ({value}; attempts: {hint}). To send it again, run importer retry.",
    ),
    Code.UNSURE: IssueText(
        "answer lost",
        "the CRM may have saved the row, but its answer was lost ({value}). Send it again with importer retry, or importer resume if the run was stopped; it is safe.",
    ),
    # --- what a plan holds back; {value} is what the CRM has, {hint} what the sheet says
    Code.CHANGED_SINCE: IssueText(
        "changed in the CRM since",
        'somebody changed {label} to "{value}" in the CRM, and the sheet says "{hint}". Decide which is right: type it in '
        "the sheet or in the CRM, and import the row again.",
    ),
    Code.LEAD_GONE: IssueText(
        "lead not found any more",
        'the CRM showed a lead for this phone, but did not accept an update of it ("{value}"). The lead was deleted, or the '
        "phone is only an additional number of that lead. Check the lead in the CRM.",
    ),
    Code.LEAD_APPEARED: IssueText(
        "lead is new in the CRM",
        "a lead with this phone was created in the CRM after the plan was made. To plan the row again, run importer plan with the failed_rows.xlsx of this run.",
    ),
    Code.SAME_LEAD: IssueText(
        "same lead as another row",
        "row {hint} has another phone of the same lead in the CRM. Keep one of the two rows.",
    ),
    Code.OTHER_LEAD: IssueText(
        "phone of another lead",
        "{value} already belongs to another lead in the CRM. Remove it from the row, or join the two leads in the CRM.",
    ),
    Code.PHONE_NOT_SHOWN: IssueText(
        "phone not shown",
        "the CRM answered with a lead that does not have the phone {value}. Check the lead in the CRM.",
    ),
    Code.LOOKUP_FAILED: IssueText(
        "lead could not be read",
        "the CRM did not say whether it has a lead with this phone ({value}). Nothing was sent. "
        "After a plan, run importer plan with its failed_rows.xlsx. After a run, use importer retry. After an undo, undo the run again.",
    ),
    # --- what reading back found; {value} is what the CRM shows, {hint} what was sent
    Code.NOT_AS_SENT: IssueText(
        "not in the CRM as it was sent",
        '{label}: "{hint}" was sent, and the CRM shows "{value}". Check the lead in the CRM.',
    ),
    Code.LEAD_MISSING: IssueText(
        "lead not in the CRM",
        "the CRM took the row, but has no lead with the phone {value} now. It may have been deleted since. Check the CRM.",
    ),
    Code.NOT_READ_BACK: IssueText(
        "lead could not be read back",
        "the CRM did not show this lead ({value}), so nobody can tell whether it has what was sent. Verify the run again.",
    ),
    Code.NOTE_UNSURE: IssueText(
        "note may be missing",
        "the CRM may or may not have the note, so it was not sent a second time. Check the lead's timeline.",
    ),
    Code.NOTE_OTHER_KEY: IssueText(
        "note sent with another key",
        "run {hint} sent this note to this number with another API key, so it was not sent again. If that key was for "
        "another account, give this account its own state folder (IMPORTER_STATE_DIR).",
    ),
    Code.NOTE_REPEATED: IssueText(
        "note sent before", "run {hint} already sent this note to this lead, so it was not sent again."
    ),
    Code.SENT_BEFORE: IssueText(
        "sent before",
        "the CRM took the same values from run {hint} on {value}, so the row is not sent again.",
    ),
    **TASK_ISSUE_TEXTS,
}

# --- the {hint} of a value that does not exist or is disabled
DID_YOU_MEAN = " Did you mean {titles}?"
SEE_DROPDOWNS = " Run importer dropdowns to see the values that exist."

# --- the {hint} of DRAGGED, if the number before is not known any more
FIRST_REPORT = "see the first report"

# --- the {hint} of RANGE_END_USED
LOWER_END, UPPER_END = "lower", "upper"

# --- the {hint} of EDITED
FILE_VALUE, EMPTY_CELL = '"{value}"', "an empty cell"

# --- the {value} of SAME_PHONE
MERGED_INTO_THAT_ROW = "its values were merged into that row"
FIRST_ROW_WAS_KEPT = "only the first row is imported"
LAST_ROW_WAS_KEPT = "only the last row is imported"

# --- the {value} and {hint} of MERGED, OTHER_NAME and SHORTENED
ROW_WITH_NAME = 'row {row} "{name}"'
VALUE_REPLACED = " {label}: row {row} changed {old} to {new}."
MORE_VALUES_REPLACED = " {count} more values were changed."
EMPTY_VALUE = "empty"
MORE_ROWS = "{count} more"


def format_rows(rows: list[str], *, max_named: int) -> str:
    """Return `row 9`, `rows 9 and 12`, or `rows 3, 4 and 29,993 more`: at most `max_named` rows, if more are left."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    unnamed = len(rows) - max_named
    if unnamed > 1:
        *first, last = [*rows[:max_named], MORE_ROWS.format(count=format_count(unnamed))]
    else:
        *first, last = rows
    return f"rows {', '.join(first)} and {last}"
