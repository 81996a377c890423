"""Headers and samples to a mapping: which column is which field, with the reason for each choice."""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence

import msgspec
from phonenumbers import SUPPORTED_REGIONS

from importer.errors import MissingPhoneColumnError, UsageError
from importer.fields import FIELDS_BY_NAME
from importer.loader.mapping.column_profile import MOST, ColumnProfile
from importer.loader.mapping.conflicts import LEADS_PHONE, left_out, one_each
from importer.loader.mapping.header_match import Said, is_about_somebody_else, read_heading, speaks_of_phones
from importer.loader.mapping.map_file import ColumnEntry, ColumnMap
from importer.loader.mapping.overrides import make_column_key, named_choices
from importer.loader.mapping.presets import Preset, find_preset
from importer.loader.mapping.suggestions import known_field
from importer.loader.table.header_row import format_column_name
from importer.loader.vocabulary import normalize_header, split_words
from importer.models.mapping import ColumnChoice, ColumnRules, Mapping
from importer.models.row import SourceRow

_SURE_FROM = 0.8
_FEW = 3  # fewer names than this prove nothing


def choose_columns(
    headers: Sequence[str],
    sample: Sequence[SourceRow],
    *,
    preset: str | None = None,
    column_map: ColumnMap | None = None,
    map_said: str = "named by the map",
    columns: Pairs[str, str] | None = None,
    defaults: Pairs[str, str] | None = None,
    titles: Pairs[str, Sequence[str]] | None = None,
    region: str = "IN",
    needs_phone: bool = True,
) -> Mapping:
    """Decide on every column of a sheet.

    `columns` are the pairs of `--column` (header -> field): where two name one column the later one goes.
    `defaults` are those of `--default`, `titles` the account's active titles by field. Authority goes from options
    over map, preset, synonyms and likeness to what the cells hold; a header that the cells belie is left out.
    Raises MappingError, MissingPhoneColumnError and UsageError, naming what can be typed.
    """
    _check_region(region)
    column_map = column_map or ColumnMap()
    chosen_preset = find_preset(headers, preset)
    clear = column_map.clear.token if column_map.clear else ""
    evidence = [
        ColumnProfile(index, sample, titles=titles or {}, region=region, clear=clear)
        for index in range(len(headers))
    ]
    options = {header: ColumnEntry(field) for header, field in (columns or {}).items()}
    named = {
        **named_choices(headers, column_map.entries(), "map", map_said),
        **named_choices(headers, options, "option", "as you said"),
    }
    choices = [
        named.get(index) or _by_itself(index, header, heading, evidence[index], chosen_preset)
        for index, (header, heading) in enumerate(zip(headers, _in_full(headers), strict=True))
    ]
    choices = _by_content(_one_name(one_each(choices, evidence), sample), evidence)
    if chosen_preset is not None and chosen_preset.others:
        choices = _others(choices, chosen_preset)
    choices = [_with_evidence(choice, evidence[choice.index]) for choice in choices]
    if needs_phone:
        _need_phone(headers, choices, evidence)
    return _of_map(
        _of_preset(Mapping(columns=tuple(choices)), chosen_preset, headers), column_map, defaults or {}
    )


def _of_preset(mapping: Mapping, preset: Preset | None, headers: Sequence[str]) -> Mapping:
    """The mapping with what the preset says beside its columns."""
    if preset is None:
        return mapping
    return msgspec.structs.replace(
        mapping,
        defaults=preset.defaults,
        values=preset.values,
        preset=preset.name,
        row_rules=preset.row_rules(headers),
    )


def _of_map(mapping: Mapping, column_map: ColumnMap, defaults: Pairs[str, str]) -> Mapping:
    """The mapping with what the map and `--default` say beside its columns: they come before the preset."""
    values = {known_field(field).name: pairs for field, pairs in column_map.values.items()}
    return msgspec.structs.replace(
        mapping,
        defaults={**mapping.defaults, **_defaults(column_map, defaults)},
        values={**mapping.values, **values},
        clear=column_map.clear.token if column_map.clear else None,
    )


def needs_confirmation(choice: ColumnChoice) -> bool:
    """Whether a person should be asked: a guess, or a header that its cells belie."""
    return choice.confidence < _SURE_FROM if choice.field else choice.source == "unfit"


def _check_region(region: str) -> None:
    if region not in SUPPORTED_REGIONS:
        raise UsageError(
            f"--region: there is no country {region}.", "IN is India, AE the Emirates, GB Britain."
        )


def _defaults(column_map: ColumnMap, given: Pairs[str, str]) -> dict[str, str]:
    """For empty cells: --default over [defaults] over what the columns' own entries fill in."""
    fills = {entry.field: entry.fill for entry in column_map.entries().values() if entry.field and entry.fill}
    named = {known_field(name).name: value for name, value in {**fills, **column_map.defaults}.items()}
    return named | {known_field(name, "--default: ").name: value for name, value in given.items()}


# --- what a column says by itself


def _in_full(headers: Sequence[str]) -> list[str]:
    """The headers as they are meant: `First` and `Last` side by side are names, `Last` alone may be any last thing."""
    plain = list(map(normalize_header, headers))
    short = _FIRST_AND_LAST if set(plain) >= _FIRST_AND_LAST else frozenset()
    return [
        f"{header} name" if name in short else header for header, name in zip(headers, plain, strict=True)
    ]


_FIRST_AND_LAST = frozenset({"first", "last"})


def _by_itself(
    index: int, header: str, heading: str, evidence: ColumnProfile, preset: Preset | None
) -> ColumnChoice:
    entry = preset.entry_for(header) if preset is not None else None
    if preset is not None and entry is not None:
        said = Said(entry.field, "preset", 0.98, entry.reason or f"known from {preset.title}")
        if entry.otherwise and (reason := evidence.lacking(entry.field)):
            said = Said(entry.otherwise, "preset", 0.98, reason)
        choice = _choice(index, header, said, entry.rules)
        return choice if said.field == "additional_info" else _checked(choice, evidence)
    if not header:
        reason = "it has no header" if evidence.cells else "the column is empty"
        return _choice(index, header, Said("", "nothing", 0.0, reason))
    said = read_heading(heading)
    choice = _checked(_choice(index, header, said), evidence)
    return _borne_out(choice, evidence) if choice.field and (said.maybe or said.source == "fuzzy") else choice


def _checked(choice: ColumnChoice, evidence: ColumnProfile) -> ColumnChoice:
    """Refuse what the header promises and the cells do not hold."""
    against = evidence.against(choice.field) if choice.field else ""
    return (
        left_out(choice, f"reads like {FIELDS_BY_NAME[choice.field].label}, but {against}")
        if against
        else choice
    )


def _borne_out(choice: ColumnChoice, evidence: ColumnProfile) -> ColumnChoice:
    """A header that only may mean its field: surer where the cells agree, left out where they do not."""
    label = FIELDS_BY_NAME[choice.field].label
    if not evidence.cells:
        return left_out(choice, f"may mean {label}, and its first cells are empty", source="nothing")
    match evidence.bears_out(choice.field):
        case True:
            return msgspec.structs.replace(choice, confidence=0.9, reason="a known header, and its cells fit")
        case False:
            what = (
                "no cell is a title of the account"
                if FIELDS_BY_NAME[choice.field].dropdown
                else "its cells do not fit"
            )
            return left_out(choice, f"may mean {label}, but {what}")
        case None:
            return choice


def _one_name(choices: list[ColumnChoice], sample: Sequence[SourceRow]) -> list[ColumnChoice]:
    """A full name that is not the first and last name beside it, such as a form's title, is kept as information.

    For those win, and it would be lost without a word.
    """
    at = {choice.field: choice.index for choice in choices}
    if not {"full_name", "first_name", "last_name"} <= at.keys():
        return choices
    full, first, last = (choices[at[name]] for name in ("full_name", "first_name", "last_name"))
    rows = [
        (
            set(split_words(row.cells[full.index])),
            split_words(f"{row.cells[first.index]} {row.cells[last.index]}"),
        )
        for row in sample
        if len(row.cells) == len(choices) and row.cells[full.index].strip() and row.cells[first.index].strip()
    ]
    others = sum(said.isdisjoint(name) for said, name in rows)
    if full.source in ("option", "map") or len(rows) < _FEW or others < MOST * len(rows):
        return choices
    reason = f'not the name that "{first.header}" and "{last.header}" are'
    told = msgspec.structs.replace(full, field="additional_info", reason=reason)
    return [told if choice is full else choice for choice in choices]


# --- what only the cells tell


def _by_content(choices: list[ColumnChoice], evidence: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Fields that no header has claimed, from the cells of columns whose headers say nothing."""
    used = {choice.field for choice in choices}
    settled = list(choices)
    for choice in _open(settled):
        found = evidence[choice.index]
        if LEADS_PHONE not in used and _is_the_phone(choice, _maybe_phones(settled), evidence):
            settled[choice.index] = _because(choice, LEADS_PHONE, 0.75, "its cells are phones")
        elif found.phones >= MOST:
            reason = "its cells are phones, and its header does not say whose"
            settled[choice.index] = msgspec.structs.replace(choice, reason=reason)
        elif "email" not in used and found.emails >= MOST:
            settled[choice.index] = _because(choice, "email", 0.85, "its cells are e-mail addresses")
        elif found.titles and found.titles not in used:
            label = FIELDS_BY_NAME[found.titles].label.lower()
            settled[choice.index] = _because(
                choice, found.titles, 0.7, f"its cells are {label} titles of the account"
            )
        used.add(settled[choice.index].field)
    return settled


def _others(choices: list[ColumnChoice], preset: Preset) -> list[ColumnChoice]:
    """What nothing has claimed and is nobody else's, such as a form's own questions, for a preset that keeps it."""
    said = {"field": preset.others, "why": "preset", "sureness": 0.9, "reason": "kept under its own header"}
    return [msgspec.structs.replace(choice, **said) if _may_be_kept(choice) else choice for choice in choices]


def _may_be_kept(choice: ColumnChoice) -> bool:
    unclaimed = choice.source in ("nothing", "unfit", "decoy") and bool(choice.header)
    return unclaimed and not is_about_somebody_else(choice.header)


def _open(choices: Sequence[ColumnChoice]) -> list[ColumnChoice]:
    return list(filter(_is_open, choices))


def _is_open(choice: ColumnChoice) -> bool:
    return choice.source == "nothing" and bool(choice.header)


def _maybe_phones(choices: Sequence[ColumnChoice]) -> list[ColumnChoice]:
    """The open columns, and those left out for a word that is none of somebody else's, as `Verified phone` is."""
    return [choice for choice in choices if _is_open(choice) or _may_be_the_lead_s(choice)]


def _may_be_the_lead_s(choice: ColumnChoice) -> bool:
    header = choice.header
    return choice.source == "decoy" and speaks_of_phones(header) and not is_about_somebody_else(header)


def _is_the_phone(
    choice: ColumnChoice, rivals: Sequence[ColumnChoice], evidence: Sequence[ColumnProfile]
) -> bool:
    """The one column of phones; of several the one whose header speaks of phones, or, without headers, the first."""
    phones = [rival for rival in rivals if evidence[rival.index].phones >= MOST]
    worded = [rival for rival in phones if speaks_of_phones(rival.header)] or phones
    unnamed = all(rival.header == format_column_name(rival.index) for rival in worded)
    return choice in worded and (len(worded) == 1 or (unnamed and choice is worded[0]))


def _because(choice: ColumnChoice, field: str, sureness: float, reason: str) -> ColumnChoice:
    return msgspec.structs.replace(choice, field=field, source="content", confidence=sureness, reason=reason)


def _with_evidence(choice: ColumnChoice, evidence: ColumnProfile) -> ColumnChoice:
    return msgspec.structs.replace(choice, samples=evidence.samples, fill_rate=round(evidence.fill_rate, 4))


def _need_phone(
    headers: Sequence[str], choices: Sequence[ColumnChoice], evidence: Sequence[ColumnProfile]
) -> None:
    """Raise MissingPhoneColumnError, with the columns of phones that there are, and what to type for the first."""
    if any(choice.field in (LEADS_PHONE, "add_phones") for choice in choices):
        return
    phones = [choice for choice in choices if evidence[choice.index].phones >= MOST]
    near = phones or [
        c
        for c in choices
        if _says_phone(c)
        or (
            re.search("phone|mobile|contact|whatsapp", normalize_header(c.header))
            and (evidence[c.index].phone_like or not evidence[c.index].cells)
        )
    ]
    listed = ", ".join(f'"{header}"' for header in headers if header)
    said = "".join(f' "{choice.header}" was left out: {choice.reason}.' for choice in near[:3])
    example = next((make_column_key(headers, c.index) for c in (*near, *choices) if c.header), "HEADER")
    if not near and not any(found.phones for found in evidence):
        raise MissingPhoneColumnError(
            f"No column holds the leads' phones, and none of the first cells is one. The columns are: {listed}.",
            "The CRM knows each lead by its phone: add a column of phones to the sheet. Where they only come further "
            f'down, name their column: --column "{example}={LEADS_PHONE}"',
        )
    raise MissingPhoneColumnError(
        f"No column holds the leads' phones.{said or f' The columns are: {listed}.'}",
        f'Name the right one: --column "{example}={LEADS_PHONE}"',
    )


def _says_phone(choice: ColumnChoice) -> bool:
    """Whether the header is one of the lead's phone, and only the cells speak against it: all may be cut short."""
    return choice.source == "unfit" and read_heading(choice.header).field == LEADS_PHONE


def _choice(index: int, header: str, said: Said, rules: ColumnRules | None = None) -> ColumnChoice:
    return ColumnChoice(
        index=index,
        header=header,
        field=said.field,
        source=said.source,
        confidence=said.confidence,
        reason=said.reason,
        rules=rules or ColumnRules(),
    )
