"""The journal itself: one SQLite file a run, the truth from which everything else is rebuilt.

Staging is fast and not durable (nothing was sent yet, a crash only means starting over); `begin_sending` makes
it durable and every later commit survives power loss (WAL, synchronous=FULL).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from importer.errors import CannotWrite, DamagedJournal
from importer.journal import notes
from importer.journal.header import Pace, RunEnd, RunHeader, Traffic
from importer.journal.rows import (
    Intent,
    Rejudged,
    StagedRow,
    accepted_of,
    encode,
    issues_text,
    outcome_of,
    payload_text,
    pending_of,
)
from importer.models import (
    Accepted,
    Mapping,
    NoteState,
    Notice,
    PendingRow,
    RowOutcome,
    RowResult,
    RunState,
    Status,
)

JOURNAL_NAME = "journal.sqlite"
SCHEMA_VERSION = 1
_APPLICATION_ID = 0x5346494D  # "SFIM": tells our journals from other SQLite files

_Part = TypeVar("_Part", RunHeader, RunEnd, Traffic)

_STATUS = f"""coalesce(results.status, CASE
    WHEN rows.verdict <> '{Status.ACCEPTED}' THEN rows.verdict
    WHEN :checked THEN '{Status.ACCEPTED}'
    WHEN intents.number IS NOT NULL THEN '{Status.UNKNOWN}'
    ELSE '{Status.PENDING}' END)"""
"""A row's one status (law 1): its result, else its verdict, else what its intent leaves open."""

_KEPT = f"""CASE WHEN rows.verdict = '{Status.DUPLICATE}' THEN (
    SELECT coalesce(result.status, CASE WHEN kept.verdict <> '{Status.ACCEPTED}' OR :checked THEN kept.verdict
                                        ELSE '{Status.PENDING}' END)
    FROM rows AS kept LEFT JOIN results AS result USING (number) WHERE kept.number = rows.kept_in) END"""
"""Of a duplicate: the status of the row that it was folded into."""

_JOINED = "FROM rows LEFT JOIN results USING (number) LEFT JOIN intents USING (number)"


class Journal:
    """One run's file. Not for two threads at once: the sender gives it a thread of its own."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, header: RunHeader) -> None:
        self._sql = connection
        self.folder = folder
        self.header = header

    # --- opening and closing

    @classmethod
    def create(cls, folder: Path, header: RunHeader) -> Journal:
        """Begin a new journal in `folder` (made if need be). Raises CannotWrite."""
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            connection = _connect(folder / JOURNAL_NAME)
            # Until begin_sending a crash costs nothing but time, so nothing waits for the disk.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.executescript(resources.files(__package__).joinpath("schema.sql").read_text("utf-8"))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        journal = cls(connection, folder, header)
        with journal._commit():
            journal._put("header", header)
            journal._put("end", RunEnd(state=RunState.STAGING))
        return journal

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Open the journal of an earlier run. Raises DamagedJournal with what to do about it."""
        path = folder / JOURNAL_NAME
        try:
            connection = _connect(path)
            _check_version(connection, path)
            header = _get(connection, "header", RunHeader)
        except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
            raise DamagedJournal(
                f"The journal {path} is damaged ({error}).",
                "Run the file again: leads are matched by phone, so none is doubled.",
            ) from error
        if header is None:
            raise DamagedJournal(
                f"The journal {path} is not complete.", "Nothing was sent by it: run the file again."
            )
        return cls(connection, folder, header)

    def close(self) -> None:
        """Close the file; the journal can be opened again."""
        self._sql.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- staging

    def stage(self, rows: Iterable[StagedRow]) -> None:
        """Write judged rows; a batch is one transaction. A row staged before is replaced."""
        with self._commit():
            self._sql.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, NULL)", rows)

    @property
    def rows(self) -> int:
        """Data rows staged."""
        (count,) = self._sql.execute("SELECT count(*) FROM rows").fetchone()
        return int(count)

    def annotate(self, notices: tuple[Notice, ...]) -> None:
        """Keep what the end of the table told of it, such as hidden rows and footers."""
        self._change_header(notices=notices)

    def remap(self, mapping: Mapping) -> None:
        """Keep a mapping to which answers were added while the rows were judged."""
        self._change_header(mapping=mapping)

    def shared_phones(self) -> Iterator[list[Accepted]]:
        """Groups of accepted rows that have one phone, each in file order; their cells are left out."""
        with self._commit():
            self._sql.execute(
                f"CREATE INDEX IF NOT EXISTS rows_by_phone ON rows (phone) WHERE verdict = '{Status.ACCEPTED}'"
            )
        numbers = self._sql.execute(
            f"""SELECT number, phone, payload, issues FROM rows WHERE verdict = '{Status.ACCEPTED}' AND phone IN
               (SELECT phone FROM rows WHERE verdict = '{Status.ACCEPTED}' GROUP BY phone HAVING count(*) > 1)
               ORDER BY phone, number"""
        ).fetchall()
        for _, group in groupby(numbers, key=lambda row: row[1]):
            yield [accepted_of(row) for row in group]

    def rejudge(self, rows: Iterable[Rejudged]) -> None:
        """Give rows another verdict, payload and issues; their cells stay."""
        with self._commit():
            self._sql.executemany(
                "UPDATE rows SET verdict = ?, payload = ?, issues = ?, kept_in = ? WHERE number = ?",
                [
                    (r.verdict, payload_text(r.payload), issues_text(r.issues), r.kept_in, r.number)
                    for r in rows
                ],
            )

    def begin_sending(self) -> None:
        """Make all that was staged durable, and every commit from now on. Raises CannotWrite."""
        with writing(self.folder):
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            notes.attach(self._sql, self.folder.parent)
        self.end(RunEnd(state=RunState.RUNNING))

    # --- sending

    def pending(self, after: int, limit: int) -> list[PendingRow]:
        """The next rows to send: accepted, without a result, numbers above `after`, in file order."""
        found = self._sql.execute(
            f"""SELECT rows.number, rows.payload {_JOINED}
               WHERE rows.number > ? AND rows.verdict = '{Status.ACCEPTED}' AND results.number IS NULL
               ORDER BY rows.number LIMIT ?""",
            (after, limit),
        ).fetchall()
        return self._with_known_notes([pending_of(number, payload) for number, payload in found])

    def record(
        self,
        *,
        intents: Sequence[Intent] = (),
        results: Sequence[RowResult] = (),
        withdrawn: Sequence[PendingRow] = (),
        pace: Sequence[Pace] = (),
        traffic: Traffic | None = None,
    ) -> None:
        """Write what is about to leave and what has come back, in one durable commit. Raises CannotWrite."""
        with self._commit():
            self._record_intents(intents)
            self._record_results(results)
            self._withdraw(withdrawn)
            self._sql.executemany(
                """INSERT INTO pace VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET requests = requests
                   + excluded.requests, throttled = throttled + excluded.throttled, retries = retries + excluded.retries""",
                [(beat.second, beat.requests, beat.throttled, beat.retries) for beat in pace],
            )
            if traffic is not None:
                self._put("traffic", traffic)

    def end(self, end: RunEnd) -> None:
        """Write how the run stands."""
        with self._commit():
            self._put("end", end)

    # --- reading it all back

    @property
    def ended(self) -> RunEnd:
        """How the run stands."""
        return _get(self._sql, "end", RunEnd) or RunEnd(state=RunState.STAGING)

    @property
    def traffic(self) -> Traffic:
        """Totals of the sending so far."""
        return _get(self._sql, "traffic", Traffic) or Traffic()

    @property
    def left(self) -> int:
        """Rows still to be sent."""
        (count,) = self._sql.execute(
            f"SELECT count(*) {_JOINED} WHERE rows.verdict = '{Status.ACCEPTED}' AND results.number IS NULL"
        ).fetchone()
        return int(count)

    def counts(self) -> dict[Status, int]:
        """Rows by status, every status named; the sum is the file's data rows."""
        found = dict(self._sql.execute(f"SELECT {_STATUS}, count(*) {_JOINED} GROUP BY 1", self._checked))
        return {status: found.get(status.value, 0) for status in Status}

    def outcomes(self) -> Iterator[RowOutcome]:
        """Every data row in file order, as it stands now; streamed."""
        query = f"""SELECT number, cells, {_STATUS}, phone, rows.issues, results.issues, coalesce(attempts, 0),
                    http_status, results.note, with_note, payload, {_KEPT} {_JOINED} ORDER BY number"""
        for row in self._sql.execute(query, self._checked):
            yield outcome_of(row)

    def pace(self) -> list[Pace]:
        """What happened second by second."""
        return [Pace(*row) for row in self._sql.execute("SELECT * FROM pace ORDER BY second")]

    # --- private

    def _change_header(self, **values: object) -> None:
        self.header = msgspec.structs.replace(self.header, **values)
        with self._commit():
            self._put("header", self.header)

    @property
    def _checked(self) -> dict[str, bool]:
        return {"checked": self.ended.state is RunState.CHECKED}

    def _with_known_notes(self, rows: list[PendingRow]) -> list[PendingRow]:
        prints = {self._print(row): row for row in rows if row.note is not None}
        known = notes.known(self._sql, list(prints)) if prints else {}
        return [self._told(row, known) for row in rows]

    def _told(self, row: PendingRow, known: dict[bytes, notes.KnownNote]) -> PendingRow:
        found = known.get(self._print(row)) if row.note is not None else None
        if found is None:
            return row
        return msgspec.structs.replace(row, note_state=found.state, note_run=found.run_id)

    def _print(self, row: PendingRow) -> bytes:
        return notes.fingerprint(self.header.account, row.phones[0], row.note or "")

    def _record_intents(self, intents: Sequence[Intent]) -> None:
        # Doubt sticks: a note that may have arrived stays marked while its row goes on without it.
        self._sql.executemany(
            "INSERT OR REPLACE INTO intents VALUES (?, ?)",
            [(row.number, with_note or row.note_state is NoteState.UNKNOWN) for row, with_note in intents],
        )
        free = [intent for intent in intents if intent.row.note_state is NoteState.NOT_SENT]
        run_id = self.header.run_id
        notes.claim(self._sql, run_id, [self._print(row) for row, with_note in free if with_note])
        notes.release(self._sql, run_id, [self._print(row) for row, with_note in free if not with_note])

    def _record_results(self, results: Sequence[RowResult]) -> None:
        self._sql.executemany(
            "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)",
            [(r.number, r.status, r.attempts, r.http_status, r.note, issues_text(r.issues)) for r in results],
        )
        notes.settle(self._sql, [self._print_of(r.number) for r in results if r.note is NoteState.SENT])
        gone = [self._print_of(r.number) for r in results if r.note is NoteState.NOT_SENT]
        notes.release(self._sql, self.header.run_id, gone)

    def _withdraw(self, rows: Sequence[PendingRow]) -> None:
        """Rows that did not leave after all are pending again, and their notes free."""
        self._sql.executemany("DELETE FROM intents WHERE number = ?", [(row.number,) for row in rows])
        free = [row for row in rows if row.note_state is NoteState.NOT_SENT]
        notes.release(self._sql, self.header.run_id, [self._print(row) for row in free])

    def _print_of(self, number: int) -> bytes:
        found = self._sql.execute("SELECT payload FROM rows WHERE number = ?", (number,)).fetchone()
        return self._print(pending_of(number, found[0]))

    def _put(self, key: str, part: RunHeader | RunEnd | Traffic) -> None:
        self._sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, encode(part).decode()))

    @contextmanager
    def _commit(self) -> Iterator[None]:
        with writing(self.folder), self._sql:
            self._sql.execute("BEGIN IMMEDIATE")
            yield


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what a disk can refuse into one sentence (CannotWrite)."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise CannotWrite(
            f"Cannot write to the run's folder {folder}: {error}.",
            "Make room on the disk, or make the folder writable, and go on with importer resume.",
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise DamagedJournal(f"{path} is not a journal of importer.", "Name a run that importer runs lists.")
    if version > SCHEMA_VERSION:
        raise DamagedJournal(
            f"{path} was written by a newer importer (journal version {version}, this one knows {SCHEMA_VERSION}).",
            "Update importer and try again.",
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _get(connection: sqlite3.Connection, key: str, kind: type[_Part]) -> _Part | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return msgspec.json.decode(found[0], type=kind) if found else None
