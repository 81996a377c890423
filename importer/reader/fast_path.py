"""The short way of a row in which nothing is odd: what its cells add to the body was worked out before.

Fields that do not touch each other are judged apart, by the very same drafter and judge, and what comes out is
remembered as a piece of JSON; a row is then little more than its pieces put together. A row about which
anything is to be said, be it a warning, goes the long way, which alone knows the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, Final, TypeAlias

import msgspec

from importer.fields import FIELDS_BY_NAME
from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.emails import plain_address, read_emails
from importer.loader.cells.names import read_full_name
from importer.loader.cells.phones import compile_plain_reader
from importer.loader.cells.text import TEXT_READERS, is_plain
from importer.loader.rows.column_rules import CLEAR, without_rules
from importer.loader.rows.drafts import Step, compile_drafter, steps_of
from importer.loader.rows.row_rules import compile_row_rules
from importer.models.mapping import AccountTitles, ColumnChoice, Mapping
from importer.models.row import Payload, SourceRow
from importer.settings import UnknownPolicy
from importer.validator.judge import compile_judge

Cells: TypeAlias = Sequence[str]
"""The cells of a row, or those of a column."""
PlainBodies: TypeAlias = Callable[[Sequence[Cells]], tuple[list[str], list[str | None]]]
"""Cells of rows to their phones and the bodies of their requests; None for a row that has to go the long way."""

_MOST_REMEMBERED = 20_000  # pieces a group: what is different in every row must not fill the memory
_LONG = 100
_ODD: Final = "\0"
"""The piece of cells of which something is to be said; no JSON holds it."""
_PHONES = "customer_phone"
_TOUCHING = {"add_phones": _PHONES, "dial_code": _PHONES, "add_labels": "labels", "remove_labels": "labels"}
_NAMES = dict.fromkeys(("full_name", "first_name", "last_name"), "name")
_OTHER_NAMES = {**_NAMES, "additional_info": "name"}  # which takes a full name that is another
"""Fields that are judged together: names where a full name is among them, with the information where it has company.

All parts of the address are, too.
"""
_MARK: Final = "\ue000"  # in the place of a value; JSON writes it as it is


def compile_plain_bodies(
    mapping: Mapping, titles: AccountTitles, *, region: str, unknown: UnknownPolicy
) -> PlainBodies | None:
    """What works out the phones and bodies of many rows at once; None where every row has to go the long way."""
    groups = _groups_of(mapping)
    phones = groups.pop(_PHONES, None)
    if phones is None or _is_special(phones) or not phones.find_columns(_PHONES):
        return None
    read_phones = _compile_phones(phones, region)
    is_no_lead = compile_row_rules(mapping.row_rules, mapping.columns)
    judges = [_pieces_of(group, titles, region, unknown) for group in groups.values()]

    def bodies_of(rows: Sequence[Cells]) -> tuple[list[str], list[str | None]]:
        columns = list(zip(*rows, strict=True))
        phones, openings = read_phones(columns)
        pieces = [judge.pieces_of(columns) for judge in judges]
        joined = map("".join, zip(openings, *pieces, repeat("}"), strict=False))
        bodies = [None if _ODD in body else body for body in joined]
        if is_no_lead is not None:
            bodies = [None if is_no_lead(row) else body for row, body in zip(rows, bodies, strict=True)]
        return phones, bodies

    return bodies_of


class _Pieces(dict[Any, str]):
    """What the cells of one group of columns add to the body of a request: JSON with a comma in front, "" or _ODD."""

    def __init__(self, indexes: Sequence[int]) -> None:
        self._indexes = indexes

    def pieces_of(self, columns: Sequence[Cells]) -> Iterable[str]:
        """The piece of each row. What stands in its columns is a text, or a tuple of them where they are several."""
        if len(self._indexes) == 1:
            return map(self.__getitem__, columns[self._indexes[0]])
        if not self._indexes:
            return repeat(self[()], len(columns[0]))
        return map(self.__getitem__, zip(*[columns[at] for at in self._indexes], strict=True))

    def __missing__(self, key: Any) -> str:
        piece = self.judge(key)
        if len(self) < _MOST_REMEMBERED and len(piece) < _LONG:
            self[key] = piece
        return piece

    def judge(self, key: Any) -> str:
        """The piece, worked out."""
        raise NotImplementedError


class _ColumnPieces(_Pieces):
    """Of columns in whose cells the account has no say: read and put together as in a draft."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__([step.at for step in steps])
        self._steps = [(step.read, step.put) for step in steps]

    def judge(self, key: str | tuple[str, ...]) -> str:
        payload: Payload = {}
        for (read, put), text in zip(self._steps, (key,) if isinstance(key, str) else key, strict=True):
            value = read(text) if text else None
            if type(value) is CellError or value is CLEAR:
                return _ODD
            if value is not None:
                put(payload, value)
        return _piece(payload)


class _TextPieces(_ColumnPieces):
    """Of a column of texts: a plain one is its own JSON.

    Where they differ in nearly every row, such as postal codes, that is not looked up.
    """

    def __init__(self, step: Step) -> None:
        super().__init__([step])
        self._before, self._behind = _around(step, _MARK)

    def pieces_of(self, columns: Sequence[Cells]) -> Iterable[str]:
        if len(self) < _MOST_REMEMBERED:
            return super().pieces_of(columns)
        before, behind = self._before, self._behind
        return [
            f"{before}{text}{behind}" if is_plain(text) else self[text] for text in columns[self._indexes[0]]
        ]

    def judge(self, key: str | tuple[str, ...]) -> str:
        if isinstance(key, str) and is_plain(key):
            return f"{self._before}{key}{self._behind}"
        return super().judge(key)


class _NamePieces(_ColumnPieces):
    """Of a column of full names, alone with them: they differ in nearly every row, and most are two plain words."""

    def judge(self, key: str | tuple[str, ...]) -> str:
        if isinstance(key, str) and is_plain(key) and "," not in key and len(words := key.split(" ")) == 2:
            return f',"first_name":"{words[0]}","last_name":"{words[1]}"'
        return super().judge(key)


class _EmailPieces(_ColumnPieces):
    """Of a column of e-mails: they differ in nearly every row, so plain ones are not looked up at all."""

    def __init__(self, step: Step) -> None:
        super().__init__([step])
        self._before, self._behind = _around(step, [_MARK])

    def pieces_of(self, columns: Sequence[Cells]) -> Iterable[str]:
        before, behind = self._before, self._behind
        return [
            f"{before}{address}{behind}" if text and (address := plain_address(text)) else self[text]
            for text in columns[self._indexes[0]]
        ]


def _around(step: Step, value: Any) -> tuple[str, str]:
    """The JSON before and behind a value that the step puts into a body."""
    payload: Payload = {}
    step.put(payload, value)
    before, _, behind = _piece(payload).rpartition(_MARK)
    return before, behind


class _GroupPieces(_Pieces):
    """Of fields that the account has a say in, or that have a default."""

    def __init__(self, group: Mapping, titles: AccountTitles, region: str, unknown: UnknownPolicy) -> None:
        super().__init__([column.index for column in group.columns])
        self._draft = compile_drafter(group, region=region)
        self._judge = compile_judge(titles, headers={}, unknown=unknown)
        self._width = max(self._indexes, default=0) + 1

    def judge(self, key: str | tuple[str, ...]) -> str:
        cells = [""] * self._width
        for index, text in zip(self._indexes, (key,) if isinstance(key, str) else key, strict=True):
            cells[index] = text
        draft = self._draft(SourceRow(0, tuple(cells)))
        if any(issue.code != IssueCode.MISSING for issue in draft.issues):  # the phone, which is judged apart
            return _ODD
        if self._judge(msgspec.structs.replace(draft, issues=())).issues:
            return _ODD
        return _piece(draft.payload)


_encode = msgspec.json.Encoder().encode


def _piece(payload: Payload) -> str:
    return f",{_encode(payload).decode()[1:-1]}" if payload else ""


def _pieces_of(group: Mapping, titles: AccountTitles, region: str, unknown: UnknownPolicy) -> _Pieces:
    told_elsewhere = group.defaults or any(column.rules.constant is not None for column in group.columns)
    if told_elsewhere or any(FIELDS_BY_NAME[column.field].dropdown for column in group.columns):
        return _GroupPieces(group, titles, region, unknown)
    steps = steps_of(group, region=region)
    if len(steps) == 1 and steps[0].read is read_emails:
        return _EmailPieces(steps[0])
    if len(steps) == 1 and steps[0].read is read_full_name:
        return _NamePieces(steps)
    if len(steps) == 1 and steps[0].read in TEXT_READERS:
        return _TextPieces(steps[0])
    return _ColumnPieces(steps)


def _groups_of(mapping: Mapping) -> dict[str, Mapping]:
    """The mapping cut into parts that do not touch each other, in the order of the sheet."""
    fields = [column.field for column in mapping.columns if column.field in FIELDS_BY_NAME] + list(
        mapping.defaults
    )
    has_other_names = "first_name" in fields or "last_name" in fields
    names = (_OTHER_NAMES if has_other_names else _NAMES) if "full_name" in fields else {}
    touching = _TOUCHING | names

    def group_of(field: str) -> str:
        return touching.get(field, field.partition(".")[0])

    return {
        name: msgspec.structs.replace(
            mapping,
            columns=tuple(
                c for c in mapping.columns if c.field in FIELDS_BY_NAME and group_of(c.field) == name
            ),
            defaults={field: text for field, text in mapping.defaults.items() if group_of(field) == name},
            row_rules=(),
        )
        for name in dict.fromkeys(map(group_of, fields))
    }


def _is_special(phones: Mapping) -> bool:
    """Whether phones are read with more than their own cells: constants, defaults, a dial code."""
    constant = any(column.rules.constant is not None for column in phones.columns)
    return constant or bool(phones.defaults) or bool(phones.find_columns("dial_code"))


def _compile_phones(phones: Mapping, region: str) -> Callable[[Sequence[Cells]], tuple[list[str], list[str]]]:
    """Reads the leads' phones, and how their bodies begin; _ODD where a phone is not plain."""
    own, *further = phones.find_columns(_PHONES)
    others = [
        (column.index, _phone_reader(column, region))
        for column in further + phones.find_columns("add_phones")
    ]
    read_own = _phone_reader(own, region)

    def with_others(opening: str, own: str, texts: Iterable[str]) -> str:
        numbers = [read(text) for (_, read), text in zip(others, texts, strict=True) if text]
        if opening is _ODD or not all(numbers):
            return _ODD
        rest = '","'.join([number for number in dict.fromkeys(numbers) if number != own])
        return f'{opening},"add_phones":["{rest}"]' if rest else opening

    def read_phones(columns: Sequence[Cells]) -> tuple[list[str], list[str]]:
        owns = list(map(read_own, columns[own.index]))
        openings = [f'{{"customer_phone":"{phone}"' if phone else _ODD for phone in owns]
        for at, texts in enumerate(zip(*[columns[at] for at, _ in others], strict=True)):
            if any(texts):
                openings[at] = with_others(openings[at], owns[at], texts)
        return owns, openings

    return read_phones


def _phone_reader(column: ColumnChoice, region: str) -> Callable[[str], str]:
    read, rules = compile_plain_reader(region), column.rules
    if rules.prefixes or rules.separators or rules.empty_values:
        return lambda text: read(without_rules(text, column))
    return read
