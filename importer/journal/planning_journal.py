"""The journal as the sender sees it while planned rows are sent: what is known of each row, and what is about to leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from importer.journal.database import JournalFile
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.delivery_log import DeliveryLog
from importer.journal.plan_log import PlanLog
from importer.journal.run_metadata import SendTotals
from importer.models.delivery import NOTE_BREAK, PendingRow
from importer.models.row_plan import RowPlan
from importer.planner.decide import Base
from importer.planner.drift import join_attempts
from importer.planner.plan_input import PlanInput, PlannedWrite
from importer.planner.undo_row import find_planned_bases


class PlanningJournal:
    """Gives out rows with their plans, and writes the intent of a row when its first write is about to leave.

    Look-ups come before it: they change nothing, so a row that was killed in one is simply pending. `is_promised` says
    that the plans were shown and are applied. Those of a run that plans as it sends bind nobody: a resume plans anew.
    `is_undo` says that the CRM should have what the plan saw, not what this tool wrote last.
    """

    def __init__(
        self, file: JournalFile, plans: PlanLog, delivery: DeliveryLog, *, is_promised: bool, is_undo: bool
    ) -> None:
        self._file = file
        self._plans = plans
        self._delivery = delivery
        self._is_promised = is_promised
        self._is_undo = is_undo
        self._inputs: dict[int, PlanInput] = {}

    def read_send_totals(self) -> SendTotals:
        """Return the totals of the run so far."""
        return self._delivery.read_send_totals()

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next rows to send."""
        rows = self._delivery.read_pending(after, limit)
        promised = rows if self._is_promised else []
        plans = self._plans.read_plans([row.number for row in promised])
        lookups = self._plans.read_lookups([phone for row in promised for phone in row.phones])
        known = self._delivery.fields.read([row.phones[0] for row in rows])
        payloads = self._delivery.drop_known_notes([_join_note(row) for row in rows])
        for row, payload in zip(rows, payloads, strict=True):
            memory, plan = known.get(row.phones[0]), plans.get(row.number)
            bases: Mapping[str, Base] = memory.fields if memory else {}
            self._inputs[row.number] = PlanInput(
                payload=payload,
                plan=plan,
                lookups={phone: lookups[phone] for phone in row.phones if phone in lookups},
                bases=find_planned_bases(plan, bases) if self._is_undo and plan is not None else bases,
            )
        return rows

    def take_input(self, number: int) -> PlanInput:
        """Return what is known about a row that `read_pending` gave out."""
        return self._inputs.pop(number)

    def begin_writes(self, writes: Sequence[PlannedWrite]) -> list[PlannedWrite]:
        """Write plans, look-ups and intents in one commit. Return the writes as they may be carried out.

        Of a row in doubt the look-ups stay those before its first write: they have what an undo puts back.
        """
        first = self._plans.read_plans([one.row.number for one in writes if one.row.may_have_arrived])
        with self._file.commit():
            for write in writes:
                if write.row.number not in first:
                    self._plans.record_lookups(write.lookups)
            plans = {write.row.number: self._hold_back_if_reached(write) for write in writes}
            joined = {number: join_attempts(plan, plans[number]) for number, plan in first.items()}
            self._plans.record_plans((plans | joined).items())
            claimed = self._delivery.add_intents(
                [write.row for write in writes if plans[write.row.number].action.is_sent]
            )
        rows = {write.row.number: write.row for write in writes} | {row.number: row for row in claimed}
        return [
            PlannedWrite(rows[write.row.number], plans[write.row.number], write.lookups) for write in writes
        ]

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write what has come back, in one durable commit. The rows of `batch.intents` begin with a look-up."""
        if batch.has_outcome:
            self._delivery.record(msgspec.structs.replace(batch, intents=[]))
        return batch.intents

    def _hold_back_if_reached(self, write: PlannedWrite) -> RowPlan:
        """Return the plan of a row, a conflict if a row with another phone has reached the same lead."""
        lookup = write.lookups.get(write.row.phones[0])
        if lookup is None or lookup.lead is None:
            return write.plan
        return self._plans.hold_back_if_reached(write.row.number, write.plan, lookup.lead.id)


def _join_note(row: PendingRow) -> dict[str, object]:
    """Return the row's payload with its note, which a plan must know about."""
    return row.payload if row.note is None else {**row.payload, "customer_note": NOTE_BREAK.join(row.notes)}
