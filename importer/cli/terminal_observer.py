"""Shows a run as it goes, and asks the person at the terminal what only they can know."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from importer.cli import prompts
from importer.cli.console import sending_started, print_line
from importer.cli.progress import ProgressBar, EtaEstimator, format_duration, print_wait
from importer.cli.summary_view import format_columns, describe_crm, format_summary
from importer.command_hints import format_run_command
from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import Notice
from importer.pipeline.observer import ColumnQuestion, NameConflict, RunObserver, UnknownValue
from importer.report.summary import Summary
from importer.sender.send_loop import Progress
from importer.settings import Settings


class TerminalObserver(RunObserver):
    """The pipeline's watch on a terminal; silent where `--json` or `--quiet` says so."""

    def __init__(self, settings: Settings) -> None:
        self._talks = not (settings.json or settings.quiet)
        self.other_names: Sequence[NameConflict] = ()
        self.is_json = settings.json
        self.reports = Path(settings.reports)
        self.crm = ""
        self._bar: ProgressBar | None = None
        self._time_left = EtaEstimator()
        self._has_sent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sending_started.set(self._has_sent)  # here, since `sending` is told by a task, which sets none but its own
        self.close_bar()

    def on_interrupted_run_found(self, run_id: str) -> None:
        """Say how to finish what was begun, instead of sending all of it again."""
        if self._talks:
            resume = format_run_command("resume", self.reports / run_id)
            print_line(
                f"Run {run_id} began to send this file and did not end. To finish it, instead of sending all again: {resume}"
            )

    def on_wait(self, seconds: float) -> None:
        """Say that nothing is wrong: the wait may last for minutes."""
        if self._talks:
            print_wait(seconds)

    def on_mapping_decided(self, header: RunMetadata) -> None:
        """Say how the sheet is read."""
        self.crm = describe_crm(header.base_url)
        if self._talks:
            print_line(f"Reading {header.file}")
            for line in format_columns(header):
                print_line(line)

    def on_rows_judged(self, rows: int) -> None:
        """Move the bar of the check."""
        self._bar_of("Checking", None).at(rows)

    def on_notices(self, notices: Sequence[Notice]) -> None:
        """Say what was left aside, or read all the same, further down the sheet."""
        if self._talks:
            self.close_bar()
            for notice in notices:
                print_line(notice.text)

    def on_rows_merged(self, other_names: Sequence[NameConflict]) -> None:
        """Keep them for the summary, which comes when all rows are judged."""
        self.other_names = other_names

    def on_progress(self, progress: Progress) -> None:
        """Move the bar of the sending, which says when it waits and why."""
        self._has_sent = True
        self._time_left.update(time.monotonic(), progress.done, progress.waiting_s)
        self._bar_of("Sending", progress.total).at(progress.done, describe_progress(progress, self._time_left))

    def on_answers_saved(self, path: Path) -> None:
        """Say where the answers are."""
        print_line(f"Your answers are kept in {path}, for the next sheet with these columns.", err=True)

    def _bar_of(self, title: str, total: int | None) -> ProgressBar:
        if self._bar is None or self._bar.title != title:
            self.close_bar()
            self._bar = ProgressBar(title, total=total, shown=self._talks)
        return self._bar

    def close_bar(self) -> None:
        """Close the bar, so that text can follow it."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class TerminalPrompter:
    """Asks the person at the terminal. `observer` is the one of the same run: its bar is in the way of a question."""

    def __init__(self, observer: TerminalObserver) -> None:
        self._observer = observer

    def confirm_saved_map(self, path: Path) -> bool:
        """Propose the answers of an earlier sheet."""
        self._observer.close_bar()
        return prompts.ask_about_saved_map(path)

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Ask which column holds the leads' phones."""
        self._observer.close_bar()
        return prompts.ask_phone_column(questions)

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Ask about each column that the mapping is unsure of."""
        self._observer.close_bar()
        return prompts.ask_columns(questions)

    def choose_titles(self, unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
        """Ask about each distinct value that the account does not have."""
        self._observer.close_bar()
        return prompts.ask_titles(unknown)

    def confirm_send(self, summary: Summary) -> bool:
        """Show the check's summary and ask before the first write. With `--json` standard output is left to the JSON."""
        self._observer.close_bar()
        for line in format_summary(
            summary, self._observer.reports / summary.run_id, self._observer.other_names
        ):
            print_line(line, err=self._observer.is_json)
        going = summary.counts.get("accepted", 0)
        if not going:
            print_line("No row can be sent.", err=True)
            return False
        leads = "1 lead" if going == 1 else f"{going:,} leads"
        return prompts.confirm(f"Send {leads} to {self._observer.crm} now?")


def describe_progress(progress: Progress, time_left: EtaEstimator) -> str:
    """What stands behind the bar: the rate of rows, what did not go in, why it waits, and how long the rest takes."""
    parts = []
    if time_left.rows_per_s:
        parts.append(f"{time_left.rows_per_s:.{1 if time_left.rows_per_s < 10 else 0}f} rows/s")
    if progress.not_in:
        parts.append(f"{progress.not_in:,} did not go in")
    if progress.waiting_s:
        parts.append(f"waiting {format_duration(progress.waiting_s)} for the CRM")
    left = time_left.estimate_left_s(progress.total - progress.done, progress.waiting_s)
    if left:
        parts.append(f"about {format_duration(left)} left")
    return ", ".join(parts)
