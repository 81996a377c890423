"""The command watch: import the sheets that appear in a folder, once or again and again, with one line for each file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import Any

import click

from importer.cli.console import print_line
from importer.cli.flags import add_watch_options, read_settings, repeat_options
from importer.cli.logging_setup import load_credentials
from importer.cli.run_commands import REPEATED_AFTER_RUN
from importer.cli.summary_view import format_last_line
from importer.command_hints import format_run_command
from importer.errors import ImporterError, RunInterruptedError, RunLockedError, RunStoppedError, UsageError
from importer.journal.database import JOURNAL_NAME
from importer.messages import help_messages, watch_messages
from importer.pipeline.context import RunContext
from importer.pipeline.watch_folder import (
    FileLook,
    SendLimits,
    list_ready,
    look_at_folder,
)
from importer.pipeline.watched_file import (
    FileEnding,
    FileResult,
    WatchOptions,
    import_file,
    open_watched_account,
)
from importer.untrusted_text import quote_command

_SETTLE_S = 3.0  # between the two looks of --once
_NOT_ALL_CODE, _STOPPED_CODE, _INTERRUPTED_CODE = 1, 3, 130
_SEVERITY = (0, _NOT_ALL_CODE, RunLockedError.exit_code, 2, _STOPPED_CODE, _INTERRUPTED_CODE)
"""Exit codes of files. The last one is that of the command."""


@click.command("watch", help=help_messages.COMMAND_HELP["watch"])
@click.argument("folder")
@click.option("--once", is_flag=True, help=help_messages.OPTION_ONCE)
@click.option("--every", type=click.FloatRange(1, 86_400), metavar="SECONDS", help=help_messages.OPTION_EVERY)
@click.option("--done", metavar="DIR", help=help_messages.OPTION_DONE)
@click.option("--plan-only", is_flag=True, help=help_messages.OPTION_PLAN_ONLY)
@click.option("--stop-if-invalid", metavar="PERCENT", help=help_messages.OPTION_STOP_IF_INVALID)
@click.option(
    "--stop-if-updates", type=click.IntRange(0), metavar="N", help=help_messages.OPTION_STOP_IF_UPDATES
)
@click.option(
    "--stop-if-conflicts", type=click.IntRange(0), metavar="N", help=help_messages.OPTION_STOP_IF_CONFLICTS
)
@add_watch_options
def watch_command(
    folder: str,
    *,
    once: bool,
    every: float | None,
    done: str | None,
    plan_only: bool,
    stop_if_invalid: str | None,
    stop_if_updates: int | None,
    stop_if_conflicts: int | None,
    **flags: Any,
) -> int:
    """Import the sheets of a folder."""
    if once == (every is not None):
        raise UsageError(*watch_messages.NEEDS_ONCE_OR_EVERY)
    options = WatchOptions(
        done=None if done is None else Path(done),
        plan_only=plan_only,
        limits=SendLimits(
            invalid_percent=_parse_percent(stop_if_invalid),
            updates=stop_if_updates,
            conflicts=stop_if_conflicts,
        ),
    )
    _check_folders(Path(folder), options.done)
    # What importer.toml may say for single sheets: with a limit, a file would count as imported and be so in part.
    settings = read_settings(flags).replace(run_id=None, save=None, limit=None, look_up="all")
    context = RunContext(settings=settings, credentials=load_credentials())
    context.choose_policies()  # raises what is wrong with them before a file comes
    watcher = FolderWatcher(Path(folder), options, context, flags)
    return watcher.run_once(sleep) if every is None else watcher.run_forever(every, sleep)


def _check_folders(folder: Path, done: Path | None) -> None:
    """Raise UsageError for folders that cannot be watched, or that would be watched again."""
    if not folder.is_dir():
        raise UsageError(*watch_messages.NO_SUCH_FOLDER.format(folder=folder))
    if (folder / JOURNAL_NAME).is_file():
        raise UsageError(*watch_messages.FOLDER_OF_A_RUN.format(folder=folder))
    if done is not None and done.resolve() == folder.resolve():
        raise UsageError(*watch_messages.DONE_IS_WATCHED.format(folder=folder))


def _parse_percent(text: str | None) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,2}|100)%", text.strip())
    if not found:
        raise UsageError(*watch_messages.WRONG_PERCENT.format(value=text))
    return int(found[1])


class FolderWatcher:
    """Looks at a folder, imports what is ready, and says what became of each file: once, until that changes."""

    def __init__(
        self, folder: Path, options: WatchOptions, context: RunContext, flags: Mapping[str, Any]
    ) -> None:
        self._folder = folder
        self._options = options
        self._context = context
        self._flags = flags
        self._looks: dict[str, FileLook] = {}
        self._done: dict[str, FileLook] = {}
        self._said: dict[str, str] = {}

    def run_once(self, sleep: Callable[[float], None]) -> int:
        """Look twice, import what is ready, and return the exit code."""
        self._looks = look_at_folder(self._folder)
        if self._looks:
            sleep(_SETTLE_S)
        code = self.import_ready()
        for name in sorted(self._looks.keys() - self._said.keys() - self._done.keys()):
            self._say(name, watch_messages.STILL_CHANGING)
        if not self._said and not self._context.settings.quiet:
            print_line(watch_messages.NOTHING_NEW.format(folder=self._folder))
        return code

    def run_forever(self, every_s: float, sleep: Callable[[float], None]) -> int:
        """Look again and again, and import what looks the same twice, until Ctrl-C. Return the exit code."""
        while (code := self.import_ready()) != _INTERRUPTED_CODE:
            try:
                sleep(every_s)
            except KeyboardInterrupt:
                print_line(watch_messages.STOPPED_WATCHING.format(folder=self._folder), err=True)
                return 0
        return code

    def import_ready(self) -> int:
        """Import each file that looks as it did at the last look. Return the most severe of the exit codes."""
        before, self._looks = self._looks, look_at_folder(self._folder)
        names = [
            name for name in list_ready(before, self._looks) if self._done.get(name) != self._looks[name]
        ]
        worst, is_going_on = 0, True
        for name in names:
            if is_going_on:
                code, is_going_on = self._import_file(name)
                worst = max(worst, code, key=_SEVERITY.index)
        return worst

    def _import_file(self, name: str) -> tuple[int, bool]:
        """Return the exit code of a file, and whether the next one can be tried."""
        path = self._folder / name
        try:
            if self._context.account is None:
                self._context = open_watched_account(self._context)
            result = import_file(path, self._looks[name], self._options, self._context)
        except RunInterruptedError:
            raise
        except ImporterError as error:
            self._say(name, str(error), is_problem=True)
            return _judge_error(error)
        if result.ending.is_done:
            self._done[name] = self._looks[name]
        code = _find_exit_code(result)
        if text := self._describe(path, result):
            self._say(name, text, is_problem=code != 0)
        return code, code not in (_STOPPED_CODE, _INTERRUPTED_CODE)

    def _describe(self, path: Path, result: FileResult) -> str:
        """Return what became of a file, in words; "" where nothing need be said."""
        run = quote_command("importer", "run", str(path)) + repeat_options(self._flags)
        match result.ending:
            case FileEnding.KNOWN:
                return ""
            case FileEnding.CHANGING:
                return watch_messages.STILL_CHANGING
            case FileEnding.OWN_REPORT:
                return watch_messages.OWN_REPORT.format(command=run)
            case FileEnding.UNKNOWN_COLUMNS:
                return watch_messages.UNKNOWN_COLUMNS.format(command=run)
            case FileEnding.HELD_BACK | FileEnding.ON_HOLD:
                assert result.folder is not None
                text, command = _WAITING[result.ending]
                return text.format(reason=result.reason, command=format_run_command(command, result.folder))
            case FileEnding.SENT | FileEnding.PLANNED | FileEnding.STOPPED:
                assert result.summary is not None
                folder = Path(self._context.settings.reports) / result.summary.run_id
                options = repeat_options(self._flags, only=REPEATED_AFTER_RUN)
                return format_last_line(result.summary, folder, options)

    def _say(self, name: str, text: str, *, is_problem: bool = False) -> None:
        """Print a line about a file, unless it was the last one about it."""
        if self._said.get(name) != text and (is_problem or not self._context.settings.quiet):
            print_line(watch_messages.FILE_LINE.format(file=name, text=text), err=is_problem)
        self._said[name] = text


def _judge_error(error: ImporterError) -> tuple[int, bool]:
    """Return the exit code for a file that could not be imported, and whether the next one can be tried.

    Without network or key no file can be imported. Before the first write such an error comes as NothingSentError.
    """
    if isinstance(error, RunStoppedError) or isinstance(error.__cause__, RunStoppedError):
        return _STOPPED_CODE, False
    return (error.exit_code, False) if isinstance(error, RunLockedError) else (_NOT_ALL_CODE, True)


_WAITING = {
    FileEnding.HELD_BACK: (watch_messages.HELD_BACK, "apply"),
    FileEnding.ON_HOLD: (watch_messages.ON_HOLD, "resume"),
}
"""What is said of a file whose run waits for a person, and the command for it."""


def _find_exit_code(result: FileResult) -> int:
    match result.ending:
        case FileEnding.UNKNOWN_COLUMNS | FileEnding.HELD_BACK | FileEnding.ON_HOLD:
            return _NOT_ALL_CODE
        case FileEnding.SENT | FileEnding.PLANNED | FileEnding.STOPPED:
            assert result.summary is not None
            return result.summary.exit_code
        case _:
            return 0
