"""The journal itself: one SQLite file a run, the truth from which everything else is rebuilt.

Staging is fast and not durable (nothing was sent yet, a crash only means starting over) and goes to a file of
another name; `begin_sending` makes it durable, and every later commit survives power loss (WAL, synchronous=FULL).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from importer.atomic_file import replace_file
from importer.errors import DamagedJournalError
from importer.issues import Issue
from importer.journal import database
from importer.journal.database import (
    JOURNAL_NAME,
    STAGING_NAME,
    UNDECODABLE,
    translate_read_errors,
    translate_write_errors,
)
from importer.journal.report_query import JOINED, Page, read_counts, read_outcomes, read_pages
from importer.journal.run_metadata import RunEnd, RunMetadata, SecondMetrics, SendTotals
from importer.journal.staging import (
    StagedRow,
    StagedRows,
    accepted_of,
    encode,
    issues_from,
    issues_text,
    looked_over,
    payload_text,
    pending_of,
)
from importer.models.delivery import DeliveryResult, PendingRow, ReportRow
from importer.models.mapping import Mapping, Notice, NoticeKind
from importer.models.row import Accepted, NewVerdict
from importer.models.status import NoteState, RowStatus, RunState
from importer.state.note_ledger import Known, Note, NoteLedger, RunIdentity

_PHONES_AT_ONCE = 500

_Part = TypeVar("_Part", RunMetadata, RunEnd, SendTotals)


class Journal:
    """One run's file. Not for two threads at once: the sender gives it a thread of its own."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, metadata: RunMetadata) -> None:
        self._sql = connection
        self._ledger: NoteLedger | None = None
        self.folder = folder
        self.metadata = metadata

    # --- opening and closing

    @classmethod
    def create(cls, folder: Path, metadata: RunMetadata) -> Journal:
        """Begin a new journal in `folder` (made if need be). Raises DiskWriteError."""
        with translate_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            connection = database.create_database(folder / STAGING_NAME)
        journal = cls(connection, folder, metadata)
        with journal._commit():
            journal._put("header", metadata)
            journal._put("end", RunEnd(state=RunState.STAGING))
        return journal

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Open the journal of an earlier run. Raises DamagedJournalError with what to do about it."""
        path = folder / JOURNAL_NAME
        connection = database.open_checked(path)
        try:
            return cls(connection, folder, _header_of(connection, path))
        except BaseException:
            connection.close()  # Windows removes no file that is open: a damaged run could not be purged
            raise

    def close(self) -> None:
        """Close the file; the journal can be opened again."""
        self._sql.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def run_id(self) -> str:
        """What finds the run: its folder's name, which may have been changed since the header was written."""
        return self.folder.name

    # --- staging

    def stage(self, rows: StagedRows | Iterable[StagedRow]) -> None:
        """Write judged rows; a batch is one transaction. A row staged before is replaced."""
        with self._commit():
            self._sql.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, NULL)", rows)

    @property
    def rows(self) -> int:
        """Data rows staged."""
        (count,) = self._sql.execute("SELECT count(*) FROM rows").fetchone()
        return int(count)

    def set_notices(self, notices: tuple[Notice, ...]) -> None:
        """Keep what the end of the table told of it, such as hidden rows and footers."""
        self._change_metadata(notices=notices)

    def set_mapping(self, mapping: Mapping) -> None:
        """Keep a mapping to which answers were added while the rows were judged."""
        self._change_metadata(mapping=mapping)

    def read_phone_groups(self) -> Iterator[list[Accepted]]:
        """Groups of accepted rows that have one phone, each in file order; their cells are left out.

        A group may be rejudged before the next is asked for. Read in batches, so that memory stays flat.
        """
        accepted = f"verdict = '{RowStatus.ACCEPTED}'"
        self._sql.execute("PRAGMA temp_store = FILE")  # the sorting of a million phones is not for the memory
        with self._commit():
            self._sql.execute(f"CREATE INDEX IF NOT EXISTS rows_by_phone ON rows (phone) WHERE {accepted}")
        self._sql.execute("PRAGMA temp_store = MEMORY")
        shared = f"SELECT phone FROM rows WHERE {accepted} AND phone > ? GROUP BY phone HAVING count(*) > 1 LIMIT {_PHONES_AT_ONCE}"
        last = ""
        while phones := [phone for (phone,) in self._sql.execute(shared, (last,))]:
            last = phones[-1]
            rows = self._sql.execute(
                f"""SELECT number, phone, payload, issues FROM rows WHERE {accepted}
                    AND phone IN ({",".join("?" * len(phones))}) ORDER BY phone, number""",
                phones,
            ).fetchall()
            for _, group in groupby(rows, key=lambda row: row[1]):
                yield [accepted_of(row) for row in group]

    def update_verdicts(self, rows: Iterable[NewVerdict]) -> None:
        """Give rows another verdict, payload and issues; their cells stay."""
        with self._commit():
            self._sql.executemany(
                "UPDATE rows SET verdict = ?, payload = ?, issues = ?, survivor_row = ? WHERE number = ?",
                [
                    (r.verdict, payload_text(r.payload), issues_text(r.issues), r.survivor_row, r.number)
                    for r in rows
                ],
            )

    def read_issues(self, numbers: Sequence[int]) -> dict[int, tuple[Issue, ...]]:
        """What was said of these rows when they were judged."""
        with self._reading():
            found = self._sql.execute(
                f"SELECT number, issues FROM rows WHERE number IN ({','.join('?' * len(numbers))})", numbers
            ).fetchall()
            return {number: issues_from(text) for number, text in found}

    def complete_staging(self) -> None:
        """Every row is judged: from now on the file has the name that resume and the reports know."""
        staged = self.folder / STAGING_NAME
        if not staged.exists():
            return
        with translate_write_errors(self.folder):
            self._sql.close()
            replace_file(staged, self.folder / JOURNAL_NAME)
            self._sql = database.connect(self.folder / JOURNAL_NAME)

    def begin_sending(self) -> None:
        """Make all that was staged durable, and every commit from now on. Raises DiskWriteError, NothingSentError."""
        self.complete_staging()
        with translate_write_errors(self.folder):
            database.fsync_file(self.folder / JOURNAL_NAME)
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            if self._ledger is None:
                self._ledger = NoteLedger(self._sql, self._identity, self.folder.parent)
        if self._ledger.is_new:
            self._make_ledger_again(self._ledger)
        self.end(RunEnd(state=RunState.RUNNING))

    # --- sending

    def pending(self, after: int, limit: int) -> list[PendingRow]:
        """The next rows to send: accepted, without a result, numbers above `after`, in file order."""
        with self._reading():
            found = self._sql.execute(
                f"""SELECT rows.number, rows.payload, intents.with_note {JOINED}
                   WHERE rows.number > ? AND rows.verdict = '{RowStatus.ACCEPTED}' AND results.number IS NULL
                   ORDER BY rows.number LIMIT ?""",
                (after, limit),
            ).fetchall()
            return [pending_of(*row) for row in found]

    def record(
        self,
        *,
        intents: Sequence[PendingRow] = (),
        results: Sequence[DeliveryResult] = (),
        withdrawn: Sequence[PendingRow] = (),
        pace: Sequence[SecondMetrics] = (),
        send_totals: SendTotals | None = None,
    ) -> list[PendingRow]:
        """Write what is about to leave and what has come back, in one durable commit. Raises DiskWriteError.

        Answers with the rows of `intents` as they may leave: without notes that were sent by others.
        """
        with self._commit():
            leaving = self._record_intents(intents)
            self._record_results(results)
            self._withdraw(withdrawn)
            self._sql.executemany(
                """INSERT INTO pace VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests
                   + excluded.requests, throttled = throttled + excluded.throttled, retries = retries + excluded.retries""",
                [(beat.second, beat.requests, beat.throttled, beat.retries) for beat in pace],
            )
            if send_totals is not None:
                self._put("traffic", send_totals)
        return leaving

    def end(self, end: RunEnd) -> None:
        """Write how the run stands."""
        with self._commit():
            self._put("end", end)

    # --- reading it all back

    @property
    def run_end(self) -> RunEnd:
        """How the run stands."""
        with self._reading():
            return _get(self._sql, "end", RunEnd) or RunEnd(state=RunState.STAGING)

    @property
    def send_totals(self) -> SendTotals:
        """Totals of the sending so far."""
        with self._reading():
            return _get(self._sql, "traffic", SendTotals) or SendTotals()

    @property
    def left(self) -> int:
        """Rows still to be sent."""
        # Only accepted rows get results. The join would tell the same and read every row of a long file for it.
        with self._reading():
            (accepted,) = self._sql.execute(
                f"SELECT count(*) FROM rows WHERE verdict = '{RowStatus.ACCEPTED}'"
            ).fetchone()
            (settled,) = self._sql.execute("SELECT count(*) FROM results").fetchone()
        return int(accepted) - int(settled)

    def counts(self) -> dict[RowStatus, int]:
        """Rows by status, every status named; the sum is the file's data rows."""
        with self._reading():
            return read_counts(self._sql, checked=self._is_checked)

    def read_report_rows(self) -> Iterator[ReportRow]:
        """Every data row in file order, as it stands now; streamed."""
        with self._reading():
            for outcome in read_outcomes(self._sql, checked=self._is_checked):
                yield looked_over(outcome, columns=len(self.metadata.headers))

    def read_report_pages(self) -> Iterator[Page]:
        """The same by the page, for the reports: rows of which nothing is to be said are ready lines."""
        with self._reading():
            for page in read_pages(self._sql, checked=self._is_checked):
                for outcome in page.others:
                    looked_over(outcome, columns=len(self.metadata.headers))
                yield page

    def translate_decode_errors(self) -> AbstractContextManager[None]:
        """For who decodes the bodies and lines that are handed on as they stand: one that cannot be is damage."""
        return translate_read_errors(
            self.folder / JOURNAL_NAME, is_sending=self._ledger is not None, faults=UNDECODABLE
        )

    def read_known_notes(self) -> Iterator[tuple[Note, Known]]:
        """The notes that this run has sent, or may have."""
        query = f"""SELECT rows.payload, coalesce(results.note, '{NoteState.UNKNOWN}') {JOINED}
                WHERE results.note IN ('{NoteState.SENT}', '{NoteState.UNKNOWN}')
                OR (results.number IS NULL AND intents.with_note)"""
        with self._reading():
            for payload, state in self._sql.execute(query):
                row = pending_of(0, payload)
                known = Known(self.metadata.run_id, self.metadata.account, NoteState(state))
                for note in row.notes:
                    yield (row.phones[0], note), known

    def read_second_metrics(self) -> list[SecondMetrics]:
        """What happened second by second."""
        with self._reading():
            return [SecondMetrics(*row) for row in self._sql.execute("SELECT * FROM pace ORDER BY second")]

    # --- private

    def _change_metadata(self, **values: object) -> None:
        self.metadata = msgspec.structs.replace(self.metadata, **values)
        with self._commit():
            self._put("header", self.metadata)

    @property
    def _identity(self) -> RunIdentity:
        return RunIdentity(self.metadata.run_id, self.metadata.account, self.metadata.base_url)

    @property
    def _is_checked(self) -> bool:
        return self.run_end.state is RunState.CHECKED

    def _record_intents(self, rows: Sequence[PendingRow]) -> list[PendingRow]:
        # Doubt sticks: a note that may have arrived stays marked while its row goes on without it.
        leaving = self._notes.claim(rows) if rows else []
        self._sql.executemany(
            "INSERT OR REPLACE INTO intents VALUES (?, ?)",
            [
                (
                    row.number,
                    row.note_state in (NoteState.NOT_SENT, NoteState.UNKNOWN)
                    or row.withheld_state is NoteState.UNKNOWN,
                )
                for row in leaving
            ],
        )
        return leaving

    def _record_results(self, results: Sequence[DeliveryResult]) -> None:
        self._sql.executemany(
            "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)",
            [(r.number, r.status, r.attempts, r.http_status, r.note, issues_text(r.issues)) for r in results],
        )
        for result in results:
            if result.note is NoteState.SENT:
                self._notes.settle(self._notes_of(result.number))
            elif result.note is NoteState.NOT_SENT:
                self._notes.release(self._notes_of(result.number))

    def _withdraw(self, rows: Sequence[PendingRow]) -> None:
        """Rows that did not leave after all are pending again, and their notes free; an earlier doubt stays."""
        self._sql.executemany(
            "DELETE FROM intents WHERE number = ?",
            [(row.number,) for row in rows if not row.may_have_arrived],
        )
        for row in rows:
            if row.note is not None:
                self._notes.release((row.phones[0], note) for note in row.notes)

    @property
    def _notes(self) -> NoteLedger:
        assert self._ledger is not None, "begin_sending comes first"
        return self._ledger

    def _notes_of(self, number: int) -> list[Note]:
        with self._reading():
            found = self._sql.execute("SELECT payload FROM rows WHERE number = ?", (number,)).fetchone()
            row = pending_of(number, found[0])
        return [(row.phones[0], note) for note in row.notes]

    def _make_ledger_again(self, ledger: NoteLedger) -> None:
        """The ledger is new, or was lost: what the runs of the folder know goes into it, this one's too."""
        for path in sorted(self.folder.parent.glob(f"*/{JOURNAL_NAME}")):
            if path.parent == self.folder:
                continue
            try:
                with Journal.open(path.parent) as other, self._commit():
                    ledger.learn(other.metadata.base_url, other.read_known_notes())
            except DamagedJournalError as error:
                said = f"Notes that run {path.parent.name} sent are not known and could be sent again. {error.message}"
                self.set_notices((*self.metadata.notices, Notice(NoticeKind.IGNORED, said)))
        with self._commit():
            ledger.learn(self.metadata.base_url, self.read_known_notes())
            ledger.learnt_all()

    def _put(self, key: str, part: RunMetadata | RunEnd | SendTotals) -> None:
        self._sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, encode(part).decode()))

    def _reading(self) -> AbstractContextManager[None]:
        return translate_read_errors(self.folder / JOURNAL_NAME, is_sending=self._ledger is not None)

    @contextmanager
    def _commit(self) -> Iterator[None]:
        with translate_write_errors(self.folder), self._sql:
            self._sql.execute("BEGIN IMMEDIATE")
            yield


def _header_of(connection: sqlite3.Connection, path: Path) -> RunMetadata:
    with translate_read_errors(path):
        header = _get(connection, "header", RunMetadata)
    if header is None:
        raise DamagedJournalError(
            f"The journal {path} is not complete.", "Nothing was sent by it: run the file again."
        )
    return header


def _get(connection: sqlite3.Connection, key: str, kind: type[_Part]) -> _Part | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return msgspec.json.decode(found[0], type=kind) if found else None
