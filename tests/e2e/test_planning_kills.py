"""A plan, its application, a protecting run and a watcher that are killed at any moment, and how they go on."""

import os
import shutil
import signal
import time

import pytest

from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
from tests.prepared_python import StartedCommand
from tests.support import KEY, leads, read_csv, write_csv

COUNT = 60


class Importer:
    """`importer` as a process over a CRM that knows every third lead of the sheet."""

    def __init__(self, sandbox, folder):
        self.store = sandbox.sandbox.store
        self.sandbox = sandbox
        self.folder = folder
        self.environment = {**os.environ, "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": sandbox.base_url}
        phones = [f"+9198450{number:05d}" for number in range(COUNT)]
        for phone in phones[::3]:
            self.store.save(None, phone, {"city": "Pune", "first_name": "Known"}, None)
        rows = [("Phone", "City", "Note"), *((phone, "Thane", f"note of {phone}") for phone in phones)]
        write_csv(folder / "x.csv", rows)

    def start(self, *arguments):
        options = ("--rate", "60", "--concurrency", "8")
        return StartedCommand(*arguments, *options, folder=self.folder, environment=self.environment)

    def finish(self, *arguments):
        child = self.start(*arguments)
        _, error = child.communicate(timeout=90)
        return child.returncode, error

    def kill_after(self, requests, *arguments):
        """Start a command and kill -9 it once the CRM has received so many more requests."""
        wanted = len(self.store.ledger()) + requests
        child = self.start(*arguments)
        until = time.monotonic() + 60
        while len(self.store.ledger()) < wanted:
            assert time.monotonic() < until
            assert child.poll() is None, child.communicate()
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.communicate()

    def count(self, method):
        return sum(entry["method"] == method for entry in self.store.ledger())


@pytest.fixture
def importer(tmp_path):
    with run_sandbox(SandboxOptions(latency=0.03)) as sandbox:
        yield Importer(sandbox, tmp_path)


@pytest.mark.parametrize("requests", [1, 20, 45])
def test_killed_plan_and_apply_end_as_without_the_kill(importer, requests):
    """No lead is lost or created twice, no note doubled, and no phone that was answered is asked again."""
    importer.kill_after(requests, "plan", "x.csv", "--run-id", "p")
    code, error = importer.finish("resume", "p")
    assert code == 0, error
    assert importer.count("POST") == 0
    assert COUNT <= importer.count("GET") <= COUNT + 3 * 8
    importer.kill_after(requests, "apply", "p", "--yes")
    code, error = importer.finish("resume", "p")
    assert code == 0, error
    check_leads(importer)


def test_killed_protecting_run_ends_as_without_the_kill(importer):
    """Each row begins with a look-up, which leaves no doubt behind: only writes under way are in doubt."""
    importer.kill_after(
        60, "run", "x.csv", "--run-id", "p", "--yes", "--existing", "overwrite", "--policy", "source=fill"
    )
    code, error = importer.finish("resume", "p")
    assert code == 0, error
    check_leads(importer)
    check_changes(importer)


def check_changes(importer):
    """The reports say what was in the CRM before the run, also of the rows that were in doubt."""
    rows = read_csv(importer.folder / "reports" / "p" / "results.csv")
    changes = [row["_changes"] for row in rows[::3]]
    assert all('City: "Pune" -> "Thane"' in text for text in changes), changes


WATCH = ("watch", "inbox", "--once", "--done", "done", "--map", "map.toml")


@pytest.fixture
def inbox(importer):
    """A folder with the sheet, and a map for its columns."""
    folder = importer.folder / "inbox"
    folder.mkdir()
    shutil.move(importer.folder / "x.csv", folder / "x.csv")
    columns = '[columns]\nPhone = "customer_phone"\nCity = "city"\nNote = "customer_note"\n'
    (importer.folder / "map.toml").write_text(columns, "utf-8")
    return folder


def test_killed_watcher_ends_as_without_the_kill(importer, inbox):
    """The next look resumes the run, then moves the file: nothing is imported twice."""
    importer.kill_after(20, *WATCH)
    code, error = importer.finish(*WATCH)
    assert code == 0, error
    assert not list(inbox.iterdir())
    check_leads(importer)
    assert COUNT <= importer.count("POST") <= COUNT + 2 * 8


def test_two_watchers_at_once_import_a_file_once(importer, inbox):
    """One of them imports it. The other says so, or finds it gone."""
    children = [importer.start(*WATCH) for _ in range(2)]
    errors = [child.communicate(timeout=90)[1] for child in children]
    assert {child.returncode for child in children} <= {0, 4}, errors
    assert importer.count("POST") == COUNT
    assert [path.name for path in (importer.folder / "done").iterdir()] == ["x.csv"]
    check_leads(importer)


def check_leads(importer):
    found = leads(importer.sandbox)
    assert len(found) == COUNT
    assert all(lead["city"] == "Thane" for lead in found.values())
    notes = [lead.get("notes", []) for lead in found.values()]
    assert all(len(one) <= 1 for one in notes)
    rows = {row["_phone"]: row for row in read_csv(next(importer.folder.glob("reports/*/results.csv")))}
    unsent = [phone for phone, lead in found.items() if not lead.get("notes")]
    assert all(rows[phone]["_note"] == "unknown" for phone in unsent)
    assert len(unsent) <= 3 * 8


@pytest.mark.parametrize("requests", [5, 25])
def test_killed_undo_ends_as_without_the_kill(importer, requests):
    """In the look-ups of its plan, and in its writes: every known lead is as before, and no lead is changed twice."""
    assert importer.finish("run", "x.csv", "--run-id", "r", "--yes", "--snapshot")[0] == 0
    importer.kill_after(requests, "undo", "r", "--yes")
    folder = find_undo(importer)
    if requests < COUNT // 3:
        code, error = importer.finish("resume", folder.name)
        assert code == 1, error
        importer.kill_after(5, "apply", folder.name, "--yes")
    code, error = importer.finish("resume", folder.name)
    assert code == 1, error
    found = leads(importer.sandbox)
    assert [found[phone]["city"] for phone in sorted(found)] == ["Pune", "Thane", "Thane"] * (COUNT // 3)
    rows = read_csv(folder / "results.csv")
    assert [row["_status"] for row in rows] == ["accepted", "invalid", "invalid"] * (COUNT // 3)
    assert all('City: "Thane" -> "Pune"' in row["_changes"] for row in rows[::3])


def find_undo(importer):
    (folder,) = (path for path in (importer.folder / "reports").iterdir() if path.name[0].isdigit())
    return folder
