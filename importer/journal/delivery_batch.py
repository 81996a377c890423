"""What the sender hands to the journal at once, and the journal writes in one durable commit."""

from __future__ import annotations

import msgspec

from importer.journal.run_metadata import SecondMetrics, SendTotals
from importer.models.delivery import DeliveryResult, PendingRow


class DeliveryBatch(msgspec.Struct, kw_only=True):
    """What is about to leave, and what has come back.

    The requests of `intents` leave after the commit. `results` are of rows that are done with. The rows of `withdrawn`
    did not leave, and will not leave in this sending. `open_results` are of rows that the run leaves in doubt.
    """

    intents: list[PendingRow] = []
    results: list[DeliveryResult] = []
    withdrawn: list[PendingRow] = []
    open_results: list[DeliveryResult] = []
    metrics: list[SecondMetrics] = []
    send_totals: SendTotals | None = None

    @property
    def has_outcome(self) -> bool:
        """Whether anything has come back."""
        return bool(self.results or self.withdrawn or self.open_results or self.metrics)
