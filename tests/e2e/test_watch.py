"""`importer watch`: each content of a folder is imported once and whole, whatever happens on the way."""

import shutil

import msgspec
import pytest

from importer.cli import watch_commands
from importer.journal.run_journal import Journal
from importer.pipeline import watched_file
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.state.run_lock import LockHolder, lock_account, lock_watching
from tests.support import leads, write_csv

HEADER = ("Phone", "First Name", "Stage", "Remarks")
ASHA, RAVI, MEENA = "+919845000001", "+919845000002", "+919845000003"
ROWS = [(ASHA, "Asha", "New", "called"), (RAVI, "Ravi", "New", "")]


class Inbox:
    """A folder, and `importer watch` over it. `sleep` is what happens between two looks."""

    def __init__(self, importer, monkeypatch):
        self.importer = importer
        self.folder = importer.folder / "inbox"
        self.done = importer.folder / "done"
        self.folder.mkdir()
        self.sleeps = []
        monkeypatch.setattr(watch_commands, "sleep", self._sleep)

    def _sleep(self, seconds):
        del seconds
        if not self.sleeps:
            raise KeyboardInterrupt
        self.sleeps.pop(0)()

    def put(self, rows=ROWS, name="leads.csv", header=HEADER):
        return write_csv(self.folder / name, [header, *rows])

    def teach(self):
        """Import a sheet with these columns as a person would, so that the folder may send others."""
        sheet = write_csv(self.importer.folder / "first.csv", [HEADER, (MEENA, "Meena", "New", "")])
        assert self.importer("run", sheet, "--yes").code == 0

    def watch(self, *options, between_looks=lambda: None):
        self.sleeps = [between_looks]
        return self.importer("watch", self.folder, "--once", *options)

    def keep_watching(self, *options, looks):
        """Look again and again: each of `looks` is done after a look. Then Ctrl-C."""
        self.sleeps = list(looks)
        return self.importer("watch", self.folder, "--every", "5", *options)


@pytest.fixture
def inbox(importer, crm, monkeypatch):
    del crm
    return Inbox(importer, monkeypatch)


def read_notes(crm, phone):
    return leads(crm)[phone].get("notes", [])


def count_posts(crm):
    return sum(entry["method"] == "POST" for entry in crm.sandbox.store.ledger())


def test_sheet_is_imported_and_moved(inbox, crm):
    """One line says what became of it, and the next look finds nothing."""
    inbox.teach()
    inbox.put()
    ended = inbox.watch("--done", inbox.done)
    assert ended.code == 0, ended.err
    assert "leads.csv: All 2 rows went in." in ended.out
    assert leads(crm)[ASHA]["first_name"] == "Asha"
    assert [path.name for path in inbox.done.iterdir()] == ["leads.csv"]
    again = inbox.watch("--done", inbox.done)
    assert (again.code, "Nothing new" in again.out) == (0, True)


def test_content_is_imported_once_under_any_name(inbox, crm):
    """Also without --done, and where the run was purged: the account knows the content."""
    inbox.teach()
    inbox.put()
    assert inbox.watch().code == 0
    posts = count_posts(crm)
    inbox.put(name="leads (1).csv")
    for path in inbox.importer.reports.glob("2*"):
        shutil.rmtree(path)
    again = inbox.watch()
    assert (again.code, count_posts(crm)) == (0, posts)
    inbox.put(rows=[*ROWS, (MEENA, "Meena", "Won", "")])
    assert inbox.watch().code == 0
    assert leads(crm)[MEENA]["lead_stage_name"] == "Won"


def test_file_that_grows_while_it_is_watched_is_imported_once_and_whole(inbox, crm):
    """It is still written at three looks; the fourth and the fifth show the same."""
    inbox.teach()
    path = inbox.put(rows=[])

    def grow(phone):
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{phone},Lead,New,note\n")

    looks = [lambda: grow(ASHA), lambda: grow(RAVI), lambda: grow("+919845000009"), *[lambda: None] * 3]
    runs = len(list(inbox.importer.reports.glob("2*")))
    ended = inbox.keep_watching(looks=looks)
    assert ended.code == 0, ended.err
    assert len(list(inbox.importer.reports.glob("2*"))) == runs + 1
    assert leads(crm).keys() == {ASHA, RAVI, MEENA, "+919845000009"}
    assert "All 3 rows went in." in ended.out
    assert ended.out.count("leads.csv:") == 1


def test_file_that_grows_between_the_two_looks_of_once_waits(inbox, crm):
    """It is named, and nothing of it is sent."""
    inbox.teach()
    path = inbox.put()
    posts = count_posts(crm)
    ended = inbox.watch(between_looks=lambda: path.write_text(path.read_text() + f"{MEENA},Meena,,\n"))
    assert (ended.code, count_posts(crm)) == (0, posts)
    assert "leads.csv: It is still being written." in ended.out


def test_folder_of_the_done_is_not_the_watched_one_by_another_name(inbox):
    """Each look would move every sheet again, under the next free name."""
    link = inbox.importer.folder / "link"
    link.symlink_to(inbox.folder)
    for done in (inbox.folder, inbox.folder / ".." / "inbox", link):
        ended = inbox.watch("--done", done)
        assert (ended.code, "--done names the folder that is watched" in ended.err) == (2, True)


def test_file_that_changes_after_the_look_is_left_for_the_next_one(inbox, crm, monkeypatch):
    """Before it was copied, and after it was sent: what was not imported is never moved away."""
    inbox.teach()
    path = inbox.put()
    hash_file = watched_file._hash_file
    with monkeypatch.context() as patch:
        patch.setattr(watched_file, "_hash_file", lambda at: [hash_file(at), path.write_text("Phone\n")][0])
        posts = count_posts(crm)
        inbox.watch("--done", inbox.done)
        assert count_posts(crm) == posts
    inbox.put()
    apply = watched_file.apply
    monkeypatch.setattr(
        watched_file, "apply", lambda *given: [apply(*given), path.write_text("Phone\n1\n")][0]
    )
    inbox.watch("--done", inbox.done)
    assert path.exists()
    assert ASHA in leads(crm)


def test_sheet_with_new_columns_waits_for_a_person(inbox, crm):
    """Nobody looked at its columns: the line has the command to run once. Then the folder sends such sheets."""
    path = inbox.put()
    ended = inbox.watch()
    assert ended.code == 1
    assert f"importer run {path}" in ended.err
    assert leads(crm) == {}
    assert inbox.importer("run", path, "--yes").code == 0
    inbox.put(rows=[(MEENA, "Meena", "New", "")], name="tomorrow.csv")
    assert inbox.watch().code == 0
    assert MEENA in leads(crm)


def test_map_says_how_all_sheets_of_the_folder_are_read(inbox, crm):
    """A person wrote it."""
    map_file = inbox.importer.folder / "map.toml"
    map_file.write_text('[columns]\n"Phone" = "customer_phone"\n"First Name" = "first_name"\n', "utf-8")
    inbox.put()
    assert inbox.watch("--map", map_file).code == 0
    assert leads(crm)[RAVI]["first_name"] == "Ravi"


def test_two_watchers_import_a_file_once(inbox, crm, monkeypatch):
    """The second finds the first at work and says so; afterwards it finds the content known."""
    inbox.teach()
    inbox.put()
    apply, seen = watched_file.apply, []

    def apply_while_another_watches(run, context):
        monkeypatch.setattr(watched_file, "apply", apply)
        seen.append(inbox.watch())
        return apply(run, context)

    monkeypatch.setattr(watched_file, "apply", apply_while_another_watches)
    assert inbox.watch().code == 0
    assert (seen[0].code, "Another importer watch" in seen[0].err) == (4, True)
    assert read_notes(crm, ASHA) == ["called"]
    posts = count_posts(crm)
    assert (inbox.watch().code, count_posts(crm)) == (0, posts)


def test_watcher_that_died_before_it_moved_the_file_does_not_import_it_again(inbox, crm, monkeypatch):
    """The file is sent, and only its move is missing."""
    inbox.teach()
    inbox.put()
    with monkeypatch.context() as patch:
        patch.setattr(watched_file, "move_file", die)
        with pytest.raises(SystemExit):
            inbox.watch("--done", inbox.done)
    posts = count_posts(crm)
    ended = inbox.watch("--done", inbox.done)
    assert (ended.code, count_posts(crm)) == (0, posts)
    assert not list(inbox.folder.iterdir())


def die(*_):
    raise SystemExit


def test_run_that_was_stopped_is_resumed_at_the_next_look(inbox, crm):
    """No network: exit 3, the file stays, and the next look sends the rest of the same run."""
    inbox.teach()
    inbox.put()
    crm.sandbox.faults.restart(FaultPlan(at={2: InjectedFault.UNAUTHORIZED}))
    stopped = inbox.watch("--done", inbox.done, "--concurrency", "1")
    assert stopped.code == 3
    assert list(inbox.folder.iterdir())
    crm.sandbox.faults.restart(FaultPlan())
    ended = inbox.watch("--done", inbox.done)
    assert ended.code == 0, ended.err
    assert ended.folder is None
    assert leads(crm).keys() == {ASHA, RAVI, MEENA}
    assert not list(inbox.folder.iterdir())


def test_run_that_a_person_stopped_in_the_page_waits_for_that_person(inbox, crm):
    """The watcher names the command, sends nothing, and does not move the file; continued, it is done."""
    inbox.teach()
    sheet = inbox.put()
    crm.sandbox.faults.restart(FaultPlan(at={2: InjectedFault.UNAUTHORIZED}))
    stopped = inbox.importer("run", sheet, "--yes", "--concurrency", "1")
    crm.sandbox.faults.restart(FaultPlan())
    with Journal.open(stopped.folder) as journal:
        journal.run.write_end(msgspec.structs.replace(journal.run.end, is_held=True))
    before = leads(crm)
    waiting = inbox.watch("--done", inbox.done)
    assert (waiting.code, leads(crm)) == (1, before)
    assert f"importer resume {stopped.folder.name}" in waiting.err
    assert inbox.importer("resume", stopped.folder.name).code == 0
    assert leads(crm).keys() == {ASHA, RAVI, MEENA}
    assert inbox.watch("--done", inbox.done).code == 0
    assert not list(inbox.folder.iterdir())


@pytest.mark.parametrize("lock", [lock_account, lock_watching], ids=["a run", "a watcher"])
def test_account_that_is_in_use_is_said_and_tried_again(inbox, crm, state_dir, lock):
    """Exit 4 for cron, no run is left behind, and nothing is lost."""
    inbox.teach()
    inbox.put()
    (account,) = [path.parent for path in state_dir.glob("*/account.json")]
    with lock(account, LockHolder(run_id="other", file="other.csv")):
        ended = inbox.watch()
    assert (ended.code, "other.csv" in ended.err) == (4, True)
    assert len(list(inbox.importer.reports.glob("2*"))) == 1
    assert inbox.watch().code == 0


def test_plan_only_sends_nothing_and_plans_once(inbox, crm):
    """The line has the command that sends the plan; after that the content is known."""
    inbox.teach()
    inbox.put()
    posts = count_posts(crm)
    ended = inbox.watch("--plan-only", "--done", inbox.done)
    assert (ended.code, count_posts(crm)) == (0, posts)
    assert f"importer apply {ended.folder.name}" in ended.out
    assert list(inbox.folder.iterdir())
    assert inbox.watch("--plan-only").folder is None
    assert inbox.importer("apply", ended.folder.name, "--yes").code == 0
    posts = count_posts(crm)
    assert (inbox.watch("--done", inbox.done).code, count_posts(crm)) == (0, posts)


# limit -> what is in the sheet beside a new lead
LIMITS = {
    ("--stop-if-invalid", "20%"): ("123", "Bad phone", "", ""),
    ("--stop-if-updates", "0"): (MEENA, "Meena", "Won", ""),
    ("--stop-if-conflicts", "0", "--no-create"): (MEENA, "Meena", "Won", ""),
}


@pytest.mark.parametrize(("options", "row"), LIMITS.items(), ids=[options[0] for options in LIMITS])
def test_sheet_beyond_a_limit_is_held_back_until_a_person_sends_it(inbox, crm, options, row):
    """Each look says why and how to send it, without a new run. The report says it, too."""
    inbox.teach()
    inbox.put(rows=[ROWS[0], row])
    posts = count_posts(crm)
    ended = inbox.watch(*options)
    assert (ended.code, count_posts(crm)) == (1, posts)
    assert options[0] in ended.err
    command = f"importer apply {ended.folder.name}"
    assert command in ended.err
    assert options[0] in ended.summary["reason"]
    again = inbox.watch(*options)
    assert (again.code, again.folder, command in again.err) == (1, None, True)
    inbox.importer("apply", ended.folder.name, "--yes")
    assert count_posts(crm) > posts
    assert inbox.watch(*options).code == 0


def test_sheet_within_the_limits_is_sent_as_planned(inbox, crm):
    """One run: the plan and its application."""
    inbox.teach()
    inbox.put()
    ended = inbox.watch("--stop-if-updates", "5", "--stop-if-conflicts", "0", "--stop-if-invalid", "50%")
    assert ended.code == 0, ended.err
    assert ended.summary["plan"]["create"] == 2
    assert leads(crm).keys() == {ASHA, RAVI, MEENA}


def test_files_that_are_no_new_sheets_are_passed_over(inbox, crm):
    """Open workbooks, downloads, our own reports under any name; a broken file is named and stops no other."""
    inbox.teach()
    sent = inbox.importer(
        "run", write_csv(inbox.importer.folder / "bad.csv", [HEADER, ("1", "X", "", "")]), "--yes"
    )
    shutil.copy(sent.folder / "failed_rows.csv", inbox.folder / "failed_rows.csv")
    shutil.copy(sent.folder / "failed_rows.csv", inbox.folder / "to fix.csv")
    (inbox.folder / "~$leads.xlsx").write_bytes(b"x")
    (inbox.folder / "broken.xlsx").write_bytes(b"PK\3\4 no workbook")
    inbox.put()
    ended = inbox.watch("--done", inbox.done)
    assert ended.code == 1
    assert "broken.xlsx: " in ended.err
    assert "to fix.csv: Not sent, because it is a report of importer." in ended.out
    assert ASHA in leads(crm)
    assert [path.name for path in inbox.done.iterdir()] == ["leads.csv"]


def test_file_in_the_way_is_not_replaced(inbox):
    """The done folder keeps every sheet that was sent."""
    inbox.teach()
    inbox.done.mkdir()
    (inbox.done / "leads.csv").write_text("yesterday")
    inbox.put()
    assert inbox.watch("--done", inbox.done).code == 0
    assert (inbox.done / "leads.csv").read_text() == "yesterday"
    assert (inbox.done / "leads (2).csv").exists()


def test_what_was_said_is_not_said_at_each_look(inbox):
    """A file that waits for a person has one line, however often the folder is looked at."""
    inbox.put()
    ended = inbox.keep_watching(looks=[lambda: None] * 4)
    assert ended.code == 0
    assert ended.err.count("leads.csv:") == 1
    assert "Stopped watching" in ended.err


def test_quiet_says_only_what_needs_a_person(inbox):
    """Cron sends a mail for each line."""
    inbox.teach()
    inbox.put()
    assert inbox.watch("--quiet").out == ""
    inbox.put(rows=[("1", "X", "", "")])
    ended = inbox.watch("--quiet")
    assert (ended.code, ended.out, "leads.csv: " in ended.err) == (1, "", True)


def test_settings_for_single_sheets_do_not_cut_a_file(inbox, crm):
    """A limit in importer.toml was for a first try: the file would count as imported."""
    inbox.teach()
    settings = 'limit = 1\nrun_id = "mine"\nlook_up = "none"\n'
    (inbox.importer.folder / "importer.toml").write_text(settings)
    inbox.put()
    assert inbox.watch("--stop-if-conflicts", "0").code == 0
    assert leads(crm).keys() == {ASHA, RAVI, MEENA}


WRONG = {
    "neither": [],
    "both": ["--once", "--every", "5"],
    "percent": ["--once", "--stop-if-invalid", "20"],
    "done": ["--once", "--done", "{inbox}"],
    "policy": ["--once", "--policy", "city=never"],
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG.keys())
def test_wrong_options_end_before_anything_is_looked_at(inbox, options):
    """Exit 2, with what to do."""
    inbox.put()
    given = [option.format(inbox=inbox.folder) for option in options]
    assert inbox.importer("watch", inbox.folder, *given).code == 2
    assert inbox.importer("watch", inbox.importer.folder / "nowhere", "--once").code == 2


def test_folder_of_a_run_is_refused(inbox):
    """Its files are reports."""
    inbox.teach()
    (run,) = inbox.importer.reports.glob("2*")
    with Journal.open(run):
        pass
    assert inbox.importer("watch", run, "--once").code == 2
