"""Build the commands that we suggest to people, with the options that each of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from importer.option_values import format_flag
from importer.settings import Settings, get_inheritable
from importer.untrusted_text import quote_command


def format_sheet_command(command: str, file: str, options: Mapping[str, object], reports: Path) -> str:
    """Return a command that reads a sheet as it was checked. `options` are those of the journal's metadata."""
    defaults = get_inheritable(Settings())
    changed = {name: value for name, value in options.items() if name in defaults and value != defaults[name]}
    return quote_command("importer", command, file, *to_option_words(changed), *to_reports_option(reports))


def format_run_command(command: str, folder: Path) -> str:
    """Return a command about the run in `folder`, such as `importer resume RUN`."""
    return quote_command("importer", command, folder.name, *to_reports_option(folder.parent))


def to_reports_option(reports: Path) -> list[str]:
    """Return the `--reports` option for this folder; nothing if it is the default folder."""
    return [] if reports == Path(Settings().reports) else to_option_words({"reports": reports})


def to_option_words(options: Mapping[str, object]) -> list[str]:
    """Return options as they are typed, such as `--sheet Visitors --no-create`. Those that are None are left out."""
    words: list[str] = []
    for name, value in options.items():
        match value:
            case None:
                continue
            case dict():
                words += [word for pair in value.items() for word in (format_flag(name), "=".join(pair))]
            case list() | tuple():
                words += [word for one in value for word in (format_flag(name), str(one))]
            case bool():
                words.append(format_flag(name if value else f"no_{name}"))
            case _:
                words += [format_flag(name), str(value)]
    return words
