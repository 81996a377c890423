"""Compare the fast path of Indian mobiles with phonenumbers, over random texts of the spellings that it reads."""

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
    """Compare `count` texts. End the program if the two differ."""
    rng = random.Random(seed)
    texts = [_text(rng) for _ in range(count)]
    began = time.process_time()
    fast = [parse_indian_mobile(text) for text in texts]
    fast_s = time.process_time() - began
    began = time.process_time()
    for text, found in zip(texts, fast, strict=True):
        if found and found != (said := _by_library(text)):
            sys.exit(f"{text!r}: the fast path says {found}, phonenumbers says {said}")
    library_s = time.process_time() - began
    taken = sum(map(bool, fast))
    return {
        "texts": count, "taken": taken, "differ": 0,
        "fast_us": fast_s / count * 1e6, "library_us": library_s / max(taken, 1) * 1e6,
    }  # fmt: skip


def _text(rng: random.Random) -> str:
    digits = f"{rng.choice('6789' * 4 + '012345')}{rng.randrange(10**9):09d}"
    if rng.random() < 0.1:
        digits = digits[: rng.randrange(4, 10)] + digits[: rng.randrange(3)]
    cut = rng.randrange(1, len(digits))
    return f"{rng.choice(_BEFORE)}{digits[:cut]}{rng.choice(_MARKS)}{digits[cut:]}{rng.choice(_MARKS)}"


def _by_library(text: str) -> str:
    """Read a text with the library alone."""
    digits = text.removesuffix(".0")
    digits = f"+{digits.strip()[2:]}" if digits.strip(" -()\t").startswith("00") else digits
    try:
        number = phonenumbers.parse(digits, "IN")
    except phonenumbers.NumberParseException as error:
        return str(error)
    if not phonenumbers.is_valid_number(number):
        return "not a number"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
