"""Suggests what a person may have meant: a field, or anything else of a known list."""

from __future__ import annotations

from collections.abc import Sequence

from importer.errors import MappingError
from importer.fields import FIELDS_BY_NAME, Field, find_field
from importer.messages import mapping_messages as texts

MAX_LISTED = 40
_MIN_LIKENESS = 60  # of 100, by rapidfuzz's WRatio: "customer_fone" is like "customer_phone"


def require_field(name: str, place: str = "") -> Field:
    """Return the field that a person means. `place` is where they wrote it.

    Raises MappingError with a suggestion if there is no such field.
    """
    field = find_field(name)
    if field is None:
        message, _ = texts.UNKNOWN_FIELD.format(place=place, name=name)
        raise MappingError(message, suggest(name, list(FIELDS_BY_NAME), texts.LISTED_FIELDS))
    return field


def suggest(name: str, known: Sequence[str], introduction: str) -> str:
    """Return `Did you mean ...?`, or the list of all known names after the introduction."""
    from rapidfuzz import fuzz, process, utils  # noqa: PLC0415 - only a mistake needs it

    near = process.extractOne(
        name, known, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=_MIN_LIKENESS
    )
    if near:
        return texts.SUGGESTION.format(name=near[0])
    more = ", ..." if len(known) > MAX_LISTED else ""
    return texts.LISTED.format(introduction=introduction, names=", ".join(known[:MAX_LISTED]), more=more)
