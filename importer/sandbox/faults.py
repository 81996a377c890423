"""The faults that a sandbox can inject, the choice of the fault for each request, and the response to it."""

from __future__ import annotations

import asyncio
import gzip
import random
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from starlette.types import Message, Send

from importer.sandbox.lead_edits import LeadEdit
from importer.sandbox.request_limit import LimitKind


class InjectedFault(StrEnum):
    """What can go wrong with an upsert or a new task. `before` and `after` say whether the fault comes before or after the work."""

    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    DROP_MID = "drop_mid"  # after the work, half of the answer
    STALL_BEFORE = "stall_before"  # never answers
    STALL_MID = "stall_mid"  # after the work, half of the answer, then silence
    STALL_AFTER = "stall_after"
    LATE = "late"  # the work is done long after the client has given up
    ERROR_BEFORE = "error_500_before"
    ERROR_AFTER = "error_500_after"
    BAD_GATEWAY = "bad_gateway_502"  # a page of HTML by the proxy in front; nothing was done
    UNAVAILABLE = "error_503"
    TIMEOUT_408 = "error_408"
    TOO_EARLY = "error_425"
    THROTTLED = "rate_limited_429"
    UNAUTHORIZED = "unauthorized_401"
    FORBIDDEN = "forbidden_403"
    FIREWALL = "firewall_403"  # a page of HTML, for this one request
    REDIRECT = "redirect_302"
    HTML = "html_200"  # a captive portal: nothing was done
    NOT_JSON = "not_json_200"  # the work was done, the answer is garbled
    OVERSIZED = "oversized_200"
    GZIP_BOMB = "gzip_bomb_200"
    DEEP_JSON = "deep_json_200"
    REFUSED = "bad_request_400"


APPLIED = frozenset(
    {
        InjectedFault.DROP_AFTER,
        InjectedFault.DROP_MID,
        InjectedFault.STALL_MID,
        InjectedFault.STALL_AFTER,
        InjectedFault.LATE,
        InjectedFault.ERROR_AFTER,
        InjectedFault.NOT_JSON,
        InjectedFault.OVERSIZED,
        InjectedFault.GZIP_BOMB,
        InjectedFault.DEEP_JSON,
    }
)
"""Faults that come after the work was done. The client cannot know that it was."""


OUTAGES = frozenset(
    {
        InjectedFault.DROP_BEFORE,
        InjectedFault.STALL_BEFORE,
        InjectedFault.ERROR_BEFORE,
        InjectedFault.BAD_GATEWAY,
        InjectedFault.UNAVAILABLE,
        InjectedFault.FORBIDDEN,
        InjectedFault.HTML,
    }
)
"""Faults that are not about one lead where every upsert gets them."""


class FaultPlan(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The faults that a test asks for. `shares` are probabilities, `at` names requests by number (from 1).

    `always` one of OUTAGES is an outage, a login page or a ban: after the first upsert that got it, the lists get it
    too. `phones` are the next faults of upserts by phone, `tasks` those of new tasks by the phone of their lead. `firewall` is a word that a web firewall blocks anywhere in a body. `edits` are made by a sales person right after the next read of
    a phone: between the look-up and the write of an import.
    """

    shares: dict[InjectedFault, float] = {}
    at: dict[int, InjectedFault] = {}
    always: InjectedFault | None = None
    from_request: int = 1
    phones: dict[str, list[InjectedFault]] = {}
    tasks: dict[str, list[InjectedFault]] = {}
    firewall: str | None = None
    rate_limit: float | None = None
    limit_kind: LimitKind | None = None
    bucket_size: float | None = None
    retry_after: str | None = None
    concurrency_limit: int | None = None
    latency: float | None = None
    edits: dict[str, list[LeadEdit]] = {}


class FaultInjector:
    """Chooses faults by plan, then at random. The same seed makes the same choices."""

    def __init__(self, seed: int, shares: dict[InjectedFault, float]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not used for secrets
        self.plan = FaultPlan(shares=shares)
        self._count = 0

    @property
    def outage(self) -> InjectedFault | None:
        """The fault that every request gets now, also a read."""
        has_begun = self.plan.always in OUTAGES and self._count >= self.plan.from_request
        return self.plan.always if has_begun else None

    def choose_next(
        self, phone: str | None, raw: bytes = b"", *, is_task: bool = False
    ) -> InjectedFault | None:
        """Count this request and return its fault, or None."""
        self._count += 1
        if self.plan.firewall and self.plan.firewall.encode() in raw:
            return InjectedFault.FIREWALL
        waiting = (self.plan.tasks if is_task else self.plan.phones).get(phone or "")
        if waiting:
            return waiting.pop(0)
        if self._count in self.plan.at:
            return self.plan.at[self._count]
        if self.plan.always is not None and self._count >= self.plan.from_request:
            return self.plan.always
        return self._draw_fault()

    def restart(self, plan: FaultPlan) -> None:
        """Follow another plan and count requests from 1 again."""
        self.plan = plan
        self._count = 0

    def _draw_fault(self) -> InjectedFault | None:
        if not self.plan.shares:
            return None
        drawn = self._random.random()
        for fault, share in self.plan.shares.items():
            if drawn < share:
                return fault
            drawn -= share
        return None


# --- the responses of a faulty server or network: cut off, garbled, too large, or missing

UNAUTHORIZED = "UnAuthorized, Please Provide Valid API Key"
TOO_MANY = (429, "Too many requests")

FAULT_ANSWERS: dict[InjectedFault, tuple[int, str]] = {
    InjectedFault.ERROR_BEFORE: (500, "Internal server error"),
    InjectedFault.BAD_GATEWAY: (502, ""),
    InjectedFault.UNAVAILABLE: (503, "Service unavailable"),
    InjectedFault.TIMEOUT_408: (408, "Request timeout"),
    InjectedFault.TOO_EARLY: (425, "Too early"),
    InjectedFault.THROTTLED: TOO_MANY,
    InjectedFault.UNAUTHORIZED: (401, UNAUTHORIZED),
    InjectedFault.FORBIDDEN: (403, "Forbidden"),
    InjectedFault.FIREWALL: (403, ""),
    InjectedFault.REDIRECT: (302, ""),
    InjectedFault.HTML: (200, ""),
    InjectedFault.REFUSED: (400, "Validation failed"),
}
"""Status and message of the faults that answer instead of doing the work."""

_BODIES: dict[InjectedFault, bytes] = {
    InjectedFault.HTML: b"<html><body><h1>Welcome to the hotel wifi</h1></body></html>",
    InjectedFault.FIREWALL: b"<html><body><h1>Request blocked</h1></body></html>",
    InjectedFault.BAD_GATEWAY: b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    InjectedFault.NOT_JSON: b'{"data": nul',
    InjectedFault.DEEP_JSON: b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    InjectedFault.OVERSIZED: b'{"data": "' + b"x" * 5_000_000 + b'"}',
}


@cache
def _make_bomb() -> bytes:
    """Return 50 MB in 50 kB, made when it is first sent: that takes 0.3 s, and most sandboxes never send it."""
    return gzip.compress(b"0" * 50_000_000)


_PAGES = frozenset({InjectedFault.HTML, InjectedFault.FIREWALL, InjectedFault.BAD_GATEWAY})


async def send_answer(
    send: Send, fault: InjectedFault | None, answer: tuple[int, str], retry_after: str
) -> None:
    """Send the answer, or break the connection as the fault says. `retry_after` is the header's value, "" for none."""
    match fault:
        case InjectedFault.DROP_BEFORE | InjectedFault.DROP_AFTER:
            # uvicorn answers 500 for an application that sends nothing, so the transport itself is aborted.
            send.__self__.transport.abort()  # type: ignore[attr-defined]
            return
        case InjectedFault.STALL_BEFORE | InjectedFault.STALL_AFTER:
            await asyncio.sleep(3600)
            return
        case InjectedFault.ERROR_AFTER:
            answer = (500, "Internal server error")
        case _:
            pass  # the other faults change the body or the headers only
    status, message = answer
    data: dict[str, Any] = {"data": None, "message": message} if status == 200 else {"message": message}
    body = _BODIES.get(fault, b"") if fault else b""
    headers = [
        (
            b"content-type",
            b"text/html" if fault in _PAGES else b"application/json",
        )
    ]
    if fault is InjectedFault.GZIP_BOMB:
        body = _make_bomb()
        headers.append((b"content-encoding", b"gzip"))
    if fault is InjectedFault.REDIRECT:
        headers.append((b"location", b"https://elsewhere.example/login"))
    if retry_after:
        headers.append((b"retry-after", retry_after.encode()))
    body = body or msgspec.json.encode(data)
    is_half = fault in (InjectedFault.DROP_MID, InjectedFault.STALL_MID)
    headers.append((b"content-length", b"%d" % (len(body) + 50 * is_half)))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    # uvicorn closes the connection after a body shorter than its content-length: that is DROP_MID.
    await send({"type": "http.response.body", "body": body, "more_body": is_half})
    if fault is InjectedFault.STALL_MID:
        await asyncio.sleep(3600)
    if fault is InjectedFault.DROP_MID:
        send.__self__.transport.close()  # type: ignore[attr-defined]
