"""A large text file is read by several processes, and every report is the one that a single process gives."""

from __future__ import annotations

import pytest

from importer.errors import UnreadableFileError
from importer.reader import parallel_client
from importer.reader.parallel_client import LocalPlaces, ParallelClient
from importer.reader.worker_client import WorkerClient

ROWS = 9_000  # eight blocks: the first range needs four


@pytest.fixture
def ranges(monkeypatch):
    """Let files of any size be cut, and return a function that sets the number of processes."""
    monkeypatch.setattr(parallel_client, "_MIN_FILE_BYTES", 1)
    monkeypatch.setattr(LocalPlaces, "range_bytes", 60_000)

    def use(readers):
        monkeypatch.setattr(parallel_client, "count_readers", lambda: readers)

    use(2)
    return use


@pytest.fixture
def judged(monkeypatch):
    """Return a list that gets every range that is judged, with its reading process."""
    seen = []
    judge = WorkerClient.judge_range

    def note(client, part):
        seen.append((client, part))
        return judge(client, part)

    monkeypatch.setattr(WorkerClient, "judge_range", note)
    return seen


def write_leads(path, *, end=""):
    with path.open("w", newline="") as file:
        file.write("Name,Mobile,City,Remarks\r\n")
        for number in range(ROWS):
            phone = "98450" if number % 700 == 0 else f"98{450_00000 + number}"
            note = '"call\r\nlater, please"' if number % 97 == 0 else ""
            file.write(f'"Asha, {number}",{phone},Pune,{note}\r\n')
        file.write(end)
    return path


@pytest.mark.parametrize("end", ["", "Total,9000,,\r\n"], ids=["leads only", "a total at the end"])
def test_reports_are_those_of_one_process(importer, ranges, judged, end):
    """Byte by byte, with multi-line notes, rejected rows, and a footer in the last range."""
    sheet = write_leads(importer.folder / "x.csv", end=end)
    several = importer("check", sheet, "--run-id", "several")
    assert len({client for client, _ in judged}) == 2
    ranges(1)
    single = importer("check", sheet, "--run-id", "single")
    assert several.code == single.code == 1
    for name in ("results.csv", "failed_rows.csv"):
        assert (several.folder / name).read_bytes() == (single.folder / name).read_bytes()
    assert several.summary["rows"] == ROWS
    assert several.summary["ignored"] == single.summary["ignored"]


@pytest.mark.parametrize("options", [["--limit", "8000"], ["--encoding", "utf-16"]], ids=["limit", "UTF-16"])
def test_other_files_are_read_in_order(importer, ranges, judged, options):
    sheet = write_leads(importer.folder / "x.csv")
    if options[0] == "--encoding":
        sheet.write_bytes(sheet.read_text("utf-8").encode("utf-16"))
    importer("check", sheet, *options)
    assert not judged


def test_process_that_dies_costs_no_row(importer, ranges, monkeypatch):
    """Several processes may need too much memory. Then one reads the rest in order."""
    sheet = write_leads(importer.folder / "x.csv")
    judge = WorkerClient.judge_range

    def die(client, part):
        if part.start and type(client) is WorkerClient:
            client.kill()
        return judge(client, part)

    monkeypatch.setattr(WorkerClient, "judge_range", die)
    assert importer("check", sheet).summary["rows"] == ROWS


def test_processes_end_with_the_reading(importer, ranges, judged, monkeypatch):
    """Whatever ends it, also an error of the disk: no reading process is left behind."""
    sheet = write_leads(importer.folder / "x.csv")
    monkeypatch.setattr(
        "importer.journal.staging.StagingArea.stage",
        lambda *_: (_ for _ in ()).throw(UnreadableFileError("disk")),
    )
    importer("check", sheet)
    clients = {client for client, _ in judged}
    assert {type(client) for client in clients} <= {ParallelClient, WorkerClient}
    assert all(client.is_dead for client in clients)
