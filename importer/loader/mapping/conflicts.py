"""Resolves conflicts: never two columns for one field that takes one, and never a name that gets lost."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from importer.errors import MappingError
from importer.fields import FIELDS, FIELDS_BY_NAME
from importer.loader.mapping.cell_shapes import MAJORITY
from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.header_lookup import PERSON_CONFIDENCE
from importer.loader.mapping.header_match import FREE_TEXTS
from importer.loader.vocabulary import load_vocabulary, split_words
from importer.messages import mapping_messages as texts
from importer.models.mapping import OWNER_FIELD, ColumnChoice, MatchSource
from importer.models.row import SourceRow

LEADS_PHONE = "customer_phone"

_MIN_FIRM_SHARE = 0.3  # many firms have no word in their names that only firms have
_MIN_NAMES = 3  # fewer names prove nothing
_AUTHORITY = (
    MatchSource.OPTION,
    MatchSource.MAP,
    MatchSource.PRESET,
    MatchSource.SYNONYM,
    MatchSource.FUZZY,
    MatchSource.CONTENT,
)
"""Sources that give a field, the strongest first."""


def resolve_conflicts(
    choices: list[ColumnChoice], profiles: Sequence[ColumnProfile], sample: Sequence[SourceRow]
) -> list[ColumnChoice]:
    """Return the choices with one column for each field that takes one.

    Raises MappingError if a person named two columns for such a field.
    """
    choices = _move_firms(choices, profiles)
    resolved = list(choices)
    for field in FIELDS:
        rivals = [choice for choice in choices if choice.field == field.name]
        if len(rivals) < 2:
            continue
        if field.takes_many_columns:
            _leave_out_other_persons(rivals, resolved)
            continue
        best = min(rivals, key=lambda choice: _rank_choice(choice, profiles[choice.index]))
        _check_named_once(rivals, field.name)
        for loser in rivals:
            if loser is not best:
                resolved[loser.index] = _move_loser(loser, best, profiles[loser.index])
    return _move_other_full_name(_promote_only_phone(resolved, profiles), sample)


def leave_out(choice: ColumnChoice, reason: str, source: MatchSource) -> ColumnChoice:
    """Return the choice without its field."""
    return msgspec.structs.replace(choice, field="", source=source, confidence=0.0, reason=reason)


def _move_firms(choices: list[ColumnChoice], profiles: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Make `Customer Name` the business if its cells are firms and `Contact Person` is beside it."""
    guessed = (MatchSource.SYNONYM, MatchSource.FUZZY)
    names = [c for c in choices if c.field == "full_name" and c.source in guessed]
    firms = [c for c in names if profiles[c.index].firm_share >= _MIN_FIRM_SHARE]
    if len(firms) != 1 or len(names) < 2 or any(choice.field == "business_name" for choice in choices):
        return choices
    person = next(choice for choice in names if choice is not firms[0])
    reason = texts.CELLS_ARE_FIRMS.format(header=person.header)
    firm = msgspec.structs.replace(firms[0], field="business_name", reason=reason)
    return [firm if choice is firms[0] else choice for choice in choices]


def _leave_out_other_persons(rivals: Sequence[ColumnChoice], resolved: list[ColumnChoice]) -> None:
    """Leave out `Buyer Email` beside `Email`: it likely belongs to another person. All notes are kept."""
    if rivals[0].field in FREE_TEXTS:
        return
    own = next((rival for rival in rivals if rival.confidence > PERSON_CONFIDENCE), None)
    for rival in rivals:
        if own is not None and rival.confidence == PERSON_CONFIDENCE:
            resolved[rival.index] = _leave_out_other_person(rival, own)


def _leave_out_other_person(choice: ColumnChoice, own: ColumnChoice) -> ColumnChoice:
    return leave_out(choice, texts.MAY_BE_OTHER_PERSON.format(header=own.header), MatchSource.OTHER_PERSON)


def _rank_choice(choice: ColumnChoice, profile: ColumnProfile) -> tuple[int, float, bool, int, int]:
    """Return the place of a choice among those for one field. The lowest is the best."""
    is_phone = choice.field == LEADS_PHONE
    return (
        _AUTHORITY.index(choice.source),
        -choice.confidence,
        choice.field in (LEADS_PHONE, OWNER_FIELD) and profile.phone_share < MAJORITY,
        _rank_phone_header(choice.header) if is_phone else 0,
        choice.index,
    )


def _rank_phone_header(header: str) -> int:
    """Rank a mobile first. A number only for WhatsApp or work comes after other phones."""
    words, vocabulary = set(split_words(header)), load_vocabulary().headers
    if words & vocabulary.mobile_words:
        return 0
    return 2 if words & vocabulary.secondary_phone_words else 1


def _check_named_once(rivals: Sequence[ColumnChoice], field: str) -> None:
    for source in (MatchSource.OPTION, MatchSource.MAP):
        named = [choice.header for choice in rivals if choice.source == source]
        if len(named) > 1:
            headers = " and ".join(f'"{header}"' for header in named)
            raise MappingError(*texts.FIELD_NAMED_TWICE.format(headers=headers, field=field))


def _move_loser(loser: ColumnChoice, best: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    """Return the choice for a column whose field went to `best`: another field that takes it, or none."""
    if loser.confidence == PERSON_CONFIDENCE < best.confidence:
        return _leave_out_other_person(loser, best)
    may_have_phones = profile.phone_share > 0 or not profile.cells  # it may be filled further down
    if loser.field == LEADS_PHONE and may_have_phones:
        reason = texts.ANOTHER_PHONE.format(header=best.header)
        return msgspec.structs.replace(loser, field="add_phones", reason=reason)
    label = FIELDS_BY_NAME[loser.field].label
    reason = texts.FIELD_HAS_COLUMN.format(header=best.header, field=label)
    if loser.field == "city":
        return msgspec.structs.replace(loser, field="address.additional", reason=reason)
    return leave_out(loser, reason, MatchSource.TAKEN)


def _promote_only_phone(choices: list[ColumnChoice], profiles: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Make the best of the other phones the lead's own if no column is that."""
    guessed = (MatchSource.PRESET, MatchSource.SYNONYM, MatchSource.FUZZY)
    others = [c for c in choices if c.field == "add_phones" and c.source in guessed]
    if others and not any(choice.field == LEADS_PHONE for choice in choices):
        best = max(others, key=lambda choice: (profiles[choice.index].phone_share, -choice.index))
        choices[best.index] = msgspec.structs.replace(best, field=LEADS_PHONE, reason=texts.ONLY_PHONE)
    return choices


def _move_other_full_name(choices: list[ColumnChoice], sample: Sequence[SourceRow]) -> list[ColumnChoice]:
    """Keep a full name that is not the first and last name beside it, such as the title of a form, as information.

    First and last name win, so it would be lost without notice.
    """
    at = {choice.field: choice.index for choice in choices}
    if not {"full_name", "first_name", "last_name"} <= at.keys():
        return choices
    full, first, last = (choices[at[name]] for name in ("full_name", "first_name", "last_name"))
    rows = [
        row.cells
        for row in sample
        if len(row.cells) == len(choices) and row.cells[full.index].strip() and row.cells[first.index].strip()
    ]
    others = sum(
        set(split_words(cells[full.index])).isdisjoint(
            split_words(f"{cells[first.index]} {cells[last.index]}")
        )
        for cells in rows
    )
    is_named = full.source in (MatchSource.OPTION, MatchSource.MAP)
    if is_named or len(rows) < _MIN_NAMES or others < MAJORITY * len(rows):
        return choices
    reason = texts.OTHER_FULL_NAME.format(first=first.header, last=last.header)
    information = msgspec.structs.replace(full, field="additional_info", reason=reason)
    return [information if choice is full else choice for choice in choices]
