"""A scripted CRM for the tests of the send loop, and a function that runs the loop against it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from importer.journal.delivery_batch import DeliveryBatch
from importer.models.delivery import CrmResponse, DeliveryOutcome, PendingRow
from importer.models.status import NoteState
from importer.sender.send_loop import Progress, Runtime, SendSettings, StopRequest, send
from tests.sender.simulation import BUSY, OK, MemoryJournal, VirtualLoop

__all__ = ["BUSY", "DOWN", "LOST", "NO", "OK", "SLOW", "TURNED_AWAY"]

LOST = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message="lost")
DOWN = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="down")
SLOW = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="slow", retry_after_s=1.0)
NO = CrmResponse(outcome=DeliveryOutcome.REFUSED, status=400, message="no")
TURNED_AWAY = CrmResponse(outcome=DeliveryOutcome.TURNED_AWAY, status=403, message="an HTML page")


class ScriptedServer:
    """Answer each phone from its own list, then OK. Fail the test if two rows of one phone are in flight together.

    `list_answer` answers the question for a list by which the circuit breaker learns whether the server is there.
    """

    list_answer: CrmResponse = OK

    def __init__(self, script: dict[str, list[Any]] | None = None, rng: random.Random | None = None) -> None:
        self.script = script or {}
        self.rng = rng or random.Random(1)
        self.bodies: list[dict[str, Any]] = []
        self.phones_in_flight: set[str] = set()
        self.asked_at: list[float] = []

    async def upsert(self, payload: dict[str, Any]) -> CrmResponse:
        phones = {payload["customer_phone"], *payload.get("add_phones", ())}
        assert not phones & self.phones_in_flight, "two rows of one phone are in flight together"
        self.phones_in_flight |= phones
        self.bodies.append(payload)
        await asyncio.sleep(self.rng.uniform(0.01, 0.1))
        self.phones_in_flight -= phones
        answers = self.script.get(payload["customer_phone"], [])
        answer = answers.pop(0) if answers else OK
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def probe_once(self, sleep: Any) -> CrmResponse:
        self.asked_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        return self.list_answer


class RecordingJournal(MemoryJournal):
    """A journal that also knows which rows were withdrawn."""

    def __init__(self) -> None:
        super().__init__()
        self.withdrawn: list[PendingRow] = []

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        self.withdrawn += batch.withdrawn
        return super().record(batch)

    @property
    def withdrawn_numbers(self) -> set[int]:
        return {row.number for row in self.withdrawn}

    def find_numbers(self, status: Any) -> set[int]:
        return {number for number, result in self.results.items() if result.status is status}


def build_rows(count: int, note: str = "hello") -> list[PendingRow]:
    """Build rows with a phone each. Every third one has the note."""
    rows = []
    for n in range(count):
        phone = f"+9198{n:08d}"
        has_note = bool(note) and n % 3 == 0
        rows.append(
            PendingRow(
                number=n,
                phones=(phone,),
                payload={"customer_phone": phone},
                notes=(note,) if has_note else (),
                note_state=NoteState.NOT_SENT if has_note else NoteState.NONE,
            )
        )
    return rows


def run_sending(
    server: Any,
    rows: list[PendingRow],
    *,
    get_stop_request: Callable[[], StopRequest] = lambda: StopRequest.NO,
    rate: float | None = 100.0,
    concurrency: int = 8,
    max_wait_s: float = 900.0,
    journal: Any = None,
    loop: VirtualLoop | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    seed: int = 3,
    **gathering: float,
) -> tuple[bool, Any, float]:
    """Send the rows. `gathering` is gather_s and ready_s. Return whether all are settled, the journal, and the virtual seconds that it took."""
    journal = journal or MemoryJournal()
    journal.rows = rows
    loop = loop or VirtualLoop()
    settings = SendSettings(rate_per_s=rate, concurrency=concurrency, max_wait_s=max_wait_s, **gathering)
    runtime = Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(seed))
    try:
        is_finished = loop.run_until_complete(
            send(
                journal,
                server,
                settings,
                total=len(rows),
                on_progress=on_progress,
                get_stop_request=get_stop_request,
                runtime=runtime,
            )
        )
        return is_finished, journal, loop.time()
    finally:
        assert not asyncio.all_tasks(loop), "a task was left behind"
        loop.close()
