"""Chooses which column is which field, from the headers and the first rows of a sheet.

The pairs of `--column` and the entries of a map come first. Any other column gets the field of its preset or its known
header if its cells agree. Then conflicts and cells decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from importer.errors import MappingError, UsageError
from importer.fields import FIELDS_BY_NAME
from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.conflicts import leave_out, resolve_conflicts
from importer.loader.mapping.content_choice import choose_by_content, keep_unclaimed, require_phone_column
from importer.loader.mapping.header_lookup import HeaderMatch
from importer.loader.mapping.header_match import match_header
from importer.loader.mapping.map_file import MAX_LISTED, ColumnEntry, ColumnMap, require_field, suggest
from importer.loader.mapping.name_columns import choose_name_column
from importer.loader.mapping.presets import Preset, PresetEntry, find_preset
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnChoice, ColumnRules, Mapping, MatchSource, format_column_name
from importer.models.row import SourceRow

_MIN_CONFIDENCE = 0.8  # people are asked about less
_PRESET_CONFIDENCE = 0.98
_CONFIRMED_CONFIDENCE = 0.9  # an ambiguous or misspelled header whose cells agree
_HALVES_OF_NAMES = frozenset({"first", "last"})
_NUMBERED_NAME = re.compile(r"^(.*)#(\d+)$", re.DOTALL)  # `Phone#2`


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
    needs_phone: bool = True,
) -> Mapping:
    """Decide on every column of a sheet.

    `columns` are the pairs of `--column` (header -> field), `defaults` those of `--default`, `titles` the active
    titles of the account by field; `map_named_by` says which map `column_map` is. Options go before the map, then come
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
    choices = resolve_conflicts(choices, profiles, sample)
    choices = choose_by_content(choices, profiles)
    choices = choose_name_column(choices, profiles)
    if chosen_preset is not None and chosen_preset.others:
        choices = keep_unclaimed(choices, chosen_preset.others)
    choices = [_add_samples(choice, profiles[choice.index]) for choice in choices]
    if needs_phone:
        require_phone_column(headers, choices, profiles)
    mapping = _apply_preset(Mapping(columns=tuple(choices)), chosen_preset, headers)
    return _apply_map(mapping, column_map, defaults or {})


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


def choose_by_options(headers: Sequence[str], columns: Pairs[str, str]) -> dict[int, ColumnChoice]:
    """Return the choices of `--column`, by index. If two of them name one column, the later one counts.

    Raises MappingError for a column or a field that does not exist.
    """
    entries = {header: ColumnEntry(field) for header, field in columns.items()}
    found = _find_named_columns(headers, entries, texts.OPTION_PLACE)
    return {
        index: _build_named_choice(headers, index, entry, MatchSource.OPTION, texts.NAMED_BY_OPTION)
        for index, _, entry in found
    }


def choose_by_map(
    headers: Sequence[str], entries: Pairs[str, ColumnEntry], named_by: str
) -> dict[int, ColumnChoice]:
    """Return the choices of a map, by index. `named_by` says which map it is.

    Raises MappingError for a column or a field that does not exist, and for two entries of one column.
    """
    choices: dict[int, ColumnChoice] = {}
    for index, name, entry in _find_named_columns(headers, entries, named_by):
        if index in choices:
            first = choices[index].header
            raise MappingError(*texts.COLUMN_NAMED_TWICE.format(first=name, second=first))
        choices[index] = _build_named_choice(headers, index, entry, MatchSource.MAP, named_by)
    return choices


def _find_named_columns(
    headers: Sequence[str], entries: Pairs[str, ColumnEntry], named_by: str
) -> list[tuple[int, str, ColumnEntry]]:
    """Return (index, name, entry) of each named column. Raises MappingError with all that do not exist."""
    found = [(_find_column(headers, name), name, entry) for name, entry in entries.items()]
    missing = [name for index, name, _ in found if index is None]
    if missing:
        raise _build_missing_error(headers, missing, named_by)
    return [(index, name, entry) for index, name, entry in found if index is not None]


def _find_column(headers: Sequence[str], name: str) -> int | None:
    """Return the index of the column that `name` means.

    `Phone#2` is the second column called Phone. `Column C` is the third column if it has no header.
    """
    numbered = _NUMBERED_NAME.match(name)
    wanted, nth = (numbered[1], int(numbered[2])) if numbered and name not in headers else (name, 1)
    exact = [index for index, header in enumerate(headers) if header == wanted]
    alike = [
        index for index, header in enumerate(headers) if normalize_header(header) == normalize_header(wanted)
    ]
    unnamed = [i for i, header in enumerate(headers) if not header and format_column_name(i) == name]
    return next((same[nth - 1] for same in (exact, alike, unnamed) if 0 < nth <= len(same)), None)


def _build_named_choice(
    headers: Sequence[str], index: int, entry: ColumnEntry, source: MatchSource, reason: str
) -> ColumnChoice:
    return ColumnChoice(
        index=index,
        header=headers[index],
        field=require_field(entry.field).name if entry.field else "",
        source=source,
        confidence=1.0,
        reason=reason,
        rules=entry.rules,
    )


def _build_missing_error(headers: Sequence[str], missing: Sequence[str], named_by: str) -> MappingError:
    """Return one error for all missing columns: a map of another sheet is fixed in one go."""
    existing = list(filter(None, headers))
    if len(missing) == 1:
        message, _ = texts.COLUMN_NOT_FOUND.format(header=missing[0], named_by=named_by)
        return MappingError(message, suggest(missing[0], existing, texts.LISTED_COLUMNS))
    quoted = ", ".join(f'"{name}"' for name in missing)
    columns = ", ".join(existing[:MAX_LISTED])
    return MappingError(*texts.COLUMNS_NOT_FOUND.format(headers=quoted, named_by=named_by, columns=columns))
