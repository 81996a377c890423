"""Responses of a faulty server or network: cut off, garbled, too large, or missing."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import msgspec
from starlette.types import Message, Send

from importer.sandbox.faults import InjectedFault

UNAUTHORIZED = "UnAuthorized, Please Provide Valid API Key"
TOO_MANY = (429, "Too many requests")

FAULT_ANSWERS: dict[InjectedFault, tuple[int, str]] = {
    InjectedFault.ERROR_BEFORE: (500, "Internal server error"),
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
    InjectedFault.NOT_JSON: b'{"data": nul',
    InjectedFault.DEEP_JSON: b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    InjectedFault.OVERSIZED: b'{"data": "' + b"x" * 5_000_000 + b'"}',
    InjectedFault.GZIP_BOMB: gzip.compress(b"0" * 50_000_000),
}


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
    status, message = answer
    data: dict[str, Any] = {"data": None, "message": message} if status == 200 else {"message": message}
    body = _BODIES.get(fault, b"") if fault else b""
    headers = [
        (
            b"content-type",
            b"text/html" if fault in (InjectedFault.HTML, InjectedFault.FIREWALL) else b"application/json",
        )
    ]
    if fault is InjectedFault.GZIP_BOMB:
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
