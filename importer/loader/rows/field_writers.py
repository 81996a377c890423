"""Writes the value of a cell into a payload, beside what other columns of the row already wrote there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from importer.fields import Field, Kind
from importer.loader.vocabulary import load_vocabulary, normalize_header, split_words
from importer.models.mapping import ColumnChoice, Mapping, format_column_name
from importer.models.row import Payload

FieldWriter = Callable[[Payload, Any], None]


def select_writer(field: Field, mapping: Mapping, column: ColumnChoice) -> FieldWriter:
    """Return how a value of this column is written."""
    name = field.name
    if name.startswith("address."):
        return _AddressPart(name.removeprefix("address.")).write
    if field.kind is Kind.FULL_NAME:
        has_other_names = any(mapping.find_columns(other) for other in ("first_name", "last_name"))
        return _FullNameBesideOthers(column.header).write if has_other_names else write_full_name
    if field.kind in (Kind.EMAILS, Kind.TITLES):
        return _ListValue(name).write
    if field.takes_many_columns and (len(mapping.find_columns(name)) > 1 or _needs_header(column)):
        return TextLine(name, column.header or format_column_name(column.index)).write
    return _SingleValue(name).write


def _needs_header(column: ColumnChoice) -> bool:
    """Return whether a text means little without its header: `Rating: Hot` in the additional info, not `Hot`."""
    if column.field != "additional_info" or not column.header:
        return False
    header = normalize_header(column.header)
    vocabulary = load_vocabulary()
    return header in vocabulary.kept_headers or vocabulary.known_headers.get(header) != column.field


class _SingleValue:
    """Sets a field."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, payload: Payload, value: Any) -> None:
        payload[self._name] = value


class _ListValue:
    """Adds the items of a list to those of other columns."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, payload: Payload, value: list[str]) -> None:
        name = self._name
        if name not in payload:
            payload[name] = list(value)
        else:
            payload[name] = list(dict.fromkeys([*payload[name], *value]))


class TextLine:
    """Adds a line `Header: text` to a text that several columns share."""

    def __init__(self, name: str, header: str) -> None:
        self._name = name
        self._header = header

    def write(self, payload: Payload, value: str) -> None:
        """Add the line of a value to the payload."""
        line = f"{self._header}: {value}"
        text = payload.get(self._name)
        payload[self._name] = f"{text}\n{line}" if text else line


class _AddressPart:
    """Sets one part of the address. A second text for the same part follows the first, after a comma."""

    def __init__(self, part: str) -> None:
        self._part = part

    def write(self, payload: Payload, value: Any) -> None:
        address = payload.setdefault("address", {})
        before = address.get(self._part)
        address[self._part] = f"{before}, {value}" if isinstance(value, str) and before else value


class _FullNameBesideOthers:
    """Writes a full name in a sheet that also has first or last names.

    A full name that differs from them, or has a part without a place, is kept in the additional info. A title or a
    middle name beside both is not: exports have columns of their own for these.
    """

    def __init__(self, header: str) -> None:
        self._write_info = TextLine("additional_info", header).write

    def write(self, payload: Payload, value: tuple[str, str]) -> None:
        write_full_name(payload, value)
        name = " ".join(value).strip()
        first, last, full = (
            set(split_words(text))
            for text in (payload.get("first_name") or "", payload.get("last_name") or "", name)
        )
        if not (full <= first | last or (first and last and first | last <= full)):
            self._write_info(payload, name)


def write_full_name(payload: Payload, value: tuple[str, str]) -> None:
    """Write both halves of a full name where they are empty. It runs last, so first and last name columns win.

    `Rao` as the full name beside `Rao` as the last name adds no first name.
    """
    first, last = value
    has_first, has_last = "first_name" in payload, "last_name" in payload
    if not has_first and (not has_last or payload["last_name"] == last):
        payload["first_name"] = first
    if last and not has_last and payload["first_name"] == first:
        payload["last_name"] = last
