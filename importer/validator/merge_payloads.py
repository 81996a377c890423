"""Merges the values of rows that are one lead into one payload, and says which values were replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from importer.models.delivery import NOTE_BREAK
from importer.models.row import Accepted, Payload
from importer.validator.lead_groups import PERSON_FIELDS, get_name, is_other_person, list_numbers

_JOINED_TEXTS = {"customer_note": NOTE_BREAK, "additional_info": "\n"}
"""Texts that never replace each other, and the separator between two: one person may enquire several times."""

_NUMBER_FIELDS = frozenset({"customer_phone", "add_phones"})


class Change(NamedTuple):
    """A value that row `row` replaced in the merged lead."""

    row: int
    field: str
    old: Any
    new: Any


def merge_payloads(rows: Sequence[Accepted]) -> tuple[Payload, list[Change]]:
    """Return one payload of all rows, and the values that were replaced, by row.

    It goes field by field, so that thousands of rows with one made-up phone take no longer than other rows.
    """
    payload = _merge_numbers(rows)
    changes: list[Change] = []
    same_person = _select_last_person(rows)
    for name in dict.fromkeys(name for row in rows for name in row.payload if name not in _NUMBER_FIELDS):
        values = [(row.row.number, row.payload[name]) for row in rows if name in row.payload]
        sources = same_person if name in PERSON_FIELDS else rows
        if kept := [row.payload[name] for row in sources if name in row.payload]:
            payload[name] = _combine_values(name, kept)
        else:  # only rows of another person have this part of the name
            values.append((same_person[0].row.number, None))
        for (_, old), (number, new) in pairwise(values):
            changes += [Change(number, *change) for change in _find_replaced(name, old, new)]
    return payload, sorted(changes, key=itemgetter(0))


def _merge_numbers(rows: Sequence[Accepted]) -> Payload:
    """Return the phone of the first row as the lead's own, and all other numbers as further ones."""
    own = rows[0].phone
    others = [
        number for number in dict.fromkeys(chain.from_iterable(map(list_numbers, rows))) if number != own
    ]
    return {"customer_phone": own, "add_phones": others} if others else {"customer_phone": own}


def _select_last_person(rows: Sequence[Accepted]) -> Sequence[Accepted]:
    """Return the rows from the last one with a name that differs from those before it.

    "Ravi Rao" and then "Asha" must not become "Asha Rao", nor "Ravi Rao", "R" and then "Rahul" a "Rahul Rao".
    """
    first, names = 0, set[str]()
    for at, row in enumerate(rows):
        name = get_name(row, PERSON_FIELDS)
        if not name or name in names:
            continue
        if any(is_other_person(name, other) for other in names):
            first, names = at, set()
        names.add(name)
    return rows[first:]


def _find_replaced(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what `new` replaces: (field, old value, new value). Lists and joined texts lose nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        for part in (part for part in new if part in old):
            yield from _find_replaced(f"{name}.{part}", old[part], new[part])
    elif old is not None and old != new and not isinstance(new, list) and name not in _JOINED_TEXTS:
        yield name, old, new


def _combine_values(name: str, values: Sequence[Any]) -> Any:
    """Return one value of several: lists add up, address parts come together, some texts are joined, else the last."""
    last = values[-1]
    if isinstance(last, list):
        return list(dict.fromkeys(chain.from_iterable(values)))
    if isinstance(last, dict):
        return {part: value for one in values for part, value in one.items()}
    if name in _JOINED_TEXTS:
        return _JOINED_TEXTS[name].join(dict.fromkeys(values))
    return last
