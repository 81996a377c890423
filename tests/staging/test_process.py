"""The reading process, seen from our side."""

from __future__ import annotations

from tests.support import write_csv


def test_python_files_in_the_users_folder_are_not_run(importer):
    """People keep scripts beside their sheets; one named like a module of Python's must not be loaded."""
    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], ["9845012345"]])
    (importer.folder / "csv.py").write_text("raise SystemExit('the wrong csv')")
    ended = importer("check", sheet)
    assert (ended.code, ended.summary["counts"]["accepted"]) == (0, 1)
