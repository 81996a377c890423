"""The journal: every row has one status at every moment, and a note's doubt sticks."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import DamagedJournalError, DiskWriteError, JournalReadError, NothingSentError
from importer.issues import Issue
from importer.journal import database
from importer.journal.database import is_abandoned, translate_read_errors
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, RunMetadata, SecondMetrics, SendTotals, peek_metadata
from importer.journal.staging import to_staged_row
from importer.models.delivery import NOTE_BREAK, DeliveryResult
from importer.models.mapping import Mapping
from importer.models.row import Accepted, NewVerdict, Rejected, SourceRow
from importer.models.status import NoteState, RowStatus, RunState, StagedVerdict
from importer.report.results_csv import format_clean_lines, format_report_line, to_report_cells
from importer.state.note_ledger import NoteLedger

URL = "http://127.0.0.1:1/superfone"


def header(run_id="run-1", account="a" * 16, base_url=URL):
    return RunMetadata(
        run_id=run_id,
        command="run",
        file="leads.csv",
        sha256="0" * 64,
        started_at="2026-11-24T10:00:00+05:30",
        account=account,
        base_url=base_url,
        headers=("Phone", "Note"),
        mapping=Mapping(columns=()),
    )


def phone(number):
    return f"+9198000{number:05d}"


def accepted(number, note=None, **payload):
    body = {"customer_phone": phone(number), **payload}
    if note is not None:
        body["customer_note"] = note
    return to_staged_row(Accepted(SourceRow(number, (phone(number), note or "")), phone(number), body))


def rejected(number):
    issue = Issue("customer_phone", "missing", "Phone")
    return to_staged_row(Rejected(SourceRow(number, ("", "")), "", (issue,)))


def result(number, status=RowStatus.ACCEPTED, note=NoteState.NONE, http_status=200):
    return DeliveryResult(number=number, status=status, attempts=1, http_status=http_status, note=note)


def leaving(journal, most=1):
    """The next rows, their intents on disk, as they may leave."""
    return journal.record(intents=journal.pending(0, most))


def new(tmp_path, run_id="run-1", rows=(), *, account="a" * 16, base_url=URL):
    journal = Journal.create(tmp_path / run_id, header(run_id, account, base_url))
    journal.stage(rows)
    journal.begin_sending()
    return journal


def statuses(journal):
    return {outcome.number: outcome.status for outcome in journal.read_report_rows()}


def test_a_row_has_its_status_at_every_moment(tmp_path):
    """Pending, then unknown once it was about to leave, then what the CRM made of it."""
    journal = new(tmp_path, rows=[accepted(2), rejected(3), accepted(5)])
    assert statuses(journal) == {2: RowStatus.PENDING, 3: RowStatus.INVALID, 5: RowStatus.PENDING}
    row = journal.pending(0, 1)[0]
    journal.record(intents=[row])
    assert statuses(journal)[2] is RowStatus.UNKNOWN
    journal.record(results=[result(2)])
    assert statuses(journal) == {2: RowStatus.ACCEPTED, 3: RowStatus.INVALID, 5: RowStatus.PENDING}
    assert journal.counts()[RowStatus.PENDING] == 1
    assert sum(journal.counts().values()) == journal.rows == 3


def test_after_a_check_a_row_that_could_go_in_is_accepted(tmp_path):
    """`accepted` after `check` means: it would be sent."""
    journal = Journal.create(tmp_path / "c", header("c"))
    journal.stage([accepted(2), rejected(3)])
    journal.end(RunEnd(state=RunState.CHECKED))
    assert statuses(journal) == {2: RowStatus.ACCEPTED, 3: RowStatus.INVALID}


def test_pending_rows_come_in_file_order_without_their_note(tmp_path):
    """What is left to send: not the rejected, not the settled; the note apart, all phones named."""
    journal = new(
        tmp_path,
        rows=[accepted(2), accepted(4, "hi", add_phones=["+918022355342"]), rejected(6), accepted(9)],
    )
    journal.record(results=[result(2)])
    first, second = journal.pending(0, 10)
    assert (first.number, second.number) == (4, 9)
    assert first.phones == (phone(4), "+918022355342")
    assert (first.notes, first.note_state) == (("hi",), NoteState.NOT_SENT)
    assert "customer_note" not in first.payload
    assert journal.pending(4, 10) == [second]
    assert journal.pending(0, 1) == [first]


def test_a_note_on_its_way_when_the_tool_died_is_in_doubt_for_ever(tmp_path):
    """Law 2: an intent without a result means the note may be there; the row goes on without it."""
    journal = new(tmp_path, rows=[accepted(2, "hi")])
    journal.record(intents=journal.pending(0, 1))
    journal.close()
    with Journal.open(tmp_path / "run-1") as again:
        again.begin_sending()
        row = again.pending(0, 1)[0]
        assert row.note_state is NoteState.UNKNOWN
        assert next(again.read_report_rows()).note is NoteState.UNKNOWN
        again.record(intents=[row])
        assert again.pending(0, 1)[0].note_state is NoteState.UNKNOWN
        assert next(again.read_report_rows()).note is NoteState.UNKNOWN


def test_a_note_that_did_not_leave_may_travel_again(tmp_path):
    """A row that was ready when the run stopped gives its intent back, and its note is free."""
    journal = new(tmp_path, rows=[accepted(2, "hi")])
    (row,) = leaving(journal)
    journal.record(withdrawn=[row])
    assert statuses(journal)[2] is RowStatus.PENDING
    assert leaving(journal)[0].note == "hi"


def test_giving_an_intent_back_does_not_end_an_earlier_doubt(tmp_path):
    """Killed on the way, then stopped before it left again: it may still have gone in the first time."""
    leaving(new(tmp_path, rows=[accepted(2, "hi")]))
    with Journal.open(tmp_path / "run-1") as again:
        again.begin_sending()
        (row,) = leaving(again)
        assert row.may_have_arrived
        again.record(withdrawn=[row])
        assert statuses(again)[2] is RowStatus.UNKNOWN
        assert again.pending(0, 1)[0].note_state is NoteState.UNKNOWN


@pytest.mark.parametrize(
    ("note", "later"),
    [
        (NoteState.SENT, NoteState.SENT),
        (NoteState.UNKNOWN, NoteState.UNKNOWN),
        (NoteState.NOT_SENT, NoteState.NOT_SENT),
    ],
)
def test_what_one_run_knows_of_a_note_the_next_knows_too(tmp_path, note, later):
    """The same note on the same lead, in another run of the same folder: sent at most once."""
    first = new(tmp_path, rows=[accepted(2, "hi")])
    leaving(first)
    first.record(results=[result(2, note=note)])
    first.close()
    (row,) = leaving(new(tmp_path, "run-2", [accepted(2, "hi")]))
    assert row.note_state is later
    assert row.note == ("hi" if later is NoteState.NOT_SENT else None)
    assert row.note_run_id == ("" if later is NoteState.NOT_SENT else "run-1")


def test_only_the_same_words_on_the_same_lead_of_the_same_crm_count_as_sent(tmp_path):
    """A note edited by one character, the same note on another lead, another CRM: all are other matters."""
    leaving(new(tmp_path, rows=[accepted(2, "hi")]))
    others = {
        "other-words": [accepted(2, "hi!")],
        "other-lead": [accepted(3, "hi")],
    }
    for run_id, rows in others.items():
        assert leaving(new(tmp_path, run_id, rows))[0].note is not None
    elsewhere = new(tmp_path, "elsewhere", [accepted(2, "hi")], base_url="http://127.0.0.1:2/superfone")
    assert leaving(elsewhere)[0].note == "hi"


def test_another_key_may_be_another_account_or_not_so_the_note_does_not_travel_and_is_unsure(tmp_path):
    """After a key was changed its account is the same: a note must not go a second time."""
    first = new(tmp_path, rows=[accepted(2, "hi")])
    leaving(first)
    first.record(results=[result(2, note=NoteState.SENT)])
    (row,) = leaving(new(tmp_path, "run-2", [accepted(2, "hi")], account="b" * 16))
    assert (row.note, row.note_state, row.is_other_key) == (None, NoteState.UNKNOWN, True)


def test_two_runs_that_read_before_either_sent_do_not_both_send(tmp_path):
    """The claim is made in the commit of the intent: who comes second sees it."""
    one = new(tmp_path, "run-1", [accepted(2, "hi")])
    two = new(tmp_path, "run-2", [accepted(2, "hi")])
    rows = [one.pending(0, 1), two.pending(0, 1)]
    assert one.record(intents=rows[0])[0].note == "hi"
    assert two.record(intents=rows[1])[0].note is None


def test_two_rows_of_one_run_with_one_lead_and_one_note_send_it_once(tmp_path):
    """As where rows of one phone cannot be merged, because one adds labels and the other removes some."""
    twin = accepted(2, "hi")._replace(number=7)
    journal = new(tmp_path, rows=[accepted(2, "hi"), twin])
    first, second = journal.pending(0, 2)
    assert journal.record(intents=[first])[0].note == "hi"
    journal.record(results=[result(2, note=NoteState.SENT)])
    assert journal.record(intents=[second])[0].note_state is NoteState.SENT


def test_of_merged_notes_only_those_travel_that_were_not_sent_before(tmp_path):
    """A sheet that has grown, or was sorted anew, merges other texts; each row's note is known by itself."""
    first = new(tmp_path, rows=[accepted(2, f"one{NOTE_BREAK}two")])
    assert leaving(first)[0].note == "one\ntwo"
    first.record(results=[result(2, note=NoteState.SENT)])
    (sorted_anew,) = leaving(new(tmp_path, "run-2", [accepted(2, f"two{NOTE_BREAK}one")]))
    assert (sorted_anew.note, sorted_anew.note_state) == (None, NoteState.SENT)
    (grown,) = leaving(new(tmp_path, "run-3", [accepted(2, f"one{NOTE_BREAK}two{NOTE_BREAK}three")]))
    assert grown.note == "three"


def test_a_row_with_more_notes_than_one_statement_can_ask_for(tmp_path):
    """SQLite takes 32,766 variables in a statement; a merged row may have more notes than that."""
    notes = NOTE_BREAK.join(f"n{n}" for n in range(33_000))
    first = new(tmp_path, rows=[accepted(2, notes)])
    leaving(first)
    first.record(results=[result(2, note=NoteState.SENT)])
    second = new(tmp_path, "run-2", [accepted(2, f"{notes}{NOTE_BREAK}new")])
    second.file.sql.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # some systems build it with more
    (grown,) = leaving(second)
    assert grown.note == "new"


def test_a_lost_ledger_is_made_again_from_the_runs_that_are_there(tmp_path):
    """Sent notes, doubtful ones, and those under way when the machine died."""
    first = new(tmp_path, rows=[accepted(n, f"note {n}") for n in (2, 3, 4, 5)])
    leaving(first, 4)
    first.record(results=[result(2, note=NoteState.SENT), result(3, note=NoteState.UNKNOWN)])
    first.record(results=[result(4, RowStatus.REFUSED, NoteState.NOT_SENT, 400)])
    first.close()
    for path in tmp_path.glob("notes.sqlite*"):
        path.unlink()
    second = new(tmp_path, "run-2", [accepted(n, f"note {n}") for n in (2, 3, 4, 5)])
    assert [row.note_state for row in leaving(second, 4)] == [
        NoteState.SENT, NoteState.UNKNOWN, NoteState.NOT_SENT, NoteState.UNKNOWN,
    ]  # fmt: skip


def test_a_resume_without_its_ledger_still_knows_what_was_on_its_way(tmp_path):
    """The journal's own intents hold the doubt too."""
    leaving(new(tmp_path, rows=[accepted(2, "hi")]))
    for path in tmp_path.glob("notes.sqlite*"):
        path.unlink()
    with Journal.open(tmp_path / "run-1") as again:
        again.begin_sending()
        assert leaving(again)[0].note is None


def test_a_ledger_that_was_half_made_again_is_learnt_to_its_end(tmp_path, monkeypatch):
    """The process died between the first run of the folder and the second: what is there is not all."""
    for run, number in (("run-1", 2), ("run-2", 3)):
        first = new(tmp_path, run, [accepted(number, "hi")])
        leaving(first)
        first.record(results=[result(number, note=NoteState.SENT)])
        first.close()
    for path in tmp_path.glob("notes.sqlite*"):
        path.unlink()
    learn, learnt = NoteLedger.learn, []

    def dying(self, *what):
        if learnt:
            raise KeyboardInterrupt
        learnt.append(what)
        learn(self, *what)

    monkeypatch.setattr(NoteLedger, "learn", dying)
    with pytest.raises(KeyboardInterrupt):
        new(tmp_path, "run-3", [accepted(2, "hi"), accepted(3, "hi")])
    monkeypatch.undo()
    again = new(tmp_path, "run-4", [accepted(2, "hi"), accepted(3, "hi")])
    assert [row.note_state for row in leaving(again, 2)] == [NoteState.SENT, NoteState.SENT]


@pytest.mark.parametrize("harm", ["page", "payload"])
def test_a_run_whose_notes_cannot_be_learnt_is_named(tmp_path, harm):
    """Its notes could travel again: nobody is left to find that out by themselves."""
    first = new(tmp_path, rows=[accepted(2, "hi")])
    leaving(first)
    if harm == "payload":
        first.file.sql.execute("UPDATE rows SET payload = '{'")
    first.close()
    for path in tmp_path.glob("notes.sqlite*"):
        path.unlink()
    if harm == "page":
        damage_middle(tmp_path / "run-1" / "journal.sqlite")
    second = new(tmp_path, "run-2", [accepted(2, "hi")])
    (notice,) = second.metadata.notices
    assert "which notes run run-1 sent, so they could be sent again" in notice.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_BUSY, "cannot be read"),
        (sqlite3.SQLITE_IOERR_READ, "cannot be read"),
        (sqlite3.SQLITE_READONLY, "cannot be read"),
        (sqlite3.SQLITE_ERROR, "is damaged"),
        (sqlite3.SQLITE_CORRUPT, "is damaged"),
    ],
)
@pytest.mark.parametrize(("is_sending", "kind"), [(False, DamagedJournalError), (True, JournalReadError)])
def test_what_stands_before_a_journal_is_told_from_damage(tmp_path, code, words, is_sending, kind):
    """And while rows are sent nothing is called "nothing was sent": that is a run that stopped, exit 3."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    with pytest.raises(kind, match=words) as raised, translate_read_errors(tmp_path, is_sending=is_sending):
        raise error
    assert raised.value.advice
    assert raised.value.exit_code == (3 if is_sending else 2)


@pytest.mark.parametrize("is_sending", [False, True])
def test_a_ledger_that_a_halted_run_keeps_locked_is_no_want_of_room(tmp_path, is_sending):
    """Ctrl-Z in mid-commit: the run beside it must not be told to make room on the disk."""
    halted = new(tmp_path, rows=[accepted(2)])
    other = Journal.create(tmp_path / "run-2", header("run-2"))
    other.stage([accepted(3)])
    other.staging.complete()
    if is_sending:
        other.begin_sending()
    other.file.sql.execute("PRAGMA busy_timeout = 0")
    halted.file.sql.execute("BEGIN IMMEDIATE")
    with pytest.raises(DiskWriteError, match="is locked") as raised:
        leaving(other) if is_sending else other.begin_sending()
    assert "paused by Ctrl-Z" in raised.value.advice


@pytest.mark.parametrize("harm", ["DELETE FROM meta", "UPDATE meta SET value = '{'"])
def test_a_journal_that_cannot_be_opened_is_let_go_of(tmp_path, monkeypatch, harm):
    """Windows removes no file that is open: a damaged run could not be purged by the process that looked at it."""
    journal = new(tmp_path, rows=[accepted(2)])
    journal.file.sql.execute(harm)
    journal.close()
    made = []
    connect = database.connect
    monkeypatch.setattr(database, "connect", lambda path: made.append(connect(path)) or made[-1])
    with pytest.raises(DamagedJournalError):
        Journal.open(tmp_path / "run-1")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


def test_a_read_that_fails_in_mid_sending_stops_the_run(tmp_path):
    journal = new(tmp_path, rows=[accepted(2, "hi"), accepted(3)])
    journal.file.sql.execute("UPDATE rows SET payload = '{' WHERE number = 3")
    with pytest.raises(JournalReadError):
        journal.pending(-1, 10)


@pytest.mark.parametrize("harm", ["text", "damage", "newer"])
def test_a_ledger_that_cannot_be_trusted_is_refused_with_words(tmp_path, harm):
    """What it knows must not be guessed: nothing is sent, and the sentence says what to do."""
    new(tmp_path, rows=[accepted(2, "hi")]).close()
    path = tmp_path / "notes.sqlite"
    match harm:
        case "text":
            path.write_bytes(b"no database at all" * 300)
        case "damage":
            damage_middle(path)
        case "newer":
            make_newer(path)
    with pytest.raises(NothingSentError, match="list of notes already sent") as raised:
        new(tmp_path, "run-2", [accepted(2, "hi")])
    assert "Move it out of the folder" in raised.value.advice


def test_a_refused_row_does_not_free_what_an_earlier_run_sent(tmp_path):
    """A later run may only take back its own claims."""
    first = new(tmp_path, rows=[accepted(2, "hi")])
    first.record(intents=first.pending(0, 1))
    first.record(results=[result(2, note=NoteState.SENT)])
    second = new(tmp_path, "run-2", [accepted(2, "hi")])
    second.record(results=[result(2, RowStatus.REFUSED, NoteState.NOT_SENT, 400)])
    third = new(tmp_path, "run-3", [accepted(2, "hi")])
    assert leaving(third)[0].note_state is NoteState.SENT


def test_a_run_frees_no_note_that_another_may_have_sent(tmp_path):
    """Whatever it believes of its own rows: the doubt is the other's to end."""
    leaving(new(tmp_path, rows=[accepted(2, "hi")]))
    second = new(tmp_path, "run-2", [accepted(2, "hi")])
    with second.file.commit():
        second.delivery.notes.release([(phone(2), "hi")])
    (row,) = leaving(second)
    assert (row.note, row.note_state) == (None, NoteState.UNKNOWN)


def test_the_ledger_of_notes_tells_nothing_of_people(tmp_path):
    """It outlives `importer purge`, so it must hold neither phone nor note."""
    journal = new(tmp_path, rows=[accepted(2, "a very private remark")])
    journal.record(intents=journal.pending(0, 1))
    journal.close()
    written = b"".join(path.read_bytes() for path in tmp_path.glob("notes.sqlite*"))
    assert len(written) > 0
    assert b"private" not in written
    assert phone(2)[1:].encode() not in written


def test_a_duplicate_goes_again_with_the_row_it_was_folded_into(tmp_path):
    """Else its values would be lost when only the kept row is mended and fed again."""
    journal = new(tmp_path, rows=[accepted(2), accepted(3)])
    issue = Issue("row", "folded", "Phone", "its values went into that row", "2")
    journal.staging.update_verdicts([NewVerdict(3, StagedVerdict.DUPLICATE, None, (issue,), 2)])
    assert [o.is_retryable for o in journal.read_report_rows()] == [True, True]
    journal.record(results=[result(2)])
    assert [o.is_retryable for o in journal.read_report_rows()] == [False, False]


def test_a_duplicate_shares_the_doubt_of_the_row_it_was_folded_into(tmp_path):
    """What was on its way when the run was killed may be in the CRM, and with it what was folded into it."""
    journal = new(tmp_path, rows=[accepted(2), accepted(3)])
    journal.staging.update_verdicts([NewVerdict(3, StagedVerdict.DUPLICATE, None, (), 2)])
    assert [o.effective_status for o in journal.read_report_rows()] == [RowStatus.PENDING] * 2
    leaving(journal)
    assert [o.effective_status for o in journal.read_report_rows()] == [RowStatus.UNKNOWN] * 2


def test_groups_of_one_phone_are_found_over_the_whole_file(tmp_path):
    """However far apart they stand; rejected rows are in no group."""
    rows = [accepted(2), accepted(3), rejected(4)]
    twin = rows[0]._replace(number=90)
    journal = Journal.create(tmp_path / "r", header("r"))
    journal.stage([*rows, twin])
    assert [[row.row.number for row in group] for group in journal.staging.read_phone_groups()] == [[2, 90]]


def test_many_groups_come_in_batches_and_may_be_rejudged_on_the_way(tmp_path, monkeypatch):
    """Memory does not grow with the number of shared phones."""
    monkeypatch.setattr("importer.journal.staging_area._PHONES_PER_QUERY", 3)
    journal = Journal.create(tmp_path / "r", header("r"))
    rows = [accepted(n) for n in range(1, 21)]
    journal.stage([*rows, *(row._replace(number=row.number + 100) for row in rows)])
    groups = []
    for group in journal.staging.read_phone_groups():
        groups.append([row.row.number for row in group])
        journal.staging.update_verdicts(
            [NewVerdict(group[1].row.number, StagedVerdict.DUPLICATE, None, (), group[0].row.number)]
        )
    assert groups == [[n, n + 100] for n in range(1, 21)]


def test_staging_has_a_name_of_its_own_until_it_is_whole(tmp_path):
    """A process killed while it judged leaves nothing that looks like a run."""
    journal = Journal.create(tmp_path / "r", header("r"))
    journal.stage([accepted(2)])
    assert not (tmp_path / "r" / "journal.sqlite").exists()
    assert not is_abandoned(tmp_path / "r" / "staging.sqlite")
    journal.staging.complete()
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["journal.sqlite"]
    journal.stage([accepted(3)])
    assert journal.rows == 2
    killed = Journal.create(tmp_path / "k", header("k"))
    killed.stage([accepted(2)])
    killed.close()
    assert is_abandoned(tmp_path / "k" / "staging.sqlite")


def test_pace_and_traffic_add_up(tmp_path):
    """Two commits of one second are one second; totals are what was written last."""
    journal = new(tmp_path)
    journal.record(pace=[SecondMetrics(0, 5, 1, 0)], send_totals=SendTotals(requests=5, throttled=1))
    journal.record(
        pace=[SecondMetrics(0, 2, 0, 1), SecondMetrics(3, 1, 0, 0)],
        send_totals=SendTotals(requests=8, throttled=1, retries=1),
    )
    assert journal.read_second_metrics() == [SecondMetrics(0, 7, 1, 1), SecondMetrics(3, 1, 0, 0)]
    assert journal.send_totals == SendTotals(requests=8, throttled=1, retries=1)


def test_a_result_is_never_written_twice(tmp_path):
    """A row has one fate: a second result is a fault of ours that must not pass unseen."""
    journal = new(tmp_path, rows=[accepted(2)])
    journal.record(results=[result(2)])
    with pytest.raises(sqlite3.IntegrityError):
        journal.record(results=[result(2, RowStatus.REFUSED)])


def test_a_commit_is_all_or_nothing(tmp_path):
    """What fails half-way leaves the journal as it was."""
    journal = new(tmp_path, rows=[accepted(2), accepted(3)])
    journal.record(results=[result(2)])
    with pytest.raises(sqlite3.IntegrityError):
        journal.record(results=[result(3), result(2)])
    assert statuses(journal) == {2: RowStatus.ACCEPTED, 3: RowStatus.PENDING}


def test_results_survive_power_loss(tmp_path):
    """WAL with synchronous=FULL from the first write on."""
    journal = new(tmp_path)
    assert journal.file.sql.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal.file.sql.execute("PRAGMA synchronous").fetchone() == (2,)
    assert journal.file.sql.execute("PRAGMA ledger.synchronous").fetchone() == (2,)


def test_what_was_staged_is_on_the_disk_before_the_first_intent(tmp_path, monkeypatch):
    """Staging does not wait for the disk, so `begin_sending` must: the WAL alone holds no staged row."""
    synced = []
    monkeypatch.setattr("importer.journal.database.os.fsync", synced.append)
    journal = Journal.create(tmp_path / "r", header("r"))
    journal.stage([accepted(2)])
    assert synced == []
    journal.begin_sending()
    assert len(synced) == 2  # the file, and its name in the folder


def damage_middle(path):
    body = bytearray(path.read_bytes())
    body[100:4000] = b"\xff" * 3900
    path.write_bytes(body)


def make_newer(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


def make_foreign(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_middle, "is damaged"),
        (lambda path: path.write_bytes(b"not a database at all, only text" * 40), "is damaged"),
        (lambda path: path.write_bytes(b""), "is not a journal"),
        (make_newer, "newer importer"),
        (make_foreign, "is not a journal"),
    ],
)
def test_a_journal_that_cannot_be_trusted_is_refused_with_words(tmp_path, harm, words):
    """Damaged, foreign or from a newer version: said, and nothing is sent from it."""
    journal = Journal.create(tmp_path / "r", header("r"))
    journal.stage([accepted(2)])
    journal.staging.complete()
    journal.close()
    harm(tmp_path / "r" / "journal.sqlite")
    with pytest.raises(DamagedJournalError, match=words) as raised:
        Journal.open(tmp_path / "r")
    assert raised.value.advice


def test_a_full_disk_is_one_sentence(tmp_path):
    """SQLite's own 'database or disk is full' becomes DiskWriteError with what to do; nothing known is lost."""
    journal = new(tmp_path, rows=[accepted(2), accepted(3)])
    journal.record(results=[result(2)])
    (pages,) = journal.file.sql.execute("PRAGMA page_count").fetchone()
    journal.file.sql.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskWriteError, match="full"):
        for second in range(10_000):
            journal.record(pace=[SecondMetrics(second, 1, 0, 0)])
    assert statuses(journal)[2] is RowStatus.ACCEPTED


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_counts_add_up_in_every_state(tmp_path_factory, data):
    """Law 1: whatever happened to whichever rows, each has one status and the sum is the file's rows."""
    folder = tmp_path_factory.mktemp("journal")
    numbers = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=12, unique=True))
    bad = data.draw(st.sets(st.sampled_from(numbers)))
    journal = new(
        folder, rows=[rejected(n) if n in bad else accepted(n, "n" if n % 3 == 0 else None) for n in numbers]
    )
    left = journal.pending(0, 100)
    about = data.draw(st.lists(st.sampled_from(left), unique_by=lambda row: row.number)) if left else []
    ended = data.draw(st.lists(st.sampled_from(about), unique_by=lambda row: row.number)) if about else []
    journal.record(intents=about)
    status = st.sampled_from([RowStatus.ACCEPTED, RowStatus.REFUSED, RowStatus.FAILED, RowStatus.UNKNOWN])
    journal.record(results=[result(row.number, data.draw(status)) for row in ended])
    counts = journal.counts()
    assert sum(counts.values()) == len(numbers) == len(list(journal.read_report_rows()))
    assert counts[RowStatus.INVALID] == len(bad)
    assert counts[RowStatus.PENDING] == len(left) - len(about)
    journal.close()


_CELLS = st.text(st.characters(codec="utf-8"), max_size=6)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), checked=st.booleans(), page_rows=st.integers(1, 4))
def test_pages_tell_of_each_row_what_it_tells_itself(tmp_path_factory, data, checked, page_rows):
    """The lines that SQLite puts together are those that a row's own clothes give, in every state, in order."""
    numbers = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=12, unique=True))
    journal = Journal.create(tmp_path_factory.mktemp("journal") / "run-1", header())
    for n in numbers:
        row = SourceRow(n, data.draw(st.tuples(_CELLS, _CELLS)))
        note = data.draw(st.sampled_from([{}, {"customer_note": 'a "note"'}, {"city": '"customer_note":'}]))
        said = data.draw(st.sampled_from([(), (Issue("city", "left_out_unknown", "City", "x"),)]))
        good = Accepted(row, phone(n), {"customer_phone": phone(n), **note}, said)
        journal.stage(
            [
                to_staged_row(
                    good if data.draw(st.booleans()) else Rejected(row, "", said or (Issue("row", "nul"),))
                )
            ]
        )
    if checked:
        journal.end(RunEnd(state=RunState.CHECKED))
    else:
        journal.begin_sending()
        for row in leaving(journal, most=data.draw(st.integers(0, 12))):
            ended = data.draw(
                st.sampled_from([None, RowStatus.ACCEPTED, RowStatus.ACCEPTED, RowStatus.REFUSED])
            )
            if ended:
                note = data.draw(st.sampled_from(NoteState))
                journal.record(
                    results=[result(row.number, ended, note, data.draw(st.sampled_from([None, 200])))]
                )
    outcomes = list(journal.read_report_rows())
    with patch("importer.journal.report_query.BLOCK_ROWS", page_rows):
        pages = list(journal.read_report_pages())
    others = [outcome for page in pages for outcome in page.others]
    plain = [o for o in outcomes if o.status is RowStatus.ACCEPTED and not o.issues]
    assert others == [outcome for outcome in outcomes if outcome not in plain]
    assert [body for page in pages for body in page.bodies] == [outcome.body for outcome in plain]
    own = {o.number: format_report_line(o, to_report_cells(o)) for o in outcomes}
    left = iter(others)
    assert [line or own[next(left).number] for page in pages for line in format_clean_lines(page)] == list(
        own.values()
    )
    assert journal.counts() == {status: sum(o.status is status for o in outcomes) for status in RowStatus}
    journal.close()


def test_left_is_what_pending_gives(tmp_path):
    """Counted without reading the rows: refused ones never were left, settled ones are not any more."""
    with new(tmp_path, rows=[accepted(1), rejected(2), accepted(3), accepted(4)]) as journal:
        journal.begin_sending()
        assert journal.left == len(journal.pending(-1, 9)) == 3
        journal.record(intents=leaving(journal, most=2), results=[result(1), result(3, RowStatus.REFUSED)])
        assert journal.left == len(journal.pending(-1, 9)) == 1


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000_000), st.integers(0, 7))
def test_a_flipped_bit_is_words_or_nothing_never_a_traceback(tmp_path_factory, at, bit):
    """Wherever it strikes: the journal is refused, or it is read to its end with one status for each row."""
    folder = tmp_path_factory.mktemp("flip")
    journal = new(folder, rows=[accepted(2, "hi"), accepted(3), rejected(4)])
    leaving(journal, 2)
    journal.record(results=[result(2, note=NoteState.SENT)])
    journal.close()
    path = folder / "run-1" / "journal.sqlite"
    body = bytearray(path.read_bytes())
    body[at % len(body)] ^= 1 << bit
    path.write_bytes(body)
    with suppress(DamagedJournalError), Journal.open(folder / "run-1") as again:
        outcomes = list(again.read_report_rows())
        again.pending(-1, 10)
        assert sum(again.counts().values()) == len(outcomes)
        assert again.left <= 2
        assert again.send_totals.requests >= 0
        assert len(again.read_second_metrics()) <= 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_a_journal_that_was_cut_off_is_refused_with_words(tmp_path, share):
    journal = new(tmp_path, rows=[accepted(n, "a note") for n in range(2, 400)])
    journal.close()
    path = tmp_path / "run-1" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(DamagedJournalError) as raised:
        Journal.open(tmp_path / "run-1")
    assert raised.value.advice


def test_a_glance_reads_what_a_run_says_of_itself_and_makes_no_file(tmp_path):
    """It does not need the rows; what a newer importer means by a header is not guessed."""
    new(tmp_path, rows=[accepted(n, "a note") for n in range(2, 400)]).close()
    path = tmp_path / "run-1" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:-4000] + b"\xff" * 4000)
    with pytest.raises(DamagedJournalError):
        Journal.open(tmp_path / "run-1")
    assert peek_metadata(tmp_path / "run-1") == (header(), RunEnd(state=RunState.RUNNING))
    make_newer(path)
    assert peek_metadata(tmp_path / "run-1") is None
    (tmp_path / "none").mkdir()
    assert peek_metadata(tmp_path / "none") is None
    assert not list((tmp_path / "none").iterdir())


def test_a_glance_waits_for_a_journal_that_is_locked_only_where_it_is_told_to(tmp_path):
    new(tmp_path, rows=[accepted(2)]).close()
    with closing(sqlite3.connect(tmp_path / "run-1" / "journal.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert peek_metadata(tmp_path / "run-1") is None
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(peek_metadata, tmp_path / "run-1", wait_s=60)
            other.execute("COMMIT")
            assert waiting.result() is not None
