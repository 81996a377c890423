"""Everything that can be wrong with a row: its machine codes and its words, and the words for rows that share a phone.

A code is what `_codes` and `summary.json` show, so a value never changes; only a member's name may. The severity of each
code is in `importer/issues.py`.

An issue is shown as `Row 14, Stage: "Warm led" does not exist in your account. Did you mean "Warm lead"?`. So a sentence
here begins in lower case. The place in front of it comes from `importer/issues.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class IssueCode(StrEnum):
    """Every code of the catalogue. `_codes` and `summary.json` show it as `field.code`."""

    ERROR_VALUE = "error_value"
    FORMULA_WITHOUT_VALUE = "formula_without_value"
    LETTERS_LOST = "letters_lost"
    TOO_LONG = "too_long"
    MISSING = "missing"
    NOT_A_PHONE = "not_a_phone"
    DIGITS_LOST = "digits_lost"
    TOO_SHORT = "too_short"
    TOO_MANY_DIGITS = "too_many_digits"
    TWO_NUMBERS = "two_numbers"
    NO_SUCH_NUMBER = "no_such_number"
    PART_LEFT_OUT = "part_left_out"
    EXTENSION_LEFT_OUT = "extension_left_out"
    WORDS_LEFT_OUT = "words_left_out"
    DIAL_CODE_LEFT_OUT = "dial_code_left_out"
    MAYBE_SHORTENED = "maybe_shortened"
    SHORTENED = "shortened"
    OTHER_PHONE_USED = "promoted"
    NOT_AN_EMAIL = "not_an_email"
    NOT_A_NUMBER = "not_a_number"
    NOT_DEGREES = "not_degrees"
    UNIT_UNCLEAR = "unit_unclear"
    OUT_OF_RANGE = "out_of_range"
    CANNOT_CLEAR = "cannot_clear"
    UNKNOWN = "unknown"
    DISABLED = "disabled"
    AMBIGUOUS = "ambiguous"
    LEFT_OUT_UNKNOWN = "left_out_unknown"
    LEFT_OUT_DISABLED = "left_out_disabled"
    LEFT_OUT_AMBIGUOUS = "left_out_ambiguous"
    WITH_REMOVE_LABELS = "with_remove_labels"
    STRAY_QUOTE = "stray_quote"
    NUL = "nul"
    UNDECODABLE = "undecodable"
    RAGGED = "ragged"
    DELETED = "deleted"
    TEST_ROW = "test_row"
    NOT_A_LEAD = "not_a_lead"
    SAME_PHONE = "folded"
    OTHER_NAME = "other_name"
    MERGED = "merged"
    SHARED_PHONE = "shared_phone"
    REFUSED = "refused"
    TURNED_AWAY = "turned_away"
    NO_SUCH_LEAD = "no_such_lead"
    FAILED = "failed"
    UNSURE = "unsure"
    NOTE_UNSURE = "note_unsure"
    NOTE_OTHER_KEY = "note_other_key"
    NOTE_REPEATED = "note_repeated"


class IssueText(NamedTuple):
    """The words for one code: a `title` for counts and charts, and a `sentence` for one row.

    The sentence may contain {value} (the text in the cell), {hint} (a detail of this row) and {label} (the field's name).
    """

    title: str
    sentence: str


ISSUE_TEXTS: dict[IssueCode, IssueText] = {
    # --- a cell of any field
    IssueCode.ERROR_VALUE: IssueText(
        "error cells", "the cell shows {value}, an Excel error. Type the value itself."
    ),
    IssueCode.FORMULA_WITHOUT_VALUE: IssueText(
        "formulas without a value",
        "the cell has the formula {value}, but no saved value. Open the sheet in Excel, save it and try again, or type the value.",
    ),
    IssueCode.LETTERS_LOST: IssueText(
        "letters lost",
        '"{value}" has question marks where letters, such as Hindi ones, were lost when the sheet was saved as CSV. '
        "Type the text again, or save the sheet again as a workbook or as CSV UTF-8.",
    ),
    IssueCode.TOO_LONG: IssueText("cells too long", "the cell has {hint} characters. Shorten it."),
    # --- phones
    IssueCode.MISSING: IssueText("missing", "{label} is missing. Fill the cell in."),
    IssueCode.NOT_A_PHONE: IssueText(
        "not a phone",
        '"{value}" is not a phone number. Type digits only, like 98450 12345, or +971 50 123 4567 for another country.',
    ),
    IssueCode.DIGITS_LOST: IssueText(
        "digits lost by Excel",
        "Excel shortened the number to {value}, so its last digits are lost. Format the column as Text, then paste the full "
        "number from the original list.",
    ),
    IssueCode.TOO_SHORT: IssueText(
        "too few digits",
        '"{value}" has too few digits for a phone number. Type the full number, and a landline with its STD code.',
    ),
    IssueCode.TOO_MANY_DIGITS: IssueText(
        "too many digits",
        '"{value}" has too many digits for one phone number. Put a comma between two numbers. Put + and the country code '
        "in front of a foreign number.",
    ),
    IssueCode.TWO_NUMBERS: IssueText(
        "two numbers", '"{value}" has more than one phone number. Keep only one.'
    ),
    IssueCode.NO_SUCH_NUMBER: IssueText(
        "no such number",
        '"{value}" cannot be a phone number: the length is right, but no number begins like this. Check the digits.',
    ),
    IssueCode.PART_LEFT_OUT: IssueText(
        "part left out", '"{value}" is not a phone number, so it was left out.'
    ),
    IssueCode.EXTENSION_LEFT_OUT: IssueText(
        "extension left out", 'the extension "{value}" was left out, because the CRM stores only the number.'
    ),
    IssueCode.WORDS_LEFT_OUT: IssueText(
        "words beside a phone left out",
        'only the phone number in "{value}" was used. The words were left out.',
    ),
    IssueCode.DIAL_CODE_LEFT_OUT: IssueText(
        "dial code not understood",
        'the dial code "{value}" was not understood, so it was left out. Type it like +971.',
    ),
    IssueCode.MAYBE_SHORTENED: IssueText(
        "perhaps shortened by Excel",
        "{value} ends in zeros, so Excel may have shortened it. Compare it with the original list.",
    ),
    IssueCode.SHORTENED: IssueText(
        "shortened by Excel",
        "{value} ends in zeros, so Excel may have shortened it, and {hint} has the same number. Type the full number from the "
        "original list. If it is correct, type it with a space, like 98450 10000.",
    ),
    IssueCode.OTHER_PHONE_USED: IssueText(
        "taken from the other phones", "{label} is empty, so {value} from the other phones was used instead."
    ),
    # --- e-mails, amounts, coordinates
    IssueCode.NOT_AN_EMAIL: IssueText(
        "not an e-mail", '"{value}" is not an e-mail address ({hint}). Fix the address, or empty the cell.'
    ),
    IssueCode.NOT_A_NUMBER: IssueText(
        "not a number",
        '"{value}" is not one clear amount. Type it like 120000 or 1.2 lakh, or empty the cell.',
    ),
    IssueCode.NOT_DEGREES: IssueText(
        "not degrees", '"{value}" is not a map position. Type degrees like 12.9716, or empty the cell.'
    ),
    IssueCode.UNIT_UNCLEAR: IssueText(
        "unit not clear",
        '"{value}" is too large for an amount in {hint}s, the unit in the header. Type it with its own unit, like 65 lakh.',
    ),
    IssueCode.OUT_OF_RANGE: IssueText("out of range", "{value} is not between {hint}. Check the cell."),
    IssueCode.CANNOT_CLEAR: IssueText(
        "cannot be cleared", "the CRM cannot clear {label}. Empty the cell to leave the field unchanged."
    ),
    # --- values of the account's dropdown lists; {label} is the list's name in lower case
    IssueCode.UNKNOWN: IssueText("not in the account", '"{value}" does not exist in your account.{hint}'),
    IssueCode.DISABLED: IssueText(
        "disabled in the account",
        'the {label} "{value}" is disabled in your account. Enable it there, or choose another.{hint}',
    ),
    IssueCode.AMBIGUOUS: IssueText(
        "same name twice in the account",
        'your account has more than one {label} with the name "{value}". Rename one of them in the account.',
    ),
    IssueCode.LEFT_OUT_UNKNOWN: IssueText(
        "left out: not in the account",
        '"{value}" does not exist in your account, so the row was imported without it.{hint}',
    ),
    IssueCode.LEFT_OUT_DISABLED: IssueText(
        "left out: disabled",
        'the {label} "{value}" is disabled in your account, so the row was imported without it.{hint}',
    ),
    IssueCode.LEFT_OUT_AMBIGUOUS: IssueText(
        "left out: same name twice in the account",
        'your account has more than one {label} with the name "{value}", so the row was imported without it.',
    ),
    IssueCode.WITH_REMOVE_LABELS: IssueText(
        "adds and removes labels",
        "a row can add labels or remove labels, but not both. Empty one of the two cells.",
    ),
    # --- the row as a whole
    IssueCode.STRAY_QUOTE: IssueText(
        "stray quotes",
        'there is a quotation mark in the wrong place, near "{value}". Fix this line in the file.',
    ),
    IssueCode.NUL: IssueText(
        "NUL characters", "the line contains a NUL character, so part of it may be lost. Type the row again."
    ),
    IssueCode.UNDECODABLE: IssueText(
        "broken characters",
        'some characters could not be read, near "{value}". Type the text again, or give the right --encoding.',
    ),
    IssueCode.RAGGED: IssueText(
        "too many cells",
        'the row has {hint} cells more than the header; the first is "{value}". Check that no comma splits a cell, or give '
        "the extra column a header.",
    ),
    IssueCode.DELETED: IssueText(
        "deleted in the old CRM", "skipped because this lead was deleted in the old CRM ({value}{hint})."
    ),
    IssueCode.TEST_ROW: IssueText(
        "test rows", "skipped because it is a test row of the export ({value}{hint})."
    ),
    IssueCode.NOT_A_LEAD: IssueText("not a lead", "skipped because it is not a lead ({value}{hint})."),
    # --- rows that share a phone; {hint} names the other row
    IssueCode.SAME_PHONE: IssueText("same phone as another row", "same phone as row {hint}: {value}."),
    IssueCode.OTHER_NAME: IssueText(
        "same phone, another name", 'the name "{value}" is different from {hint}. They may be two people.'
    ),
    IssueCode.MERGED: IssueText(
        "merged with other rows", "merged with {value} because they share a phone.{hint}"
    ),
    IssueCode.SHARED_PHONE: IssueText(
        "same phone as another row", "row {hint} has the same phone. Keep one of the two rows."
    ),
    # --- the result of sending; {value} is the server's own message
    IssueCode.REFUSED: IssueText(
        "refused by the CRM", 'the CRM refused the row: "{value}". Fix the row and import it again.'
    ),
    IssueCode.TURNED_AWAY: IssueText(
        "blocked before the CRM",
        "a firewall or proxy in front of the CRM probably blocked this row with {hint} ({value}). Shorten or change its note "
        "or name and import it again, or ask your network administrator to allow it.",
    ),
    IssueCode.NO_SUCH_LEAD: IssueText(
        "no such lead",
        "the CRM has no lead with this phone, and --no-create was given. To create the lead, import the row again with --create.",
    ),
    IssueCode.FAILED: IssueText(
        "not delivered",
        "the row could not be sent in {hint} attempts ({value}). To send it again, run importer retry.",
    ),
    IssueCode.UNSURE: IssueText(
        "answer lost",
        "the CRM may have saved the row, but its answer was lost ({value}). Run importer retry; it is safe to send the row again.",
    ),
    IssueCode.NOTE_UNSURE: IssueText(
        "note may be missing",
        "the CRM may or may not have the note, so it was not sent a second time. Check the lead's timeline.",
    ),
    IssueCode.NOTE_OTHER_KEY: IssueText(
        "note sent with another key",
        "run {hint} sent this note to this number with another API key, so it was not sent again. If that key was for "
        "another account, give this account its own reports folder (--reports).",
    ),
    IssueCode.NOTE_REPEATED: IssueText(
        "note sent before", "run {hint} already sent this note to this lead, so it was not sent again."
    ),
}

# --- the {hint} of a value that does not exist or is disabled
DID_YOU_MEAN = " Did you mean {titles}?"
SEE_DROPDOWNS = " Run importer dropdowns to see the values that exist."

# --- the {value} of SAME_PHONE
MERGED_INTO_THAT_ROW = "its values were merged into that row"
FIRST_ROW_WAS_KEPT = "only the first row is imported"
LAST_ROW_WAS_KEPT = "only the last row is imported"

# --- the {value} and {hint} of MERGED, OTHER_NAME and SHORTENED
ROW_WITH_NAME = 'row {row} "{name}"'
VALUE_REPLACED = " {label}: row {row} changed {old} to {new}."
MORE_VALUES_REPLACED = " {count:,} more values were changed."
EMPTY_VALUE = "empty"
MORE_ROWS = "{count:,} more"


def format_rows(numbers: list[int], *, max_named: int) -> str:
    """Return `row 9`, `rows 9 and 12`, or `rows 3, 4 and 29,993 more`: at most `max_named` numbers, if more are left."""
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    unnamed = len(numbers) - max_named
    if unnamed > 1:
        *first, last = [*map(str, numbers[:max_named]), MORE_ROWS.format(count=unnamed)]
    else:
        *first, last = map(str, numbers)
    return f"rows {', '.join(first)} and {last}"
