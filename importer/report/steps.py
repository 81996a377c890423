"""What a person should do after a run, step by step: the first thing that the page says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from importer.commandline import command_on, command_to_send, reports_words
from importer.guard import typed
from importer.models import RunState
from importer.report.summary import FAILED_XLSX, Summary


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a sentence, then the command to type or the file to open."""

    text: str
    command: str = ""
    file: str = ""


def next_steps(summary: Summary, folder: Path, options: Mapping[str, object]) -> list[Step]:
    """The steps, the most urgent first; none where all went in.

    `folder` is the run's, as it was named; `options` are what its journal keeps of the settings.
    """
    again = reports_words(folder.parent)
    if summary.state in (RunState.STOPPED, RunState.INTERRUPTED):
        steps = [Step("Go on where it stopped; no row goes in twice:", command_on("resume", folder))]
        later = Step("Then mend the rows that were refused: this page will say how.")
        return steps + [later] * bool(summary.to_mend)
    if summary.state == RunState.CHECKED:
        return _after_check(summary, folder, options) + _mending(summary, folder, again)
    return _undelivered(summary, folder) + _mending(summary, folder, again)


def _after_check(summary: Summary, folder: Path, options: Mapping[str, object]) -> list[Step]:
    going = summary.counts["accepted"]
    if not going:
        return []
    leads = "lead" if going == 1 else "leads"  # rows that share a phone are one
    command = command_to_send(summary.file, options, folder.parent)
    return [Step(f"Send the {going:,} {leads} that can go in:", command)]


def _undelivered(summary: Summary, folder: Path) -> list[Step]:
    count = summary.undelivered
    if not count:
        return []
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return [
        Step(
            f"Send the {rows} again that the network or the CRM let down:",
            command_on("retry", folder),
        )
    ]


def _mending(summary: Summary, folder: Path, again: list[str]) -> list[Step]:
    if not summary.to_mend:
        return []
    file = summary.mended_in
    how = _IN_WORKBOOK if file == summary.files[FAILED_XLSX] else _IN_CSV
    return [
        Step(how, file=file),
        Step(
            "Save it and feed it back. It knows how its columns are read:",
            typed("importer", "run", str(folder / file), *again),
        ),
    ]


_IN_WORKBOOK = (
    "Mend the coloured cells in this workbook. Each says what is wrong with it (where a row has none, read "
    "_problems), and stages, groups, labels and products can be chosen from a list:"
)
_IN_CSV = "Mend the rows in this file, for no workbook can hold them. Their _problems say what is wrong:"
