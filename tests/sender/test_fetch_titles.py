"""The account's lists are read to their end, whatever the totals say, and no row counts twice."""

import asyncio

import httpx
import pytest

from importer.credentials import Credentials, Secret
from importer.errors import BlockedError, KeyRefusedError, ServerUnavailableError
from importer.fields import Dropdown
from importer.sender import client
from importer.sender.client import Client


def fetch_stages(pages, *, totals):
    """Return the titles that the client reads from these pages, and how many pages it asked for."""
    pages_asked = []

    def answer(request):
        if not request.url.path.endswith("lead-stage"):
            return httpx.Response(200, json={"data": {"rows": [], "total_pages": 0}})
        page = int(request.url.params["page"])
        pages_asked.append(page)
        assert page < 20, "it never ends"
        rows = pages(page) if callable(pages) else (pages[page - 1] if page <= len(pages) else [])
        return httpx.Response(200, json={"data": {"rows": rows, **totals}})

    client = Client(
        httpx.MockTransport(answer),
        Credentials("http://127.0.0.1:1/superfone", Secret("k")),
        timeout_s=5,
        max_wait_s=900,
    )
    titles = asyncio.run(client.fetch_titles())[Dropdown.STAGE]
    return [title.title for title in titles if title.active], len(pages_asked)


def build_row(number, title=None):
    return {"id": number, "title": title or f"S{number}", "status": "ACTIVE"}


FIRST, SECOND = [build_row(1), build_row(2)], [build_row(3)]


@pytest.mark.parametrize(
    ("totals", "requests"),
    [
        ({"total_pages": 2, "total_items": 3}, 2),
        ({"total_pages": 2}, 2),
        ({"total_pages": 1, "total_items": 3}, 2),  # too low: the items say that there is more
        ({"total_pages": 0, "total_items": 3}, 2),
        ({"total_pages": 9, "total_items": 3}, 3),  # too high: an empty page is the end
        ({"total_pages": 2, "total_items": 99}, 3),
    ],
)
def test_every_page_is_read(totals, requests):
    """The totals may be wrong in both directions."""
    assert fetch_stages([FIRST, SECOND], totals=totals) == (["S1", "S2", "S3"], requests)


def test_row_pushed_to_the_next_page_counts_once():
    """Someone adds a stage while the list is read: S2 comes twice, and must not look like two stages."""
    pages = [FIRST, [build_row(2), build_row(3)]]
    assert fetch_stages(pages, totals={"total_pages": 2, "total_items": 4})[0] == ["S1", "S2", "S3"]


def test_two_rows_with_one_title_stay_two():
    """With ids and without: the title is ambiguous, and the validator must see that."""
    for twice in ([build_row(1, "Expo"), build_row(2, "Expo")], [{"title": "Expo"}, {"title": "Expo"}]):
        assert fetch_stages([twice], totals={"total_pages": 1})[0] == ["Expo", "Expo"]


def test_same_page_again_ends_the_list():
    """A server that ignores the page number must not be asked forever."""
    found = fetch_stages(lambda page: FIRST, totals={"total_pages": 99, "total_items": 99})
    assert found == (["S1", "S2"], 2)


def test_endless_list_is_an_error(monkeypatch):
    """An incomplete list would reject rows whose titles are in the missing part."""
    monkeypatch.setattr(client, "_MAX_PAGES", 5)
    with pytest.raises(BlockedError, match="list lead-stage does not end: we stopped after 5 pages"):
        fetch_stages(lambda page: [build_row(page)], totals={"total_pages": 99})
    assert len(fetch_stages(lambda page: [build_row(page)], totals={"total_pages": 5})[0]) == 5


def test_long_page_is_read():
    """Fifty products with descriptions are larger than any answer to an upsert."""
    long = [build_row(n) | {"description": "x" * 20_000} for n in range(50)]
    assert len(fetch_stages([long], totals={"total_pages": 1})[0]) == 50


def test_too_large_page_is_an_error():
    """The error names the limit."""
    with pytest.raises(BlockedError, match="larger than 8 MB"):
        fetch_stages([[build_row(1) | {"description": "x" * 9_000_000}]], totals={"total_pages": 1})


@pytest.mark.parametrize(
    "bad_row",
    [build_row(9) | {"title": None}, {"id": 9}, build_row(9) | {"title": ""}],
    ids=["null", "missing", "empty"],
)
def test_row_without_title_is_left_out(bad_row):
    """One bad entry of a list must not block every import."""
    assert fetch_stages([[*FIRST, bad_row]], totals={"total_pages": 1})[0] == ["S1", "S2"]


def test_status_null_means_active():
    """Null is the same as no status."""
    assert fetch_stages([[build_row(1) | {"status": None}]], totals={"total_pages": 1})[0] == ["S1"]


class BusyServer:
    """Say "not now" a number of times, then answer. The client's waits are recorded, not slept."""

    def __init__(self, times, status=429, **headers):
        self.times, self.status = times, status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.waits = []

    def answer(self, request):
        self.times -= 1
        if self.times >= 0:
            return httpx.Response(self.status, headers=self.headers, json={"message": "later"})
        return httpx.Response(200, json={"data": {"rows": [], "total_pages": 0}})

    async def sleep(self, seconds):
        self.waits.append(seconds)

    def fetch_titles(self, max_wait_s):
        credentials = Credentials("http://127.0.0.1:1/superfone", Secret("k"))
        transport = httpx.MockTransport(self.answer)
        client = Client(transport, credentials, timeout_s=5, max_wait_s=max_wait_s)
        return asyncio.run(client.fetch_titles(self.sleep))


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_out(status):
    """Six waits are more than the four tries without a Retry-After."""
    server = BusyServer(6, status, retry_after="20")
    server.fetch_titles(max_wait_s=900)
    assert server.waits == [20] * 6


def test_retry_after_as_a_date():
    """A date is compared with the server's clock."""
    server = BusyServer(1, retry_after="Thu, 01 Jan 2026 00:01:00 GMT", date="Thu, 01 Jan 2026 00:00:00 GMT")
    server.fetch_titles(max_wait_s=900)
    assert server.waits == [60]


@pytest.mark.parametrize(("retry_after", "waits"), [("5000", 0), ("400", 2)])
def test_retry_after_beyond_max_wait_is_an_error(retry_after, waits):
    """The waits together count, and the error names the time."""
    server = BusyServer(99, retry_after=retry_after)
    with pytest.raises(
        ServerUnavailableError,
        match=r"asks us to wait until .* longer than --max-wait 900 s\. Try again after that time",
    ):
        server.fetch_titles(max_wait_s=900)
    assert len(server.waits) == waits


@pytest.mark.parametrize("headers", [{}, {"retry_after": "soon"}])
@pytest.mark.parametrize("status", [429, 425])
def test_429_without_retry_after_waits_as_for_a_lead(status, headers):
    """Gateways that limit by the minute may name no time: four tries within a second would all fail."""
    server = BusyServer(9, status, **headers)
    server.fetch_titles(max_wait_s=900)
    floors = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(floor <= wait <= max(floor, 5) for floor, wait in zip(floors, server.waits, strict=True))
    with pytest.raises(ServerUnavailableError, match="answered 429"):
        BusyServer(99).fetch_titles(max_wait_s=200)


def test_four_tries_without_retry_after():
    """A server that asks for no wait is tried four times."""
    server = BusyServer(99, 503)
    with pytest.raises(ServerUnavailableError, match="answered 503"):
        server.fetch_titles(max_wait_s=900)
    assert len(server.waits) == 3


PAGE = {"data": {"rows": [], "total_pages": 0}, "message": "success"}
NOT_A_LIST = [
    (httpx.Response(401, json={"message": "UnAuthorized"}), KeyRefusedError),
    (httpx.Response(403, json={"message": "Forbidden"}), BlockedError),
    (httpx.Response(403, html="<html>blocked</html>"), BlockedError),
    (httpx.Response(404, html="<html>nginx</html>"), BlockedError),
    (httpx.Response(400), BlockedError),
    (httpx.Response(302, headers={"location": "/login"}), BlockedError),
    (httpx.Response(407), BlockedError),
    (httpx.Response(200, html="<html>hotel</html>"), BlockedError),
    (httpx.Response(200, json={"ok": True}), BlockedError),
    (httpx.Response(200, content=b'{"data": {"rows": [{"title": "\xff\xfe"}]}}'), BlockedError),  # not UTF-8
    (httpx.Response(503), ServerUnavailableError),
]


def describe_answer(value):
    """Return the status and the first bytes of a response as an id."""
    return f"{value.status_code} {value.content[:20]!r}" if isinstance(value, httpx.Response) else None


def ask_once(ask, answer):
    """Return what the client makes of this answer."""

    def respond(_):
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    credentials = Credentials("http://127.0.0.1:1/superfone", Secret("k"))
    return asyncio.run(ask(Client(httpx.MockTransport(respond), credentials, timeout_s=5, max_wait_s=900)))


async def skip_sleep(_):
    """Return at once: no test sleeps."""


@pytest.mark.parametrize(("answer", "error"), NOT_A_LIST, ids=describe_answer)
def test_answer_without_a_list_is_an_error(answer, error):
    """So is a 4xx that does not come from the API: a firewall, or another server at this address."""
    with pytest.raises(error):
        ask_once(lambda client: client.fetch_titles(skip_sleep), answer)


@pytest.mark.parametrize(("answer", "error"), NOT_A_LIST, ids=describe_answer)
def test_only_a_list_proves_access(answer, error):
    """Any other answer to the access probe is an error."""
    with pytest.raises(error):
        ask_once(lambda client: client.probe_access(skip_sleep), answer)


def test_access_probe_is_answered_by_the_crm():
    """A list means access. A refusal in the API's own form means that the account is blocked."""
    for answer, has_access in (
        (httpx.Response(200, json=PAGE), True),
        (httpx.Response(400, json={"message": "Suspended"}), False),
    ):
        assert ask_once(lambda client: client.probe_access(skip_sleep), answer) is has_access


def test_interrupted_sleep_ends_the_probe():
    """Ctrl-C ends the sender's sleep: a CRM that asks us to wait ten minutes is not waited for."""

    class Interrupted(Exception):
        pass

    async def sleep(seconds):
        assert seconds == 600
        raise Interrupted

    later = httpx.Response(429, headers={"retry-after": "600"})
    with pytest.raises(Interrupted):
        ask_once(lambda client: client.probe_access(sleep), later)
