"""Tests for encodings: found by the bytes, named by the user, never repaired by guessing."""

from __future__ import annotations

import encodings
import pkgutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.loader.formats.dialect import MARK_UNDECODABLE, find_encoding

TEXT = "Name,Phone\nJosé Müller,9845012345\n"
HINDI = "नाम,फोन नंबर\nसुनीता देशपांडे,9845012345\n" * 3


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        (b"Name,Phone\n", "utf-8"),
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (HINDI.encode("utf-16-le"), "utf-16-le"),
        (HINDI.encode("utf-16-be"), "utf-16-be"),
        (HINDI.encode(), "utf-8"),
        (TEXT.encode("utf-32"), "utf-32"),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "utf-32"),
        (b"Name\nPhone\0\n", "utf-8"),
    ],
    ids=[
        "ascii",
        "UTF-8",
        "UTF-8 mark",
        "Windows-1252",
        "UTF-16 mark",
        "UTF-16 big-endian mark",
        "UTF-16 little-endian",
        "UTF-16 big-endian",
        "Hindi UTF-16 little-endian",
        "Hindi UTF-16 big-endian",
        "Hindi UTF-8",
        "UTF-32 mark",
        "UTF-32 big-endian mark",
        "NUL",
    ],
)
def test_encoding_is_found(tmp_path, content, codec):
    (tmp_path / "sheet").write_bytes(content)
    found = find_encoding(tmp_path / "sheet", None)
    assert (found.codec, found.has_invalid_bytes) == (codec, False)


def test_replacement_character_of_an_earlier_program_is_valid_text(tmp_path):
    """U+FFFD in the file itself does not mean another encoding."""
    (tmp_path / "sheet").write_text("Name,Phone\nJos\ufffd,1\n", "utf-8")
    found = find_encoding(tmp_path / "sheet", None)
    assert (found.codec, found.has_invalid_bytes) == ("utf-8", False)


def test_two_exports_joined_in_one_file_are_not_read_as_windows_1252(tmp_path):
    """Else the rows of the UTF-8 half would arrive as `JosÃ©`; the rows of the other half are rejected."""
    (tmp_path / "sheet").write_bytes(TEXT.encode() + TEXT.encode("cp1252") * 3)
    found = find_encoding(tmp_path / "sheet", None)
    assert (found.codec, found.has_invalid_bytes) == ("utf-8", True)


@pytest.mark.parametrize(
    ("given", "content", "codec"),
    [
        ("UTF8", b"a", "utf-8"),
        ("utf-8", b"\xef\xbb\xbfa", "utf-8-sig"),
        ("utf-16-le", b"\xff\xfea\0", "utf-16"),
        ("utf-16", b"\xff\xfea\0", "utf-16"),
        ("utf-16", "Name,Phone\n".encode("utf-16-be"), "utf-16-be"),
        ("latin-1", b"\xe9", "iso8859-1"),
        ("windows-1252", b"\xe9", "cp1252"),
    ],
)
def test_user_can_name_the_encoding(tmp_path, given, content, codec):
    """The byte order mark is then not part of the first header."""
    (tmp_path / "sheet").write_bytes(content)
    assert find_encoding(tmp_path / "sheet", given).codec == codec


@pytest.mark.parametrize("given", ["klingon", "base64", "zip", "rot13", "\0"])
def test_unknown_encoding_is_refused(tmp_path, given):
    (tmp_path / "sheet").write_bytes(b"a")
    with pytest.raises(UsageError, match="no text encoding"):
        find_encoding(tmp_path / "sheet", given)


@pytest.mark.parametrize(
    ("given", "content"),
    [("utf-16", TEXT.encode()), ("utf-32", b"\xef\xbb\xbfa"), ("utf_16", b"")],
    ids=["UTF-8", "UTF-8 mark", "empty file"],
)
def test_utf_16_that_the_first_bytes_contradict_is_refused(tmp_path, given, content):
    """Python's decoder would stop in the middle, and the file would be called damaged."""
    (tmp_path / "sheet").write_bytes(content)
    with pytest.raises(UsageError, match=f"the file is not in {given}"):
        find_encoding(tmp_path / "sheet", given)


@pytest.mark.parametrize(
    "given", ["idna", "Punycode", "unicode_escape", "raw-unicode-escape", "UTF7", "iso2022_jp", "hz"]
)
def test_codecs_that_no_sheet_is_written_in_are_refused(tmp_path, given):
    (tmp_path / "sheet").write_bytes(b"a")
    with pytest.raises(UsageError, match="no sheet is written in"):
        find_encoding(tmp_path / "sheet", given)


ALL = sorted({found.name for found in pkgutil.iter_modules(encodings.__path__)} - {"aliases"})


@given(
    st.sampled_from(ALL),
    st.binary(max_size=80)
    | st.text("Name,\n~{}\x1b$B\x0e\x0f+-\0ÿ", max_size=80).map(lambda text: text.encode("latin-1")),
)
def test_any_bytes_are_read_or_refused_in_every_encoding(name, content):
    """No codec of this Python may raise in the middle of the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet"
        path.write_bytes(content)
        with suppress(UsageError):
            found = find_encoding(path, name)
            with path.open(encoding=found.codec, errors=MARK_UNDECODABLE, newline="") as file:
                file.read()
