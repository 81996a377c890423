"""Shows a run as it goes, and asks the person at the terminal what only they can know."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from importer.cli import asking
from importer.cli.console import Bar, has_sent, say, say_wait
from importer.cli.timeleft import TimeLeft, plain_time
from importer.cli.words import columns_table, name_of_crm, summary_lines
from importer.commandline import command_on
from importer.journal import RunHeader
from importer.models import Notice
from importer.pipeline.watch import ColumnQuestion, OtherName, UnknownTitle, Watch
from importer.report import Summary
from importer.sender import Progress
from importer.settings import Settings


class Teller(Watch):
    """The pipeline's watch on a terminal; silent where `--json` or `--quiet` says so."""

    def __init__(self, settings: Settings, *, asks: bool) -> None:
        self.asks = asks
        self._talks = not (settings.json or settings.quiet)
        self.other_names: Sequence[OtherName] = ()
        self._json = settings.json
        self._reports = Path(settings.reports)
        self._crm = ""
        self._bar: Bar | None = None
        self._time_left = TimeLeft()
        self._has_sent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        has_sent.set(self._has_sent)  # here, since `sending` is told by a task, which sets none but its own
        self._leave_bar()

    def begun_before(self, run_id: str) -> None:
        """Say how to finish what was begun, instead of sending all of it again."""
        if self._talks:
            resume = command_on("resume", self._reports / run_id)
            say(
                f"Run {run_id} began to send this file and did not end. To finish it, instead of sending all again: {resume}"
            )

    def waiting(self, seconds: float) -> None:
        """Say that nothing is wrong: the wait may last for minutes."""
        if self._talks:
            say_wait(seconds)

    def understood(self, header: RunHeader) -> None:
        """Say how the sheet is read."""
        self._crm = name_of_crm(header.base_url)
        if self._talks:
            say(f"Reading {header.file}")
            for line in columns_table(header):
                say(line)

    def judged(self, rows: int) -> None:
        """Move the bar of the check."""
        self._bar_of("Checking", None).at(rows)

    def noticed(self, notices: Sequence[Notice]) -> None:
        """Say what was left aside, or read all the same, further down the sheet."""
        if self._talks:
            self._leave_bar()
            for notice in notices:
                say(notice.text)

    def merged(self, other_names: Sequence[OtherName]) -> None:
        """Keep them for the summary, which comes when all rows are judged."""
        self.other_names = other_names

    def sending(self, progress: Progress) -> None:
        """Move the bar of the sending, which says when it waits and why."""
        self._has_sent = True
        self._time_left.told(time.monotonic(), progress.done, progress.waiting_s)
        self._bar_of("Sending", progress.total).at(progress.done, sending_note(progress, self._time_left))

    def use_kept_map(self, path: Path) -> bool:
        """Propose the answers of an earlier sheet."""
        self._leave_bar()
        return asking.ask_kept_map(path)

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Ask which column holds the leads' phones."""
        self._leave_bar()
        return asking.ask_phone_column(questions)

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Ask about each column that the mapping is unsure of."""
        self._leave_bar()
        return asking.ask_columns(questions)

    def choose_titles(self, unknown: Sequence[UnknownTitle]) -> dict[str, dict[str, str]]:
        """Ask about each distinct value that the account does not have."""
        self._leave_bar()
        return asking.ask_titles(unknown)

    def kept(self, path: Path) -> None:
        """Say where the answers are."""
        say(f"Your answers are kept in {path}, for the next sheet with these columns.", err=True)

    def confirm(self, summary: Summary) -> bool:
        """Show the check's summary and ask before the first write. With `--json` standard output is left to the JSON."""
        self._leave_bar()
        for line in summary_lines(summary, self._reports / summary.run_id, self.other_names):
            say(line, err=self._json)
        going = summary.counts.get("accepted", 0)
        if not going:
            say("No row can be sent.", err=True)
            return False
        leads = "1 lead" if going == 1 else f"{going:,} leads"
        return asking.agreed(f"Send {leads} to {self._crm} now?")

    def _bar_of(self, title: str, total: int | None) -> Bar:
        if self._bar is None or self._bar.title != title:
            self._leave_bar()
            self._bar = Bar(title, total=total, shown=self._talks)
        return self._bar

    def _leave_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def sending_note(progress: Progress, time_left: TimeLeft) -> str:
    """What stands behind the bar: the rate of rows, what did not go in, why it waits, and how long the rest takes."""
    parts = []
    if time_left.rows_per_s:
        parts.append(f"{time_left.rows_per_s:.{1 if time_left.rows_per_s < 10 else 0}f} rows/s")
    if progress.not_in:
        parts.append(f"{progress.not_in:,} did not go in")
    if progress.waiting_s:
        parts.append(f"waiting {plain_time(progress.waiting_s)} for the CRM")
    left = time_left.left_s(progress.total - progress.done, progress.waiting_s)
    if left:
        parts.append(f"about {plain_time(left)} left")
    return ", ".join(parts)
