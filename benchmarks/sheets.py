"""Sheets of invented leads for the benchmarks: twelve columns, mixed Indian phones, three rows in a hundred faulty."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

HEADER = (
    "Name", "Mobile", "Alternate Mobile", "Email", "Company", "City", "Pincode", "Stage", "Source", "Tags", "Budget",
    "Remarks",
)  # fmt: skip
_FIRST = [
    "Asha",
    "Ravi",
    "Meena",
    "Arjun",
    "Kavya",
    "Imran",
    "Sunita",
    "Vikram",
    "Leela",
    "Farhan",
    "Gita",
    "Manoj",
    "Nisha",
    "Omkar",
    "Priya",
    "Rahul",
]
_LAST = [
    "Rao",
    "Iyer",
    "Sharma",
    "Khan",
    "Das",
    "Patel",
    "Nair",
    "Gupta",
    "Bose",
    "Reddy",
    "Joshi",
    "Menon",
    "Pillai",
    "Shah",
    "Verma",
    "Kulkarni",
]
_SYLLABLES = [
    "ra",
    "ma",
    "shi",
    "ku",
    "ve",
    "di",
    "ta",
    "la",
    "go",
    "pa",
    "san",
    "kar",
    "ni",
    "ba",
    "mu",
    "thi",
]
_FIRMS = ["Traders", "Textiles", "Foods", "Motors", "Interiors", "Logistics", "Studios", "Exports"]
_CITIES = [
    "Pune",
    "Bengaluru",
    "Indore",
    "Kochi",
    "Jaipur",
    "Surat",
    "Lucknow",
    "Chennai",
    "Nagpur",
    "Bhopal",
]
_STAGES = ("New", "Warm lead", "Hot lead", "new", "Won", "", "")
_SOURCES = ("Expo 2026", "Website", "Referral", "Walk-in", "Instagram")
_TAGS = ("VIP", "", "", "", "VIP, Parking, two cars")
_DOMAINS = ("example.com", "example.in", "mail.example.org", "example.net")
FAULTY = 0.03


def rows(count: int, *, seed: int = 1, clean: bool = False) -> Iterator[list[str]]:
    """`count` rows; the same ones for the same seed. One in 200 repeats a phone, 3 in 100 are faulty, unless `clean`."""
    chance = random.Random(seed)
    for number in range(count):
        first, last = chance.choice(_FIRST), _surname(chance)
        national = f"{98 if number < 10_000_000 else 97}{number * 7_368_787 % 100_000_000:08d}"
        if not clean and chance.random() < 0.005 and number:
            national = f"98{(number - 1) * 7_368_787 % 100_000_000:08d}"
        row = [
            f"{first} {last}",
            _spelt(national, chance),
            "" if chance.random() < 0.8 else f"97{chance.randrange(10**8):08d}",
            ""
            if chance.random() < 0.3
            else f"{first.lower()}.{last.lower()}{number}@{chance.choice(_DOMAINS)}",
            f"{last} {chance.choice(_FIRMS)}" if chance.random() < 0.6 else "",
            chance.choice(_CITIES),
            f"{chance.randrange(110_000, 860_000)}",
            chance.choice(_STAGES),
            chance.choice(_SOURCES),
            chance.choice(_TAGS),
            _amount(chance),
            f"Met at stall {number % 40}, call after {number % 9 + 10}:00" if chance.random() < 0.3 else "",
        ]
        if not clean and chance.random() < FAULTY:
            _spoil(row, chance)
        yield row


def write_csv(path: Path, count: int, *, clean: bool = False) -> Path:
    """The rows as CSV, UTF-8."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows(count, clean=clean))
    return path


def write_xlsx(path: Path, count: int) -> Path:
    """The rows as a workbook, all cells text but the pincode and plain amounts."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
    sheet = book.add_worksheet("Leads")
    sheet.write_row(0, 0, HEADER)
    for number, row in enumerate(rows(count), 1):
        for column, cell in enumerate(row):
            if cell and column in (6, 10) and cell.isdigit():
                sheet.write_number(number, column, int(cell))
            elif cell:
                sheet.write_string(number, column, cell)
    book.close()
    return path


def _surname(chance: random.Random) -> str:
    """A common one, or one of many thousands: in a long sheet most names stand once."""
    if chance.random() < 0.3:
        return chance.choice(_LAST)
    return "".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3, 3)))).title()


def _spelt(national: str, chance: random.Random) -> str:
    """The number as people type it."""
    match chance.randrange(8):
        case 0 | 1 | 2:
            return national
        case 3:
            return f"+91{national}"
        case 4:
            return f"+91 {national[:5]} {national[5:]}"
        case 5:
            return f"0{national}"
        case 6:
            return f"91{national}"
        case _:
            return f"{national[:5]}-{national[5:]}"


def _amount(chance: random.Random) -> str:
    match chance.randrange(6):
        case 0 | 1:
            return ""
        case 2 | 3:
            return str(chance.randrange(10, 900) * 1000)
        case 4:
            return f"₹{chance.randrange(1, 99)},{chance.randrange(10, 99)},000"
        case _:
            return f"{chance.randrange(1, 90)} lakh"


def _spoil(row: list[str], chance: random.Random) -> None:
    """One of the faults of the world."""
    match chance.randrange(5):
        case 0:
            row[1] = row[1][:6]
        case 1:
            row[1] = ""
            row[2] = ""
        case 2:
            row[3] = "not an address"
        case 3:
            row[7] = "Warm led"
        case _:
            row[10] = "about two"
