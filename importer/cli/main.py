"""The entrance: finds the command, runs it, and turns whatever stops it into one line and an exit code."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from importer import __version__
from importer.cli.console import sending_started, verbosity, print_line
from importer.errors import ImporterError, RunStoppedError, UsageError
from importer.process_setup import tune_gc
from importer.untrusted_text import quote_command

if TYPE_CHECKING:
    from types import FrameType

_INTERRUPTED = 130
_SENDING = frozenset({"run", "resume", "retry", "report"})
"""Commands with a run that could have been stopped; whatever stops another has sent nothing."""


class Commands(click.Group):
    """The commands by name, each loaded only when it is called: `--help` loads none of the rooms."""

    summaries = {  # noqa: RUF012 - click's own way of class tables
        "check": ("Check every row of a sheet; change nothing in the CRM.", "run_commands"),
        "run": ("Check a sheet, then send its rows to the CRM.", "run_commands"),
        "resume": ("Finish an interrupted or stopped run.", "run_commands"),
        "retry": ("Send the rows of a run again that did not go in.", "run_commands"),
        "runs": ("List the runs there are.", "history_commands"),
        "report": ("Write a run's reports again from its journal.", "history_commands"),
        "purge": ("Remove old runs, and the personal data in them.", "history_commands"),
        "dropdowns": (
            "Show the account's stages, groups, labels, products and source types.",
            "sheet_commands",
        ),
        "columns": ("Show which column goes to which field, and why.", "sheet_commands"),
        "template": ("Write an empty sheet to fill in, with the account's dropdown lists.", "sheet_commands"),
        "sandbox": ("Start a local stand-in for the CRM.", "sandbox_commands"),
        "demo": ("Import a sample sheet into a sandbox.", "sandbox_commands"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of use, not of the alphabet."""
        del ctx
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module that holds the command."""
        del ctx
        if cmd_name not in self.summaries:
            return None
        from importlib import import_module

        module = import_module(f"importer.cli.{self.summaries[cmd_name][1]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant. Raises UsageError for one that does not exist, with what may be meant."""
        name = args[0]
        if name not in self.summaries and not name.startswith("-"):
            raise UsageError(*_no_such_command(name, list(self.summaries)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Ctrl-C is told here: click prints a line of its own, which a terminal that was closed refuses."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            print_line(err=True)  # behind the terminal's ^C
            raise click.Abort from interrupt

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table: no command is loaded for it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (summary, _) in self.summaries.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="importer")
def app() -> None:
    """Bring lead sheets into the Superfone CRM, matched by phone, with a report on every row.

    Begin with:  importer demo   then:  importer check FILE
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    arguments = [*given[1:2], "--help"] if not given or given[0] == "help" else given
    tune_gc()
    _open_what_is_closed()
    _print_what_the_terminal_can()
    verbosity.set(
        any(
            (argument.startswith("-v") and set(argument[1:]) == {"v"}) or argument == "--verbose"
            for argument in arguments
        )
    )
    sending_started.set(False)
    try:
        with _ended_as_by_ctrl_c():
            code = app.main(arguments, prog_name="importer", standalone_mode=False)
    except ImporterError as error:
        stopped = isinstance(error, RunStoppedError) and arguments[0] not in _SENDING
        return _stopped(str(error), 2 if stopped else error.exit_code)
    except click.ClickException as error:
        return _stopped(_plain(error), 2, traced=False)
    except (KeyboardInterrupt, click.Abort):
        return _stopped(_interrupted(arguments[0]), _INTERRUPTED)
    except MemoryError as error:
        said = " ".join(["There is not enough memory on this machine. Close other programs.", *_notes(error)])
        return _stopped(said, 3 if _notes(error) else 2)
    except Exception as error:  # noqa: BLE001 - the outermost place: a fault of ours is told like any other
        return _stopped(*_unforeseen(error))
    return code if given and isinstance(code, int) else 0 if given else 2


def _interrupted(command: str) -> str:
    """What is said of a Ctrl-C that came while nothing was being sent: before it, or behind the last row."""
    if sending_started.get():
        return "Stopped after the sending. importer runs tells what became of the run."
    if command == "purge":
        return "Stopped. importer runs lists the runs that are still there."
    return f"Stopped before anything {'more ' if command == 'resume' else ''}was sent."


def _unforeseen(error: Exception) -> tuple[str, int]:
    """What is said of it, and the exit code. Whoever met it after the first write has noted how to go on.

    What the system refuses (a folder that one may not look into, a name that is too long) is no fault of ours.
    """
    notes = _notes(error)
    so_far = f"All that was sent is in the journal. {notes[0]}" if notes else "Nothing was sent."
    if isinstance(error, OSError) and error.strerror:
        place = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        said = f"{error.strerror}{place}. {so_far} Check the name, and that you may go there."
    else:
        said = (
            f"This is a fault of importer, not of your sheet ({type(error).__name__}). {so_far} "
            "To have it mended, run the command again with -v and send its lines to us."
        )
    return said, 3 if notes else 2


def _notes(error: Exception) -> list[str]:
    """How to go on, where the sending had begun."""
    return getattr(error, "__notes__", [])


def _open_what_is_closed() -> None:
    """A service may start us without standard streams: the next file to be opened would take their place."""
    for number, mode in enumerate("rww"):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        name = ("stdin", "stdout", "stderr")[number]
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))


def _print_what_the_terminal_can() -> None:
    """A letter that the terminal's encoding does not have (Hindi on an old Windows console) becomes a `?`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _no_such_command(name: str, commands: list[str]) -> tuple[str, str]:
    if Path(name).is_file() or "." in name:
        check = quote_command("importer", "check", name)
        return f"{name} is a file, not a command.", f"To check it, without sending anything: {check}"
    near = get_close_matches(name, commands, n=1, cutoff=0.5)
    meant = f"Did you mean importer {near[0]}?" if near else f"There are: {', '.join(commands)}."
    return f'There is no command "{name}".', meant


def _plain(error: click.ClickException) -> str:
    """What click found wrong, as a sentence with what to type."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "importer"
    match error:
        case click.MissingParameter(param=click.Argument() as argument):
            return (
                f"{command} needs to know {_WANTED.get(argument.name or '', 'more')}. See {command} --help."
            )
        case click.NoSuchOption():
            near = f" Did you mean {error.possibilities[0]}?" if error.possibilities else ""
            return f"There is no option {error.option_name}.{near} See {command} --help."
        case click.UsageError(ctx=click.Context(params={"file": str(file)})) if extra := _EXTRA.match(
            error.message
        ):
            return _one_file(command, file, extra[1])
        case _:
            return f"{error.format_message().rstrip('.')}. See {command} --help."


_EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)\.?$", re.DOTALL)


def _one_file(command: str, first: str, more: str) -> str:
    """What is said of more words than one FILE: most often they are one name, typed without quotes."""
    whole = f"{first} {more}"
    if Path(whole).is_file():
        return f"A name with spaces in it stands in quotes: {command} {quote_command(whole)}"
    return f"{command} reads one FILE, and here are more: {whole}. A name with spaces in it stands in quotes. See {command} --help."


_WANTED = {
    "file": "which FILE to read",
    "run": "which RUN is meant (importer runs lists them)",
    "out": "which file to write (such as leads.xlsx)",
}


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM, and a terminal that is closed, end a command as Ctrl-C does; while rows are sent the pipeline sees to it.

    They are handed to whoever minds Ctrl-C at that moment: while the CRM is asked for its lists that is the loop, which
    ends by it. An exception raised amid its callbacks could get lost there, and the rows be sent after all.
    """
    import signal

    from importer.process_setup import handle_signals

    def as_ctrl_c(number: int, frame: FrameType | None) -> None:
        minded = signal.getsignal(signal.SIGINT)
        (minded if callable(minded) else signal.default_int_handler)(number, frame)

    with handle_signals(("SIGTERM", "SIGHUP"), as_ctrl_c):
        yield


def _stopped(sentence: str, code: int, *, traced: bool = True) -> int:
    if traced and verbosity.get():
        for line in traceback.format_exc().splitlines():
            print_line(line, err=True)
    print_line(f"importer: {sentence}", err=True)
    return code
