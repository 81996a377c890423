"""Chooses the field of one column by its preset or its header, and checks the choice against its cells."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from importer.fields import FIELDS_BY_NAME
from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.conflicts import leave_out
from importer.loader.mapping.header_lookup import HeaderMatch
from importer.loader.mapping.header_match import match_header
from importer.loader.mapping.presets import Preset, PresetEntry
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, ColumnRules, MatchSource

_PRESET_CONFIDENCE = 0.98
_CONFIRMED_CONFIDENCE = 0.9  # an ambiguous or misspelled header whose cells agree
_HALVES_OF_NAMES = frozenset({"first", "last"})


def complete_headers(headers: Sequence[str]) -> list[str]:
    """Return the headers as they are meant.

    `First` and `Last` side by side are names. `Last` alone may be any last thing.
    """
    normalized = list(map(normalize_header, headers))
    short = _HALVES_OF_NAMES if set(normalized) >= _HALVES_OF_NAMES else frozenset()
    return [
        f"{header} name" if name in short else header
        for header, name in zip(headers, normalized, strict=True)
    ]


def choose_by_header(
    index: int, header: str, completed: str, profile: ColumnProfile, preset: Preset | None
) -> ColumnChoice:
    """Return the choice for one column, whatever the other columns are. `completed` is the header as it is meant."""
    entry = preset.find_entry(header) if preset is not None else None
    if preset is not None and entry is not None:
        return _choose_by_preset(index, header, profile, preset, entry)
    if not header:
        reason = texts.NO_HEADER if profile.cells else texts.EMPTY_COLUMN
        return _build_choice(index, header, HeaderMatch("", MatchSource.UNDECIDED, 0.0, reason))
    match = match_header(completed)
    choice = _check_cells(_build_choice(index, header, match), profile)
    is_doubtful = match.is_ambiguous or match.source is MatchSource.FUZZY
    return _confirm_by_cells(choice, profile) if choice.field and is_doubtful else choice


def _choose_by_preset(
    index: int, header: str, profile: ColumnProfile, preset: Preset, entry: PresetEntry
) -> ColumnChoice:
    field, reason = entry.field, entry.reason or texts.KNOWN_FROM_PRESET.format(preset=preset.title)
    if entry.otherwise and (gap := profile.find_gap(entry.field)):
        field, reason = entry.otherwise, gap
    match = HeaderMatch(field, MatchSource.PRESET, _PRESET_CONFIDENCE, reason)
    choice = _build_choice(index, header, match, entry.rules)
    return choice if field == "additional_info" else _check_cells(choice, profile)


def _check_cells(choice: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    """Leave the column out if its cells cannot be its field."""
    problem = profile.find_contradiction(choice.field) if choice.field else ""
    if not problem:
        return choice
    reason = texts.CONTRADICTED.format(field=FIELDS_BY_NAME[choice.field].label, problem=problem)
    return leave_out(choice, reason, MatchSource.CONTRADICTED)


def _confirm_by_cells(choice: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    """Make a doubtful choice surer if the cells agree, and leave it out if they do not."""
    field = FIELDS_BY_NAME[choice.field]
    if not profile.cells:
        reason = texts.MAY_MEAN_BUT_EMPTY.format(field=field.label)
        return leave_out(choice, reason, MatchSource.UNDECIDED)
    match profile.supports(choice.field):
        case True:
            return msgspec.structs.replace(
                choice, confidence=_CONFIRMED_CONFIDENCE, reason=texts.KNOWN_HEADER_AND_CELLS
            )
        case False:
            reason = texts.MAY_MEAN_BUT_NO_TITLE if field.dropdown else texts.MAY_MEAN_BUT_UNFIT
            return leave_out(choice, reason.format(field=field.label), MatchSource.CONTRADICTED)
        case None:
            return choice


def _build_choice(
    index: int, header: str, match: HeaderMatch, rules: ColumnRules | None = None
) -> ColumnChoice:
    return ColumnChoice(
        index=index,
        header=header,
        field=match.field,
        source=match.source,
        confidence=match.confidence,
        reason=match.reason,
        rules=rules or ColumnRules(),
    )
