"""Find the run that wrote a sheet: a fixed failed_rows file inherits the mapping and options of its run."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from importer.command_hints import format_sheet_command
from importer.errors import UsageError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata, peek_run
from importer.loader.mapping.sheet_mappings import move_columns
from importer.messages import run_messages, undo_messages
from importer.models.mapping import ColumnChoice, Mapping, MatchSource, Notice, NoticeKind
from importer.models.status import ACCOUNT_PROPERTY, RUN_ID_PROPERTY, RowStatus, RunKind, RunState
from importer.pipeline.context import RunContext
from importer.pipeline.origin_account import OriginAccount, compare_account, is_other_address
from importer.pipeline.reports_folder import count_rows, has_been_sent, list_metadata, read_metadata
from importer.reader.source import Sheet
from importer.settings import SENDING_OPTIONS, Settings, merge_run_settings
from importer.untrusted_text import format_path

_FILE_OPTIONS = frozenset({"sheet", "header_row", "limit", "encoding", "delimiter"})
"""Options about the first file, which do not hold for the report that was made from it."""
_MAX_PROPERTIES_BYTES = 64 << 10  # ours are a thousand; a hostile workbook could fill our memory
# `<property ... name="importer-run"><vt:lpwstr>2026-11-25_leads</vt:lpwstr>`
_PROPERTY = re.compile(
    rb'name="(%s|%s)"[^>]*>\s*<vt:lpwstr>([A-Za-z0-9._-]{1,100})</vt:lpwstr>'
    % (RUN_ID_PROPERTY.encode(), ACCOUNT_PROPERTY.encode())
)


class WritingRun(NamedTuple):
    """The run that wrote a workbook, as its document properties have it; "" for what they do not have."""

    run_id: str = ""
    account: str = ""


def find_origin(sheet: Sheet, reports: Path) -> RunMetadata | None:
    """Return the run that wrote the sheet, or None if the sheet is not a report of ours or its run was removed.

    A workbook names its run. A CSV lies beside its journal. One that was moved is known by its headers.
    Raises UsageError for a report of an undo: its cells are those of the sheet that was undone.
    """
    if sheet.origin is not None or not sheet.preview.is_own_report:
        return sheet.origin
    found = _find_run(sheet, reports)
    if found is not None and found.kind is RunKind.UNDO:
        text = undo_messages.REPORT_OF_UNDO.format(file=sheet.file, run=found.run_id, parent=found.parent)
        raise UsageError(*text)
    return found


def _find_run(sheet: Sheet, reports: Path) -> RunMetadata | None:
    if (folder := _find_named_run(sheet, reports)) is not None:
        return read_metadata(folder)
    written_by = read_writing_run(sheet.path) if sheet.path else WritingRun()
    similar = [
        metadata
        for metadata in list_metadata(reports)
        if _has_similar_headers(metadata, sheet) and written_by.account in ("", metadata.account)
    ]
    # A run whose folder was renamed is known by its id.
    by_id = [metadata for metadata in similar if metadata.run_id == written_by.run_id]
    by_headers = [metadata for metadata in similar if metadata.headers == sheet.preview.headers]
    return next(iter(by_id or by_headers or similar), None)


def _find_named_run(sheet: Sheet, reports: Path) -> Path | None:
    """Return the folder of the run that certainly wrote the sheet: it is beside its journal, or names the run.

    The folder in which the sheet is comes first, because two accounts of a batch have runs with one id. A workbook that
    was moved is found in the folder of each account, whatever account it is imported for.
    """
    if sheet.path is None:
        return None
    run_id, account = read_writing_run(sheet.path)
    folders = [sheet.path.parent]
    if run_id:
        folders.append(reports / run_id)
    if run_id and account:
        folders += [*reports.glob(f"*/{run_id}"), *reports.parent.glob(f"*/{run_id}")]
    found = {
        folder: metadata
        for folder in folders
        if (metadata := read_metadata(folder)) is not None
        and set(metadata.headers) & set(sheet.preview.headers)
        and account in ("", metadata.account)
    }
    return min(found, key=lambda folder: run_id not in ("", found[folder].run_id), default=None)


def read_writing_run(path: Path) -> WritingRun:
    """Return what a workbook says about its run: nothing for other files, and if another program removed the properties."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("docProps/custom.xml") as part:
            found = dict(_PROPERTY.findall(part.read(_MAX_PROPERTIES_BYTES)))
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, zlib.error, RuntimeError):
        # RuntimeError: a part with a password, or (NotImplementedError) an unknown compression method.
        return WritingRun()
    names = (RUN_ID_PROPERTY, ACCOUNT_PROPERTY)
    return WritingRun(*(found.get(name.encode(), b"").decode() for name in names))


def _has_similar_headers(metadata: RunMetadata, sheet: Sheet) -> bool:
    """Return whether the sheet has the run's columns, except for some that were added or deleted."""
    of_run, of_sheet = set(metadata.headers), set(sheet.preview.headers)
    return bool(of_run) and (of_run <= of_sheet or of_sheet <= of_run)


def inherit_settings(settings: Settings, origin: RunMetadata | None, *, base_url: str) -> Settings:
    """Return the settings, with those of the run that wrote the sheet where none were given now.

    The practice CRM takes more requests a second than a real one: how fast a run sent holds only for its own CRM.
    `base_url` is that of the CRM now.
    """
    if origin is None:
        return settings
    not_inherited = _FILE_OPTIONS | _list_foreign_options(origin, base_url)
    return merge_run_settings(settings, origin.options, flags_only=not_inherited)


def refuse_other_account(sheet: Sheet, context: RunContext) -> None:
    """Raise UsageError for a report of a run of another account: the leads of one company must not reach another one.

    What was tried in a practice CRM may be sent to a real one, so another address is allowed (`report_origin`).
    """
    origin, reports = context.origin, Path(context.settings.reports)
    if origin is None or compare_account(origin, context) is not OriginAccount.OTHER:
        return
    folder = reports / origin.run_id if sheet.origin is not None else _find_named_run(sheet, reports)
    if folder is not None:
        run = format_path(folder)
        raise UsageError(*run_messages.REPORT_OF_OTHER_ACCOUNT.format(file=sheet.file, run=run))


def report_origin(journal: Journal, context: RunContext) -> None:
    """Add notices about the run that wrote the sheet: perhaps of another account, or with rows that are not here."""
    if context.origin is None:
        return
    found = (
        _describe_other_key(context.origin, context),
        _describe_unsent_rows(context.origin, journal, context),
    )
    notices = tuple(Notice(NoticeKind.IGNORED, text) for text in found if text)
    if notices:
        context.observer.on_notices(notices)
        journal.run.set_notices((*journal.metadata.notices, *notices))


def _describe_other_key(origin: RunMetadata, context: RunContext) -> str:
    """Return a sentence if the run may be of another account: its key was another one, or it was found by its columns."""
    if compare_account(origin, context) is OriginAccount.SAME:
        return ""
    return run_messages.REPORT_OF_OTHER_KEY.format(run=origin.run_id)


def _describe_unsent_rows(origin: RunMetadata, journal: Journal, context: RunContext) -> str:
    """Return a sentence if the sheet has only the failed rows of a run whose valid rows are not in this account.

    They were only checked, or sent to another account. A person who fixes and sends the failed rows may think that all
    other rows were imported too.
    """
    reports = Path(context.settings.reports)
    counts = count_rows(reports / origin.run_id)
    valid = counts.get(RowStatus.ACCEPTED, 0)
    if not valid or journal.staging.count_rows() >= sum(counts.values()):
        return ""  # all rows of the check are in the sheet, as in results.csv
    assert context.account is not None
    if has_been_sent(reports, origin.sha256, context.account):
        return ""
    foreign = _list_foreign_options(origin, context.identity.base_url)
    options = {name: value for name, value in origin.options.items() if name not in foreign}
    command = format_sheet_command("run", origin.file, options, reports)
    file = Path(origin.file).name
    if _was_sent(reports / origin.run_id):
        return run_messages.format_rows_elsewhere(file, valid, urlsplit(origin.base_url).netloc, command)
    return run_messages.format_unsent_rows(file, valid, command)


def _was_sent(folder: Path) -> bool:
    """Return whether the run in the folder has begun to send, to whichever account."""
    found = peek_run(folder)
    return found is not None and found.end.state not in (RunState.STAGING, RunState.CHECKED)


def _list_foreign_options(origin: RunMetadata, base_url: str) -> frozenset[str]:
    """Return the options of a run that do not hold here: how fast it sent, if that was to another CRM."""
    return SENDING_OPTIONS if is_other_address(origin, base_url) else frozenset()


def describe_missing_run(reports: Path) -> Notice:
    """Return a notice about a report without its run: purged, or in another reports folder or on another machine."""
    return Notice(NoticeKind.READ, run_messages.REPORT_WITHOUT_RUN.format(reports=reports))


def fit_mapping(mapping: Mapping, headers: Sequence[str]) -> Mapping:
    """Return the mapping for the same sheet after people have moved, added or deleted columns in it.

    A column is known by its header, and the second of two equal headers by being the second. An added column is left
    out, with a reason: it may only hold a person's remarks, or be a column of ours under another name.
    """
    if tuple(column.header for column in mapping.columns) == tuple(headers):
        return mapping
    kept = _match_kept_columns(mapping, headers)
    renamed = find_renamed_columns(mapping, headers)
    columns = [
        msgspec.structs.replace(kept[index], index=index)
        if index in kept
        else _build_added_column(index, header, renamed.get(index))
        for index, header in enumerate(headers)
    ]
    new_indexes = {column.index: index for index, column in kept.items()}
    return msgspec.structs.replace(
        move_columns(mapping, new_indexes),
        columns=tuple(columns),
        by_sheet={name: move_columns(one, new_indexes) for name, one in mapping.by_sheet.items()},
    )


def find_renamed_columns(mapping: Mapping, headers: Sequence[str]) -> dict[int, ColumnChoice]:
    """Return the columns with a field that are gone, by the index of the new column that is in their place.

    A place is known by the column before it, or by the one after it.
    """
    kept = _match_kept_columns(mapping, headers)
    new_indexes = {column.index: index for index, column in kept.items()}
    renamed: dict[int, ColumnChoice] = {}
    for lost in mapping.columns:
        if not lost.field or lost.index in new_indexes:
            continue
        places = {
            new_indexes.get(lost.index - 1, -1 if lost.index == 0 else None): 1,
            new_indexes.get(
                lost.index + 1, len(headers) if lost.index + 1 == len(mapping.columns) else None
            ): -1,
        }
        found = [place + step for place, step in places.items() if place is not None]
        candidates = [at for at in found if 0 <= at < len(headers) and at not in kept and at not in renamed]
        if candidates:
            renamed[candidates[0]] = lost
    return renamed


def _match_kept_columns(mapping: Mapping, headers: Sequence[str]) -> dict[int, ColumnChoice]:
    """Return the columns that are still there, by their new index."""
    by_header: dict[str, list[ColumnChoice]] = {}
    for column in mapping.columns:
        by_header.setdefault(column.header, []).append(column)
    return {index: same.pop(0) for index, header in enumerate(headers) if (same := by_header.get(header))}


def _build_added_column(index: int, header: str, lost: ColumnChoice | None) -> ColumnChoice:
    reason = run_messages.ADDED_COLUMN.format(header=header)
    if lost is not None:
        reason = run_messages.RENAMED_COLUMN.format(lost=lost.header, header=header, field=lost.field)
    return ColumnChoice(
        index=index,
        header=header,
        field="",
        source=MatchSource.UNDECIDED,
        confidence=1.0,
        reason=reason,
        fill_rate=1.0,
    )


def add_run_options(context: RunContext, journal: Journal) -> RunContext:
    """Return the context with the options that the journal kept.

    A report that is imported again has the options of its run: with --no-create its rows must not create leads now.
    """
    settings = merge_run_settings(context.settings, journal.metadata.options)
    return context.replace(settings=settings)
