"""The catalogue of what can be wrong with a row: code, severity, sentence.

An issue is a value. What people read of it (`text`, `sentence`) and what scripts read (`machine_code`) are
both made here, so that a new kind of fault is one new line of `CATALOGUE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from importer.fields import FIELDS_BY_NAME, get_field_label


class Severity(StrEnum):
    """What an issue does to its row."""

    ERROR = "error"  # the row is refused; mend the cell and feed it again
    NOT_A_LEAD = "left out"  # the row is refused and there is nothing to mend: it is no lead
    WARNING = "warning"  # the row goes in; something about it should be known


class IssueCode(StrEnum):
    """Every code of the catalogue; `_codes` and `summary.json` show it as `field.code`."""

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
    PROMOTED = "promoted"
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
    FOLDED = "folded"
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


class IssueKind(msgspec.Struct, frozen=True):
    """One entry of the catalogue; `sentence` may name {value}, {hint} and {label} (the field's)."""

    severity: Severity
    title: str
    sentence: str


E, L, W = Severity.ERROR, Severity.NOT_A_LEAD, Severity.WARNING

ISSUE_CATALOGUE: dict[str, IssueKind] = {
    # --- cells, any field
    IssueCode.ERROR_VALUE: IssueKind(E, "error cells", "the cell shows {value}, an Excel error. Type the value itself."),
    IssueCode.FORMULA_WITHOUT_VALUE: IssueKind(
        E,
        "formulas without a value",
        "the cell holds the formula {value} and no stored value. Open the sheet in Excel, save it, and try again; or type the value itself.",
    ),
    IssueCode.LETTERS_LOST: IssueKind(
        E,
        "letters lost",
        '"{value}" stands where letters were, such as Hindi ones: they were lost when the sheet was saved as plain CSV. Type '
        "them again, or save the sheet again from its program, as a workbook or as CSV UTF-8.",
    ),
    IssueCode.TOO_LONG: IssueKind(E, "cells too long", "the cell has {hint} characters. Shorten it."),
    # --- phones
    IssueCode.MISSING: IssueKind(E, "missing", "{label} is missing. Fill the cell in."),
    IssueCode.NOT_A_PHONE: IssueKind(
        E, "not a phone", '"{value}" is not a phone number. Type digits alone, like 98450 12345, or +971 50 123 4567 from abroad.'
    ),
    IssueCode.DIGITS_LOST: IssueKind(
        E,
        "digits lost by Excel",
        "Excel has shortened the number to {value}, and its last digits are gone. Format the column as Text, then paste "
        "the full number from the original list.",
    ),
    IssueCode.TOO_SHORT: IssueKind(
        E, "too few digits", '"{value}" has too few digits for a phone number. Type it in full, a landline with its STD code.'
    ),
    IssueCode.TOO_MANY_DIGITS: IssueKind(
        E,
        "too many digits",
        '"{value}" has too many digits for one phone number. Put a comma between two numbers, and + and the country code '
        "in front of one from abroad.",
    ),
    IssueCode.TWO_NUMBERS: IssueKind(E, "two numbers", '"{value}" holds more than one phone number. Keep the one that is meant.'),
    IssueCode.NO_SUCH_NUMBER: IssueKind(
        E, "no such number", 'no phone has the number "{value}": its length is right, but nothing begins like this. Check the digits.'
    ),
    IssueCode.PART_LEFT_OUT: IssueKind(W, "part left out", '"{value}" is not a phone number and was left out.'),
    IssueCode.EXTENSION_LEFT_OUT: IssueKind(W, "extension left out", 'the extension "{value}" was left out: the CRM keeps the number alone.'),
    IssueCode.WORDS_LEFT_OUT: IssueKind(W, "words beside a phone left out", 'only the phone number was taken from "{value}"; its words were left out.'),
    IssueCode.DIAL_CODE_LEFT_OUT: IssueKind(
        W, "dial code not understood", 'the dial code "{value}" was not understood and left out. Type it like +971.'
    ),
    IssueCode.MAYBE_SHORTENED: IssueKind(
        W,
        "perhaps shortened by Excel",
        "{value} ends in zeros, as numbers do that Excel has shortened. Compare it with the original list.",
    ),
    IssueCode.SHORTENED: IssueKind(
        E,
        "shortened by Excel",
        "{value} ends in zeros, as numbers do that Excel has shortened, and {hint} has the same. Type the full number from "
        "the original list. If it is right as it is, type it with a space, like 98450 10000.",
    ),
    IssueCode.PROMOTED: IssueKind(W, "taken from the other phones", "{label} is empty, so {value} of the other phones was taken."),
    # --- e-mails, numbers
    IssueCode.NOT_AN_EMAIL: IssueKind(E, "not an e-mail", '"{value}" is not an e-mail address ({hint}). Mend or empty the cell.'),
    IssueCode.NOT_A_NUMBER: IssueKind(E, "not a number", '"{value}" is not one clear amount. Type it like 120000 or 1.2 lakh, or empty the cell.'),
    IssueCode.NOT_DEGREES: IssueKind(E, "not degrees", '"{value}" is no place on the map. Type degrees like 12.9716, or empty the cell.'),
    IssueCode.UNIT_UNCLEAR: IssueKind(
        E, "unit not clear", '"{value}" is too much for {hint}s, as the header has it. Type it with its unit, like 65 lakh.'
    ),
    IssueCode.OUT_OF_RANGE: IssueKind(E, "out of range", "{value} is not between {hint}. Check the cell."),
    IssueCode.CANNOT_CLEAR: IssueKind(E, "cannot be cleared", "{label} cannot be cleared through the API. Empty the cell to leave it alone."),
    # --- dropdown titles; {label} is the list's name in lower case
    IssueCode.UNKNOWN: IssueKind(E, "not in the account", 'the account has no {label} "{value}".{hint}'),
    IssueCode.DISABLED: IssueKind(
        E, "disabled in the account", 'the {label} "{value}" is disabled in the account. Enable it there or choose another.{hint}'
    ),
    IssueCode.AMBIGUOUS: IssueKind(
        E, "two of one name", 'the account has more than one {label} named "{value}". Rename one of them in the account.'
    ),
    IssueCode.LEFT_OUT_UNKNOWN: IssueKind(W, "left out: not in the account", 'the account has no {label} "{value}"; the value was left out.{hint}'),
    IssueCode.LEFT_OUT_DISABLED: IssueKind(W, "left out: disabled", 'the {label} "{value}" is disabled in the account; the value was left out.{hint}'),
    IssueCode.LEFT_OUT_AMBIGUOUS: IssueKind(W, "left out: two of one name", 'the account has more than one {label} named "{value}"; the value was left out.'),
    IssueCode.WITH_REMOVE_LABELS: IssueKind(E, "adds and removes labels", "a row can add labels or remove labels, not both. Empty one of the two cells."),
    # --- rows
    IssueCode.STRAY_QUOTE: IssueKind(E, "stray quotes", 'a quotation mark stands where none may be, near "{value}". Mend the line in the file.'),
    IssueCode.NUL: IssueKind(E, "NUL characters", "the line holds a NUL character, so part of it may be gone. Type the row again."),
    IssueCode.UNDECODABLE: IssueKind(E, "broken characters", 'something could not be read, near "{value}". Type what stood there, or name the right --encoding.'),
    IssueCode.RAGGED: IssueKind(E, "too many cells", 'the row has {hint} cells more than the header, the first is "{value}". Check that no comma splits a cell, or give its column a header.'),
    IssueCode.DELETED: IssueKind(L, "deleted in the old CRM", "the old CRM had deleted this lead ({value}{hint}), so it was not imported."),
    IssueCode.TEST_ROW: IssueKind(L, "test rows", "this is a test row of the export ({value}{hint}), so it was not imported."),
    IssueCode.NOT_A_LEAD: IssueKind(L, "not a lead", "this row is no lead ({value}{hint}), so it was not imported."),
    # --- rows that share a phone; {hint} names the other row
    IssueCode.FOLDED: IssueKind(W, "same phone as another row", "same phone as row {hint}; {value}."),
    IssueCode.OTHER_NAME: IssueKind(W, "same phone, another name", 'its name "{value}" is not that of {hint}: they may be two people.'),
    IssueCode.MERGED: IssueKind(W, "took in other rows", "took in {value} with the same phone{hint}."),
    IssueCode.SHARED_PHONE: IssueKind(E, "same phone as another row", "row {hint} has the same phone. Keep one of the two."),
    # --- what the sending made of it; {value} is the server's own message
    IssueCode.REFUSED: IssueKind(E, "refused by the CRM", 'the CRM refused the row: "{value}". Mend it and feed it back.'),
    IssueCode.TURNED_AWAY: IssueKind(
        E,
        "turned away before the CRM",
        "something between here and the CRM (most likely a firewall) turned this row away with {hint} ({value}). Shorten or "
        "reword its note or name and feed it back, or ask whoever runs your network to let it through.",
    ),
    IssueCode.NO_SUCH_LEAD: IssueKind(E, "no such lead", "the CRM has no lead with this phone, and --no-create was given. Feed the row back with --create to make one."),
    IssueCode.FAILED: IssueKind(E, "not delivered", "the row could not be delivered in {hint} attempts ({value}). Run importer retry."),
    IssueCode.UNSURE: IssueKind(E, "answer lost", "the row may have gone in, but the CRM's answer was lost ({value}). Run importer retry: it is safe."),
    IssueCode.NOTE_UNSURE: IssueKind(W, "note may be missing", "the note may or may not have been added, so it was not sent a second time. Look at the lead's timeline."),
    IssueCode.NOTE_OTHER_KEY: IssueKind(
        W,
        "note sent with another key",
        "run {hint} sent this note to this number with another API key, so it was not sent again. If that was "
        "another account, give this one a reports folder of its own (--reports).",
    ),
    IssueCode.NOTE_REPEATED: IssueKind(W, "note sent before", "run {hint} has already sent this note to this lead, so it was not sent again."),
}  # fmt: skip


class UnknownCodeError(LookupError):
    """A code that is not in the catalogue, as where a newer importer has written it."""


def get_issue_kind(code: str) -> IssueKind:
    """The entry of the catalogue. Raises UnknownCode."""
    try:
        return ISSUE_CATALOGUE[code]
    except KeyError:
        raise UnknownCodeError(code) from None


READER_CODES = frozenset(
    {IssueCode.STRAY_QUOTE, IssueCode.NUL, IssueCode.UNDECODABLE, IssueCode.RAGGED, IssueCode.TOO_LONG}
)
"""Codes of what the reader finds wrong with a row as a whole: its cells alone do not tell it again."""

LOST_CHARACTER = "\ufffd"
"""Stands in a cell where something could not be read (�). A row that holds one is refused until it is mended."""


class Issue(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that is wrong with one row.

    `field` is a field's name, or "row" for the row as a whole; `code` is a key of `CATALOGUE`; `column` is
    the sheet's own header; `value` is the offending text as typed; `hint` fills the sentence's {hint}.
    """

    field: str
    code: str
    column: str = ""
    value: str = ""
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """What it does to its row."""
        return get_issue_kind(self.code).severity

    @property
    def machine_code(self) -> str:
        """`field.code`, as `_codes` and `summary.json` show it."""
        return f"{self.field}.{self.code}"


def describe_issue(issue: Issue) -> str:
    """What is wrong, with no place: `the account has no stage "Warm led". Did you mean "Warm lead"?`."""
    field = FIELDS_BY_NAME.get(issue.field)
    label = field.label.lower() if field is not None and field.dropdown else (field.label if field else "")
    label = label.removesuffix("s") if field is not None and field.kind == "titles" else label
    return get_issue_kind(issue.code).sentence.format(value=_short(issue.value), hint=issue.hint, label=label)


def format_issue(number: int, issue: Issue) -> str:
    """`Row 14, Stage: the account has no stage "Warm led". Did you mean "Warm lead"?`."""
    place = f"Row {number}, {issue.column}" if issue.column else f"Row {number}"
    return f"{place}: {describe_issue(issue)}"


def get_issue_title(machine_code: str) -> str:
    """`lead_stage_name.unknown` as people say it: `Stage: not in the account`."""
    field, _, code = machine_code.rpartition(".")
    title = get_issue_kind(code).title
    return title if field == "row" else f"{get_field_label(field)}: {title}"


def is_blocking(machine_code: str) -> bool:
    """Whether a problem keeps its rows out, rather than only being worth knowing."""
    return get_issue_kind(machine_code.rpartition(".")[2]).severity is not Severity.WARNING


def select_reader_issues(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """What the reader found wrong with the row as a whole, for whoever judges its cells again."""
    return tuple(issue for issue in issues if issue.field == "row" and issue.code in READER_CODES)


def find_unreadable_cells(cells: Sequence[str]) -> tuple[Issue, ...]:
    """What is lost in cells that say so themselves, whoever wrote them: another program, or an earlier run."""
    together = "".join(cells)
    faults = (Issue("row", IssueCode.NUL),) if "\0" in together else ()
    if LOST_CHARACTER not in together:
        return faults
    return (
        *faults,
        Issue("row", IssueCode.UNDECODABLE, "", next(cell for cell in cells if LOST_CHARACTER in cell)),
    )


def find_unreadable_rows(rows: Sequence[Sequence[str]]) -> dict[int, tuple[Issue, ...]]:
    """The same of many rows, by place; most have none, so each is looked at as one text first."""
    if not any("\0" in text or LOST_CHARACTER in text for text in map("".join, rows)):
        return {}
    return {at: faults for at, cells in enumerate(rows) if (faults := find_unreadable_cells(cells))}


def format_suggestion(titles: list[str]) -> str:
    """The {hint} of an unknown title: ` Did you mean "A" or "B"?`, or where to look where nothing is like it."""
    quoted = " or ".join(f'"{title}"' for title in titles)
    return f" Did you mean {quoted}?" if titles else " importer dropdowns lists what there is."


def _short(value: str, limit: int = 80) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"
