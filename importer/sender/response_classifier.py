"""Classify an attempt: did the CRM apply it, refuse it, or may it have arrived?

The rules are in docs/guarantees.md ("What may have arrived"). Our transport (`transport.py`) raises aiohttp's own
errors. httpx would translate some of them wrongly for this question: for example, it reports a connection that
was lost after the request had left as one that was never made.
"""

from __future__ import annotations

import aiohttp
import msgspec
from aiohttp import client_exceptions

from importer.errors import BlockedError, ImporterError, KeyRefusedError
from importer.messages import sending_messages
from importer.models.delivery import CrmResponse, DeliveryOutcome

NOT_APPLIED = DeliveryOutcome.NOT_APPLIED
MAY_HAVE_ARRIVED = DeliveryOutcome.MAY_HAVE_ARRIVED

OUTCOME_BY_ERROR: dict[type[BaseException], DeliveryOutcome] = {
    aiohttp.ClientConnectorError: NOT_APPLIED,  # refused, no route, TLS handshake
    aiohttp.ClientConnectorDNSError: NOT_APPLIED,
    client_exceptions.ClientConnectorCertificateError: NOT_APPLIED,
    client_exceptions.ClientConnectorSSLError: NOT_APPLIED,
    client_exceptions.UnixClientConnectorError: NOT_APPLIED,
    aiohttp.ClientSSLError: NOT_APPLIED,
    aiohttp.ClientProxyConnectionError: NOT_APPLIED,
    aiohttp.ClientHttpProxyError: NOT_APPLIED,  # the proxy refused to connect
    aiohttp.ConnectionTimeoutError: NOT_APPLIED,  # no connection, or no free one, in time
    aiohttp.ServerFingerprintMismatch: NOT_APPLIED,
    aiohttp.InvalidURL: NOT_APPLIED,
    aiohttp.InvalidUrlClientError: NOT_APPLIED,
    aiohttp.NonHttpUrlClientError: NOT_APPLIED,
    client_exceptions.RedirectClientError: NOT_APPLIED,
    aiohttp.InvalidUrlRedirectClientError: NOT_APPLIED,
    aiohttp.NonHttpUrlRedirectClientError: NOT_APPLIED,
    aiohttp.ServerDisconnectedError: MAY_HAVE_ARRIVED,
    aiohttp.ClientConnectionResetError: MAY_HAVE_ARRIVED,
    aiohttp.ServerConnectionError: MAY_HAVE_ARRIVED,
    aiohttp.ServerTimeoutError: MAY_HAVE_ARRIVED,
    aiohttp.SocketTimeoutError: MAY_HAVE_ARRIVED,
    aiohttp.ClientOSError: MAY_HAVE_ARRIVED,
    aiohttp.ClientPayloadError: MAY_HAVE_ARRIVED,
    aiohttp.ClientConnectionError: MAY_HAVE_ARRIVED,
    aiohttp.ClientResponseError: MAY_HAVE_ARRIVED,  # an answer that is not HTTP
    aiohttp.ContentTypeError: MAY_HAVE_ARRIVED,
    aiohttp.WSServerHandshakeError: MAY_HAVE_ARRIVED,
    client_exceptions.UploadAbortedError: MAY_HAVE_ARRIVED,
    aiohttp.TooManyRedirects: MAY_HAVE_ARRIVED,
    aiohttp.ClientError: MAY_HAVE_ARRIVED,
    # errors of the operating system, which aiohttp does not wrap
    TimeoutError: MAY_HAVE_ARRIVED,
    OSError: MAY_HAVE_ARRIVED,
}

CAUGHT_ERRORS = (aiohttp.ClientError, aiohttp.InvalidURL, OSError, TimeoutError)
"""What an attempt may raise. Any other exception is a bug in importer and must not be hidden."""

_NOT_ABOUT_THE_ROW = frozenset({401, 407})
_ACCESS_DENIED = 403  # never an answer of the API, whatever its body looks like
_TRY_AGAIN = {425: NOT_APPLIED, 429: NOT_APPLIED, 408: MAY_HAVE_ARRIVED}
_MAX_MESSAGE_CHARS = 300

_DEFAULT_MESSAGES = {
    NOT_APPLIED: sending_messages.NO_SERVER,
    MAY_HAVE_ARRIVED: sending_messages.CONNECTION_LOST,
}
_MESSAGE_BY_ERROR: dict[type[BaseException], str] = {
    # Causes that a person can do something about.
    client_exceptions.ClientConnectorCertificateError: sending_messages.UNTRUSTED_CERTIFICATE,
    aiohttp.ClientSSLError: sending_messages.NO_HTTPS,
    aiohttp.ClientConnectorDNSError: sending_messages.UNKNOWN_HOST,
    aiohttp.ClientProxyConnectionError: sending_messages.PROXY_SILENT,
    aiohttp.ClientHttpProxyError: sending_messages.PROXY_REFUSED,
    # SUPERFONE_BASE_URL was checked before: an invalid address can only be the proxy's.
    aiohttp.InvalidURL: sending_messages.PROXY_ADDRESS_INVALID,
}


class _Body(msgspec.Struct):
    """The shape of every answer of the API. The content of `data` does not matter here."""

    message: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Body).decode


def classify_error(error: BaseException) -> CrmResponse:
    """Classify an attempt that raised. The message names the kind of error: its own text may hold a phone."""
    kinds = type(error).__mro__
    outcome = next((OUTCOME_BY_ERROR[kind] for kind in kinds if kind in OUTCOME_BY_ERROR), MAY_HAVE_ARRIVED)
    message = next(
        (_MESSAGE_BY_ERROR[kind] for kind in kinds if kind in _MESSAGE_BY_ERROR), _DEFAULT_MESSAGES[outcome]
    )
    return CrmResponse(outcome=outcome, status=None, message=message)


def classify_response(
    status: int, body: bytes, *, is_complete: bool = True, retry_after_s: float | None = None
) -> CrmResponse:
    """Classify an attempt that was answered. `is_complete` is False for a body too large to be the API's."""
    parsed = _parse_body(body) if is_complete else None
    return CrmResponse(
        outcome=_find_outcome(status, parsed),
        status=status,
        message=_build_message(status, parsed, body),
        retry_after_s=retry_after_s,
        is_web_page=200 <= status < 300 and _is_html(body),
    )


def is_not_the_api(status: int) -> bool:
    """Return whether something other than the API answers every request: a redirect, or a proxy that wants a login.

    A page of HTML with 200 is no such sign: gateways send one now and then. They also send HTML with "not now" answers
    (408, 425, 429, 5xx) and with answers about one row (4xx). Those keep the meaning of their status.
    """
    return 300 <= status < 400 or status == 407


def build_stop_error(response: CrmResponse) -> ImporterError:
    """Build the error that stops the run where the key is refused, or something other than the API answers."""
    status = response.status
    if status == 401:
        return KeyRefusedError(*sending_messages.KEY_REFUSED)
    if status is not None and 300 <= status < 400:
        answer = sending_messages.REDIRECT.format(status=status)
    elif status in (403, 407):
        answer = sending_messages.ACCESS_DENIED.format(status=status)
    else:
        answer = sending_messages.OTHER_ANSWER.format(message=response.message, status=status)
    return BlockedError(*sending_messages.NOT_THE_API.format(answer=answer))


def _find_outcome(status: int, parsed: _Body | None) -> DeliveryOutcome:
    if status in _TRY_AGAIN:
        return _TRY_AGAIN[status]
    if 200 <= status < 300:
        is_success = parsed is not None and parsed.message == "success" and parsed.data is not msgspec.UNSET
        return DeliveryOutcome.APPLIED if is_success else MAY_HAVE_ARRIVED
    if 300 <= status < 400 or status in _NOT_ABOUT_THE_ROW:
        return NOT_APPLIED
    if not 400 <= status < 500:
        return MAY_HAVE_ARRIVED
    is_from_api = parsed is not None and status != _ACCESS_DENIED
    # A row that is too large is refused, even where a gateway says so.
    is_refused = is_from_api or status in sending_messages.TOO_LARGE
    return DeliveryOutcome.REFUSED if is_refused else DeliveryOutcome.TURNED_AWAY


def _parse_body(body: bytes) -> _Body | None:
    try:
        return _decode(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or of another shape
        return None


def _build_message(status: int, parsed: _Body | None, body: bytes) -> str:
    if status in sending_messages.TOO_LARGE:
        return sending_messages.TOO_LARGE[status]
    if parsed is None:
        return sending_messages.HTML_PAGE if _is_html(body) else sending_messages.FOREIGN_ANSWER
    text = parsed.message[:_MAX_MESSAGE_CHARS]
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _is_html(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
