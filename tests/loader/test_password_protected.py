"""Tests with workbooks that are really encrypted: one sentence says so and how to remove the password, and nothing is sent."""

from __future__ import annotations

import io
import random
import struct
from hashlib import md5
from pathlib import Path

import msoffcrypto
import pytest
import xlwt
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.method.rc4 import DocumentRC4
from xlwt.CompoundDoc import XlsDoc

from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.loader.formats.zip_safety import check_archive
from tests.loader.write_workbooks import text_cell, write_parts, write_xlsb, write_xlsx
from tests.support import leads, open_sheet

PASSWORD = "secret"
_RANDOM = random.Random(1)
_PADDING = {"xl/media/logo.png": _RANDOM.randbytes(5000)}  # the library encrypts nothing smaller correctly
SALT = bytes(range(16))
_BOF, _FILEPASS, _BOUNDSHEET, _PLAIN = 0x809, 0x2F, 0x85, {0x809, 0x2F, 0xE1}


def encrypt_ooxml(path: Path, plain: Path) -> Path:
    """Encrypt a workbook as Excel 2010 and later do: AES, with the key from 100,000 rounds of SHA-512."""
    with plain.open("rb") as book, path.open("wb") as locked:
        OOXMLFile(book).encrypt(PASSWORD, locked)
    return path


def write_encrypted_xlsx(folder: Path) -> Path:
    row = text_cell("A2", "9845010001")
    return encrypt_ooxml(
        folder / "leads.xlsx", write_xlsx(folder / "plain", f'<row r="2">{row}</row>', more=_PADDING)
    )


def write_encrypted_xlsb(folder: Path) -> Path:
    return encrypt_ooxml(
        folder / "leads.xlsb",
        write_xlsb(folder / "plain", {n: [_RANDOM.randbytes(60).hex()] for n in range(1, 99)}),
    )


def write_encrypted_xls(folder: Path) -> Path:
    """Write an old workbook encrypted with RC4 (MS-OFFCRYPTO 2.3.6): every record but the first two in its place."""
    book = xlwt.Workbook()
    book.add_sheet("Leads").write(0, 0, "Phone")
    records = _split_records(book.get_biff_data())
    scrambled_hash = _apply_rc4(bytes(16) + md5(bytes(16)).digest())
    lock = struct.pack("<HHH", 1, 1, 1) + SALT + scrambled_hash
    records.insert(1, (_FILEPASS, lock))
    shift = 4 + len(lock)
    bodies = [
        struct.pack("<I", struct.unpack("<I", body[:4])[0] + shift) + body[4:]
        if kind == _BOUNDSHEET
        else body
        for kind, body in records
    ]
    stream = b"".join(
        struct.pack("<HH", kind, len(body)) + body for (kind, _), body in zip(records, bodies, strict=True)
    )
    scrambled, at, found = _apply_rc4(stream), 0, b""
    for (kind, _), body in zip(records, bodies, strict=True):
        kept = len(body) if kind in _PLAIN else 4 if kind == _BOUNDSHEET else 0
        found += struct.pack("<HH", kind, len(body)) + body[:kept]
        found += scrambled[at + 4 + kept : at + 4 + len(body)]
        at += 4 + len(body)
    path = folder / "leads.xls"
    XlsDoc().save(str(path), found)
    return path


def _split_records(stream: bytes) -> list[tuple[int, bytes]]:
    records, at = [], 0
    while at < len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        records.append((kind, stream[at + 4 : at + 4 + length]))
        at += 4 + length
    return records


def _apply_rc4(content: bytes) -> bytes:
    return DocumentRC4.decrypt(PASSWORD, SALT, io.BytesIO(content), blocksize=1024).read()


def write_encrypted_ods(folder: Path) -> Path:
    """Write what LibreOffice has written since 2024: the encrypted document is one part (ODF 1.4, encrypted-package)."""
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="encrypted-package"><manifest:encryption-data/></manifest:file-entry></manifest:manifest>'
    parts = {"mimetype": kind, "encrypted-package": b"\x93\x11" * 900, "META-INF/manifest.xml": manifest}
    return write_parts(folder / "leads.ods", parts)


ENCRYPTED = {
    "xlsx": write_encrypted_xlsx,
    "xlsb": write_encrypted_xlsb,
    "xls": write_encrypted_xls,
    "ods": write_encrypted_ods,
}


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_encrypted_workbook_is_refused_with_the_way_to_remove_the_password(importer, crm, kind):
    path = ENCRYPTED[kind](importer.folder)
    ended = importer("run", path, "--yes")
    assert ended.code == 2
    assert ended.err.startswith(
        "importer: The workbook is protected with a password. Open it in Excel and remove the password:"
    )
    assert len(ended.err.splitlines()) == 1
    assert ended.folder is None
    assert leads(crm) == {}


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls"])
def test_sample_workbooks_are_really_encrypted(tmp_path, kind):
    """With the password they are the original workbooks: they are refused for the encryption, not for damage."""
    opened = io.BytesIO()
    with ENCRYPTED[kind](tmp_path).open("rb") as file:
        book = msoffcrypto.OfficeFile(file)
        book.load_key(password=PASSWORD)
        book.decrypt(opened)
    (tmp_path / "opened").write_bytes(opened.getvalue())
    again = detect_file_kind(tmp_path / "opened")
    assert again.value == kind
    if kind != "xls":  # the void FilePass record is still there, and readers stop at it
        check_archive(tmp_path / "opened")
        assert any(
            row.cells for block in open_sheet(tmp_path / "opened", again, None).blocks for row in block
        )


def test_cell_that_names_the_encryption_stream_is_not_encryption(tmp_path):
    """The word is in a cell of an old workbook, beside Hindi, so in UTF-16 as the encryption writes it."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Leads")
    sheet.write(0, 0, "Phone")
    sheet.write(1, 0, "9845012345 EncryptedPackage नमस्ते")
    book.save(str(tmp_path / "sheet"))
    assert "EncryptedPackage".encode("utf-16-le") in (tmp_path / "sheet").read_bytes()
    assert detect_file_kind(tmp_path / "sheet") is FileKind.XLS
