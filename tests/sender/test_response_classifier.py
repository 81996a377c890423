"""Every error that aiohttp can raise, and every kind of answer, has an outcome.

The rules are in docs/guarantees.md ("What may have arrived").
"""

import inspect

import aiohttp
import aiohttp.http_exceptions
import aiohttp.streams
import pytest
from aiohttp import client_exceptions

from importer.models.delivery import DeliveryOutcome
from importer.sender.response_classifier import (
    CAUGHT_ERRORS,
    OUTCOME_BY_ERROR,
    classify_error,
    classify_response,
    is_not_the_api,
)

SUCCESS = b'{"data": null, "message": "success"}'
NOT_APPLIED, DOUBT, REFUSED, APPLIED = (
    DeliveryOutcome.NOT_APPLIED,
    DeliveryOutcome.MAY_HAVE_ARRIVED,
    DeliveryOutcome.REFUSED,
    DeliveryOutcome.APPLIED,
)
TURNED_AWAY = DeliveryOutcome.TURNED_AWAY


def describe(value):
    """Return a short id for a case: the first bytes of a body, or the name of an error."""
    if isinstance(value, Exception):
        return type(value).__name__
    return value[:30].decode("ascii", "backslashreplace") if isinstance(value, bytes) else None


NOT_RAISED = {
    # web sockets, multipart forms, and internal signals of aiohttp
    aiohttp.WebSocketError, aiohttp.WSMessageTypeError, aiohttp.BadContentDispositionHeader,
    aiohttp.BadContentDispositionParam, aiohttp.EofStream,
}  # fmt: skip
WRAPPED = {aiohttp.http_exceptions.HttpProcessingError}
"""Errors of aiohttp's parser arrive as ClientResponseError or ClientPayloadError (see test_client.py)."""


def find_exceptions(*modules):
    return {
        kind
        for module in modules
        for kind in [*vars(module).values(), *(kind for _, kind in inspect.getmembers(module))]
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__.startswith("aiohttp")
    }


def find_unclassified(*modules):
    """Return the names of the exceptions that the table does not have."""
    return {
        kind.__name__
        for kind in find_exceptions(*modules)
        if kind not in OUTCOME_BY_ERROR and kind not in NOT_RAISED and not issubclass(kind, tuple(WRAPPED))
    }


STACK = (aiohttp, client_exceptions, aiohttp.http_exceptions, aiohttp.streams)


def test_every_exception_is_classified():
    """When aiohttp gains an exception, this fails until the table has it."""
    assert find_unclassified(*STACK) == set()


@pytest.mark.parametrize("module", [client_exceptions, aiohttp])
def test_new_exception_would_be_found(module, monkeypatch):
    """The test above would fail for a new exception in either module."""
    new = type("LostInSpaceError", (Exception,), {"__module__": module.__name__})
    monkeypatch.setattr(module, "LostInSpaceError", new, raising=False)
    assert find_unclassified(*STACK) == {"LostInSpaceError"}


def test_classified_exceptions_are_caught():
    """The client turns each exception of the table into a response."""
    assert all(issubclass(kind, CAUGHT_ERRORS) for kind in OUTCOME_BY_ERROR)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ConnectionTimeoutError(), NOT_APPLIED),
        (aiohttp.SocketTimeoutError(), DOUBT),
        (aiohttp.ClientConnectionResetError(), DOUBT),
        (TimeoutError(), DOUBT),
        (ConnectionResetError(), DOUBT),
        (OSError(28, "no space"), DOUBT),
        (aiohttp.ServerDisconnectedError(), DOUBT),
        (aiohttp.ClientPayloadError(), DOUBT),
    ],
    ids=describe,
)
def test_outcome_of_an_error(error, outcome):
    """An error before the request left is not applied. All others are in doubt."""
    assert classify_error(error).outcome is outcome
    assert classify_error(error).status is None


def test_unknown_error_is_in_doubt():
    """An exception that the table does not have must not count as not sent."""

    class NewError(aiohttp.ClientError):
        pass

    assert classify_error(NewError("?")).outcome is DOUBT


def test_text_of_an_error_is_not_shown():
    """An error's own text may hold a URL with a phone in it."""
    assert (
        "9845012345"
        not in classify_error(aiohttp.ClientPayloadError("GET /lead?phone=+919845012345")).message
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (client_exceptions.ClientConnectorCertificateError, "does not trust the server's certificate"),
        (client_exceptions.ClientConnectorSSLError, "does not support HTTPS"),
        (aiohttp.ClientConnectorDNSError, "no address was found for this host name"),
        (aiohttp.ClientProxyConnectionError, "the proxy in this computer's settings does not answer"),
        (aiohttp.ClientHttpProxyError, "the proxy in this computer's settings refused the connection"),
        (aiohttp.InvalidUrlClientError, "the proxy in this computer's settings has an invalid address"),
        (aiohttp.ClientConnectorError, "no server answers at this address"),
        (aiohttp.ServerDisconnectedError, "the connection was lost before the answer arrived"),
    ],
)
def test_cause_that_a_person_can_fix_is_named(kind, words):
    """A wrong clock, traffic inspection, or an old proxy is more than "could not be reached"."""
    assert words in classify_error(kind.__new__(kind)).message


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, SUCCESS, APPLIED),
        (201, SUCCESS, APPLIED),
        (200, b"", DOUBT),
        (200, b"<html>", DOUBT),
        (200, b'{"data": nul', DOUBT),
        (200, b'{"message": "success"}', DOUBT),
        (200, b'{"data": null, "message": "queued"}', DOUBT),
        (200, b'{"data": null, "message": 5}', DOUBT),
        (200, b"[]", DOUBT),
        (200, b'{"data":' + b"[" * 100_000 + b', "message": "success"}', DOUBT),
        (200, b"\x1f\x8b" + b"0" * 50, DOUBT),
        (200, b"\xff\xfe", DOUBT),
        (204, b"", DOUBT),
        (301, b"", NOT_APPLIED),
        (302, b"", NOT_APPLIED),
        (307, b"", NOT_APPLIED),
        (400, b'{"message": "Invalid phone number"}', REFUSED),
        (400, b"", TURNED_AWAY),
        (400, b"<html>blocked</html>", TURNED_AWAY),
        (400, b'{"error": "blocked"}', TURNED_AWAY),
        (404, b'{"message": "Lead stage not found"}', REFUSED),
        (404, b"<html>nginx</html>", TURNED_AWAY),
        (409, b"", TURNED_AWAY),
        (422, b'{"message": "Unprocessable"}', REFUSED),
        (413, b"<html>nginx</html>", REFUSED),
        (401, b"", NOT_APPLIED),
        (403, b"", TURNED_AWAY),
        (403, b'{"message": "Forbidden"}', TURNED_AWAY),
        (407, b"", NOT_APPLIED),
        (408, b"", DOUBT),
        (425, b"", NOT_APPLIED),
        (429, b"", NOT_APPLIED),
        (500, b"", DOUBT),
        (502, b"<html>", DOUBT),
        (503, b"", DOUBT),
        (504, b"", DOUBT),
        (599, b"", DOUBT),
        (100, b"", DOUBT),
    ],
    ids=describe,
)
def test_outcome_of_an_answer(status, body, outcome):
    """The table of docs/sending.md, by status and body."""
    assert classify_response(status, body).outcome is outcome


def test_incomplete_body_is_in_doubt():
    """A body that is too large to be the API's is not read to its end."""
    assert classify_response(200, SUCCESS, is_complete=False).outcome is DOUBT


@pytest.mark.parametrize(
    ("status", "is_foreign"),
    [(200, False), (302, True), (407, True), (403, False), (404, False), (408, False), (413, False), (429, False), (502, False), (503, False)],
)  # fmt: skip
def test_is_not_the_api(status, is_foreign):
    """A redirect or a proxy that wants a login stops the run. A 5xx is an outage, a 4xx may be about the row."""
    assert is_not_the_api(status) is is_foreign


@pytest.mark.parametrize(
    ("status", "body", "is_web_page"),
    [
        (200, SUCCESS, False),
        (200, b"garbled", False),
        (200, b"<html>hotel</html>", True),
        (201, b"\xef\xbb\xbf  <!doctype html>", True),
        (403, b"<html>nginx</html>", False),
        (404, b"<html>nginx</html>", False),
        (429, b"<html>cloudflare</html>", False),
        (502, b"<html>bad gateway</html>", False),
    ],
    ids=describe,
)
def test_web_page(status, body, is_web_page):
    """A page with a 2xx asks for proof that the CRM is there. With another status, the status says enough."""
    assert classify_response(status, body).is_web_page is is_web_page


def test_too_large_row_is_refused():
    """Also where a gateway says so: one such row must not stop the run and each resume."""
    response = classify_response(413, b"<html>nginx</html>")
    assert response.outcome is REFUSED
    assert response.message == "413: the request is too large"


def test_message_is_short_and_printable():
    """A server's message cannot fill or control the terminal."""
    body = b'{"message": "' + b"x" * 1000 + rb'\u001b[31m"}'
    message = classify_response(400, body).message
    assert len(message) <= 300
    assert message.isprintable()
