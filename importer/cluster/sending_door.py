"""The coordinator's side of one sending: takes the calls of its worker, and refuses those of any other.

Intent before bytes is the fence: a worker that was given up gets no intent, so it sends nothing new.
"""

from __future__ import annotations

import threading
from typing import Any

from importer.cluster.journal_calls import (
    Answer,
    Call,
    Method,
    Outcome,
    PageRequest,
    PendingPage,
    decode_argument,
    encode_raw,
)
from importer.errors import ImporterError
from importer.pipeline.local_sender import Sending, SendingObserver
from importer.sender.request_kinds import NewTasks, PlannedWrites, TaskChecks
from importer.state.lease import LeaseKeeper, compute_lock_delay


class SendingDoor:
    """One sending. Its first worker gets it: a task that the cluster gives out twice is refused."""

    def __init__(
        self, sending_id: str, sending: Sending, observer: SendingObserver, keeper: LeaseKeeper
    ) -> None:
        self.sending_id = sending_id
        self.worker = ""
        """The worker that has the sending, "" before one has it."""
        self.error: Exception | None = None
        """Why the journal could not serve the worker."""
        self._source: Any = sending.source
        self._kind = sending.kind
        self._observer = observer
        self._keeper = keeper
        self._lock_delay_s = compute_lock_delay(sending.client.timeout_s)
        self._holder = ""
        self._is_granted = False
        self._heard_at = 0.0
        self._last_sequence = 0
        self._last_answer: Answer | None = None
        self._is_open = True
        self._lock = threading.Lock()

    def close(self) -> None:
        """Refuse all further calls, once the one under way has ended."""
        with self._lock:
            self._is_open, self._source, self._last_answer = False, None, None

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard for too long of the worker that has the sending.

        Its lease has ended, or it does not ask for it again, or it has given it back and its result does not arrive.
        """
        if self._is_granted:
            return self._keeper.is_expired()
        return bool(self._holder) and self._keeper.is_overdue(self._heard_at)

    def handle(self, call: Call) -> Answer:
        """Carry out a call. Raises msgspec.ValidationError for an argument of another type."""
        argument = decode_argument(call)
        with self._lock:
            if call.method is Method.RELEASE:
                return self._release(call)
            if not self._is_open:
                return Answer(outcome=Outcome.FENCED)
            if call.method is Method.ACQUIRE:
                return self._acquire(call.holder, argument)
            if not self._keeper.renew(call.holder, call.epoch):
                return Answer(outcome=Outcome.FENCED)
            return self._serve(call, argument)

    def _release(self, call: Call) -> Answer:
        """Free the account, also behind a closed door: nothing is under way. A late call of the worker finds it closed."""
        if self._keeper.release(call.holder, call.epoch):
            self._is_open = self._is_granted = False
            self._heard_at = self._keeper.read_time()
        return self._answer(None)

    def _acquire(self, holder: str, worker: str) -> Answer:
        if self._holder not in ("", holder):
            return Answer(outcome=Outcome.FENCED)
        self._holder, self.worker, self._heard_at = holder, worker, self._keeper.read_time()
        try:
            grant = self._keeper.acquire(holder, self._lock_delay_s)
        except ImporterError as error:  # a full disk: an epoch that is not on it must not be used
            return self._fail(error)
        self._is_granted = not grant.wait_s
        return self._answer(grant)

    def _serve(self, call: Call, argument: Any) -> Answer:
        """Serve the holder of the lease: the same call again gets the answer that it has missed.

        An earlier call is one that the network has held back: it was answered, and must not change anything once more.
        """
        if call.method is Method.RENEW:
            if argument is not None:
                self._observer.on_progress(argument)
            return self._answer(None)
        if call.sequence == self._last_sequence and self._last_answer is not None:
            return self._last_answer
        if call.sequence < self._last_sequence:
            return Answer(outcome=Outcome.FENCED)
        try:
            answer = self._answer(self._call_source(call.method, argument))
        except Exception as error:  # noqa: BLE001 - it belongs to the run, whose thread raises it
            answer = self._fail(error)
        self._last_sequence, self._last_answer = call.sequence, answer
        return answer

    def _fail(self, error: Exception) -> Answer:
        self.error = error
        return Answer(outcome=Outcome.FAILED)

    def _call_source(self, method: Method, argument: Any) -> object:
        match method:
            case Method.READ_SEND_TOTALS:
                return self._source.read_send_totals()
            case Method.READ_PENDING:
                return self._read_page(argument)
            case Method.RECORD:
                return self._source.record(argument)
            case Method.BEGIN_WRITES:
                return self._source.begin_writes(argument)
            case Method.BEGIN_TASKS:
                return self._source.begin_tasks(argument)
            case _:
                raise AssertionError(method)

    def _read_page(self, request: PageRequest) -> PendingPage:
        """Return rows with what the requests of each need: they could not wait for it in the loop of the worker."""
        rows = self._source.read_pending(request.after, request.limit)
        numbers = [row.number for row in rows]
        match self._kind:
            case PlannedWrites():
                return PendingPage(rows=rows, inputs={n: self._source.take_input(n) for n in numbers})
            case NewTasks() | TaskChecks():
                return PendingPage(rows=rows, tasks={n: self._source.get_task(n) for n in numbers})
            case _:
                return PendingPage(rows=rows)

    def _answer(self, value: object) -> Answer:
        stop_request = self._observer.get_stop_request().value
        return Answer(outcome=Outcome.DONE, value=encode_raw(value), stop_request=stop_request)
