"""Looks a header up in the vocabulary: as it is, without words that change nothing, and without a number at its end."""

from __future__ import annotations

import re
from typing import NamedTuple

from importer.fields import FIELDS_BY_NAME
from importer.loader.vocabulary import load_vocabulary
from importer.messages import mapping_messages as texts
from importer.models.mapping import MatchSource

KNOWN_CONFIDENCE = 0.95
AMBIGUOUS_CONFIDENCE = 0.7  # people are asked, unless the cells agree
PERSON_CONFIDENCE = 0.85
"""The confidence of a header that was read without the person in it: `Student mobile` as `mobile`."""

_NUMBERED = re.compile(r"^(.*\D) ?(\d{1,2})$")  # `phone 2`, `email2`


class HeaderMatch(NamedTuple):
    """What a header says. `field` is "" if it names none. If `is_ambiguous`, the cells must confirm the field."""

    field: str
    source: MatchSource
    confidence: float
    reason: str
    is_ambiguous: bool = False


def look_up(normalized: str, reason: str = "") -> HeaderMatch | None:
    """Return the field that is called so. The reason is the header itself if none is given."""
    vocabulary = load_vocabulary()
    reason = reason or texts.READS_AS.format(header=normalized)
    if field := vocabulary.sure_headers.get(normalized) or vocabulary.joined_headers.get(normalized):
        return HeaderMatch(field, MatchSource.SYNONYM, KNOWN_CONFIDENCE, reason)
    if field := vocabulary.ambiguous_headers.get(normalized):
        reason = texts.OFTEN_MEANS.format(field=FIELDS_BY_NAME[field].label)
        return HeaderMatch(field, MatchSource.SYNONYM, AMBIGUOUS_CONFIDENCE, reason, is_ambiguous=True)
    return None


def look_up_shortened(normalized: str) -> HeaderMatch | None:
    """Look up a header without words for the lead (`Student mobile`), its fillers, or both.

    `Client contact` is a phone: without the filler `contact` it would be the name of the client.
    """
    vocabulary = load_vocabulary().headers
    match = look_up(remove_words(normalized, vocabulary.persons))
    if not match and (match := look_up(remove_words(normalized, vocabulary.fillers))):
        return match
    match = match or look_up(remove_words(normalized, vocabulary.fillers | vocabulary.persons))
    return match and match._replace(confidence=min(match.confidence, PERSON_CONFIDENCE))


def look_up_numbered(normalized: str) -> HeaderMatch | None:
    """Look up `Phone 1`, the lead's own, and `Phone 2`, another of its phones. Other fields take only the first."""
    found = _NUMBERED.match(normalized)
    name = found[1].strip() if found else ""
    match = (look_up(name) or look_up_shortened(name)) if found else None
    if not found or not match or match.is_ambiguous:
        return None
    field, number = FIELDS_BY_NAME[match.field], int(found[2])
    if number == 1 or field.takes_many_columns:
        return match
    if field.name == "customer_phone":
        return match._replace(field="add_phones")
    return HeaderMatch("", MatchSource.TAKEN, 1.0, texts.ONE_COLUMN_ONLY.format(field=field.label))


def remove_words(normalized: str, words: frozenset[str]) -> str:
    """Return a header without all words that are in `words`."""
    return " ".join(word for word in normalized.split() if word not in words)
