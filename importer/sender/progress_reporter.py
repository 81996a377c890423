"""Count settled rows and report the progress of a sending."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from importer.models.delivery import DeliveryResult
from importer.models.status import RowStatus
from importer.sender.commit_writer import CommitWriter
from importer.sender.metrics import SendMetrics
from importer.sender.stop_control import StopControl

PROGRESS_INTERVAL_S = 0.1


class Progress(msgspec.Struct, frozen=True):
    """`done` rows of `total` are settled. Of these, `not_accepted` are not in the CRM, or it is not sure.

    `rate_per_s` is requests a second. The CRM asks to wait `waiting_s` more seconds.
    """

    done: int
    total: int
    not_accepted: int
    rate_per_s: float
    waiting_s: float


class ProgressReporter:
    """The counts of settled rows, given to `on_progress` ten times a second."""

    def __init__(
        self,
        total: int,
        on_progress: Callable[[Progress], None],
        *,
        metrics: SendMetrics,
        stop: StopControl,
        get_waiting_s: Callable[[], float],
    ) -> None:
        self.done = 0
        self._not_accepted = 0
        self._total = total
        self._on_progress = on_progress
        self._metrics = metrics
        self._stop = stop
        self._get_waiting_s = get_waiting_s

    @property
    def is_complete(self) -> bool:
        """Whether every row is settled."""
        return self.done == self._total

    def count_results(self, results: list[DeliveryResult]) -> None:
        """Count results that are on disk."""
        self.done += len(results)
        self._not_accepted += sum(result.status is not RowStatus.ACCEPTED for result in results)

    def report_progress(self) -> None:
        """Call `on_progress`. What it raises stops the run, once all that is known is on disk."""
        rate_per_s = self._metrics.compute_rate()
        progress = Progress(self.done, self._total, self._not_accepted, rate_per_s, self._get_waiting_s())
        try:
            self._on_progress(progress)
        except Exception as error:  # noqa: BLE001 - any exception of the caller's function
            self._stop.record_error(error)

    async def run(self, writer: CommitWriter) -> None:
        """Report until cancelled, and write the figures of each second."""
        while True:
            self.report_progress()
            await asyncio.sleep(PROGRESS_INTERVAL_S)
            if second := self._metrics.take_second():
                writer.add_metrics(second)
