"""The account's lists are read to their end, whatever the totals say, and nothing of them is read twice."""

import asyncio

import httpx
import pytest

from importer.credentials import Credentials, Secret
from importer.errors import BlockedError, KeyRefusedError, ServerUnavailableError
from importer.fields import Dropdown
from importer.sender import client
from importer.sender.client import Client


def stages_of(pages, *, totals):
    """The titles that the client takes from these pages; past the last one a page is empty."""
    asked = []

    def answer(request):
        if not request.url.path.endswith("lead-stage"):
            return httpx.Response(200, json={"data": {"rows": [], "total_pages": 0}})
        page = int(request.url.params["page"])
        asked.append(page)
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
    return [title.title for title in titles if title.active], len(asked)


def row(number, title=None):
    return {"id": number, "title": title or f"S{number}", "status": "ACTIVE"}


FIRST, SECOND = [row(1), row(2)], [row(3)]


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
def test_every_page_is_read_whatever_the_totals_say(totals, requests):
    assert stages_of([FIRST, SECOND], totals=totals) == (["S1", "S2", "S3"], requests)


def test_a_row_that_is_pushed_onto_the_next_page_is_one_row():
    """Somebody adds a stage while the list is read: S2 comes twice, and must not look like two stages of one name."""
    pages = [FIRST, [row(2), row(3)]]
    assert stages_of(pages, totals={"total_pages": 2, "total_items": 4})[0] == ["S1", "S2", "S3"]


def test_two_rows_of_one_name_stay_two():
    """With ids and without: naming them is ambiguous, and the judge must see that."""
    for twice in ([row(1, "Expo"), row(2, "Expo")], [{"title": "Expo"}, {"title": "Expo"}]):
        assert stages_of([twice], totals={"total_pages": 1})[0] == ["Expo", "Expo"]


def test_a_server_that_answers_the_same_page_for_ever_is_left():
    found = stages_of(lambda page: FIRST, totals={"total_pages": 99, "total_items": 99})
    assert found == (["S1", "S2"], 2)


def test_a_list_without_an_end_is_a_sentence_not_a_part(monkeypatch):
    """Titles of the part that is missing would be refused as unknown, row by row."""
    monkeypatch.setattr(client, "_MOST_PAGES", 5)
    with pytest.raises(BlockedError, match="list lead-stage has no end: 5 pages"):
        stages_of(lambda page: [row(page)], totals={"total_pages": 99})
    assert len(stages_of(lambda page: [row(page)], totals={"total_pages": 5})[0]) == 5


def test_a_page_of_long_rows_is_read():
    """Fifty products with descriptions are more than an upsert's answer ever is."""
    long = [row(n) | {"description": "x" * 20_000} for n in range(50)]
    assert len(stages_of([long], totals={"total_pages": 1})[0]) == 50


def test_a_page_that_is_far_too_large_is_called_so():
    with pytest.raises(BlockedError, match="larger than 8 MB"):
        stages_of([[row(1) | {"description": "x" * 9_000_000}]], totals={"total_pages": 1})


@pytest.mark.parametrize("odd", [row(9) | {"title": None}, {"id": 9}, row(9) | {"title": ""}])
def test_a_row_without_a_title_blocks_nothing(odd):
    assert stages_of([[*FIRST, odd]], totals={"total_pages": 1})[0] == ["S1", "S2"]


def test_a_status_of_null_is_as_none_given():
    assert stages_of([[row(1) | {"status": None}]], totals={"total_pages": 1})[0] == ["S1"]


class Busy:
    """Says "not now" so many times, then answers; the client's waits are counted, not slept."""

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
def test_a_retry_after_is_waited_out_also_while_only_asking(status):
    """Law 5; six of them are more than a question without one would be tried."""
    server = Busy(6, status, retry_after="20")
    server.fetch_titles(max_wait_s=900)
    assert server.waits == [20] * 6


def test_a_retry_after_as_a_date():
    server = Busy(1, retry_after="Thu, 01 Jan 2026 00:01:00 GMT", date="Thu, 01 Jan 2026 00:00:00 GMT")
    server.fetch_titles(max_wait_s=900)
    assert server.waits == [60]


@pytest.mark.parametrize(("asked", "waits"), [("5000", 0), ("400", 2)])
def test_a_retry_after_beyond_patience_is_a_sentence(asked, waits):
    server = Busy(99, retry_after=asked)
    with pytest.raises(
        ServerUnavailableError, match=r"asks to wait until .*, longer than --max-wait 900 s\. Try again then"
    ):
        server.fetch_titles(max_wait_s=900)
    assert len(server.waits) == waits


@pytest.mark.parametrize("headers", [{}, {"retry_after": "soon"}])
@pytest.mark.parametrize("status", [429, 425])
def test_a_not_now_without_a_time_is_waited_out_like_that_of_a_lead(status, headers):
    """Gateways that limit by the second or minute name no time; four tries within a second met the same answer."""
    server = Busy(9, status, **headers)
    server.fetch_titles(max_wait_s=900)
    floors = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(floor <= wait <= max(floor, 5) for floor, wait in zip(floors, server.waits, strict=True))
    with pytest.raises(ServerUnavailableError, match="answered 429"):
        Busy(99).fetch_titles(max_wait_s=200)


def test_without_a_retry_after_four_are_enough():
    server = Busy(99, 503)
    with pytest.raises(ServerUnavailableError, match="answered 503"):
        server.fetch_titles(max_wait_s=900)
    assert len(server.waits) == 3


PAGE = {"data": {"rows": [], "total_pages": 0}, "message": "success"}
REFUSES = [
    (httpx.Response(401, json={"message": "UnAuthorized"}), KeyRefusedError),
    (httpx.Response(403, json={"message": "Forbidden"}), BlockedError),
    (httpx.Response(403, html="<html>blocked</html>"), BlockedError),
    (httpx.Response(404, html="<html>nginx</html>"), BlockedError),
    (httpx.Response(400), BlockedError),
    (httpx.Response(302, headers={"location": "/login"}), BlockedError),
    (httpx.Response(407), BlockedError),
    (httpx.Response(200, html="<html>hotel</html>"), BlockedError),
    (httpx.Response(200, json={"ok": True}), BlockedError),
    (httpx.Response(200, content=b'{"data": {"rows": [{"title": "\xff\xfe"}]}}'), BlockedError),  # no UTF-8
    (httpx.Response(503), ServerUnavailableError),
]


def one_question(ask, answer):
    """What a client makes of this answer."""

    def fresh(_):
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    credentials = Credentials("http://127.0.0.1:1/superfone", Secret("k"))
    return asyncio.run(ask(Client(httpx.MockTransport(fresh), credentials, timeout_s=5, max_wait_s=900)))


async def at_once(_):
    """No test sleeps."""


@pytest.mark.parametrize(("answer", "error"), REFUSES)
def test_what_is_no_list_of_the_crm_is_an_error_that_says_so(answer, error):
    """Also a 4xx that is not the API's: a firewall, or another server at this address."""
    with pytest.raises(error):
        one_question(lambda client: client.fetch_titles(at_once), answer)


@pytest.mark.parametrize(("answer", "error"), REFUSES)
def test_only_a_list_says_that_the_crm_is_there(answer, error):
    with pytest.raises(error):
        one_question(lambda client: client.probe_access(at_once), answer)


def test_who_gives_a_list_or_refuses_it_in_its_own_words_is_the_crm():
    for answer, is_welcome in (
        (httpx.Response(200, json=PAGE), True),
        (httpx.Response(400, json={"message": "Suspended"}), False),
    ):
        assert one_question(lambda client: client.probe_access(at_once), answer) is is_welcome


def test_a_question_is_given_up_where_its_waiting_is():
    """Ctrl-C ends the sender's sleep: a CRM that asks to be asked in ten minutes is not waited for."""

    class GivenUp(Exception):
        pass

    async def given_up(seconds):
        assert seconds == 600
        raise GivenUp

    later = httpx.Response(429, headers={"retry-after": "600"})
    with pytest.raises(GivenUp):
        one_question(lambda client: client.probe_access(given_up), later)
