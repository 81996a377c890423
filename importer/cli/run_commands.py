"""check, run, resume, retry: thin commands over the pipeline."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from importer.cli.console import is_interactive, print_line, print_json
from importer.cli.flags import add_import_options, read_settings, add_sending_options, repeat_options
from importer.credentials import find_credentials
from importer.errors import UnreadableFileError, UsageError
from importer.pipeline.runs import find_run, reports_beside
from importer.reader.source import make_open_options, open_file
from importer.settings import Settings
from importer.untrusted_text import quote_command

if TYPE_CHECKING:
    from importer.cli.terminal_observer import TerminalObserver
    from importer.credentials import Credentials
    from importer.pipeline.context import RunContext
    from importer.report.summary import Summary


@click.command("check")
@click.argument("file")
@add_import_options
def check_command(file: str, **flags: Any) -> int:
    """Check every row of FILE against the account; change nothing in the CRM.

    FILE is a CSV or Excel sheet, or - for CSV on standard input.
    """
    settings, again = _told(file, flags)
    source = find_source(file)
    credentials = find_credentials(os.environ, Path())
    with open_file(source, make_open_options(settings)) as sheet, _observe(settings) as observer:
        from importer.pipeline.run import check

        summary = check(sheet, _make_context(settings, credentials, observer, asks=False))
    return _show_end(summary, settings, again, observer)


@click.command("run")
@click.argument("file")
@add_import_options
def run_command(file: str, **flags: Any) -> int:
    """Check FILE, ask, then send the rows that passed.

    FILE is a CSV or Excel sheet, or - for CSV on standard input.
    """
    settings, again = _told(file, flags, only=_NEXT)
    source = find_source(file)
    asks = should_confirm(settings, quote_command("importer", "run", file) + repeat_options(flags))
    credentials = find_credentials(os.environ, Path())
    with open_file(source, make_open_options(settings)) as sheet, _observe(settings) as observer:
        from importer.pipeline.run import run

        summary = run(sheet, _make_context(settings, credentials, observer, asks=asks))
    return _show_end(summary, settings, again, observer)


@click.command("resume")
@click.argument("run")
@add_sending_options
def resume_command(run: str, **flags: Any) -> int:
    """Finish RUN, which was interrupted or stopped. RUN is a run id or its folder."""
    settings, again = _told_of(run, flags)
    credentials = find_credentials(os.environ, Path())
    with _observe(settings) as observer:
        from importer.pipeline.resume import resume

        summary = resume(run, _make_context(settings, credentials, observer, asks=False))
    return _show_end(summary, settings, again, observer)


@click.command("retry")
@click.argument("run")
@add_sending_options
def retry_command(run: str, **flags: Any) -> int:
    """Send the rows of RUN again that did not go in, as a new run with its mapping and options."""
    settings, again = _told_of(run, flags)
    asks = should_confirm(settings, quote_command("importer", "retry", run) + repeat_options(flags))
    credentials = find_credentials(os.environ, Path())
    with _observe(settings) as observer:
        from importer.pipeline.resume import retry

        summary = retry(run, _make_context(settings, credentials, observer, asks=asks))
    if summary is None:
        print_line(f"Run {run} has no row left that could go in: there is nothing to retry.", err=True)
        if settings.json:
            print_json(None)
        return 0
    return _show_end(summary, settings, again, observer)


def _observe(settings: Settings) -> TerminalObserver:
    # What judges and sends rows is loaded here, while the reading process opens the file.
    from importer.cli.terminal_observer import TerminalObserver

    return TerminalObserver(settings)


def _make_context(
    settings: Settings, credentials: Credentials, observer: TerminalObserver, *, asks: bool
) -> RunContext:
    from importer.cli.terminal_observer import TerminalPrompter
    from importer.pipeline.context import RunContext

    prompter = TerminalPrompter(observer) if asks else None
    return RunContext(settings=settings, credentials=credentials, observer=observer, prompter=prompter)


def _show_end(summary: Summary, settings: Settings, again: str, observer: TerminalObserver) -> int:
    from importer.cli.summary_view import show_result

    return show_result(summary, settings, again, other_names=observer.other_names)


_NEXT = frozenset({"config", "reports"})
"""What must be typed again after a run: its journal knows the rest."""


def _told(file: str, flags: dict[str, Any], *, only: frozenset[str] | None = None) -> tuple[Settings, str]:
    """The settings, and what of them to type with the next command.

    A report that is fed back stays in its own reports folder, wherever it is called from: there is the memory
    of the notes that were sent.
    """
    settings = read_settings(flags)
    home = reports_beside(Path(file))
    if home and flags.get("reports") is None and not _is_same(home, Path(settings.reports)):
        if not settings.quiet:
            print_line(f"This file is a report of a run in {home}, so the new run is kept there too.", err=True)
        return _at_home(home, settings, flags, only)
    return settings, repeat_options(flags, only=only)


def _told_of(run: str, flags: dict[str, Any]) -> tuple[Settings, str]:
    """The same for a run, named by its id or its folder. Raises RunNotFoundError.

    Its reports folder is the one that it lies in: there are its locks, and the memory of the notes that were sent.
    """
    settings = read_settings(flags)
    home = find_run(Path(settings.reports), run).parent
    if _is_same(home, Path(settings.reports)):
        return settings, repeat_options(flags, only=_NEXT)
    return _at_home(home, settings, flags, _NEXT)


def _is_same(folder: Path, other: Path) -> bool:
    try:
        return folder.samefile(other)
    except OSError:  # one of them is not there
        return False


def _at_home(
    home: Path, settings: Settings, flags: dict[str, Any], only: frozenset[str] | None
) -> tuple[Settings, str]:
    return settings.replace(reports=str(home)), repeat_options({**flags, "reports": str(home)}, only=only)


def should_confirm(settings: Settings, command: str) -> bool:
    """Whether to ask before the first write. Raises UsageError where nobody is there to answer: `command` was typed."""
    if settings.yes:
        return False
    if not is_interactive():
        raise UsageError(
            "Nobody is at the terminal to agree to the sending.", f"If you agree, say so: {command} --yes"
        )
    return True


def find_source(file: str) -> Path | BinaryIO:
    """The file, or standard input. Raises UnreadableFileError when there is nothing to read."""
    if file == "-":
        return sys.stdin.buffer
    path = Path(file)
    if path.is_dir():
        raise UnreadableFileError(f"{file} is a folder.", "Name the sheet in it.")
    if path.is_char_device() or path.is_block_device():
        raise UnreadableFileError(
            f"{file} is a device, not a sheet.", "Name a file, or - for standard input."
        )
    if not path.exists():
        raise UnreadableFileError(f"There is no file {file}.", "Check the name and the folder you are in.")
    return path
