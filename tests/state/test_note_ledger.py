"""The ledger of sent notes: no note reaches a lead twice, whatever happens to runs, files and keys."""

import sqlite3

import pytest

from importer.errors import DiskWriteError, NothingSentError
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.delivery import NOTE_BREAK
from importer.models.status import NoteState, RowStatus, RunState
from importer.state.note_ledger import NoteLedger
from tests.journal.records import (
    build_metadata,
    build_result,
    build_valid_row,
    claim_next,
    damage_middle,
    lose_memory,
    make_newer,
    make_phone,
    start_sending,
)
from tests.support import make_account


@pytest.mark.parametrize(
    ("note", "later"),
    [
        (NoteState.SENT, NoteState.SENT),
        (NoteState.UNKNOWN, NoteState.UNKNOWN),
        (NoteState.NOT_SENT, NoteState.NOT_SENT),
    ],
)
def test_next_run_knows_the_notes_of_an_earlier_run(tmp_path, note, later):
    """The same note on the same lead is sent at most once, also by another run of the folder."""
    first = start_sending(tmp_path, rows=[build_valid_row(2, "hi")])
    claim_next(first)
    first.delivery.record(DeliveryBatch(results=[build_result(2, note=note)]))
    first.close()
    (row,) = claim_next(start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")]))
    assert row.note_state is later
    assert row.note == ("hi" if later is NoteState.NOT_SENT else None)
    assert row.note_run_id == ("" if later is NoteState.NOT_SENT else "run-1")


def test_only_the_same_text_on_the_same_lead_of_the_same_crm_counts_as_sent(tmp_path):
    """A note that was edited, or is on another lead or in another CRM, is another note."""
    claim_next(start_sending(tmp_path, rows=[build_valid_row(2, "hi")]))
    others = {
        "other-words": [build_valid_row(2, "hi!")],
        "other-lead": [build_valid_row(3, "hi")],
    }
    for run_id, rows in others.items():
        assert claim_next(start_sending(tmp_path, run_id, rows))[0].note is not None
    elsewhere = start_sending(
        tmp_path, "elsewhere", [build_valid_row(2, "hi")], base_url="http://127.0.0.1:2/superfone"
    )
    assert claim_next(elsewhere)[0].note == "hi"


def test_note_sent_with_another_key_is_withheld_as_unsure(tmp_path):
    """A changed key can belong to the same account, so the note must not be sent a second time."""
    first = start_sending(tmp_path, rows=[build_valid_row(2, "hi")])
    claim_next(first)
    first.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    (row,) = claim_next(start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")], account="b" * 16))
    assert (row.note, row.note_state, row.is_other_key) == (None, NoteState.UNKNOWN, True)


def test_only_the_first_of_two_parallel_runs_sends_a_note(tmp_path):
    """The claim is part of the commit of the intent, so the second run sees it."""
    one = start_sending(tmp_path, "run-1", [build_valid_row(2, "hi")])
    two = start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")])
    rows = [one.delivery.read_pending(0, 1), two.delivery.read_pending(0, 1)]
    assert one.delivery.record(DeliveryBatch(intents=rows[0]))[0].note == "hi"
    assert two.delivery.record(DeliveryBatch(intents=rows[1]))[0].note is None


def test_two_rows_with_the_same_note_on_one_lead_send_it_once(tmp_path):
    """Rows of one phone are not merged if one adds labels and the other removes some."""
    twin = build_valid_row(2, "hi")._replace(number=7)
    journal = start_sending(tmp_path, rows=[build_valid_row(2, "hi"), twin])
    first, second = journal.delivery.read_pending(0, 2)
    assert journal.delivery.record(DeliveryBatch(intents=[first]))[0].note == "hi"
    journal.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    assert journal.delivery.record(DeliveryBatch(intents=[second]))[0].note_state is NoteState.SENT


def test_only_unsent_notes_of_a_merged_row_are_sent(tmp_path):
    """A sheet that has grown or was sorted merges other texts, so each row's note is known by itself."""
    first = start_sending(tmp_path, rows=[build_valid_row(2, f"one{NOTE_BREAK}two")])
    assert claim_next(first)[0].note == "one\ntwo"
    first.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    (sorted_anew,) = claim_next(start_sending(tmp_path, "run-2", [build_valid_row(2, f"two{NOTE_BREAK}one")]))
    assert (sorted_anew.note, sorted_anew.note_state) == (None, NoteState.SENT)
    (grown,) = claim_next(
        start_sending(tmp_path, "run-3", [build_valid_row(2, f"one{NOTE_BREAK}two{NOTE_BREAK}three")])
    )
    assert grown.note == "three"


def test_row_with_more_notes_than_variables_of_a_statement(tmp_path):
    """SQLite takes 32,766 variables in a statement, and a merged row may have more notes than that."""
    notes = NOTE_BREAK.join(f"n{n}" for n in range(33_000))
    first = start_sending(tmp_path, rows=[build_valid_row(2, notes)])
    claim_next(first)
    first.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    second = start_sending(tmp_path, "run-2", [build_valid_row(2, f"{notes}{NOTE_BREAK}new")])
    second.file.sql.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # some systems build it with more
    (grown,) = claim_next(second)
    assert grown.note == "new"


def test_lost_ledger_is_rebuilt_from_the_runs_of_the_folder(tmp_path):
    """The rebuilt ledger has sent notes, doubtful ones, and those under way when the machine died."""
    first = start_sending(tmp_path, rows=[build_valid_row(n, f"note {n}") for n in (2, 3, 4, 5)])
    claim_next(first, 4)
    first.delivery.record(
        DeliveryBatch(results=[build_result(2, note=NoteState.SENT), build_result(3, note=NoteState.UNKNOWN)])
    )
    first.delivery.record(
        DeliveryBatch(results=[build_result(4, RowStatus.REFUSED, NoteState.NOT_SENT, 400)])
    )
    first.close()
    lose_memory(tmp_path)
    second = start_sending(tmp_path, "run-2", [build_valid_row(n, f"note {n}") for n in (2, 3, 4, 5)])
    assert [row.note_state for row in claim_next(second, 4)] == [
        NoteState.SENT, NoteState.UNKNOWN, NoteState.NOT_SENT, NoteState.UNKNOWN,
    ]  # fmt: skip


def test_resume_without_its_ledger_knows_the_notes_under_way(tmp_path):
    """The journal's own intents mark the doubt too."""
    claim_next(start_sending(tmp_path, rows=[build_valid_row(2, "hi")]))
    lose_memory(tmp_path)
    with Journal.open(tmp_path / "run-1") as again:
        again.begin_sending(make_account(tmp_path))
        assert claim_next(again)[0].note is None


def test_half_rebuilt_ledger_is_completed(tmp_path, monkeypatch):
    """If the process dies during the rebuild, the next run does not trust what is there."""
    for run, number in (("run-1", 2), ("run-2", 3)):
        first = start_sending(tmp_path, run, [build_valid_row(number, "hi")])
        claim_next(first)
        first.delivery.record(DeliveryBatch(results=[build_result(number, note=NoteState.SENT)]))
        first.close()
    lose_memory(tmp_path)
    learn, learnt = NoteLedger.learn, []

    def dying(self, *what):
        if learnt:
            raise KeyboardInterrupt
        learnt.append(what)
        learn(self, *what)

    monkeypatch.setattr(NoteLedger, "learn", dying)
    with pytest.raises(KeyboardInterrupt):
        start_sending(tmp_path, "run-3", [build_valid_row(2, "hi"), build_valid_row(3, "hi")])
    monkeypatch.undo()
    again = start_sending(tmp_path, "run-4", [build_valid_row(2, "hi"), build_valid_row(3, "hi")])
    assert [row.note_state for row in claim_next(again, 2)] == [NoteState.SENT, NoteState.SENT]


@pytest.mark.parametrize("harm", ["page", "payload"])
def test_run_with_unreadable_notes_is_named(tmp_path, harm):
    """Its notes could be sent again, so a notice names the run."""
    first = start_sending(tmp_path, rows=[build_valid_row(2, "hi")])
    claim_next(first)
    if harm == "payload":
        first.file.sql.execute("UPDATE rows SET payload = '{'")
    first.close()
    lose_memory(tmp_path)
    if harm == "page":
        damage_middle(tmp_path / "run-1" / "journal.sqlite")
    second = start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")])
    (notice,) = second.metadata.notices
    assert "which notes run run-1 sent, so they could be sent again" in notice.text


@pytest.mark.parametrize("is_sending", [False, True])
def test_locked_ledger_is_not_called_a_full_disk(tmp_path, is_sending):
    """A run paused by Ctrl-Z in mid-commit keeps the lock, and the error says so."""
    paused = start_sending(tmp_path, rows=[build_valid_row(2)])
    other = Journal.create(tmp_path / "run-2", build_metadata("run-2"))
    other.stage([build_valid_row(3)])
    other.staging.complete()
    if is_sending:
        other.begin_sending(make_account(tmp_path))
    other.file.sql.execute("PRAGMA busy_timeout = 0")
    paused.file.sql.execute("BEGIN IMMEDIATE")
    with pytest.raises(DiskWriteError, match="is locked") as raised:
        claim_next(other) if is_sending else other.begin_sending(make_account(tmp_path))
    assert "paused by Ctrl-Z" in raised.value.advice


@pytest.mark.parametrize("harm", ["text", "damage", "newer"])
def test_unusable_ledger_is_refused_with_advice(tmp_path, harm):
    """What the ledger knows is never guessed: nothing is sent, and the error says what to do."""
    start_sending(tmp_path, rows=[build_valid_row(2, "hi")]).close()
    path = make_account(tmp_path).folder / "memory.sqlite"
    match harm:
        case "text":
            path.write_bytes(b"no database at all" * 300)
        case "damage":
            damage_middle(path)
        case "newer":
            make_newer(path)
    with pytest.raises(NothingSentError, match="list of notes already sent") as raised:
        start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")])
    assert "Move it out of the folder" in raised.value.advice


def test_refused_row_keeps_the_claims_of_an_earlier_run(tmp_path):
    """A run may only release its own claims."""
    first = start_sending(tmp_path, rows=[build_valid_row(2, "hi")])
    first.delivery.record(DeliveryBatch(intents=first.delivery.read_pending(0, 1)))
    first.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    second = start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")])
    second.delivery.record(
        DeliveryBatch(results=[build_result(2, RowStatus.REFUSED, NoteState.NOT_SENT, 400)])
    )
    third = start_sending(tmp_path, "run-3", [build_valid_row(2, "hi")])
    assert claim_next(third)[0].note_state is NoteState.SENT


def test_run_cannot_release_a_note_that_another_may_have_sent(tmp_path):
    """Only the run that made a claim can release it."""
    claim_next(start_sending(tmp_path, rows=[build_valid_row(2, "hi")]))
    second = start_sending(tmp_path, "run-2", [build_valid_row(2, "hi")])
    with second.file.commit():
        second.delivery.notes.release([(make_phone(2), "hi")])
    (row,) = claim_next(second)
    assert (row.note, row.note_state) == (None, NoteState.UNKNOWN)


def test_ledger_holds_no_phone_and_no_text(tmp_path):
    """The ledger outlives `importer purge`, so it must hold no personal data."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2, "a very private remark")])
    journal.delivery.record(DeliveryBatch(intents=journal.delivery.read_pending(0, 1)))
    journal.close()
    written = b"".join(path.read_bytes() for path in tmp_path.glob("state/*/memory.sqlite*"))
    assert len(written) > 0
    assert b"private" not in written
    assert make_phone(2)[1:].encode() not in written


def test_resume_with_a_lost_memory_tells_it_what_was_sent(tmp_path):
    """The journal knows its own notes. A run in another folder must know them too."""
    first = start_sending(tmp_path / "desktop", rows=[build_valid_row(n, "hi") for n in (2, 3)])
    claim_next(first, 2)
    first.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    first.close()
    lose_memory(tmp_path / "desktop")
    account = make_account(tmp_path / "desktop")
    with Journal.open(tmp_path / "desktop" / "run-1") as again:
        again.begin_sending(account)
    elsewhere = Journal.create(tmp_path / "downloads" / "run-2", build_metadata("run-2"))
    elsewhere.staging.stage([build_valid_row(n, "hi") for n in (2, 3)])
    elsewhere.begin_sending(account)
    assert [row.note_state for row in claim_next(elsewhere, 2)] == [NoteState.SENT, NoteState.UNKNOWN]


def test_run_that_another_computer_is_sending_is_read_each_time(tmp_path):
    """A run that was killed there says nothing new about itself when it goes on, and is killed again."""
    here, there = make_account(tmp_path / "here"), make_account(tmp_path / "there")
    travelling = Journal.create(tmp_path / "travels", build_metadata("travels"))
    travelling.staging.stage([build_valid_row(n, "hi") for n in (2, 3)])
    travelling.begin_sending(there)
    for number in (2, 3):
        claim_next(travelling)
        travelling.delivery.record(DeliveryBatch(results=[build_result(number, note=NoteState.SENT)]))
        ours = Journal.create(tmp_path / f"run-{number}", build_metadata(f"run-{number}"))
        ours.staging.stage([build_valid_row(number, "hi")])
        ours.begin_sending(here)
        assert claim_next(ours)[0].note_state is NoteState.SENT
        ours.run.write_end(RunEnd(state=RunState.STAGING))  # not read by the next one
