"""The sandbox's web application: the API's addresses, the page for people, the levers for tests."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from importer.sandbox import lead_rules, task_rules
from importer.sandbox.account import Account
from importer.sandbox.api_error import ApiError, decoded
from importer.sandbox.fault_responses import INSTEAD, TOO_MANY, UNAUTHORIZED, answer_with
from importer.sandbox.faults import APPLIED, FaultInjector, FaultPlan, InjectedFault, SlidingWindowLimit
from importer.sandbox.http_helpers import as_json, is_local, paged, read_body, refused, says_json, success
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.lead_view import shown
from importer.sandbox.leads_page import show_page
from importer.sandbox.sandbox_options import SandboxOptions

BASE = "/superfone"
_LEAD = f"{BASE}/enterprise/api/lead"
_LATE_S = 1.0  # longer than the timeout of a client that practises
_LIST_PAGE = 50  # what is given, and the most that may be asked for: no more is documented
_Handler = Callable[[Request], Awaitable[Any]]
_Endpoint = Callable[[Request], Awaitable[Response]]
_plan_decoder = msgspec.json.Decoder(FaultPlan)


class Sandbox:
    """One stand-in CRM: account, leads, faults, and the ASGI application over them."""

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
        self.limit = SlidingWindowLimit(options.rate_limit)
        self.in_flight = 0
        self.clock = time.monotonic
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._pages = Starlette(routes=self._routes(), exception_handlers={HTTPException: _no_such_address})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The fast way for upserts, which a run sends by the thousand; starlette's routes for the rest."""
        if scope["type"] == "http" and scope["path"] == _LEAD and scope["method"] == "POST":
            await self._upsert(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    # --- upserts, with faults

    async def _upsert(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await read_body(receive)
        if raw is None:
            return
        raw = raw if says_json(scope) else b""
        phone, note = _phone_and_note(raw)
        self.in_flight += 1
        try:
            fault, answer, wait = self._judge(scope, raw, phone)
            applied = fault in APPLIED if fault else answer[0] == 200
            ledger = (self.clock(), "POST", _LEAD, phone, note, fault, answer[0], applied)
            self.store.note_request(ledger)
            if latency := self._latency():
                await asyncio.sleep(latency)
            if fault is InjectedFault.LATE:
                await asyncio.sleep(_LATE_S)
                self._do(raw)
            await answer_with(send, fault, answer, wait)
        finally:
            self.in_flight -= 1

    def _judge(
        self, scope: Scope, raw: bytes, phone: str | None
    ) -> tuple[InjectedFault | None, tuple[int, str], str]:
        """The fault to meet, the answer, and the words of Retry-After."""
        if not self._has_key(dict(scope["headers"])):
            return None, (401, UNAUTHORIZED), ""
        if (words := self._not_now()) is not None:
            return None, TOO_MANY, words
        fault = self.faults.next(phone, raw)
        if fault is InjectedFault.LATE:
            return fault, (200, "success"), ""
        if fault is None or fault in APPLIED:
            return fault, self._do(raw), ""
        return (
            fault,
            INSTEAD.get(fault, (0, "")),
            self._retry_after(1) if fault is InjectedFault.THROTTLED else "",
        )

    def _do(self, raw: bytes) -> tuple[int, str]:
        try:
            lead_rules.upsert(self.store, self.account, raw)
        except ApiError as refusal:
            return refusal.status, refusal.message
        return 200, "success"

    def _not_now(self) -> str | None:
        """The words of Retry-After for a request beyond the account's limits; None for one within them."""
        wait = self.limit.wait(self.clock())
        return self._retry_after(wait or 1) if wait or self._too_many() else None

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
                return formatdate(self.now().timestamp() + math.ceil(seconds), usegmt=True)
            case _:
                return words

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        return headers.get(b"x-api-key") == self.options.api_key.encode()

    # --- reading, tasks, the page, the levers

    def _routes(self) -> list[Route]:
        lists = [
            Route(f"{BASE}/enterprise/api/{name}", self._keyed(self._list)) for name in self.account.lists
        ]
        task = f"{_LEAD}/{{lead_id:int}}/task"
        return [
            Route(_LEAD, self._keyed(self._read)),
            *lists,
            Route(task, self._keyed(self._add_task), methods=["POST"]),
            Route(task, self._keyed(self._tasks)),
            Route(f"{task}/complete", self._keyed(self._complete), methods=["POST"]),
            Route("/", _local(self._page)),
            Route("/_sandbox/faults", _local(self._set_faults), methods=["POST"]),
            Route("/_sandbox/leads", _local(self._all_leads)),
            Route("/_sandbox/ledger", _local(self._ledger)),
        ]

    def _keyed(self, handler: _Handler) -> _Endpoint:
        """The handler behind the key and the account's limits, its answer in the API's envelope."""

        async def endpoint(request: Request) -> Response:
            self.in_flight += 1
            try:
                answer = await self._answered(handler, request)
                if latency := self._latency():
                    await asyncio.sleep(latency)
                return answer
            finally:
                self.in_flight -= 1

        return endpoint

    async def _answered(self, handler: _Handler, request: Request) -> Response:
        if not self._has_key(dict(request.headers.raw)):
            return refused(ApiError(401, UNAUTHORIZED))
        if (words := self._not_now()) is not None:
            return refused(ApiError(*TOO_MANY), retry_after=words)
        if self.faults.is_banned:
            return refused(ApiError(*INSTEAD[InjectedFault.FORBIDDEN]))
        try:
            return success(await handler(request))
        except ApiError as refusal:
            return refused(refusal)

    async def _read(self, request: Request) -> Any:
        phone = request.query_params.get("phone", "")
        if not phone:
            raise ApiError(400, "phone is required")
        lead = self.store.lead_with(phone)
        if lead is None:
            raise ApiError(404, "Customer not found")
        return shown(lead, self.store, self.account)

    async def _list(self, request: Request) -> Any:
        rows = self.account.lists[request.url.path.rsplit("/", 1)[1]]
        text = request.query_params.get("text", "").lower()
        found = [row for row in rows if text in row["title"].lower()]
        return paged(found, request, size=_LIST_PAGE)

    async def _add_task(self, request: Request) -> Any:
        raw = await read_body(request.receive) if says_json(request.scope) else None
        task_rules.add_task(self.store, request.path_params["lead_id"], raw or b"", self.now())

    async def _tasks(self, request: Request) -> Any:
        found = task_rules.tasks_of(self.store, request.path_params["lead_id"])
        return paged(found, request, size=task_rules.PAGE_SIZE)

    async def _complete(self, request: Request) -> Any:
        task_rules.complete_tasks(self.store, request.path_params["lead_id"])

    async def _page(self, request: Request) -> Response:
        return show_page(request, self.store, self.account)

    async def _set_faults(self, request: Request) -> Response:
        plan = decoded(await read_body(request.receive) or b"", _plan_decoder)
        self.faults.restart(plan)
        if plan.rate_limit is not None:
            self.limit.per_s = plan.rate_limit
        return as_json(200, {})

    async def _all_leads(self, _: Request) -> Response:
        return as_json(200, list(self.store.all_leads()))

    async def _ledger(self, _: Request) -> Response:
        return as_json(200, self.store.ledger())


def _local(handler: Callable[[Request], Awaitable[Response]]) -> _Endpoint:
    """The handler for this machine alone: what it shows and moves needs no key."""

    async def endpoint(request: Request) -> Response:
        if not is_local(request):
            return refused(ApiError(403, "loopback only"))
        try:
            return await handler(request)
        except ApiError as refusal:
            return refused(refusal)

    return endpoint


async def _no_such_address(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return as_json(error.status_code, {"message": error.detail})


def _phone_and_note(raw: bytes) -> tuple[str | None, str | None]:
    """What the ledger keeps of a body, where it can be read at all."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None
    if not isinstance(body, dict):
        return None, None
    phone, note = body.get("customer_phone"), body.get("customer_note")
    return phone if isinstance(phone, str) else None, note if isinstance(note, str) else None
