"""A server that goes away: at every pace and with any crowd of workers the run waits, and patience ends the waiting."""

import asyncio
import random

import pytest

from importer.errors import ServerUnavailableError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.status import RowStatus
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send
from tests.sender.simulation import OK, MemoryJournal, VirtualLoop
from tests.sender.test_loop import rows_of

PATIENCE_S = 300.0
MOST_PROBE_S = 60.0
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


class Leaving:
    """Answers well, but not between two moments."""

    def __init__(self, kind, *, until):
        self.kind, self.until = kind, until

    async def upsert(self, payload):
        if 5 < asyncio.get_running_loop().time() < self.until:
            await asyncio.sleep(STALL_S if self.kind == "stall" else 0.01)
            return OUTAGES[self.kind]
        await asyncio.sleep(0.05)
        return OK

    async def probe_access(self, sleep=None):
        return True


def outage(kind, *, until, rate, workers, max_wait=PATIENCE_S):
    """Send through it; answers (whether it finished or what stopped it, the journal, virtual seconds)."""
    loop = VirtualLoop()
    journal = MemoryJournal(0)
    journal._rows = rows_of(ROWS)
    how = SendSettings(rate_per_s=rate, concurrency=workers, max_wait_s=max_wait, create=True)
    clockwork = Runtime(clock=loop.time, sleep=asyncio.sleep, chance=random.Random(3))

    async def bounded():
        try:
            async with asyncio.timeout(7200):
                return await send(
                    journal,
                    Leaving(kind, until=until),
                    how,
                    total=ROWS,
                    on_progress=lambda _: None,
                    asked=lambda: StopRequest.NO,
                    clockwork=clockwork,
                )
        except ServerUnavailableError as error:
            return error

    try:
        return loop.run_until_complete(bounded()), journal, loop.time()
    finally:
        loop.close()


@pytest.mark.parametrize("workers", [1, 4, 50])
@pytest.mark.parametrize("rate", [1.0, 5.0, None])
@pytest.mark.parametrize("kind", OUTAGES)
def test_patience_ends_every_outage(kind, rate, workers):
    """A worker that waits for the pace must not hold the one question that an absent server is asked."""
    end, _, seconds = outage(kind, until=1e9, rate=rate, workers=workers)
    assert isinstance(end, ServerUnavailableError)
    assert seconds < 5 + PATIENCE_S + MOST_PROBE_S + 2 * STALL_S


@pytest.mark.parametrize("workers", [1, 4, 50])
@pytest.mark.parametrize("rate", [1.0, 5.0, None])
@pytest.mark.parametrize("kind", OUTAGES)
def test_a_server_that_comes_back_gets_the_rest(kind, rate, workers):
    finished, journal, _ = outage(kind, until=125, rate=rate, workers=workers)
    assert finished is True
    assert len(journal.results) == ROWS


@pytest.mark.parametrize("workers", [1, 8, 50])
@pytest.mark.parametrize("kind", ["maintenance", "too slow"])
def test_an_announced_pause_uses_no_row_up(kind, workers):
    """Law 5: who is told when to come again has not failed, however often; a note in doubt stays off."""
    finished, journal, _ = outage(kind, until=185, rate=10.0, workers=workers, max_wait=900.0)
    assert finished is True
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
