"""Commands as they are typed: what people are told to type next, with the options that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from importer.settings import Settings, format_flag, get_inheritable
from importer.untrusted_text import quote_command


def format_send_command(file: str, options: Mapping[str, object], reports: Path) -> str:
    """What is typed to send a sheet as it was checked: `options` are what its journal took over (`taken_over`)."""
    usual = get_inheritable(Settings())
    told = {name: value for name, value in options.items() if name in usual and value != usual[name]}
    return quote_command("importer", "run", file, *to_option_words(told), *to_reports_option(reports))


def format_run_command(command: str, folder: Path) -> str:
    """What is typed so that the command finds the run in `folder`: `importer resume RUN`."""
    return quote_command("importer", command, folder.name, *to_reports_option(folder.parent))


def to_reports_option(reports: Path) -> list[str]:
    """What is typed behind a command so that it finds the runs of `reports`: nothing for the usual folder."""
    return [] if reports == Path(Settings().reports) else to_option_words({"reports": reports})


def to_option_words(options: Mapping[str, object]) -> list[str]:
    """Options as they are typed: `--sheet Visitors --no-create`. What is None is left out."""
    words: list[str] = []
    for name, value in options.items():
        match value:
            case None:
                continue
            case dict():
                words += [word for pair in value.items() for word in (format_flag(name), "=".join(pair))]
            case bool():
                words.append(format_flag(name if value else f"no_{name}"))
            case _:
                words += [format_flag(name), str(value)]
    return words
