"""httpx on aiohttp's connections: what of httpx's own transport would cost most of a request's time.

httpx-aiohttp does the same and more (streams that go up, files, HTTP/1 or 2), translates aiohttp's errors into
httpx's, some of them wrongly for our question, and asks the environment for a proxy and a .netrc, each in a thread,
before every request. Here the errors of aiohttp come through as they are (`outcome` knows them), and the proxy is
looked up once. A .netrc is not read: the key of the account is all that a request needs to say who we are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from importer.credentials import is_loopback


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends whole bodies, streams answers as they come (not unpacked), follows nothing, keeps no cookies."""

    def __init__(self, *, connections: int, proxy: str | None) -> None:
        self._proxy = proxy
        self._session = aiohttp.ClientSession(
            # Idle connections are dropped before a server would: a request on a dead one is in doubt.
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange. Raises what aiohttp raises."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([part async for part in request.stream])
        timeout = request.extensions["timeout"]
        answer = await self._session.request(
            request.method,
            _url(str(request.url)),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=body or None,
            allow_redirects=False,
            timeout=_timeouts(timeout["connect"], timeout["read"], timeout["pool"]),
            proxy=self._proxy,
        )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


def proxy_for(url: str) -> str | None:
    """The proxy that the environment (or the system's settings, on Windows and macOS) names for an address.

    None for this machine: plain http is allowed to it because the key does not leave it. `10.0.0.1:8080` is
    http://10.0.0.1:8080, as it is for curl.
    """
    parts = urlsplit(url)
    if parts.hostname is None or is_loopback(parts.hostname) or proxy_bypass(parts.hostname):
        return None
    named = getproxies().get(parts.scheme)
    return f"http://{named}" if named and "://" not in named else named


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.content.iter_any():
            yield part

    async def aclose(self) -> None:
        self._answer.release()  # one that was not read to its end is closed, not used again


@lru_cache
def _url(text: str) -> URL:
    return URL(text, encoded=True)


@lru_cache
def _timeouts(connect: float, read: float, pool: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=pool, sock_connect=connect, sock_read=read)
