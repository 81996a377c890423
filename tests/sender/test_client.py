"""The client over real sockets: every kind of answer is classified from its bytes."""

import asyncio
import gzip
import socket
import time
from contextlib import asynccontextmanager
from email.utils import formatdate

import httpx
import pytest

from importer.credentials import Credentials, Secret
from importer.errors import BlockedError, KeyRefusedError
from importer.models.delivery import DeliveryOutcome
from importer.sender.client import open_client
from importer.sender.retry import parse_retry_after

NOT_APPLIED, DOUBT, REFUSED, APPLIED = (
    DeliveryOutcome.NOT_APPLIED,
    DeliveryOutcome.MAY_HAVE_ARRIVED,
    DeliveryOutcome.REFUSED,
    DeliveryOutcome.APPLIED,
)
TURNED_AWAY = DeliveryOutcome.TURNED_AWAY
SUCCESS = b'{"data": null, "message": "success"}'


def describe(value):
    """Return a short id for a case: the status line and the first bytes of the body."""
    if not isinstance(value, bytes):
        return None
    head, _, body = value.partition(b"\r\n\r\n")
    line = head.partition(b"\r\n")[0].removeprefix(b"HTTP/1.1 ")
    return f"{line[:12]!r} {body[:24]!r}".replace("b'", "").replace("'", "")


def build_answer(status, body, *headers):
    lines = [f"HTTP/1.1 {status} x".encode(), b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def send_request(*parts, timeout_s=0.5, pause_s=0.0):
    """Return the client's response to a server that sends these bytes, with pauses between them, and disconnects."""

    @asynccontextmanager
    async def run_server():
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def run():
        async with run_server() as port:
            credentials = Credentials(f"http://127.0.0.1:{port}/superfone", Secret("k"))
            async with open_client(credentials, timeout_s=timeout_s, max_wait_s=900, connections=1) as client:
                return await client.upsert({"customer_phone": "+919845012345"})

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("raw", "outcome", "status"),
    [
        (build_answer(200, SUCCESS), APPLIED, 200),
        (build_answer(201, SUCCESS), APPLIED, 201),
        (build_answer(200, b'{"ok": true}'), DOUBT, 200),
        (build_answer(200, b"[" * 100_000), DOUBT, 200),
        (build_answer(200, b'{"data":' + b"[" * 100_000 + b', "message": "success"}'), DOUBT, 200),
        (build_answer(200, b""), DOUBT, 200),
        (build_answer(204, b""), DOUBT, 204),
        (build_answer(200, b"\xff\xfe\x00"), DOUBT, 200),
        (build_answer(200, b'{"data": "' + b"x" * 2_000_000 + b'", "message": "success"}'), DOUBT, 200),
        (build_answer(200, gzip.compress(SUCCESS, mtime=0), b"content-encoding: gzip"), DOUBT, 200),
        (build_answer(400, b'{"message": "Invalid phone number"}'), REFUSED, 400),
        (build_answer(404, b'{"message": "Lead stage not found"}'), REFUSED, 404),
        (build_answer(403, b'{"message": "Forbidden"}'), TURNED_AWAY, 403),
        (build_answer(403, b"<html>Request blocked</html>"), TURNED_AWAY, 403),
        (build_answer(404, b"\xef\xbb\xbf <html>nginx</html>"), TURNED_AWAY, 404),
        (build_answer(400, b'{"message": "Invalid'), TURNED_AWAY, 400),
        (build_answer(408, b""), DOUBT, 408),
        (build_answer(425, b""), NOT_APPLIED, 425),
        (build_answer(429, b"<html>slow down</html>"), NOT_APPLIED, 429),
        (build_answer(500, b"<html>oops</html>"), DOUBT, 500),
        (build_answer(503, b""), DOUBT, 503),
        (SUCCESS, DOUBT, None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n" + SUCCESS, DOUBT, None),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", DOUBT, None),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, DOUBT, None),
        (b"HTTP/1.1 200", DOUBT, None),
        (b"", DOUBT, None),
    ],
    ids=describe,
)  # fmt: skip
def test_outcome_of_these_bytes(raw, outcome, status):
    """docs/guarantees.md, "What may have arrived", byte by byte."""
    response = send_request(raw)
    assert (response.outcome, response.status) == (outcome, status)


def test_bomb_is_not_unpacked():
    """100 MB in 100 kB leave a doubt, and not a full memory. It is built here: each worker imports this module."""
    bomb = gzip.compress(b"0" * 100_000_000, mtime=0)
    response = send_request(build_answer(200, bomb, b"content-encoding: gzip"))
    assert (response.outcome, response.status) == (DOUBT, 200)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (build_answer(401, b'{"message": "UnAuthorized"}'), KeyRefusedError),
        (build_answer(407, b""), BlockedError),
        (build_answer(301, b"", b"location: https://elsewhere.example/"), BlockedError),
        (build_answer(302, SUCCESS, b"location: /login"), BlockedError),
        (build_answer(307, b"", b"location: /again"), BlockedError),
    ],
    ids=describe,
)
def test_answer_that_is_not_the_api_stops_the_run(raw, error):
    """The key is refused, or a proxy or a redirect answers."""
    with pytest.raises(error):
        send_request(raw)


def test_web_page_with_200_leaves_a_doubt():
    """The page may stand before an API that took the row. Whether it answers everything, a list shows."""
    response = send_request(build_answer(200, b"<!doctype html><title>Hotel wifi</title>"))
    assert (response.outcome, response.status, response.is_web_page) == (DOUBT, 200, True)


def test_no_server_at_the_address():
    """A refused connect cannot have arrived."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        credentials = Credentials(f"http://127.0.0.1:{taken.getsockname()[1]}/superfone", Secret("k"))

        async def run():
            async with open_client(credentials, timeout_s=1, max_wait_s=900, connections=1) as client:
                return await client.upsert({})

        assert asyncio.run(run()).outcome is NOT_APPLIED


@pytest.mark.parametrize("parts", [[b"HTTP/1.1 200 OK\r\n"] + [b"x: y\r\n"] * 60, [build_answer(200, b" " * 60)[:-60]] + [b" "] * 60])  # fmt: skip
def test_slow_answer_times_out(parts):
    """Each byte is in time, but the whole answer is not: a timeout for each byte alone would never end."""
    response = send_request(*parts, timeout_s=0.15, pause_s=0.05)
    assert (response.outcome, response.status) == (DOUBT, None)


NOW = 1_790_000_000


@pytest.fixture
def in_india(monkeypatch):
    """Set a time zone that is not UTC."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system's zone cannot be set")
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "retry_after_s"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Mon Sep 21 14:14:50 2026", 90.0),
        ("Monday, 21-Sep-26 14:14:50 GMT", 90.0),
        ("Mon, 21 Sep 2026 14:14:50 -0000", 90.0),
        ("999999999999", 7 * 24 * 3600.0),
        ("1" * 400, 7 * 24 * 3600.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1e3", None),
        ("NaN", None),
        ("inf", None),
        ("²", None),
        ("٣", None),
        ("1.2.3", None),
        ("7, 8", None),
        ("Thu, 99 Foo 2026 99:99:99 GMT", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
@pytest.mark.usefixtures("in_india")
def test_retry_after_in_seconds_or_as_a_date(text, retry_after_s):
    """A date is compared with the server's own Date, however wrong our clock is. Anything else counts as missing.

    HTTP dates are UTC in all their forms (RFC 9110), whatever the local time zone is.
    """
    headers = httpx.Headers(
        [(b"retry-after", text.encode()), (b"date", formatdate(NOW, usegmt=True).encode())]
    )
    assert parse_retry_after(headers) == retry_after_s


def test_retry_after_date_without_a_server_clock():
    """Without a Date our own clock is used. A broken Date makes the Retry-After unreadable."""
    later = formatdate(usegmt=True)
    assert parse_retry_after(httpx.Headers([("retry-after", later)])) <= 1
    assert parse_retry_after(httpx.Headers([("retry-after", later), ("date", "noon")])) is None


def test_probe_has_a_connection_where_rows_hang_on_all_others():
    """Else it would wait for one of them, and a CRM that answers would seem to be away."""

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(build_answer(200, SUCCESS))
        else:
            await asyncio.sleep(0.6)
        writer.close()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            credentials = Credentials(
                f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/superfone", Secret("k")
            )
            async with open_client(credentials, timeout_s=0.5, max_wait_s=900, connections=1) as client:
                hanging = asyncio.create_task(client.upsert({}))
                await asyncio.sleep(0.05)
                answer = await asyncio.wait_for(client.probe_once(asyncio.sleep), 0.3)
                await hanging
                return answer.outcome

    assert asyncio.run(run()) is APPLIED
