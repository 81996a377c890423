"""Undo a run: plan what puts its leads back to what they were, ask, and send exactly that plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from importer.command_hints import format_run_command
from importer.errors import RunNotFoundError, UsageError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, RunMetadata, peek_run
from importer.messages import format_time, undo_messages
from importer.models.status import RESUMABLE, RowStatus, RunKind, RunState
from importer.pipeline.context import RunContext
from importer.pipeline.plan import apply
from importer.pipeline.plan_rows import continue_plan
from importer.pipeline.reports_folder import count_rows, find_run, now
from importer.pipeline.resume import check_address, lock_account_of, lock_journal
from importer.pipeline.run_folder import choose_run_folder, create_journal, make_run_id
from importer.pipeline.undo_rows import parse_rows, stage_undo_rows
from importer.report.summary import Summary
from importer.settings import SENDING_OPTIONS, get_inheritable, merge_run_settings
from importer.state.account_memory import is_known_run
from importer.state.state_folder import list_account_folders

_LEFT = (RowStatus.CONFLICT, RowStatus.REFUSED, RowStatus.FAILED, RowStatus.UNKNOWN, RowStatus.PENDING)


def undo(name: str, context: RunContext) -> Summary:
    """Put the leads that a run updated back to what they were, after a plan that the person agrees to.

    Raises UsageError for a run that cannot be undone.
    """
    planned = plan_undo(name, context)
    if planned.state != RunState.PLANNED:
        return planned  # the look-ups were stopped
    return apply(planned.folder, context)


@contextmanager
def explain_purged_run(name: str, state: Path) -> Iterator[None]:
    """Raise UsageError in place of RunNotFoundError for a run that this computer has sent: it was purged since."""
    try:
        yield
    except RunNotFoundError:
        if any(is_known_run(account, Path(name).name) for account in list_account_folders(state)):
            raise UsageError(*undo_messages.UNDONE_RUN_IS_GONE.format(run=name)) from None
        raise


def plan_undo(name: str, context: RunContext, *, new_id: str = "") -> Summary:
    """Look up the leads of a run, and write what would put them back. The plan gets the run id `new_id`, if there is one.

    Raises UsageError for a run that cannot be undone.
    """
    with ExitStack() as stack:
        with raise_as_nothing_sent():
            source = stack.enter_context(Journal.open(find_run(Path(context.settings.reports), name)))
            check_address(source.metadata.base_url, context.identity)
            _require_undoable(source, context)
            context = _inherit_settings(source, context, new_id or make_run_id(now()))
            run_id = context.settings.run_id or ""
            context = stack.enter_context(lock_account_of(source, context, run_id=run_id))
            journal = stack.enter_context(_stage(source, context))
            stack.enter_context(lock_journal(journal))
        journal.begin_look_ups(context.require_account())
        return continue_plan(journal, context)


def _inherit_settings(source: Journal, context: RunContext, run_id: str) -> RunContext:
    """Return the context for the run folder of the undo, with the speed of the run that is undone."""
    options = {name: value for name, value in source.metadata.options.items() if name in SENDING_OPTIONS}
    settings = merge_run_settings(context.settings, options)
    # A value to put back may have been removed from the account: it is left out then, also by a resume.
    settings = settings.replace(run_id=run_id, reports=str(source.folder.parent), unknown="drop")
    return context.replace(settings=settings)


def _stage(source: Journal, context: RunContext) -> Journal:
    """Return the journal of the undo, in which every row is staged. A failure leaves nothing behind.

    It says at once that a plan is under way: killed before the first look-up, it must not be sent without one.
    """
    with create_journal(choose_run_folder(context.settings), _build_metadata(source, context)) as journal:
        stage_undo_rows(journal, source, context)
        journal.run.write_end(RunEnd(state=RunState.RUNNING, is_planning=True))
        journal.staging.complete()
        return journal


def _build_metadata(source: Journal, context: RunContext) -> RunMetadata:
    of_run, settings = source.metadata, context.settings
    assert settings.run_id is not None
    return RunMetadata(
        run_id=settings.run_id,
        command=RunKind.UNDO,
        file=of_run.file,
        sha256=of_run.sha256,
        started_at=now().isoformat(),
        account=context.identity.key,
        base_url=context.identity.base_url,
        headers=of_run.headers,
        mapping=of_run.mapping,
        options=get_inheritable(settings),
        parent=source.run_id,
        titles=context.titles,
        sheets=of_run.sheets,
    )


def _require_undoable(source: Journal, context: RunContext) -> None:
    """Raise UsageError for a run that has sent nothing, has kept no way back, or was undone already."""
    if not source.run.end.has_sent:
        raise UsageError(*undo_messages.NOTHING_TO_UNDO.format(run=source.run_id))
    if source.plans.is_empty:
        file = source.metadata.file
        raise UsageError(*undo_messages.NO_WAY_BACK.format(run=source.run_id, file=file))
    if parse_rows(context.settings) and source.metadata.sheets:
        raise UsageError(*undo_messages.ROWS_OF_SEVERAL_SHEETS.format(run=source.run_id))
    if source.metadata.undone_by and not context.settings.mark_created:
        _refuse_undone(source)


def _refuse_undone(source: Journal) -> None:
    """Raise UsageError unless the last undo of the run has left something, or was undone itself."""
    folder = source.folder.parent / source.metadata.undone_by
    last = peek_run(folder)
    if last is not None and last.end.state in RESUMABLE:
        command = format_run_command("resume", folder)
        text = undo_messages.UNDO_NOT_FINISHED.format(run=source.run_id, undo=folder.name, command=command)
        raise UsageError(*text)
    if last is not None and (last.metadata.undone_by or _has_left_rows(folder, last.metadata)):
        return
    at = format_time(datetime.fromisoformat(source.metadata.undone_at))
    raise UsageError(*undo_messages.ALREADY_UNDONE.format(run=source.run_id, at=at, undo=folder.name))


def _has_left_rows(folder: Path, undo_run: RunMetadata) -> bool:
    """Return whether an undo was about a part of its run, or could not put everything back."""
    counts = count_rows(folder)
    is_partial = undo_run.options.get("only") or undo_run.options.get("rows")
    return bool(is_partial) or any(counts.get(status) for status in _LEFT)
