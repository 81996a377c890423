"""The sandbox's web application: the API's addresses, the page for people, the levers for tests."""

from __future__ import annotations

import asyncio
import gzip
import math
import time
from email.utils import formatdate
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from importer.sandbox import rules
from importer.sandbox.account import Account
from importer.sandbox.faults import APPLIED, Fault, FaultPlan, Faults, SlidingLimit
from importer.sandbox.options import SandboxOptions
from importer.sandbox.page import show_page
from importer.sandbox.rules import Refusal
from importer.sandbox.store import Store

BASE = "/superfone"
_LEAD = f"{BASE}/enterprise/api/lead"
_MAX_PAGE = 100
_LATE_S = 1.0  # longer than the timeout of a client that practises
_TASK_TYPES = ("FOLLOW_UP_CALL", "FIRST_CALL", "CALLBACK_REQUEST", "SITE_VISIT", "REMINDER", "BOOKING")
_UNAUTHORIZED = "UnAuthorized, Please Provide Valid API Key"


class Sandbox:
    """One stand-in CRM: account, leads, faults, and the ASGI application over them."""

    def __init__(self, options: SandboxOptions, account: Account, store: Store) -> None:
        self.options = options
        self.account = account
        self.store = store
        shares = {
            Fault.UNAVAILABLE: options.error_share,
            Fault.DROP_BEFORE: options.drop_before,
            Fault.DROP_AFTER: options.drop_after,
        }
        self.faults = Faults(options.seed, {fault: share for fault, share in shares.items() if share})
        self.limit = SlidingLimit(options.rate_limit)
        self.in_flight = 0
        self._pages = Starlette(routes=self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The fast way for upserts, which a run sends by the thousand; starlette's routes for the rest."""
        if scope["type"] == "http" and scope["path"] == _LEAD and scope["method"] == "POST":
            await self._upsert(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    # --- upserts, with faults

    async def _upsert(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _body(receive)
        phone, note = _phone_and_note(raw)
        self.in_flight += 1
        try:
            fault, answer, wait = self._judge(scope, raw, phone)
            applied = fault in APPLIED if fault else answer[0] == 200
            ledger = (time.monotonic(), "POST", _LEAD, phone, note, fault, answer[0], applied)
            self.store.note_request(ledger)
            if latency := self._latency():
                await asyncio.sleep(latency)
            if fault is Fault.LATE:
                await asyncio.sleep(_LATE_S)
                self._do(raw)
            await _answer(send, fault, answer, wait)
        finally:
            self.in_flight -= 1

    def _judge(
        self, scope: Scope, raw: bytes, phone: str | None
    ) -> tuple[Fault | None, tuple[int, str], str]:
        """The fault to meet, the answer, and the words of Retry-After."""
        if not self._has_key(dict(scope["headers"])):
            return None, (401, _UNAUTHORIZED), ""
        wait = self.limit.wait(time.monotonic())
        if wait or self._too_many():
            return None, (429, "Too many requests"), self._retry_after(wait or 1)
        fault = self.faults.next(phone)
        if fault is Fault.LATE:
            return fault, (200, "success"), ""
        if fault is None or fault in APPLIED:
            return fault, self._do(raw), ""
        return fault, _ANSWERS.get(fault, (0, "")), self._retry_after(1) if fault is Fault.THROTTLED else ""

    def _do(self, raw: bytes) -> tuple[int, str]:
        try:
            rules.upsert(self.store, self.account, raw)
        except Refusal as refusal:
            return refusal.status, refusal.message
        return 200, "success"

    def _too_many(self) -> bool:
        plan = self.faults.plan.concurrency_limit
        limit = self.options.concurrency_limit if plan is None else plan
        return bool(limit) and self.in_flight > limit

    def _latency(self) -> float:
        plan = self.faults.plan.latency
        return self.options.latency if plan is None else plan

    def _retry_after(self, seconds: float) -> str:
        words = self.faults.plan.retry_after or self.options.retry_after
        match words:
            case "none":
                return ""
            case "seconds":
                return str(math.ceil(seconds))
            case "date":
                return formatdate(time.time() + math.ceil(seconds), usegmt=True)
            case _:
                return words

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        return headers.get(b"x-api-key") == self.options.api_key.encode()

    # --- reading, tasks, the page, the levers

    def _routes(self) -> list[Route]:
        lists = [Route(f"{BASE}/enterprise/api/{name}", self._list) for name in self.account.lists]
        return [
            Route(_LEAD, self._read),
            *lists,
            Route(f"{_LEAD}/{{lead_id:int}}/task", self._add_task, methods=["POST"]),
            Route(f"{_LEAD}/{{lead_id:int}}/task", self._tasks),
            Route(f"{_LEAD}/{{lead_id:int}}/task/complete", self._complete, methods=["POST"]),
            Route("/", self._page),
            Route("/_sandbox/faults", self._set_faults, methods=["POST"]),
            Route("/_sandbox/leads", self._all_leads),
            Route("/_sandbox/ledger", self._ledger),
        ]

    async def _read(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        found = self.store.lead(request.query_params.get("phone", ""))
        if found is None:
            return _json(404, {"message": "Customer not found"})
        lead = self.store.lead_by_id(found[0])
        assert lead is not None
        return _json(200, {"data": self._shown(lead), "message": "success"})

    def _shown(self, lead: dict[str, Any]) -> dict[str, Any]:
        """A lead as the API shows it: products and notes are not in it."""
        stage = self.account.named("lead-stage", lead.get("lead_stage_name") or "")
        group = self.account.named("lead-group", lead.get("lead_group_name") or "")
        member = self.account.member(lead.get("assignee_user_phone") or "")
        labels = [row for title in lead["labels"] for row in self.account.named("label", title)]
        plain = (
            "first_name",
            "last_name",
            "website",
            "business_name",
            "additional_info",
            "city",
            "deal_value",
        )
        return {
            "id": lead["id"],
            "org_id": 1,
            **{name: lead.get(name) for name in (*plain, "source", "source_type")},
            "email": lead.get("email", []),
            "status": "ACTIVE",
            "address": lead.get("address"),
            "assignee_user_id": member["id"] if member else None,
            "assignee_user": {name: member[name] for name in ("id", "first_name", "last_name")}
            if member
            else None,
            "lead_stage_id": stage[0]["id"] if stage else None,
            "lead_stage": {**stage[0], "org_id": 1} if stage else None,
            "lead_group_id": group[0]["id"] if group else None,
            "lead_group": {**group[0], "org_id": 1} if group else None,
            "labels": labels,
            "phones": [
                {"phone": phone, "customer_id": lead["id"]} for phone in self.store.phones(lead["id"])
            ],
            "created_at": lead["created_at"],
            "updated_at": lead["updated_at"],
        }

    async def _list(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        rows = self.account.lists[request.url.path.rsplit("/", 1)[1]]
        text = request.query_params.get("text", "").lower()
        return _paged([row for row in rows if text in row["title"].lower()], request, 50, _MAX_PAGE)

    async def _add_task(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        lead_id = request.path_params["lead_id"]
        task = msgspec.json.decode(await request.body())
        if self.store.lead_by_id(lead_id) is None:
            return _json(404, {"message": "Lead not found"})
        if not isinstance(task, dict) or task.get("type") not in _TASK_TYPES or not task.get("due_date"):
            return _json(400, {"message": "type and due_date are required"})
        if task.get("notify_at") and not task["notify_at"] <= task["due_date"]:
            return _json(400, {"message": "notify_at must not be after due_date"})
        self.store.add_task(lead_id, {**task, "status": "OPEN"})
        return _json(200, {"data": None, "message": "success"})

    async def _tasks(self, request: Request) -> Response:
        return self._refused(request) or _paged(
            self.store.tasks(request.path_params["lead_id"]), request, 20, 20
        )

    async def _complete(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        self.store.complete_tasks(request.path_params["lead_id"])
        return _json(200, {"data": None, "message": "success"})

    async def _page(self, request: Request) -> Response:
        return _elsewhere(request) or show_page(request, self.store, self.account)

    async def _set_faults(self, request: Request) -> Response:
        if refused := _elsewhere(request):
            return refused
        plan = msgspec.json.decode(await request.body(), type=FaultPlan)
        self.faults.restart(plan)
        if plan.rate_limit is not None:
            self.limit.per_s = plan.rate_limit
        return _json(200, {})

    async def _all_leads(self, request: Request) -> Response:
        return _elsewhere(request) or _json(200, list(self.store.all_leads()))

    async def _ledger(self, request: Request) -> Response:
        return _elsewhere(request) or _json(200, self.store.ledger())

    def _refused(self, request: Request) -> Response | None:
        if self._has_key(dict(request.headers.raw)):
            return None
        return _json(401, {"message": _UNAUTHORIZED})


_ANSWERS: dict[Fault, tuple[int, str]] = {
    Fault.ERROR_BEFORE: (500, "Internal server error"),
    Fault.UNAVAILABLE: (503, "Service unavailable"),
    Fault.TIMEOUT_408: (408, "Request timeout"),
    Fault.TOO_EARLY: (425, "Too early"),
    Fault.THROTTLED: (429, "Too many requests"),
    Fault.UNAUTHORIZED: (401, _UNAUTHORIZED),
    Fault.FORBIDDEN: (403, "Forbidden"),
    Fault.REDIRECT: (302, ""),
    Fault.HTML: (200, ""),
    Fault.REFUSED: (400, "Validation failed"),
}
_BODIES: dict[Fault, bytes] = {
    Fault.HTML: b"<html><body><h1>Welcome to the hotel wifi</h1></body></html>",
    Fault.NOT_JSON: b'{"data": nul',
    Fault.DEEP_JSON: b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    Fault.OVERSIZED: b'{"data": "' + b"x" * 5_000_000 + b'"}',
    Fault.GZIP_BOMB: gzip.compress(b"0" * 50_000_000),
}


async def _answer(send: Send, fault: Fault | None, answer: tuple[int, str], wait: str) -> None:
    """Send the answer, or do to the connection what the fault says."""
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
    headers = [(b"content-type", b"text/html" if fault is Fault.HTML else b"application/json")]
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


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _phone_and_note(raw: bytes) -> tuple[str | None, str | None]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None, None
    return (body.get("customer_phone"), body.get("customer_note")) if isinstance(body, dict) else (None, None)


def _paged(rows: list[dict[str, Any]], request: Request, size: int, largest: int) -> Response:
    try:
        page = max(1, int(request.query_params.get("page", 1)))
        page_size = min(max(1, int(request.query_params.get("page_size", size))), largest)
    except ValueError:
        return _json(400, {"message": "page and page_size must be numbers"})
    start = (page - 1) * page_size
    found = {
        "rows": rows[start : start + page_size],
        "total_pages": math.ceil(len(rows) / page_size),
        "current_page": page,
        "page_size": page_size,
        "total_items": len(rows),
    }
    return _json(200, {"data": found, "message": "success"})


def _elsewhere(request: Request) -> Response | None:
    """Refuse a page of another site that was pointed at this address (DNS rebinding)."""
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    return None if host in ("127.0.0.1", "localhost", "[::1]") else _json(403, {"message": "loopback only"})


def _json(status: int, data: Any) -> Response:
    return Response(msgspec.json.encode(data), status, media_type="application/json")
