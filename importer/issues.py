"""What can be wrong with a row: its code, its severity, and how it is shown to people and to scripts.

An issue is a value, not an exception. `describe_issue` and `format_issue` give the words for people; `machine_code` is
for scripts. To add a kind of issue, add its code, its severity here and its words in `messages/issue_messages.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from enum import StrEnum
from typing import TypeAlias

import msgspec

from importer.fields import FIELDS_BY_NAME, get_field_label
from importer.issue_codes import IssueCode
from importer.messages.issue_messages import DID_YOU_MEAN, ISSUE_TEXTS, SEE_DROPDOWNS

__all__ = [
    "ISSUE_CATALOGUE",
    "LOST_CHARACTER",
    "READER_CODES",
    "Issue",
    "IssueCode",
    "IssueKind",
    "Severity",
    "UnknownCodeError",
    "describe_issue",
    "find_unreadable_cells",
    "find_unreadable_rows",
    "format_issue",
    "format_suggestion",
    "get_issue_kind",
    "get_issue_title",
    "is_blocking",
    "is_optional_cell_error",
    "select_reader_issues",
]

_MAX_VALUE_CHARS = 80  # of a cell's text in a sentence
_AROUND_TITLES = DID_YOU_MEAN.split("{titles}")


class Severity(StrEnum):
    """What an issue does to its row."""

    ERROR = "error"  # the row is rejected: fix the cell and import it again
    NOT_A_LEAD = "left out"  # the row is skipped because it is not a lead: nothing to fix
    WARNING = "warning"  # the row is imported, but the user should know about something


NOT_LEAD_CODES = frozenset({IssueCode.DELETED, IssueCode.TEST_ROW, IssueCode.NOT_A_LEAD})
_WARNINGS = frozenset(
    {
        IssueCode.PART_LEFT_OUT,
        IssueCode.EXTENSION_LEFT_OUT,
        IssueCode.WORDS_LEFT_OUT,
        IssueCode.DIAL_CODE_LEFT_OUT,
        IssueCode.MAYBE_SHORTENED,
        IssueCode.OTHER_PHONE_USED,
        IssueCode.COUNTED_AS_EMPTY,
        IssueCode.LEFT_OUT_BAD_CELL,
        IssueCode.RANGE_KEPT_AS_INFO,
        IssueCode.RANGE_END_USED,
        IssueCode.LINES_KEPT_AS_INFO,
        IssueCode.UNKNOWN_OWNER,
        IssueCode.LEFT_OUT_UNKNOWN,
        IssueCode.LEFT_OUT_DISABLED,
        IssueCode.LEFT_OUT_AMBIGUOUS,
        IssueCode.EDITED,
        IssueCode.SAME_PHONE,
        IssueCode.OTHER_NAME,
        IssueCode.MERGED,
        IssueCode.SHARES_NUMBER,
        IssueCode.CREATED_AND_MARKED,
        IssueCode.WAS_EMPTY,
        IssueCode.ONLY_ADDED,
        IssueCode.ASSIGNEE_NOT_SHOWN,
        IssueCode.TITLE_GONE,
        IssueCode.NOT_AS_SENT,
        IssueCode.LEAD_MISSING,
        IssueCode.NOT_READ_BACK,
        IssueCode.NOTE_UNSURE,
        IssueCode.NOTE_OTHER_KEY,
        IssueCode.NOTE_REPEATED,
        IssueCode.SENT_BEFORE,
        IssueCode.DUE_MOVED,
        IssueCode.TASK_KEPT,
        IssueCode.TASK_EXISTS,
        IssueCode.TASK_REPEATED,
        IssueCode.TASK_TOO_LATE,
        IssueCode.TASK_WITHOUT_LEAD,
        IssueCode.TASK_REFUSED,
        IssueCode.TASK_FAILED,
        IssueCode.TASK_NOT_SHOWN,
        IssueCode.TASK_UNSURE,
    }
)


_CELL_ERRORS = frozenset(
    {
        IssueCode.ERROR_VALUE,
        IssueCode.FORMULA_WITHOUT_VALUE,
        IssueCode.LETTERS_LOST,
        IssueCode.NOT_A_PHONE,
        IssueCode.DIGITS_LOST,
        IssueCode.TOO_SHORT,
        IssueCode.TOO_MANY_DIGITS,
        IssueCode.TWO_NUMBERS,
        IssueCode.NO_SUCH_NUMBER,
        IssueCode.NOT_AN_EMAIL,
        IssueCode.NOT_A_NAME,
        IssueCode.NOT_A_NUMBER,
        IssueCode.NOT_DEGREES,
        IssueCode.UNIT_UNCLEAR,
        IssueCode.OUT_OF_RANGE,
        IssueCode.NOT_A_DUE_DATE,
        IssueCode.DUE_IN_PAST,
        IssueCode.NOT_A_TASK_TYPE,
        IssueCode.CANNOT_CLEAR,
    }
)
"""Errors of a single cell. A value that the account does not have is not among them: --unknown decides about it."""


class IssueKind(msgspec.Struct, frozen=True):
    """One entry of the catalogue. `sentence` may contain {value}, {hint} and {label} (the field's name)."""

    severity: Severity
    title: str
    sentence: str


def _get_severity(code: IssueCode) -> Severity:
    if code in _WARNINGS:
        return Severity.WARNING
    is_skipped = code in NOT_LEAD_CODES or code is IssueCode.LEFT_OUT_BY_HAND
    return Severity.NOT_A_LEAD if is_skipped else Severity.ERROR


ISSUE_CATALOGUE: dict[str, IssueKind] = {
    code: IssueKind(_get_severity(code), *ISSUE_TEXTS[code]) for code in IssueCode
}


class UnknownCodeError(LookupError):
    """A code that is not in the catalogue. A newer version of importer may have written it."""


def get_issue_kind(code: str) -> IssueKind:
    """Return the catalogue's entry for a code. Raise UnknownCodeError if there is none."""
    try:
        return ISSUE_CATALOGUE[code]
    except KeyError:
        raise UnknownCodeError(code) from None


READER_CODES = frozenset(
    {
        IssueCode.STRAY_QUOTE,
        IssueCode.NUL,
        IssueCode.UNDECODABLE,
        IssueCode.RAGGED,
        IssueCode.CELL_COUNT,
        IssueCode.ABOVE_HEADER,
        IssueCode.TOO_LONG,
        IssueCode.UNREADABLE_CONTACT,
    }
)
"""Codes of problems that the reader finds with a row as a whole. They cannot be found again from its cells alone."""

LOST_CHARACTER = "\ufffd"
"""Replaces a character that could not be read (�). A row with one is rejected until the cell is fixed."""


class Issue(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that is wrong with one row.

    `field` is a field's name, or "row" for the row as a whole. `code` is a key of ISSUE_CATALOGUE. `column` is the
    sheet's own header. `value` is the text as typed. `hint` replaces {hint} in the sentence.
    """

    field: str
    code: str
    column: str = ""
    value: str = ""
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """What the issue does to its row."""
        return get_issue_kind(self.code).severity

    @property
    def machine_code(self) -> str:
        """`field.code`, as `_codes` and `summary.json` show it."""
        return format_machine_code(self.field, self.code)


def format_machine_code(field: str, code: str) -> str:
    """Return the machine code of an issue of a field: `row.other_name`."""
    return f"{field}.{code}"


def is_about(machine_code: str, codes: Container[str]) -> bool:
    """Return whether a machine code has one of the codes, in whichever field."""
    return machine_code.rpartition(".")[2] in codes


Translate: TypeAlias = Callable[[str], str]
"""Returns a text of ours in the language of a front end. `str` leaves it in English."""


def describe_issue(issue: Issue, translate: Translate = str) -> str:
    """Return the sentence without a place: `"Warm led" does not exist in your account. Did you mean "Warm lead"?`."""
    sentence = translate(get_issue_kind(issue.code).sentence)
    value = translate(issue.value) if issue.code == IssueCode.SAME_PHONE else _shorten(issue.value)
    label = translate(_get_label(issue.field))
    return sentence.format(value=value, hint=_translate_suggestion(issue.hint, translate), label=label)


def format_issue(row: str | int, issue: Issue) -> str:
    """Return the sentence with its place: `Row 14, City: the cell shows #N/A, an Excel error. Type the value itself.`.

    `row` is its name (`name_row`).
    """
    place = f"Row {row}, {issue.column}" if issue.column else f"Row {row}"
    return f"{place}: {describe_issue(issue)}"


def get_issue_title(machine_code: str, translate: Translate = str) -> str:
    """Return the title of a machine code: `lead_stage_name.unknown` is `Stage: not in the account`."""
    field, _, code = machine_code.rpartition(".")
    title = translate(get_issue_kind(code).title)
    return title if field == "row" else f"{translate(get_field_label(field))}: {title}"


def is_blocking(machine_code: str) -> bool:
    """Return whether an issue keeps its row out of the import. A warning does not."""
    return get_issue_kind(machine_code.rpartition(".")[2]).severity is not Severity.WARNING


def is_optional_cell_error(machine_code: str) -> bool:
    """Return whether an issue is an error of a cell without which its row could go in: any cell but the phone's."""
    field, _, code = machine_code.rpartition(".")
    return code in _CELL_ERRORS and field != "customer_phone"


def select_reader_issues(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Return the issues that the reader found with the row as a whole. They are kept when its cells are judged again."""
    return tuple(issue for issue in issues if issue.field == "row" and issue.code in READER_CODES)


def find_unreadable_cells(cells: Sequence[str]) -> tuple[Issue, ...]:
    """Return the issues of cells with a NUL or a lost character, whichever program or run wrote them."""
    row_text = "".join(cells)
    issues = (Issue("row", IssueCode.NUL),) if "\0" in row_text else ()
    if LOST_CHARACTER not in row_text:
        return issues
    first = next(cell for cell in cells if LOST_CHARACTER in cell)
    return (*issues, Issue("row", IssueCode.UNDECODABLE, "", first))


def find_unreadable_rows(rows: Sequence[Sequence[str]]) -> dict[int, tuple[Issue, ...]]:
    """Return the same for many rows, by index. Most have none, so each row is first searched as one text."""
    if not any("\0" in text or LOST_CHARACTER in text for text in map("".join, rows)):
        return {}
    return {at: issues for at, cells in enumerate(rows) if (issues := find_unreadable_cells(cells))}


def format_suggestion(titles: list[str]) -> str:
    """Return the {hint} of an unknown title: ` Did you mean "A" or "B"?`, or how to list what exists."""
    if not titles:
        return SEE_DROPDOWNS
    return DID_YOU_MEAN.format(titles=" or ".join(f'"{title}"' for title in titles))


def _translate_suggestion(hint: str, translate: Translate) -> str:
    """Return a {hint} with its own words translated: those of `format_suggestion`. Titles stay as they are."""
    before, after = _AROUND_TITLES
    if hint.startswith(before) and hint.endswith(after):
        return translate(DID_YOU_MEAN).format(titles=hint.removeprefix(before).removesuffix(after))
    return translate(hint)


def _get_label(field_name: str) -> str:
    """Return the name of a field within a sentence: "Phone", but "stage" and "label" for a dropdown list."""
    field = FIELDS_BY_NAME.get(field_name)
    if field is None:
        return ""
    label = field.label.lower() if field.dropdown else field.label
    return label.removesuffix("s") if field.kind == "titles" else label


def _shorten(value: str) -> str:
    return value if len(value) <= _MAX_VALUE_CHARS else value[: _MAX_VALUE_CHARS - 1] + "…"
