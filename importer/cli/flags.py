"""Command-line options, generated from the fields of `Settings`, so that each setting is defined once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from importer.cli.console import is_json_due, verbosity
from importer.cli.logging_setup import configure_logging
from importer.command_hints import to_option_words
from importer.errors import UsageError
from importer.messages import help_messages
from importer.option_values import format_flag
from importer.settings import (
    PER_CALL_OPTIONS,
    SENDING_OPTIONS,
    Settings,
    check_save_target,
    describe_option,
    read_config,
    resolve_settings,
)
from importer.untrusted_text import quote_command

Command = Callable[..., Any]

_MAX_VERBOSITY = 2
_ALL_OPTIONS = frozenset(Settings.__struct_fields__)
_RUN_OPTIONS = SENDING_OPTIONS | (PER_CALL_OPTIONS - {"run_id", "save"})
_TASK_OPTIONS = frozenset(
    {"task", "due", "notify", "hours", "days", "timezone", "per_day", "open_tasks", "task_for"}
)
_POLICY_OPTIONS = frozenset({"existing", "policy"})
_PLAN_OPTIONS = frozenset({"look_up"})
_APPLY_OPTIONS = frozenset({"max_age", "on_drift"})
_VERIFY_OPTIONS = frozenset({"sample", "wait"})
_SNAPSHOT_OPTIONS = frozenset({"snapshot"})
_UNDO_OPTIONS = frozenset({"edited", "only", "rows", "mark_created"})
_AFTER_SENDING_OPTIONS = _VERIFY_OPTIONS | {"verify"}
_FILE_OPTIONS = _ALL_OPTIONS - _APPLY_OPTIONS - _UNDO_OPTIONS
_READING_OPTIONS = frozenset(
    {
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
        "rest",
        "reports",
        "verbose",
    }
)


def add_check_options(command: Command) -> Command:
    """Add the options of `check`, and --config."""
    return _add_options(
        command,
        _FILE_OPTIONS - _POLICY_OPTIONS - _PLAN_OPTIONS - _AFTER_SENDING_OPTIONS - _SNAPSHOT_OPTIONS,
    )


def add_plan_options(command: Command) -> Command:
    """Add the options of `plan`."""
    return _add_options(command, _FILE_OPTIONS - _AFTER_SENDING_OPTIONS - _SNAPSHOT_OPTIONS)


def add_run_options(command: Command) -> Command:
    """Add the options of `run`."""
    return _add_options(command, _FILE_OPTIONS - _PLAN_OPTIONS)


def add_watch_options(command: Command) -> Command:
    """Add the options of `watch`: those of `run`, but for what concerns one sheet or somebody at the terminal."""
    return _add_options(command, _FILE_OPTIONS - _PLAN_OPTIONS - {"run_id", "save", "yes", "json", "limit"})


def add_apply_options(command: Command) -> Command:
    """Add the options of `apply`, which already knows its rows."""
    return _add_options(command, _RUN_OPTIONS | _APPLY_OPTIONS | _AFTER_SENDING_OPTIONS)


def add_undo_options(command: Command) -> Command:
    """Add the options of `undo`."""
    return _add_options(command, _RUN_OPTIONS | _UNDO_OPTIONS | _AFTER_SENDING_OPTIONS | {"max_age"})


def add_verify_options(command: Command) -> Command:
    """Add the options of `verify`, which sends nothing and so asks nothing."""
    return _add_options(command, (_RUN_OPTIONS | _VERIFY_OPTIONS) - {"yes"})


def add_sending_options(command: Command) -> Command:
    """Add the options of `resume` and `retry`, which already know their rows."""
    return _add_options(command, _RUN_OPTIONS)


def add_reading_options(command: Command) -> Command:
    """Add the options of `columns`, which only reads the sheet."""
    return _add_options(command, _READING_OPTIONS)


def add_reports_options(command: Command) -> Command:
    """Add --reports and --config, for `runs`, `report` and `purge`."""
    return _add_options(command, frozenset({"reports"}))


def add_page_options(command: Command) -> Command:
    """Add --reports, --verbose and --config, for `ui`."""
    return _add_options(command, frozenset({"reports", "verbose"}))


def add_verbose_option(command: Command) -> Command:
    """Add --verbose, for `batch`, whose other options are in its manifest."""
    return _build_option("verbose", default=0)(command)


def read_settings(flags: Mapping[str, Any]) -> Settings:
    """Return the settings of the flags that click has read, over those of the settings file."""
    config = flags.get("config")
    given = {name: value for name, value in flags.items() if name != "config"}
    settings = resolve_settings(given, read_config(Path(config) if config else None))
    if settings.verbose:
        verbosity.set(int(settings.verbose))
    if settings.json and "json" in flags:  # importer.toml may ask for it too
        is_json_due.set(True)
    configure_logging()
    if "save" in flags:  # a command without --save saves nothing, whatever importer.toml says
        check_save_target(settings)
    return settings


def repeat_options(flags: Mapping[str, Any], *, only: frozenset[str] | None = None) -> str:
    """Return the given options as text to add to the next command: " --region AE", or "".

    Options that concern a single call are left out. `only` names the options that the next command takes.
    """
    wanted = (set(flags) if only is None else only) - (PER_CALL_OPTIONS - {"reports"})
    words = to_option_words({name: value for name, value in flags.items() if name in wanted})
    return f" {quote_command(*words)}" if words else ""


def _add_options(command: Command, names: frozenset[str]) -> Command:
    command = click.option("--config", metavar="FILE", help=help_messages.OPTION_CONFIG)(command)
    for field in reversed(msgspec.structs.fields(Settings)):
        if field.name in names:
            command = _build_option(field.name, field.default)(command)
    return command


def _build_option(name: str, default: Any) -> Callable[[Command], Command]:
    title, text = describe_option(name)
    flag = format_flag(name)
    match name:
        case "sheet" | "only" | "column" | "default" | "policy":
            callback = _leave_out_none if name in ("sheet", "only") else _parse_pairs
            return click.option(flag, name, multiple=True, metavar=title, callback=callback, help=text)
        case "create":
            text += help_messages.OPTION_CREATE_DEFAULT
            return click.option("--create/--no-create", name, default=None, help=text)
        case "verbose":
            return click.option("-v", "--verbose", count=True, callback=_limit_verbosity, help=text)
        case "quiet":
            return click.option("-q", "--quiet", is_flag=True, default=None, help=text)
        case "yes" | "json" | "allow_empty" | "verify" | "changed" | "snapshot":
            return click.option(flag, name, is_flag=True, default=None, help=text)
        case _:
            return click.option(flag, name, metavar=title, help=text + _format_default(default))


def _format_default(default: Any) -> str:
    if default is None:
        return ""
    value = f"{default:g}" if isinstance(default, float) else default
    return help_messages.OPTION_DEFAULT.format(value=value)


def _limit_verbosity(_context: click.Context, _parameter: click.Parameter, value: int) -> int | None:
    """Return the number of -v, at most 2, or None where none was given."""
    return min(value, _MAX_VERBOSITY) or None


def _leave_out_none(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return the values, or None where none was given."""
    return values or None


def _parse_pairs(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str] | None:
    """Return `("Phone=customer_phone", ...)` as a dict. A header may contain `=`, a field name never does."""
    pairs: dict[str, str] = {}
    for value in values:
        left, found, right = value.rpartition("=") if parameter.name == "column" else value.partition("=")
        if not found:
            expected = describe_option(str(parameter.name))[0]
            raise UsageError(
                *help_messages.WRONG_PAIR.format(option=parameter.name, expected=expected, value=value)
            )
        pairs[left.strip()] = right.strip()
    return pairs or None
