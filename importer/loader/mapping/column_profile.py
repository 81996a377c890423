"""What a column's own cells say of it: phones, e-mails, amounts, titles that the account knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from importer.fields import FIELDS_BY_NAME, TITLE_SEPARATORS, Kind
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.money import read_money
from importer.loader.cells.phones import ParsedPhones, PhoneReader
from importer.loader.cells.text import NULL_WORDS, has_digit, to_ascii_digits
from importer.loader.rows.column_rules import to_match_key
from importer.models.row import SourceRow

MOST = 0.6
"""The share of a column's cells that speaks for the whole column."""

_LOOKED_AT = 200
_SHOWN = 3
_FEW = 3  # fewer cells than this prove nothing against a header
_FEW_VALUES = 60  # a column of titles repeats itself
_LEAST_DIGITS = 7
_NEAR_TITLE = 85.0  # of 100, by rapidfuzz's ratio
_SCIENTIFIC = re.compile(r"^\s*\d(?:\.\d+)?[eE]\+?\d+\s*$")
_NUMBER = re.compile(r"^\s*[-+]?\d{1,3}(?:\.\d+)?°?\s*$")
_FIRM = re.compile(
    r"(?i)\b(?:m/s|pvt|private|ltd|limited|llp|inc|corp|corporation|co|company|enterprises?|traders?|trading|industr(?:y|ies)"
    r"|agenc(?:y|ies)|associates|brothers|bros|sons|stores?|foods|textiles?|steels?|infra|solutions?|services|systems"
    r"|technolog(?:y|ies)|international|group|exports?|constructions?|builders|developers|hospital|clinic|school|hotel"
    r"|motors|furniture|hardware|electricals?|engineering|works)\b"
)
_DIAL_CODE = re.compile(r"^\W*\d{1,4}(?:\.0)?\W*$|^\D*\+\d{1,4}\D*$")
_YES_OR_NO = frozenset({"yes", "no", "y", "n", "true", "false", "done", "not done", "हाँ", "हां", "नहीं"})

Titles = Mapping[str, Sequence[str]]


class ColumnProfile:
    """One column of the sample. Shares are of its filled cells, 0 to 1, and are counted when they are asked for.

    A cell that clears its field (`clear` is the map's token) says nothing of what the column holds.
    """

    def __init__(
        self, index: int, sample: Sequence[SourceRow], *, titles: Titles, region: str, clear: str = ""
    ) -> None:
        cells = [row.cells[index].strip() for row in sample if index < len(row.cells)]
        filled = [cell for cell in cells if cell and cell.lower() not in NULL_WORDS]
        self.cells = [cell for cell in filled if cell != clear][:_LOOKED_AT]
        self.fill_rate = len(filled) / len(cells) if cells else 0.0
        self.samples = tuple(dict.fromkeys(filled))[:_SHOWN]
        self._titles = titles
        self._region = region

    @cached_property
    def phones(self) -> float:
        """Cells that are phones, all digits there."""
        read = PhoneReader(self._region).read
        return self._share(
            lambda cell: (
                _phone_like(cell) and isinstance(read(cell.lower().removeprefix("p:"), ""), ParsedPhones)
            )
        )

    @cached_property
    def phone_like(self) -> float:
        """Cells that are meant as phones, whatever Excel has done to them."""
        return self._share(_phone_like)

    @cached_property
    def emails(self) -> float:
        """Cells that are e-mail addresses."""
        return self._share(lambda cell: "@" in cell and "." in cell)

    @cached_property
    def firms(self) -> float:
        """Cells with a word in them that firms are called by."""
        return self._share(lambda cell: bool(_FIRM.search(cell)))

    @cached_property
    def says_yes_or_no(self) -> bool:
        """Whether the cells hold nothing but a yes or a no."""
        return bool(self.cells) and all(to_match_key(cell) in _YES_OR_NO for cell in self.cells)

    @cached_property
    def titles(self) -> str:
        """The field whose account list has most of the cells, two different ones at least, or ""."""
        cells = {to_match_key(cell) for cell in self.cells}
        if len(cells) > _FEW_VALUES:
            return ""
        found = {field: _titles_among(cells, listed) for field, listed in self._titles.items()}
        best = max(found, key=lambda field: found[field], default="")
        enough = max(2, MOST * len(cells))
        alone = sum(count >= enough for count in found.values()) == 1
        return best if alone and found[best] >= enough else ""

    def knows_titles_of(self, field: str) -> bool:
        """Whether any cell is a title of the field's list, or nearly one. False where the list is not known."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415 - only columns of titles need it

        known = [to_match_key(title) for title in self._titles.get(field, ())]
        pieces = {
            to_match_key(piece)
            for cell in self.cells
            for piece in (cell, *TITLE_SEPARATORS.split(cell))
            if piece
        }
        return any(
            process.extractOne(piece, known, scorer=fuzz.ratio, score_cutoff=_NEAR_TITLE)
            for piece in sorted(pieces)[:_FEW_VALUES]
        )

    def lacking(self, name: str) -> str:
        """Why rows would be refused for what is no fault of theirs, in words: other titles, ranges for amounts."""
        field = FIELDS_BY_NAME[name]
        if field.kind is Kind.MONEY:
            return "" if all(map(_is_money, self.cells)) else "some of its cells are no amounts"
        few = bool(self.cells) and name in self._titles and self.titles != name
        return "the account knows few of its values" if few else ""

    def against(self, name: str) -> str:
        """Why these cells cannot be the field `name`, in words; "" where they can."""
        if not self.cells:
            return ""
        kind = FIELDS_BY_NAME[name].kind
        if kind in (Kind.PHONE, Kind.PHONES) and not any(map(has_digit, self.cells)):
            return _NO_PHONES.get(name, "its cells hold no numbers")
        if self.says_yes_or_no and name != "additional_info":  # there it stands under its own header
            return "its cells only say yes or no"
        if len(self.cells) < _FEW:
            return ""
        return self._against_kind(name, kind)

    def _against_kind(self, name: str, kind: Kind) -> str:
        if kind in (Kind.PHONE, Kind.PHONES):
            return "" if self.phone_like else _NO_PHONES.get(name, "its cells are no phone numbers")
        if kind in _SHAPES:
            test, least, against = _SHAPES[kind]
            return "" if self._share(test) >= least else against
        return self._against_text(name)

    def _against_text(self, name: str) -> str:
        """Phones and e-mails are no names: their columns have been mixed up. In a note they may stand."""
        if name in _IN_WORDS and self._share(_has_no_letter) >= MOST:
            return "its cells are phones" if self.phones >= MOST else "its cells are numbers alone"
        if name in _NAMES and self._share(lambda cell: cell[0].isdigit()) >= MOST:
            return "its cells are numbers or dates"
        if FIELDS_BY_NAME[name].takes_many_columns and FIELDS_BY_NAME[name].dropdown is None:
            return ""
        if self.emails >= MOST:
            return "its cells are e-mail addresses"
        return "its cells are phones" if self.phones >= MOST else ""

    def bears_out(self, name: str) -> bool | None:
        """Whether the cells speak for a field that the header only may mean; None where cells cannot tell."""
        match FIELDS_BY_NAME[name].kind:
            case Kind.PHONE | Kind.PHONES:
                return self.phones >= MOST
            case Kind.MONEY:
                return self._share(_is_money) >= MOST
            case Kind.TITLE | Kind.TITLES:
                return self.knows_titles_of(name) if self._titles.get(name) else None
            case Kind.WEBSITE | Kind.DIAL_CODE | Kind.COORDINATE:
                return True  # `against` has looked
            case Kind.TEXT | Kind.FULL_NAME | Kind.EMAILS:
                return None

    def _share(self, test: Callable[[str], bool]) -> float:
        return sum(map(test, self.cells)) / len(self.cells) if self.cells else 0.0


_IN_WORDS = frozenset({"full_name", "first_name", "last_name", "business_name", "city", "address.text"})
"""Fields that are never numbers alone: `Visitors` counts them, and `Area` may be a size."""

_NAMES = frozenset({"first_name", "last_name"})
"""`First` and `Last` may be days on which somebody called."""

_NO_PHONES = {"assignee_user_phone": "holds names, and the CRM takes only a team member's phone"}


def _titles_among(cells: set[str], titles: Sequence[str]) -> int:
    """How many of the cells are titles, or lists of nothing but titles."""
    known = {to_match_key(title) for title in titles}
    return sum(
        cell in known or all(piece in known for piece in TITLE_SEPARATORS.split(cell)) for cell in cells
    )


def _phone_like(cell: str) -> bool:
    digits = sum(map(str.isdigit, cell))
    return digits >= _LEAST_DIGITS or bool(_SCIENTIFIC.match(cell))


def _has_no_letter(cell: str) -> bool:
    return not any(map(str.isalpha, cell))


def _is_money(cell: str) -> bool:
    return not isinstance(read_money(cell), CellError)


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.match(to_ascii_digits(cell)))


def _is_dial_code(cell: str) -> bool:
    return bool(_DIAL_CODE.match(cell))


_SHAPES: dict[Kind, tuple[Callable[[str], bool], float, str]] = {
    Kind.EMAILS: (lambda cell: "@" in cell, 0.4, "its cells are no e-mails"),
    Kind.MONEY: (_is_money, 0.4, "its cells are no amounts"),
    Kind.WEBSITE: (lambda cell: "." in cell, MOST, "its cells are no websites"),
    Kind.COORDINATE: (_is_number, MOST, "its cells are no degrees"),
    Kind.DIAL_CODE: (_is_dial_code, MOST, "its cells are no dial codes"),
}
"""What a cell of a kind looks like, the share of such cells that a column needs, and what is said of fewer."""
