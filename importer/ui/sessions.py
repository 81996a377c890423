"""Who may use the page: launch codes that work once, and the sessions that they open."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import cookie_parser

LAUNCH_CODE_S = 60.0
"""How long a launch code works: a browser opens within seconds."""
COOKIE_NAME = "importer-ui"
_SECRET_BYTES = 32
_PREFIX_BYTES = 16


class Session:
    """One browser. `token` goes into its forms; `secret` signs what they carry. `language` is "" until it is chosen."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(_SECRET_BYTES)
        self.language = ""
        self._secret = secrets.token_bytes(_SECRET_BYTES)

    def has_token(self, given: str) -> bool:
        """Return whether this is the token of the session's forms."""
        return hmac.compare_digest(self.token.encode(), given.encode())

    def make_nonce(self, *parts: str) -> str:
        """Return a text that only this session can make, for exactly these parts."""
        return hmac.new(self._secret, "\0".join(parts).encode(), "sha256").hexdigest()

    def has_nonce(self, given: str, *parts: str) -> bool:
        """Return whether the nonce was made for these parts."""
        return hmac.compare_digest(self.make_nonce(*parts).encode(), given.encode())


class _Launch(NamedTuple):
    """Until when a launch code works, and the page that it opens."""

    expires_at: float
    path: str


class OpenedSession(NamedTuple):
    """The cookie of a new session, as a header, and the address of its first page."""

    cookie: str
    address: str


class Sessions:
    """The open sessions, and the launch codes that were not used yet. All pages are below the random `prefix`.

    Cookies are sent to every port of a machine. The path keeps this one from other programs that listen on it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.prefix = f"/{secrets.token_urlsafe(_PREFIX_BYTES)}"
        self._clock = clock
        self._codes: dict[str, _Launch] = {}
        self._sessions: dict[str, Session] = {}

    def make_launch_code(self, path: str = "/") -> str:
        """Return a code that opens one session within a minute, at this page."""
        code = secrets.token_urlsafe(_SECRET_BYTES)
        self._codes[code] = _Launch(self._clock() + LAUNCH_CODE_S, path)
        return code

    def open_session(self, code: str) -> OpenedSession | None:
        """Use up a launch code and open a session. Return None if the code does not work."""
        launch = self._codes.pop(code, None)
        if launch is None or self._clock() > launch.expires_at:
            return None
        key = secrets.token_urlsafe(_SECRET_BYTES)
        self._sessions[key] = Session()
        cookie = f"{COOKIE_NAME}={key}; Path={self.prefix}/; HttpOnly; SameSite=Strict"
        return OpenedSession(cookie, f"{self.prefix}{launch.path}")

    def find_session(self, cookie_header: str) -> Session | None:
        """Return the session of a request by its Cookie header."""
        # Not SimpleCookie: one cookie of another program that no standard allows, and it finds none at all.
        return self._sessions.get(cookie_parser(cookie_header).get(COOKIE_NAME, ""))
