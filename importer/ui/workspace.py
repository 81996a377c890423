"""What all pages work with: the reports folder with its runs and preparations, the accounts, and the threads that are running."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.credentials import Credentials
from importer.errors import RunLockedError
from importer.journal.run_metadata import PeekedRun, peek_run
from importer.messages import ui_messages
from importer.models.status import UNSENT, RunKind, RunState
from importer.pipeline.answer_book import AnswerBook
from importer.pipeline.context import Coordination, RunContext
from importer.pipeline.preparations import Preparation, Preparations
from importer.pipeline.questions import AnswerKey, Prompter
from importer.pipeline.reports_folder import now
from importer.pipeline.run_folder import make_run_id
from importer.report.summary import SUMMARY, Summary
from importer.settings import Settings, resolve_settings
from importer.ui.accounts import Accounts
from importer.ui.plan_tallies import PlanTallies
from importer.ui.row_editors import RowEditors
from importer.ui.run_task import RunTask, TaskKind, Tasks, Work
from importer.ui.sheet_previews import SheetPreviews

SUGGESTED_OPTIONS = {"existing": "careful"}
"""What a new sheet begins with: nothing that somebody typed into the CRM is replaced without a look."""


class RunPlace(NamedTuple):
    """Where a run is, as its folder and the threads of this process say. Each part may be missing."""

    preparation: Preparation | None
    run: PeekedRun | None
    task: RunTask | None

    @property
    def running(self) -> RunTask | None:
        """The task that is working for the run now."""
        return self.task if self.task is not None and self.task.is_running else None

    @property
    def can_edit(self) -> bool:
        """Whether the run has rows of a sheet that wait to be sent."""
        return self.run is not None and self.state in UNSENT and self.run.metadata.kind is RunKind.IMPORT

    @property
    def state(self) -> RunState | None:
        """The state of the run on disk."""
        return self.run.end.state if self.run is not None else None


class Workspace:
    """One reports folder and the accounts."""

    def __init__(self, reports: Path, accounts: Accounts) -> None:
        self.reports = reports
        self.accounts = accounts
        self.preparations = Preparations(reports)
        self.tasks = Tasks()
        self.editors = RowEditors()
        self.tallies = PlanTallies()
        self.previews = SheetPreviews()

    # --- find

    def find_place(self, run_id: str) -> RunPlace:
        """Return where a run is."""
        folder = self.reports / run_id
        return RunPlace(self.preparations.find(run_id), peek_run(folder), self.tasks.find(run_id))

    def get_credentials(self, run_id: str) -> Credentials:
        """Return the credentials of the account that a run or preparation is for."""
        if (run := peek_run(self.reports / run_id)) is not None:
            return self.accounts.find_by_address(run.metadata.base_url)
        return self.accounts.find(is_practice=self.preparations.get(run_id).is_practice)

    def read_summary(self, run_id: str) -> Summary | None:
        """Return the summary of the last reports of a run, or None if there are none yet."""
        try:
            return msgspec.json.decode((self.reports / run_id / SUMMARY).read_bytes(), type=Summary)
        except (OSError, msgspec.MsgspecError):
            return None

    def is_practice_run(self, run_id: str) -> bool:
        """Return whether a run was made for the practice CRM."""
        run = peek_run(self.reports / run_id)
        return run is not None and self.accounts.is_practice_address(run.metadata.base_url)

    # --- begin

    def begin_preparation(
        self, name: str, path: Path, run_id: str, *, is_practice: bool | None = None
    ) -> Preparation:
        """Keep a new sheet as a preparation, for the account that new sheets go to unless it is said."""
        preparation = Preparation(
            run_id=run_id,
            file=name,
            path=str(path),
            started_at=now().isoformat(),
            is_practice=self.accounts.is_practice if is_practice is None else is_practice,
            options=dict(SUGGESTED_OPTIONS),
        )
        self.preparations.save(preparation)
        return preparation

    def make_run_id(self) -> str:
        """Return an id for a new run."""
        return make_run_id(now())

    def resolve(self, preparation: Preparation) -> Settings:
        """Return the settings of a preparation. Raises UsageError."""
        return resolve_settings(
            {**preparation.options, "reports": str(self.reports), "run_id": preparation.run_id}
        )

    # --- work in a thread

    def make_context(
        self, credentials: Credentials, task: RunTask, *, settings: Settings | None = None
    ) -> RunContext:
        """Return the surroundings of a task."""
        return RunContext(
            settings=settings or resolve_settings({"reports": str(self.reports)}),
            credentials=credentials,
            observer=task.observer,
            coordination=Coordination(get_stop_request=lambda: task.stop_request),
        )

    def make_prompter(self, preparation: Preparation, task: RunTask) -> Prompter:
        """Return who is asked about a preparation: the browser, about what its preparation has no answer for."""
        return AnswerBook(task.prompter, _SavedAnswers(self.preparations, preparation))

    def start(self, run_id: str, kind: TaskKind, work: Work) -> bool:
        """Start a task, unless the run has one: then return False."""
        self.editors.close(run_id)
        return self.tasks.start(run_id, kind, work)

    def stop_check(self, run_id: str) -> None:
        """Stop the check of a run, so that its preparation can change. Raises RunLockedError if it does something else."""
        task = self.tasks.find(run_id)
        if task is None or not task.is_running:
            return
        if task.kind is not TaskKind.CHECK:
            raise RunLockedError(*ui_messages.RUN_IN_USE)
        task.stop()
        task.join()


class _SavedAnswers(dict[AnswerKey, str | None]):
    """The answers of a preparation. New ones are on disk before the run goes on."""

    def __init__(self, preparations: Preparations, preparation: Preparation) -> None:
        super().__init__(preparation.answers)
        self._preparations = preparations
        self._run_id = preparation.run_id

    def update(self, answers: dict[AnswerKey, str | None]) -> None:  # type: ignore[override]
        """Add answers, and write all of them."""
        super().update(answers)
        preparation = self._preparations.get(self._run_id)
        self._preparations.save(preparation.change(answers=tuple(self.items())))
