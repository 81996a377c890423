"""Find the encoding of a text file strictly: bytes that do not fit are marked, never replaced by a guess."""

from __future__ import annotations

import codecs
from pathlib import Path

import msgspec

from importer.errors import UsageError
from importer.messages import file_messages

UNDECODABLE_BYTE = "\udcff"
"""Stands in the text for each byte that does not fit the encoding. No valid text contains it."""
MARK_UNDECODABLE = "importer.mark_undecodable"
"""Name of the codec error handler that writes UNDECODABLE_BYTE."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
_CODECS_NOT_FOR_FILES = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7", "iso2022", "hz")
"""First letters of Python's codecs for host names, source code and e-mails. Sheets are not written in them."""
_NEED_BOM = ("utf-16", "utf-32")  # only a byte order mark shows their byte order
_MAX_BAD_PER_GOOD = 10  # with more invalid bytes for each valid non-ASCII character, a file is not UTF-8


class Encoding(msgspec.Struct, frozen=True):
    """The name of a codec, and whether some bytes do not fit it (rows with such bytes are rejected)."""

    codec: str
    has_invalid_bytes: bool = False

    @property
    def label(self) -> str:
        """What people call the encoding."""
        return _LABELS.get(self.codec, self.codec)


def find_encoding(path: Path, given: str | None) -> Encoding:
    """Return the encoding of a file.

    It is `given` by the user, or shown by the first bytes, or UTF-8 where every byte fits, else Windows-1252.
    Raises UsageError where the given one cannot be right.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    bom_codec = find_bom_codec(head)
    codec = _resolve_given(given, bom_codec, head) if given else bom_codec or detect_utf16_without_bom(head)
    if codec:
        return Encoding(codec, has_invalid_bytes=_count_good_and_bad(path, codec)[1] > 0)
    good, bad = _count_good_and_bad(path, "utf-8")
    if bad == 0:
        return Encoding("utf-8")
    # A few bytes that do not fit in a file of proper UTF-8 are damage, not another encoding.
    if good * _MAX_BAD_PER_GOOD > bad:
        return Encoding("utf-8", has_invalid_bytes=True)
    return Encoding("cp1252", has_invalid_bytes=_count_good_and_bad(path, "cp1252")[1] > 0)


def find_bom_codec(head: bytes) -> str:
    """Return the codec that a byte order mark at the start of a file names, or ""."""
    return next((codec for bom, codec in _BOMS if head.startswith(bom)), "")


def detect_utf16_without_bom(head: bytes) -> str:
    """Return `utf-16-le` or `utf-16-be` for UTF-16 without a byte order mark, or "".

    Every second byte of Latin letters, digits, commas and line ends is then zero.
    """
    even, odd = head[0::2].count(0), head[1::2].count(0)
    few = max(2, len(head) / 2 * 0.1)
    if odd > few and odd > 10 * even:
        return "utf-16-le"
    if even > few and even > 10 * odd:
        return "utf-16-be"
    return ""


def _resolve_given(name: str, bom_codec: str, head: bytes) -> str:
    """Return the codec for the encoding that the user names; a byte order mark that agrees is not read as text."""
    codec = _look_up_codec(name)
    if bom_codec and codec.startswith(bom_codec.removesuffix("-sig")):
        return bom_codec
    if codec not in _NEED_BOM:
        return codec
    if codec == "utf-16" and (detected := detect_utf16_without_bom(head)):
        return detected
    raise UsageError(*file_messages.ENCODING_CONTRADICTED.format(encoding=name))


def _look_up_codec(name: str) -> str:
    """Return Python's name for an encoding. Raises UsageError for one that no sheet has."""
    try:
        "".encode(name)  # refuses codecs that turn bytes into bytes, such as base64
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise UsageError(*file_messages.UNKNOWN_ENCODING.format(encoding=name)) from None
    if codec.startswith(_CODECS_NOT_FOR_FILES):
        raise UsageError(*file_messages.ENCODING_NOT_FOR_SHEETS.format(encoding=name))
    return codec


def _count_good_and_bad(path: Path, codec: str) -> tuple[int, int]:
    """Return how many non-ASCII characters of the file fit the codec, and how many bytes do not."""
    decoder = codecs.getincrementaldecoder(codec)(MARK_UNDECODABLE)
    good = bad = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(1 << 20)
            text = decoder.decode(chunk, final=not chunk)
            if not text.isascii():
                bad_in_chunk = text.count(UNDECODABLE_BYTE)
                bad += bad_in_chunk
                good += len(text) - len(text.encode("ascii", "ignore")) - bad_in_chunk
            if not chunk:
                return good, bad


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Handle a decoding error: return the marks for the bytes that do not fit, and where to go on."""
    assert isinstance(error, UnicodeDecodeError)
    return UNDECODABLE_BYTE * (error.end - error.start), error.end


codecs.register_error(MARK_UNDECODABLE, _mark_undecodable)
