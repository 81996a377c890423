"""Make the id, the folder, the metadata and the journal of a new run."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from importer.errors import UsageError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.messages import run_messages
from importer.models.mapping import Notice, NoticeKind, get_active_titles
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import MappingDecision
from importer.pipeline.runs import fingerprint_account, now, was_killed_early
from importer.reader.source import Sheet
from importer.settings import Settings, get_inheritable
from importer.state.disk_errors import translate_write_errors


def make_run_id(started: datetime) -> str:
    """Return an id that sorts by time and does not collide: `20261124-114500-3fa2`."""
    return f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def ensure_run_id(context: RunContext) -> RunContext:
    """Return the context with a run id in its settings."""
    settings = context.settings
    return (
        context if settings.run_id else context.replace(settings=settings.replace(run_id=make_run_id(now())))
    )


def choose_run_folder(settings: Settings) -> Path:
    """Return the folder of the new run. Raises UsageError if its id is taken.

    A run that was killed before its sheet was judged sent nothing: its id is free again.
    """
    assert settings.run_id is not None
    folder = Path(settings.reports, settings.run_id)
    if folder.exists() and was_killed_early(folder):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise _build_taken_error(folder)
    return folder


@contextmanager
def create_journal(folder: Path, metadata: RunMetadata) -> Iterator[Journal]:
    """Create the journal of a new run in its folder. If the block fails, both are removed.

    Raises UsageError, DiskWriteError.
    """
    with _make_run_folder(folder):
        journal = Journal.create(folder, metadata)
        try:
            yield journal
        except BaseException:
            journal.close()
            raise


@contextmanager
def _make_run_folder(folder: Path) -> Iterator[None]:
    """Make the folder of a new run. If the block fails, remove it.

    If two commands have one --run-id, only the one that made the folder may remove it.
    """
    with translate_write_errors(folder):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise _build_taken_error(folder) from None
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _build_taken_error(folder: Path) -> UsageError:
    return UsageError(*run_messages.RUN_ID_TAKEN.format(run_id=folder.name, reports=folder.parent))


def build_metadata(command: str, sheet: Sheet, decision: MappingDecision, context: RunContext) -> RunMetadata:
    """Return what the run is about, as the journal keeps it."""
    settings = context.settings
    assert settings.run_id is not None
    return RunMetadata(
        run_id=settings.run_id,
        command=command,
        file=sheet.file,
        sha256=sheet.sha256,
        started_at=now().isoformat(),
        account=fingerprint_account(context.credentials),
        base_url=context.credentials.base_url,
        headers=sheet.preview.headers,
        mapping=decision.mapping,
        options=get_inheritable(settings),
        notices=(*sheet.preview.notices, *decision.notices, *_note_limit(settings.limit)),
        parent=context.parent,
        titles=get_active_titles(context.titles),
    )


def _note_limit(limit: int | None) -> Iterator[Notice]:
    """Yield a notice about a limit: one in a settings file is easily forgotten, and no count shows what it leaves out."""
    if limit is not None:
        yield Notice(NoticeKind.IGNORED, run_messages.format_limit_notice(limit))
