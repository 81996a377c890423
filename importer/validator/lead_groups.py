"""Decides which rows that share a number are one lead, by their phones and by the names of people in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from importer.disjoint_sets import DisjointSets
from importer.issues import Issue, IssueCode
from importer.messages import issue_messages
from importer.models.row import Accepted, name_row

PERSON_FIELDS = ("first_name", "last_name")
"""The fields that name a person."""

_MAX_COMPARED_LEADS = 20  # of one number: a made-up one in many rows must not take millions of comparisons


class GroupWords(NamedTuple):
    """What the sentences about a group need: the header of the phone column, and the names of the sheets."""

    header: str
    sheets: Sequence[str]

    def name(self, number: int) -> str:
        """Return `3`, or `3 of Pune`."""
        return name_row(number, self.sheets)

    def name_with(self, number: int, person: str) -> str:
        """Return `row 3 "Ravi Rao"`."""
        return issue_messages.ROW_WITH_NAME.format(row=self.name(number), name=person)


def split_into_leads(
    group: Sequence[Accepted], words: GroupWords
) -> tuple[list[list[Accepted]], dict[int, Issue]]:
    """Return the rows of each lead, and a warning for each row that shares a number with somebody else's lead."""
    leads = _LeadSets(group)
    warnings: dict[int, Issue] = {}
    for at, row in enumerate(group):
        if (stranger := leads.add(at)) is not None:
            warnings[row.row.number] = _warn_of_shared_number(row, group[stranger], words)
    return leads.list_rows(), warnings


class _LeadSets:
    """Sets of rows, by their index in a group. The rows of a set are one lead."""

    def __init__(self, group: Sequence[Accepted]) -> None:
        self._group = group
        self._sets = DisjointSets[int]()
        self._names: dict[int, str] = {}
        self._by_phone: dict[str, int] = {}
        self._by_number: dict[str, list[int]] = {}

    def add(self, at: int) -> int | None:
        """Add the next row to the leads with its phone, or with a further number and a name that fits.

        Return a row with another name that has one of its numbers and stays another lead, or None.
        """
        row = self._group[at]
        self._names[self._sets.find(at)] = _get_any_name(row)
        self._join(self._by_phone.setdefault(row.phone, at), at)
        strangers = [other for number in list_numbers(row) for other in self._find_related(number, at)]
        return strangers[0] if strangers else None

    def list_rows(self) -> list[list[Accepted]]:
        """Return the rows of each lead, in file order."""
        return [[self._group[at] for at in rows] for rows in self._sets.list_sets()]

    def _find_related(self, number: str, at: int) -> Iterator[int]:
        """Join the row with the leads that have the number, and yield those of other people."""
        known = self._by_number.setdefault(number, [])
        for other in known:
            own, others = self._sets.find(at), self._sets.find(other)
            if own != others and _are_two_people(self._names[own], self._names[others]):
                yield other
            else:
                self._join(other, at)
        if len(known) < _MAX_COMPARED_LEADS and all(
            self._sets.find(at) != self._sets.find(one) for one in known
        ):
            known.append(at)

    def _join(self, one: int, other: int) -> None:
        names = self._names[self._sets.find(one)], self._names[self._sets.find(other)]
        self._names[self._sets.connect(one, other)] = names[0] or names[1]


def list_numbers(row: Accepted) -> list[str]:
    """Return the lead's own phone, then its further ones."""
    return [row.phone, *row.payload.get("add_phones", ())]


def _get_any_name(row: Accepted) -> str:
    return get_name(row, PERSON_FIELDS) or get_name(row, ("business_name",))


def _are_two_people(name: str, other: str) -> bool:
    """Return whether both names are known and are of two people."""
    return bool(name and other) and is_other_person(name, other)


def _warn_of_shared_number(row: Accepted, other: Accepted, words: GroupWords) -> Issue:
    shared = next((number for number in list_numbers(row) if number in list_numbers(other)), row.phone)
    return Issue(
        "row",
        IssueCode.SHARES_NUMBER,
        words.header,
        shared,
        words.name_with(other.row.number, _get_any_name(other)),
    )


def get_name(row: Accepted, fields: Sequence[str]) -> str:
    """Return the parts of a name in a row, as one text."""
    return " ".join(filter(None, map(row.payload.get, fields)))


def is_other_person(name: str, other: str) -> bool:
    """Return whether two names are of two people: neither is a longer form, or has initials, of the other."""
    short, long = sorted((_split_name(name), _split_name(other)), key=len)
    return not all(any(_is_same_word(word, long_word) for long_word in long) for word in short)


def _split_name(name: str) -> list[str]:
    return name.casefold().replace(".", " ").split()


def _is_same_word(word: str, other: str) -> bool:
    return word == other or (1 in (len(word), len(other)) and word[0] == other[0])
