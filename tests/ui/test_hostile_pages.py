"""Text of cells, headers, file names and the CRM is text in every page: it adds no element and no attribute."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from importer.sandbox.sandbox_settings import load_default_account
from tests.naughty import MARKUP, TEXTS
from tests.support import write_csv
from tests.ui.browser import Browser
from tests.ui.test_journey import check
from tests.ui.test_rows import put

TEMPLATES = Path(__file__).parents[2] / "importer" / "ui" / "templates"
SOURCES = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.html"))
SWITCHES = {"checked", "disabled", "download", "hidden", "open", "required", "selected"}
WORDS = {f"data-word-{verdict}" for verdict in ("ready", "warned", "to_fix", "skipped")}
ATTRIBUTES = {*re.findall(r"[\s}]([a-z][a-z-]*)=\"", SOURCES), *SWITCHES, *WORDS}
"""All attributes that our own templates write; test_request_guard.py sees that none of them is code."""


class Elements(HTMLParser):
    """Collects the elements of a page, and what is wrong with them."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = prefix
        self.faults = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.faults += [(tag, name) for name in given if name not in ATTRIBUTES]
        if tag in ("script", "iframe", "link", "img", "form", "a", "base", "object", "embed", "svg", "style"):
            address = given.get("src") or given.get("href") or given.get("action") or ""
            is_ours = address.startswith((f"{self.prefix}/", "?", "http://127.0.0.1:")) or (tag, address) == (
                "form",
                "",
            )
            if not is_ours or (tag == "script" and "src" not in given):
                self.faults.append((tag, address))


def assert_only_ours(browser: Browser):
    elements = Elements(browser.prefix)
    elements.feed(browser.text)
    assert elements.faults == [], browser.path


@pytest.fixture
def hostile_account(monkeypatch):
    """A CRM whose own stages are hostile texts."""
    account = load_default_account()
    stages = account.lists["lead-stage"]
    stages += [{**stages[0], "id": 900 + n, "title": text} for n, text in enumerate(MARKUP)]
    monkeypatch.setattr("importer.sandbox.server.load_default_account", lambda: account)


def test_no_text_adds_an_element(hostile_account, browser, server, tmp_path):
    texts = [text for text in TEXTS if "\x00" not in text]
    rows = [[f"98451{n:05}", text, "Warm led", *texts[:20]] for n, text in enumerate(texts, 1)]
    path = write_csv(tmp_path / "leads.csv", [["Mobile", "Name", "Stage", *texts[:20]], *rows])
    run_id = browser.upload(path, name=f"{MARKUP[0]}.csv")
    assert_only_ours(browser)
    browser.submit(f"/runs/{run_id}/sheet")
    assert_only_ours(browser)
    browser.submit(f"/runs/{run_id}/columns")
    browser.wait(run_id)
    assert "&lt;script&gt;" in browser.text  # a title of the account
    kinds = 0
    while browser.path.endswith("/questions"):
        assert_only_ours(browser)
        kinds += 1
        browser.submit(f"/runs/{run_id}/questions", answer="yes")
        browser.wait(run_id)
    assert kinds == 2
    for path in ("/rows?part=all", "/rows?part=all&sort=1&q=%3Cscript", "/rows/2", "/rows/9"):
        browser.open(f"/runs/{run_id}{path}")
        assert browser.status == 200
        assert_only_ours(browser)
    browser.write(f"/runs/{run_id}/look-up")
    for path in (
        f"/runs/{run_id}",
        f"/runs/{run_id}/report",
        f"/runs/{run_id}/questions",
        f"/runs/{run_id}/rows?part=all",
        "/",
    ):
        browser.wait(run_id).open(path)
        assert browser.status == 200
        assert_only_ours(browser)


def test_an_error_of_the_server_is_text_too(browser, server, monkeypatch):
    from importer.errors import UsageError

    def fail(*_):
        raise UsageError(MARKUP[0], MARKUP[1])

    monkeypatch.setattr(server.workspace.accounts, "set_key", fail)
    browser.text = browser.write("/key", [("key", "x")]).text
    assert "&lt;script&gt;" in browser.text
    assert_only_ours(browser)


ADDRESSES = (
    "/no-such-page",
    "/runs/%00/events",
    "/runs/%2e%2e/events",
    "/runs/x%0a/rows",
    "/static/%00",
    "/runs//rows",
)


@pytest.mark.parametrize("path", ADDRESSES)
def test_address_that_names_nothing_is_a_page_that_says_so(browser, path):
    """With the way back, whatever kind of route it is: also the one of live progress."""
    browser.open(path)
    assert browser.status == 404
    assert path.startswith("/static/") or browser.title == "There is no such page"


def test_requests_that_no_page_of_ours_makes_are_refused_and_break_nothing(browser, tmp_path):
    """A search of 50,000 characters, a form of a million fields, a column that is no number."""
    run_id = check(browser, write_csv(tmp_path / "leads.csv", [["Name", "Mobile"], ["Asha", "98450 10001"]]))
    assert browser.open(f"/runs/{run_id}/rows?part=all&q={'a' * 50_000}").status == 200
    assert browser.write("/practice", [("a", "")] * 200_000).status_code == 400
    answer = browser.write(
        f"/runs/{run_id}/rows/2", [("version", "0"), ("cell:1", "98450 10002"), ("same:x", "")]
    )
    assert answer.status_code == 303
    offer = {"rows": 1, "column": 1 << 70, "code": "", "cell": "", "text": ""}
    for path, body in (
        ("step", {"step": 1 << 63}),
        ("step", {"step": -1}),
        ("same", {"row": [2, 1], "offer": offer}),
    ):
        assert put(browser, f"/runs/{run_id}/{path}", body).status_code == 400
