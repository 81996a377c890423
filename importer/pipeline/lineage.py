"""Where a file of ours came from: a mended failed_rows keeps the mapping and options of its run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from importer.command_hints import format_send_command
from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import ColumnChoice, Mapping, Notice, NoticeKind
from importer.models.status import RowStatus
from importer.pipeline.runs import count_rows, has_been_sent, list_metadata, read_metadata
from importer.reader.source import Sheet
from importer.report.workbook_run_id import read_run_id
from importer.settings import Settings, merge_run_settings

_OF_ITS_FILE = frozenset({"sheet", "header_row", "limit", "encoding", "delimiter"})
"""Options that were about the first file, not about the report that was made of it."""


def find_origin(sheet: Sheet, reports: Path) -> RunMetadata | None:
    """The run that wrote the sheet, or None for a sheet that is not ours (or whose run is gone).

    A workbook names its run; a CSV lies beside its journal; one that was moved is known by its headers.
    """
    if sheet.origin is not None or not sheet.preview.is_own_report:
        return sheet.origin
    named = read_run_id(sheet.path) if sheet.path else None
    beside = [sheet.path.parent] if sheet.path else []
    for folder in ([reports / named] if named else []) + beside:
        header = read_metadata(folder)
        if header is not None and set(header.headers) & set(sheet.preview.headers):
            return header
    alike = [known for known in list_metadata(reports) if _alike(known, sheet)]
    itself = [known for known in alike if known.run_id == named]  # its folder has another name now
    same = [known for known in alike if known.headers == sheet.preview.headers]
    return next(iter(itself or same or alike), None)


def report_unsent_rows(reports: Path, origin: RunMetadata, *, rows: int, account: str) -> Iterator[Notice]:
    """Who mends what a check has refused, and sends that alone, may think that the sheet's sound rows went in too."""
    counts = count_rows(reports / origin.run_id)
    sound = counts.get(RowStatus.ACCEPTED, 0)
    if not sound or rows >= sum(counts.values()):
        return  # all of them are here, as in results.csv
    if has_been_sent(reports, sha256=origin.sha256, account=account):
        return
    send = format_send_command(origin.file, origin.options, reports)
    those = "1 row that can go in is" if sound == 1 else f"{sound:,} rows that can go in are"
    yield Notice(
        NoticeKind.IGNORED,
        f"{Path(origin.file).name} was only checked: its {those} not sent with these. Send them too: {send}",
    )


def describe_missing_run(reports: Path) -> Notice:
    """A report of ours without its run: purged, or made in another reports folder or on another machine."""
    return Notice(
        NoticeKind.READ,
        f"This report's run is not in {reports}, so its columns are read anew, and what that run was told "
        "(such as --column, --default, --no-create) has to be said again.",
    )


def fit_mapping(mapping: Mapping, headers: Sequence[str]) -> Mapping:
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
        index=index, header=header, field="", source="nothing", confidence=1.0, reason=reason, fill_rate=1.0
    )


def _alike(known: RunMetadata, sheet: Sheet) -> bool:
    """Whether the sheet has the run's columns, but for some that were added or deleted."""
    theirs, now = set(known.headers), set(sheet.preview.headers)
    return bool(theirs) and (theirs <= now or now <= theirs)


def inherit_settings(settings: Settings, origin: RunMetadata | None) -> Settings:
    """The settings, with those of the run that wrote the sheet where none were given now."""
    return settings if origin is None else merge_run_settings(settings, origin.options, but=_OF_ITS_FILE)
