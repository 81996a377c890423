"""The only network: one lead out, the account's lists in, over the API of httpx.

Requests go to the transport itself, not through `httpx.AsyncClient`: it costs half, follows no redirect (the
key would travel with it) and keeps no cookies.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_random_exponential

from importer.credentials import Credentials
from importer.errors import BlockedError, ImporterError, KeyRefusedError, ServerUnavailableError
from importer.fields import Dropdown
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.mapping import AccountTitles, Title
from importer.models.row import Payload
from importer.sender import response_classifier
from importer.sender.circuit_breaker import push_s, too_long
from importer.sender.retry import is_throttled, last_result
from importer.sender.transport import AiohttpTransport, proxy_for

_PAGE_SIZE = 50  # the maximum is not documented, so we ask for the default
_MOST_PAGES = 2_000
_MOST_GETS = 4
_MOST_BYTES = 256 * 1024  # an upsert's answer has 40 bytes
_MOST_PAGE_BYTES = 8 * 1024 * 1024  # of a list: fifty products may have long descriptions
_MOST_RETRY_AFTER_S = 7 * 24 * 3600.0
_SECONDS = re.compile(r"[0-9]{1,400}(\.[0-9]*)?")


class _ListRow(msgspec.Struct):
    """A row without a title can be named by nobody and is left out. A status of null is as none given: ACTIVE.

    Where that is wrong, the CRM refuses the rows that name it; one odd entry of a list must not block every import.
    """

    title: str | None = None
    status: str | None = None
    id: Any = None  # source types have none


class _ListData(msgspec.Struct):
    rows: list[_ListRow]
    total_pages: int
    total_items: int = 0


class _ListPage(msgspec.Struct):
    data: _ListData


_decode_page = msgspec.json.Decoder(_ListPage).decode
_encode = msgspec.json.Encoder().encode


class Client:
    """Talks to one account. The key is in the prepared headers and nowhere else."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        credentials: Credentials,
        *,
        timeout_s: float,
        max_wait_s: float,
    ) -> None:
        self._transport = transport
        self._max_wait_s = max_wait_s
        self._lead = httpx.URL(f"{credentials.base_url}/enterprise/api/lead")
        self._base = f"{credentials.base_url}/enterprise/api"
        self._headers: list[tuple[str, str]] = [
            ("host", self._lead.netloc.decode()),
            ("x-api-key", credentials.key.reveal()),
            ("content-type", "application/json"),
            ("accept", "application/json"),
            # A body that was packed could be a bomb; ours never needs to be.
            ("accept-encoding", "identity"),
            ("user-agent", "superfone-importer"),
        ]
        self._of_lead = httpx.Headers(self._headers)
        timeouts = {"connect": min(timeout_s, 10.0), "read": timeout_s, "write": timeout_s, "pool": timeout_s}
        self._extensions = {"timeout": timeouts}
        # The transport's own timeouts begin anew with each byte: a server that trickles would never end.
        self._whole_s = timeouts["connect"] + timeout_s

    async def upsert(self, payload: Payload) -> CrmResponse:
        """Send one lead. Raises KeyRefusedError and BlockedError; everything else is a Reply."""
        # A stream is taken as it is; of `content` httpx would work out headers that the connection sets itself.
        body = httpx.ByteStream(_encode(payload))
        request = httpx.Request(
            "POST", self._lead, headers=self._of_lead, stream=body, extensions=self._extensions
        )
        reply, _ = await self._exchange(request)
        return reply

    async def fetch_titles(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AccountTitles:
        """The account's five lists, every page; `sleep` waits between tries. Raises KeyRefusedError, BlockedError, ServerUnavailableError."""
        return {dropdown: await self._list(dropdown, sleep) for dropdown in Dropdown}

    async def probe_access(self, sleep: Callable[[float], Awaitable[None]]) -> bool:
        """Whether the account still gives a list; `sleep` waits between the tries. Raises KeyRefusedError, BlockedError, ServerUnavailableError."""
        reply, body = await self._get(f"/{Dropdown.SOURCE_TYPE.value}?page=1&page_size=1", sleep)
        if reply.outcome is DeliveryOutcome.REFUSED:
            return False
        _page_of(reply, body)
        return True

    async def _list(self, dropdown: Dropdown, sleep: Callable[[float], Awaitable[None]]) -> tuple[Title, ...]:
        """Every page, also where the totals are wrong or the list moves while it is read.

        A row that comes again on the next page, pushed there by a new one, is the same row by its id.
        """
        rows: dict[Any, _ListRow] = {}
        last: list[_ListRow] = []
        for page in range(1, _MOST_PAGES + 1):
            reply, body = await self._get(f"/{dropdown.value}?page={page}&page_size={_PAGE_SIZE}", sleep)
            found = _page_of(reply, body)
            rows |= {
                str(row.id) if row.id is not None else (page, n): row for n, row in enumerate(found.rows)
            }
            is_end = page >= found.total_pages and len(rows) >= found.total_items
            if is_end or not found.rows or found.rows == last:
                break
            last = found.rows
        else:
            raise BlockedError(
                f"The CRM's list {dropdown.value} has no end: {_MOST_PAGES:,} pages of it came.",
                "A part of it would not do. Check SUPERFONE_BASE_URL, or ask Superfone.",
            )
        return tuple(Title(row.title, row.status in (None, "ACTIVE")) for row in rows.values() if row.title)

    async def _get(self, path: str, sleep: Callable[[float], Awaitable[None]]) -> tuple[CrmResponse, bytes]:
        """One GET, tried again while the server is not there. GETs change nothing, so they may be repeated.

        What the server asks to wait is waited out, all of it together for as long as --max-wait; else four are enough.
        """
        jitter = wait_random_exponential(multiplier=0.3, max=5)
        headers = [pair for pair in self._headers if pair[0] != "content-type"]
        url = httpx.URL(f"{self._base}{path}")

        async def once() -> tuple[CrmResponse, bytes]:
            return await self._exchange(
                httpx.Request("GET", url, headers=headers, extensions=self._extensions), _MOST_PAGE_BYTES
            )

        def wait_s(state: RetryCallState) -> float:
            return max(_asked_s(state) or 0.0, jitter(state))

        def is_enough(state: RetryCallState) -> bool:
            asked_s = _asked_s(state)
            if asked_s is None:
                return state.attempt_number >= _MOST_GETS
            return state.idle_for + asked_s > self._max_wait_s

        retrying = AsyncRetrying(
            sleep=sleep,
            retry=retry_if_result(lambda found: _is_not_now(found[0])),
            wait=wait_s,
            stop=is_enough,
            retry_error_callback=last_result,
        )
        found: tuple[CrmResponse, bytes] = await retrying(once)
        reply, _ = found
        if _is_not_now(reply) and reply.retry_after_s is not None:
            raise too_long("asks to wait until", reply.retry_after_s, self._max_wait_s, "Try again then.")
        return found

    async def _exchange(
        self, request: httpx.Request, most_bytes: int = _MOST_BYTES
    ) -> tuple[CrmResponse, bytes]:
        try:
            async with asyncio.timeout(self._whole_s):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _limited_body(response, most_bytes)
                finally:
                    await response.aclose()
        except response_classifier.CAUGHT as error:
            return response_classifier.classify_error(error), b""
        reply = response_classifier.classify_response(
            response.status_code,
            body,
            whole=len(body) <= most_bytes,
            retry_after_s=_retry_after(response.headers) if response.status_code >= 400 else None,
        )
        if reply.status == 401 or response_classifier.is_not_the_api(reply, body):
            raise to_stop_error(reply)
        return reply, body


@asynccontextmanager
async def open_client(
    credentials: Credentials, *, timeout_s: float, max_wait_s: float, connections: int
) -> AsyncIterator[Client]:
    """A client over aiohttp's connections (4,400 to 11,000 requests a second against httpx's own 330)."""
    async with AiohttpTransport(connections=connections, proxy=proxy_for(credentials.base_url)) as transport:
        yield Client(transport, credentials, timeout_s=timeout_s, max_wait_s=max_wait_s)


def _asked_s(state: RetryCallState) -> float | None:
    """The seconds to wait that the server asks for, as the gate has it: "not now" without a time is 1 s, 2 s, 4 s ..."""
    reply: CrmResponse = last_result(state)[0]
    if reply.retry_after_s is None and is_throttled(reply):
        return push_s(state.attempt_number)
    return reply.retry_after_s


def _is_not_now(reply: CrmResponse) -> bool:
    """Whether a question may be answered later."""
    return reply.status is None or reply.status in (408, 425, 429) or reply.status >= 500


async def _limited_body(response: httpx.Response, most_bytes: int) -> bytes:
    """The body as it came, not unpacked; of one that is too large a byte too many."""
    parts: list[bytes] = []
    size = 0
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    async for part in stream:
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            break
    return b"".join(parts)[: most_bytes + 1]


def _page_of(reply: CrmResponse, body: bytes) -> _ListData:
    if reply.status == 200 and len(body) > _MOST_PAGE_BYTES:
        raise BlockedError(
            f"A page of the CRM's lists is larger than {_MOST_PAGE_BYTES // 1024**2} MB.",
            "Check SUPERFONE_BASE_URL, or ask Superfone.",
        )
    if reply.status == 200:
        try:
            return _decode_page(body).data
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or of another shape
            raise BlockedError(
                "The server answered something that is not the Superfone API.", "Check SUPERFONE_BASE_URL."
            ) from None
    if reply.outcome is DeliveryOutcome.TURNED_AWAY:
        raise to_stop_error(reply)
    if reply.status is None:
        raise ServerUnavailableError(
            f"The CRM cannot be reached: {reply.message}.", "Check the network and SUPERFONE_BASE_URL."
        )
    raise ServerUnavailableError(
        f"The CRM answered {reply.status} when asked for its lists: {reply.message}.",
        "Check SUPERFONE_BASE_URL, or try later.",
    )


def to_stop_error(reply: CrmResponse) -> ImporterError:
    """What stops the run where the key is refused, or somebody else than the API answers."""
    if reply.status == 401:
        return KeyRefusedError("The CRM refused the API key.", "Set SUPERFONE_API_KEY to a valid one.")
    if reply.status is not None and 300 <= reply.status < 400:
        what = f"a redirect ({reply.status})"
    elif reply.status in (403, 407):
        what = f"{reply.status} (access denied)"
    else:
        what = f"{reply.message} ({reply.status})"
    error = BlockedError(
        f"Where the CRM should answer, {what} came.",
        "Check the network (a hotel or office login page?), the address in SUPERFONE_BASE_URL, and the account.",
    )
    error.may_have_arrived = reply.outcome is DeliveryOutcome.MAY_HAVE_ARRIVED
    return error


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of a Retry-After, given in seconds or as a date by the server's own clock; None for junk."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else _seconds_until(text, headers.get("date"))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER_S)


def _seconds_until(date: str, server_now: str | None) -> float:
    return _moment(date) - (_moment(server_now) if server_now else time.time())


def _moment(date: str) -> float:
    """Seconds since 1970. HTTP's dates are UTC, also in the old form that names no zone (RFC 9110, 5.6.7)."""
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
