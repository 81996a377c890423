"""The requests of a planned row: look up what the CRM has, decide, and send only what changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from importer.issues import Issue, IssueCode
from importer.models.crm_lead import Lookup
from importer.models.delivery import CrmResponse, DeliveryResult
from importer.models.row import Payload
from importer.models.row_plan import PlanAction, RowPlan
from importer.models.status import DeliveryStatus, NoteState, RowStatus
from importer.planner.drift import OnDrift, choose_plan
from importer.planner.plan_input import PlanInput, PlannedWrite
from importer.planner.plan_row import plan_row
from importer.planner.plan_rules import PlanRules
from importer.sender.client import Client
from importer.sender.commit_writer import CommitWriter
from importer.sender.grouped_calls import GroupedCalls
from importer.sender.in_flight_row import CUSTOMER_NOT_FOUND, InFlightRow, build_result

_UNSENT_STATUSES: dict[PlanAction, DeliveryStatus] = {
    PlanAction.UNCHANGED: RowStatus.UNCHANGED,
    PlanAction.CONFLICT: RowStatus.CONFLICT,
    PlanAction.CANNOT_TELL: RowStatus.FAILED,
}


class PlanningJournal(Protocol):
    """What planned requests need of the journal. Both are called in the journal's thread."""

    def take_input(self, number: int) -> PlanInput:
        """Return what is known about a row that `read_pending` gave out."""

    def begin_writes(self, writes: Sequence[PlannedWrite]) -> list[PlannedWrite]:
        """Write plans, look-ups and intents in one commit. Return the writes as they may be carried out."""


class _Progress:
    """Where a row is: the phones to look up, the answers so far, and whether its writes may create a lead."""

    def __init__(self, given: PlanInput) -> None:
        self.given = given
        self.lookups: dict[str, Lookup] = {}
        self.create = False
        self.open_phones = [given.payload["customer_phone"]]


class PlannedRequests:
    """Look-ups, then the writes of the plan: with the toggle to create off for a lead that exists."""

    noun = "row"

    def __init__(
        self,
        journal: PlanningJournal,
        rules: PlanRules,
        *,
        on_drift: OnDrift,
        max_age_s: float,
        writer: CommitWriter,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._journal = journal
        self._rules = rules
        self._on_drift = on_drift
        self._max_age = timedelta(seconds=max_age_s)
        self._now = now
        self._begin_write = GroupedCalls(journal.begin_writes, writer)
        self._progress: dict[int, _Progress] = {}

    async def send(self, client: Client, flight: InFlightRow) -> CrmResponse:
        """Send the next look-up or write of the row."""
        progress = self._progress.get(flight.row.number)
        if progress is None:
            progress = await self._start(flight)
        flight.is_reading = bool(progress.open_phones)
        if flight.is_reading:
            return await client.look_up(progress.open_phones[0])
        return await client.upsert(flight.build_body(create=progress.create))

    async def finish(self, flight: InFlightRow, response: CrmResponse) -> DeliveryResult | None:
        """Take an answer. Return the result where nothing more is sent."""
        progress = self._progress[flight.row.number]
        if flight.is_reading:
            result = await self._finish_lookup(flight, progress, response)
        elif flight.take_next_body(response):
            return None
        else:
            result = _build_write_result(flight, response)
        if result is not None:
            del self._progress[flight.row.number]
        return result

    async def _start(self, flight: InFlightRow) -> _Progress:
        """Begin a row: with its look-ups, or with the writes of a plan whose look-ups are fresh."""
        given = self._journal.take_input(flight.row.number)
        progress = self._progress[flight.row.number] = _Progress(given)
        if given.plan is not None and given.plan.action.is_sent and self._is_fresh(given):
            progress.lookups = dict(given.lookups)
            if await self._begin(flight, progress, given.plan) is None:
                progress.open_phones = []  # a row that is held back has its result after a look-up
        return progress

    def _is_fresh(self, given: PlanInput) -> bool:
        """Return whether all look-ups of the plan are new enough to send by them."""
        oldest = self._now() - self._max_age
        return bool(given.lookups) and all(
            datetime.fromisoformat(one.at) >= oldest for one in given.lookups.values()
        )

    async def _finish_lookup(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult | None:
        phone = progress.open_phones.pop(0)
        assert response.lookup is not None, "each look-up has an answer, be it an unclear one"
        lookup = progress.lookups[phone] = response.lookup
        if phone == flight.row.phones[0]:
            known = lookup.lead.numbers if lookup.lead else frozenset()
            progress.open_phones = [other for other in flight.row.phones[1:] if other not in known]
        if progress.open_phones:
            return None
        given = progress.given
        plan = plan_row(given.payload, progress.lookups, self._rules, given.bases)
        if given.plan is not None:
            in_doubt = flight.may_have_arrived
            plan = choose_plan(given.plan, plan, self._on_drift, may_have_arrived=in_doubt)
        return await self._begin(flight, progress, plan)

    async def _begin(self, flight: InFlightRow, progress: _Progress, plan: RowPlan) -> DeliveryResult | None:
        """Write down what is sent before a byte of it leaves. Return the result where nothing is sent."""
        write = await self._begin_write(PlannedWrite(flight.row, plan, progress.lookups))
        flight.row, plan = write.row, write.plan
        if not plan.action.is_sent:
            return _build_unsent_result(flight, plan)
        progress.create = plan.action is PlanAction.CREATE
        flight.bodies = [_remove_note(step) for step in plan.steps]
        return None


def _remove_note(step: Payload) -> Payload:
    return {name: value for name, value in step.items() if name != "customer_note"}


def _build_unsent_result(flight: InFlightRow, plan: RowPlan) -> DeliveryResult:
    has_note = flight.row.note_state is not NoteState.NONE
    # An unchanged row that has a note: the note was sent before.
    note = NoteState.SENT if plan.action is PlanAction.UNCHANGED else NoteState.NOT_SENT
    return DeliveryResult(
        number=flight.row.number,
        status=_UNSENT_STATUSES[plan.action],
        attempts=0,
        http_status=None,
        note=note if has_note else NoteState.NONE,
        issues=plan.issues,
    )


def _build_write_result(flight: InFlightRow, response: CrmResponse) -> DeliveryResult:
    result = build_result(
        flight.row,
        response,
        attempts=flight.earlier_attempts + flight.attempts,
        may_have_arrived=flight.may_have_arrived,
    )
    if response.status == 400 and response.message == CUSTOMER_NOT_FOUND:
        issue = Issue("row", IssueCode.LEAD_GONE, "", response.message)
        return msgspec.structs.replace(result, status=RowStatus.CONFLICT, issues=(issue, *result.issues[1:]))
    return result
