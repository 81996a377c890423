"""Was it applied? From what happened to an attempt to what it did to the CRM (law 3), in one table.

Our transport (`transport.py`) lets aiohttp's own errors through. httpx, whose API it speaks, would call some of
them otherwise than our question needs: a connection lost after the request had left is none that did not come about.
"""

from __future__ import annotations

import aiohttp
import msgspec
from aiohttp import client_exceptions

from importer.models.delivery import CrmResponse, DeliveryOutcome

NOT_SENT = DeliveryOutcome.NOT_APPLIED
IN_DOUBT = DeliveryOutcome.MAY_HAVE_ARRIVED

ERRORS: dict[type[BaseException], DeliveryOutcome] = {
    aiohttp.ClientConnectorError: NOT_SENT,  # refused, no route, TLS handshake
    aiohttp.ClientConnectorDNSError: NOT_SENT,
    client_exceptions.ClientConnectorCertificateError: NOT_SENT,
    client_exceptions.ClientConnectorSSLError: NOT_SENT,
    client_exceptions.UnixClientConnectorError: NOT_SENT,
    aiohttp.ClientSSLError: NOT_SENT,
    aiohttp.ClientProxyConnectionError: NOT_SENT,
    aiohttp.ClientHttpProxyError: NOT_SENT,  # the proxy refused to connect
    aiohttp.ConnectionTimeoutError: NOT_SENT,  # no connection, or no free one, in time
    aiohttp.ServerFingerprintMismatch: NOT_SENT,
    aiohttp.InvalidURL: NOT_SENT,
    aiohttp.InvalidUrlClientError: NOT_SENT,
    aiohttp.NonHttpUrlClientError: NOT_SENT,
    client_exceptions.RedirectClientError: NOT_SENT,
    aiohttp.InvalidUrlRedirectClientError: NOT_SENT,
    aiohttp.NonHttpUrlRedirectClientError: NOT_SENT,
    aiohttp.ServerDisconnectedError: IN_DOUBT,
    aiohttp.ClientConnectionResetError: IN_DOUBT,
    aiohttp.ServerConnectionError: IN_DOUBT,
    aiohttp.ServerTimeoutError: IN_DOUBT,
    aiohttp.SocketTimeoutError: IN_DOUBT,
    aiohttp.ClientOSError: IN_DOUBT,
    aiohttp.ClientPayloadError: IN_DOUBT,
    aiohttp.ClientConnectionError: IN_DOUBT,
    aiohttp.ClientResponseError: IN_DOUBT,  # an answer that is not HTTP
    aiohttp.ContentTypeError: IN_DOUBT,
    aiohttp.WSServerHandshakeError: IN_DOUBT,
    client_exceptions.UploadAbortedError: IN_DOUBT,
    aiohttp.TooManyRedirects: IN_DOUBT,
    aiohttp.ClientError: IN_DOUBT,
    # the operating system, let through by the layers above
    TimeoutError: IN_DOUBT,
    OSError: IN_DOUBT,
}

CAUGHT = (aiohttp.ClientError, aiohttp.InvalidURL, OSError, TimeoutError)
"""What an attempt may raise; anything else is a fault of ours and must be seen."""

_NOT_ABOUT_THE_ROW = frozenset({401, 407})
_DENIED = 403  # no answer of the API, whatever its body looks like
_TRY_AGAIN = {425: NOT_SENT, 429: NOT_SENT, 408: IN_DOUBT}
_TOO_LARGE = {
    413: "the request is too large",
    414: "the address is too long",
    431: "the headers are too large",
}
"""About this one row, whoever says so: in words of ours, because a gateway puts a page of HTML there."""
_MOST_MESSAGE = 300


class _Body(msgspec.Struct):
    """The shape of every answer of the API; what `data` holds does not matter here."""

    message: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Body).decode


def classify_error(error: BaseException) -> CrmResponse:
    """What an attempt that raised did to the CRM. The words are the error's kind: its text may hold a phone."""
    kinds = type(error).__mro__
    applied = next((ERRORS[kind] for kind in kinds if kind in ERRORS), IN_DOUBT)
    cause = next((_CAUSES[kind] for kind in kinds if kind in _CAUSES), _WORDS[applied])
    return CrmResponse(outcome=applied, status=None, message=cause)


def classify_response(
    status: int, body: bytes, *, whole: bool = True, retry_after_s: float | None = None
) -> CrmResponse:
    """What an answered attempt did to the CRM. `whole` is False for a body too large to be the API's."""
    parsed = _parse(body) if whole else None
    return CrmResponse(
        outcome=_applied(status, parsed),
        status=status,
        message=_message(status, parsed, body),
        retry_after_s=retry_after_s,
    )


def is_not_the_api(reply: CrmResponse, body: bytes) -> bool:
    """Whether somebody else than the API answers, whatever is asked: a redirect, a portal, a proxy (law 6).

    Gateways put pages of HTML into their "not now" (408, 425, 429, 5xx) and into what they say of one row (4xx):
    those are the answers that they are.
    """
    if reply.status is None:
        return False
    return 300 <= reply.status < 400 or reply.status == 407 or (reply.status < 300 and _is_html(body))


def _applied(status: int, parsed: _Body | None) -> DeliveryOutcome:
    if status in _TRY_AGAIN:
        return _TRY_AGAIN[status]
    if 200 <= status < 300:
        sound = parsed is not None and parsed.message == "success" and parsed.data is not msgspec.UNSET
        return DeliveryOutcome.APPLIED if sound else IN_DOUBT
    if 300 <= status < 400 or status in _NOT_ABOUT_THE_ROW:
        return NOT_SENT
    if not 400 <= status < 500:
        return IN_DOUBT
    is_apis_own = parsed is not None and status != _DENIED
    return DeliveryOutcome.REFUSED if is_apis_own or status in _TOO_LARGE else DeliveryOutcome.TURNED_AWAY


def _parse(body: bytes) -> _Body | None:
    try:
        return _decode(body)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or of another shape
        return None


def _message(status: int, parsed: _Body | None, body: bytes) -> str:
    if status in _TOO_LARGE:
        return f"{status}: {_TOO_LARGE[status]}"
    text = (
        parsed.message
        if parsed is not None
        else ("a page of HTML" if _is_html(body) else "an answer that is not the API's")
    )
    text = text[:_MOST_MESSAGE]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _is_html(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


_WORDS = {
    NOT_SENT: "the server could not be reached",
    IN_DOUBT: "the connection was lost before the answer came",
}
_CAUSES: dict[type[BaseException], str] = {
    client_exceptions.ClientConnectorCertificateError: "this machine does not trust its certificate (is the clock right? "
    "does the network look into what is sent?)",
    aiohttp.ClientSSLError: "what answers there does not speak https",
    aiohttp.ClientConnectorDNSError: "nobody here knows an address of that name",
    aiohttp.ClientProxyConnectionError: "the proxy that this machine is told to use does not answer",
    aiohttp.ClientHttpProxyError: "the proxy that this machine is told to use does not let it through",
    aiohttp.InvalidURL: "the proxy that this machine is told to use has no sound address",
}
"""What a person can do something about. The CRM's own address was looked over before: it is the proxy's that is not sound."""
