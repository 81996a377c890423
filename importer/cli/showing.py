"""The end of a command that judged or sent rows: the summary, and the one last line."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from importer.cli.console import reader_may_be_gone, say
from importer.cli.words import file_lines, last_line, summary_lines
from importer.report import Summary
from importer.settings import Settings


def show_end(summary: Summary, settings: Settings, again: str = "") -> int:
    """Print how it ended; answers with the exit code. `again` are the options for the next command to type."""
    folder = Path(settings.reports) / summary.run_id
    if settings.json:
        show_json(summary)
    elif not settings.quiet:
        for line in summary_lines(summary):
            say(line)
        for line in file_lines(summary):
            say(line)
        say(f"Report: {folder / 'report.html'}")
    say(last_line(summary, folder, again), err=True, bold=True)
    return summary.exit_code


def show_json(shown: object) -> None:
    """A value as JSON on standard output, in UTF-8 whatever the terminal's encoding."""
    with reader_may_be_gone():
        sys.stdout.flush()
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(shown), indent=2) + b"\n")
        sys.stdout.buffer.flush()
