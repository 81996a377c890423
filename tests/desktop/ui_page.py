"""Start `importer ui` as a command, and drive its page in Chromium. A request to another machine fails the test."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from importer.state.state_folder import STATE_DIR_VARIABLE
from tests.prepared_python import START_AT_60, StartedCommand

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

WAIT_MS = 60_000


class PageCommand:
    """`importer ui` in a process of its own, with a practice CRM."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.reports = folder / "reports"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SUPERFONE_")}
        self._command = StartedCommand(
            "ui", "--no-browser", "--practice", *arguments,
            folder=folder, environment={**environ, STATE_DIR_VARIABLE: str(folder / "state")}, before=START_AT_60,
        )  # fmt: skip
        self.url = self._wait_for_url()

    def _wait_for_url(self) -> str:
        until = time.monotonic() + WAIT_MS / 1000
        while not (found := re.search(r"(http://\S+)\s", self._command.output)):
            assert self._command.poll() is None, self._command.errors
            assert time.monotonic() < until
            time.sleep(0.02)
        return found[1]

    def kill(self) -> None:
        """End it as a power cut does."""
        self._command.kill()
        self._command.communicate()

    def stop(self) -> tuple[int | None, str]:
        """Press Ctrl-C. Return the exit code and standard error."""
        self._command.send_signal(signal.SIGINT)
        _, err = self._command.communicate(timeout=60)
        return self._command.returncode, err


@contextmanager
def start_page(folder: Path, *arguments: str) -> Iterator[PageCommand]:
    """Start the command, and end it with the block."""
    command = PageCommand(folder, *arguments)
    try:
        yield command
    finally:
        command.kill()


@contextmanager
def open_chromium() -> Iterator[sync_api.Browser]:
    """Start Debian's Chromium without a screen."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """A tab that notes what must not happen: requests to others, errors of scripts, refusals by the policy, dialogs."""

    def __init__(self, browser: sync_api.Browser, url: str, **options: object) -> None:
        self.context = browser.new_context(locale="en-IN", **options)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        self.page.on("console", self._note_refusal)
        self.context.on("request", self._note_request)
        self.page.goto(url)
        self.page.wait_for_selector("h1", timeout=WAIT_MS)

    def _note_request(self, request: sync_api.Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "about") and parts.hostname != "127.0.0.1":
            self.faults.append(f"request: {request.url}")

    def _note_refusal(self, message: sync_api.ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(f"policy: {message.text}")

    @property
    def path(self) -> str:
        """The path behind the secret prefix."""
        return "/" + urlsplit(self.page.url).path.lstrip("/").partition("/")[2]

    @property
    def run_id(self) -> str:
        return self.path.split("/")[2]

    @property
    def has_ended(self) -> bool:
        """Whether the run has sent its leads."""
        return self.path.endswith("/report") and self.page.locator("main .badge.ok").count() == 1

    def choose_file(self, path: Path) -> None:
        self.page.set_input_files("#file", path)
        self.page.wait_for_url("**/sheet", timeout=WAIT_MS)

    def go_on(self) -> None:
        """Press the main button, and wait until the run is at a page where a person must do something."""
        with self.page.expect_navigation(timeout=WAIT_MS):
            self.page.click("main .button.primary")
        self.wait()

    def wait(self) -> None:
        """Wait while the run works."""
        while self.path.endswith("/progress"):
            self.page.wait_for_timeout(50)
        self.page.wait_for_load_state()

    def check_stays(self) -> None:
        """Reload, and go away and Back: the page is where the run is."""
        path = self.path
        self.page.reload()
        assert self.path == path
        self.page.goto(self.page.url.partition("/runs/")[0] + "/")
        self.page.go_back()
        assert self.path == path

    def check_page(self, width: int) -> None:
        """A screen reader can name each control, there is one heading of the page, and it is not wider than its window."""
        nameless = self.page.evaluate(
            """[...document.querySelectorAll('main :is(input:not([type=hidden]), select, textarea, button, a, iframe, progress)')]
               .filter(one => !(one.labels?.length || one.ariaLabel || one.textContent.trim() || one.title))
               .map(one => one.outerHTML)"""
        )
        assert nameless == [], self.path
        assert self.page.locator("h1").count() == 1, self.path
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width, self.path
