"""The journal of a run: one SQLite file, from which all reports can be rebuilt.

Staging is fast and not durable: nothing was sent yet, so a crash only means starting again. It writes to a file of
another name. `begin_sending` makes the file durable, and every later commit survives a power loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from importer.errors import DamagedJournalError
from importer.journal import database
from importer.journal.database import JOURNAL_NAME, STAGING_NAME, JournalFile
from importer.journal.delivery_log import DeliveryLog
from importer.journal.edit_log import EditLog
from importer.journal.plan_log import PlanLog
from importer.journal.report_query import ReportPage, ReportQuery
from importer.journal.run_metadata import (
    PeekedRun,
    RunEnd,
    RunMetadata,
    RunRecord,
    SecondMetrics,
    peek_run,
)
from importer.journal.staging import StagedRow, StagedRows, StagingArea
from importer.journal.task_log import TaskLog
from importer.journal.verification_log import VerificationLog
from importer.messages import run_messages
from importer.models.delivery import ReportRow
from importer.models.mapping import Notice, NoticeKind
from importer.models.status import RowStatus, RunState
from importer.state.account_memory import RunTrace
from importer.state.disk_errors import translate_write_errors
from importer.state.note_ledger import OLD_LEDGER_NAME
from importer.state.state_folder import AccountState


class Journal:
    """One run's file, and the roles in which it is used. Not for two threads at once.

    `run` has the metadata, `staging` the rows before the sending, `edits` what a person changed in them, `plans` what the CRM has and would be changed,
    `delivery` what the sender needs, `tasks` the follow-up tasks, `verifications` what was read back and `reports` what the reports read. The methods of other packages are passed on to them.
    """

    def __init__(self, file: JournalFile, run: RunRecord) -> None:
        self.file = file
        self.folder = file.folder
        self.run = run
        self.staging = StagingArea(file)
        self.delivery = DeliveryLog(file, run)
        self.edits = EditLog(file)
        self.plans = PlanLog(file, run)
        self.verifications = VerificationLog(file)
        self.tasks = TaskLog(file)
        self.reports = ReportQuery(file, run)
        self._has_begun_sending = False

    @classmethod
    def create(cls, folder: Path, metadata: RunMetadata) -> Journal:
        """Create a journal in `folder`, which is made if it is missing. Raises DiskWriteError."""
        with translate_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            connection = database.create_database(folder / STAGING_NAME)
        file = JournalFile(connection, folder)
        return cls(file, RunRecord.create(file, metadata))

    @classmethod
    def open(cls, folder: Path) -> Journal:
        """Open the journal of an earlier run. Raises DamagedJournalError with what to do about it."""
        journal = cls.open_unverified(folder)
        try:
            database.verify_checksums(journal.file.sql, journal.file.path)
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def open_unverified(cls, folder: Path) -> Journal:
        """Do the same without reading every row, for a list of runs: a million rows take more than a second."""
        file = JournalFile(database.open_checked(folder / JOURNAL_NAME), folder)
        try:
            return cls(file, RunRecord.load(file))
        except BaseException:
            file.sql.close()  # Windows removes no file that is open: a damaged run could not be purged
            raise

    def begin_look_ups(self, account: AccountState) -> None:
        """Make the journal durable and open the memory of the account, to look up leads. Nothing is sent.

        Raises DiskWriteError, NothingSentError.
        """
        self.staging.complete()
        self.delivery.open_memory(account.folder)
        self.run.write_end(RunEnd(state=RunState.RUNNING, is_planning=True))

    def begin_sending(self, account: AccountState) -> None:
        """Make the journal durable and open the memory of the account. Raises DiskWriteError, NothingSentError.

        The main file says RUNNING before the first byte leaves: a copy of it alone is not taken for a run without sending.
        A second call does nothing: it would look at all other runs of the folder again.
        """
        if self._has_begun_sending:
            return
        self.staging.complete()
        self.delivery.open_memory(account.folder)
        self.delivery.take_over_ledger(self.folder.parent / OLD_LEDGER_NAME, account.other_keys)
        for path in sorted(self.folder.parent.glob(f"*/{JOURNAL_NAME}")):
            if path.parent != self.folder:
                self._learn_other_run(path.parent, account)
        self._join_memory()
        self.run.write_end(RunEnd(state=RunState.RUNNING))
        self.file.checkpoint()
        self._has_begun_sending = True

    def _learn_other_run(self, folder: Path, account: AccountState) -> None:
        """Add the notes of another run of the reports folder, unless the memory has them.

        It may be of an earlier version or of another computer, or the memory was lost.
        """
        peeked = peek_run(folder)
        if peeked is not None and not self._concerns(peeked, account):
            return
        memory_id = self.delivery.memory.memory_id
        trace = RunTrace(folder.name, "", "", folder) if peeked is None else peeked.trace(folder, memory_id)
        if self.delivery.memory.is_known(trace):
            return
        try:
            with Journal.open(folder) as other:
                self.delivery.learn_run(trace, other.delivery.read_known_notes())
        except DamagedJournalError as error:
            text = run_messages.UNREADABLE_RUN_NOTES.format(run_id=folder.name, reason=error.message)
            self.run.set_notices((*self.metadata.notices, Notice(NoticeKind.IGNORED, text)))
            self.delivery.learn_run(trace, ())

    def _concerns(self, other: PeekedRun, account: AccountState) -> bool:
        """Return whether another run may have sent notes to this run's account."""
        is_same_crm = other.metadata.base_url == self.metadata.base_url
        return other.end.has_sent and is_same_crm and other.metadata.account not in account.other_keys

    def _join_memory(self) -> None:
        """Add this run to the memory, with what it has sent so far without it."""
        trace = RunTrace(self.metadata.run_id, self.metadata.started_at, self.metadata.sha256, self.folder)
        is_known = self.run.memory_id == self.delivery.memory.memory_id and self.delivery.memory.is_known(
            trace
        )
        notes = () if is_known or not self.run.end.has_sent else self.delivery.read_known_notes()
        self.delivery.learn_run(trace, notes)
        self.run.write_memory_id(self.delivery.memory.memory_id)

    def close(self) -> None:
        """Close the file; the journal can be opened again."""
        self.file.sql.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def run_id(self) -> str:
        """The id that finds the run: its folder's name, which may have changed since the metadata was written."""
        return self.folder.name

    # --- passed on to the roles, for other packages

    @property
    def metadata(self) -> RunMetadata:
        """What the run is about."""
        return self.run.metadata

    @property
    def run_end(self) -> RunEnd:
        """The state of the run, and how it ended."""
        return self.run.end

    def end(self, end: RunEnd) -> None:
        """Write the state of the run, and how it ended."""
        self.run.write_end(end)

    def stage(self, rows: StagedRows | Iterable[StagedRow]) -> None:
        """Write judged rows in one transaction."""
        self.staging.stage(rows)

    @property
    def rows(self) -> int:
        """The number of staged rows."""
        return self.staging.count_rows()

    def counts(self) -> dict[RowStatus, int]:
        """Return the number of rows of every status."""
        return self.reports.count_by_status()

    def read_report_rows(self) -> Iterator[ReportRow]:
        """Yield every data row in file order."""
        return self.reports.read_rows()

    def read_report_pages(self) -> Iterator[ReportPage]:
        """Yield every data row in file order, by the page."""
        return self.reports.read_pages()

    def read_second_metrics(self) -> list[SecondMetrics]:
        """Return what happened second by second."""
        return self.reports.read_second_metrics()

    def translate_decode_errors(self) -> AbstractContextManager[None]:
        """Raise DamagedJournalError or JournalReadError for bodies and lines that cannot be decoded in the block."""
        return self.file.translate_decode_errors()
