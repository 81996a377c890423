"""Which columns a person is asked about, and the questions about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from importer.fields import FIELDS
from importer.loader.cells.person_names import find_name_beside_phone
from importer.loader.cells.text import has_digit
from importer.loader.mapping.map_file import make_column_key
from importer.loader.mapping.rest_columns import REST_FIELD
from importer.messages import run_messages
from importer.models.mapping import (
    NAME_FIELDS,
    ColumnChoice,
    Mapping,
    MatchSource,
)
from importer.pipeline.questions import ColumnQuestion
from importer.reader.protocol import SheetPreview

_MAX_SAMPLES = 3  # cells of a column in a question


def build_renamed_column(preview: SheetPreview, index: int, lost: ColumnChoice) -> ColumnChoice:
    """Return a new column with the field of the one in whose place it is, and samples of its own cells."""
    cells = dict.fromkeys(row.cells[index] for row in preview.sample if row.cells[index])
    return msgspec.structs.replace(
        lost,
        index=index,
        header=preview.headers[index],
        reason=run_messages.MAY_BE_RENAMED.format(lost=lost.header),
        samples=tuple(cells)[:_MAX_SAMPLES],
    )


def make_readable_name(file: str) -> str:
    """Return the name of a file as a person would write it as a source: `expo visitors` for `in/expo_visitors.xlsx`."""
    return " ".join(Path(file).stem.replace("_", " ").split()).removeprefix("-")


def build_questions(mapping: Mapping, is_asked: Callable[[ColumnChoice], bool]) -> list[ColumnQuestion]:
    """Return a question for each column that `is_asked` is true for."""
    headers = [column.header for column in mapping.columns]
    return [
        ColumnQuestion(make_column_key(headers, column.index), column, _find_taken_fields(mapping, column))
        for column in mapping.columns
        if is_asked(column)
    ]


def list_names(mapping: Mapping, is_listed: Callable[[ColumnChoice], bool]) -> tuple[str, ...]:
    """Return the names by which answers identify columns."""
    return tuple(question.name for question in build_questions(mapping, is_listed))


def has_phone(mapping: Mapping) -> bool:
    """Return whether a column holds phones of leads."""
    return bool(mapping.find_columns("customer_phone") or mapping.find_columns("add_phones"))


def may_hold_phones(column: ColumnChoice) -> bool:
    """Return whether a column has numbers and no field. The number of a firm is kept as additional info."""
    is_unclaimed = column.field in ("", REST_FIELD)
    return is_unclaimed and has_digit("".join(column.samples))


def _is_open(column: ColumnChoice) -> bool:
    """Return whether no field of its own has claimed a column."""
    return not column.field or column.source is MatchSource.REST


def has_names(mapping: Mapping) -> bool:
    """Return whether a column holds names of leads, be it beside their phones."""
    return any(column.field in NAME_FIELDS or _has_names_beside_phones(column) for column in mapping.columns)


def _has_names_beside_phones(column: ColumnChoice) -> bool:
    is_phone = column.field in ("customer_phone", "add_phones")
    names = sum(bool(find_name_beside_phone(sample).name) for sample in column.samples)
    return is_phone and names * 2 > len(column.samples)


def may_hold_names(column: ColumnChoice) -> bool:
    """Return whether a column has texts, and nobody has said what they are."""
    is_named = column.source in (MatchSource.OPTION, MatchSource.MAP, MatchSource.PRESET)
    return not is_named and _is_open(column) and any(map(str.isalpha, "".join(column.samples)))


def _find_taken_fields(mapping: Mapping, column: ColumnChoice) -> frozenset[str]:
    """Return the fields that take one column only and already have another one."""
    others = {other.field for other in mapping.columns if other is not column}
    return frozenset(field.name for field in FIELDS if not field.takes_many_columns and field.name in others)
