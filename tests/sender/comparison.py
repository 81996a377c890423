"""Three ways to find a hidden limit, side by side in virtual time: python -m tests.sender.comparison.

The table in docs/decisions/0005-rate.md comes from here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from importer.sender import send_loop
from importer.sender.adaptive_rate import AdaptiveRate
from tests.sender.simulation import Limited, Outcome, simulate

_START = 5.0


class Aimd:
    """TCP's rule: doubles until the first refusal, then a request a second more each second, half after a refusal."""

    def __init__(self, now: float, most: float = 20_000.0) -> None:
        self.rate = _START
        self._most = most
        self._pushed_at = float("-inf")
        self._at = now
        self._slow_start = True

    def replied(self, now: float, latency_s: float) -> None:
        """A second without a refusal."""
        del latency_s
        if now - self._at >= 1:
            self._at = now
            self.rate = min(self._most, self.rate * 2 if self._slow_start else self.rate + 1)

    def pushed_back(self, now: float, left_at: float) -> None:
        """Refused."""
        if left_at > self._pushed_at:
            self._pushed_at = self._at = now
            self._slow_start = False
            self.rate = max(0.5, self.rate / 2)


class Cubic:
    """The curve of the AWS SDKs' adaptive retry: back to 0.7 of the rate, then a cubic climb to it and beyond."""

    _BETA, _SCALE = 0.7, 0.4

    def __init__(self, now: float, most: float = 20_000.0) -> None:
        self.rate = _START
        self._most = most
        self._last_max = 0.0
        self._at = now
        self._pushed_at = float("-inf")

    def replied(self, now: float, latency_s: float) -> None:
        """Along the curve; before the first refusal, twice as fast each second."""
        del latency_s
        if not self._last_max:
            if now - self._at >= 1:
                self._at, self.rate = now, min(self._most, self.rate * 2)
            return
        window = (self._last_max * (1 - self._BETA) / self._SCALE) ** (1 / 3)
        self.rate = min(self._most, max(0.5, self._SCALE * (now - self._at - window) ** 3 + self._last_max))

    def pushed_back(self, now: float, left_at: float) -> None:
        """Refused."""
        if left_at > self._pushed_at:
            self._pushed_at = self._at = now
            self._last_max = self.rate
            self.rate = max(0.5, self.rate * self._BETA)


KINDS: dict[str, Callable[..., Any]] = {"AIMD": Aimd, "CUBIC": Cubic, "ours": AdaptiveRate}


def measured(kind: str, limit: int, *, counts: str, retry_after: bool) -> Outcome:
    """One sending of two minutes' worth of rows."""
    send_loop.AdaptiveRate = KINDS[kind]  # type: ignore[misc, assignment]
    try:
        server = Limited(lambda _: limit, counts=counts, retry_after=retry_after)
        return simulate(server, rows=limit * 120, concurrency=100)
    finally:
        send_loop.AdaptiveRate = AdaptiveRate  # type: ignore[misc]


def main() -> None:
    """Print the table: share of the limit used after 20 s, and share of requests that were refused."""
    print("| limit/s | counted by | Retry-After | " + " | ".join(KINDS) + " |")
    print("|---:|---|---|" + "---:|" * len(KINDS))
    for limit in (5, 20, 50, 200):
        for counts in ("sliding", "clock", "bucket"):
            for retry_after in (False, True):
                cells = []
                for kind in KINDS:
                    ended = measured(kind, limit, counts=counts, retry_after=retry_after)
                    assert ended.finished
                    cells.append(f"{ended.rate / limit:.1%}, {ended.refused_share:.2%}")
                said = "1 s" if retry_after else "none"
                print(f"| {limit} | {counts} | {said} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
