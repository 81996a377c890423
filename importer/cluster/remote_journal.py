"""The journal of a sending as its worker has it: on the coordinator's disk, reached by calls over HTTP.

The lease ends a fixed time after a call was **sent**, by the worker's own clock, unless a later call was answered. So the
worker stops before the coordinator may give the account to another one, whatever the network does.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx
import msgspec

from importer.cluster.journal_calls import (
    Answer,
    Call,
    Method,
    Outcome,
    PageRequest,
    PendingPage,
    decode_value,
    encode_raw,
)
from importer.cluster.journal_service import CALL_PATH, ServiceAddress
from importer.errors import ImporterError
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SendTotals
from importer.messages import batch_messages
from importer.models.delivery import PendingRow
from importer.models.task import PendingTask
from importer.planner.plan_input import PlanInput, PlannedWrite
from importer.sender.send_loop import Progress, StopRequest
from importer.state.lease import Grant, read_clock

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
_RETRY_S = 0.5
_MAX_QUESTION_S = 20.0  # how long to ask for a lease while nobody answers
_RENEWALS_PER_TTL = 6  # each also carries the progress, and brings the wish to stop
_MAX_POLL_S = 2.0
_decode_answer = msgspec.json.Decoder(Answer).decode
_encode = msgspec.json.Encoder().encode


class LeaseLostError(ImporterError):
    """This worker may not send to the account any more. Another one goes on, once nothing of this one is under way."""


class JournalFailedError(ImporterError):
    """The coordinator could not read or write the journal. It knows why."""


class RemoteJournal:
    """Reads and writes by calls. Call `acquire` first and `release` last; several threads may use it in between."""

    def __init__(
        self,
        service: ServiceAddress,
        ssl_context: ssl.SSLContext | None,
        *,
        sending: str,
        holder: str,
        clock: Callable[[], float] = read_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        is_encrypted = service.url.startswith("https:")
        assert ssl_context is not None or not is_encrypted, (
            "without certificates, a stranger could be the service"
        )
        self._http = httpx.Client(
            base_url=service.url,
            headers={"authorization": f"Bearer {service.token}"},
            timeout=_TIMEOUT,
            verify=ssl_context or False,
            trust_env=False,  # a proxy for the internet does not reach the coordinator
        )
        self._sending = sending
        self._holder = holder
        self._clock = clock
        self._sleep = sleep
        self._epoch = self._sequence = 0
        self._ttl_s = 0.0
        self._deadline = clock()
        self._is_fenced = False
        self._stop_request = StopRequest.NO
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._inputs: dict[int, PlanInput] = {}
        self._tasks: dict[int, PendingTask] = {}
        self._is_released = threading.Event()

    # --- the lease

    def acquire(self, worker: str) -> bool:
        """Return True once the lease is this worker's, False if the batch stops before.

        Raises LeaseLostError if another worker has the sending, or the coordinator cannot be reached.
        """
        while (grant := self._ask_for_lease(worker)).wait_s:
            if self._stop_request is not StopRequest.NO:
                return False
            self._sleep(min(grant.wait_s, _MAX_POLL_S))
        threading.Thread(target=self._renew, name="renews the lease", daemon=True).start()
        return True

    def _ask_for_lease(self, worker: str) -> Grant:
        """Ask once. The lease counts from before the question."""
        asked_at = self._clock()
        self._deadline = asked_at + _MAX_QUESTION_S
        grant: Grant = self._call(Method.ACQUIRE, worker)
        self._epoch, self._ttl_s = grant.epoch, grant.ttl_s
        self._deadline = asked_at + grant.ttl_s
        return grant

    def release(self) -> None:
        """Give the lease back: nothing of this worker is under way. A lost one ends by itself, after its lock-delay."""
        self._is_released.set()
        with suppress(httpx.TransportError):
            if not self.is_lost:
                self._post(self._build_call(Method.RELEASE))
        self._http.close()

    @property
    def is_lost(self) -> bool:
        """Whether nothing may leave any more."""
        return self._is_fenced or self._clock() >= self._deadline

    def raise_if_lost(self) -> None:
        """Raise LeaseLostError if nothing may leave any more. Called before each request to the CRM."""
        if self.is_lost:
            raise LeaseLostError(*batch_messages.LEASE_LOST)

    def get_stop_request(self) -> StopRequest:
        """Return what the batch wants. Without a lease, nothing is waited for."""
        return StopRequest.NOW if self.is_lost else self._stop_request

    def report_progress(self, progress: Progress) -> None:
        """Keep how far the sending is, for the next renewal."""
        self._progress = progress

    def _renew(self) -> None:
        """Renew the lease until it is given back or lost."""
        while (
            not self._is_released.wait(min(self._ttl_s / _RENEWALS_PER_TTL, _MAX_POLL_S)) and not self.is_lost
        ):
            asked_at, call = self._clock(), self._build_call(Method.RENEW, self._progress)
            try:
                self._take_answer(self._post(call), asked_at)
            except (httpx.TransportError, ImporterError):
                continue  # the next one may get through; the deadline says when to give up

    # --- the journal

    def read_send_totals(self) -> SendTotals:
        """Return the totals of the run so far."""
        found: SendTotals = self._call(Method.READ_SEND_TOTALS)
        return found

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next rows, and keep what their requests need to know of each."""
        page: PendingPage = self._call(Method.READ_PENDING, PageRequest(after, limit))
        self._inputs |= page.inputs
        self._tasks |= page.tasks
        return page.rows

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write one durable commit on the coordinator's disk. Return the rows of `batch.intents` as they may be sent."""
        found: list[PendingRow] = self._call(Method.RECORD, batch)
        for result in batch.results:
            self._tasks.pop(result.number, None)
        return found

    def take_input(self, number: int) -> PlanInput:
        """Return what a plan needs to know of a row that `read_pending` gave out."""
        return self._inputs.pop(number)

    def begin_writes(self, writes: Sequence[PlannedWrite]) -> list[PlannedWrite]:
        """Write plans, look-ups and intents in one commit. Return the writes as they may be carried out."""
        found: list[PlannedWrite] = self._call(Method.BEGIN_WRITES, writes)
        return found

    def get_task(self, number: int) -> PendingTask:
        """Return a task that `read_pending` gave out."""
        return self._tasks[number]

    def begin_tasks(self, tasks: Sequence[tuple[PendingTask, datetime]]) -> list[PendingTask]:
        """Write in one commit which tasks are about to leave."""
        found: list[PendingTask] = self._call(Method.BEGIN_TASKS, tasks)
        return found

    # --- calls

    def _call(self, method: Method, argument: object = None) -> Any:
        """Make a call, again and again until it is answered or the lease has ended.

        Raises:
            LeaseLostError: the coordinator cannot be reached for too long, or has given the account to another worker.
            JournalFailedError: the journal cannot be read or written.
        """
        with self._lock:
            self._sequence += 1
            call = self._build_call(method, argument)
            while not self.is_lost:
                asked_at = self._clock()
                try:
                    answer = self._post(call)
                except httpx.TransportError:
                    self._sleep(_RETRY_S)
                    continue
                self._take_answer(answer, asked_at)
                return decode_value(method, answer)
            raise LeaseLostError(*batch_messages.LEASE_LOST)

    def _build_call(self, method: Method, argument: object = None) -> Call:
        return Call(
            sending=self._sending,
            holder=self._holder,
            method=method,
            epoch=self._epoch,
            sequence=self._sequence,
            argument=encode_raw(argument),
        )

    def _post(self, call: Call) -> Answer:
        """Send a call once. An answer that is none of the service's own means that the batch is another one by now."""
        response = self._http.post(CALL_PATH, content=_encode(call))
        with suppress(msgspec.MsgspecError):
            if response.status_code == httpx.codes.OK:
                return _decode_answer(response.content)
        return Answer(outcome=Outcome.FENCED)

    def _take_answer(self, answer: Answer, asked_at: float) -> None:
        if answer.outcome is Outcome.FENCED:
            self._is_fenced = True
            raise LeaseLostError(*batch_messages.LEASE_LOST)
        self._deadline = max(self._deadline, asked_at + self._ttl_s)
        self._stop_request = StopRequest(answer.stop_request)
        if answer.outcome is Outcome.FAILED:
            raise JournalFailedError(*batch_messages.JOURNAL_FAILED)
