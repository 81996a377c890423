"""The steps of an import that take time, each as a task in a thread: the page's only way into the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from importer.errors import RunLockedError, UsageError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import peek_run
from importer.messages import ui_messages
from importer.models.status import RunState
from importer.pipeline.plan import apply, plan_checked
from importer.pipeline.preparations import Preparation
from importer.pipeline.resume import resume, retry, verify
from importer.pipeline.run import check
from importer.pipeline.run_folder import discard_unsent_run
from importer.pipeline.undo import plan_undo
from importer.reader.source import make_open_options, open_file
from importer.report.summary import Summary
from importer.settings import resolve_settings
from importer.ui.run_task import RunTask, TaskKind, Work
from importer.ui.workspace import Workspace


def start_check(workspace: Workspace, preparation: Preparation) -> None:
    """Judge every row of a preparation, in place of an earlier check. Raises UsageError if something was sent.

    Raises RunLockedError while another command works with that check.
    """
    workspace.stop_check(preparation.run_id)
    _discard_check(workspace, preparation.run_id)
    credentials = workspace.accounts.find(is_practice=preparation.is_practice)
    settings = workspace.resolve(preparation)

    def work(task: RunTask) -> Summary:
        context = workspace.make_context(credentials, task, settings=settings)
        context = context.replace(prompter=workspace.make_prompter(preparation, task))
        with open_file(Path(preparation.path), make_open_options(settings, asks=True)) as sheet:
            sheet.file = preparation.file
            return check(sheet, context)

    _start(workspace, preparation.run_id, TaskKind.CHECK, work)


def forget_check(workspace: Workspace, run_id: str) -> None:
    """Remove the check of a preparation whose sheet is read again. Raises UsageError, RunLockedError."""
    workspace.stop_check(run_id)
    _discard_check(workspace, run_id)


def _discard_check(workspace: Workspace, run_id: str) -> None:
    folder = workspace.reports / run_id
    workspace.editors.close(run_id)
    found = peek_run(folder)
    if found is not None and found.end.has_sent:
        raise UsageError(*ui_messages.ALREADY_SENT)
    discard_unsent_run(folder)


def start_look_up(workspace: Workspace, run_id: str, policies: Mapping[str, object] | None = None) -> None:
    """Look up the leads of a checked run, and plan its rows. A planned run is planned again by other `policies`."""
    credentials = workspace.get_credentials(run_id)
    settings = resolve_settings({"reports": str(workspace.reports), **(policies or {})})

    def work(task: RunTask) -> Summary:
        return plan_checked(run_id, workspace.make_context(credentials, task, settings=settings))

    _start(workspace, run_id, TaskKind.LOOK_UP, work)


def start_send(workspace: Workspace, run_id: str, planned_at: str) -> bool:
    """Send the plan that was made at this time. Return False if the run is busy: a second click changes nothing."""
    credentials = workspace.get_credentials(run_id)

    def work(task: RunTask) -> Summary:
        summary = apply(run_id, workspace.make_context(credentials, task), planned_at=planned_at)
        workspace.preparations.remove(run_id)
        return _hold_if_stopped(workspace, task, summary)

    return workspace.start(run_id, TaskKind.SEND, work)


def start_resume(workspace: Workspace, run_id: str) -> None:
    """Finish a run, or the look-ups of its plan, that was stopped, interrupted or killed."""
    credentials = workspace.get_credentials(run_id)
    run = peek_run(workspace.reports / run_id)
    kind = TaskKind.LOOK_UP if run is not None and run.end.is_planning else TaskKind.SEND

    def work(task: RunTask) -> Summary:
        summary = resume(run_id, workspace.make_context(credentials, task))
        return _hold_if_stopped(workspace, task, summary)

    _start(workspace, run_id, kind, work)


def start_retry(workspace: Workspace, run_id: str) -> str:
    """Send the rows that did not go in once more, as a new run. Return its id."""
    credentials = workspace.get_credentials(run_id)
    new_id = workspace.make_run_id()

    def work(task: RunTask) -> Summary | None:
        summary = retry(run_id, workspace.make_context(credentials, task), new_id=new_id)
        return _hold_if_stopped(workspace, task, summary) if summary else None

    _start(workspace, new_id, TaskKind.SEND, work)
    return new_id


def start_undo(workspace: Workspace, run_id: str) -> str:
    """Plan what puts the leads of a run back, as a run of its own. Return its id."""
    credentials = workspace.get_credentials(run_id)
    new_id = workspace.make_run_id()

    def work(task: RunTask) -> Summary:
        return plan_undo(run_id, workspace.make_context(credentials, task), new_id=new_id)

    _start(workspace, new_id, TaskKind.LOOK_UP, work)
    return new_id


def start_verify(workspace: Workspace, run_id: str) -> None:
    """Read the leads of a run back."""
    credentials = workspace.get_credentials(run_id)

    def work(task: RunTask) -> Summary:
        return verify(run_id, workspace.make_context(credentials, task))

    _start(workspace, run_id, TaskKind.VERIFY, work)


def _hold_if_stopped(workspace: Workspace, task: RunTask, summary: Summary) -> Summary:
    """Write into a run that a person stopped it, so that no watcher of its folder continues it."""
    if task.is_held and summary.state == RunState.INTERRUPTED:
        with Journal.open(workspace.reports / summary.run_id) as journal:
            journal.run.write_end(msgspec.structs.replace(journal.run.end, is_held=True))
    return summary


def _start(workspace: Workspace, run_id: str, kind: TaskKind, work: Work) -> None:
    if not workspace.start(run_id, kind, work):
        raise RunLockedError(*ui_messages.RUN_IN_USE)
