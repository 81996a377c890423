"""What all endpoints share: request bodies, JSON responses and refusals, pages of a list, and the loopback check."""

from __future__ import annotations

import math
import re
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

T = TypeVar("T")
_MAX_BODY_BYTES = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,9}")


class ApiError(Exception):
    """A request that gets an error response, with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def decode_body(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the decoded body. Raises ApiError 400 for invalid JSON, broken UTF-8 and unknown fields.

    A type that names every field stops at the first unexpected brace, so deep nesting costs nothing.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ApiError(400, f"Validation failed: {error}") from None


async def read_body(receive: Receive) -> bytes | None:
    """Return the request's body, b"" if it is too large, or None if the client disconnected before its end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= _MAX_BODY_BYTES:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= _MAX_BODY_BYTES else b""


def is_json(scope: Scope) -> bool:
    """Return whether the content type is JSON. Real servers ignore any other body and then miss the phone."""
    kind = dict(scope["headers"]).get(b"content-type", b"")
    return bool(kind.split(b";")[0].strip().lower() == b"application/json")


def build_list_page(rows: list[dict[str, Any]], request: Request, *, size: int) -> dict[str, Any]:
    """Return one page of at most `size` rows (docs/api.md, "Dropdown lists"). Raises ApiError 400 for a bad page."""
    page = _read_number(request, "page", 1)
    page_size = _read_number(request, "page_size", size)
    if page_size > size:
        raise ApiError(400, f"page_size must be at most {size}")
    start = (page - 1) * page_size
    return {
        "rows": rows[start : start + page_size],
        "total_pages": math.ceil(len(rows) / page_size),
        "current_page": page,
        "page_size": page_size,
        "total_items": len(rows),
    }


def _read_number(request: Request, name: str, otherwise: int) -> int:
    given = request.query_params.get(name, str(otherwise))
    if not _NUMBER.fullmatch(given) or int(given) < 1:
        raise ApiError(400, f"{name} must be a number from 1")
    return int(given)


def is_local(request: Request) -> bool:
    """Return whether the Host header names this machine. A website that was pointed here does not (DNS rebinding)."""
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    return host in ("127.0.0.1", "localhost", "[::1]")


def build_success(data: Any) -> Response:
    """Return a 200 with `data` in the API's envelope."""
    return to_json_response(200, {"data": data, "message": "success"})


def build_refusal(refusal: ApiError, *, retry_after: str = "") -> Response:
    """Return an error in the API's envelope."""
    answer = to_json_response(refusal.status, {"message": refusal.message})
    if retry_after:
        answer.headers["retry-after"] = retry_after
    return answer


def to_json_response(status: int, body: Any) -> Response:
    """Return a response with this body as JSON."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")
