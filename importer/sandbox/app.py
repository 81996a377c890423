"""The sandbox's web application: the API's endpoints, the page for people, and the controls for tests."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from importer.sandbox import api_rules
from importer.sandbox.api_http import (
    ApiError,
    build_list_page,
    build_refusal,
    build_success,
    decode_body,
    is_json,
    is_local,
    read_body,
    to_json_response,
)
from importer.sandbox.faults import (
    APPLIED,
    FAULT_ANSWERS,
    TOO_MANY,
    UNAUTHORIZED,
    FaultInjector,
    FaultPlan,
    InjectedFault,
    send_answer,
)
from importer.sandbox.lead_edits import LeadEdit, edit_lead
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.lead_view import LeadReader, to_api_lead
from importer.sandbox.leads_page import show_page
from importer.sandbox.request_limit import RequestLimit
from importer.sandbox.sandbox_settings import Account, SandboxOptions

BASE = "/superfone"
_LEAD = f"{BASE}/enterprise/api/lead"
_TASK_PATH = re.compile(rf"{re.escape(_LEAD)}/([0-9]+)/task")
_LATE_DELAY_S = 1.0  # longer than the timeout of the clients in our tests
_LIST_PAGE_SIZE = 50  # the default, and the maximum: docs/api.md names no larger one
_Handler = Callable[[Request], Awaitable[Any]]
_Endpoint = Callable[[Request], Awaitable[Response]]
_plan_decoder = msgspec.json.Decoder(FaultPlan)
_edit_decoder = msgspec.json.Decoder(LeadEdit)


class _Write(NamedTuple):
    """A request that writes: `apply` does it, with the body and the id of the lead of a task."""

    path: str
    apply: Callable[[bytes, int | None], None]
    lead_id: int | None = None


class Sandbox:
    """One stand-in CRM: its account, leads and faults, and the ASGI application over them."""

    def __init__(self, options: SandboxOptions, account: Account, store: LeadStore) -> None:
        self.options = options
        self.account = account
        self.store = store
        shares = {
            InjectedFault.UNAVAILABLE: options.error_share,
            InjectedFault.DROP_BEFORE: options.drop_before,
            InjectedFault.DROP_AFTER: options.drop_after,
        }
        self.faults = FaultInjector(options.seed, {fault: share for fault, share in shares.items() if share})
        self.limit = RequestLimit(options.rate_limit, options.limit_kind, bucket_size=options.bucket_size)
        self.in_flight = 0
        self.clock = time.monotonic
        self.reader = LeadReader(store, options, lambda: self.clock())  # noqa: PLW0108 - tests replace the clock
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._router = Starlette(
            routes=self._build_routes(), exception_handlers={HTTPException: _answer_http_error}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request: writes directly, since a run sends thousands of them, and all others by Starlette."""
        if (write := self._find_write(scope)) is not None:
            await self._handle_write(write, scope, receive, send)
        elif (fault := self.faults.outage) and self._is_read_with_key(scope):
            await send_answer(send, fault, FAULT_ANSWERS.get(fault, (0, "")), "")
        else:
            await self._router(scope, receive, send)

    def _is_read_with_key(self, scope: Scope) -> bool:
        is_api = scope["type"] == "http" and scope["path"].startswith(f"{BASE}/enterprise/api/")
        return is_api and self._has_key(dict(scope["headers"]))

    # --- writes, with injected faults

    def _find_write(self, scope: Scope) -> _Write | None:
        """Return what a request would write: a lead, or a task of a lead."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        if scope["path"] == _LEAD:
            return _Write(_LEAD, self._upsert_lead)
        if match := _TASK_PATH.fullmatch(scope["path"]):
            return _Write(scope["path"], self._add_task, lead_id=int(match[1]))
        return None

    async def _handle_write(self, write: _Write, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        if raw is None:
            return
        raw = raw if is_json(scope) else b""
        phone, note = self._find_phone(write), None
        if write.lead_id is None:
            phone, note = _read_phone_and_note(raw)
        self.in_flight += 1
        try:
            fault, answer, retry_after = self._decide_answer(write, scope, raw, phone)
            applied = fault in APPLIED if fault else answer[0] == 200
            self.store.record_request(
                (self.clock(), "POST", write.path, phone, note, fault, answer[0], applied)
            )
            if latency := self._get_latency():
                await asyncio.sleep(latency)
            if fault is InjectedFault.LATE:
                await asyncio.sleep(_LATE_DELAY_S)
                self._apply(write, raw)
            await send_answer(send, fault, answer, retry_after)
        finally:
            self.in_flight -= 1

    def _decide_answer(
        self, write: _Write, scope: Scope, raw: bytes, phone: str | None
    ) -> tuple[InjectedFault | None, tuple[int, str], str]:
        """Return the fault to inject, the answer (status, message), and the value of Retry-After ("" for none)."""
        if not self._has_key(dict(scope["headers"])):
            return None, (401, UNAUTHORIZED), ""
        if (retry_after := self._check_limits()) is not None:
            return None, TOO_MANY, retry_after
        fault = self.faults.choose_next(phone, raw, is_task=write.lead_id is not None)
        if fault is InjectedFault.LATE:
            return fault, (200, "success"), ""
        if fault is None or fault in APPLIED:
            return fault, self._apply(write, raw), ""
        return (
            fault,
            FAULT_ANSWERS.get(fault, (0, "")),
            self._format_retry_after(1) if fault is InjectedFault.THROTTLED else "",
        )

    def _apply(self, write: _Write, raw: bytes) -> tuple[int, str]:
        try:
            write.apply(raw, write.lead_id)
        except ApiError as refusal:
            return refusal.status, refusal.message
        return 200, "success"

    def _upsert_lead(self, raw: bytes, _: int | None) -> None:
        api_rules.upsert_lead(self.store, self.account, raw, self.options)

    def _add_task(self, raw: bytes, lead_id: int | None) -> None:
        assert lead_id is not None, "the path of a task has the id of its lead"
        api_rules.add_task(self.store, lead_id, raw, self.now())

    def _find_phone(self, write: _Write) -> str | None:
        """Return the primary phone of the lead that gets a task."""
        lead = None if write.lead_id is None else self.store.find_by_id(write.lead_id)
        return None if lead is None else str(lead["phone"])

    def _check_limits(self) -> str | None:
        """Return None for a request within the account's limits, else the value of Retry-After."""
        wait_s = self.limit.wait(self.clock())
        return self._format_retry_after(wait_s or 1) if wait_s or self._is_over_concurrency_limit() else None

    def _is_over_concurrency_limit(self) -> bool:
        plan = self.faults.plan.concurrency_limit
        limit = self.options.concurrency_limit if plan is None else plan
        return bool(limit) and self.in_flight > limit

    def _get_latency(self) -> float:
        plan = self.faults.plan.latency
        return self.options.latency if plan is None else plan

    def _format_retry_after(self, seconds: float) -> str:
        style = self.faults.plan.retry_after or self.options.retry_after
        match style:
            case "none":
                return ""
            case "seconds":
                return str(math.ceil(seconds))
            case "date":
                return formatdate(self.now().timestamp() + math.ceil(seconds), usegmt=True)
            case _:
                return style

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        return headers.get(b"x-api-key") == self.options.api_key.encode()

    # --- reading, tasks, the page, the controls for tests

    def _build_routes(self) -> list[Route]:
        lists = [
            Route(f"{BASE}/enterprise/api/{name}", self._require_key(self._read_list))
            for name in self.account.lists
        ]
        task = f"{_LEAD}/{{lead_id:int}}/task"
        return [
            Route(_LEAD, self._require_key(self._read_lead)),
            *lists,
            Route(task, self._require_key(self._read_tasks)),
            Route(f"{task}/complete", self._require_key(self._complete_tasks), methods=["POST"]),
            Route("/", _allow_local_only(self._show_page)),
            Route("/_sandbox/faults", _allow_local_only(self._set_faults), methods=["POST"]),
            Route("/_sandbox/edit", _allow_local_only(self._edit_lead), methods=["POST"]),
            Route("/_sandbox/leads", _allow_local_only(self._read_all_leads)),
            Route("/_sandbox/ledger", _allow_local_only(self._read_ledger)),
        ]

    def _require_key(self, handler: _Handler) -> _Endpoint:
        """Return an endpoint that checks the key and the limits, and wraps the answer as the API does."""

        async def handle(request: Request) -> Response:
            self.in_flight += 1
            try:
                answer = await self._answer(handler, request)
                if latency := self._get_latency():
                    await asyncio.sleep(latency)
                return answer
            finally:
                self.in_flight -= 1

        return handle

    async def _answer(self, handler: _Handler, request: Request) -> Response:
        if not self._has_key(dict(request.headers.raw)):
            return build_refusal(ApiError(401, UNAUTHORIZED))
        if (retry_after := self._check_limits()) is not None:
            return build_refusal(ApiError(*TOO_MANY), retry_after=retry_after)
        try:
            return build_success(await handler(request))
        except ApiError as refusal:
            return build_refusal(refusal)

    async def _read_lead(self, request: Request) -> Any:
        phone = request.query_params.get("phone", "")
        if not phone:
            raise ApiError(400, "phone is required")
        lead = self.reader.find(phone)
        status = 404 if lead is None else 200
        self.store.record_request((self.clock(), "GET", _LEAD, phone, None, None, status, False))
        if lead is None:
            raise ApiError(404, "Customer not found")
        answer = to_api_lead(lead, self.account)
        for edit in self.faults.plan.edits.pop(phone, ()):
            edit_lead(self.store, edit)
        return answer

    async def _read_list(self, request: Request) -> Any:
        rows = self.account.lists[request.scope["path"].rsplit("/", 1)[1]]
        text = request.query_params.get("text", "").lower()
        found = [row for row in rows if text in row["title"].lower()]
        return build_list_page(found, request, size=_LIST_PAGE_SIZE)

    async def _read_tasks(self, request: Request) -> Any:
        found = api_rules.read_tasks(self.store, request.path_params["lead_id"])
        self.store.record_request((self.clock(), "GET", request.scope["path"], None, None, None, 200, False))
        return build_list_page(found, request, size=api_rules.TASK_PAGE_SIZE)

    async def _complete_tasks(self, request: Request) -> Any:
        api_rules.complete_tasks(self.store, request.path_params["lead_id"])

    async def _show_page(self, request: Request) -> Response:
        return show_page(request, self.store, self.account)

    async def _set_faults(self, request: Request) -> Response:
        plan = decode_body(await read_body(request.receive) or b"", _plan_decoder)
        self.faults.restart(plan)
        if plan.rate_limit is not None:
            self.limit.per_s = plan.rate_limit
        if plan.limit_kind is not None:
            self.limit.kind = plan.limit_kind
        if plan.bucket_size is not None:
            self.limit.bucket_size = plan.bucket_size
        return to_json_response(200, {})

    async def _edit_lead(self, request: Request) -> Response:
        edit_lead(self.store, decode_body(await read_body(request.receive) or b"", _edit_decoder))
        return to_json_response(200, {})

    async def _read_all_leads(self, _: Request) -> Response:
        return to_json_response(200, list(self.store.all_leads()))

    async def _read_ledger(self, _: Request) -> Response:
        return to_json_response(200, self.store.ledger())


def _allow_local_only(handler: Callable[[Request], Awaitable[Response]]) -> _Endpoint:
    """Return an endpoint that answers only to this machine, since it asks for no key."""

    async def handle(request: Request) -> Response:
        if not is_local(request):
            return build_refusal(ApiError(403, "loopback only"))
        try:
            return await handler(request)
        except ApiError as refusal:
            return build_refusal(refusal)

    return handle


async def _answer_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return to_json_response(error.status_code, {"message": error.detail})


def _read_phone_and_note(raw: bytes) -> tuple[str | None, str | None]:
    """Return the phone and the note of a body for the request log, None for what cannot be read."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None
    if not isinstance(body, dict):
        return None, None
    phone, note = body.get("customer_phone"), body.get("customer_note")
    return phone if isinstance(phone, str) else None, note if isinstance(note, str) else None
