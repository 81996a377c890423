"""What cells add to the body of a request, as JSON. A fragment is computed once for each text and remembered.

The fields of one group of columns affect only each other, so a body is the fragments of its groups put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Final, TypeAlias

import msgspec

from importer.fields import FIELDS_BY_NAME
from importer.issues import IssueCode
from importer.loader.cells.emails import parse_simple_email, read_emails
from importer.loader.cells.person_names import is_honorific, is_title, read_full_name
from importer.loader.cells.text import TEXT_READERS, is_normalized
from importer.loader.mapping.header_match import FREE_TEXTS
from importer.loader.rows.cell_policy import READ_BY_POLICY
from importer.loader.rows.drafts import ColumnStep, Drafter, build_column_steps
from importer.loader.rows.rules import CLEAR
from importer.models.mapping import AccountTitles, Mapping
from importer.models.row import Payload, SourceRow
from importer.settings import UnknownPolicy
from importer.validator.judge import Judge

Cells: TypeAlias = Sequence[str]
"""The cells of a row, or of a column."""

NEEDS_SLOW_PATH: Final = "\0"
"""The fragment of cells with an issue. JSON never contains this character, so one search in a body finds it."""

_MAX_REMEMBERED = 20_000  # fragments of a group: texts that differ in every row must not fill the memory
_MAX_REMEMBERED_CHARS = 100
_JSON_LINE_BREAK = r"\n"
PLACEHOLDER: Final = "\ue000"  # a character for private use, which JSON does not escape

_encode = msgspec.json.Encoder().encode


def to_fragment(payload: Payload) -> str:
    """Return the payload as JSON with a comma in front instead of the braces; "" for an empty payload."""
    return f",{_encode(payload).decode()[1:-1]}" if payload else ""


def split_fragment(payload: Payload) -> list[str]:
    """Return the fragment around each PLACEHOLDER in the payload: [',"city":"', '"'].

    So msgspec writes all but the values themselves. The caller's values need no escape.
    """
    return to_fragment(payload).split(PLACEHOLDER)


class Fragments(dict[Any, str]):
    """The remembered fragments of one group of columns.

    The key is the text of a cell, or a tuple of texts if the group has several columns.
    """

    def __init__(self, indexes: Sequence[int]) -> None:
        self._indexes = indexes

    def get_column(self, columns: Sequence[Cells]) -> Iterable[str]:
        """Return the fragment of each row. `columns` are the cells of a block by column."""
        if len(self._indexes) == 1:
            return map(self.__getitem__, columns[self._indexes[0]])
        if not self._indexes:
            return repeat(self[()], len(columns[0]))
        return map(self.__getitem__, zip(*[columns[at] for at in self._indexes], strict=True))

    def __missing__(self, key: Any) -> str:
        fragment = self.build(key)
        if len(self) < _MAX_REMEMBERED and len(fragment) < _MAX_REMEMBERED_CHARS:
            self[key] = fragment
        return fragment

    def build(self, key: Any) -> str:
        """Compute a fragment."""
        raise NotImplementedError


class ColumnFragments(Fragments):
    """Columns without a dropdown list of the account: cells are read and written as in a draft."""

    def __init__(self, steps: Sequence[ColumnStep]) -> None:
        super().__init__([step.cell_index for step in steps])
        self._steps = [(step.read, step.write) for step in steps]

    def build(self, key: str | tuple[str, ...]) -> str:
        """Read the cells, and write their values into a payload."""
        payload: Payload = {}
        for (read, write), text in zip(self._steps, (key,) if isinstance(key, str) else key, strict=True):
            value = read(text) if text else None
            if type(value) in READ_BY_POLICY or value is CLEAR:
                return NEEDS_SLOW_PATH
            if value is not None:
                write(payload, value)
        return to_fragment(payload)


class TextFragments(ColumnFragments):
    """One column of texts: a normalized text is its own JSON.

    Texts that differ in nearly every row, such as PIN codes, are not looked up at all.
    """

    def __init__(self, step: ColumnStep) -> None:
        super().__init__([step])
        self._before, self._after = _split_step(step, PLACEHOLDER)

    def get_column(self, columns: Sequence[Cells]) -> Iterable[str]:
        """Return the fragment of each row."""
        if len(self) < _MAX_REMEMBERED:
            return super().get_column(columns)
        before, after = self._before, self._after
        return [
            f"{before}{text}{after}" if is_normalized(text) else self[text]
            for text in columns[self._indexes[0]]
        ]

    def build(self, key: str | tuple[str, ...]) -> str:
        """Put a normalized text into the JSON of its field."""
        if isinstance(key, str) and is_normalized(key):
            return f"{self._before}{key}{self._after}"
        return super().build(key)


class LineFragments(ColumnFragments):
    """Several columns that are lines of one text, such as `Class: XII` and `Course: JEE` in the additional info.

    Sheets have many columns that go to no field, and most cells are normalized: 0.4 instead of 0.9 microseconds a cell.
    """

    def __init__(self, steps: Sequence[ColumnStep]) -> None:
        super().__init__(steps)
        self._before, self._after = split_fragment({steps[0].field: PLACEHOLDER})
        self._line_starts = [_split_step(step, PLACEHOLDER)[0].removeprefix(self._before) for step in steps]

    def build(self, key: str | tuple[str, ...]) -> str:
        """Join the lines if every cell is empty or normalized."""
        lines = []
        for start, text in zip(self._line_starts, key, strict=True):
            if text:
                if not is_normalized(text):
                    return super().build(key)
                lines.append(f"{start}{text}")
        return f"{self._before}{_JSON_LINE_BREAK.join(lines)}{self._after}" if lines else ""


class FullNameFragments(ColumnFragments):
    """One column of full names: they differ in nearly every row, and most are two words that need no normalizing."""

    def __init__(self, step: ColumnStep) -> None:
        super().__init__([step])
        both_names = {"first_name": PLACEHOLDER, "last_name": PLACEHOLDER}
        self._before, self._between, self._after = split_fragment(both_names)

    def build(self, key: str | tuple[str, ...]) -> str:
        """Put two simple words into the JSON of both names."""
        if (
            isinstance(key, str)
            and is_normalized(key)
            and not key[0].isdigit()  # it may be a date
            and "," not in key
            and len(words := key.split(" ")) == 2
            and not is_title(words[0])
            and not is_honorific(words[1])
        ):
            return f"{self._before}{words[0]}{self._between}{words[1]}{self._after}"
        return super().build(key)


class EmailFragments(ColumnFragments):
    """One column of e-mail addresses: they differ in nearly every row, so simple ones are not looked up at all."""

    def __init__(self, step: ColumnStep) -> None:
        super().__init__([step])
        self._before, self._after = _split_step(step, [PLACEHOLDER])

    def get_column(self, columns: Sequence[Cells]) -> Iterable[str]:
        """Return the fragment of each row."""
        before, after = self._before, self._after
        return [
            f"{before}{address}{after}" if text and (address := parse_simple_email(text)) else self[text]
            for text in columns[self._indexes[0]]
        ]


class JudgedFragments(Fragments):
    """Columns that need the judge, because they have a dropdown list, a default or a constant."""

    def __init__(self, group: Mapping, titles: AccountTitles, region: str, unknown: UnknownPolicy) -> None:
        super().__init__([column.index for column in group.columns])
        self._draft = Drafter(group, region=region).draft
        self._judge = Judge(titles, headers={}, unknown=unknown).judge
        self._width = max(self._indexes, default=0) + 1

    def build(self, key: str | tuple[str, ...]) -> str:
        """Draft and judge a row that has only these cells."""
        cells = [""] * self._width
        for index, text in zip(self._indexes, (key,) if isinstance(key, str) else key, strict=True):
            cells[index] = text
        draft = self._draft(SourceRow(0, tuple(cells)))
        if any(issue.code != IssueCode.MISSING for issue in draft.issues):  # the phone is in another group
            return NEEDS_SLOW_PATH
        if self._judge(msgspec.structs.replace(draft, issues=())).issues:
            return NEEDS_SLOW_PATH
        return to_fragment(draft.payload)


def select_fragments(group: Mapping, titles: AccountTitles, region: str, unknown: UnknownPolicy) -> Fragments:
    """Return the fastest fragments for a group of columns. `group` is the mapping with only its columns."""
    has_fixed_values = group.defaults or any(column.rules.constant is not None for column in group.columns)
    if has_fixed_values or any(FIELDS_BY_NAME[column.field].dropdown for column in group.columns):
        return JudgedFragments(group, titles, region, unknown)
    steps = build_column_steps(group, region=region)
    if len(steps) != 1:
        return LineFragments(steps) if _are_lines(steps) else ColumnFragments(steps)
    if steps[0].read is read_emails:
        return EmailFragments(steps[0])
    if steps[0].read is read_full_name:
        return FullNameFragments(steps[0])
    if steps[0].read in TEXT_READERS:
        return TextFragments(steps[0])
    return ColumnFragments(steps)


def _are_lines(steps: Sequence[ColumnStep]) -> bool:
    """Return whether several columns are lines of one text, each with its header."""
    fields = {step.field for step in steps}
    if any(PLACEHOLDER in step.header for step in steps):
        return False  # such a header cannot be told from the place of the text
    return len(fields) == 1 and fields <= FREE_TEXTS and all(step.read in TEXT_READERS for step in steps)


def _split_step(step: ColumnStep, value: Any) -> list[str]:
    """Return the fragment around a value that the step writes. `value` is or contains a PLACEHOLDER."""
    payload: Payload = {}
    step.write(payload, value)
    return split_fragment(payload)
