"""In which encoding a text file is written: found strictly, never by replacing what does not fit."""

from __future__ import annotations

import codecs
from pathlib import Path

import msgspec

from importer.errors import UsageError

MISFIT = "\udcff"
"""What stands in the text for bytes that do not fit its encoding. No sound text holds it."""
MARK_MISFITS = "importer.mark_misfits"
"""Name of the codec error handler that puts MISFIT there."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
_OF_NO_SHEET = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7", "iso2022", "hz")
"""What Python's codecs for the names of hosts, for source texts and for mails begin with: no files are written in them."""
_MARKED = ("utf-16", "utf-32")  # their byte order is told by a mark alone
_COMMON = (
    "Those of sheets are utf-8, utf-16, and code pages: cp1252 (Windows), mac_roman, shift_jis and the like."
)
_BAD_FOR_EACH_GOOD = 10  # more bytes that do not fit UTF-8 than this for each character that does: not UTF-8


class Encoding(msgspec.Struct, frozen=True):
    """A codec's name, and whether some bytes do not fit it (their rows are then refused, not guessed)."""

    codec: str
    broken: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return _NAMES.get(self.codec, self.codec)


def find_encoding(path: Path, given: str | None) -> Encoding:
    """The encoding of a file: as `given`, by its first bytes, UTF-8 where every byte fits, else Windows-1252."""
    with path.open("rb") as file:
        head = file.read(4096)
    marked = codec_marked(head)
    if codec := _given(given, marked, head) if given else marked or utf16_without_bom(head):
        return Encoding(codec, broken=_good_and_bad(path, codec)[1] > 0)
    good, bad = _good_and_bad(path, "utf-8")
    if bad == 0:
        return Encoding("utf-8")
    # A few bytes that do not fit in a file of proper UTF-8 are damage, not another encoding.
    if good * _BAD_FOR_EACH_GOOD > bad:
        return Encoding("utf-8", broken=True)
    return Encoding("cp1252", broken=_good_and_bad(path, "cp1252")[1] > 0)


def codec_marked(head: bytes) -> str:
    """The codec that a file's byte order mark tells, or ""."""
    return next((codec for bom, codec in _BOMS if head.startswith(bom)), "")


def utf16_without_bom(head: bytes) -> str:
    """UTF-16 that does not say so: every second byte of Latin letters, digits, commas and line ends is zero."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    few = max(2, len(head) / 2 * 0.1)
    if odd > few and odd > 10 * even:
        return "utf-16-le"
    if even > few and even > 10 * odd:
        return "utf-16-be"
    return ""


def _given(name: str, marked: str, head: bytes) -> str:
    """The codec that the user names; a byte order mark that agrees with it is not taken for text."""
    codec = _codec_of(name)
    if marked and codec.startswith(marked.removesuffix("-sig")):
        return marked
    if codec not in _MARKED:
        return codec
    if codec == "utf-16" and (found := utf16_without_bom(head)):
        return found
    raise UsageError(f"--encoding: the file is not in {name}, by its first bytes.", _COMMON)


def _codec_of(name: str) -> str:
    """Python's name of an encoding that a sheet may have."""
    try:
        "".encode(name)  # refuses codecs that turn bytes into bytes, such as base64
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise UsageError(f"--encoding: there is no text encoding {name!r}.", _COMMON) from None
    if codec.startswith(_OF_NO_SHEET):
        raise UsageError(f"--encoding: no sheet is written in {name}.", _COMMON)
    return codec


def _good_and_bad(path: Path, codec: str) -> tuple[int, int]:
    """How many characters beyond ASCII fit the codec, and how many bytes, or runs of them, do not."""
    decoder = codecs.getincrementaldecoder(codec)(MARK_MISFITS)
    good = bad = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(1 << 20)
            text = decoder.decode(chunk, final=not chunk)
            if not text.isascii():
                wrong = text.count(MISFIT)
                bad += wrong
                good += len(text) - len(text.encode("ascii", "ignore")) - wrong
            if not chunk:
                return good, bad


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return MISFIT * (error.end - error.start), error.end


codecs.register_error(MARK_MISFITS, _mark)
