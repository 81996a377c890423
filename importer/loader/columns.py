"""Headers and samples to a mapping: which column is which field, with the reason for each choice."""

from __future__ import annotations

import re
from collections.abc import Mapping as Titles
from collections.abc import Sequence

import msgspec

from importer.errors import BadMapping, NoPhoneColumn
from importer.fields import BY_NAME, FIELDS, Field, field_named
from importer.loader.evidence import Evidence, gather
from importer.loader.headers import KNOWN_HEADERS, plain_header
from importer.loader.mapfile import ColumnEntry, ColumnMap
from importer.loader.presets import Preset, find_preset
from importer.models import ColumnChoice, ColumnRules, Mapping, SourceRow

UNSURE_BELOW = 0.8
"""Choices less sure than this are asked about on a terminal."""

_FUZZY_FROM = 88.0  # of 100, by rapidfuzz's ratio: "Moble Number" is alike, "Order number" is not
_DECOY = re.compile(
    r"\b(?:parents?|father|mother|guardian|spouse|emergency|best number|opt out|opt in|dnc\w*|do not call|fax|aadhaar"
    r"|pan|gst\w*|order|invoice|transaction|booking|registration|ticket|quantity|owner|created by|modified)\b"
)
_OF_TWO_NAMES = re.compile(r"^(.*)#(\d+)$")
_UNITS = re.compile(r"[(\[][^)\]]*[)\]]|\*")
_AUTHORITY = ("option", "map", "preset", "synonym", "fuzzy", "content")


def choose_columns(
    headers: Sequence[str],
    sample: Sequence[SourceRow],
    *,
    preset: str | None = None,
    column_map: ColumnMap | None = None,
    columns: Titles[str, str] | None = None,
    defaults: Titles[str, str] | None = None,
    titles: Titles[str, Sequence[str]] | None = None,
    region: str = "IN",
) -> Mapping:
    """Decide on every column of a sheet.

    `columns` are the pairs of `--column` (header -> field), `defaults` those of `--set`, `titles` the
    account's active titles by field. Authority goes from options over map, preset, synonyms and likeness to
    what the cells hold. Raises BadMapping and NoPhoneColumn, naming what can be typed.
    """
    column_map = column_map or ColumnMap()
    chosen_preset = find_preset(headers, preset)
    evidence = [gather(index, sample, titles or {}, region) for index in range(len(headers))]
    named = _named_entries(headers, columns or {}, "option")
    for index, choice in _named_entries(headers, column_map.entries(), "map").items():
        named.setdefault(index, choice)
    choices = [
        named.get(index) or _by_itself(index, header, evidence[index], chosen_preset)
        for index, header in enumerate(headers)
    ]
    choices = _by_content(_one_each(choices, evidence), evidence)
    choices = [_with_evidence(choice, evidence[choice.index]) for choice in choices]
    _need_phone(choices)
    return Mapping(
        columns=tuple(choices),
        defaults=_checked_defaults({**column_map.defaults, **(defaults or {})}),
        values={_known(field).name: pairs for field, pairs in column_map.values.items()},
        clear=column_map.clear.token if column_map.clear else None,
        preset=chosen_preset.name if chosen_preset else "",
        row_rules=chosen_preset.row_rules(headers) if chosen_preset else (),
    )


# --- what was named by a person


def _named_entries(
    headers: Sequence[str], given: Titles[str, str | ColumnEntry], why: str
) -> dict[int, ColumnChoice]:
    found: dict[int, ColumnChoice] = {}
    for header, entry in given.items():
        entry = entry if isinstance(entry, ColumnEntry) else ColumnEntry(entry)  # noqa: PLW2901
        field = _known(entry.field).name if entry.field else ""
        index = _find_header(headers, header)
        said = "named by --column" if why == "option" else "named by the map"
        found[index] = _choice(index, headers[index], field, why, 1.0, said, entry.rules)
    return found


def _find_header(headers: Sequence[str], name: str) -> int:
    """The column that `name` means; `Phone#2` is the second column called Phone. Raises BadMapping."""
    numbered = _OF_TWO_NAMES.match(name)
    wanted, nth = (numbered[1], int(numbered[2])) if numbered and name not in headers else (name, 1)
    for same in ([i for i, h in enumerate(headers) if h == wanted], _alike(headers, wanted)):
        if len(same) >= nth:
            return same[nth - 1]
    raise BadMapping(
        f'The sheet has no column "{name}".', _nearest(name, [h for h in headers if h], "It has")
    )


def _alike(headers: Sequence[str], wanted: str) -> list[int]:
    return [index for index, header in enumerate(headers) if plain_header(header) == plain_header(wanted)]


def _known(name: str) -> Field:
    field = field_named(name)
    if field is None:
        raise BadMapping(f'There is no field "{name}".', _nearest(name, list(BY_NAME), "Fields are"))
    return field


def _checked_defaults(given: Titles[str, str]) -> dict[str, str]:
    return {_known(name).name: value for name, value in given.items()}


def _nearest(name: str, known: Sequence[str], otherwise: str) -> str:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a mistake needs it

    near = process.extractOne(name, known, scorer=fuzz.WRatio, score_cutoff=60)
    return f'Did you mean "{near[0]}"?' if near else f"{otherwise}: {', '.join(known)}."


# --- what a column says by itself


def _by_itself(index: int, header: str, evidence: Evidence, preset: Preset | None) -> ColumnChoice:
    entry = preset.entry_for(header) if preset is not None else None
    if preset is not None and entry is not None:
        reason = entry.reason or f"as {preset.title} names it"
        return _checked(_choice(index, header, entry.field, "preset", 0.98, reason, entry.rules), evidence)
    plain = plain_header(_UNITS.sub(" ", header)) or plain_header(header)
    if not header:
        return _choice(index, header, "", "nothing", 0.0, "the column is empty")
    field = KNOWN_HEADERS.get(plain_header(header)) or KNOWN_HEADERS.get(plain)
    if field:
        return _checked(_choice(index, header, field, "synonym", 0.95, "a known header"), evidence)
    if decoy := _DECOY.search(plain):
        return _choice(index, header, "", "decoy", 1.0, f'"{decoy[0]}" says that it is not the lead\'s own')
    return _checked(_by_likeness(index, header, plain), evidence)


def _by_likeness(index: int, header: str, plain: str) -> ColumnChoice:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only unknown headers need it

    near = process.extractOne(plain, KNOWN_HEADERS.keys(), scorer=fuzz.ratio, score_cutoff=_FUZZY_FROM)
    if near is None:
        return _choice(index, header, "", "nothing", 0.0, "no field has a name like this")
    return _choice(index, header, KNOWN_HEADERS[near[0]], "fuzzy", near[1] / 130, f'reads like "{near[0]}"')


def _checked(choice: ColumnChoice, evidence: Evidence) -> ColumnChoice:
    """Refuse what the header promises and the cells do not hold."""
    if not evidence.filled:
        return choice
    if choice.field == "assignee_user_phone" and not evidence.has_phones:
        reason = "holds names, and the CRM takes only a team member's phone"
        return msgspec.structs.replace(choice, field="", why="decoy", reason=reason)
    if choice.field in ("customer_phone", "add_phones") and not any(
        char.isdigit() for sample in evidence.samples for char in sample
    ):
        return msgspec.structs.replace(choice, field="", why="decoy", reason="holds no numbers")
    return choice


# --- never two columns into one single-valued field


def _one_each(choices: list[ColumnChoice], evidence: Sequence[Evidence]) -> list[ColumnChoice]:
    settled = list(choices)
    for field in FIELDS:
        rivals = [choice for choice in choices if choice.field == field.name]
        if len(rivals) < 2 or field.joins:
            continue
        best = min(rivals, key=lambda choice: _rank(choice, evidence[choice.index]))
        _no_two_named(rivals, field.name)
        for loser in rivals:
            if loser is not best:
                settled[loser.index] = _second_place(loser, best, evidence[loser.index])
    return settled


def _rank(choice: ColumnChoice, evidence: Evidence) -> tuple[int, bool, bool, int]:
    own = bool(re.search(r"\b(?:mobile|mob|cell|whatsapp|primary)\b", plain_header(choice.header)))
    is_phone = choice.field == "customer_phone"
    return (
        _AUTHORITY.index(choice.why),
        is_phone and not evidence.has_phones,
        is_phone and not own,
        choice.index,
    )


def _no_two_named(rivals: Sequence[ColumnChoice], field: str) -> None:
    for why in ("option", "map"):
        named = [choice.header for choice in rivals if choice.why == why]
        if len(named) > 1:
            listed = " and ".join(f'"{header}"' for header in named)
            raise BadMapping(
                f"{listed} are both sent to {field}, which takes one column.", 'Leave one out: "HEADER=".'
            )


def _second_place(loser: ColumnChoice, best: ColumnChoice, evidence: Evidence) -> ColumnChoice:
    if loser.field == "customer_phone" and evidence.phones > 0:
        reason = f'a further phone; "{best.header}" is the lead\'s own'
        return msgspec.structs.replace(loser, field="add_phones", reason=reason)
    reason = f'"{best.header}" is {BY_NAME[loser.field].label} already'
    return msgspec.structs.replace(loser, field="", why="taken", reason=reason)


# --- what only the cells tell


def _by_content(choices: list[ColumnChoice], evidence: Sequence[Evidence]) -> list[ColumnChoice]:
    used = {choice.field for choice in choices if choice.field}
    open_ones = [choice for choice in choices if choice.why == "nothing" and choice.header]
    found: dict[int, ColumnChoice] = {}
    if "customer_phone" not in used:
        phones = [choice for choice in open_ones if evidence[choice.index].has_phones]
        if phones:
            best = max(phones, key=lambda choice: (evidence[choice.index].phones, -choice.index))
            found[best.index] = _because(best, "customer_phone", 0.75, "its cells are phones")
    if "email" not in used:
        for choice in (c for c in open_ones if evidence[c.index].has_emails and c.index not in found):
            found[choice.index] = _because(choice, "email", 0.85, "its cells are e-mail addresses")
    for choice in open_ones:
        field = evidence[choice.index].titles
        if field and field not in used and choice.index not in found:
            used.add(field)
            found[choice.index] = _because(
                choice, field, 0.7, f"its cells are {BY_NAME[field].label.lower()} titles of the account"
            )
    return [found.get(choice.index, choice) for choice in choices]


def _because(choice: ColumnChoice, field: str, sureness: float, reason: str) -> ColumnChoice:
    return msgspec.structs.replace(choice, field=field, why="content", sureness=sureness, reason=reason)


def _with_evidence(choice: ColumnChoice, evidence: Evidence) -> ColumnChoice:
    return msgspec.structs.replace(choice, samples=evidence.samples, filled=round(evidence.filled, 4))


def _need_phone(choices: Sequence[ColumnChoice]) -> None:
    if any(choice.field in ("customer_phone", "add_phones") for choice in choices):
        return
    listed = ", ".join(f'"{choice.header}"' for choice in choices if choice.header)
    example = next((choice.header for choice in choices if choice.header), "HEADER")
    raise NoPhoneColumn(
        f"No column holds the leads' phones. The columns are: {listed}.",
        f'Name the right one: --column "{example}=customer_phone"',
    )


def _choice(
    index: int,
    header: str,
    field: str,
    why: str,
    sureness: float,
    reason: str,
    rules: ColumnRules | None = None,
) -> ColumnChoice:
    return ColumnChoice(
        index=index,
        header=header,
        field=field,
        why=why,
        sureness=sureness,
        reason=reason,
        rules=rules or ColumnRules(),
    )
