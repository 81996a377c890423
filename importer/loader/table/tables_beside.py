"""Finds a second table beside the first one: `Name, Phone, (nothing), Name, Phone`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from importer.errors import UnreadableFileError
from importer.loader.table.header_row import find_phone_columns, is_phone_like
from importer.loader.vocabulary import get_known_field
from importer.messages import file_messages
from importer.models.mapping import format_column_name

_NAME_FIELDS = frozenset({"full_name", "first_name"})
_ROWS_BELOW = 50  # rows that show whether a column between two tables is empty


def check_no_table_beside(names: Sequence[str], below: Sequence[Sequence[str]]) -> None:
    """Raise UnreadableFileError, with advice, where two tables are side by side.

    Their rows have one row number, and either may be longer, so they cannot be read as one list of leads.
    """
    rows = below[:_ROWS_BELOW]
    tables = [
        columns for columns in _split_into_tables(names, rows) if _is_table_of_leads(names, columns, rows)
    ]
    if len(tables) > 1:
        first, second = (
            f"{_get_letters(columns[0])} to {_get_letters(columns[-1])}" for columns in tables[:2]
        )
        raise UnreadableFileError(*file_messages.TABLES_SIDE_BY_SIDE.format(first=first, second=second))


def _split_into_tables(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[list[int]]:
    """Yield runs of columns: with an empty column between them, or with the same headers once more."""
    half = len(names) // 2
    if half > 1 and [*names[:half]] == [*names[half:]]:
        yield [*range(half)]
        yield [*range(half, len(names))]
        return
    filled = [
        bool(name.strip()) or any(len(row) > index and row[index].strip() for row in rows)
        for index, name in enumerate(names)
    ]
    for is_filled, columns in groupby(range(len(names)), key=lambda index: filled[index]):
        if is_filled:
            yield [*columns]


def _is_table_of_leads(names: Sequence[str], columns: Sequence[int], rows: Sequence[Sequence[str]]) -> bool:
    """Whether columns have a name, a phone, and phones below it."""
    phones = [index for index in find_phone_columns(names) if index in columns]
    has_name = any(get_known_field(names[index]) in _NAME_FIELDS for index in columns)
    return has_name and any(
        len(row) > index and is_phone_like(row[index]) for row in rows for index in phones
    )


def _get_letters(index: int) -> str:
    return format_column_name(index).removeprefix("Column ")
