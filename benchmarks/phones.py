"""The short way of plain Indian mobiles beside phonenumbers itself, over random texts of the spellings that it takes."""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import phonenumbers

from importer.loader.cells.phones import parse_indian_mobile

_BEFORE = ("", "", "0", "91", "+91", "0091", "+91 ", "0 ", "91-", "+", "00", "1", "(0)", "+91-0")
_MARKS = ("", "", "", " ", "-", "  ", ")", "(", ".0")


def compare(count: int, seed: int = 7) -> dict[str, Any]:
    """Compare `count` texts. Ends the program where the two differ."""
    chance = random.Random(seed)
    texts = [_text(chance) for _ in range(count)]
    began = time.process_time()
    short = [parse_indian_mobile(text) for text in texts]
    short_s = time.process_time() - began
    began = time.process_time()
    for text, found in zip(texts, short, strict=True):
        if found and found != (said := _by_library(text)):
            sys.exit(f"{text!r}: the short way says {found}, phonenumbers says {said}")
    library_s = time.process_time() - began
    taken = sum(map(bool, short))
    return {
        "texts": count, "taken": taken, "differ": 0,
        "short_us": short_s / count * 1e6, "library_us": library_s / max(taken, 1) * 1e6,
    }  # fmt: skip


def _text(chance: random.Random) -> str:
    digits = f"{chance.choice('6789' * 4 + '012345')}{chance.randrange(10**9):09d}"
    if chance.random() < 0.1:
        digits = digits[: chance.randrange(4, 10)] + digits[: chance.randrange(3)]
    cut = chance.randrange(1, len(digits))
    return (
        f"{chance.choice(_BEFORE)}{digits[:cut]}{chance.choice(_MARKS)}{digits[cut:]}{chance.choice(_MARKS)}"
    )


def _by_library(text: str) -> str:
    """What the full reading makes of it, with nothing but the library."""
    digits = text.removesuffix(".0")
    digits = f"+{digits.strip()[2:]}" if digits.strip(" -()\t").startswith("00") else digits
    try:
        number = phonenumbers.parse(digits, "IN")
    except phonenumbers.NumberParseException as error:
        return str(error)
    if not phonenumbers.is_valid_number(number):
        return "not a number"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
