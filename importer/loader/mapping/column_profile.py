"""Profiles one column by its own cells: the share of phones, e-mails, amounts, and titles of the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from importer.fields import FIELDS_BY_NAME, TITLE_SEPARATORS, Kind
from importer.loader.cells.emails import read_emails
from importer.loader.cells.person_names import (
    find_name_beside_phone,
    get_name_line,
    has_common_name,
    reads_like_person,
)
from importer.loader.cells.phones import ParsedPhones, PhoneReader
from importer.loader.cells.text import NULL_WORDS, has_digit
from importer.loader.mapping.cell_shapes import (
    MAJORITY,
    SHAPES,
    compile_firm_pattern,
    is_code,
    is_meant_as_phone,
    is_money,
    is_number_of_program,
    is_owner,
)
from importer.loader.rows.rules import to_match_key
from importer.loader.vocabulary import load_vocabulary
from importer.messages import mapping_messages as texts
from importer.models.mapping import OWNER_FIELD
from importer.models.row import SourceRow

_MAX_CELLS = 200  # of a column; more do not change the shares
_MAX_CHARS = 500  # of a cell; what it is shows at its beginning
_MAX_SAMPLES = 3
_MIN_CELLS = 3  # fewer cells prove nothing against a header
_MAX_TITLES = 60  # a column of titles repeats itself
_MIN_PERSON_SHARE = 0.8  # of cells that read like names
_MIN_COMMON_NAMES = 0.3  # of cells with a common name in them: no other column of a sheet has so many
_MIN_DISTINCT = 0.7  # leads differ; a few names that repeat are those of the sales team
_MIN_TITLE_RATIO = 85.0  # of 100, by rapidfuzz's ratio: "Warm led" is nearly "Warm lead"


Titles = Mapping[str, Sequence[str]]


class TitleMatch(NamedTuple):
    """The share of the different cells that are titles of a field, and whether no other field has as many."""

    field: str
    share: float
    is_only_one: bool


NO_TITLES = TitleMatch("", 0.0, False)
_NEVER_BY_CELLS = frozenset({"remove_labels"})  # nothing in a cell says that it is to be removed


class ColumnProfile:
    """The cells of one column in the sample, and what they have in common.

    Shares are of the filled cells, 0 to 1, and are counted when they are first needed. A cell that clears its field
    (`clear` is the token of the map) says nothing about the column.
    """

    def __init__(
        self, index: int, sample: Sequence[SourceRow], *, titles: Titles, region: str, clear: str = ""
    ) -> None:
        cells = [row.cells[index].strip() for row in sample if index < len(row.cells)]
        filled = [cell for cell in cells if cell and cell.lower() not in NULL_WORDS]
        self.cells = [cell[:_MAX_CHARS] for cell in filled if cell != clear][:_MAX_CELLS]
        self.fill_rate = len(filled) / len(cells) if cells else 0.0
        self.samples = tuple(dict.fromkeys(filled))[:_MAX_SAMPLES]
        self._titles = titles
        self._region = region

    @cached_property
    def phone_share(self) -> float:
        """Cells that are phones with all their digits."""
        read = PhoneReader(self._region).read
        return self._measure_share(
            lambda cell: (
                is_meant_as_phone(cell)
                and isinstance(read(cell.lower().removeprefix("p:"), ""), ParsedPhones)
            )
        )

    @cached_property
    def phone_like_share(self) -> float:
        """Cells that are meant as phones, even if Excel has changed them."""
        return self._measure_share(is_meant_as_phone)

    @cached_property
    def email_share(self) -> float:
        """Cells that are e-mail addresses. A link to a map has an @ in it too."""
        return self._measure_share(lambda cell: "@" in cell and isinstance(read_emails(cell), list))

    @cached_property
    def firm_share(self) -> float:
        """Cells with a word in them that is part of the names of firms."""
        pattern = compile_firm_pattern()
        return self._measure_share(lambda cell: bool(pattern.search(cell)))

    @cached_property
    def holds_persons(self) -> bool:
        """Whether the cells are names of people who differ: the leads, and not the sales team. Addresses may be below them."""
        return (
            len(self.cells) >= _MIN_CELLS
            and len(set(self.cells)) >= _MIN_DISTINCT * len(self.cells)
            and self._measure_share(lambda cell: reads_like_person(get_name_line(cell))) >= _MIN_PERSON_SHARE
            and self._measure_share(lambda cell: has_common_name(get_name_line(cell))) >= _MIN_COMMON_NAMES
        )

    @cached_property
    def holds_owners(self) -> bool:
        """Whether the cells are owners of leads: names, or phones of the team."""
        return self._measure_share(is_owner) >= MAJORITY

    @cached_property
    def holds_repeated_owners(self) -> bool:
        """Whether the cells are the owners of leads for sure: a team is small, so that its members repeat."""
        is_repeated = len(set(map(to_match_key, self.cells))) < _MIN_DISTINCT * len(self.cells)
        return is_repeated and self.holds_owners

    @cached_property
    def holds_names_and_phones(self) -> bool:
        """Whether the cells are a phone and a name in one: `Mr. Ravi / 98450 12345`."""
        has_names = self._measure_share(lambda cell: bool(find_name_beside_phone(cell).name)) >= MAJORITY
        return has_names and self.phone_share >= MAJORITY

    @cached_property
    def repeats_one_value(self) -> bool:
        """Whether all cells are the same."""
        return len(self.cells) >= _MIN_CELLS and len(set(self.cells)) == 1

    @cached_property
    def counts_up(self) -> bool:
        """Whether the cells are whole numbers that count up by one."""
        if len(self.cells) < _MIN_CELLS or not all(map(str.isdecimal, self.cells)):
            return False
        return all(int(after) - int(before) == 1 for before, after in pairwise(self.cells))

    @cached_property
    def holds_ids(self) -> bool:
        """Whether the cells are numbers or codes of a program: all different, in one word, and no round amounts."""
        is_each_once = len(set(self.cells)) == len(self.cells) >= _MIN_CELLS
        return is_each_once and (
            all(map(is_code, self.cells))
            or (len(set(map(len, self.cells))) == 1 and all(map(is_number_of_program, self.cells)))
        )

    @cached_property
    def is_yes_or_no(self) -> bool:
        """Whether the cells are nothing but yes or no."""
        words = load_vocabulary().cells.yes_or_no
        return bool(self.cells) and all(to_match_key(cell) in words for cell in self.cells)

    @cached_property
    def title_match(self) -> TitleMatch:
        """The field whose list in the account has most of the cells, of which at least two must differ."""
        cells = {to_match_key(cell) for cell in self.cells}
        if not 2 <= len(cells) <= _MAX_TITLES:
            return NO_TITLES
        shares = {
            field: _count_titles(cells, titles) / len(cells)
            for field, titles in self._titles.items()
            if field not in _NEVER_BY_CELLS
        }
        best = max(shares, key=lambda field: shares[field], default="")
        if not best or not shares[best]:
            return NO_TITLES
        is_only_one = sum(share >= min(MAJORITY, shares[best]) for share in shares.values()) == 1
        return TitleMatch(best, shares[best], is_only_one)

    @cached_property
    def title_field(self) -> str:
        """The only field whose list has most of the cells, or ""."""
        match = self.title_match
        return match.field if match.is_only_one and match.share >= MAJORITY else ""

    def has_known_title(self, field: str) -> bool:
        """Whether any cell is a title of the field's list, or nearly one. False if the list is unknown."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - only columns of titles need it

        known = [to_match_key(title) for title in self._titles.get(field, ())]
        parts = {
            to_match_key(part)
            for cell in self.cells
            for part in (cell, *TITLE_SEPARATORS.split(cell))
            if part
        }
        return any(
            process.extractOne(part, known, scorer=fuzz.ratio, score_cutoff=_MIN_TITLE_RATIO)
            for part in sorted(parts)[:_MAX_TITLES]
        )

    def find_gap(self, field: str) -> str:
        """Return why rows would be rejected although they are right: other titles, words as amounts. Else ""."""
        if FIELDS_BY_NAME[field].kind is Kind.MONEY:
            return "" if all(map(is_money, self.cells)) else texts.SOME_NOT_AMOUNTS
        has_few_titles = bool(self.cells) and field in self._titles and self.title_field != field
        return texts.FEW_TITLES if has_few_titles else ""

    def find_contradiction(self, field: str) -> str:
        """Return why these cells cannot be the field, or "" if they can."""
        if not self.cells:
            return ""
        kind = FIELDS_BY_NAME[field].kind
        is_about_leads_phone = kind in _PHONE_KINDS and field != OWNER_FIELD
        if is_about_leads_phone and not any(map(has_digit, self.cells)):
            return texts.CELLS_WITHOUT_NUMBERS
        if self.is_yes_or_no and field != "additional_info":  # its cells keep their header
            return texts.CELLS_YES_OR_NO
        if len(self.cells) < _MIN_CELLS:
            return ""
        return self._find_contradiction_by_kind(field, kind)

    def supports(self, field: str) -> bool | None:
        """Whether the cells confirm a field that the header may mean. None if cells cannot tell."""
        if field == OWNER_FIELD:
            return self.holds_repeated_owners
        match FIELDS_BY_NAME[field].kind:
            case Kind.PHONE | Kind.PHONES:
                return self.phone_share >= MAJORITY
            case Kind.MONEY:
                return self._measure_share(is_money) >= MAJORITY
            case Kind.TITLE | Kind.TITLES:
                return self.has_known_title(field) if self._titles.get(field) else None
            case Kind.WEBSITE | Kind.DIAL_CODE | Kind.COORDINATE | Kind.DUE_DATE | Kind.TASK_TYPE:
                return True  # `find_contradiction` has checked them
            case Kind.TEXT | Kind.FULL_NAME | Kind.EMAILS:
                return None

    def _find_contradiction_by_kind(self, field: str, kind: Kind) -> str:
        if field == OWNER_FIELD:
            return "" if self.holds_owners else texts.CELLS_NOT_OWNERS
        if kind in _PHONE_KINDS:
            return "" if self.phone_like_share else texts.CELLS_NOT_PHONES
        if shape := SHAPES.get(kind):
            return "" if self._measure_share(shape.test) >= shape.min_share else shape.contradiction
        return self._find_contradiction_by_text(field)

    def _find_contradiction_by_text(self, field: str) -> str:
        """Return why the cells are not such a text. Phones and e-mails are not names, but a note may have them."""
        if field in _WORD_FIELDS and self._measure_share(_has_no_letter) >= MAJORITY:
            return texts.CELLS_ARE_PHONES if self.phone_share >= MAJORITY else texts.CELLS_ONLY_NUMBERS
        if field in _NAME_FIELDS and self._measure_share(lambda cell: cell[0].isdigit()) >= MAJORITY:
            return texts.CELLS_NUMBERS_OR_DATES
        if FIELDS_BY_NAME[field].takes_many_columns and FIELDS_BY_NAME[field].dropdown is None:
            return ""
        if self.email_share >= MAJORITY:
            return texts.CELLS_ARE_EMAILS
        return texts.CELLS_ARE_PHONES if self.phone_share >= MAJORITY else ""

    def _measure_share(self, test: Callable[[str], bool]) -> float:
        return sum(map(test, self.cells)) / len(self.cells) if self.cells else 0.0


_PHONE_KINDS = frozenset({Kind.PHONE, Kind.PHONES})

_WORD_FIELDS = frozenset({"full_name", "first_name", "last_name", "business_name", "city", "address.text"})
"""Fields that are never numbers alone: `Visitors` may count them, and `Area` may be a size."""

_NAME_FIELDS = frozenset({"first_name", "last_name"})
"""`First` and `Last` may also be the days of calls."""


def _count_titles(cells: set[str], titles: Sequence[str]) -> int:
    """Return how many of the cells are titles, or lists of nothing but titles."""
    known = {to_match_key(title) for title in titles}
    return sum(cell in known or all(part in known for part in TITLE_SEPARATORS.split(cell)) for cell in cells)


def _has_no_letter(cell: str) -> bool:
    return not any(map(str.isalpha, cell))
