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

from importer.fields import BY_NAME, Kind
from importer.loader.cells import Fault
from importer.loader.cells.emails import plain_address, read_emails
from importer.loader.cells.phones import compile_plain_reader
from importer.loader.cells.text import TEXT_READERS, is_plain
from importer.loader.drafts import compile_column_reader, compile_drafter, needs_its_header
from importer.loader.wraps import CLEAR
from importer.models import AccountTitles, ColumnChoice, Mapping, SourceRow
from importer.settings import Unknown
from importer.validator import compile_judge

Cells: TypeAlias = Sequence[str]
"""The cells of a row, or those of a column."""
PlainBodies: TypeAlias = Callable[[Sequence[Cells]], tuple[list[str], list[str | None]]]
"""Cells of rows to their phones and the bodies of their requests; None for a row that has to go the long way."""

_MOST_REMEMBERED = 20_000  # pieces a group: what is different in every row must not fill the memory
_LONG = 100
_ODD: Final = "\0"
"""The piece of cells of which something is to be said; no JSON holds it."""
_PHONES = "customer_phone"
_TOUCHING = {
    "add_phones": _PHONES, "dial_code": _PHONES, "full_name": "name", "first_name": "name", "last_name": "name",
    "add_labels": "labels", "remove_labels": "labels",
}  # fmt: skip
"""Fields that are judged together; all parts of the address are, too."""


def compile_plain_bodies(
    mapping: Mapping, titles: AccountTitles, *, region: str, unknown: Unknown
) -> PlainBodies | None:
    """What works out the phones and bodies of many rows at once; None where every row has to go the long way."""
    groups = _groups_of(mapping)
    phones = groups.pop(_PHONES, None)
    if phones is None or mapping.row_rules or _is_special(phones) or not phones.columns_of(_PHONES):
        return None
    read_phones = _compile_phones(phones, region)
    judges = [
        _judge_of_column(group, region)
        if _is_one_column(group)
        else _GroupPieces(group, titles, region, unknown)
        for group in groups.values()
    ]

    def bodies_of(rows: Sequence[Cells]) -> tuple[list[str], list[str | None]]:
        columns = list(zip(*rows, strict=True))
        phones, openings = read_phones(columns)
        pieces = [judge.pieces_of(columns) for judge in judges]
        bodies = map("".join, zip(openings, *pieces, repeat("}"), strict=False))
        return phones, [None if _ODD in body else body for body in bodies]

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
    """Of a column that is alone with its field, and whose cells the account has no say in."""

    def __init__(self, column: ColumnChoice, read: Callable[[str], Any]) -> None:
        super().__init__([column.index])
        self._read = read
        name, _, part = column.field.partition(".")
        self._before, self._behind = (f',"{name}":{{"{part}":', "}") if part else (f',"{name}":', "")

    def judge(self, key: str) -> str:
        value = self._read(key) if key else None
        if value is None:
            return ""
        if type(value) is Fault or value is CLEAR:
            return _ODD
        return f"{self._before}{_encode(value).decode()}{self._behind}"


class _TextPieces(_ColumnPieces):
    """Of a column of texts: a plain one is its own JSON.

    Where they differ in nearly every row, such as postal codes, that is not looked up.
    """

    def pieces_of(self, columns: Sequence[Cells]) -> Iterable[str]:
        if len(self) < _MOST_REMEMBERED:
            return super().pieces_of(columns)
        before, behind = f'{self._before}"', f'"{self._behind}'
        return [
            f"{before}{text}{behind}" if is_plain(text) else self[text] for text in columns[self._indexes[0]]
        ]

    def judge(self, key: str) -> str:
        return f'{self._before}"{key}"{self._behind}' if is_plain(key) else super().judge(key)


class _EmailPieces(_ColumnPieces):
    """Of a column of e-mails: they differ in nearly every row, so plain ones are not looked up at all."""

    def pieces_of(self, columns: Sequence[Cells]) -> Iterable[str]:
        before, behind = f'{self._before}["', f'"]{self._behind}'
        return [
            f"{before}{address}{behind}" if text and (address := plain_address(text)) else self[text]
            for text in columns[self._indexes[0]]
        ]


def _judge_of_column(group: Mapping, region: str) -> _ColumnPieces:
    read = compile_column_reader(group, group.columns[0], region=region)
    if read is read_emails:
        return _EmailPieces(group.columns[0], read)
    return (
        _TextPieces(group.columns[0], read) if read in TEXT_READERS else _ColumnPieces(group.columns[0], read)
    )


class _GroupPieces(_Pieces):
    """Of fields that touch each other, that the account has a say in, or that have a default."""

    def __init__(self, group: Mapping, titles: AccountTitles, region: str, unknown: Unknown) -> None:
        super().__init__([column.index for column in group.columns])
        self._draft = compile_drafter(group, region=region)
        self._judge = compile_judge(titles, headers={}, unknown=unknown)
        self._width = max(self._indexes, default=0) + 1

    def judge(self, key: str | tuple[str, ...]) -> str:
        cells = [""] * self._width
        for index, text in zip(self._indexes, (key,) if isinstance(key, str) else key, strict=True):
            cells[index] = text
        draft = self._draft(SourceRow(0, tuple(cells)))
        if any(issue.code != "missing" for issue in draft.issues):  # the phone, which is judged apart
            return _ODD
        if self._judge(msgspec.structs.replace(draft, issues=())).issues:
            return _ODD
        return f",{_encode(draft.payload).decode()[1:-1]}" if draft.payload else ""


_encode = msgspec.json.Encoder().encode


def _groups_of(mapping: Mapping) -> dict[str, Mapping]:
    """The mapping cut into parts that do not touch each other, in the order of the sheet."""
    fields = [column.field for column in mapping.columns if column.field in BY_NAME] + list(mapping.defaults)
    return {
        name: msgspec.structs.replace(
            mapping,
            columns=tuple(c for c in mapping.columns if c.field in BY_NAME and _group_of(c.field) == name),
            defaults={field: text for field, text in mapping.defaults.items() if _group_of(field) == name},
        )
        for name in dict.fromkeys(map(_group_of, fields))
    }


def _group_of(field: str) -> str:
    return _TOUCHING.get(field, field.partition(".")[0])


def _is_one_column(group: Mapping) -> bool:
    if len(group.columns) != 1 or group.defaults or group.columns[0].rules.constant is not None:
        return False
    field = BY_NAME[group.columns[0].field]
    return (
        field.dropdown is None and field.kind is not Kind.FULL_NAME and not needs_its_header(group.columns[0])
    )


def _is_special(phones: Mapping) -> bool:
    """Whether phones are read with more than their own cells: rules, defaults, a dial code."""
    rules = [column.rules for column in phones.columns]
    ruled = any(r.prefixes or r.joiners or r.drop_values or r.constant is not None for r in rules)
    return ruled or bool(phones.defaults) or bool(phones.columns_of("dial_code"))


def _compile_phones(phones: Mapping, region: str) -> Callable[[Sequence[Cells]], tuple[list[str], list[str]]]:
    """Reads the leads' phones, and how their bodies begin; _ODD where a phone is not plain."""
    read = compile_plain_reader(region)
    first, *further = [column.index for column in phones.columns_of(_PHONES)]
    others = further + [column.index for column in phones.columns_of("add_phones")]

    def with_others(opening: str, own: str, texts: Iterable[str]) -> str:
        numbers = [read(text) for text in texts if text]
        if opening is _ODD or not all(numbers):
            return _ODD
        rest = '","'.join([number for number in dict.fromkeys(numbers) if number != own])
        return f'{opening},"add_phones":["{rest}"]' if rest else opening

    def read_phones(columns: Sequence[Cells]) -> tuple[list[str], list[str]]:
        owns = list(map(read, columns[first]))
        openings = [f'{{"customer_phone":"{own}"' if own else _ODD for own in owns]
        for at, texts in enumerate(zip(*[columns[at] for at in others], strict=True)):
            if any(texts):
                openings[at] = with_others(openings[at], owns[at], texts)
        return owns, openings

    return read_phones
