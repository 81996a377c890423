"""What a person should do after a run, step by step: the first thing that the page says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from importer.command_hints import format_run_command, format_send_command, to_reports_option
from importer.models.status import RunState
from importer.report.summary import FAILED_XLSX, Summary
from importer.untrusted_text import quote_command


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a sentence, then the command to type or the file to open."""

    text: str
    command: str = ""
    file: str = ""


def list_next_steps(summary: Summary, folder: Path, options: Mapping[str, object]) -> list[Step]:
    """The steps, the most urgent first; none where all went in.

    `folder` is the run's, as it was named; `options` are what its journal keeps of the settings.
    """
    again = to_reports_option(folder.parent)
    if summary.state in (RunState.STOPPED, RunState.INTERRUPTED):
        steps = [Step("Go on where it stopped; no row goes in twice:", format_run_command("resume", folder))]
        later = Step("Then mend the rows that were refused: this page will say how.")
        return steps + [later] * bool(summary.to_fix)
    if summary.state == RunState.CHECKED:
        return _after_check(summary, folder, options) + _mending(summary, folder, again)
    return _undelivered(summary, folder) + _mending(summary, folder, again)


def _after_check(summary: Summary, folder: Path, options: Mapping[str, object]) -> list[Step]:
    going = summary.counts["accepted"]
    if not going:
        return []
    leads = "lead" if going == 1 else "leads"  # rows that share a phone are one
    command = format_send_command(summary.file, options, folder.parent)
    return [Step(f"Send the {going:,} {leads} that can go in:", command)]


def _undelivered(summary: Summary, folder: Path) -> list[Step]:
    count = summary.undelivered
    if not count:
        return []
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return [
        Step(
            f"Send the {rows} again that the network or the CRM let down:",
            format_run_command("retry", folder),
        )
    ]


def _mending(summary: Summary, folder: Path, again: list[str]) -> list[Step]:
    if not summary.to_fix:
        return []
    file = summary.file_to_fix
    how = _IN_WORKBOOK if file == summary.files[FAILED_XLSX] else _IN_CSV
    return [
        Step(how, file=file),
        Step(
            "Save it and feed it back. It knows how its columns are read:",
            quote_command("importer", "run", str(folder / file), *again),
        ),
    ]


_IN_WORKBOOK = (
    "Mend the coloured cells in this workbook. Each says what is wrong with it (where a row has none, read "
    "_problems), and stages, groups, labels and products can be chosen from a list:"
)
_IN_CSV = "Mend the rows in this file, for no workbook can hold them. Their _problems say what is wrong:"
