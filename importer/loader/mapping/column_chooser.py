"""Chooses which column is which field, from the headers and the first rows of a sheet.

The pairs of `--column` and the entries of a map come first. Any other column gets the field of its preset or its known
header if its cells agree. Then conflicts and cells decide.
"""

from __future__ import annotations

from collections.abc import Mapping as Pairs
from collections.abc import Sequence

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from importer.errors import UsageError
from importer.fields import FIELDS_BY_NAME, TASK_FIELDS
from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.conflicts import leave_out, resolve_conflicts
from importer.loader.mapping.content_choice import (
    choose_by_content,
    choose_guardians_phones,
    keep_unclaimed,
    require_phone_column,
)
from importer.loader.mapping.header_lookup import HeaderMatch
from importer.loader.mapping.header_match import match_header
from importer.loader.mapping.map_file import ColumnMap, require_field
from importer.loader.mapping.name_columns import choose_name_column
from importer.loader.mapping.overrides import choose_by_map, choose_by_options
from importer.loader.mapping.presets import Preset, PresetEntry, find_preset
from importer.loader.mapping.rest_columns import keep_rest
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, ColumnRules, Mapping, MatchSource, build_sheet_column
from importer.models.row import SourceRow
from importer.models.status import SHEET_COLUMN
from importer.settings import RestPolicy

_MIN_CONFIDENCE = 0.8  # people are asked about less
_PRESET_CONFIDENCE = 0.98
_CONFIRMED_CONFIDENCE = 0.9  # an ambiguous or misspelled header whose cells agree
_OPTIONAL_TITLES = frozenset({"add_products", "add_labels", "lead_group_name"})
_HALVES_OF_NAMES = frozenset({"first", "last"})


def choose_columns(
    headers: Sequence[str],
    sample: Sequence[SourceRow],
    *,
    preset: str | None = None,
    column_map: ColumnMap | None = None,
    map_named_by: str = texts.NAMED_BY_MAP,
    columns: Pairs[str, str] | None = None,
    defaults: Pairs[str, str] | None = None,
    titles: Pairs[str, Sequence[str]] | None = None,
    region: str = "IN",
    rest: RestPolicy = "info",
    needs_phone: bool = True,
) -> Mapping:
    """Decide on every column of a sheet.

    `columns` are the pairs of `--column` (header -> field), `defaults` those of `--default`, `titles` the active
    titles of the account by field; `map_named_by` says which map `column_map` is; `rest` says what becomes of columns
    that go to no field. Options go before the map, then come
    the preset, known headers, misspelled headers, and cells. A column whose cells contradict its header is left out.

    Raises MappingError, MissingPhoneColumnError and UsageError, which say what to type.
    """
    _check_region(region)
    column_map = column_map or ColumnMap()
    chosen_preset = find_preset(headers, preset)
    clear = column_map.clear.token if column_map.clear else ""
    profiles = [
        ColumnProfile(index, sample, titles=titles or {}, region=region, clear=clear)
        for index in range(len(headers))
    ]
    named = {
        **choose_by_map(headers, column_map.list_entries(), map_named_by),
        **choose_by_options(headers, columns or {}),
    }
    choices = [
        named.get(index) or choose_by_header(index, header, completed, profiles[index], chosen_preset)
        for index, (header, completed) in enumerate(zip(headers, complete_headers(headers), strict=True))
    ]
    choices = _decide_together(choices, profiles, sample, chosen_preset)
    if needs_phone:
        require_phone_column(headers, choices, profiles)
    if rest == "info":
        choices = keep_rest(choices, profiles)
    choices = [_add_samples(choice, profiles[choice.index]) for choice in choices]
    mapping = _apply_preset(Mapping(columns=tuple(choices)), chosen_preset, headers)
    return _apply_map(mapping, column_map, defaults or {})


def _decide_together(
    choices: list[ColumnChoice],
    profiles: Sequence[ColumnProfile],
    sample: Sequence[SourceRow],
    preset: Preset | None,
) -> list[ColumnChoice]:
    """Return the choices after conflicts between columns, and the cells of columns without a field, have decided."""
    choices = resolve_conflicts(choices, profiles, sample)
    choices = choose_by_content(choices, profiles)
    choices = choose_guardians_phones(choices, profiles)
    choices = choose_name_column(choices, profiles)
    if preset is not None and preset.others:
        choices = keep_unclaimed(choices, preset.others)
    return choices


def needs_confirmation(choice: ColumnChoice) -> bool:
    """Whether a person should be asked: about a guess, or a header that its cells contradict."""
    if choice.field:
        return choice.confidence < _MIN_CONFIDENCE
    return choice.source == MatchSource.CONTRADICTED


def _check_region(region: str) -> None:
    if region not in SUPPORTED_REGIONS:
        raise UsageError(*texts.UNKNOWN_REGION.format(region=region))


def _add_samples(choice: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    return msgspec.structs.replace(choice, samples=profile.samples, fill_rate=round(profile.fill_rate, 4))


def _apply_preset(mapping: Mapping, preset: Preset | None, headers: Sequence[str]) -> Mapping:
    """Return the mapping with what the preset says beside its columns."""
    if preset is None:
        return mapping
    return msgspec.structs.replace(
        mapping,
        defaults=preset.defaults,
        values=preset.values,
        preset=preset.name,
        row_rules=preset.build_row_rules(headers),
    )


def _apply_map(mapping: Mapping, column_map: ColumnMap, defaults: Pairs[str, str]) -> Mapping:
    """Return the mapping with what the map and `--default` say beside its columns. They go before the preset."""
    values = {require_field(field).name: pairs for field, pairs in column_map.values.items()}
    return msgspec.structs.replace(
        mapping,
        defaults={**mapping.defaults, **_collect_defaults(column_map, defaults)},
        values={**mapping.values, **values},
        clear=column_map.clear.token if column_map.clear else None,
        policy=column_map.policy,
    )


def _collect_defaults(column_map: ColumnMap, given: Pairs[str, str]) -> dict[str, str]:
    """Return what fills empty cells: `--default` goes before [defaults], and that before `fill` of a column."""
    entries = column_map.list_entries().values()
    fills = {entry.field: entry.fill for entry in entries if entry.field and entry.fill}
    named = {require_field(name).name: value for name, value in {**fills, **column_map.defaults}.items()}
    return named | {require_field(name, texts.DEFAULT_PLACE).name: value for name, value in given.items()}


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
    if header == SHEET_COLUMN:
        return build_sheet_column(index)
    entry = preset.find_entry(header) if preset is not None else None
    if preset is not None and entry is not None:
        return _choose_by_preset(index, header, profile, preset, entry)
    if not header:
        reason = texts.NO_HEADER if profile.cells else texts.EMPTY_COLUMN
        return _build_choice(index, header, HeaderMatch("", MatchSource.UNDECIDED, 0.0, reason))
    match = match_header(completed)
    if match.field in TASK_FIELDS:
        return _choose_task_column(_build_choice(index, header, match), profile)
    choice = _check_cells(_build_choice(index, header, match), profile)
    is_doubtful = match.is_ambiguous or match.source is MatchSource.FUZZY or _has_no_title(choice, profile)
    return _confirm_by_cells(choice, profile) if choice.field and is_doubtful else choice


def _choose_task_column(choice: ColumnChoice, profile: ColumnProfile) -> ColumnChoice:
    """Return the choice if the cells agree. Else nobody is asked: `Follow up` is often a remark."""
    if profile.cells and not profile.find_contradiction(choice.field):
        return msgspec.structs.replace(choice, confidence=_CONFIRMED_CONFIDENCE)
    return leave_out(choice, texts.UNKNOWN_HEADER, MatchSource.UNKNOWN_HEADER)


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


def _has_no_title(choice: ColumnChoice, profile: ColumnProfile) -> bool:
    """Return whether none of a column's products, labels or groups is in the account: every row would be rejected."""
    return (
        choice.field in _OPTIONAL_TITLES and bool(profile.cells) and profile.supports(choice.field) is False
    )


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
