"""The journal while rows are sent: what is left, what is about to leave, and what came back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import json

from importer.journal.checksums import CHECKSUMS, WRONG_CHECKSUM
from importer.journal.database import JournalFile
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SEND_TOTALS_KEY, RunRecord, SendTotals
from importer.journal.staging import decode_payload, decode_steps, encode_issues
from importer.models.delivery import NOTE_BREAK, DeliveryResult, PendingRow
from importer.models.row import Payload, flatten_payload
from importer.models.status import WENT_IN, NoteState, RowStatus, RunKind
from importer.state.account_memory import AccountMemory, RunTrace
from importer.state.disk_errors import translate_write_errors
from importer.state.field_memory import FieldMemory, LeadWrite
from importer.state.note_ledger import KnownNote, Note, NoteLedger, RunIdentity

_PENDING = f"""SELECT number, payload, (SELECT with_note FROM intents WHERE intents.number = rows.number),
    checksum IS {CHECKSUMS["rows"]} FROM rows
    WHERE number > :after AND verdict = 'valid'
      AND NOT EXISTS (SELECT 1 FROM results WHERE results.number = rows.number)
    ORDER BY number LIMIT :rows"""
_KNOWN_NOTES = """SELECT payload, coalesce(result_note, 'unknown') AS note FROM row_progress
    WHERE result_note IN ('sent', 'unknown') OR (result_status IS NULL AND with_note)"""
_SENT = """SELECT rows.number, rows.payload, plans.steps FROM rows LEFT JOIN plans ON plans.number = rows.number
    WHERE rows.number IN (SELECT value FROM json_each(?))"""
_HELD_BACK_PHONES = """SELECT rows.phone FROM results JOIN rows ON rows.number = results.number
    WHERE results.status IN ('conflict', 'failed')"""
_ADD_INTENT = """INSERT OR REPLACE INTO intents (number, with_note, checksum)
    VALUES (?1, ?2, checksum(?1, ?2, NULL, NULL, NULL))"""
_DESCRIBE_INTENT = """UPDATE intents SET attempts = ?1, http_status = ?2, issues = ?3,
    checksum = checksum(number, with_note, ?1, ?2, ?3) WHERE number = ?4"""
_ADD_RESULT = """INSERT INTO results (number, status, attempts, http_status, note, issues, checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, checksum(?1, ?2, ?3, ?4, ?5, ?6))"""
_ADD_METRICS = """INSERT INTO second_metrics (second, requests, throttled, retries, checksum)
    VALUES (?1, ?2, ?3, ?4, checksum(?1, ?2, ?3, ?4))"""


class _SentRow(NamedTuple):
    """A row as it was judged, and the requests of its plan, None without one."""

    payload: Payload
    steps: tuple[Payload, ...] | None


class DeliveryLog:
    """What the sender reads and writes: pending rows, intents, results and totals."""

    def __init__(self, file: JournalFile, run: RunRecord) -> None:
        self._file = file
        self._run = run
        self._memory: AccountMemory | None = None
        self._ledger: NoteLedger | None = None
        self._fields: FieldMemory | None = None

    @property
    def memory(self) -> AccountMemory:
        """What this computer remembers of the account, shared with all runs to it."""
        assert self._memory is not None, "open_memory comes first"
        return self._memory

    @property
    def notes(self) -> NoteLedger:
        """The ledger of notes that were sent to the account."""
        assert self._ledger is not None, "open_memory comes first"
        return self._ledger

    @property
    def fields(self) -> FieldMemory:
        """What was written last to the fields of the account's leads."""
        assert self._fields is not None, "open_memory comes first"
        return self._fields

    def open_memory(self, account: Path) -> None:
        """Make the file durable and attach the memory of the account. Raises DiskWriteError, NothingSentError."""
        with translate_write_errors(self._file.folder):
            self._file.make_durable()
            if self._memory is None:
                metadata = self._run.metadata
                run = RunIdentity(metadata.run_id, metadata.account, metadata.base_url)
                self._memory = AccountMemory(self._file.sql, account)
                self._ledger = NoteLedger(self._memory, run)
                self._fields = FieldMemory(self._memory, metadata.base_url)
        self._file.is_sending = True

    def take_over_ledger(self, path: Path, other_keys: Collection[str]) -> None:
        """Add the ledger of an earlier version to the memory, in one transaction."""
        if path.is_file():
            with self._file.commit():
                self.notes.take_over(path, other_keys)

    def learn_run(self, run: RunTrace, notes: Iterable[tuple[Note, KnownNote]]) -> None:
        """Add a run and the notes that it knows to the memory, in one transaction."""
        with self._file.commit():
            self.notes.learn(notes)
            self.memory.add_run(run)

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next rows to send: valid, without a result, numbers above `after`, in file order."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_PENDING, {"after": after, "rows": limit}).fetchall()
            for number, *_, is_whole in found:
                if not is_whole:
                    raise ValueError(WRONG_CHECKSUM.format(table="rows", key=number))
            return [to_pending_row(*row[:-1]) for row in found]

    def count_pending(self) -> int:
        """Return the number of rows still to be sent."""
        # Only valid rows get results. The join would give the same number, but would read every row of a long file.
        with self._file.translate_read_errors():
            (valid,) = self._file.sql.execute("SELECT count(*) FROM rows WHERE verdict = 'valid'").fetchone()
            (settled,) = self._file.sql.execute("SELECT count(*) FROM results").fetchone()
        return int(valid) - int(settled)

    def drop_known_notes(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads without notes that were sent before: they would not be sent again."""
        return drop_known_notes(self.notes, payloads)

    def remember_policies(self, policies: str) -> None:
        """Remember what the run does with fields that have a value in the CRM (`Policies.describe`)."""
        with self._file.commit():
            self.fields.set_policies(self._run.metadata.run_id, policies)

    def unsettle_held_back(self) -> None:
        """Remember the leads of rows that a plan holds back: their rows did not go in."""
        with self._file.commit():
            found = self._file.sql.execute(_HELD_BACK_PHONES).fetchall()
            self._unsettle(phone for (phone,) in found)

    def read_send_totals(self) -> SendTotals:
        """Return the totals of the sending so far."""
        with self._file.translate_read_errors():
            return self._file.read_part(SEND_TOTALS_KEY, SendTotals) or SendTotals()

    def read_known_notes(self) -> Iterator[tuple[Note, KnownNote]]:
        """Yield the notes that this run has sent, or may have sent."""
        metadata = self._run.metadata
        with self._file.translate_read_errors():
            for payload, state in self._file.sql.execute(_KNOWN_NOTES):
                row = to_pending_row(0, payload)
                known = KnownNote(metadata.run_id, metadata.account, NoteState(state))
                for note in row.notes:
                    yield (row.phones[0], note), known

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write what is about to leave and what has come back, in one durable commit. Raises DiskWriteError.

        Return the rows of `batch.intents` as they may be sent: without notes that others have sent.
        """
        with self._file.commit():
            claimed = self.add_intents(batch.intents)
            self._add_results(batch.results)
            self._withdraw(batch.withdrawn)
            self._file.sql.executemany(_DESCRIBE_INTENT, map(_to_open_values, batch.open_results))
            self._file.sql.executemany(_ADD_METRICS, map(msgspec.structs.astuple, batch.metrics))
            if batch.send_totals is not None:
                self._file.write_part(SEND_TOTALS_KEY, batch.send_totals)
        self._file.checkpoint_if_large()
        return claimed

    def add_intents(self, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """Write within a commit what is about to leave. Return the rows as they may be sent."""
        claimed = self.notes.claim(rows) if rows else []
        self._unsettle(row.phones[0] for row in rows)
        self._file.sql.executemany(_ADD_INTENT, [(row.number, _may_note_arrive(row)) for row in claimed])
        return claimed

    def _add_results(self, results: Sequence[DeliveryResult]) -> None:
        self._file.sql.executemany(
            _ADD_RESULT,
            [
                (
                    result.number,
                    result.status,
                    result.attempts,
                    result.http_status,
                    result.note,
                    encode_issues(result.issues),
                )
                for result in results
            ],
        )
        rows = self._read_sent([result.number for result in results])
        self.notes.settle(_select_notes(results, NoteState.SENT, rows))
        self.notes.release(_select_notes(results, NoteState.NOT_SENT, rows))
        accepted = [rows[result.number] for result in results if result.status is RowStatus.ACCEPTED]
        self._remember_fields([to_lead_write(row.payload, row.steps) for row in accepted])
        left_out = [rows[result.number] for result in results if result.status not in WENT_IN]
        self._unsettle(row.payload["customer_phone"] for row in left_out)

    def _read_sent(self, numbers: Sequence[int]) -> dict[int, _SentRow]:
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_SENT, (json.encode(numbers).decode(),)).fetchall()
            return {
                number: _SentRow(decode_payload(payload), steps and decode_steps(steps))
                for number, payload, steps in found
            }

    def _remember_fields(self, writes: Sequence[LeadWrite]) -> None:
        """Remember what the CRM took: of a planned row only the fields that were sent.

        What an undo puts back is a value of somebody else: nothing is remembered of it.
        """
        metadata = self._run.metadata
        if metadata.kind is RunKind.UNDO:
            self.fields.forget(
                [(one.phone, one.written) for one in writes], run_id=metadata.run_id, written_at=_format_now()
            )
        else:
            self.fields.remember(writes, run_id=metadata.run_id, written_at=_format_now())

    def _unsettle(self, phones: Iterable[str]) -> None:
        self.fields.unsettle(phones, run_id=self._run.metadata.run_id)

    def _withdraw(self, rows: Sequence[PendingRow]) -> None:
        """Make rows pending again that did not leave, and release their notes. An earlier doubt stays."""
        self._file.sql.executemany(
            "DELETE FROM intents WHERE number = ?",
            [(row.number,) for row in rows if not row.may_have_arrived],
        )
        for row in rows:
            if row.note is not None:
                self.notes.release((row.phones[0], note) for note in row.notes)


def _select_notes(
    results: Iterable[DeliveryResult], state: NoteState, rows: Mapping[int, _SentRow]
) -> Iterator[Note]:
    for result in results:
        if result.note is state:
            yield from list_notes(rows[result.number].payload)


def to_lead_write(payload: Payload, steps: Sequence[Payload] | None) -> LeadWrite:
    """Return what was written to the fields of a row that the CRM took: by its payload, or by the steps of its plan."""
    sheet = dict(flatten_payload(payload))
    sheet.pop("customer_note", None)
    written = sheet
    if steps is not None:
        sent = (field for step in steps for field in flatten_payload(step))
        written = {field: value for field, value in sent if field in sheet}
    return LeadWrite(payload["customer_phone"], sheet, written)


def _format_now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _to_open_values(result: DeliveryResult) -> tuple[int, int | None, str, int]:
    return result.attempts, result.http_status, encode_issues(result.issues), result.number


def _may_note_arrive(row: PendingRow) -> bool:
    """Return whether a note of the row may be under way. Doubt stays: also of a note that no longer travels."""
    return row.withheld_state is NoteState.UNKNOWN or row.note_state in (
        NoteState.NOT_SENT,
        NoteState.UNKNOWN,
    )


def to_pending_row(number: int, encoded_payload: str, with_note: int | None = None) -> PendingRow:
    """Return a valid row as the sender needs it, its notes apart from the payload.

    `with_note` is from the intent of an earlier sending: None without an intent, 1 if the note left with it.
    """
    payload = decode_payload(encoded_payload)
    joined = payload.pop("customer_note", None)
    undelivered = NoteState.UNKNOWN if with_note else NoteState.NOT_SENT
    return PendingRow(
        number=number,
        phones=(payload["customer_phone"], *payload.get("add_phones", ())),
        payload=payload,
        may_have_arrived=with_note is not None,
        notes=() if joined is None else split_notes(joined),
        note_state=NoteState.NONE if joined is None else undelivered,
    )


def drop_known_notes(ledger: NoteLedger, payloads: Sequence[Payload]) -> list[Payload]:
    """Return the payloads without notes that the ledger knows."""
    notes = [list_notes(payload) for payload in payloads]
    known = ledger.find_known([note for found in notes for note in found])
    return [
        remove_note(payload) if found and all(note in known for note in found) else payload
        for payload, found in zip(payloads, notes, strict=True)
    ]


def list_notes(payload: Payload) -> list[Note]:
    """Return the notes of a payload, each with the lead's phone."""
    joined = payload.get("customer_note")
    return [] if joined is None else [(payload["customer_phone"], note) for note in split_notes(joined)]


def remove_note(payload: Payload) -> Payload:
    """Return the payload without its notes."""
    return {name: value for name, value in payload.items() if name != "customer_note"}


def split_notes(joined: str) -> tuple[str, ...]:
    """Return the notes of a payload: several if rows were merged."""
    return tuple(joined.split(NOTE_BREAK))
