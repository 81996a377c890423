"""What a person should do after a run, step by step: the first thing that the page says."""

from __future__ import annotations

import shlex

import msgspec

from importer.models import RunState
from importer.report.summary import FAILED_XLSX, Summary


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a sentence, then the command to type or the file to open."""

    text: str
    command: str = ""
    file: str = ""


def next_steps(summary: Summary) -> list[Step]:
    """The steps, the most urgent first; none where all went in."""
    if summary.state in (RunState.STOPPED, RunState.INTERRUPTED):
        steps = [Step("Go on where it stopped; no row goes in twice:", f"importer resume {summary.run_id}")]
        return steps + [Step("Then mend the rows that were refused: this page will say how.")] * bool(
            _to_mend(summary)
        )
    if summary.state == RunState.CHECKED:
        return _after_check(summary)
    return _undelivered(summary) + _mending(summary)


def _after_check(summary: Summary) -> list[Step]:
    going = summary.counts["accepted"]
    rows = "row" if going == 1 else "rows"
    send = [Step(f"Send the {going:,} {rows} that can go in:", f"importer run {_shown(summary.file)}")]
    return send * bool(going) + _mending(summary)


def _undelivered(summary: Summary) -> list[Step]:
    count = summary.counts["failed"] + summary.counts["unknown"]
    if not count:
        return []
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return [
        Step(
            f"Send the {rows} again that the network or the CRM let down:", f"importer retry {summary.run_id}"
        )
    ]


def _mending(summary: Summary) -> list[Step]:
    if not _to_mend(summary):
        return []
    workbook = summary.files[FAILED_XLSX]
    return [
        Step(
            "Mend the coloured cells in this workbook. Each says what is wrong with it, and stages, groups, labels "
            "and products can be chosen from a list:",
            file=workbook,
        ),
        Step(
            "Save it and feed it back, from its own folder. It knows how its columns are read:",
            f"importer run {workbook}",
        ),
    ]


def _to_mend(summary: Summary) -> int:
    """Rows that somebody must change before they can go in."""
    own = sum(summary.counts[status] for status in ("failed", "unknown", "pending"))
    return max(summary.failed_rows - own, 0)


def _shown(file: str) -> str:
    """The file as it is typed in a shell; a lone - stays what it is."""
    return shlex.quote(file)
