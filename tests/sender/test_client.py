"""The client over real sockets: every kind of answer, judged from its very bytes."""

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
from importer.sender.client import _retry_after, open_client

NOT, DOUBT, REFUSED, APPLIED = (
    DeliveryOutcome.NOT_APPLIED,
    DeliveryOutcome.MAY_HAVE_ARRIVED,
    DeliveryOutcome.REFUSED,
    DeliveryOutcome.APPLIED,
)
TURNED = DeliveryOutcome.TURNED_AWAY
SUCCESS = b'{"data": null, "message": "success"}'


def answer(status, body, *headers):
    lines = [f"HTTP/1.1 {status} x".encode(), b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def exchange(*parts, timeout_s=0.5, pause_s=0.0):
    """The client's reply to a server that sends these bytes, a pause between them, and hangs up."""

    @asynccontextmanager
    async def server():
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_s)
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with listening:
            yield listening.sockets[0].getsockname()[1]

    async def run():
        async with server() as port:
            credentials = Credentials(f"http://127.0.0.1:{port}/superfone", Secret("k"))
            async with open_client(credentials, timeout_s=timeout_s, max_wait_s=900, connections=1) as client:
                return await client.upsert({"customer_phone": "+919845012345"})

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("raw", "applied", "status"),
    [
        (answer(200, SUCCESS), APPLIED, 200),
        (answer(201, SUCCESS), APPLIED, 201),
        (answer(200, b'{"ok": true}'), DOUBT, 200),
        (answer(200, b"[" * 100_000), DOUBT, 200),
        (answer(200, b'{"data":' + b"[" * 100_000 + b', "message": "success"}'), DOUBT, 200),
        (answer(200, b""), DOUBT, 200),
        (answer(204, b""), DOUBT, 204),
        (answer(200, b"\xff\xfe\x00"), DOUBT, 200),
        (answer(200, b'{"data": "' + b"x" * 2_000_000 + b'", "message": "success"}'), DOUBT, 200),
        (answer(200, gzip.compress(b"0" * 100_000_000), b"content-encoding: gzip"), DOUBT, 200),
        (answer(200, gzip.compress(SUCCESS), b"content-encoding: gzip"), DOUBT, 200),
        (answer(400, b'{"message": "Invalid phone number"}'), REFUSED, 400),
        (answer(404, b'{"message": "Lead stage not found"}'), REFUSED, 404),
        (answer(403, b'{"message": "Forbidden"}'), TURNED, 403),
        (answer(403, b"<html>Request blocked</html>"), TURNED, 403),
        (answer(404, b"\xef\xbb\xbf <html>nginx</html>"), TURNED, 404),
        (answer(400, b'{"message": "Invalid'), TURNED, 400),
        (answer(408, b""), DOUBT, 408),
        (answer(425, b""), NOT, 425),
        (answer(429, b"<html>slow down</html>"), NOT, 429),
        (answer(500, b"<html>oops</html>"), DOUBT, 500),
        (answer(503, b""), DOUBT, 503),
        (SUCCESS, DOUBT, None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n" + SUCCESS, DOUBT, None),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", DOUBT, None),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, DOUBT, None),
        (b"HTTP/1.1 200", DOUBT, None),
        (b"", DOUBT, None),
    ],
)  # fmt: skip
def test_what_these_bytes_say(raw, applied, status):
    reply = exchange(raw)
    assert (reply.outcome, reply.status) == (applied, status)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (answer(401, b'{"message": "UnAuthorized"}'), KeyRefusedError),
        (answer(407, b""), BlockedError),
        (answer(301, b"", b"location: https://elsewhere.example/"), BlockedError),
        (answer(302, SUCCESS, b"location: /login"), BlockedError),
        (answer(307, b"", b"location: /again"), BlockedError),
        (answer(200, b"<!doctype html><title>Hotel wifi</title>"), BlockedError),
    ],
)
def test_who_answers_like_this_stops_the_run(raw, error):
    with pytest.raises(error):
        exchange(raw)


@pytest.mark.parametrize(
    ("raw", "may"),
    [
        (answer(200, b"<!doctype html><title>Hotel wifi</title>"), True),
        (answer(407, b""), False),
        (answer(302, b""), False),
    ],
)
def test_a_page_that_says_200_may_stand_before_an_api_that_took_the_row(raw, may):
    """Laws 3 and 6 together."""
    with pytest.raises(BlockedError) as stopped:
        exchange(raw)
    assert stopped.value.may_have_arrived is may


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        credentials = Credentials(f"http://127.0.0.1:{taken.getsockname()[1]}/superfone", Secret("k"))

        async def run():
            async with open_client(credentials, timeout_s=1, max_wait_s=900, connections=1) as client:
                return await client.upsert({})

        assert asyncio.run(run()).outcome is NOT


@pytest.mark.parametrize("parts", [[b"HTTP/1.1 200 OK\r\n"] + [b"x: y\r\n"] * 60, [answer(200, b" " * 60)[:-60]] + [b" "] * 60])  # fmt: skip
def test_a_server_that_trickles_is_given_up_in_time(parts):
    """Each byte is in time, the whole answer is not: a timeout that begins anew with each would wait for ever."""
    reply = exchange(*parts, timeout_s=0.15, pause_s=0.05)
    assert (reply.outcome, reply.status) == (DOUBT, None)


NOW = 1_790_000_000


@pytest.fixture
def in_india(monkeypatch):
    """Where a time without a zone is not UTC."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system's zone cannot be set")
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
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
def test_retry_after_in_seconds_or_as_a_date_by_the_servers_own_clock(text, seconds):
    """The server's Date stands for now, however wrong our clock is; what is neither counts as not given.

    HTTP's dates are UTC in all their forms (RFC 9110), wherever we are.
    """
    headers = httpx.Headers(
        [(b"retry-after", text.encode()), (b"date", formatdate(NOW, usegmt=True).encode())]
    )
    assert _retry_after(headers) == seconds


def test_a_date_without_a_readable_server_clock():
    """Without one, our own clock has to do; a broken one is junk."""
    later = formatdate(usegmt=True)
    assert _retry_after(httpx.Headers([("retry-after", later)])) <= 1
    assert _retry_after(httpx.Headers([("retry-after", later), ("date", "noon")])) is None
