"""What a person named: the pairs of `--column` and the entries of a map, each put to its column."""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence

from importer.errors import MappingError
from importer.loader.mapping.map_file import ColumnEntry
from importer.loader.mapping.suggestions import MOST_NAMED, known_field, nearest
from importer.loader.table.header_row import format_column_name
from importer.loader.vocabulary import normalize_header
from importer.models.mapping import ColumnChoice

_OF_TWO_NAMES = re.compile(r"^(.*)#(\d+)$", re.DOTALL)


def named_choices(
    headers: Sequence[str], given: Pairs[str, ColumnEntry], why: str, said: str
) -> dict[int, ColumnChoice]:
    """Choices by index of the column; `said` is who named them. Raises MappingError for a header or a field that does not exist."""
    found: dict[int, ColumnChoice] = {}
    missing: list[str] = []
    for header, entry in given.items():
        index = _place_of(headers, header)
        if index is None:
            missing.append(header)
            continue
        if index in found and why == "map":  # of two options the later one goes
            raise MappingError(
                f'"{header}" and "{found[index].header}" name the same column.', "Name it once."
            )
        field = known_field(entry.field).name if entry.field else ""
        found[index] = ColumnChoice(
            index=index,
            header=headers[index],
            field=field,
            source=why,
            confidence=1.0,
            reason=said,
            rules=entry.rules,
        )
    if missing:
        raise _no_such_columns(headers, missing, said if why == "map" else _OPTION)
    return found


_OPTION = "named by --column or in the settings file"
"""Where an option was said: an importer.toml of another day is soon forgotten."""


def _place_of(headers: Sequence[str], name: str) -> int | None:
    """The column that `name` means.

    `Phone#2` is the second column called Phone, `Column C` the third column where it has no header.
    """
    numbered = _OF_TWO_NAMES.match(name)
    wanted, nth = (numbered[1], int(numbered[2])) if numbered and name not in headers else (name, 1)
    exact = [index for index, header in enumerate(headers) if header == wanted]
    alike = [
        index for index, header in enumerate(headers) if normalize_header(header) == normalize_header(wanted)
    ]
    unnamed = [i for i, header in enumerate(headers) if not header and format_column_name(i) == name]
    return next((same[nth - 1] for same in (exact, alike, unnamed) if 0 < nth <= len(same)), None)


def _no_such_columns(headers: Sequence[str], missing: Sequence[str], said: str) -> MappingError:
    """All of them at once: a map that served another sheet is mended in one go."""
    listed = ", ".join(f'"{name}"' for name in missing)
    there = list(filter(None, headers))
    if len(missing) == 1:
        return MappingError(
            f"The sheet has no column {listed} ({said}).", nearest(missing[0], there, "It has")
        )
    return MappingError(
        f"The sheet has no columns {listed} ({said}).", f"It has: {', '.join(there[:MOST_NAMED])}."
    )


def make_column_key(headers: Sequence[str], index: int) -> str:
    """What `named_choices` takes for a column: its header, numbered where another before it has the same."""
    header = headers[index]
    earlier = headers[:index].count(header)
    if not header:
        return format_column_name(index)
    return f"{header}#{earlier + 1}" if earlier else header
