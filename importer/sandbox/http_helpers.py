"""What all addresses share: bodies read up to a bound, answers as JSON, lists by pages, and who may ask."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from importer.sandbox.api_error import ApiError

_MAX_BODY = 1_000_000
_PLAIN_NUMBER = re.compile(r"[0-9]{1,9}")


async def read_body(receive: Receive) -> bytes | None:
    """The request's body, cut where it grows beyond all reason; None when the client went away in the middle."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= _MAX_BODY:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= _MAX_BODY else b""


def says_json(scope: Scope) -> bool:
    """Whether the body is said to be JSON: servers do not read another as such, and miss the phone in it."""
    kind = dict(scope["headers"]).get(b"content-type", b"")
    return bool(kind.split(b";")[0].strip().lower() == b"application/json")


def paged(rows: list[dict[str, Any]], request: Request, *, size: int) -> dict[str, Any]:
    """One page of a list (API page, "Dropdown lists"), of `size` rows or of fewer. Raises Refusal for what is no page."""
    page = _number(request, "page", 1)
    page_size = _number(request, "page_size", size)
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


def _number(request: Request, name: str, otherwise: int) -> int:
    given = request.query_params.get(name, str(otherwise))
    if not _PLAIN_NUMBER.fullmatch(given) or int(given) < 1:
        raise ApiError(400, f"{name} must be a number from 1")
    return int(given)


def is_local(request: Request) -> bool:
    """Whether the address asked for is this machine's: a foreign page that was pointed here is not (DNS rebinding)."""
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    return host in ("127.0.0.1", "localhost", "[::1]")


def success(data: Any) -> Response:
    """The API's envelope around what was asked for."""
    return as_json(200, {"data": data, "message": "success"})


def refused(refusal: ApiError, *, retry_after: str = "") -> Response:
    """The API's envelope around a no."""
    answer = as_json(refusal.status, {"message": refusal.message})
    if retry_after:
        answer.headers["retry-after"] = retry_after
    return answer


def as_json(status: int, body: Any) -> Response:
    """Any body as JSON."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")
