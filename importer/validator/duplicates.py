"""Rows that share a phone: which of them is sent, and what the others give to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from importer.fields import BY_NAME
from importer.issues import Issue
from importer.models import NOTE_BREAK, Accepted, Payload, Status
from importer.settings import Duplicates

_GATHERED = {"customer_note": NOTE_BREAK, "additional_info": "\n"}
"""Texts that gather what was said of a lead, and what stands between two: several enquiries of one person."""


class Folded(NamedTuple):
    """What becomes of one row of a group: `payload` is None unless it is sent."""

    number: int
    verdict: Status
    payload: Payload | None
    issues: tuple[Issue, ...]
    kept_in: int | None = None


def fold(group: Sequence[Accepted], duplicates: Duplicates, *, header: str) -> list[Folded]:
    """Settle rows of one phone, given in file order. `header` names the phone column, for the sentences.

    `merge` gives what the CRM would hold had the rows been sent one after another (later values win, lists
    add up, no note is lost), and keeps the additional info of all. Every row that changes is in the answer.
    """
    match duplicates:
        case "merge":
            return _merge(group, header)
        case "first":
            return _keep(group, group[0], "the first row was kept", header)
        case "last":
            return _keep(group, group[-1], "the last row was kept", header)
        case "reject":
            return [_rejected(row, group, header) for row in group]


def _merge(group: Sequence[Accepted], header: str) -> list[Folded]:
    folded: list[Folded] = []
    for kept, others in _mergeable(group):
        payload = dict(kept.payload)
        changes = [change for other in others for change in _take_in(payload, other)]
        folded += [_folded(row, kept, "its values went into that row", header) for row in others]
        if others:
            said = "".join(f"; {change}" for change in changes)
            issue = Issue("row", "merged", header, _rows([row.row.number for row in others]), said)
            folded.append(Folded(kept.row.number, Status.ACCEPTED, payload, (*kept.issues, issue)))
    return folded


def _mergeable(group: Sequence[Accepted]) -> list[tuple[Accepted, list[Accepted]]]:
    """Cut the group where a row removes labels and another adds some: the API takes only one of the two."""
    runs: list[tuple[Accepted, list[Accepted]]] = []
    sides: set[str] = set()
    for row in group:
        own = {"add_labels", "remove_labels"} & row.payload.keys()
        if runs and len(sides | own) < 2:
            runs[-1][1].append(row)
            sides |= own
        else:
            runs.append((row, []))
            sides = own
    return runs


def _take_in(payload: Payload, other: Accepted) -> list[str]:
    """Add the other row's values to `payload`; answers with a sentence for each value that was replaced."""
    changes = []
    for name, new in other.payload.items():
        old = payload.get(name)
        payload[name] = _joined(name, old, new)
        for field, was, now in _replaced(name, old, new):
            label = BY_NAME[field].label if field in BY_NAME else field
            changes.append(f"{label} is {_quoted(now)} as in row {other.row.number}, was {_quoted(was)}")
    return changes


def _replaced(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """What goes when `new` comes: (field, the old value, the new one). Lists and gathered texts lose nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        for part in (part for part in new if part in old):
            yield from _replaced(f"{name}.{part}", old[part], new[part])
    elif old is not None and old != new and not isinstance(new, list) and name not in _GATHERED:
        yield name, old, new


def _joined(name: str, old: Any, new: Any) -> Any:
    if isinstance(old, list) and isinstance(new, list):
        return list(dict.fromkeys([*old, *new]))
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    if name in _GATHERED and old:
        between = _GATHERED[name]
        return old if f"{between}{new}{between}" in f"{between}{old}{between}" else f"{old}{between}{new}"
    return new


def _keep(group: Sequence[Accepted], kept: Accepted, said: str, header: str) -> list[Folded]:
    return [_folded(row, kept, said, header) for row in group if row is not kept]


def _folded(row: Accepted, kept: Accepted, said: str, header: str) -> Folded:
    issue = Issue("row", "folded", header, said, str(kept.row.number))
    return Folded(row.row.number, Status.DUPLICATE, None, (*row.issues, issue), kept.row.number)


def _rejected(row: Accepted, group: Sequence[Accepted], header: str) -> Folded:
    other = next(other for other in group if other is not row)
    issue = Issue("customer_phone", "shared_phone", header, row.phone, str(other.row.number))
    return Folded(row.row.number, Status.INVALID, None, (*row.issues, issue))


def _rows(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    return f"rows {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _quoted(value: Any) -> str:
    return "empty" if value is None else f'"{value}"'
