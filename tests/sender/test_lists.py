"""The account's lists are read to their end, whatever the totals say, and nothing of them is read twice."""

import asyncio

import httpx
import pytest

from importer.fields import Dropdown
from importer.sender.client import Client
from importer.settings import Access, Secret


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
        httpx.MockTransport(answer), Access("http://127.0.0.1:1/superfone", Secret("k")), timeout_s=5
    )
    titles = asyncio.run(client.titles())[Dropdown.STAGE]
    return [title.title for title in titles], len(asked)


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
