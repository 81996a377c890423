"""Was it applied? Every error that the stack can raise, and every kind of answer, has one answer (law 3)."""

import inspect

import aiohttp
import aiohttp.http_exceptions
import aiohttp.streams
import pytest
from aiohttp import client_exceptions

from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.response_classifier import (
    CAUGHT,
    ERRORS,
    classify_error,
    classify_response,
    is_not_the_api,
)

SUCCESS = b'{"data": null, "message": "success"}'
NOT, DOUBT, REFUSED, APPLIED = (
    DeliveryOutcome.NOT_APPLIED,
    DeliveryOutcome.MAY_HAVE_ARRIVED,
    DeliveryOutcome.REFUSED,
    DeliveryOutcome.APPLIED,
)
TURNED = DeliveryOutcome.TURNED_AWAY


OURS = {
    # web sockets, forms of many parts, and what aiohttp tells itself
    aiohttp.WebSocketError, aiohttp.WSMessageTypeError, aiohttp.BadContentDispositionHeader,
    aiohttp.BadContentDispositionParam, aiohttp.EofStream,
}  # fmt: skip
MAPPED = {aiohttp.http_exceptions.HttpProcessingError}
"""What aiohttp's parser raises reaches us as ClientResponseError or ClientPayloadError (see test_client.py)."""


def exceptions_of(*modules):
    return {
        kind
        for module in modules
        for kind in [*vars(module).values(), *(kind for _, kind in inspect.getmembers(module))]
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__.startswith("aiohttp")
    }


def strangers(*modules):
    """Exceptions of the stack that nobody has judged."""
    return {
        kind.__name__
        for kind in exceptions_of(*modules)
        if kind not in ERRORS and kind not in OURS and not issubclass(kind, tuple(MAPPED))
    }


STACK = (aiohttp, client_exceptions, aiohttp.http_exceptions, aiohttp.streams)


def test_the_table_knows_every_exception_of_the_stack():
    """When aiohttp gains an exception, this fails until somebody has judged it."""
    assert strangers(*STACK) == set()


@pytest.mark.parametrize("module", [client_exceptions, aiohttp])
def test_a_new_exception_would_be_seen(module, monkeypatch):
    """The test above, seen red: one exception more, in each of the places where it could turn up."""
    new = type("LostInSpaceError", (Exception,), {"__module__": module.__name__})
    monkeypatch.setattr(module, "LostInSpaceError", new, raising=False)
    assert strangers(*STACK) == {"LostInSpaceError"}


def test_whatever_the_transport_maps_is_caught():
    """Each exception class of the table is one that an attempt may raise and that we turn into a reply."""
    assert all(issubclass(kind, CAUGHT) for kind in ERRORS)


@pytest.mark.parametrize(
    ("error", "applied"),
    [
        (aiohttp.ConnectionTimeoutError(), NOT),
        (aiohttp.SocketTimeoutError(), DOUBT),
        (aiohttp.ClientConnectionResetError(), DOUBT),
        (TimeoutError(), DOUBT),
        (ConnectionResetError(), DOUBT),
        (OSError(28, "no space"), DOUBT),
        (aiohttp.ServerDisconnectedError(), DOUBT),
        (aiohttp.ClientPayloadError(), DOUBT),
    ],
)
def test_what_an_error_did(error, applied):
    assert classify_error(error).outcome is applied
    assert classify_error(error).status is None


def test_an_unknown_kind_of_error_is_in_doubt():
    class NewError(aiohttp.ClientError):
        pass

    assert classify_error(NewError("?")).outcome is DOUBT


def test_the_words_of_an_error_do_not_travel():
    """An error's own text may hold the address with a phone in it."""
    assert (
        "9845012345"
        not in classify_error(aiohttp.ClientPayloadError("GET /lead?phone=+919845012345")).message
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (client_exceptions.ClientConnectorCertificateError, "does not trust its certificate"),
        (client_exceptions.ClientConnectorSSLError, "does not speak https"),
        (aiohttp.ClientConnectorDNSError, "address of that name"),
        (aiohttp.ClientProxyConnectionError, "the proxy that this machine is told to use does not answer"),
        (aiohttp.ClientHttpProxyError, "the proxy that this machine is told to use does not let it through"),
        (aiohttp.InvalidUrlClientError, "the proxy that this machine is told to use has no sound address"),
        (aiohttp.ClientConnectorError, "the server could not be reached"),
        (aiohttp.ServerDisconnectedError, "the connection was lost before the answer came"),
    ],
)
def test_what_a_person_can_do_something_about_is_named(kind, words):
    """A wrong clock, an office that looks into traffic, a proxy of last year: all was "could not be reached"."""
    assert words in classify_error(kind.__new__(kind)).message


@pytest.mark.parametrize(
    ("status", "body", "applied"),
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
        (301, b"", NOT),
        (302, b"", NOT),
        (307, b"", NOT),
        (400, b'{"message": "Invalid phone number"}', REFUSED),
        (400, b"", TURNED),
        (400, b"<html>blocked</html>", TURNED),
        (400, b'{"error": "blocked"}', TURNED),
        (404, b'{"message": "Lead stage not found"}', REFUSED),
        (404, b"<html>nginx</html>", TURNED),
        (409, b"", TURNED),
        (422, b'{"message": "Unprocessable"}', REFUSED),
        (413, b"<html>nginx</html>", REFUSED),
        (401, b"", NOT),
        (403, b"", TURNED),
        (403, b'{"message": "Forbidden"}', TURNED),
        (407, b"", NOT),
        (408, b"", DOUBT),
        (425, b"", NOT),
        (429, b"", NOT),
        (500, b"", DOUBT),
        (502, b"<html>", DOUBT),
        (503, b"", DOUBT),
        (504, b"", DOUBT),
        (599, b"", DOUBT),
        (100, b"", DOUBT),
    ],
)
def test_what_an_answer_did(status, body, applied):
    assert classify_response(status, body).outcome is applied


def test_a_body_too_large_to_be_the_apis_is_in_doubt():
    assert classify_response(200, SUCCESS, whole=False).outcome is DOUBT


@pytest.mark.parametrize(
    ("status", "body", "foreign"),
    [
        (200, SUCCESS, False),
        (200, b"<html>hotel</html>", True),
        (200, b"\xef\xbb\xbf  <!doctype html>", True),
        (302, b"", True),
        (407, b"", True),
        (403, b'{"message": "Forbidden"}', False),
        (404, b"<html>nginx</html>", False),
        (404, b'{"message": "Lead stage not found"}', False),
        (408, b"<html>nginx</html>", False),
        (413, b"<html>nginx</html>", False),
        (414, b"<html>nginx</html>", False),
        (431, b"<html>nginx</html>", False),
        (429, b"<html>cloudflare</html>", False),
        (502, b"<html>bad gateway</html>", False),
        (503, b"<html>back soon</html>", False),
    ],
)
def test_who_answered(status, body, foreign):
    """A redirect, a proxy, a portal stop the run; a gateway's 5xx page is an outage, its 4xx page may be about the row."""
    assert is_not_the_api(classify_response(status, body), body) is foreign


def test_a_row_that_is_too_large_is_refused_whoever_says_so():
    """One such row must not stop the run, and each resume at the same row for ever."""
    reply = classify_response(413, b"<html>nginx</html>")
    assert reply.outcome is REFUSED
    assert reply.message == "413: the request is too large"


def test_a_servers_message_is_short_and_printable():
    body = b'{"message": "' + b"x" * 1000 + rb'\u001b[31m"}'
    message = classify_response(400, body).message
    assert len(message) <= 300
    assert message.isprintable()


def test_no_answer_is_not_foreign():
    assert not is_not_the_api(CrmResponse(outcome=NOT, status=None, message=""), b"")
