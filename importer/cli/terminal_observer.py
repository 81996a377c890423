"""Shows the progress of a run on the terminal, and asks the person who started it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from importer.cli import answer_review, prompts
from importer.cli.console import (
    ProgressBar,
    format_duration,
    print_line,
    print_wait,
    sending_started,
    verbosity,
)
from importer.cli.owner_prompts import ask_owners
from importer.cli.summary_view import format_columns, format_summary
from importer.command_hints import format_run_command
from importer.credentials import is_loopback
from importer.journal.run_metadata import RunMetadata
from importer.messages import (
    format_count,
    prompt_messages,
    task_messages,
    terminal_messages,
    undo_messages,
)
from importer.models.mapping import Notice
from importer.models.status import RunKind
from importer.pipeline.context import NameConflict, RunObserver
from importer.pipeline.questions import (
    Answer,
    BadCells,
    ColumnQuestion,
    OwnerQuestion,
    RestQuestion,
    SendDecision,
    SheetQuestion,
    SourceQuestion,
    TaskQuestion,
    UnknownValue,
)
from importer.report.summary import Summary
from importer.sender.eta import EtaEstimator
from importer.sender.send_loop import Progress
from importer.settings import Settings

_MIN_SHOWN_WAIT_S = 2.0


class TerminalObserver(RunObserver):
    """Prints the events of a run. With `--json` and `--quiet` it prints nothing.

    With -v there is no progress bar, because log lines would break it.
    """

    def __init__(self, settings: Settings) -> None:
        self._prints = not (settings.json or settings.quiet)
        self._has_said_wait = False
        self._shows_bar = self._prints and not verbosity.get()
        self.other_names: Sequence[NameConflict] = ()
        self.is_json = settings.json
        self._rate_per_s = None if settings.rate == "auto" else float(settings.rate)
        self.reports = Path(settings.reports)
        self._bar: ProgressBar | None = None
        self._eta = EtaEstimator()
        self._sending_started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Set here and not in `on_progress`: a task of the event loop only changes its own copy of the variable.
        sending_started.set(self._sending_started)
        self.close_bar()

    def on_interrupted_run_found(self, folder: Path) -> None:
        """Print how to finish the earlier run instead of sending every row again."""
        if self._prints:
            command = format_run_command("resume", folder)
            print_line(terminal_messages.INTERRUPTED_RUN_FOUND.format(run_id=folder.name, command=command))

    def on_wait(self, seconds: float) -> None:
        """Print that the CRM asks to wait, since that can last for minutes."""
        if self._prints:
            print_wait(seconds)

    def on_worker_wait(self, seconds: float) -> None:
        """Print once why nothing happens for about a minute."""
        if self._prints and not self._has_said_wait:
            self._has_said_wait = True
            text = terminal_messages.WAITING_FOR_WORKER.format(duration=format_duration(seconds))
            print_line(text, err=True)

    def on_mapping_decided(self, header: RunMetadata) -> None:
        """Print which column goes to which field."""
        if self._prints:
            print_line(terminal_messages.READING.format(file=header.file))
            for line in format_columns(header):
                print_line(line)

    def on_rows_judged(self, rows: int) -> None:
        """Move the bar of the check."""
        self._get_bar(terminal_messages.CHECKING, None).update(rows)

    def on_notices(self, notices: Sequence[Notice]) -> None:
        """Print the notices about the rest of the sheet."""
        if self._prints:
            self.close_bar()
            for notice in notices:
                print_line(notice.text)

    def on_rows_merged(self, other_names: Sequence[NameConflict]) -> None:
        """Keep the rows for the summary, which is printed when all rows are checked."""
        self.other_names = other_names

    def on_progress(self, progress: Progress) -> None:
        """Move the bar of the sending and show behind it how the sending goes."""
        self._sending_started = True
        self._eta.update(time.monotonic(), progress.done, progress.waiting_s)
        bar = self._get_bar(terminal_messages.SENDING, progress.total)
        bar.update(progress.done, describe_progress(progress, self._eta))

    def on_look_ups_begin(self, phones: int) -> None:
        """Print how many leads are looked up, and how long that takes at a fixed rate."""
        if self._prints and phones:
            self.close_bar()
            print_line(terminal_messages.format_look_ups(phones, self._rate_per_s))

    def on_look_up_progress(self, progress: Progress) -> None:
        """Move the bar of the look-ups."""
        self._eta.update(time.monotonic(), progress.done, progress.waiting_s)
        bar = self._get_bar(terminal_messages.LOOKING_UP, progress.total)
        bar.update(progress.done, describe_progress(progress, self._eta))

    def on_tasks_begin(self, tasks: int, wait_s: float) -> None:
        """Print how many tasks are created, and why that has to wait."""
        del tasks
        if self._prints and wait_s >= _MIN_SHOWN_WAIT_S:
            self.close_bar()
            print_line(task_messages.WAITING_FOR_DOUBT.format(duration=format_duration(wait_s)))

    def on_task_progress(self, progress: Progress) -> None:
        """Move the bar of the tasks."""
        self._sending_started = True
        self._eta.update(time.monotonic(), progress.done, progress.waiting_s)
        bar = self._get_bar(task_messages.CREATING, progress.total)
        bar.update(progress.done, describe_progress(progress, self._eta))

    def on_answers_saved(self, path: Path) -> None:
        """Print where the answers are saved."""
        print_line(terminal_messages.ANSWERS_SAVED.format(path=path), err=True)

    def _get_bar(self, title: str, total: int | None) -> ProgressBar:
        if self._bar is None or self._bar.title != title:
            self.close_bar()
            self._bar = ProgressBar(title, total=total, enabled=self._shows_bar)
        return self._bar

    def close_bar(self) -> None:
        """Close the bar before other text is printed."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class TerminalPrompter:
    """Asks the person at the terminal. It closes the bar of `observer` before each question, and names the CRM."""

    def __init__(self, observer: TerminalObserver, base_url: str) -> None:
        self._observer = observer
        self._crm = describe_crm(base_url)

    def confirm_saved_map(self, path: Path) -> bool:
        """Ask whether to use the answers for an earlier sheet."""
        self._observer.close_bar()
        return prompts.ask_about_saved_map(path)

    def choose_sheets(self, sheets: Sequence[SheetQuestion]) -> Sequence[str]:
        """Ask which of the sheets to read."""
        self._observer.close_bar()
        return prompts.ask_sheets(sheets)

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Ask which column has the leads' phones."""
        self._observer.close_bar()
        return prompts.ask_phone_column(questions)

    def choose_name_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Ask which column has the leads' names."""
        self._observer.close_bar()
        return prompts.ask_name_column(questions)

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Ask about each column with an unsure mapping."""
        self._observer.close_bar()
        return prompts.ask_columns(questions)

    def choose_source(self, question: SourceQuestion) -> str:
        """Ask where the leads come from."""
        self._observer.close_bar()
        return prompts.ask_source(question)

    def confirm_rest(self, question: RestQuestion) -> bool:
        """Ask whether to keep the columns that go to no field."""
        self._observer.close_bar()
        return prompts.ask_about_rest(question)

    def confirm_tasks(self, question: TaskQuestion) -> bool:
        """Ask whether to create tasks from a column of dates."""
        self._observer.close_bar()
        return prompts.ask_about_tasks(question)

    def choose_titles(self, unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
        """Ask about each distinct value that does not exist in the account."""
        self._observer.close_bar()
        return prompts.ask_titles(unknown)

    def choose_owners(self, questions: Sequence[OwnerQuestion]) -> dict[str, str]:
        """Ask for the phone of each owner who is named in the sheet."""
        self._observer.close_bar()
        return ask_owners(questions)

    def confirm_drop_bad_cells(self, bad_cells: BadCells) -> bool:
        """Ask whether rows may go in without their cells that cannot be read."""
        self._observer.close_bar()
        return prompts.ask_about_bad_cells(bad_cells)

    def confirm_send(self, summary: Summary, answers: Sequence[Answer]) -> SendDecision | Answer:
        """Show the summary of the check and ask before the first write. With `--json` it goes to standard error."""
        self._observer.close_bar()
        folder = self._observer.reports / summary.run_id
        for line in format_summary(summary, folder, self._observer.other_names):
            print_line(line, err=self._observer.is_json)
        leads = summary.counts.get("accepted", 0)
        if not leads and not summary.open_tasks:
            return answer_review.ask_for_change(answers)
        is_undo = summary.kind is RunKind.UNDO
        format_question = undo_messages.format_question if is_undo else prompt_messages.format_send_question
        question = format_question(leads, self._crm)
        if not leads:
            question = task_messages.format_task_question(summary.open_tasks, self._crm)
        return answer_review.ask_to_send(question, answers)


def describe_progress(progress: Progress, eta: EtaEstimator) -> str:
    """Return the text behind the bar: rows a second, rows that did not go in, the wait, and the time left."""
    parts = []
    if rate := eta.rows_per_s:
        parts.append(terminal_messages.PROGRESS_RATE.format(rate=f"{rate:.{1 if rate < 10 else 0}f}"))
    if progress.not_accepted:
        parts.append(terminal_messages.PROGRESS_FAILED.format(rows=format_count(progress.not_accepted)))
    if progress.waiting_s:
        duration = format_duration(progress.waiting_s)
        parts.append(terminal_messages.PROGRESS_WAITING.format(duration=duration))
    left_s = eta.estimate_left_s(progress.total - progress.done, progress.waiting_s)
    if left_s:
        parts.append(terminal_messages.PROGRESS_TIME_LEFT.format(duration=format_duration(left_s)))
    return ", ".join(parts)


def describe_crm(base_url: str) -> str:
    """Return which CRM a run sends to, so that the real one is not taken for the sandbox."""
    parts = urlsplit(base_url)
    if is_loopback(parts.hostname or ""):
        return terminal_messages.CRM_ON_THIS_MACHINE.format(host=parts.netloc)
    return terminal_messages.CRM_ELSEWHERE.format(host=parts.netloc)
