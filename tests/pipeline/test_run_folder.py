"""A run has a folder of its own: it begins in no other, and of several commands with one --run-id one has it."""

import multiprocessing
import os
import sys
from collections import Counter

import pytest

from importer.atomic_file import FOLDER_LOCK
from importer.errors import UsageError
from importer.journal.run_journal import Journal
from importer.pipeline import run_folder
from importer.pipeline.run_folder import choose_run_folder, create_journal, was_killed_early
from importer.settings import Settings
from tests.journal.records import build_metadata, build_valid_row
from tests.support import write_csv

PROCESSES = 6

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")


def judge_rows(folder, *, is_killed=False, file="leads.csv", barrier=None, ended=None):
    """Be a process that judges rows, as `importer check` does."""
    if barrier is not None:
        barrier.wait()
    try:
        with create_journal(folder, build_metadata(folder.name)) as journal:
            journal.stage([build_valid_row(n, file) for n in range(2, 30)])
            if is_killed:
                os._exit(9)
            journal.staging.complete()
        assert journal.rows == 28
        journal.close()
        outcome = "ran"
    except UsageError:
        outcome = "taken"
    except Exception as error:  # noqa: BLE001 - the test waits for an outcome of each process
        outcome = repr(error)
    if ended is not None:
        ended.put((outcome, file))


def run_process(*args, **named):
    process = multiprocessing.get_context("fork").Process(target=judge_rows, args=args, kwargs=named)
    process.start()
    return process


def leave_killed_run(folder):
    run_process(folder, is_killed=True).join()


def list_names(folder):
    """Return the files of a folder without its lock, which some versions of filelock leave."""
    return sorted({path.name for path in folder.iterdir()} - {".writing.lock"})


def test_folder_of_a_killed_run_is_used_again(tmp_path):
    """Nothing was sent, so its run id is free. Nobody else takes it while the new run judges its rows."""
    folder = tmp_path / "r"
    leave_killed_run(folder)
    assert was_killed_early(folder)
    assert choose_run_folder(Settings(reports=str(tmp_path), run_id="r")) == folder
    with create_journal(folder, build_metadata("r")) as journal:
        assert journal.rows == 0
        assert not was_killed_early(folder)
        with pytest.raises(UsageError, match="already a run r"):
            choose_run_folder(Settings(reports=str(tmp_path), run_id="r"))
        journal.staging.complete()
    journal.close()
    assert list_names(folder) == ["journal.sqlite"]


def test_file_of_somebody_else_keeps_the_folder_of_a_killed_run(tmp_path):
    folder = tmp_path / "r"
    leave_killed_run(folder)
    (folder / "thesis.txt").write_text("ten years of work")
    with pytest.raises(UsageError), create_journal(folder, build_metadata("r")):
        pass
    assert list_names(folder) == ["staging.sqlite", "thesis.txt"]


@pytest.mark.parametrize("name", [None, "thesis.txt", ".writing.lock"])
def test_folder_that_is_not_a_run_is_not_used(tmp_path, name):
    """Also an empty one: another command may have made it a moment ago."""
    folder = tmp_path / "r"
    folder.mkdir()
    if name:
        (folder / name).touch()
    with pytest.raises(UsageError, match="already exists"), create_journal(folder, build_metadata("r")):
        pass
    assert [path.name for path in folder.iterdir()] == ([name] if name else [])


def test_failed_run_leaves_no_folder_and_no_file_of_its_own(tmp_path):
    for name in ("empty", "used"):
        with pytest.raises(ZeroDivisionError), create_journal(tmp_path / name, build_metadata(name)):
            if name == "used":
                (tmp_path / name / "thesis.txt").touch()
            1 / 0  # noqa: B018
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "used",
        "used/thesis.txt",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("begins", ["no folder", "killed run"])
def test_one_of_several_processes_has_the_folder(tmp_path, request, begins):
    """The others change nothing: the journal holds the rows of the one that ran (FINDINGS, Attack: one --run-id)."""
    context = multiprocessing.get_context("fork")
    for count in range(request.config.getoption("--race-rounds")):
        folder = tmp_path / f"run-{count}"
        if begins == "killed run":
            leave_killed_run(folder)
        barrier, ended = context.Barrier(PROCESSES), context.SimpleQueue()
        processes = [
            run_process(folder, file=f"{n}.csv", barrier=barrier, ended=ended) for n in range(PROCESSES)
        ]
        outcomes = [ended.get() for _ in processes]
        for process in processes:
            process.join()
            assert process.exitcode == 0
        assert Counter(outcome for outcome, _ in outcomes) == {"ran": 1, "taken": PROCESSES - 1}
        (winner,) = [file for outcome, file in outcomes if outcome == "ran"]
        assert list_names(folder) == ["journal.sqlite"]
        with Journal.open(folder) as journal:
            assert {row.notes for row in journal.delivery.read_pending(-1, 99)} == {(winner,)}


def test_folder_whose_files_change_meanwhile_is_taken(tmp_path, monkeypatch):
    """Its process publishes the journal between two looks of ours: that is no killed run, and no crash of ours."""
    folder = tmp_path / "r"
    leave_killed_run(folder)
    (folder / "staging.sqlite").write_bytes(b"")
    look = run_folder.is_unwritten_journal

    def publish(path):
        path.rename(folder / "published")
        return look(path)

    monkeypatch.setattr(run_folder, "is_unwritten_journal", publish)
    with pytest.raises(UsageError, match="already exists"), create_journal(folder, build_metadata("r")):
        pass


@pytest.fixture
def sheet(importer):
    """A sheet with one lead."""
    return write_csv(importer.folder / "x.csv", [("Phone", "Name"), ("9845010001", "Asha")])


@pytest.mark.parametrize(
    "names",
    [("staging.sqlite",), (FOLDER_LOCK, "staging.sqlite", "staging.sqlite-journal")],
    ids=["database", "database and lock"],
)
def test_folder_of_a_process_that_was_killed_at_once_is_free(importer, crm, sheet, names):
    """A nightly job with a fixed --run-id must not need a person after a power cut."""
    folder = importer.reports / "nightly"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    assert importer("check", sheet, "--run-id", "nightly").code == 0


@pytest.mark.parametrize("names", [("thesis.txt",), ("staging.sqlite", "thesis.txt")])
def test_folder_with_a_file_of_the_user_is_never_used(importer, crm, sheet, names):
    """Whatever else lies in it."""
    folder = importer.reports / "nightly"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()
    assert importer("check", sheet, "--run-id", "nightly").code == 2
    assert {path.name for path in folder.iterdir()} == set(names)
