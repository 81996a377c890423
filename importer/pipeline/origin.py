"""Where a file of ours came from: a mended failed_rows keeps the mapping and options of its run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from importer.commandline import command_to_send
from importer.journal import RunHeader
from importer.models import ColumnChoice, Mapping, Notice, Status
from importer.pipeline.runs import counts_of, has_been_sent, header_in, headers_of_runs
from importer.report import origin_of
from importer.settings import Settings, with_run_settings
from importer.staging import Sheet

_OF_ITS_FILE = frozenset({"sheet", "header_row", "limit", "encoding", "delimiter"})
"""Options that were about the first file, not about the report that was made of it."""


def find_origin(sheet: Sheet, reports: Path) -> RunHeader | None:
    """The run that wrote the sheet, or None for a sheet that is not ours (or whose run is gone).

    A workbook names its run; a CSV lies beside its journal; one that was moved is known by its headers.
    """
    if sheet.origin is not None or not sheet.opened.ours:
        return sheet.origin
    named = origin_of(sheet.path) if sheet.path else None
    beside = [sheet.path.parent] if sheet.path else []
    for folder in ([reports / named] if named else []) + beside:
        header = header_in(folder)
        if header is not None and set(header.headers) & set(sheet.opened.headers):
            return header
    alike = [known for known in headers_of_runs(reports) if _alike(known, sheet)]
    itself = [known for known in alike if known.run_id == named]  # its folder has another name now
    same = [known for known in alike if known.headers == sheet.opened.headers]
    return next(iter(itself or same or alike), None)


def left_behind(reports: Path, origin: RunHeader, *, rows: int, account: str) -> Iterator[Notice]:
    """Who mends what a check has refused, and sends that alone, may think that the sheet's sound rows went in too."""
    counts = counts_of(reports / origin.run_id)
    sound = counts.get(Status.ACCEPTED, 0)
    if not sound or rows >= sum(counts.values()):
        return  # all of them are here, as in results.csv
    if has_been_sent(reports, sha256=origin.sha256, account=account):
        return
    send = command_to_send(origin.file, origin.options, reports)
    those = "1 row that can go in is" if sound == 1 else f"{sound:,} rows that can go in are"
    yield Notice(
        "ignored",
        f"{Path(origin.file).name} was only checked: its {those} not sent with these. Send them too: {send}",
    )


def of_a_run_that_is_gone(reports: Path) -> Notice:
    """A report of ours without its run: purged, or made in another reports folder or on another machine."""
    return Notice(
        "read",
        f"This report's run is not in {reports}, so its columns are read anew, and what that run was told "
        "(such as --column, --set, --no-create) has to be said again.",
    )


def fitted(mapping: Mapping, headers: Sequence[str]) -> Mapping:
    """The mapping for the same sheet after people have moved, added or deleted columns in it.

    A column is known by its header, the second of two equal ones by being the second. What was added is left
    out, and said so: it may be no more than somebody's remarks about the mending.
    """
    if tuple(column.header for column in mapping.columns) == tuple(headers):
        return mapping
    known: dict[str, list[ColumnChoice]] = {}
    for column in mapping.columns:
        known.setdefault(column.header, []).append(column)
    moved: dict[int, int] = {}
    columns = []
    for index, header in enumerate(headers):
        if alike := known.get(header):
            column = alike.pop(0)
            moved[column.index] = index
            columns.append(msgspec.structs.replace(column, index=index))
        else:
            columns.append(_added(index, header))
    rules = [rule for rule in mapping.row_rules if rule.index in moved or rule.index < 0]
    return msgspec.structs.replace(
        mapping,
        columns=tuple(columns),
        row_rules=tuple(msgspec.structs.replace(r, index=moved.get(r.index, r.index)) for r in rules),
    )


def _added(index: int, header: str) -> ColumnChoice:
    reason = f'it was added to the report; name it with --column "{header}=FIELD"'
    return ColumnChoice(
        index=index, header=header, field="", why="nothing", sureness=1.0, reason=reason, filled=1.0
    )


def _alike(known: RunHeader, sheet: Sheet) -> bool:
    """Whether the sheet has the run's columns, but for some that were added or deleted."""
    theirs, now = set(known.headers), set(sheet.opened.headers)
    return bool(theirs) and (theirs <= now or now <= theirs)


def inherited(settings: Settings, origin: RunHeader | None) -> Settings:
    """The settings, with those of the run that wrote the sheet where none were given now."""
    return settings if origin is None else with_run_settings(settings, origin.options, but=_OF_ITS_FILE)
