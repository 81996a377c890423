"""The journal as the sender sees it while phones are looked up: a phone is a row, and its answer is the result."""

from __future__ import annotations

from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.delivery_log import DeliveryLog
from importer.journal.plan_log import PlanLog
from importer.journal.run_metadata import SendTotals
from importer.models.delivery import PendingRow


class LookupJournal:
    """Reads phones without an answer, and writes the answers. A look-up changes nothing, so it needs no intent."""

    def __init__(self, plans: PlanLog, delivery: DeliveryLog) -> None:
        self._plans = plans
        self._delivery = delivery

    def read_send_totals(self) -> SendTotals:
        """Return the totals of the run so far."""
        return self._delivery.read_send_totals()

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next phones to look up."""
        found = self._plans.read_open_phones(after, limit)
        return [PendingRow(number=key, phones=(phone,), payload={}) for key, phone in found]

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write answers and totals. What was not answered stays to be looked up."""
        if batch.results:
            self._plans.set_answers(
                (result.number, result.lookup) for result in batch.results if result.lookup
            )
        if batch.metrics or batch.send_totals is not None:
            self._delivery.record(DeliveryBatch(metrics=batch.metrics, send_totals=batch.send_totals))
        return batch.intents
