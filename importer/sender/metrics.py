"""Count requests and settled rows while rows are sent, and report the progress."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from importer.journal.run_metadata import SecondMetrics, SendTotals
from importer.models.delivery import DeliveryResult
from importer.models.status import RowStatus
from importer.sender.commit_writer import CommitWriter
from importer.sender.stop_control import StopControl

PROGRESS_INTERVAL_S = 0.1
_RATE_WINDOW_S = 5  # seconds over which the rate is averaged


class SendMetrics:
    """The counts of one sending, on top of the earlier sendings of the run. It begins when it is created."""

    def __init__(self, earlier: SendTotals, clock: Callable[[], float]) -> None:
        self._earlier = earlier
        self._clock = clock
        self._began_at = clock()
        self._requests = self._retries = self._throttled = 0
        self._counts_at_second = (0, 0, 0)
        self._second = 0
        self._recent_requests: deque[int] = deque(maxlen=_RATE_WINDOW_S)
        self._rate_reached = earlier.rate_reached

    @property
    def elapsed_s(self) -> float:
        """Seconds since the sending began."""
        return self._clock() - self._began_at

    def record_request(self, *, is_retry: bool) -> None:
        """Count a request that leaves."""
        self._requests += 1
        self._retries += is_retry

    def record_throttled(self) -> None:
        """Count a request that the server refused as too fast."""
        self._throttled += 1

    def take_second(self, *, is_last: bool = False) -> SecondMetrics | None:
        """Return the counts since the last call that returned some, once a second. Return None in between."""
        elapsed_s = self.elapsed_s
        if int(elapsed_s) == self._second and not is_last:
            return None
        counts = (self._requests, self._throttled, self._retries)
        requests, throttled, retries = (
            new - old for new, old in zip(counts, self._counts_at_second, strict=True)
        )
        second = int(self._earlier.seconds) + self._second
        self._counts_at_second, self._second = counts, int(elapsed_s)
        self._recent_requests.append(requests)
        if not is_last or elapsed_s >= 1:
            recent_per_s = sum(self._recent_requests) / len(self._recent_requests)
            self._rate_reached = max(self._rate_reached, recent_per_s)
        return SecondMetrics(second, requests, throttled, retries)

    def compute_rate(self) -> float:
        """Return requests a second over the last few seconds."""
        if self._recent_requests:
            return sum(self._recent_requests) / len(self._recent_requests)
        return self._requests / max(self.elapsed_s, 0.1)

    def build_totals(self) -> SendTotals:
        """Return the totals of the run: this sending and the earlier ones."""
        earlier, elapsed_s = self._earlier, self.elapsed_s
        rate_reached = self._rate_reached or self._requests / max(elapsed_s, 0.001)
        return SendTotals(
            requests=earlier.requests + self._requests,
            retries=earlier.retries + self._retries,
            throttled=earlier.throttled + self._throttled,
            seconds=round(earlier.seconds + elapsed_s, 3),
            rate_reached=round(rate_reached, 2),
        )


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
