"""Flags from the table of settings, so that a setting is written down once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from importer.cli.console import verbosity
from importer.command_hints import to_option_words
from importer.errors import UsageError
from importer.settings import (
    PER_CALL_OPTIONS,
    Settings,
    check_save_target,
    describe_option,
    format_flag,
    read_config,
    resolve_settings,
)
from importer.untrusted_text import quote_command

Command = Callable[..., Any]

_SENDING_OPTIONS = frozenset({"rate", "concurrency", "timeout", "max_wait"})


def add_import_options(command: Command) -> Command:
    """Every option of `check` and `run`, and --config."""
    return _add_options(command, frozenset(Settings.__struct_fields__))


def add_sending_options(command: Command) -> Command:
    """The options that make sense when the rows are known already: resume and retry."""
    return _add_options(command, _SENDING_OPTIONS | (PER_CALL_OPTIONS - {"run_id", "save"}))


def add_reading_options(command: Command) -> Command:
    """The options that say how a sheet is read: columns."""
    names = {
        "sheet",
        "header_row",
        "encoding",
        "delimiter",
        "preset",
        "map",
        "save",
        "column",
        "default",
        "region",
        "reports",
        "verbose",
    }
    return _add_options(command, frozenset(names))


def add_reports_options(command: Command) -> Command:
    """Where the runs lie, by importer.toml too: runs, report, purge."""
    return _add_options(command, frozenset({"reports"}))


def read_settings(flags: Mapping[str, Any]) -> Settings:
    """Settings from what click has read, `--config` among it."""
    config = flags.get("config")
    said = {name: value for name, value in flags.items() if name != "config"}
    settings = resolve_settings(said, read_config(Path(config) if config else None))
    if settings.verbose:
        verbosity.set(True)
    if "save" in flags:  # commands without --save save nothing, whatever importer.toml says
        check_save_target(settings)
    return settings


def repeat_options(flags: Mapping[str, Any], *, only: frozenset[str] | None = None) -> str:
    """The options that were given, to be typed with the next command; "" or with a space in front.

    Left out is what concerned one call alone. `only` names the options that the next command takes.
    """
    wanted = (set(flags) if only is None else only) - (PER_CALL_OPTIONS - {"reports"})
    words = to_option_words({name: value for name, value in flags.items() if name in wanted})
    return f" {quote_command(*words)}" if words else ""


def _add_options(command: Command, names: frozenset[str]) -> Command:
    command = click.option(
        "--config", metavar="FILE", help="Settings file (default: importer.toml, if there)."
    )(command)
    for field in reversed(msgspec.structs.fields(Settings)):
        if field.name in names:
            command = _build_option(field.name, field.default)(command)
    return command


def _build_option(name: str, default: Any) -> Callable[[Command], Command]:
    title, text = describe_option(name)
    flag = format_flag(name)
    if name in ("column", "default"):
        return click.option(flag, name, multiple=True, metavar=title, callback=_parse_pairs, help=text)
    if name == "create":
        return click.option("--create/--no-create", name, default=None, help=f"{text} [default: --create]")
    if name == "verbose":
        return click.option("-v", "--verbose", count=True, callback=_given, help=text)
    if name == "quiet":
        return click.option("-q", "--quiet", is_flag=True, default=None, help=text)
    if name in ("yes", "json"):
        return click.option(flag, name, is_flag=True, default=None, help=text)
    shown = (
        ""
        if default is None
        else f" [default: {default:g}]"
        if isinstance(default, float)
        else f" [default: {default}]"
    )
    return click.option(flag, name, metavar=title, help=f"{text}{shown}")


def _given(_context: click.Context, _parameter: click.Parameter, value: int) -> bool | None:
    """A count, for -vv is typed out of habit; of 0 it is none given."""
    return bool(value) or None


def _parse_pairs(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str] | None:
    """`("Phone=customer_phone", ...)` as a dict; a header may hold `=`, a field never does."""
    pairs: dict[str, str] = {}
    for value in values:
        left, found, right = value.rpartition("=") if parameter.name == "column" else value.partition("=")
        if not found:
            raise UsageError(
                f"--{parameter.name} takes {describe_option(str(parameter.name))[0]}, not {value!r}."
            )
        pairs[left.strip()] = right.strip()
    return pairs or None
