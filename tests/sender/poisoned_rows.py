"""A CRM that always fails on some rows, in virtual time: python -m tests.sender.poisoned_rows prints the table of docs/sending.md.

The others should flow as if those rows were not there, apart from the requests that these cost.
"""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import msgspec

from importer.errors import ServerUnavailableError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.status import RowStatus
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send
from tests.sender.simulation import OK, MemoryJournal, VirtualLoop

LATENCY_S = 0.1
TIMEOUT_S = 30.0


def _build_failure(status: int | None, message: str) -> CrmResponse:
    return CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=status, message=message)


KINDS = {
    "reset after": _build_failure(None, "lost"),
    "reset before": _build_failure(None, "lost"),
    "hang": _build_failure(None, "lost"),
    "500": _build_failure(500, "Internal server error"),
    "502 HTML": _build_failure(502, "an HTML page"),
}


class PoisonedServer:
    """Always fail on a random share of the rows. It is down for all requests while `is_down(time)`."""

    def __init__(self, kind: str, share: float, rows: int, *, is_down: Any = lambda now: False) -> None:
        rng = random.Random(5)
        self.poisoned = set(rng.sample(range(rows), int(share * rows)))
        self.is_down = is_down
        self.failure = KINDS[kind]
        self.failure_s = {"hang": TIMEOUT_S, "reset before": 0.02}.get(kind, LATENCY_S)
        self.asks_get_answers = False  # also while it is down for rows
        self.accepted_at: dict[int, float] = {}
        self.attempts: dict[int, int] = {}
        self.sent_at: list[float] = []
        self.asked_at: list[float] = []

    async def upsert(self, payload: dict[str, Any]) -> CrmResponse:
        now = asyncio.get_running_loop().time()
        number = int(payload["customer_phone"][5:])
        self.sent_at.append(now)
        self.attempts[number] = self.attempts.get(number, 0) + 1
        if number in self.poisoned or self.is_down(now):
            await asyncio.sleep(self.failure_s)
            return self.failure
        await asyncio.sleep(LATENCY_S)
        self.accepted_at[number] = asyncio.get_running_loop().time()
        return OK

    async def probe_once(self, sleep: Any) -> CrmResponse:
        now = asyncio.get_running_loop().time()
        self.asked_at.append(now)
        is_down = self.is_down(now) and not self.asks_get_answers
        await asyncio.sleep(self.failure_s if is_down else LATENCY_S)
        return self.failure if is_down else OK


class Flow(msgspec.Struct):
    """What a sending did: how long the healthy rows took, how long all rows took, and how many requests all were."""

    healthy_s: float
    seconds: float
    requests: int
    statuses: dict[RowStatus, int]
    attempts: dict[int, int]
    server: Any
    end: Any


def measure(
    kind: str,
    share: float,
    *,
    rows: int,
    rate: float | None,
    concurrency: int = 50,
    max_wait_s: float = 900.0,
    limit_s: float = 1e9,
    server: PoisonedServer | None = None,
) -> Flow:
    """Send rows of which a share is poisoned."""
    loop = VirtualLoop()
    journal = MemoryJournal(rows)
    server = server or PoisonedServer(kind, share, rows)
    settings = SendSettings(rate_per_s=rate, concurrency=concurrency, max_wait_s=max_wait_s)
    runtime = Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(3))

    async def run() -> Any:
        try:
            async with asyncio.timeout(limit_s):
                return await send(
                    journal,
                    server,  # type: ignore[arg-type]
                    settings,
                    total=rows,
                    on_progress=lambda _: None,
                    get_stop_request=lambda: StopRequest.NO,
                    runtime=runtime,
                )
        except (ServerUnavailableError, TimeoutError) as error:
            return error

    try:
        end = loop.run_until_complete(run())
        seconds = loop.time()
    finally:
        loop.close()
    statuses: dict[RowStatus, int] = {}
    for result in journal.results.values():
        statuses[result.status] = statuses.get(result.status, 0) + 1
    return Flow(
        healthy_s=max(server.accepted_at.values(), default=0.0),
        seconds=seconds,
        requests=len(server.sent_at),
        statuses=statuses,
        attempts=server.attempts,
        server=server,
        end=end,
    )


def main() -> None:
    """Print the table."""
    for rate, rows in ((20.0, 1000), (200.0, 5000)):
        for kind in KINDS:
            for share in (0.01, 0.1, 0.5):
                alone = measure(kind, 0.0, rows=int(rows * (1 - share)), rate=rate)
                beside = measure(kind, share, rows=rows, rate=rate, limit_s=4 * 3600)
                pace = len(beside.server.accepted_at) / beside.healthy_s
                print(
                    f"| {rate:g} | {kind} | {share:.0%} | {alone.healthy_s:,.0f} s | {beside.healthy_s:,.0f} s | "
                    f"{pace / (rows * (1 - share) / alone.healthy_s):.2f} | {beside.seconds:,.0f} s | "
                    f"{beside.requests} | {len(beside.server.asked_at)} | {dict(beside.statuses)} {beside.end}",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
