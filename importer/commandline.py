"""Commands as they are typed: what people are told to type next, with the options that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from importer.guard import typed
from importer.settings import Settings, flag_of, taken_over


def command_to_send(file: str, options: Mapping[str, object], reports: Path) -> str:
    """What is typed to send a sheet as it was checked: `options` are what its journal took over (`taken_over`)."""
    usual = taken_over(Settings())
    told = {name: value for name, value in options.items() if name in usual and value != usual[name]}
    return typed("importer", "run", file, *words_of(told), *reports_words(reports))


def command_on(command: str, folder: Path) -> str:
    """What is typed so that the command finds the run in `folder`: `importer resume RUN`."""
    return typed("importer", command, folder.name, *reports_words(folder.parent))


def reports_words(reports: Path) -> list[str]:
    """What is typed behind a command so that it finds the runs of `reports`: nothing for the usual folder."""
    return [] if reports == Path(Settings().reports) else words_of({"reports": reports})


def words_of(options: Mapping[str, object]) -> list[str]:
    """Options as they are typed: `--sheet Visitors --no-create`. What is None is left out."""
    words: list[str] = []
    for name, value in options.items():
        match value:
            case None:
                continue
            case dict():
                words += [word for pair in value.items() for word in (flag_of(name), "=".join(pair))]
            case bool():
                words.append(flag_of(name if value else f"no_{name}"))
            case _:
                words += [flag_of(name), str(value)]
    return words
