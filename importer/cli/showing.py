"""The end of a command that judged or sent rows: the summary, and the one last line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from importer.cli.console import say, show_json
from importer.cli.words import file_lines, last_line, summary_lines, wholesale_lines
from importer.pipeline.watch import OtherName
from importer.report import Summary
from importer.settings import Settings


def show_end(
    summary: Summary, settings: Settings, again: str = "", *, other_names: Sequence[OtherName] = ()
) -> int:
    """Print how it ended; answers with the exit code. `again` are the options for the next command to type."""
    folder = Path(settings.reports) / summary.run_id
    if settings.json:
        show_json(summary)
    elif not settings.quiet:
        for line in summary_lines(summary, folder, other_names):
            say(line)
        for line in chain(wholesale_lines(summary), file_lines(summary)):
            say(line)
        say(f"Report: {folder / 'report.html'}")
    say(last_line(summary, folder, again), err=True, bold=True)
    return summary.exit_code
