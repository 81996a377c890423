"""A server that goes away: at every rate and concurrency the run waits for it, at most as long as --max-wait."""

import asyncio
import random

import pytest

from importer.errors import ServerUnavailableError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.status import RowStatus
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send
from tests.sender.scripted_server import build_rows
from tests.sender.simulation import OK, MemoryJournal, VirtualLoop

MAX_WAIT_S = 300.0
MAX_PROBE_WAIT_S = 60.0
STALL_S = 30.0
ROWS = 120

OUTAGES = {
    "refused": CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="down"),
    "busy": CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=503, message="busy"),
    "broken": CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=500, message="broken"),
    "stall": CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message="lost"),
    "maintenance": CrmResponse(
        outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=503, message="later", retry_after_s=5.0
    ),
    "too slow": CrmResponse(
        outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=408, message="later", retry_after_s=5.0
    ),
}


class OutageServer:
    """A server that is well, but not from second 5 to second `until`."""

    def __init__(self, kind, *, until):
        self.kind, self.until = kind, until

    async def upsert(self, payload):
        if 5 < asyncio.get_running_loop().time() < self.until:
            await asyncio.sleep(STALL_S if self.kind == "stall" else 0.01)
            return OUTAGES[self.kind]
        await asyncio.sleep(0.05)
        return OK

    async def probe_once(self, sleep):
        return await self.upsert({})


def send_through_outage(kind, *, until, rate, workers, max_wait_s=MAX_WAIT_S):
    """Return whether the sending finished (or the error that stopped it), the journal, and the virtual seconds."""
    loop = VirtualLoop()
    journal = MemoryJournal()
    journal.rows = build_rows(ROWS)
    settings = SendSettings(rate_per_s=rate, concurrency=workers, max_wait_s=max_wait_s)
    runtime = Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(3))

    async def send_in_bounded_time():
        try:
            async with asyncio.timeout(7200):
                return await send(
                    journal,
                    OutageServer(kind, until=until),
                    settings,
                    total=ROWS,
                    on_progress=lambda _: None,
                    get_stop_request=lambda: StopRequest.NO,
                    runtime=runtime,
                )
        except ServerUnavailableError as error:
            return error

    try:
        return loop.run_until_complete(send_in_bounded_time()), journal, loop.time()
    finally:
        loop.close()


@pytest.mark.parametrize("workers", [1, 4, 50])
@pytest.mark.parametrize("rate", [1.0, 5.0, None])
@pytest.mark.parametrize("kind", OUTAGES)
def test_max_wait_ends_every_outage(kind, rate, workers):
    """A worker that waits for the rate must not keep the probe of an absent server from leaving."""
    end, _, seconds = send_through_outage(kind, until=1e9, rate=rate, workers=workers)
    assert isinstance(end, ServerUnavailableError)
    assert seconds < 5 + MAX_WAIT_S + MAX_PROBE_WAIT_S + 2 * STALL_S


@pytest.mark.parametrize("workers", [1, 4, 50])
@pytest.mark.parametrize("rate", [1.0, 5.0, None])
@pytest.mark.parametrize("kind", OUTAGES)
def test_server_that_comes_back_gets_the_rest(kind, rate, workers):
    """After two minutes of outage every row gets its result."""
    is_finished, journal, _ = send_through_outage(kind, until=125, rate=rate, workers=workers)
    assert is_finished is True
    assert len(journal.results) == ROWS


@pytest.mark.parametrize("workers", [1, 8, 50])
@pytest.mark.parametrize("kind", ["maintenance", "too slow"])
def test_announced_pause_uses_up_no_row(kind, workers):
    """An answer with Retry-After is a hold, not a failed attempt, however often it comes."""
    is_finished, journal, _ = send_through_outage(
        kind, until=185, rate=10.0, workers=workers, max_wait_s=900.0
    )
    assert is_finished is True
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
