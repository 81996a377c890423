"""Answers as a faulty server or line gives them: cut off, garbled, too large, or none at all."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import msgspec
from starlette.types import Message, Send

from importer.sandbox.faults import Fault

UNAUTHORIZED = "UnAuthorized, Please Provide Valid API Key"
TOO_MANY = (429, "Too many requests")

INSTEAD: dict[Fault, tuple[int, str]] = {
    Fault.ERROR_BEFORE: (500, "Internal server error"),
    Fault.UNAVAILABLE: (503, "Service unavailable"),
    Fault.TIMEOUT_408: (408, "Request timeout"),
    Fault.TOO_EARLY: (425, "Too early"),
    Fault.THROTTLED: TOO_MANY,
    Fault.UNAUTHORIZED: (401, UNAUTHORIZED),
    Fault.FORBIDDEN: (403, "Forbidden"),
    Fault.FIREWALL: (403, ""),
    Fault.REDIRECT: (302, ""),
    Fault.HTML: (200, ""),
    Fault.REFUSED: (400, "Validation failed"),
}
"""What is answered in place of doing the work: status and message."""

_BODIES: dict[Fault, bytes] = {
    Fault.HTML: b"<html><body><h1>Welcome to the hotel wifi</h1></body></html>",
    Fault.FIREWALL: b"<html><body><h1>Request blocked</h1></body></html>",
    Fault.NOT_JSON: b'{"data": nul',
    Fault.DEEP_JSON: b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    Fault.OVERSIZED: b'{"data": "' + b"x" * 5_000_000 + b'"}',
    Fault.GZIP_BOMB: gzip.compress(b"0" * 50_000_000),
}


async def answer_with(send: Send, fault: Fault | None, answer: tuple[int, str], wait: str) -> None:
    """Send the answer, or do to the connection what the fault says. `wait` is the words of Retry-After."""
    match fault:
        case Fault.DROP_BEFORE | Fault.DROP_AFTER:
            # uvicorn answers 500 where an application stays silent; to drop the line, its transport is closed.
            send.__self__.transport.abort()  # type: ignore[attr-defined]
            return
        case Fault.STALL_BEFORE | Fault.STALL_AFTER:
            await asyncio.sleep(3600)
            return
        case Fault.ERROR_AFTER:
            answer = (500, "Internal server error")
    status, message = answer
    data: dict[str, Any] = {"data": None, "message": message} if status == 200 else {"message": message}
    body = _BODIES.get(fault, b"") if fault else b""
    headers = [
        (b"content-type", b"text/html" if fault in (Fault.HTML, Fault.FIREWALL) else b"application/json")
    ]
    if fault is Fault.GZIP_BOMB:
        headers.append((b"content-encoding", b"gzip"))
    if fault is Fault.REDIRECT:
        headers.append((b"location", b"https://elsewhere.example/login"))
    if wait:
        headers.append((b"retry-after", wait.encode()))
    body = body or msgspec.json.encode(data)
    is_half = fault in (Fault.DROP_MID, Fault.STALL_MID)
    headers.append((b"content-length", b"%d" % (len(body) + 50 * is_half)))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    # An answer shorter than it said makes uvicorn close the connection: that is DROP_MID.
    await send({"type": "http.response.body", "body": body, "more_body": is_half})
    if fault is Fault.STALL_MID:
        await asyncio.sleep(3600)
    if fault is Fault.DROP_MID:
        send.__self__.transport.close()  # type: ignore[attr-defined]
