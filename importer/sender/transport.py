"""An httpx transport over aiohttp's connections: httpx's own transport takes most of a request's time.

httpx-aiohttp does the same and more (streamed uploads, files, HTTP/1 or 2). But it translates aiohttp's errors into
httpx's, some of them wrongly for `response_classifier.py`, and before every request it reads the proxy settings and
.netrc, each in a thread. Here aiohttp's errors are raised as they are, and the proxy is looked up once. A .netrc is
not read: the API key is the only credential of a request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache, partial
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from yarl import URL

from importer.credentials import is_loopback

_MAX_INTERIM_ANSWERS = 100  # before one answer
_KEEP_ALIVE_S = 10  # shorter than servers keep idle connections: a request on a dead one may have arrived


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Send whole bodies and stream responses as they come. No decompression, no redirects, no cookies."""

    def __init__(self, *, connections: int, proxy: str | None) -> None:
        self._proxy = proxy
        self._session = aiohttp.ClientSession(
            connector=_BoundedConnector(limit=connections, keepalive_timeout=_KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response. Raises aiohttp's errors."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([part async for part in request.stream])
        timeout = request.extensions["timeout"]
        response = await self._session.request(
            request.method,
            _parse_url(str(request.url)),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=body or None,
            allow_redirects=False,
            timeout=_build_timeout(timeout["connect"], timeout["read"], timeout["pool"]),
            proxy=self._proxy,
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_BodyStream(response))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


def find_proxy(url: str) -> str | None:
    """Return the proxy that the environment (on Windows and macOS also the system settings) names for a URL.

    Return None for this computer: plain http is allowed there because the key does not leave it. As in curl,
    `10.0.0.1:8080` means http://10.0.0.1:8080.
    """
    parts = urlsplit(url)
    if parts.hostname is None or is_loopback(parts.hostname) or proxy_bypass(parts.hostname):
        return None
    proxy = getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


class _BoundedHandler(ResponseHandler):
    """A connection that gives up on a server that says `100 Continue` without end, instead of queueing all of it.

    Fifty connections held 230 MB of them before --timeout, and kept the event loop busy (FINDINGS, Attack).
    """

    _interim_answers = 0

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        is_interim = 100 <= data[0].code < 200
        self._interim_answers = self._interim_answers + 1 if is_interim else 0
        if self._interim_answers <= _MAX_INTERIM_ANSWERS:
            super().feed_data(data, size)
        elif self.transport is not None and not self.transport.is_closing():
            self.transport.abort()
            self.set_exception(aiohttp.ClientPayloadError("interim answers without end"))


class _BoundedConnector(aiohttp.TCPConnector):
    """A connector whose connections are bounded: aiohttp has no public place for that."""

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)
        handler: type[ResponseHandler] = _BoundedHandler
        self._factory = partial(handler, loop=self._loop)


class _BodyStream(httpx.AsyncByteStream):
    """The body of a response, in parts as they arrive."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.content.iter_any():
            yield part

    async def aclose(self) -> None:
        self._response.release()  # closes a connection whose body was not read to its end


@lru_cache
def _parse_url(text: str) -> URL:
    return URL(text, encoded=True)


@lru_cache
def _build_timeout(connect_s: float, read_s: float, pool_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=pool_s, sock_connect=connect_s, sock_read=read_s)
