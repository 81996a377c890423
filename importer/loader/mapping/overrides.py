"""Chooses the columns that a person named with `--column` or in a map."""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence

from importer.errors import MappingError
from importer.loader.mapping.map_file import MAX_LISTED, ColumnEntry, require_field, suggest
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, MatchSource, format_column_name

_NUMBERED_NAME = re.compile(r"^(.*)#(\d+)$", re.DOTALL)  # `Phone#2`


def choose_by_options(headers: Sequence[str], columns: Pairs[str, str]) -> dict[int, ColumnChoice]:
    """Return the choices of `--column`, by index. If two of them name one column, the later one counts.

    Raises MappingError for a column or a field that does not exist.
    """
    entries = {header: ColumnEntry(field) for header, field in columns.items()}
    found = _find_named_columns(headers, entries, texts.OPTION_PLACE)
    return {
        index: _build_named_choice(headers, index, entry, MatchSource.OPTION, texts.NAMED_BY_OPTION)
        for index, _, entry in found
    }


def choose_by_map(
    headers: Sequence[str], entries: Pairs[str, ColumnEntry], named_by: str
) -> dict[int, ColumnChoice]:
    """Return the choices of a map, by index. `named_by` says which map it is.

    Raises MappingError for a column or a field that does not exist, and for two entries of one column.
    """
    choices: dict[int, ColumnChoice] = {}
    for index, name, entry in _find_named_columns(headers, entries, named_by):
        if index in choices:
            first = choices[index].header
            raise MappingError(*texts.COLUMN_NAMED_TWICE.format(first=name, second=first))
        choices[index] = _build_named_choice(headers, index, entry, MatchSource.MAP, named_by)
    return choices


def _find_named_columns(
    headers: Sequence[str], entries: Pairs[str, ColumnEntry], named_by: str
) -> list[tuple[int, str, ColumnEntry]]:
    """Return (index, name, entry) of each named column. Raises MappingError with all that do not exist."""
    found = [(find_column(headers, name), name, entry) for name, entry in entries.items()]
    missing = [name for index, name, _ in found if index is None]
    if missing:
        raise _build_missing_error(headers, missing, named_by)
    return [(index, name, entry) for index, name, entry in found if index is not None]


def find_column(headers: Sequence[str], name: str) -> int | None:
    """Return the index of the column that `name` means, or None.

    `Phone#2` is the second column called Phone. `Column C` is the third column if it has no header.
    """
    numbered = _NUMBERED_NAME.match(name)
    wanted, nth = (numbered[1], int(numbered[2])) if numbered and name not in headers else (name, 1)
    exact = [index for index, header in enumerate(headers) if header == wanted]
    alike = [
        index for index, header in enumerate(headers) if normalize_header(header) == normalize_header(wanted)
    ]
    unnamed = [i for i, header in enumerate(headers) if not header and format_column_name(i) == name]
    return next((same[nth - 1] for same in (exact, alike, unnamed) if 0 < nth <= len(same)), None)


def _build_named_choice(
    headers: Sequence[str], index: int, entry: ColumnEntry, source: MatchSource, reason: str
) -> ColumnChoice:
    return ColumnChoice(
        index=index,
        header=headers[index],
        field=require_field(entry.field).name if entry.field else "",
        source=source,
        confidence=1.0,
        reason=reason,
        rules=entry.rules,
    )


def _build_missing_error(headers: Sequence[str], missing: Sequence[str], named_by: str) -> MappingError:
    """Return one error for all missing columns: a map of another sheet is fixed in one go."""
    existing = list(filter(None, headers))
    if len(missing) == 1:
        message, _ = texts.COLUMN_NOT_FOUND.format(header=missing[0], named_by=named_by)
        return MappingError(message, suggest(missing[0], existing, texts.LISTED_COLUMNS))
    quoted = ", ".join(f'"{name}"' for name in missing)
    columns = ", ".join(existing[:MAX_LISTED])
    return MappingError(*texts.COLUMNS_NOT_FOUND.format(headers=quoted, named_by=named_by, columns=columns))
