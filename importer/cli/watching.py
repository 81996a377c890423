"""Shows a run as it goes, and asks the person at the terminal what only they can know."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import click

from importer.cli.console import Bar, say
from importer.cli.words import columns_table, field_label, summary_lines
from importer.fields import FIELDS
from importer.journal import RunHeader
from importer.loader.columns import UNSURE_BELOW
from importer.models import ColumnChoice, Mapping
from importer.pipeline.watch import UnknownTitle
from importer.report import Summary
from importer.sender import Progress
from importer.settings import Settings


class Teller:
    """The pipeline's watch on a terminal; silent where `--json` or `--quiet` says so."""

    def __init__(self, settings: Settings, *, asks: bool) -> None:
        self.asks = asks
        self._talks = not (settings.json or settings.quiet)
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave_bar()

    def understood(self, header: RunHeader) -> None:
        """Say how the sheet is read."""
        if self._talks:
            say(f"Reading {header.file}")
            for line in columns_table(header):
                say(line)

    def judged(self, rows: int) -> None:
        """Move the bar of the check."""
        self._bar_of("Checking", None).at(rows)

    def sending(self, progress: Progress) -> None:
        """Move the bar of the sending, which says when it waits and why."""
        self._bar_of("Sending", progress.total).at(progress.done, _note(progress))

    def choose_columns(self, mapping: Mapping) -> dict[str, str]:
        """Ask about each column that the mapping is unsure of."""
        self._leave_bar()
        unsure = [column for column in mapping.columns if column.field and column.sureness < UNSURE_BELOW]
        return {column.header: _ask_column(column) for column in unsure}

    def choose_titles(self, unknown: list[UnknownTitle]) -> dict[str, dict[str, str]]:
        """Ask about each distinct value that the account does not have."""
        self._leave_bar()
        answers: dict[str, dict[str, str]] = {}
        for value in unknown:
            if title := _ask_title(value):
                answers.setdefault(value.field, {})[value.value] = title
        return answers

    def confirm(self, summary: Summary) -> bool:
        """Show the check's summary and ask before the first write."""
        self._leave_bar()
        for line in summary_lines(summary):
            say(line)
        going = summary.counts.get("accepted", 0)
        return bool(going) and click.confirm(f"Send {going:,} leads to the CRM now?", default=False, err=True)

    def _bar_of(self, title: str, total: int | None) -> Bar:
        if self._bar is None or self._bar.title != title:
            self._leave_bar()
            self._bar = Bar(title, total=total, shown=self._talks)
        return self._bar

    def _leave_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _note(progress: Progress) -> str:
    parts = [f"{progress.rate_per_s:.0f}/s"]
    if progress.not_in:
        parts.append(f"{progress.not_in} did not go in")
    if progress.waiting_s:
        parts.append(f"the CRM asks to wait {progress.waiting_s:.0f} s")
    return ", ".join(parts)


def _ask_column(column: ColumnChoice) -> str:
    samples = ", ".join(column.samples[:3])
    say(f'Column "{column.header}" ({samples}): {column.reason}', err=True)
    choices = [field.name for field in FIELDS]
    answer: str = click.prompt(
        f"  It goes to (a field, or - to leave it out) [{field_label(column.field)}]",
        default=column.field,
        show_default=False,
        type=click.Choice([*choices, "-"]),
        show_choices=False,
        err=True,
    )
    return "" if answer == "-" else answer


def _ask_title(unknown: UnknownTitle) -> str:
    from rapidfuzz import process

    near = [title for title, _, _ in process.extract(unknown.value, unknown.titles, limit=5)]
    rows = "1 row has" if unknown.rows == 1 else f"{unknown.rows:,} rows have"
    say(f'{rows} {field_label(unknown.field)} "{unknown.value}", which the account does not have.', err=True)
    for number, title in enumerate(near, 1):
        say(f"  {number}  {title}", err=True)
    answer = click.prompt(
        "  Which one is meant? (0 leaves it as it is)", type=click.IntRange(0, len(near)), default=0, err=True
    )
    return near[answer - 1] if answer else ""
