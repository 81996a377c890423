"""Sentences for commands that were typed wrongly, with what to type instead."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import click

from importer.messages import terminal_messages
from importer.untrusted_text import quote_command

_EXTRA_ARGUMENTS = re.compile(r"Got unexpected extra arguments? \((.*)\)\.?$", re.DOTALL)
"""Click's own sentence, which names the arguments and nothing else."""


def describe_unknown_command(name: str, commands: list[str]) -> tuple[str, str]:
    """Return message and advice for a command that does not exist. It may be the name of a file."""
    if Path(name).is_file() or "." in name:
        check = quote_command("importer", "check", name)
        return terminal_messages.FILE_IS_NO_COMMAND.format(name=name, check=check)
    if near := get_close_matches(name, commands, n=1, cutoff=0.5):
        return terminal_messages.UNKNOWN_COMMAND.format(name=name, suggestion=near[0])
    return terminal_messages.UNKNOWN_COMMAND_WITHOUT_SUGGESTION.format(
        name=name, commands=", ".join(commands)
    )


def describe_usage_error(error: click.ClickException) -> str:
    """Return click's error as a sentence of ours."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "importer"
    match error:
        case click.MissingParameter(param=click.Argument() as argument):
            sentence = terminal_messages.MISSING_ARGUMENTS.get(
                argument.name or "", terminal_messages.MISSING_ARGUMENT
            )
            return sentence.format(command=command)
        case click.NoSuchOption(possibilities=[suggestion, *_]):
            return terminal_messages.UNKNOWN_OPTION_WITH_SUGGESTION.format(
                option=error.option_name, suggestion=suggestion, command=command
            )
        case click.NoSuchOption():
            return terminal_messages.UNKNOWN_OPTION.format(option=error.option_name, command=command)
        case click.UsageError(ctx=click.Context(params={"file": str(file)})) if extra := (
            _EXTRA_ARGUMENTS.match(error.message)
        ):
            return _describe_extra_arguments(command, file, extra[1])
        case _:
            message = error.format_message().rstrip(".")
            return terminal_messages.OTHER_USAGE_ERROR.format(message=message, command=command)


def _describe_extra_arguments(command: str, first: str, more: str) -> str:
    """Return the sentence for several words in place of one FILE: mostly one name, typed without quotes."""
    names = f"{first} {more}"
    if Path(names).is_file():
        return terminal_messages.NAME_NEEDS_QUOTES.format(command=f"{command} {quote_command(names)}")
    return terminal_messages.SEVERAL_FILES.format(command=command, names=names)
