"""The only network code: send one lead, or read the account's lists, through an httpx transport.

Requests go to the transport itself, not through `httpx.AsyncClient`: that costs half, follows no redirect (the key
would go with it) and keeps no cookies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from importer.credentials import Credentials
from importer.errors import BlockedError
from importer.fields import Dropdown
from importer.messages import sending_messages
from importer.models.crm_lead import parse_lookup
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.mapping import AccountTitles, Title
from importer.models.row import Payload
from importer.sender import response_classifier
from importer.sender.circuit_breaker import build_hold_error
from importer.sender.get_retry import Sleep, build_get_retrying, is_retryable_get
from importer.sender.list_page import MAX_PAGE_BYTES, ListRow, parse_list_page
from importer.sender.response_classifier import build_stop_error
from importer.sender.retry import parse_retry_after
from importer.sender.task_page import parse_task_page
from importer.sender.transport import AiohttpTransport, find_proxy

_log = logging.getLogger(__name__)

_PROBE_PATH = f"/{Dropdown.SOURCE_TYPE.value}?page=1&page_size=1"
_PAGE_ROWS = 50  # the API's default: its maximum is not documented
_TASK_PAGE_ROWS = 20  # the API's maximum
_MAX_PAGES = 2_000
_MAX_BODY_BYTES = 256 * 1024  # the answer to an upsert has 40 bytes
_MAX_CONNECT_S = 10.0
_PROBE_CONNECTIONS = 2  # for the circuit breaker and the block detector

_encode = msgspec.json.Encoder().encode


class Client:
    """The API of one account. The key is in the prepared headers and nowhere else."""

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
        self._api_url = f"{credentials.base_url}/enterprise/api"
        self._lead_url = httpx.URL(f"{self._api_url}/lead")
        get_headers = [
            ("host", self._lead_url.netloc.decode()),
            ("x-api-key", credentials.key.reveal()),
            ("accept", "application/json"),
            # A compressed body could be a decompression bomb, and the API's answers are short.
            ("accept-encoding", "identity"),
            ("user-agent", "superfone-importer"),
        ]
        self._get_headers = httpx.Headers(get_headers)
        self._lead_headers = httpx.Headers(
            [*get_headers[:2], ("content-type", "application/json"), *get_headers[2:]]
        )
        timeouts = {
            "connect": min(timeout_s, _MAX_CONNECT_S),
            "read": timeout_s,
            "write": timeout_s,
            "pool": timeout_s,
        }
        self._extensions = {"timeout": timeouts}
        # The transport's timeouts begin anew with each byte: a server that sends slowly would never end.
        self._exchange_timeout_s = timeouts["connect"] + timeout_s

    async def upsert(self, payload: Payload) -> CrmResponse:
        """Send one lead and return what happened.

        Raises:
            KeyRefusedError, BlockedError: what must stop the run.
        """
        # A stream is sent as it is. For `content`, httpx would compute headers that the connection sets itself.
        body = httpx.ByteStream(_encode(payload))
        request = httpx.Request(
            "POST", self._lead_url, headers=self._lead_headers, stream=body, extensions=self._extensions
        )
        response, _ = await self._exchange(request)
        return response

    async def look_up(self, phone: str) -> CrmResponse:
        """Read the lead of a phone. The URL has the phone, so it is never logged.

        Raises:
            KeyRefusedError, BlockedError: what must stop the run.
        """
        # With `copy_set_param`, and headers that are not prepared, building the request takes twice as long.
        url = self._lead_url.copy_with(query=f"phone={quote(phone, safe='')}".encode())
        request = httpx.Request("GET", url, headers=self._get_headers, extensions=self._extensions)
        response, body = await self._exchange(request, MAX_PAGE_BYTES)
        at = datetime.now().astimezone().isoformat(timespec="milliseconds")
        lookup = parse_lookup(response.status, body, at=at, reason=response.message)
        return msgspec.structs.replace(response, lookup=lookup)

    async def read_tasks(self, lead_id: str, page: int) -> CrmResponse:
        """Read one page of a lead's tasks.

        Raises:
            KeyRefusedError, BlockedError: what must stop the run.
        """
        url = self._build_task_url(lead_id).copy_merge_params({"page": page, "page_size": _TASK_PAGE_ROWS})
        request = httpx.Request("GET", url, headers=self._get_headers, extensions=self._extensions)
        response, body = await self._exchange(request, MAX_PAGE_BYTES)
        return msgspec.structs.replace(response, tasks=parse_task_page(body))

    async def create_task(self, lead_id: str, task: Mapping[str, object]) -> CrmResponse:
        """Create a task of a lead and return what happened.

        Raises:
            KeyRefusedError, BlockedError: what must stop the run.
        """
        body = httpx.ByteStream(_encode(task))
        request = httpx.Request(
            "POST",
            self._build_task_url(lead_id),
            headers=self._lead_headers,
            stream=body,
            extensions=self._extensions,
        )
        response, _ = await self._exchange(request)
        return response

    def _build_task_url(self, lead_id: str) -> httpx.URL:
        """Return the address of a lead's tasks. The id comes from the CRM, so it is quoted like any other text."""
        return httpx.URL(f"{self._api_url}/lead/{quote(lead_id, safe='')}/task")

    async def fetch_titles(self, sleep: Sleep = asyncio.sleep) -> AccountTitles:
        """Return the titles of the account's five lists. `sleep` waits between tries.

        Raises:
            KeyRefusedError, BlockedError, ServerUnavailableError: a list cannot be read.
        """
        return {dropdown: await self._fetch_list(dropdown, sleep) for dropdown in Dropdown}

    async def probe_access(self, sleep: Sleep) -> bool:
        """Return whether the account still gives a list, False where the CRM itself refuses it.

        Raises:
            KeyRefusedError, BlockedError, ServerUnavailableError: the CRM did not answer the question.
        """
        response, body = await self._get(_PROBE_PATH, sleep)
        if response.outcome is DeliveryOutcome.REFUSED:
            return False
        parse_list_page(response, body)
        return True

    async def probe_once(self, sleep: Sleep) -> CrmResponse:
        """Ask for one title, and return what happened. Any answer of the CRM shows that it is there.

        The question is asked once. Only a web page is not believed at once: gateways send one now and then.

        Raises:
            KeyRefusedError, BlockedError: what must stop the run.
        """
        response, _ = await self._get_once(_PROBE_PATH)
        if response.is_web_page:
            response, _ = await self._get(_PROBE_PATH, sleep)
        if response.is_web_page or response.outcome is DeliveryOutcome.TURNED_AWAY:
            raise build_stop_error(response)
        return response

    async def _fetch_list(self, dropdown: Dropdown, sleep: Sleep) -> tuple[Title, ...]:
        """Read every page, also where the totals are wrong or the list changes while it is read.

        A row that a new one has pushed to the next page comes twice. By its id it is the same row.
        """
        rows: dict[Any, ListRow] = {}
        last_rows: list[ListRow] = []
        for page in range(1, _MAX_PAGES + 1):
            response, body = await self._get(f"/{dropdown.value}?page={page}&page_size={_PAGE_ROWS}", sleep)
            found = parse_list_page(response, body)
            rows |= {
                str(row.id) if row.id is not None else (page, n): row for n, row in enumerate(found.rows)
            }
            is_end = page >= found.total_pages and len(rows) >= found.total_items
            if is_end or not found.rows or found.rows == last_rows:
                break
            last_rows = found.rows
        else:
            raise BlockedError(*sending_messages.ENDLESS_LIST.format(name=dropdown.value, pages=_MAX_PAGES))
        return tuple(row.to_title() for row in rows.values() if row.title)

    async def _get(self, path: str, sleep: Sleep) -> tuple[CrmResponse, bytes]:
        """Send a GET, and repeat it while the server is unavailable: a GET changes nothing.

        Waits that the server asks for may take --max-wait in all. Without them, four tries are enough.
        """
        retrying = build_get_retrying(sleep, self._max_wait_s)
        found: tuple[CrmResponse, bytes] = await retrying(self._get_once, path)
        response, _ = found
        if is_retryable_get(response) and response.retry_after_s is not None:
            raise build_hold_error(response.retry_after_s, self._max_wait_s, sending_messages.TRY_AGAIN_LATER)
        return found

    async def _get_once(self, path: str) -> tuple[CrmResponse, bytes]:
        url = httpx.URL(f"{self._api_url}{path}")
        request = httpx.Request("GET", url, headers=self._get_headers, extensions=self._extensions)
        response, body = await self._exchange(request, MAX_PAGE_BYTES)
        _log.debug("GET %s: %s", path, response.status or response.outcome)
        return response, body

    async def _exchange(
        self, request: httpx.Request, max_bytes: int = _MAX_BODY_BYTES
    ) -> tuple[CrmResponse, bytes]:
        """Send a request and classify what happened. Raises what must stop the run."""
        try:
            async with asyncio.timeout(self._exchange_timeout_s):
                http_response = await self._transport.handle_async_request(request)
                try:
                    body = await _read_body(http_response, max_bytes)
                finally:
                    await http_response.aclose()
        except response_classifier.CAUGHT_ERRORS as error:
            return response_classifier.classify_error(error), b""
        status = http_response.status_code
        response = response_classifier.classify_response(
            status,
            body,
            is_complete=len(body) <= max_bytes,
            retry_after_s=parse_retry_after(http_response.headers) if status >= 400 else None,
        )
        if status == 401 or response_classifier.is_not_the_api(status):
            raise build_stop_error(response)
        return response, body


@asynccontextmanager
async def open_client(
    credentials: Credentials,
    *,
    timeout_s: float,
    max_wait_s: float,
    connections: int,
    check: Callable[[], None] | None = None,
) -> AsyncIterator[Client]:
    """Open a client over aiohttp's connections (4,400 to 11,000 requests a second, httpx's own reach 330).

    `check` is called before each request leaves, and raises an ImporterError if it must not.
    """
    proxy = find_proxy(credentials.base_url)
    # Where requests hang on all connections, a probe must not wait for one of them.
    async with AiohttpTransport(connections=connections + _PROBE_CONNECTIONS, proxy=proxy) as transport:
        checked = transport if check is None else _CheckedTransport(transport, check)
        yield Client(checked, credentials, timeout_s=timeout_s, max_wait_s=max_wait_s)


class _CheckedTransport(httpx.AsyncBaseTransport):
    """Asks before each request whether it may leave."""

    def __init__(self, transport: httpx.AsyncBaseTransport, check: Callable[[], None]) -> None:
        self._transport = transport
        self._check = check

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. Raises what the check raises."""
        self._check()
        return await self._transport.handle_async_request(request)


async def _read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """Read the body, not decompressed. Of a larger one, return `max_bytes` + 1 bytes."""
    parts: list[bytes] = []
    size = 0
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    async for part in stream:
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            break
    return b"".join(parts)[: max_bytes + 1]
