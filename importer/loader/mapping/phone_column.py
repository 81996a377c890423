"""Stops before a sheet without a phone column is imported, and says what to type."""

from __future__ import annotations

from collections.abc import Sequence

from importer.errors import MissingPhoneColumnError
from importer.loader.mapping.column_profile import MAJORITY, ColumnProfile
from importer.loader.mapping.conflicts import LEADS_PHONE
from importer.loader.mapping.header_match import match_header
from importer.loader.mapping.overrides import make_column_key
from importer.loader.vocabulary import load_vocabulary, normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, MatchSource

_MAX_DETAILS = 3  # columns whose reason is named


def require_phone_column(
    headers: Sequence[str], choices: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> None:
    """Raise MissingPhoneColumnError if no column is a phone of the lead.

    It names the columns that may be the phone column, and what to type for the first of them.
    """
    if any(choice.field in (LEADS_PHONE, "add_phones") for choice in choices):
        return
    near = _find_candidates(choices, profiles)
    example = next((make_column_key(headers, c.index) for c in (*near, *choices) if c.header), "HEADER")
    columns = ", ".join(f'"{header}"' for header in headers if header)
    if not near and not any(profile.phone_share for profile in profiles):
        raise MissingPhoneColumnError(
            *texts.NO_PHONES_AT_ALL.format(columns=columns, example=example, field=LEADS_PHONE)
        )
    details = "".join(
        texts.LEFT_OUT_DETAIL.format(header=choice.header, reason=choice.reason)
        for choice in near[:_MAX_DETAILS]
    )
    details = details or texts.COLUMNS_DETAIL.format(columns=columns)
    raise MissingPhoneColumnError(
        *texts.NO_PHONE_COLUMN.format(details=details, example=example, field=LEADS_PHONE)
    )


def _find_candidates(
    choices: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> list[ColumnChoice]:
    """Return the columns of phones, else those whose header has a word for phones and whose cells may be phones."""
    phones = [choice for choice in choices if profiles[choice.index].phone_share >= MAJORITY]
    return phones or [choice for choice in choices if _is_candidate(choice, profiles[choice.index])]


def _is_candidate(choice: ColumnChoice, profile: ColumnProfile) -> bool:
    if choice.source == MatchSource.CONTRADICTED and match_header(choice.header).field == LEADS_PHONE:
        return True  # only the cells are against it: all its numbers may be cut short
    header = normalize_header(choice.header)
    has_phone_stem = any(stem in header for stem in load_vocabulary().headers.phone_stems)
    return has_phone_stem and bool(profile.phone_like_share or not profile.cells)
