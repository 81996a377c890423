"""Chooses the column of the leads' names in a sheet in which no known header has them."""

from __future__ import annotations

from collections.abc import Sequence

from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.content_choice import is_undecided, set_field
from importer.loader.vocabulary import load_vocabulary, split_words
from importer.messages import mapping_messages as texts
from importer.models.mapping import PERSON_FIELDS, ColumnChoice, MatchSource, format_column_name

_NAME_CONFIDENCE = 0.75
_MIN_FIRM_SHARE = 0.3


def choose_name_column(choices: list[ColumnChoice], profiles: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Return the choices with a column for the names if none has them: by its cells, else by the word in its header.

    Two such columns are left to a person. Without headers, the first of them has the names.
    """
    used = {choice.field for choice in choices}
    if used & PERSON_FIELDS:
        return choices
    undecided = [choice for choice in choices if is_undecided(choice)]
    if column := _find_column_of_persons(undecided, profiles):
        decided = set_field(column, "full_name", _NAME_CONFIDENCE, texts.CELLS_ARE_PERSONS)
    elif "business_name" not in used and (column := _find_name_header(undecided, profiles)):
        field = "business_name" if _is_about_firms(column, profiles[column.index]) else "full_name"
        decided = set_field(column, field, _NAME_CONFIDENCE, texts.ONLY_NAME)
    else:
        return choices
    return [decided if choice is column else choice for choice in choices]


def _find_column_of_persons(
    undecided: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> ColumnChoice | None:
    found = [choice for choice in undecided if profiles[choice.index].holds_persons]
    are_unnamed = all(choice.header == format_column_name(choice.index) for choice in found)
    return found[0] if len(found) == 1 or (found and are_unnamed) else None


def _find_name_header(
    undecided: Sequence[ColumnChoice], profiles: Sequence[ColumnProfile]
) -> ColumnChoice | None:
    """Return the only column whose header has a word for names or firms, such as `Hospital Name`, `Law Firm`.

    `Name & Remarks` names two fields, so only its cells can show that it has names.
    """
    found = [
        choice
        for choice in undecided
        if choice.source is MatchSource.UNKNOWN_HEADER
        and _has_name_word(choice.header)
        and not profiles[choice.index].find_contradiction("full_name")
    ]
    return found[0] if len(found) == 1 else None


def _has_name_word(header: str) -> bool:
    words, vocabulary = split_words(header), load_vocabulary().headers
    if words[-1:] and words[-1] in vocabulary.firm_kinds:
        return True
    return vocabulary.named_things.isdisjoint(words) and not vocabulary.name_words.isdisjoint(words)


def _is_about_firms(choice: ColumnChoice, profile: ColumnProfile) -> bool:
    has_firm_kind = not load_vocabulary().headers.firm_kinds.isdisjoint(split_words(choice.header))
    return has_firm_kind or profile.firm_share >= _MIN_FIRM_SHARE
