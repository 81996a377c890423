"""What comes before the first row of a run: its id, the account's lists, the locks, and what the journal says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from importer.errors import raise_as_nothing_sent
from importer.journal.run_metadata import RunMetadata
from importer.messages import run_messages
from importer.models.mapping import Notice, NoticeKind
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import MappingDecision
from importer.pipeline.judge_rows import require_rows
from importer.pipeline.reports_folder import now
from importer.pipeline.run_folder import choose_run_folder, make_run_id
from importer.reader.source import Sheet
from importer.settings import get_inheritable
from importer.state.lease import wait_for_worker
from importer.state.run_lock import LockHolder, lock_account, lock_run
from importer.state.state_folder import AccountState, open_account


@contextmanager
def lock_sheet(sheet: Sheet, context: RunContext) -> Iterator[RunContext]:
    """Lock the file in the reports folder, then the account, while the block runs. Raises RunLockedError.

    Yield the context with a run id, the account's lists and the account. The lists tell which account the key opens.
    They are fetched under the first lock, so that a run that is sending is named even if the CRM does not answer.
    """
    context = begin_run(sheet, context)
    reports, run_id = Path(context.settings.reports), context.settings.run_id
    assert run_id is not None
    with ExitStack() as locks:
        with raise_as_nothing_sent():
            locks.enter_context(lock_run(reports, run_id, sha256=sheet.sha256, account=context.identity.key))
            context = fetch_lists(context)
            account = open_account(context.state_dir, context.identity, context.titles)
            holder = LockHolder.from_run(run_id, reports, sheet.file)
            locks.enter_context(lock_account(account.folder, holder))
            wait_for_worker(account.folder, context.observer.on_worker_wait)
        yield context.replace(account=account)


def begin_run(sheet: Sheet, context: RunContext) -> RunContext:
    """Return the context with a run id.

    What is wrong with the sheet or the run id is found here, before the CRM is asked and before a folder is made.
    """
    context = _ensure_run_id(context)
    with raise_as_nothing_sent():
        require_rows(sheet, allow_empty=context.settings.allow_empty)
        choose_run_folder(context.settings)
    return context


def _ensure_run_id(context: RunContext) -> RunContext:
    """Return the context with a run id in its settings."""
    settings = context.settings
    return (
        context if settings.run_id else context.replace(settings=settings.replace(run_id=make_run_id(now())))
    )


def fetch_lists(context: RunContext) -> RunContext:
    """Return the context with the dropdown values of the account."""
    with raise_as_nothing_sent():
        credentials = context.require_credentials()
        titles = fetch_account_titles(credentials, context.settings, context.observer.on_wait)
    return context.replace(titles=titles)


def warn_of_earlier_run(
    sha256: str, context: RunContext, find: Callable[[Path, str, AccountState], Path | None]
) -> None:
    """Tell the observer about a run that `find` finds: it sent a part of the file."""
    assert context.account is not None
    if folder := find(Path(context.settings.reports), sha256, context.account):
        context.observer.on_interrupted_run_found(folder)


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
        account=context.identity.key,
        base_url=context.identity.base_url,
        headers=sheet.preview.headers,
        mapping=decision.mapping,
        options=get_inheritable(settings),
        notices=(*sheet.preview.notices, *decision.notices, *_note_limit(settings.limit)),
        parent=context.parent,
        titles=context.titles,
        sheets=sheet.names,
    )


def _note_limit(limit: int | None) -> Iterator[Notice]:
    """Yield a notice about a limit: one in a settings file is easily forgotten, and no count shows what it leaves out."""
    if limit is not None:
        yield Notice(NoticeKind.IGNORED, run_messages.format_limit_notice(limit))
