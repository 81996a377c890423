"""Keeps what goes to no field: columns of text about the lead become additional info, under their own headers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from importer.loader.mapping.cell_shapes import MAJORITY
from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.header_match import find_word
from importer.loader.vocabulary import load_vocabulary, normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, MatchSource

REST_FIELD = "additional_info"

_KEPT_CONFIDENCE = 0.9
_DOUBTFUL_CONFIDENCE = 0.5  # its header names a field: a person may know better


def keep_rest(choices: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Return the choices with every column of text about the lead in the additional info.

    Row numbers, internal numbers, dates of creation, consents, and phones of other people stay out, with a reason.
    """
    return [
        _keep_column(choice, profiles[choice.index]) if _is_left_over(choice) else choice
        for choice in choices
    ]


def _is_left_over(choice: ColumnChoice) -> bool:
    """Return whether a column has no field, and neither a person nor a preset wants it so."""
    return not choice.field and not choice.source.gives_field


def _keep_column(choice: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    if not profile.cells or profile.phone_share >= MAJORITY or profile.email_share >= MAJORITY:
        return choice  # nothing to keep, or somebody else's
    if reason := _find_reason_against(choice.header, profile):
        return msgspec.structs.replace(choice, source=MatchSource.OTHER_MEANING, reason=reason)
    is_doubtful = choice.source is MatchSource.CONTRADICTED
    return msgspec.structs.replace(
        choice,
        field=REST_FIELD,
        source=MatchSource.REST,
        confidence=_DOUBTFUL_CONFIDENCE if is_doubtful else _KEPT_CONFIDENCE,
        reason=choice.reason if is_doubtful else texts.KEPT_UNDER_HEADER,
    )


def _find_reason_against(header: str, profile: ColumnProfile) -> str:
    """Return why a column says nothing about the lead that anybody should read, or ""."""
    normalized, words = normalize_header(header), load_vocabulary().headers
    if normalized in words.row_numbers:
        return texts.ROW_NUMBERS
    if profile.counts_up:
        return texts.CELLS_COUNT_UP
    reasons = (
        (words.private, texts.PRIVATE),
        (words.consents, texts.CONSENT),
        (words.creation_dates, texts.CREATION_DATE),
        (words.internal_ids, texts.INTERNAL_ID),
    )
    by_word = next((reason for listed, reason in reasons if find_word(normalized, listed)), "")
    is_number_of_thing = find_word(normalized, words.numbered_things)
    return by_word or (texts.INTERNAL_ID if profile.holds_ids and not is_number_of_thing else "")
