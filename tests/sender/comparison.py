"""Compare three ways to find a hidden limit in virtual time: python -m tests.sender.comparison.

It prints tables of docs/decisions/0005-rate.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from importer.sender import traffic_control
from importer.sender.adaptive_rate import AdaptiveRate
from importer.sender.circuit_breaker import FIRST_HOLD_S
from tests.sender.simulation import LimitedServer, Simulation, simulate

_START_PER_S = 5.0
_MAX_PER_S = 20_000.0


class Aimd:
    """TCP's rule: double until the first refusal, then add one request a second each second; halve after a refusal."""

    def __init__(self, now: float) -> None:
        self.rate = _START_PER_S
        self.first_hold_s = FIRST_HOLD_S
        self._throttled_at = float("-inf")
        self._changed_at = now
        self._is_slow_start = True

    def record_success(self, now: float, latency_s: float) -> None:
        """Go faster after a second without a refusal."""
        del latency_s
        if now - self._changed_at >= 1:
            self._changed_at = now
            self.rate = min(_MAX_PER_S, self.rate * 2 if self._is_slow_start else self.rate + 1)

    def record_throttled(self, now: float, left_at: float) -> None:
        """Go slower, once for all requests that were under way."""
        if left_at > self._throttled_at:
            self._throttled_at = self._changed_at = now
            self._is_slow_start = False
            self.rate = max(0.5, self.rate / 2)


class Cubic:
    """The curve of the AWS SDKs' adaptive retry: down to 0.7 of the rate, then a cubic curve up to it and beyond."""

    _BETA, _SCALE = 0.7, 0.4

    def __init__(self, now: float) -> None:
        self.rate = _START_PER_S
        self.first_hold_s = FIRST_HOLD_S
        self._last_max = 0.0
        self._changed_at = now
        self._throttled_at = float("-inf")

    def record_success(self, now: float, latency_s: float) -> None:
        """Follow the curve. Before the first refusal, double each second."""
        del latency_s
        if not self._last_max:
            if now - self._changed_at >= 1:
                self._changed_at, self.rate = now, min(_MAX_PER_S, self.rate * 2)
            return
        window = (self._last_max * (1 - self._BETA) / self._SCALE) ** (1 / 3)
        self.rate = min(
            _MAX_PER_S, max(0.5, self._SCALE * (now - self._changed_at - window) ** 3 + self._last_max)
        )

    def record_throttled(self, now: float, left_at: float) -> None:
        """Go slower, once for all requests that were under way."""
        if left_at > self._throttled_at:
            self._throttled_at = self._changed_at = now
            self._last_max = self.rate
            self.rate = max(0.5, self.rate * self._BETA)


ALGORITHMS: dict[str, Callable[..., Any]] = {"AIMD": Aimd, "CUBIC": Cubic, "ours": AdaptiveRate}


def measure(name: str, limit: int, *, window: str, retry_after: bool) -> Simulation:
    """Simulate a sending of about two minutes with the algorithm of that name."""
    traffic_control.AdaptiveRate = ALGORITHMS[name]  # type: ignore[misc, assignment]
    try:
        kind, _, stock = window.partition(" of ")
        server = LimitedServer(
            lambda _: limit, window=kind, stock=float(stock) if stock else None, retry_after=retry_after
        )
        return simulate(server, rows=limit * 120, concurrency=100)
    finally:
        traffic_control.AdaptiveRate = AdaptiveRate  # type: ignore[misc]


def print_algorithms() -> None:
    """Print the share of the limit used after 20 s, and the share of requests that were refused."""
    print("| limit/s | counted by | Retry-After | " + " | ".join(ALGORITHMS) + " |")
    print("|---:|---|---|" + "---:|" * len(ALGORITHMS))
    for limit in (5, 20, 50, 200):
        for window in ("sliding", "clock", "bucket", "bucket of 5"):
            for retry_after in (False, True):
                cells = []
                for name in ALGORITHMS:
                    sent = measure(name, limit, window=window, retry_after=retry_after)
                    assert sent.is_finished
                    cells.append(f"{sent.rate / limit:.1%}, {sent.refused_share:.2%}")
                header = "1 s" if retry_after else "none"
                print(f"| {limit} | {window} | {header} | " + " | ".join(cells) + " |", flush=True)


def print_first_second() -> None:
    """Print what five minutes come to if requests for dropdown values count in the first second too."""
    print("| limit/s | counted by | no Retry-After: of the limit, refused | Retry-After of 1 s |")
    print("|---:|---|---:|---:|")
    for limit in (5, 10, 20, 50, 200):
        for window in ("sliding", "clock", "bucket"):
            cells = [measure_worst(limit, window, retry_after=retry_after) for retry_after in (False, True)]
            print(f"| {limit} | {window} | {' | '.join(cells)} |", flush=True)


def measure_worst(limit: int, window: str, *, retry_after: bool) -> str:
    """Return the share of the limit used after 20 s, and the share refused: the worst after 0, 1 and 4 such requests."""
    found = [
        simulate(
            LimitedServer(
                lambda _: limit,
                window=window,
                stock=5 if window == "bucket" else None,
                retry_after=retry_after,
                just_before=just_before,
                latency_s=0.02,
            ),
            rows=limit * (300 if limit < 200 else 100),
            concurrency=max(20, limit),
        )
        for just_before in (0, 1, 4)
    ]
    return f"{min(one.rate for one in found) / limit:.1%}, {max(one.refused_share for one in found):.2%}"


def main() -> None:
    """Print both tables."""
    print_algorithms()
    print()
    print_first_second()


if __name__ == "__main__":
    sys.exit(main())
