"""A browser without a screen: it keeps the cookie, fills in forms as they are shown, and follows redirects."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

from starlette.testclient import TestClient

from importer.ui.accounts import Accounts
from importer.ui.local_server import PageServer, prepare_server
from importer.ui.practice import PracticeCrm
from importer.ui.workspace import Workspace

WAIT_S = 30.0


def make_server(folder: Path, *, environ: dict[str, str] | None = None, practice: bool = False) -> PageServer:
    """Return a server over a reports folder, which listens and answers only what a test gives it."""
    reports = folder / "reports"
    accounts = Accounts(environ or {}, folder, PracticeCrm(reports), lambda _: None)
    accounts.is_practice = practice
    return prepare_server(Workspace(reports, accounts))


class Browser:
    """One browser at a server. `text` and `path` are those of the page that it shows."""

    def __init__(self, server: PageServer) -> None:
        self.server = server
        self.origin = f"http://127.0.0.1:{server.port}"
        self.client = TestClient(server.guard, base_url=self.origin, follow_redirects=False)
        launched = self.client.get(server.make_launch_url())
        self.prefix = server.sessions.prefix
        self.text, self.path, self.status = launched.text, "", launched.status_code
        self.open("/")

    @property
    def token(self) -> str:
        return re.search(r'name="token" content="([^"]+)"', self.text)[1]

    @property
    def main(self) -> str:
        """The words of the page, without its frame."""
        found = re.search(r"<main.*?</main>", self.text, re.DOTALL)[0]
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split())

    @property
    def title(self) -> str:
        return html.unescape(re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.DOTALL)[1]).strip()

    def open(self, path: str) -> Browser:
        """Show a page, wherever it sends the browser."""
        address = path if path.startswith(self.prefix) else self.prefix + path
        answer = self.client.get(address)
        while answer.status_code == 303:
            address = answer.headers["location"]
            answer = self.client.get(address)
        self.text, self.path, self.status = answer.text, address.removeprefix(self.prefix), answer.status_code
        return self

    def write(self, path: str, fields: Iterable[tuple[str, str]] = (), **headers: str):
        """Send a form as the page would, and return the answer."""
        content = urlencode([*fields, ("token", self.token)])
        return self.client.post(self.prefix + path, content=content, headers=self.make_headers(**headers))

    def make_headers(self, **more: str) -> dict[str, str]:
        kind = "application/x-www-form-urlencoded"
        return {"origin": self.origin, "sec-fetch-site": "same-origin", "content-type": kind, **more}

    def submit(self, path: str, **changed: str) -> Browser:
        """Send the fields of the page as they are shown, with some changed, and show where that leads."""
        fields = [(name, changed.pop(name, value)) for name, value in read_fields(self.text)]
        answer = self.write(path, [*fields, *changed.items()])
        if answer.status_code == 303:
            return self.open(answer.headers["location"])
        self.text, self.status = answer.text, answer.status_code
        return self

    def upload(self, path: Path, name: str | None = None) -> str:
        """Upload a file and show its page. Return its run id."""
        headers = self.make_headers(**{"x-importer-token": self.token})
        query = urlencode({"name": path.name if name is None else name})
        answer = self.client.put(f"{self.prefix}/upload?{query}", content=path.read_bytes(), headers=headers)
        assert answer.status_code == 200, answer.text
        self.open(answer.json()["url"])
        return self.path.split("/")[2]

    def wait(self, run_id: str) -> Browser:
        """Show the run's page when nothing works for it any more, or it asks something."""
        began = time.monotonic()
        while self.open(f"/runs/{run_id}").path.endswith("/progress"):
            waited_s = time.monotonic() - began
            assert waited_s < WAIT_S, self.main
            time.sleep(0.02 + waited_s / 10)  # each look renders a page
        return self


class _FieldReader(HTMLParser):
    """Reads what a browser would send with the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._select: list[str | None] | None = None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "input" and given.get("name") not in (None, "token"):
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self.fields.append((given["name"], given.get("value") or ""))
        elif tag == "select":
            self._select = [given["name"], None]
        elif tag == "option" and self._select and ("selected" in given or self._select[1] is None):
            self._select[1] = given.get("value", "")

    def handle_endtag(self, tag):
        if tag == "select" and self._select:
            self.fields.append((self._select[0], self._select[1] or ""))
            self._select = None


def read_fields(page: str) -> list[tuple[str, str]]:
    """Return the fields of the page's own forms, as they are shown."""
    reader = _FieldReader()
    reader.feed(re.search(r"<main.*?</main>", page, re.DOTALL)[0])
    return reader.fields
