"""What a column's own cells say of it: phones, e-mails, titles that the account knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from importer.loader.cells.phones import PhonesRead, compile_phone_reader
from importer.loader.wraps import loose
from importer.models import SourceRow

_SHOWN = 3
_MOST_OF_THEM = 0.6
_FEW_VALUES = 60  # a column of titles repeats itself


class Evidence(msgspec.Struct, frozen=True):
    """Shares of the filled cells, 0 to 1. `titles` is the field whose account list has most of them, or ""."""

    samples: tuple[str, ...]
    filled: float
    phones: float = 0.0
    emails: float = 0.0
    titles: str = ""

    @property
    def has_phones(self) -> bool:
        """Whether most cells are phones."""
        return self.phones >= _MOST_OF_THEM

    @property
    def has_emails(self) -> bool:
        """Whether most cells are e-mails."""
        return self.emails >= _MOST_OF_THEM


def gather(
    index: int, sample: Sequence[SourceRow], titles: Mapping[str, Sequence[str]], region: str
) -> Evidence:
    """Look at one column of the sample."""
    cells = [row.cells[index].strip() for row in sample if index < len(row.cells)]
    filled = [cell for cell in cells if cell]
    if not filled:
        return Evidence((), 0.0)
    read = compile_phone_reader(region)
    some = filled[:200]
    phones = sum(
        1
        for cell in some
        if any(map(str.isdigit, cell)) and isinstance(read(_last_prefix(cell), ""), PhonesRead)
    )
    return Evidence(
        samples=tuple(dict.fromkeys(filled))[:_SHOWN],
        filled=len(filled) / len(cells),
        phones=phones / len(some),
        emails=sum("@" in cell and "." in cell for cell in some) / len(some),
        titles=_titles_field(some, titles),
    )


def _last_prefix(cell: str) -> str:
    return cell.removeprefix("p:")


def _titles_field(cells: Sequence[str], titles: Mapping[str, Sequence[str]]) -> str:
    distinct = {loose(cell) for cell in cells}
    if len(distinct) > _FEW_VALUES:
        return ""
    shares = {
        field: sum(cell in known for cell in distinct) / len(distinct)
        for field, known in ((field, {loose(title) for title in listed}) for field, listed in titles.items())
    }
    best = max(shares, key=lambda field: shares[field], default="")
    return best if best and shares[best] >= _MOST_OF_THEM else ""
