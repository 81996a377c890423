"""runs, report, purge: what earlier runs left."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from importer.cli.console import is_interactive, print_line, print_json
from importer.cli.flags import read_settings, add_reports_options
from importer.cli.prompts import confirm
from importer.cli.summary_view import format_file_notices
from importer.command_hints import format_run_command
from importer.errors import UsageError, raise_as_nothing_sent
from importer.models.status import CHECK_MEANINGS, RowStatus, RunState
from importer.pipeline.resume import rewrite_reports
from importer.pipeline.runs import RunLine, find_old_runs, find_run, list_runs, now, purge


@click.command("runs")
@add_reports_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def runs_command(as_json: bool, **flags: Any) -> int:
    """List the runs there are: id, file, when, counts, and whether it can be resumed."""
    reports = read_settings(flags).reports
    lines = list_runs(Path(reports))
    if as_json:
        print_json(lines)
        return 0
    for line in lines:
        print_line(_line(line, Path(reports)))
    if not lines:
        print_line(f"There are no runs in {reports} yet. Begin with: importer check FILE", err=True)
    return 0


@click.command("report")
@click.argument("run")
@add_reports_options
def report_command(run: str, **flags: Any) -> int:
    """Write the reports of RUN again from its journal."""
    folder = find_run(Path(read_settings(flags).reports), run)
    for line in format_file_notices(rewrite_reports(folder)):
        print_line(line)
    print_line(f"Written again: {folder / 'report.html'}", err=True)
    return 0


@click.command("purge")
@click.option(
    "--older-than",
    required=True,
    metavar="90d",
    help="Remove runs that started longer ago (d days, h hours).",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@add_reports_options
def purge_command(older_than: str, yes: bool, **flags: Any) -> int:
    """Remove old runs with all personal data in them; what notes were sent stays known, as fingerprints."""
    age, reports = _age(older_than), read_settings(flags).reports
    old, unsure = find_old_runs(Path(reports), age, now())
    for line in unsure:
        print_line(
            f"{line.run_id} stays: it cannot be read, and was written to less than {older_than} ago.",
            err=True,
        )
    if not old:
        print_line(f"No run in {reports} is older than {older_than}.", err=True)
        return 0
    if not yes:
        _agree(old)
    with raise_as_nothing_sent():
        gone = purge(Path(reports), old)
    print_line(f"Removed {_runs(len(gone))}{': ' + ', '.join(gone) if gone else ''}.", err=True)
    if len(gone) < len(old):
        left = len(old) - len(gone)
        print_line(
            f"{_runs(left)} {'stays: it is' if left == 1 else 'stay: they are'} being sent right now.",
            err=True,
        )
    return 0


def _agree(old: list[RunLine]) -> None:
    """Ask before anything is removed. Raises UsageError for a no, and where nobody is there to answer."""
    if not is_interactive():
        raise UsageError(
            "Nobody is at the terminal to agree to the removing.", "If you agree, add --yes to the command."
        )
    unfinished = sum(line.resumable for line in old)
    but = f" {_runs(unfinished)} of them could still be resumed." if unfinished else ""
    if not confirm(f"Remove {_runs(len(old))} with all personal data in them?{but}"):
        raise UsageError("Nothing was removed.")


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([dh])", text.strip().lower())
    if not found:
        raise UsageError(f"--older-than takes days or hours, such as 90d or 12h, not {text!r}.")
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))


def _line(line: RunLine, reports: Path) -> str:
    if line.damage:
        return f"{line.run_id}  cannot be read: {line.damage}"
    words = {RowStatus.ACCEPTED: CHECK_MEANINGS[RowStatus.ACCEPTED]} if line.state == RunState.CHECKED else {}
    counts = ", ".join(
        f"{line.counts[status]:,} {words.get(status, status)}"
        for status in RowStatus
        if line.counts.get(status)
    )
    how = f"  -> {format_run_command('resume', reports / line.run_id)}" if line.resumable else ""
    return (
        f"{line.run_id}  {line.started_at[:16].replace('T', ' ')}  {line.file}  {line.state}: {counts}{how}"
    )
