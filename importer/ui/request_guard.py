"""Checks every request before any route sees it, and adds the headers that protect the answer.

A page of another site must not reach this one: neither by DNS rebinding (the Host is checked first), nor by forms and
scripts of its own (cookie, Origin, Sec-Fetch-Site, and the token of the form in importer.ui.visit).
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from importer.ui.sessions import Sessions

SESSION_KEY = "importer.session"
"""Where a request's scope has its session."""
LAUNCH_PATH = "/launch/"
_READING, _WRITING = frozenset({"GET", "HEAD"}), frozenset({"POST", "PUT"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: with it, browsers send `Origin: null` with every form. No other site gets a referrer either way.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

# The cookie is SameSite=Strict: a redirect from a link in another program would not carry it, a refresh by this page does.
_LAUNCH_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>importer</title>
<meta http-equiv="refresh" content="0;url={url}"><p><a href="{url}">importer</a></p></html>"""


class RequestGuard:
    """The ASGI application around all routes. `on_request` is called for each request of a session."""

    def __init__(
        self, app: ASGIApp, sessions: Sessions, *, port: int, on_request: Callable[[], None], denied: str
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._on_request = on_request
        self._denied = denied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is refused here, and pass on every other one without the secret prefix."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        guarded = _add_headers(send)
        refusal = self._refuse(scope, headers) or self._launch(scope)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        self._on_request()
        path = scope["path"].removeprefix(self._sessions.prefix)
        session = self._sessions.find_session(headers.get("cookie", ""))
        inner = {**scope, "path": path, "raw_path": path.encode(), SESSION_KEY: session}
        await self._app(inner, receive, guarded)

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the refusal of a request that does not come from our own page, or None."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _build_refusal(HTTPStatus.BAD_REQUEST)
        if scope["method"] not in _READING | _WRITING:
            return _build_refusal(HTTPStatus.METHOD_NOT_ALLOWED)
        if scope["path"].startswith(LAUNCH_PATH):
            return None
        is_ours = scope["path"].startswith(f"{self._sessions.prefix}/")
        if not is_ours or self._sessions.find_session(headers.get("cookie", "")) is None:
            return PlainTextResponse(self._denied, HTTPStatus.FORBIDDEN)
        if scope["method"] in _WRITING and not _is_from_own_page(headers, hosts[0]):
            return _build_refusal(HTTPStatus.FORBIDDEN)
        return None

    def _launch(self, scope: Scope) -> Response | None:
        """Return the page that opens a session, for a request with a launch code."""
        if not scope["path"].startswith(LAUNCH_PATH):
            return None
        # A HEAD of a link checker must not use up the code.
        code = scope["path"].removeprefix(LAUNCH_PATH) if scope["method"] == "GET" else ""
        opened = self._sessions.open_session(code)
        if opened is None:
            return PlainTextResponse(self._denied, HTTPStatus.FORBIDDEN)
        page = _LAUNCH_PAGE.format(url=opened.address)
        return HTMLResponse(page, headers={"set-cookie": opened.cookie})


def _is_from_own_page(headers: Headers, host: str) -> bool:
    """Return whether a write was sent by a page of this address. Browsers set both headers, and no script can."""
    is_own_origin = headers.getlist("origin") == [f"http://{host}"]
    return is_own_origin and headers.getlist("sec-fetch-site") == ["same-origin"]


def _build_refusal(status: HTTPStatus) -> Response:
    return PlainTextResponse(status.phrase, status)


def _add_headers(send: Send) -> Send:
    """Return `send` with the protecting headers, except where an answer has one of them itself."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
