"""With --json, standard output has exactly one JSON value in every ending; the sentence stays on standard error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from importer.cli.main import main
from importer.errors import (
    DamagedJournalError,
    DiskWriteError,
    ImporterError,
    JournalReadError,
    RunLockedError,
)
from tests.support import write_csv

GOOD = [["Phone", "Name"], ["9845010001", "Asha Rao"]]


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", GOOD)


def read_error(ended, code):
    """Check an ending without a summary, and return its error."""
    printed = json.loads(ended.out)
    assert ended.code == code
    assert printed.keys() == {"exit_code", "error"}
    assert printed["exit_code"] == code
    assert printed["error"].keys() == {"type", "message", "advice"}
    sentence = f"{printed['error']['message']} {printed['error']['advice']}".strip()
    assert ended.err.splitlines()[-1] == f"importer: {sentence}"
    return printed["error"]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["check", "missing.csv"], "UnreadableFileError"),
        (["run", "leads.csv"], "UsageError"),
        (["run", "leads.csv", "--yes", "--column", "Phone="], "MissingPhoneColumnError"),
        (["run", "leads.csv", "--yes", "--rate", "fast"], "UsageError"),
        (["run", "leads.csv", "--nonsense"], "UsageError"),
        (["run"], "UsageError"),
        (["ruin", "leads.csv"], "UsageError"),
        (["resume", "nothing"], "RunNotFoundError"),
        (["retry", "nothing"], "RunNotFoundError"),
        (["columns", "missing.csv"], "UnreadableFileError"),
        (["runs", "--nonsense"], "UsageError"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_error_before_the_first_write_is_an_object(importer, sheet, arguments, kind):
    """Type, message and advice are those of the exception of the library."""
    assert read_error(importer(*arguments, "--json"), 2)["type"] == kind


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunLockedError("Locked.", "Wait."), 4),
        (JournalReadError("Cannot be read.", "Continue."), 3),
        (DiskWriteError("Disk full.", "Continue."), 3),
        (DamagedJournalError("Damaged."), 2),
    ],
    ids=lambda given: type(given).__name__,
)
def test_error_while_sending_is_an_object(importer, sheet, monkeypatch, error, code):
    """These endings have no summary either."""

    def fail(*_):
        raise error

    monkeypatch.setattr("importer.pipeline.run.run", fail)
    shown = read_error(importer("run", sheet, "--yes", "--json"), code)
    assert shown == {"type": type(error).__name__, "message": error.message, "advice": error.advice}


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (KeyboardInterrupt(), 130, "RunInterruptedError"),
        (MemoryError(), 2, "ImporterError"),
        (ZeroDivisionError(), 2, "ImporterError"),
    ],
    ids=["Ctrl-C", "no memory", "a bug"],
)
def test_interruption_and_bug_are_objects(importer, sheet, monkeypatch, error, code, kind):
    """A script reads the same keys whatever has happened."""

    def fail(*_):
        raise error

    monkeypatch.setattr("importer.pipeline.run.check", fail)
    ended = importer("check", sheet, "--json")
    assert read_error(ended, code)["type"] == kind


def test_json_of_the_settings_file_counts(importer, sheet):
    """It stands in importer.toml as often as on the command line."""
    (importer.folder / "importer.toml").write_text("json = true\n")
    assert read_error(importer("check", "missing.csv"), 2)["type"] == "UnreadableFileError"
    assert importer("purge", "--older-than", "x").out == ""


def test_nothing_to_retry_is_an_object(importer, sheet):
    """It is not null: a script that reads a key of it must not fail."""
    folder = importer("run", sheet, "--yes").folder
    ended = importer("retry", folder.name, "--yes", "--json")
    assert json.loads(ended.out) == {"exit_code": 0, "message": ended.err.rstrip("\n")}


def test_error_after_the_summary_adds_no_second_value(importer, sheet, monkeypatch):
    """The summary was printed, then the terminal could not be written: the output stays one value."""

    def fail(*_):
        raise ImporterError("Later.")

    monkeypatch.setattr("importer.cli.summary_view.format_last_line", fail)
    ended = importer("check", sheet, "--json")
    assert json.loads(ended.out)["state"] == "checked"
    assert ended.err.splitlines()[-1] == "importer: Later."


@pytest.mark.parametrize("arguments", [["check", "missing.csv"], ["check", "--", "--json"]])
def test_without_the_option_standard_output_is_empty(importer, arguments):
    """After `--`, `--json` is the name of a file."""
    assert importer(*arguments).out == ""


def test_summary_names_the_folder(importer, sheet):
    """As an absolute path: a script may work in another folder than the command."""
    ended = importer("check", sheet, "--json")
    assert json.loads(ended.out)["folder"] == str(ended.folder.absolute())
    assert ended.summary["folder"] == str(ended.folder.absolute())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_keeps_the_sentence_and_the_code(importer):
    """The object is lost, and what happened is still said."""
    command = f"{sys.executable} -m importer check missing.csv --json >/dev/full"
    done = subprocess.run(
        command, shell=True, cwd=importer.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("importer: There is no file missing.csv.")


def test_option_is_forgotten_before_the_next_command(capsys, monkeypatch, tmp_path):
    """The function can be called twice in one process."""
    monkeypatch.chdir(tmp_path)
    main(["check", "missing.csv", "--json"])
    assert capsys.readouterr().out
    main(["check", "missing.csv"])
    assert not capsys.readouterr().out
