"""The commands that import: check, run, resume, retry. Each one only calls the pipeline and shows the result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from importer.cli.console import is_interactive, print_json, print_line
from importer.cli.flags import (
    add_check_options,
    add_run_options,
    add_sending_options,
    read_settings,
    repeat_options,
)
from importer.cli.logging_setup import load_credentials
from importer.errors import UnreadableFileError, UsageError
from importer.loader.formats.not_a_sheet import check_is_no_link
from importer.messages import help_messages, terminal_messages
from importer.pipeline.reports_folder import find_run, reports_beside
from importer.reader.source import make_open_options, open_file
from importer.settings import Settings
from importer.untrusted_text import quote_command

if TYPE_CHECKING:
    from importer.cli.terminal_observer import TerminalObserver
    from importer.credentials import Credentials
    from importer.pipeline.context import RunContext
    from importer.report.summary import Summary

REPEATED_AFTER_RUN = frozenset({"config", "reports"})
"""The options to type again after a run. The others are in its journal."""


@click.command("check", help=help_messages.COMMAND_HELP["check"])
@click.argument("file")
@add_check_options
def check_command(file: str, **flags: Any) -> int:
    """Check every row of a file."""
    settings, next_options = resolve_file_settings(file, flags)
    source = find_source(file)
    credentials = load_credentials()
    with open_file(source, make_open_options(settings)) as sheet, make_observer(settings) as observer:
        from importer.pipeline.run import check

        summary = check(sheet, make_context(settings, credentials, observer, asks=False))
    return show_result(summary, settings, next_options, observer)


@click.command("run", help=help_messages.COMMAND_HELP["run"])
@click.argument("file")
@add_run_options
def run_command(file: str, **flags: Any) -> int:
    """Check a file, ask for confirmation, and send it."""
    settings, next_options = resolve_file_settings(file, flags, only=REPEATED_AFTER_RUN)
    source = find_source(file)
    asks = should_confirm(settings, quote_command("importer", "run", file) + repeat_options(flags))
    credentials = load_credentials()
    options = make_open_options(settings, asks=asks)
    with open_file(source, options) as sheet, make_observer(settings) as observer:
        from importer.pipeline.run import run

        summary = run(sheet, make_context(settings, credentials, observer, asks=asks))
    return show_result(summary, settings, next_options, observer)


@click.command("resume", help=help_messages.COMMAND_HELP["resume"])
@click.argument("run")
@add_sending_options
def resume_command(run: str, **flags: Any) -> int:
    """Finish a run."""
    from importer.pipeline.resume import resume

    return continue_run(resume, run, flags)


@click.command("retry", help=help_messages.COMMAND_HELP["retry"])
@click.argument("run")
@add_sending_options
def retry_command(run: str, **flags: Any) -> int:
    """Check and send again the rows that did not go in during an earlier run."""
    from importer.pipeline.resume import retry

    return continue_run(retry, run, flags, confirmed_command="retry")


def continue_run(
    step: Callable[[str, RunContext], Summary | None],
    run: str,
    flags: dict[str, Any],
    *,
    confirmed_command: str = "",
) -> int:
    """Take the next step of a run, named by its id or its folder, and show the result.

    A person is asked before the first write of a `confirmed_command`. A step without a summary found nothing to do.
    """
    settings, next_options = resolve_run_settings(run, flags)
    asks = False
    if confirmed_command:
        command = quote_command("importer", confirmed_command, run) + repeat_options(flags)
        asks = should_confirm(settings, command)
    credentials = load_credentials()
    with make_observer(settings) as observer:
        summary = step(run, make_context(settings, credentials, observer, asks=asks))
    if summary is None:
        return _show_nothing_to_retry(run, settings)
    return show_result(summary, settings, next_options, observer)


def _show_nothing_to_retry(run: str, settings: Settings) -> int:
    text = terminal_messages.NOTHING_TO_RETRY.format(run=run)
    print_line(text, err=True)
    if settings.json:
        print_json({"exit_code": 0, "message": text})
    return 0


def make_observer(settings: Settings) -> TerminalObserver:
    """Return what shows the run on the terminal."""
    # Imported here, because the reading process opens the file in the meantime.
    from importer.cli.terminal_observer import TerminalObserver

    return TerminalObserver(settings)


def make_context(
    settings: Settings, credentials: Credentials, observer: TerminalObserver, *, asks: bool
) -> RunContext:
    """Return the surroundings of a run; `asks` says whether a person answers questions."""
    from importer.cli.terminal_observer import TerminalPrompter
    from importer.pipeline.context import RunContext

    prompter = TerminalPrompter(observer, credentials.base_url) if asks else None
    return RunContext(settings=settings, credentials=credentials, observer=observer, prompter=prompter)


def show_result(summary: Summary, settings: Settings, next_options: str, observer: TerminalObserver) -> int:
    """Print how a run ended, and return its exit code."""
    from importer.cli import summary_view

    return summary_view.show_result(summary, settings, next_options, other_names=observer.other_names)


def resolve_file_settings(
    file: str, flags: dict[str, Any], *, only: frozenset[str] | None = None
) -> tuple[Settings, str]:
    """Return the settings, and the options to repeat in the next command.

    A report of an earlier run is imported into that run's reports folder, which knows the notes that were sent.
    """
    settings = read_settings(flags)
    reports = reports_beside(Path(file))
    if reports and flags.get("reports") is None and not _is_same_folder(reports, Path(settings.reports)):
        if not settings.quiet:
            print_line(terminal_messages.REPORTS_FOLDER_OF_FILE.format(reports=reports), err=True)
        return _use_reports_folder(reports, settings, flags, only)
    return settings, repeat_options(flags, only=only)


def resolve_run_settings(run: str, flags: dict[str, Any]) -> tuple[Settings, str]:
    """Return the same for a run, named by its id or its folder. Raises RunNotFoundError.

    The reports folder is the one that has the run: its locks and the notes that were sent are there.
    """
    settings = read_settings(flags)
    reports = find_run(Path(settings.reports), run).parent
    if _is_same_folder(reports, Path(settings.reports)):
        return settings, repeat_options(flags, only=REPEATED_AFTER_RUN)
    return _use_reports_folder(reports, settings, flags, REPEATED_AFTER_RUN)


def _is_same_folder(folder: Path, other: Path) -> bool:
    try:
        return folder.samefile(other)
    except OSError:  # one of them does not exist
        return False


def _use_reports_folder(
    reports: Path, settings: Settings, flags: dict[str, Any], only: frozenset[str] | None
) -> tuple[Settings, str]:
    next_options = repeat_options({**flags, "reports": str(reports)}, only=only)
    return settings.replace(reports=str(reports)), next_options


def should_confirm(settings: Settings, command: str) -> bool:
    """Return whether to ask before the first write. `command` is what was typed.

    Raises UsageError if nobody can be asked and there is no --yes.
    """
    if settings.yes:
        return False
    if not is_interactive():
        raise UsageError(*terminal_messages.CONFIRMATION_NEEDED.format(command=command))
    return True


def find_source(file: str) -> Path | BinaryIO:
    """Return the file, or standard input for "-". Raises UnreadableFileError if there is nothing to read."""
    if file == "-":
        return sys.stdin.buffer
    path = Path(file)
    if path.is_dir():
        raise UnreadableFileError(*terminal_messages.FILE_IS_FOLDER.format(file=file))
    if path.is_char_device() or path.is_block_device():
        raise UnreadableFileError(*terminal_messages.FILE_IS_DEVICE.format(file=file))
    if not path.exists():
        check_is_no_link(file)
        raise UnreadableFileError(*terminal_messages.FILE_NOT_FOUND.format(file=file))
    return path
