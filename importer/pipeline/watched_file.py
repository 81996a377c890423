"""Import one file of a watched folder: known by its content, sent only if nothing forbids it, then moved away."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.errors import NothingSentError, RunLockedError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import peek_run
from importer.loader.mapping.map_file import has_real_headers, remember_map
from importer.loader.mapping.sheet_mappings import split_sheets
from importer.messages import watch_messages
from importer.models.mapping import Mapping
from importer.models.status import RunState
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.answers import MAPS_FOLDER, find_remembered_map
from importer.pipeline.context import RunContext
from importer.pipeline.plan import apply, plan
from importer.pipeline.reports_folder import (
    find_last_sent_run,
    find_unfinished_run,
    list_unsent_runs,
    read_metadata,
    was_sent,
)
from importer.pipeline.resume import resume
from importer.pipeline.run import check
from importer.pipeline.run_folder import discard_unsent_run
from importer.pipeline.watch_folder import FileLook, SendLimits, look_at_file
from importer.reader.protocol import SheetPreview
from importer.reader.source import Sheet, make_open_options, open_file
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.state.account_identity import identify_account
from importer.state.run_lock import LockHolder, lock_watching
from importer.state.state_folder import open_account


class FileEnding(Enum):
    """What became of a file at one look."""

    SENT = auto()  # by a run that ended; rows may have failed
    PLANNED = auto()  # as --plan-only asks
    KNOWN = auto()  # its content was sent before, or planned where --plan-only asks for that
    OWN_REPORT = auto()  # written by importer: not for this folder
    UNKNOWN_COLUMNS = auto()  # nobody has imported a sheet with these columns yet
    HELD_BACK = auto()  # more rejected rows, updates or conflicts than the limits allow
    CHANGING = auto()  # it has changed since the look
    STOPPED = auto()  # its run was stopped or interrupted, and continues at the next look
    ON_HOLD = auto()  # a person stopped its run in the page, and continues it

    @property
    def is_done(self) -> bool:
        """Whether the file needs nothing more, as long as it stays as it is."""
        return self in _DONE


_DONE = frozenset({FileEnding.SENT, FileEnding.PLANNED, FileEnding.KNOWN, FileEnding.OWN_REPORT})


class WatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with each file. `done` is the folder for files that were sent, if they are to be moved."""

    done: Path | None = None
    plan_only: bool = False
    limits: SendLimits = SendLimits()


class FileResult(NamedTuple):
    """What became of a file, the run that says more, if there is one, and why the file was held back.

    `summary` is that of a run of this look.
    """

    ending: FileEnding
    summary: Summary | None = None
    folder: Path | None = None
    reason: str = ""


def open_watched_account(context: RunContext) -> RunContext:
    """Return the context with the account's lists and its state. Raises NothingSentError, RunStoppedError."""
    credentials = context.require_credentials()
    titles = fetch_account_titles(credentials, context.settings, context.observer.on_wait)
    account = open_account(context.state_dir, identify_account(credentials), titles)
    return context.replace(titles=titles, account=account)


def import_file(path: Path, look: FileLook, options: WatchOptions, context: RunContext) -> FileResult:
    """Import a file that looked like `look`, unless its content was sent before. Raises ImporterError.

    One watcher at a time does this for an account: of two, the second finds the content known.
    """
    holder = LockHolder.from_run("", Path(context.settings.reports), str(path))
    with lock_watching(context.require_account().folder, holder):
        if look_at_file(path) != look:
            return FileResult(FileEnding.CHANGING)
        result = _import_content(path, look, _hash_file(path), options, context)
        if options.done is not None and _was_sent(result, options):
            move_file(path, look, options.done)
        return result


def _was_sent(result: FileResult, options: WatchOptions) -> bool:
    return result.ending is FileEnding.SENT or (result.ending is FileEnding.KNOWN and not options.plan_only)


def _import_content(
    path: Path, look: FileLook, sha256: str, options: WatchOptions, context: RunContext
) -> FileResult:
    reports, account = Path(context.settings.reports), context.require_account()
    if folder := find_unfinished_run(reports, sha256, account):
        return _continue_run(folder, context)
    if was_sent(reports, sha256, account):
        return FileResult(FileEnding.KNOWN)
    for folder, end in list_unsent_runs(reports, sha256, account):
        if end.reason:
            return FileResult(FileEnding.HELD_BACK, folder=folder, reason=end.reason)
        if options.plan_only and end.state is RunState.PLANNED:
            return FileResult(FileEnding.KNOWN)
    with open_file(path, make_open_options(context.settings)) as sheet:
        if look_at_file(path) != look:
            return FileResult(FileEnding.CHANGING)
        return _import_sheet(sheet, options, context)


def _continue_run(folder: Path, context: RunContext) -> FileResult:
    """Finish a run that was stopped or killed, but not one that a person has stopped in the page."""
    found = peek_run(folder)
    if found is not None and found.end.is_held:
        return FileResult(FileEnding.ON_HOLD, folder=folder)
    settings = context.settings.replace(reports=str(folder.parent))
    return _describe_sending(resume(folder.name, context.replace(settings=settings)))


def _import_sheet(sheet: Sheet, options: WatchOptions, context: RunContext) -> FileResult:
    """Check or plan a sheet whose columns are known, and send it if that is asked for and nothing forbids it."""
    if sheet.preview.is_own_report:
        return FileResult(FileEnding.OWN_REPORT)
    if not _knows_columns(sheet, context):
        return FileResult(FileEnding.UNKNOWN_COLUMNS)
    judge = plan if options.plan_only or options.limits.need_plan else check
    summary = judge(sheet, context)
    if summary.state not in (RunState.CHECKED, RunState.PLANNED):
        return FileResult(FileEnding.STOPPED, summary)
    if reason := options.limits.find_exceeded(summary):
        return FileResult(FileEnding.HELD_BACK, _hold_back(summary, reason), Path(summary.folder), reason)
    if options.plan_only:
        return FileResult(FileEnding.PLANNED, summary)
    try:
        return _describe_sending(apply(summary.run_id, context))
    except RunLockedError:
        discard_unsent_run(Path(summary.folder))  # it is judged again at the next look
        raise


def _describe_sending(summary: Summary) -> FileResult:
    is_ended = summary.state == RunState.FINISHED
    return FileResult(FileEnding.SENT if is_ended else FileEnding.STOPPED, summary)


def _hold_back(summary: Summary, reason: str) -> Summary:
    """Write into the run why it is not sent: the next look finds it there, and so do the reports."""
    with Journal.open(Path(summary.folder)) as journal:
        journal.run.write_end(msgspec.structs.replace(journal.run.end, reason=reason))
        return write_reports(journal, journal.folder)


# --- columns that a person has seen


def _knows_columns(sheet: Sheet, context: RunContext) -> bool:
    """Return whether a person has decided how sheets with these columns are read. Nobody looks at this one."""
    settings = context.settings
    if settings.map is not None or settings.preset is not None:
        return True
    return all(_knows_sheet(preview, context) for preview in sheet.reader.workbook.sheets)


def _knows_sheet(preview: SheetPreview, context: RunContext) -> bool:
    if find_remembered_map(preview, context.settings) is not None:
        return True
    mapping = _find_sent_mapping(preview, context) if has_real_headers(preview.headers) else None
    if mapping is None:
        return False
    remember_map(Path(context.settings.reports) / MAPS_FOLDER, mapping)
    return True


def _find_sent_mapping(preview: SheetPreview, context: RunContext) -> Mapping | None:
    """Return how the last sheet with these columns was read that was sent to the account."""
    folder = find_last_sent_run(
        Path(context.settings.reports),
        context.require_account(),
        lambda metadata: any(_has_headers(one, preview) for one in split_sheets(metadata.mapping)),
    )
    metadata = read_metadata(folder) if folder else None
    found = split_sheets(metadata.mapping) if metadata else []
    return next((one for one in found if _has_headers(one, preview)), None)


def _has_headers(mapping: Mapping, preview: SheetPreview) -> bool:
    return tuple(column.header for column in mapping.columns) == preview.headers


# --- the file itself


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def move_file(path: Path, look: FileLook, folder: Path) -> None:
    """Move a file into a folder, where it replaces no other. One that has changed since `look` stays: it is another sheet.

    Raises NothingSentError, with what to do.
    """
    if look_at_file(path) != look:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(path, _choose_free_path(folder / path.name))
    except OSError as error:
        reason = error.strerror or str(error)
        raise NothingSentError(
            *watch_messages.CANNOT_MOVE.format(file=path, folder=folder, reason=reason)
        ) from error


def _choose_free_path(path: Path) -> Path:
    return next(one for one in _list_free_names(path) if not one.exists())


def _list_free_names(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
