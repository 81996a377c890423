"""The run id in a workbook, read by the process that has the key: from hostile workbooks too."""

from __future__ import annotations

import zipfile

import pytest

from importer.pipeline.lineage import WritingRun, read_writing_run

PART = "docProps/custom.xml"
NAMED = '<property name="importer-run"><vt:lpwstr>run-1</vt:lpwstr>'


def test_run_id_is_read(tmp_path):
    """The property of our own workbook names its run."""
    path = write_archive(tmp_path / "a.xlsx", NAMED)
    assert read_writing_run(path) == WritingRun("run-1")
    path = write_archive(path, NAMED.replace("importer-run", "importer-account") + NAMED)
    assert read_writing_run(path) == WritingRun("run-1", "run-1")


def test_only_first_64_kb_are_read(tmp_path):
    """A part of gigabytes that compresses well must not fill the memory of the process that has the key."""
    assert read_writing_run(write_archive(tmp_path / "a.xlsx", " " * 100_000 + NAMED)) == WritingRun()


@pytest.mark.parametrize("at", range(3, 12))
def test_damaged_part_has_no_run_id(tmp_path, at):
    """A damaged archive is not an error here: the file is read as any other."""
    path = write_archive(tmp_path / "a.xlsx", "x" * 1000)
    content = bytearray(path.read_bytes())
    content[content.find(PART.encode()) + len(PART) + at] ^= 0xFF
    path.write_bytes(content)
    assert read_writing_run(path) == WritingRun()


@pytest.mark.parametrize(("at", "value"), [(8, 1), (10, 97)])
def test_unreadable_part_has_no_run_id(tmp_path, at, value):
    """The part has a password, or an unknown compression method."""
    path = write_archive(tmp_path / "a.xlsx", NAMED)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + at] = value
    path.write_bytes(content)
    assert read_writing_run(path) == WritingRun()


def write_archive(path, text):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PART, text)
    return path
