"""What travels together through a run, and the observer that receives its events. Questions are in questions.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.credentials import Credentials
from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import AccountTitles, Mapping, Notice
from importer.models.status import RunKind
from importer.models.task import RetriedTasks
from importer.pipeline.local_sender import LocalSender, Sender
from importer.pipeline.questions import Prompter
from importer.planner.decide import Edited
from importer.planner.plan_rules import PlanRules, build_plan_rules, build_undo_rules
from importer.planner.policies import Policies, build_policies
from importer.sender.adaptive_rate import LearntRate
from importer.sender.send_loop import GATHER_S, READY_S, Progress, StopRequest
from importer.settings import Settings
from importer.state.account_identity import AccountIdentity, identify_account
from importer.state.run_lock import MAX_LOCK_WAIT_S
from importer.state.state_folder import AccountState, find_account, find_state_folder


class NameConflict(msgspec.Struct, frozen=True):
    """A row that was merged with a row of the same phone and another name: `other` is `row 3 "Ravi Rao"`.

    `row` is the row in a sentence: `14`, or `14 of Pune`.
    """

    number: int
    row: str
    name: str
    other: str


class RunObserver:
    """Receives the events of a run. Each method does nothing unless it is overridden."""

    def on_interrupted_run_found(self, folder: Path) -> None:
        """An earlier run has sent a part of this file; it can be resumed instead of sending everything again.

        Its folder may be in another reports folder.
        """

    def on_wait(self, seconds: float) -> None:
        """The CRM asks to wait this long before it sends the account's lists."""

    def on_worker_wait(self, seconds: float) -> None:
        """A worker of a batch that was killed may still send to the account, for this long at most. Comes each second."""

    def on_mapping_decided(self, metadata: RunMetadata) -> None:
        """The file was opened and its columns were matched to fields."""

    def on_rows_judged(self, rows: int) -> None:
        """This many rows have been judged so far."""

    def on_notices(self, notices: Sequence[Notice]) -> None:
        """The rest of the sheet gave new notices, such as totals at its end."""

    def on_rows_merged(self, other_names: Sequence[NameConflict]) -> None:
        """Rows were merged; these are the first whose names differ, so they may be different people."""

    def on_progress(self, progress: Progress) -> None:
        """The sending has progressed."""

    def on_rate_learnt(self, learnt: LearntRate) -> None:
        """The sending has ended, and this is what it has learnt of the account's limit."""

    def on_look_ups_begin(self, phones: int) -> None:
        """The leads of this many phones are about to be looked up."""

    def on_look_up_progress(self, progress: Progress) -> None:
        """The look-ups of a plan have progressed."""

    def on_tasks_begin(self, tasks: int, wait_s: float) -> None:
        """This many tasks are about to be created, after a wait for those that an earlier run may have created."""

    def on_task_progress(self, progress: Progress) -> None:
        """The creation of tasks has progressed."""

    def on_answers_saved(self, path: Path) -> None:
        """The answers were saved in `path` for the next sheet with these columns."""


class NullObserver(RunObserver):
    """Ignores all events: for scripts, `--yes` and the library."""


class Coordination(msgspec.Struct, frozen=True, kw_only=True):
    """How a run fits in with the others of one program, such as those of a batch.

    `learnt_rate` is what the run before it has learnt of the account's limit. `opened_account` is the state of the account,
    if the program has opened it a moment ago. `get_stop_request` says what the program wants,
    beside the signals of this process. `lock_wait_s` is how long to wait for another run's lock. SendSettings has
    `gather_s` and `ready_s`. `sender` sends from another place than this process.
    """

    learnt_rate: LearntRate | None = None
    opened_account: AccountState | None = None
    get_stop_request: Callable[[], StopRequest] = lambda: StopRequest.NO
    lock_wait_s: float = MAX_LOCK_WAIT_S
    gather_s: float = GATHER_S
    ready_s: float = READY_S
    sender: Sender | None = None


class RunContext(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one run.

    `credentials` are None where rows are only judged, without the network: `given_identity` then says for whom.
    `prompter` is None if nobody can be asked: in scripts, with `--yes`, and in the library. `parent` is the id of the
    run whose rows this run retries, or "". `state_dir` is what outlives a reports folder (importer.state.state_folder).
    The steps of a run add the rest: `origin` is the run that wrote the sheet, if it is a report of ours, `titles` are
    the account's dropdown lists, and `account` is its state. `retried_tasks` are those of the run that is retried.
    """

    settings: Settings
    credentials: Credentials | None = None
    given_identity: AccountIdentity | None = None
    observer: RunObserver = msgspec.field(default_factory=NullObserver)
    prompter: Prompter | None = None
    parent: str = ""
    coordination: Coordination = Coordination()
    state_dir: Path = msgspec.field(default_factory=lambda: find_state_folder(os.environ))
    origin: RunMetadata | None = None
    titles: AccountTitles = {}
    account: AccountState | None = None
    retried_tasks: RetriedTasks | None = None

    def choose_policies(self, mapping: Mapping | None = None) -> Policies:
        """Return what happens to fields that have a value in the CRM. The options go before the map.

        Raises UsageError for a policy that makes no sense.
        """
        in_map = {} if mapping is None else mapping.policy
        return build_policies(self.settings.existing, {**in_map, **self.settings.policy})

    @property
    def identity(self) -> AccountIdentity:
        """The account's address and the fingerprint of its key. Judging needs no more."""
        return self.given_identity or identify_account(self.require_credentials())

    def require_credentials(self) -> Credentials:
        """Return the credentials, which all that talks to the CRM needs."""
        assert self.credentials is not None, "only judging does without a key"
        return self.credentials

    @property
    def sender(self) -> Sender:
        """Where rows are sent from."""
        return self.coordination.sender or LocalSender(self.require_credentials())

    def choose_rules(self, metadata: RunMetadata) -> PlanRules:
        """Return how the rows of a run are planned."""
        if metadata.kind is RunKind.UNDO:
            return build_undo_rules(Edited(self.settings.edited), self.titles)
        policies = self.choose_policies(metadata.mapping)
        return build_plan_rules(policies, self.titles, create=self.settings.create)

    def require_account(self) -> AccountState:
        """Return the account, which a run that sends has opened."""
        assert self.account is not None, "the account is opened before anything is sent"
        return self.account

    def find_account_of(self, metadata: RunMetadata) -> AccountState:
        """Return the account of an earlier run, for a caller that only reads. Its journal names it, so no key is needed."""
        identity = AccountIdentity(metadata.base_url, metadata.account)
        return find_account(self.state_dir, identity, metadata.titles)

    def replace(self, **values: Any) -> RunContext:
        """Return the same context with other values for some fields."""
        return msgspec.structs.replace(self, **values)
