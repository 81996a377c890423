"""In which encoding a text file is written: found strictly, never by replacing what does not fit."""

from __future__ import annotations

import codecs
from pathlib import Path

import msgspec

from importer.errors import UsageError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}


class Encoding(msgspec.Struct, frozen=True):
    """A codec's name, and whether some bytes do not fit it (their rows are then refused, not guessed)."""

    codec: str
    broken: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return _NAMES.get(self.codec, "Windows-1252" if self.codec == "cp1252" else self.codec)


def find_encoding(path: Path, given: str | None) -> Encoding:
    """The encoding of a file: as `given`, by its first bytes, UTF-8 where every byte fits, else Windows-1252."""
    if given:
        return _given(given)
    with path.open("rb") as file:
        head = file.read(4096)
    for bom, codec in _BOMS:
        if head.startswith(bom):
            return Encoding(codec, broken=_good_and_bad(path, codec)[1] > 0)
    if codec := _utf16_without_bom(head):
        return Encoding(codec)
    good, bad = _good_and_bad(path, "utf-8")
    if bad == 0:
        return Encoding("utf-8")
    # A few bytes that do not fit in a file full of proper UTF-8 are damage, not another encoding.
    return (
        Encoding("utf-8", broken=True)
        if good > bad
        else Encoding("cp1252", broken=_good_and_bad(path, "cp1252")[1] > 0)
    )


def _given(name: str) -> Encoding:
    try:
        return Encoding(codecs.lookup(name).name)
    except LookupError:
        raise UsageError(
            f"--encoding: there is no encoding {name!r}.", "Common ones: utf-8, utf-16, cp1252."
        ) from None


def _utf16_without_bom(head: bytes) -> str:
    """Every second byte of Latin text in UTF-16 is zero."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be"
    return ""


def _good_and_bad(path: Path, codec: str) -> tuple[int, int]:
    """How many characters beyond ASCII fit the codec, and how many bytes do not."""
    decoder = codecs.getincrementaldecoder(codec)("surrogateescape" if codec == "utf-8" else "replace")
    good = bad = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            wrong = sum(1 for char in text if "\udc80" <= char <= "\udcff" or char == "\ufffd")
            bad += wrong
            good += sum(1 for char in text if char > "\x7f") - wrong
    return good, bad
