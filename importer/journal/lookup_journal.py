"""The journal as the sender sees it while phones are looked up: a phone is a row, and its answer is the result."""

from __future__ import annotations

from collections.abc import Sequence

from importer.journal.delivery_log import DeliveryLog
from importer.journal.plan_log import PlanLog
from importer.journal.run_metadata import SecondMetrics, SendTotals
from importer.models.delivery import DeliveryResult, PendingRow


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

    def record(
        self,
        *,
        intents: Sequence[PendingRow] = (),
        results: Sequence[DeliveryResult] = (),
        withdrawn: Sequence[PendingRow] = (),
        open_results: Sequence[DeliveryResult] = (),
        pace: Sequence[SecondMetrics] = (),
        send_totals: SendTotals | None = None,
    ) -> list[PendingRow]:
        """Write answers and totals. What was not answered stays to be looked up."""
        del withdrawn, open_results
        if results:
            self._plans.set_answers((result.number, result.lookup) for result in results if result.lookup)
        if pace or send_totals is not None:
            self._delivery.record(pace=pace, send_totals=send_totals)
        return list(intents)
