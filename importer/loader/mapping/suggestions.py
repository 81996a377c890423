"""What a person may have meant: a field, or anything else of a known list, by its likeness."""

from __future__ import annotations

from collections.abc import Sequence

from importer.errors import MappingError
from importer.fields import FIELDS_BY_NAME, Field, find_field

MOST_NAMED = 40


def known_field(name: str, place: str = "") -> Field:
    """The field that a person means; `place` is where they wrote it. Raises MappingError, naming the nearest."""
    field = find_field(name)
    if field is None:
        raise MappingError(
            f'{place}There is no field "{name}".', nearest(name, list(FIELDS_BY_NAME), "Fields are")
        )
    return field


def nearest(name: str, known: Sequence[str], otherwise: str) -> str:
    """`Did you mean ...?`, or all that there is."""
    from rapidfuzz import fuzz, process, utils  # noqa: PLC0415 - only a mistake needs it

    near = process.extractOne(
        name, known, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=60
    )
    if near:
        return f'Did you mean "{near[0]}"?'
    more = ", ..." if len(known) > MOST_NAMED else ""
    return f"{otherwise}: {', '.join(known[:MOST_NAMED])}{more}."
