"""What a sending asks of the CRM, as values that can travel to another machine."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from importer.planner.drift import OnDrift
from importer.planner.plan_rules import PlanRules
from importer.sender.commit_writer import CommitWriter, DeliveryJournal
from importer.sender.planned_requests import PlannedRequests, PlanningJournal
from importer.sender.row_requests import LookupRequests, RowRequests, UpsertRequests
from importer.sender.task_check import CreatedTasks, TaskCheckRequests
from importer.sender.task_requests import TaskRequests, TaskSettings, TaskSource

_Source_contra = TypeVar("_Source_contra", contravariant=True)


class RequestKind(Protocol[_Source_contra]):
    """Says which requests each row needs."""

    def build(self, source: _Source_contra, writer: CommitWriter) -> RowRequests:
        """Return the requests of a sending that reads its rows from `source`."""


class PlanningSource(DeliveryJournal, PlanningJournal, Protocol):
    """A journal that plans each row."""


class TaskCreationSource(DeliveryJournal, TaskSource, Protocol):
    """A journal whose rows are tasks to create."""


class TaskCheckSource(DeliveryJournal, CreatedTasks, Protocol):
    """A journal whose rows are tasks to read back."""


class Upserts(msgspec.Struct, frozen=True):
    """One upsert a row. `create` allows the CRM to create new leads."""

    create: bool

    def build(self, source: DeliveryJournal, writer: CommitWriter) -> UpsertRequests:
        """Return the upserts."""
        del source, writer
        return UpsertRequests(create=self.create)


class Lookups(msgspec.Struct, frozen=True):
    """One look-up a phone."""

    def build(self, source: DeliveryJournal, writer: CommitWriter) -> LookupRequests:
        """Return the look-ups."""
        del source, writer
        return LookupRequests()


class PlannedWrites(msgspec.Struct, frozen=True, kw_only=True):
    """Look-ups, then what the plan of the row leaves to send. A look-up older than `max_age_s` is made again."""

    rules: PlanRules
    on_drift: OnDrift
    max_age_s: float

    def build(self, source: PlanningSource, writer: CommitWriter) -> PlannedRequests:
        """Return the look-ups and writes."""
        return PlannedRequests(
            source, self.rules, on_drift=self.on_drift, max_age_s=self.max_age_s, writer=writer
        )


class NewTasks(msgspec.Struct, frozen=True):
    """The follow-up task of a lead."""

    settings: TaskSettings

    def build(self, source: TaskCreationSource, writer: CommitWriter) -> TaskRequests:
        """Return the requests that find the lead, read its tasks and create one."""
        return TaskRequests(source, self.settings, writer=writer)


class TaskChecks(msgspec.Struct, frozen=True):
    """A task that was created, read back."""

    def build(self, source: TaskCheckSource, writer: CommitWriter) -> TaskCheckRequests:
        """Return the requests that read."""
        del writer
        return TaskCheckRequests(source)
