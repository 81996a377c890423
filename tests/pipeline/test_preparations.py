"""A sheet before its run: kept whole, private, and under a name that every disk takes."""

from datetime import UTC, datetime, timedelta

import pytest

from importer.errors import DiskWriteError, UnreadableFileError
from importer.pipeline.preparations import Preparation, Preparations, make_safe_name, open_upload


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("leads.xlsx", "leads.xlsx"),
        ("लीड्स 2026.csv", "लीड्स 2026.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\leads.csv", "leads.csv"),
        ("<b>leads\n.csv", "_b_leads_.csv"),
        ("...", "sheet"),
        ("", "sheet"),
        ("preparation.json", "sheet-preparation.json"),
        (".hidden", "hidden"),
    ],
)
def test_a_name_is_harmless(given, name):
    assert make_safe_name(given) == name


@pytest.mark.parametrize("text", ["x" * 500 + ".csv", "क" * 500 + ".xlsx", "a." + "b" * 500])
def test_a_long_name_fits_on_a_disk(text):
    assert 0 < len(make_safe_name(text).encode()) <= 150


def test_an_upload_that_fails_leaves_no_file(tmp_path):
    path = tmp_path / "leads.csv"
    with pytest.raises(UnreadableFileError), open_upload(path, max_bytes=10) as file:
        file.write(b"12345")
        file.write(b"678901")
    assert not path.exists()


def test_an_upload_never_replaces_a_file(tmp_path):
    path = tmp_path / "leads.csv"
    path.write_bytes(b"mine")
    with pytest.raises(DiskWriteError), open_upload(path, max_bytes=10):
        pass
    assert path.read_bytes() == b"mine"


def test_a_preparation_comes_back_as_it_was(tmp_path):
    """Answers keep their keys, which are tuples, and None, which keeps a value out."""
    preparations = Preparations(tmp_path)
    saved = Preparation(
        run_id="run-1", file="a.csv", path="/a.csv", started_at="2026-11-30T10:00:00+05:30",
        options={"column": {"Mob": "customer_phone"}}, answers=((("value", "lead_stage_name", "Warm led"), None), (("source",), "Expo")),
    )  # fmt: skip
    preparations.save(saved)
    assert preparations.find("run-1") == saved
    assert list(preparations.list_all()) == [saved]


def test_one_that_cannot_be_read_is_not_there(tmp_path):
    preparations = Preparations(tmp_path)
    path = preparations.make_upload_path("run-1", "a.csv").with_name("preparation.json")
    path.write_text("{")
    assert preparations.find("run-1") is None
    assert list(preparations.list_all()) == []


def test_a_sheet_whose_upload_was_killed_is_purged_by_its_age(tmp_path):
    """It has people in it, and no preparation says so."""
    preparations, age = Preparations(tmp_path), timedelta(days=90)
    preparations.make_upload_path("run-1", "a.csv").write_text("9845010001")
    now = datetime.now(UTC)
    assert preparations.find_older_than(age, now) == []
    assert preparations.find_older_than(age, now + timedelta(days=91)) == ["run-1"]
    preparations.remove("run-1")
    assert preparations.find_older_than(age, now + timedelta(days=91)) == []
