"""Rows that share a phone: which of them is sent, and what the others give to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any

import msgspec

from importer.fields import get_field_label
from importer.issues import Issue, IssueCode
from importer.models.delivery import NOTE_BREAK
from importer.models.row import Accepted, NewVerdict, Payload
from importer.models.status import StagedVerdict
from importer.settings import DuplicatesPolicy

_GATHERED = {"customer_note": NOTE_BREAK, "additional_info": "\n"}
"""Texts that gather what was said of a lead, and what stands between two: several enquiries of one person."""
_OF_A_PERSON = ("first_name", "last_name")
_NAMES = (_OF_A_PERSON, ("business_name",))
"""What a row is called: by its person, in a sheet of firms by its firm."""
_MOST_ROWS, _MOST_CHANGES = 6, 20  # named in one sentence


def deduplicate_group(
    group: Sequence[Accepted], duplicates: DuplicatesPolicy, *, header: str
) -> list[NewVerdict]:
    """Settle rows of one phone, given in file order. `header` names the phone column, for the sentences.

    `merge` gives what the CRM would hold had the rows been sent one after another (later values win, lists
    add up, no note is lost), but for two things: it keeps the additional info of all, and makes no third person
    of two names. Whatever the policy, rows of several people are kept out whose number Excel may have shortened to
    the same. Every row that changes is in the answer.
    """
    shortened = _shortened(group, header)
    rest = [row for row in group if row.row.number not in shortened]
    return [*shortened.values(), *(_settled(rest, duplicates, header) if len(rest) > 1 else ())]


def _settled(group: Sequence[Accepted], duplicates: DuplicatesPolicy, header: str) -> list[NewVerdict]:
    match duplicates:
        case "merge":
            return _merge(group, header)
        case "first":
            return _keep(group, group[0], "the first row was kept", header)
        case "last":
            return _keep(group, group[-1], "the last row was kept", header)
        case "reject":
            return [_rejected(row, group, header) for row in group]


def _shortened(group: Sequence[Accepted], header: str) -> dict[int, NewVerdict]:
    """Where several people have one number: the rows in which it ends as Excel leaves one that it has shortened."""
    doubts = [row.row.number for row in group if any(_doubts_its_phone(row, issue) for issue in row.issues)]
    others = _other_names(group, header) if doubts else {}
    if not others:
        return {}
    first_other, (of_other,) = next(iter(others.items()))
    hints = dict.fromkeys(doubts, f'row {first_other} "{of_other.value}"')
    hints |= {number: others[number][0].hint for number in doubts if number in others}
    return {
        row.row.number: NewVerdict(
            row.row.number,
            StagedVerdict.INVALID,
            None,
            tuple(
                msgspec.structs.replace(issue, code=IssueCode.SHORTENED, hint=hints[row.row.number])
                if _doubts_its_phone(row, issue)
                else issue
                for issue in row.issues
            ),
        )
        for row in group
        if row.row.number in hints
    }


def _doubts_its_phone(row: Accepted, issue: Issue) -> bool:
    """Whether the zeros are those of the lead's own number: a cell may hold others, and it may come from another column."""
    return issue.code == IssueCode.MAYBE_SHORTENED and is_same_number(row.phone, issue.value)


def is_same_number(phone: str, digits: str) -> bool:
    """Whether bare digits are this phone, in E.164: a zero or the country's code in front of them is no matter."""
    return phone.endswith(digits.removesuffix(".0").lstrip("+0"))


def _merge(group: Sequence[Accepted], header: str) -> list[NewVerdict]:
    folded: list[NewVerdict] = []
    for kept, others in _mergeable(group):
        named = _other_names([kept, *others], header)
        folded += [
            _folded(row, kept, "its values went into that row", header, *named.get(row.row.number, ()))
            for row in others
        ]
        if others:
            payload, changes = _merged([kept, *others])
            said = "".join(f"; {change}" for change in _few(changes, _MOST_CHANGES))
            issue = Issue("row", IssueCode.MERGED, header, _rows([row.row.number for row in others]), said)
            folded.append(NewVerdict(kept.row.number, StagedVerdict.VALID, payload, (*kept.issues, issue)))
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


def _other_names(rows: Sequence[Accepted], header: str) -> dict[int, tuple[Issue]]:
    """What is said of rows that are called otherwise than the first that has a name: two people may share a phone."""
    fields = next(
        (fields for fields in _NAMES if any(row.payload.get(f) for row in rows for f in fields)), ()
    )
    named = [(row.row.number, name) for row in rows if (name := _name_in(row, fields))]
    return {
        number: (Issue("row", IssueCode.OTHER_NAME, header, name, f'row {first} "{its_name}"'),)
        for first, its_name in named[:1]
        for number, name in named
        if _is_another(name, its_name)
    }


def _name_in(row: Accepted, fields: Sequence[str]) -> str:
    return " ".join(filter(None, map(row.payload.get, fields)))


def _is_another(name: str, other: str) -> bool:
    """Whether two names are of two people: no longer form, initial or other spelling of one is the other."""
    short, long = sorted((_words(name), _words(other)), key=len)
    return not all(any(_one_word(word, of_other) for of_other in long) for word in short)


def _words(name: str) -> list[str]:
    return name.casefold().replace(".", " ").split()


def _one_word(word: str, other: str) -> bool:
    return word == other or (1 in (len(word), len(other)) and word[0] == other[0])


def _merged(rows: Sequence[Accepted]) -> tuple[Payload, list[str]]:
    """One payload of all rows, and a sentence for each value that was replaced.

    Field by field, so that the thousand rows that somebody gave one made-up phone take no longer than others.
    """
    payload: Payload = {}
    changes: list[tuple[int, str]] = []
    of_one_name = _since_the_last_other_name(rows)
    for name in dict.fromkeys(name for row in rows for name in row.payload):
        values = [(row.row.number, row.payload[name]) for row in rows if name in row.payload]
        given = of_one_name if name in _OF_A_PERSON else rows
        if kept := [row.payload[name] for row in given if name in row.payload]:
            payload[name] = _joined(name, kept)
        else:  # that of another, who is not called so
            values.append((of_one_name[0].row.number, None))
        for (_, old), (number, new) in pairwise(values):
            for field, was, now in _replaced(name, old, new):
                changes.append(
                    (
                        number,
                        f"{get_field_label(field)} is {_quoted(now)} as in row {number}, was {_quoted(was)}",
                    )
                )
    return payload, [said for _, said in sorted(changes, key=itemgetter(0))]


def _since_the_last_other_name(rows: Sequence[Accepted]) -> Sequence[Accepted]:
    """The rows from the last one on that is called otherwise than one before it.

    "Ravi Rao" and then "Asha" make no "Asha Rao", nor "Ravi Rao", "R" and then "Rahul" a "Rahul Rao".
    """
    first, names = 0, set[str]()
    for at, row in enumerate(rows):
        name = _name_in(row, _OF_A_PERSON)
        if not name or name in names:
            continue
        if any(_is_another(name, other) for other in names):
            first, names = at, set()
        names.add(name)
    return rows[first:]


def _replaced(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """What goes when `new` comes: (field, the old value, the new one). Lists and gathered texts lose nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        for part in (part for part in new if part in old):
            yield from _replaced(f"{name}.{part}", old[part], new[part])
    elif old is not None and old != new and not isinstance(new, list) and name not in _GATHERED:
        yield name, old, new


def _joined(name: str, values: Sequence[Any]) -> Any:
    """One value of several: lists add up, parts of an address come together, texts are gathered, else the last."""
    last = values[-1]
    if isinstance(last, list):
        return list(dict.fromkeys(chain.from_iterable(values)))
    if isinstance(last, dict):
        return {part: value for one in values for part, value in one.items()}
    if name in _GATHERED:
        return _GATHERED[name].join(dict.fromkeys(values))
    return last


def _keep(group: Sequence[Accepted], kept: Accepted, said: str, header: str) -> list[NewVerdict]:
    return [_folded(row, kept, said, header) for row in group if row is not kept]


def _folded(row: Accepted, kept: Accepted, said: str, header: str, *more: Issue) -> NewVerdict:
    issue = Issue("row", IssueCode.FOLDED, header, said, str(kept.row.number))
    return NewVerdict(
        row.row.number, StagedVerdict.DUPLICATE, None, (*row.issues, issue, *more), kept.row.number
    )


def _rejected(row: Accepted, group: Sequence[Accepted], header: str) -> NewVerdict:
    other = next(other for other in group if other is not row)
    issue = Issue("customer_phone", IssueCode.SHARED_PHONE, header, row.phone, str(other.row.number))
    return NewVerdict(row.row.number, StagedVerdict.INVALID, None, (*row.issues, issue))


def _rows(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    *most, last = _few([str(number) for number in numbers], _MOST_ROWS)
    return f"rows {', '.join(most)} and {last.removeprefix('and ')}"


def _few(texts: Sequence[str], most: int) -> list[str]:
    """The first of many, and how many more there are: a sentence is to be read."""
    more = len(texts) - most
    return [*texts[:most], f"and {more:,} more"] if more > 1 else list(texts)


def _quoted(value: Any) -> str:
    return "empty" if value is None else f'"{value}"'
