"""The calls of a worker to the journal of its sending, as JSON: their names, arguments and answers.

JSON, because it keeps the zone of a time. Both sides decode by type, so nothing but these values can be sent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec

from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SendTotals
from importer.models.delivery import PendingRow
from importer.models.task import PendingTask
from importer.planner.plan_input import PlanInput, PlannedWrite
from importer.sender.send_loop import Progress, StopRequest
from importer.state.lease import Grant

MAX_PAGE_ROWS = 10_000
"""Of one call, so that no worker can have the coordinator read a whole journal into its memory."""


class Method(StrEnum):
    """What a worker may ask for."""

    ACQUIRE = "acquire"
    RENEW = "renew"
    READ_SEND_TOTALS = "read_send_totals"
    READ_PENDING = "read_pending"
    RECORD = "record"
    BEGIN_WRITES = "begin_writes"
    BEGIN_TASKS = "begin_tasks"
    RELEASE = "release"


class PageRequest(msgspec.Struct, frozen=True):
    """The next rows: `limit` of those with numbers above `after`."""

    after: int
    limit: Annotated[int, msgspec.Meta(ge=0, le=MAX_PAGE_ROWS)]


class PendingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows to send, with what a plan or a task needs to know of each, by number."""

    rows: list[PendingRow]
    inputs: dict[int, PlanInput] = {}
    tasks: dict[int, PendingTask] = {}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call. `sequence` grows with each call that changes something: the same one again gets the same answer."""

    sending: str
    holder: str
    method: Method
    epoch: int = 0
    sequence: int = 0
    argument: msgspec.Raw = msgspec.Raw(b"null")


class Outcome(StrEnum):
    """What became of a call."""

    DONE = "done"
    FENCED = "fenced"  # another worker has the lease by now, or the sending is over
    FAILED = "failed"  # the journal cannot be read or written; the coordinator says why


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what the batch wants of the worker."""

    outcome: Outcome
    value: msgspec.Raw = msgspec.Raw(b"null")
    stop_request: int = StopRequest.NO.value


class _Types(NamedTuple):
    argument: Any
    value: Any


_TYPES: dict[Method, _Types] = {
    Method.ACQUIRE: _Types(str, Grant),
    Method.RENEW: _Types(Progress | None, None),
    Method.READ_SEND_TOTALS: _Types(None, SendTotals),
    Method.READ_PENDING: _Types(PageRequest, PendingPage),
    Method.RECORD: _Types(DeliveryBatch, list[PendingRow]),
    Method.BEGIN_WRITES: _Types(list[PlannedWrite], list[PlannedWrite]),
    Method.BEGIN_TASKS: _Types(list[tuple[PendingTask, datetime]], list[PendingTask]),
    Method.RELEASE: _Types(None, None),
}
_ARGUMENT_DECODERS = {method: msgspec.json.Decoder(types.argument) for method, types in _TYPES.items()}
_VALUE_DECODERS = {method: msgspec.json.Decoder(types.value) for method, types in _TYPES.items()}
_encode = msgspec.json.Encoder().encode


def encode_raw(value: object) -> msgspec.Raw:
    """Return a value as it travels inside a call or an answer."""
    return msgspec.Raw(_encode(value))


def decode_argument(call: Call) -> Any:
    """Return the argument of a call, by the type of its method. Raises msgspec.ValidationError."""
    return _ARGUMENT_DECODERS[call.method].decode(call.argument)


def decode_value(method: Method, answer: Answer) -> Any:
    """Return the value of an answer, by the type of the method. Raises msgspec.ValidationError."""
    return _VALUE_DECODERS[method].decode(answer.value)
