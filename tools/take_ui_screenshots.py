"""Take the screenshots of the page in the browser that README.md and docs/ui.md show.

Usage: python tools/take_ui_screenshots.py [FOLDER]     (default: docs)

It needs Playwright and Debian's Chromium, as `make test-desktop` does. The sheet is the sample of the demo, the CRM is a practice
CRM in a temporary folder, so nothing in the pictures is real.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from playwright.sync_api import Page, sync_playwright

from importer.state.state_folder import STATE_DIR_VARIABLE
from importer.ui.accounts import Accounts
from importer.ui.local_server import PageServer, prepare_server
from importer.ui.practice import PracticeCrm
from importer.ui.workspace import Workspace

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "event_signups.xlsx"
SIZE = {"width": 1280, "height": 800}
_TIMEOUT_MS = 60_000


def main(folder: Path) -> None:
    """Take all screenshots."""
    with TemporaryDirectory() as work:
        os.environ[STATE_DIR_VARIABLE] = str(Path(work, "state"))
        reports = Path(work, "reports")
        practice = PracticeCrm(reports)
        accounts = Accounts({}, Path(work), practice, lambda _: None)
        accounts.is_practice = True
        server = prepare_server(Workspace(reports, accounts))
        serve_in_thread(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--force-color-profile=srgb"]
            )
            page = browser.new_page(viewport=SIZE, locale="en-IN")
            page.goto(server.make_launch_url())
            take_all(page, folder)
            browser.close()
        practice.close()


def serve_in_thread(server: PageServer) -> None:
    """Answer requests until this process ends."""
    config = uvicorn.Config(server.guard, log_level="critical", access_log=False, lifespan="off")
    run = uvicorn.Server(config).run
    threading.Thread(target=run, kwargs={"sockets": [server.listener]}, daemon=True).start()


def take_all(page: Page, folder: Path) -> None:
    """Go through the journey, and take a screenshot of the columns, of the rows to fix, and of the plan."""
    page.set_input_files("#file", SAMPLE)
    page.wait_for_url("**/sheet", timeout=_TIMEOUT_MS)
    go_on(page)
    take(page, folder / "ui-columns.png")
    while not page.url.endswith("/rows"):
        go_on(page)
    take(page, folder / "ui-rows.png")
    while not page.url.endswith("/plan"):
        go_on(page)
    take(page, folder / "ui-plan.png")


def go_on(page: Page) -> None:
    """Press the main button and wait until the run needs a person."""
    with page.expect_navigation(timeout=_TIMEOUT_MS):
        page.click("main .button.primary")
    while page.url.endswith("/progress"):
        page.wait_for_timeout(100)


def take(page: Page, path: Path) -> None:
    """Take a screenshot of what the window shows."""
    page.screenshot(path=path)
    print(f"{path}: {path.stat().st_size >> 10} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
