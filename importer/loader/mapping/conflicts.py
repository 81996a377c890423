"""Never two columns into one single-valued field: which of them is the best, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from importer.errors import MappingError
from importer.fields import FIELDS, FIELDS_BY_NAME
from importer.loader.mapping.column_profile import MOST, ColumnProfile
from importer.loader.mapping.header_match import BY_PERSON, FREE_TEXTS
from importer.loader.vocabulary import split_words
from importer.models.mapping import ColumnChoice

LEADS_PHONE = "customer_phone"
_FIRMS = (
    0.3  # share of a column's names that are plainly firms': many firms have no word for it in their names
)
_AUTHORITY = ("option", "map", "preset", "synonym", "fuzzy", "content")


def one_each(choices: list[ColumnChoice], evidence: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """The choices with one column for each field that takes one. Raises MappingError where a person named two."""
    choices = _firms_apart(choices, evidence)
    settled = list(choices)
    for field in FIELDS:
        rivals = [choice for choice in choices if choice.field == field.name]
        if len(rivals) < 2:
            continue
        if field.takes_many_columns:
            _leave_others_out(rivals, settled)
            continue
        best = min(rivals, key=lambda choice: _rank(choice, evidence[choice.index]))
        _no_two_named(rivals, field.name)
        for loser in rivals:
            if loser is not best:
                settled[loser.index] = _second_place(loser, best, evidence[loser.index])
    return _only_phones_first(settled, evidence)


def _firms_apart(choices: list[ColumnChoice], evidence: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """`Customer Name` beside `Contact Person`: where its cells are firms, and no other column has them, it is the firm."""
    names = [c for c in choices if c.field == "full_name" and c.source in ("synonym", "fuzzy")]
    firms = [c for c in names if evidence[c.index].firms >= _FIRMS]
    if len(firms) != 1 or len(names) < 2 or any(choice.field == "business_name" for choice in choices):
        return choices
    person = next(choice for choice in names if choice is not firms[0])
    reason = f'its cells are firms; "{person.header}" has the names'
    firm = msgspec.structs.replace(firms[0], field="business_name", reason=reason)
    return [firm if choice is firms[0] else choice for choice in choices]


def _leave_others_out(rivals: Sequence[ColumnChoice], settled: list[ColumnChoice]) -> None:
    """`Email` beside `Buyer Email`: the second is likely another person's."""
    if rivals[0].field in FREE_TEXTS:
        return  # a note on the lead is one whoever wrote it
    own = next((rival for rival in rivals if rival.confidence > BY_PERSON), None)
    for rival in rivals:
        if own is not None and rival.confidence == BY_PERSON:
            settled[rival.index] = left_out(
                rival, f'may be another person\'s than "{own.header}"', source="taken"
            )


def _rank(choice: ColumnChoice, evidence: ColumnProfile) -> tuple[int, float, bool, int, int]:
    is_phone = choice.field == LEADS_PHONE
    return (
        _AUTHORITY.index(choice.source),
        -choice.confidence,
        is_phone and evidence.phones < MOST,
        _kind_of_phone(choice.header) if is_phone else 0,
        choice.index,
    )


def _kind_of_phone(header: str) -> int:
    """A mobile is the best number of a lead; a number for WhatsApp alone comes behind a plain phone."""
    words = set(split_words(header))
    if words & {"mobile", "mob", "cell", "primary", "मोबाइल", "मोबाईल"}:
        return 0
    return 2 if words & {"whatsapp", "wa", "work", "व्हाट्सएप"} else 1


def _no_two_named(rivals: Sequence[ColumnChoice], field: str) -> None:
    for why in ("option", "map"):
        named = [choice.header for choice in rivals if choice.source == why]
        if len(named) > 1:
            listed = " and ".join(f'"{header}"' for header in named)
            raise MappingError(
                f"{listed} are both sent to {field}, which takes one column.", 'Leave one out: "HEADER=".'
            )


def _second_place(loser: ColumnChoice, best: ColumnChoice, evidence: ColumnProfile) -> ColumnChoice:
    if loser.confidence == BY_PERSON < best.confidence:
        return left_out(loser, f'may be another person\'s than "{best.header}"', source="taken")
    if loser.field == LEADS_PHONE and (
        evidence.phones > 0 or not evidence.cells
    ):  # further down it may be filled
        reason = f'a further phone; "{best.header}" is the lead\'s own'
        return msgspec.structs.replace(loser, field="add_phones", reason=reason)
    reason = f'"{best.header}" is {FIELDS_BY_NAME[loser.field].label} already'
    if loser.field == "city":
        return msgspec.structs.replace(loser, field="address.additional", reason=reason)
    return left_out(loser, reason, source="taken")


def _only_phones_first(choices: list[ColumnChoice], evidence: Sequence[ColumnProfile]) -> list[ColumnChoice]:
    """Where no column is the lead's own phone, the first of its other phones is."""
    others = [c for c in choices if c.field == "add_phones" and c.source in ("preset", "synonym", "fuzzy")]
    if others and not any(choice.field == LEADS_PHONE for choice in choices):
        best = max(others, key=lambda choice: (evidence[choice.index].phones, -choice.index))
        choices[best.index] = msgspec.structs.replace(
            best, field=LEADS_PHONE, reason="the only phone of the sheet"
        )
    return choices


def left_out(choice: ColumnChoice, reason: str, *, source: str = "unfit") -> ColumnChoice:
    """The column without its field, and why."""
    return msgspec.structs.replace(choice, field="", source=source, confidence=0.0, reason=reason)
