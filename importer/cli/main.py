"""The entry point: finds the command, runs it, and turns every error into one line and an exit code."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from importer import __version__
from importer.cli.console import (
    flush_output,
    is_json_due,
    print_json,
    print_line,
    sending_started,
    verbosity,
)
from importer.errors import DiskWriteError, ImporterError, RunInterruptedError, RunStoppedError, UsageError
from importer.messages import help_messages, terminal_messages, ui_messages, watch_messages
from importer.process_setup import tune_gc
from importer.untrusted_text import quote_command

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED_CODE = 130
_COMMANDS_WITH_A_RUN = frozenset({"run", "apply", "undo", "resume", "retry", "report", "watch", "batch"})
"""Commands with a run that can be stopped. Any other command that stops has sent nothing."""


_EXTRA_ARGUMENTS = re.compile(r"Got unexpected extra arguments? \((.*)\)\.?$", re.DOTALL)
"""Click's own sentence, which names the arguments and nothing else."""


class Commands(click.Group):
    """The commands by name. Each module is imported only when its command is called, so `--help` stays fast."""

    modules = {  # noqa: RUF012 - click's own way of class tables
        "check": "run_commands",
        "plan": "plan_commands",
        "apply": "plan_commands",
        "run": "run_commands",
        "resume": "run_commands",
        "retry": "run_commands",
        "verify": "plan_commands",
        "undo": "plan_commands",
        "watch": "watch_commands",
        "batch": "batch_commands",
        "ui": "ui_commands",
        "runs": "history_commands",
        "report": "history_commands",
        "purge": "history_commands",
        "columns": "sheet_commands",
        "dropdowns": "account_commands",
        "template": "account_commands",
        "sandbox": "sandbox_commands",
        "demo": "sandbox_commands",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of use, not of the alphabet."""
        del ctx
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the command and return the command."""
        del ctx
        if cmd_name not in self.modules:
            return None
        from importlib import import_module

        module = import_module(f"importer.cli.{self.modules[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command. Raises UsageError with a suggestion for one that does not exist."""
        name = args[0]
        if name not in self.modules and not name.startswith("-"):
            raise UsageError(*_describe_unknown_command(name, list(self.modules)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Ctrl-C is caught here because click would print to a terminal that may be closed."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            print_line(err=True)  # ends the line with the terminal's ^C
            raise click.Abort from interrupt

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands for `--help` without importing any of them."""
        del ctx
        with formatter.section(help_messages.COMMANDS_TITLE):
            formatter.write_dl([(name, help_messages.COMMAND_SUMMARIES[name]) for name in self.modules])


@click.group(
    cls=Commands,
    help=help_messages.APP_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="importer")
def app() -> None:
    """Run one of the commands."""


def run_as_process() -> int:
    """Run the command of this process and return its exit code.

    A second Ctrl-C may come when the command has ended and Python is closing its threads and processes. That takes a
    moment, and it must not print a traceback or change the exit code.
    """
    import signal

    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    arguments = [*given[1:2], "--help"] if not given or given[0] == "help" else given
    tune_gc()
    _open_missing_streams()
    _replace_unencodable_characters()
    verbosity.set(_count_verbose_flags(arguments))
    is_json_due.set("--json" in takewhile(lambda argument: argument != "--", arguments))
    sending_started.set(False)
    try:
        with _handle_signals_as_ctrl_c():
            code = app.main(arguments, prog_name="importer", standalone_mode=False)
    except ImporterError as error:
        stopped = isinstance(error, RunStoppedError) and arguments[0] not in _COMMANDS_WITH_A_RUN
        return _print_error(error, 2 if stopped else error.exit_code)
    except click.ClickException as error:
        return _print_error(UsageError(_describe_usage_error(error)), 2, with_traceback=False)
    except (KeyboardInterrupt, click.Abort):
        flush_output()  # the signal may have come between a line and its flush
        return _print_error(RunInterruptedError(_describe_interruption(arguments[0])), _INTERRUPTED_CODE)
    except MemoryError as error:
        notes = _get_notes(error)
        return _print_error(
            ImporterError(terminal_messages.OUT_OF_MEMORY, " ".join(notes)), 3 if notes else 2
        )
    except Exception as error:  # noqa: BLE001 - the last place that can turn a bug into a sentence
        return _print_error(ImporterError(_describe_unexpected_error(error)), 3 if _get_notes(error) else 2)
    return 2 if not given else code if isinstance(code, int) else 0


def _count_verbose_flags(arguments: Sequence[str]) -> int:
    """Return the number of -v before click has read them: reading them may already fail."""
    return sum(
        1 if argument == "--verbose" else argument.count("v")
        for argument in arguments
        if argument == "--verbose" or (argument.startswith("-v") and set(argument[1:]) == {"v"})
    )


def _describe_unknown_command(name: str, commands: list[str]) -> tuple[str, str]:
    """Return message and advice for a command that does not exist. It may be the name of a file."""
    if Path(name).is_file() or "." in name:
        check = quote_command("importer", "check", name)
        return help_messages.FILE_IS_NO_COMMAND.format(name=name, check=check)
    if near := get_close_matches(name, commands, n=1, cutoff=0.5):
        return help_messages.UNKNOWN_COMMAND.format(name=name, suggestion=near[0])
    return help_messages.UNKNOWN_COMMAND_WITHOUT_SUGGESTION.format(name=name, commands=", ".join(commands))


def _describe_usage_error(error: click.ClickException) -> str:
    """Return click's error as a sentence of ours."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "importer"
    match error:
        case click.MissingParameter(param=click.Argument() as argument):
            sentence = help_messages.MISSING_ARGUMENTS.get(
                argument.name or "", help_messages.MISSING_ARGUMENT
            )
            return sentence.format(command=command)
        case click.NoSuchOption(possibilities=[suggestion, *_]):
            return help_messages.UNKNOWN_OPTION_WITH_SUGGESTION.format(
                option=error.option_name, suggestion=suggestion, command=command
            )
        case click.NoSuchOption():
            return help_messages.UNKNOWN_OPTION.format(option=error.option_name, command=command)
        case click.UsageError(ctx=click.Context(params={"file": str(file)})) if extra := (
            _EXTRA_ARGUMENTS.match(error.message)
        ):
            return _describe_extra_arguments(command, file, extra[1])
        case _:
            message = error.format_message().rstrip(".")
            return help_messages.OTHER_USAGE_ERROR.format(message=message, command=command)


def _describe_extra_arguments(command: str, first: str, more: str) -> str:
    """Return the sentence for several words in place of one FILE: mostly one name, typed without quotes."""
    names = f"{first} {more}"
    if Path(names).is_file():
        return help_messages.NAME_NEEDS_QUOTES.format(command=f"{command} {quote_command(names)}")
    return help_messages.SEVERAL_FILES.format(command=command, names=names)


def _describe_interruption(command: str) -> str:
    """Return the sentence for a Ctrl-C before or after sending. During it, the pipeline handles Ctrl-C itself."""
    if sending_started.get():
        return terminal_messages.STOPPED_AFTER_SENDING
    match command:
        case "ui":
            return ui_messages.ENDED_AT_ONCE
        case "purge":
            return terminal_messages.PURGE_STOPPED
        case "watch":
            return watch_messages.STOPPED_DURING_CHECK
        case "resume":
            return terminal_messages.STOPPED_RESUME_BEFORE_SENDING
        case _:
            return terminal_messages.STOPPED_BEFORE_SENDING


def _describe_unexpected_error(error: Exception) -> str:
    """Return the sentence for an error that no code expected.

    After the first write, the pipeline has added a note that says how to continue. A refusal of the operating
    system (a forbidden folder, a name that is too long) is reported in its words: it is not a bug of ours.
    """
    notes = _get_notes(error)
    how_to_continue = notes[0] if notes else ""
    if isinstance(error, OSError) and error.strerror:
        place = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        progress = terminal_messages.NOTHING_WAS_SENT
        if notes:
            progress = terminal_messages.SENT_ROWS_ARE_SAVED.format(how_to_continue=how_to_continue)
        return terminal_messages.SYSTEM_ERROR.format(message=f"{error.strerror}{place}", progress=progress)
    kind = type(error).__name__
    if notes:
        return terminal_messages.INTERNAL_ERROR_AFTER_SENDING.format(
            kind=kind, how_to_continue=how_to_continue
        )
    return terminal_messages.INTERNAL_ERROR_BEFORE_SENDING.format(kind=kind)


def _get_notes(error: Exception) -> list[str]:
    """Return the notes that say how to continue, empty if nothing was sent."""
    return getattr(error, "__notes__", [])


def _open_missing_streams() -> None:
    """Open standard streams that are closed, as a service may start us. The next file would take their number."""
    for number, mode in enumerate("rww"):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        name = ("stdin", "stdout", "stderr")[number]
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))


def _replace_unencodable_characters() -> None:
    """Print `?` for a character that the terminal's encoding lacks, such as Hindi on an old Windows console."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _handle_signals_as_ctrl_c() -> Iterator[None]:
    """End a command at SIGTERM and at a closed terminal as at Ctrl-C. During sending, the pipeline handles them.

    The signal is passed to the current handler of Ctrl-C. While the CRM's lists are read, that is the event loop,
    which then stops. An exception raised inside its callbacks could get lost, and the rows would be sent after all.
    """
    import signal

    from importer.process_setup import handle_signals

    def forward_to_ctrl_c(number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)
        (handler if callable(handler) else signal.default_int_handler)(number, frame)

    with handle_signals(("SIGTERM", "SIGHUP"), forward_to_ctrl_c):
        yield


def _print_error(error: ImporterError, code: int, *, with_traceback: bool = True) -> int:
    """Print the one line that says what happened, with `--json` also as an object, and return the exit code."""
    if with_traceback and verbosity.get():
        for line in traceback.format_exc().splitlines():
            print_line(line, err=True)
    print_line(terminal_messages.ERROR_LINE.format(message=error), err=True)
    if is_json_due.get():
        with suppress(DiskWriteError):  # a full disk behind standard output must not hide what happened
            print_json({"exit_code": code, "error": _describe_for_scripts(error)})
    return code


def _describe_for_scripts(error: ImporterError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": error.message, "advice": error.advice}
