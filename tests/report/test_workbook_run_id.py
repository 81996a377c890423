"""The run that a workbook names, read by the parent: from hostile workbooks too."""

from __future__ import annotations

import zipfile

import pytest

from importer.report.workbook_run_id import read_run_id

PART = "docProps/custom.xml"
NAMED = '<property name="importer-run"><vt:lpwstr>run-1</vt:lpwstr>'


def test_the_run_is_found(tmp_path):
    assert read_run_id(packed(tmp_path / "a.xlsx", NAMED)) == "run-1"


def test_only_the_beginning_of_the_part_is_read(tmp_path):
    """A part of gigabytes that packs small must not fill the memory of the process that has the key."""
    assert read_run_id(packed(tmp_path / "a.xlsx", " " * 100_000 + NAMED)) is None


@pytest.mark.parametrize("at", range(3, 12))
def test_a_part_that_is_damaged_names_no_run(tmp_path, at):
    path = packed(tmp_path / "a.xlsx", "x" * 1000)
    content = bytearray(path.read_bytes())
    content[content.find(PART.encode()) + len(PART) + at] ^= 0xFF
    path.write_bytes(content)
    assert read_run_id(path) is None


@pytest.mark.parametrize(("at", "value"), [(8, 1), (10, 97)])
def test_a_part_under_a_password_or_packed_in_an_unknown_way_names_no_run(tmp_path, at, value):
    path = packed(tmp_path / "a.xlsx", NAMED)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + at] = value
    path.write_bytes(content)
    assert read_run_id(path) is None


def packed(path, text):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PART, text)
    return path
