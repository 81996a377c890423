"""Shows a batch on the terminal: one line for each account that is busy. Files and pipes get a line for each job."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from importer.batch.account_processes import Board, Cell, Phase
from importer.batch.batch_context import BatchObserver
from importer.batch.job_report import JobReport
from importer.batch.manifest import Job
from importer.cli.console import ignore_closed_reader, print_line
from importer.messages import batch_messages, format_count, format_row_count
from importer.untrusted_text import sanitize

if TYPE_CHECKING:
    from types import TracebackType

_MAX_LINES = 30


class BatchProgress(BatchObserver):
    """One line for each busy account, and one for all jobs of the phase."""

    def __init__(self, *, is_silent: bool) -> None:
        self._is_silent = is_silent
        self._has_lines = sys.stderr.isatty() and not is_silent
        self._phase = Phase.JUDGING
        self._board: Board | None = None
        self._total: Any = None
        self._lines: dict[str, Any] = {}
        self._busy: dict[str, Job] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_lines()

    def on_preflight(self, accounts: int, jobs: int) -> None:
        """Print what the batch is about."""
        if not self._is_silent:
            accounts_text = batch_messages.format_account_count(accounts)
            text = batch_messages.PREFLIGHT.format(
                accounts=accounts_text, jobs=batch_messages.format_job_count(jobs)
            )
            print_line(text, err=True)

    def on_phase(self, phase: Phase, jobs: Sequence[Job], board: Board) -> None:
        """Begin the lines of a phase."""
        self._close_lines()
        self._phase, self._board = phase, board
        if self._has_lines and jobs:
            self._total = self._open_line(0, batch_messages.PHASES[phase.name], len(jobs))

    def on_job_begun(self, job: Job) -> None:
        """Open the line of the account."""
        self._busy[job.account] = job
        if self._has_lines and job.account not in self._lines:
            taken = {line.pos for line in self._lines.values()}
            free = [at for at in range(1, self._count_places()) if -at not in taken]
            if free:
                self._lines[job.account] = self._open_line(free[0], job.account, None)

    def on_job_ended(self, report: JobReport) -> None:
        """Close the line of the account, or print a line about the job."""
        self._busy.pop(report.account, None)
        if (line := self._lines.pop(report.account, None)) is not None:
            with ignore_closed_reader(err=True):
                line.close()
        if self._total is not None:
            with ignore_closed_reader(err=True):
                self._total.update(1)
        elif not self._has_lines and not self._is_silent:
            print_line(
                batch_messages.JOB_LINE.format(
                    account=report.account,
                    file=report.file,
                    state=batch_messages.JOB_STATES[report.state],
                    went_in=format_count(report.went_in),
                    rows=format_row_count(report.rows),
                ),
                err=True,
            )

    def on_worker_lost(self, account: str, worker: str) -> None:
        """Say that another worker goes on."""
        if not self._is_silent:
            text = sanitize(batch_messages.WORKER_LOST_LINE.format(account=account, worker=worker))
            with ignore_closed_reader(err=True):
                if self._total is None:
                    print_line(text, err=True)
                else:
                    self._total.write(text, file=sys.stderr)

    def on_poll(self) -> None:
        """Bring the lines up to date."""
        for account, line in self._lines.items():
            if (job := self._busy.get(account)) is not None:
                text = f"{account}  {PurePath(job.name).name}  {self._format_figures(account)}"
                with ignore_closed_reader(err=True):
                    line.set_description_str(sanitize(text))

    def _format_figures(self, account: str) -> str:
        assert self._board is not None
        if self._phase is Phase.JUDGING:
            return format_row_count(int(self._board.read(account, Cell.JUDGED)))
        return batch_messages.format_account_progress(
            done=int(self._board.read(account, Cell.DONE)),
            total=int(self._board.read(account, Cell.TOTAL)),
            not_accepted=int(self._board.read(account, Cell.NOT_ACCEPTED)),
            rate_per_s=self._board.read(account, Cell.RATE),
            waiting_s=self._board.read(account, Cell.WAITING),
        )

    def _count_places(self) -> int:
        return max(2, min(_MAX_LINES, shutil.get_terminal_size().lines - 2))

    def _open_line(self, position: int, title: str, total: int | None) -> Any:
        from tqdm import tqdm

        form = "{desc} {n_fmt}/{total_fmt} |{bar:24}| {elapsed}" if total else "{desc}"
        return tqdm(
            total=total,
            desc=sanitize(title),
            position=position,
            leave=False,
            file=sys.stderr,
            bar_format=form,
            dynamic_ncols=True,
        )

    def _close_lines(self) -> None:
        with ignore_closed_reader(err=True):
            for line in (*self._lines.values(), *([self._total] if self._total is not None else [])):
                line.close()
        self._lines, self._total = {}, None
