"""Tests with hundreds of damage files: they give rows or a sentence, never another error, a hang, or lost rows."""

from __future__ import annotations

import io
import os
import random
import sys
import zipfile
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from importer.errors import ImporterError
from importer.loader.formats.xlsb_metadata import read_xlsb_row_metadata
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.process_setup import apply_limits
from tests.loader.write_workbooks import write_xlsb

FILES = Path(__file__).parent / "files"
SEEDS = 60
pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="each damage file is read in a fork of its own"
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("samples")
    rows = {i: [f"Name {i}", 9845010000.0 + i, (45000.0, 1), b"\x2a"] for i in range(1, 20)}
    binary = write_xlsb(folder / "sheet", rows, codes=["dd-mmm-yy"], hidden=[3])
    lines = "Name,Phone,Note\n" + 'Asha,9845012345,"fine, thanks"\nRavi,9845012346,é\n' * 20
    return {
        "xls": (FILES / "quirks.xls").read_bytes(),
        "xlsx": (FILES / "quirks.xlsx").read_bytes(),
        "ods": (FILES / "quirks.ods").read_bytes(),
        "xlsb": binary.read_bytes(),
        "csv": lines.encode(),
        "csv in utf-16": lines.encode("utf-16"),
    }


def damage(content: bytes, rnd: random.Random) -> bytes:
    """Change, remove or repeat a few bytes."""
    new = bytearray(content)
    for _ in range(rnd.choice([1, 1, 2, 5, 20])):
        at = rnd.randrange(len(new) or 1)
        match rnd.randrange(4):
            case 0:
                new[at : at + 1] = rnd.randbytes(1)
            case 1:
                del new[at : at + rnd.choice([1, 2, 4, 16, 100])]
            case 2:
                other = rnd.randrange(len(new) or 1)
                new[at:at] = new[other : other + rnd.choice([1, 4, 16, 64])]
            case 3:
                new[at : at + 4] = rnd.choice(
                    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"<<>>"]
                )
    return bytes(new)


def damage_part(content: bytes, rnd: random.Random) -> bytes:
    """Damage one part of an archive and pack it again, so that no checksum shows it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rnd.choice(
        [
            name
            for name in parts
            if any(word in name for word in ("sheet1", "content", "workbook", "styles", "Strings"))
        ]
    )
    parts[name] = damage(parts[name], rnd)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return packed.getvalue()


def read_in_child(path: Path) -> str:
    """Read a file in a process that may die; return `rows N`, `error ...`, `died`, or `raised ...`."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        apply_limits()
        os.write(theirs, _read(path)[:2000].encode("utf-8", "replace"))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        text = answer.read().decode()
    os.waitpid(child, 0)
    return text or "died"


def _read(path: Path) -> str:
    try:
        return f"rows {sum(1 for _ in open_table(path, OpenOptions()).rows)}"
    except ImporterError as error:
        return f"error {error.message}" if error.advice else "raised without advice"
    except MemoryError:
        return "error memory"
    except BaseException as error:  # noqa: BLE001 - whatever else comes is what this test looks for
        # A panic of the compiled reader ends the reading process, which the user reads as a sentence.
        return "died" if type(error).__name__ == "PanicException" else f"raised {error!r}"


@pytest.mark.parametrize("kind", ["xls", "xlsx", "ods", "xlsb", "csv", "csv in utf-16"])
def test_damaged_files_give_rows_or_a_sentence(samples, tmp_path, kind):
    for seed in range(SEEDS):
        rnd = random.Random(seed)
        within = kind in ("xlsx", "ods", "xlsb") and seed % 3
        path = tmp_path / "sheet"
        path.write_bytes(damage_part(samples[kind], rnd) if within else damage(samples[kind], rnd))
        assert read_in_child(path).split()[0] in ("rows", "error", "died"), (
            f"{kind} {seed}: {read_in_child(path)}"
        )


@pytest.mark.parametrize("kind", ["xls", "xlsx", "ods", "xlsb"])
def test_cut_off_workbook_is_never_read_in_part(samples, tmp_path, kind):
    whole = samples[kind]
    for cut in range(8, len(whole), max(1, len(whole) // 30)):
        (tmp_path / "sheet").write_bytes(whole[:cut])
        found = read_in_child(tmp_path / "sheet")
        # The last sectors of an old workbook hold its author and title, which are not needed.
        assert found.split()[0] in ("error", "died") or (kind == "xls" and found == "rows 6"), cut


@pytest.mark.parametrize("kind", ["xlsx", "xlsb"])
def test_cut_off_sheet_in_a_valid_archive_is_never_read_in_part(samples, tmp_path, kind):
    """A reader that stops at what it does not understand would silently give fewer rows."""
    with zipfile.ZipFile(io.BytesIO(samples[kind])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in parts if "sheet1." in name and "rels" not in name)
    for cut in range(0, len(parts[name]) - 1, max(1, len(parts[name]) // 60)):
        with zipfile.ZipFile(tmp_path / "sheet", "w") as archive:
            for other, part in parts.items():
                archive.writestr(other, part[:cut] if other == name else part)
        assert read_in_child(tmp_path / "sheet").split()[0] in ("error", "died"), cut


def test_record_with_a_wrong_length_loses_no_rows_silently(samples, tmp_path):
    """Readers go on after it somewhere in the middle of other records."""
    with zipfile.ZipFile(io.BytesIO(samples["xlsb"])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = bytearray(parts["xl/worksheets/sheet1.bin"])
    sheet[sheet.index("Name 3".encode("utf-16-le")) - 13] += 27  # the length comes before column and text
    with zipfile.ZipFile(tmp_path / "sheet", "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, bytes(sheet) if name.endswith("sheet1.bin") else part)
    assert read_in_child(tmp_path / "sheet").split()[0] in ("error", "died")


def test_row_record_that_covers_the_next_records_loses_nothing_silently(tmp_path):
    """Its length reaches to the end of a later record, so every reader goes on after rows or cells that are gone."""
    rows = {n: [f"98450{n:05}", f"Name {n}"] for n in range(2, 6)}
    path = write_xlsb(tmp_path / "sheet", {1: ["Phone", "Name"], **rows})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.bin"]
    ends = list(accumulate((len(part) for part in split_records(sheet)), initial=0))
    openings = [at for at in ends[:-1] if sheet[at] == 0 or sheet[at : at + 2] == b"\x91\1"]
    for at in openings:
        length_at = at + (1 if sheet[at] == 0 else 2)  # a type has one or two bytes, a length one
        for end in [end for end in ends if end > length_at + 1 + sheet[length_at]]:
            length = end - length_at - 1
            written = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
            damaged = sheet[:length_at] + written + sheet[length_at + 1 :]
            with zipfile.ZipFile(path, "w") as archive:
                for name, part in parts.items():
                    archive.writestr(name, damaged if name.endswith("sheet1.bin") else part)
            assert _read(path).split()[0] in ("error", "died"), (at, end)


def split_records(sheet: bytes) -> Iterator[bytes]:
    """Yield the records of a sheet in which none is longer than 127 bytes."""
    at = 0
    while at < len(sheet):
        length_at = at + (2 if sheet[at] & 0x80 else 1)
        end = length_at + 1 + sheet[length_at]
        yield sheet[at:end]
        at = end


def test_binary_sheet_without_its_end_record_is_refused(samples, tmp_path):
    """It is refused whatever calamine reads of it."""
    with zipfile.ZipFile(io.BytesIO(samples["xlsb"])) as archive, zipfile.ZipFile(tmp_path / "x", "w") as cut:
        for name in archive.namelist():
            part = archive.read(name)
            cut.writestr(name, part.removesuffix(b"\x82\1\0") if name.endswith("sheet1.bin") else part)
    with pytest.raises(ValueError, match="146"):
        list(read_xlsb_row_metadata(tmp_path / "x", "Leads"))


def test_reader_that_stops_early_is_noticed(samples, tmp_path):
    """The library calamine skips a sheet whose opening tag has one wrong letter."""
    with (
        zipfile.ZipFile(io.BytesIO(samples["xlsx"])) as archive,
        zipfile.ZipFile(tmp_path / "sheet", "w") as damaged,
    ):
        for name in archive.namelist():
            damaged.writestr(name, archive.read(name).replace(b"<sheetData>", b"<sh?etData>"))
    assert read_in_child(tmp_path / "sheet").startswith("error The workbook cannot be read")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses the limit on memory")
def test_huge_repeat_counts_give_a_sentence(tmp_path):
    """A hundred bytes of OpenDocument can claim 17 billion cells."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    for rows, columns, expected in (
        (10**9, 1, "claims more than"),
        (5, 10**9, "claims more than"),
        (1, 16_384, "16,384 columns"),
    ):
        content = (
            f'<office:document-content xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0">'
            f'<office:body><office:spreadsheet><table:table table:name="S"><table:table-row table:number-rows-repeated="{rows}">'
            f'<table:table-cell office:value-type="string" table:number-columns-repeated="{columns}"><text:p>x</text:p></table:table-cell>'
            "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
        )
        with zipfile.ZipFile(tmp_path / "sheet", "w") as archive:
            archive.writestr("content.xml", content)
        assert expected in read_in_child(tmp_path / "sheet")
