"""Invented people for the sheets of the trials, and how a sheet says what its leads must be."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

_FIRST_NAMES = (
    "Nilesh", "Swati", "Tarun", "Bhavna", "Yusuf", "Charu", "Gurpreet", "Hema", "Ashwin", "Rukhsana", "Pradeep", "Leela",
    "Mohit", "Zoya", "Kartik", "Usha", "Sameer", "Jyoti", "Nikhil",
)  # fmt: skip
_LAST_NAMES = (
    "Bhosale", "Trivedi", "Qureshi", "Saxena", "Pillai", "Dhillon", "Naidu", "Ghosh", "Wagh", "Fernandes", "Mishra",
    "Sethi", "Jadhav", "Banerjee", "Tiwari", "Gowda", "Kamat",
)  # fmt: skip
_STEP = 37  # neighbours in a sheet do not have neighbouring numbers


class Person(msgspec.Struct, frozen=True):
    """Somebody who does not exist. `phone` has ten digits."""

    name: str
    phone: str

    @property
    def e164(self) -> str:
        return f"+91{self.phone}"


class ExpectedLead(msgspec.Struct, frozen=True):
    """What a careful assistant would take from one row."""

    phone: str
    """In E.164: it identifies the lead."""
    name: str = ""
    """Of the person, or of the firm where the row has no person. "" where it has neither."""
    source: str = ""
    """"" where the sheet does not say it, so that a person is asked."""
    texts: tuple[str, ...] = ()
    """What else must be somewhere in the lead."""


class TrialSheet(msgspec.Struct, frozen=True):
    """A sheet, its leads, and what its owner answers where Enter is not the answer."""

    file: str
    write: Callable[[Path], None]
    leads: Sequence[ExpectedLead]
    answers: Mapping[str, str] = {}
    """By a part of the question and of what is shown with it."""


def make_people(first: int, count: int) -> list[Person]:
    """Return people whose numbers no other `first` has, if the ranges do not overlap."""
    return [
        Person(
            f"{_FIRST_NAMES[number % len(_FIRST_NAMES)]} {_LAST_NAMES[number % len(_LAST_NAMES)]}",
            f"98925{number * _STEP:05}",
        )
        for number in range(first, first + count)
    ]


def write_csv_text(rows: Iterable[Sequence[object]], encoding: str = "utf-8") -> Callable[[Path], None]:
    """Return a function that writes the rows as CSV."""

    def write(path: Path) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        path.write_bytes(text.getvalue().encode(encoding))

    return write


def write_text(text: str) -> Callable[[Path], None]:
    """Return a function that writes a plain text."""
    return lambda path: path.write_bytes(text.encode())


def write_workbook(
    sheets: Mapping[str, Iterable[Sequence[object]]], finish: Callable[[Worksheet], None] | None = None
) -> Callable[[Path], None]:
    """Return a function that writes a workbook. `finish` merges and colours cells of its first sheet."""

    def write(path: Path) -> None:
        book = Workbook()
        book.remove(book.worksheets[0])
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        if finish:
            finish(book.worksheets[0])
        book.save(path)

    return write
