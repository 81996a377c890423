"""The page in a real browser: the whole journey, by mouse and by keyboard, and what must not happen on the way."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.desktop.programs import needs_chromium
from tests.desktop.ui_page import WAIT_MS, Tab, open_chromium, start_page
from tests.naughty import CANARY, TEXTS
from tests.support import read_csv, write_csv

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(400), needs_chromium]
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


def read_summary(command, run_id):
    return json.loads((command.reports / run_id / "summary.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("sample", "width"),
    [("event_signups.xlsx", 1280), ("indiamart-enquiries.csv", 390), ("walk-ins.ods", 640)],
)
def test_a_sample_goes_from_the_file_to_its_report(chromium, tmp_path, sample, width):
    """At each step reload and Back find the run where it is, each control has a name, and nothing is cut off.

    640 pixels are a window of 1,280 at 200% zoom.
    """
    with start_page(tmp_path) as command:
        tab = Tab(chromium, command.url, viewport={"width": width, "height": 800})
        tab.check_page(width)
        tab.choose_file(SAMPLES / sample)
        seen = []
        while not tab.has_ended:
            seen.append(tab.path.rpartition("/")[2])
            tab.check_stays()
            tab.check_page(width)
            tab.go_on()
        tab.check_page(width)
        assert seen[:2] == ["sheet", "columns"]
        assert seen[-1] == "plan"
        summary = read_summary(command, tab.run_id)
        assert summary["state"] == "finished"
        assert summary["counts"]["accepted"] > 0
        assert sum(summary["counts"].values()) == summary["rows"]
        report = tab.page.frame_locator("iframe").locator("h1")
        assert sample in report.inner_text(timeout=WAIT_MS)
        assert tab.faults == []


def test_the_journey_by_keyboard_alone(chromium, tmp_path):
    """Tab reaches every control, Enter and arrows do the rest."""
    write_csv(tmp_path / "leads.csv", [["Name", "Mobile"], ["Asha Rao", "98450 10001"]])
    with start_page(tmp_path, "leads.csv") as command:
        tab = Tab(chromium, command.url)

        def press_primary():
            for _ in range(80):
                tab.page.keyboard.press("Tab")
                if tab.page.evaluate("document.activeElement.matches('main .primary')"):
                    break
            else:
                pytest.fail("Tab does not reach the main button")
            with tab.page.expect_navigation(timeout=WAIT_MS):
                tab.page.keyboard.press("Enter")
            tab.wait()

        assert tab.path.endswith("/sheet")
        while not tab.has_ended:
            press_primary()
        assert read_summary(command, tab.run_id)["counts"]["accepted"] == 1
        assert tab.faults == []


def test_without_a_script_the_page_works_too(chromium, tmp_path):
    """A chosen file and a pasted table go to their reports by forms; a working page reloads by itself."""
    with start_page(tmp_path) as command:
        tab = Tab(chromium, command.url, java_script_enabled=False)
        assert not tab.page.is_visible(".needs-script")
        write_csv(tmp_path / "leads.csv", [["Name", "Mobile"], ["Ravi", "98450 10002"]])
        tab.page.set_input_files("noscript input[type=file]", tmp_path / "leads.csv")
        with tab.page.expect_navigation():
            tab.page.click("noscript .primary")
        while not tab.has_ended:
            tab.go_on()
        assert read_summary(command, tab.run_id)["counts"]["accepted"] == 1
        tab.page.goto(tab.page.url.partition("/runs/")[0] + "/")
        tab.page.click("summary")
        tab.page.fill("textarea", "Name\tMobile\nAsha Rao\t98450 10001\n")
        with tab.page.expect_navigation():
            tab.page.click("details .primary")
        while not tab.has_ended:
            tab.go_on()
        assert read_summary(command, tab.run_id)["counts"]["accepted"] == 1


def test_hostile_texts_run_nowhere(chromium, tmp_path):
    """In cells, headers, the file name and the CRM's answers; no script runs, no request leaves, no element is added."""
    texts = [text for text in TEXTS if "\x00" not in text]
    headers = ["Mobile", "Name", "City", *texts[:30]]
    rows = [[f"98451{n:05}", text, text, *texts[:30]] for n, text in enumerate(texts, 1)]
    path = write_csv(tmp_path / "leads.csv", [headers, *rows])
    named = tmp_path / f"<img src=x onerror=document.title='{CANARY}'>.csv"
    shutil.copy(path, named)
    with start_page(tmp_path) as command:
        tab = Tab(chromium, command.url)
        tab.choose_file(named)
        while not tab.has_ended:
            assert tab.page.title() != CANARY
            if tab.page.locator("input[name=answer]").count():
                tab.page.check("input[value=yes]")
            tab.go_on()
        tab.page.goto(tab.page.url.partition("/runs/")[0] + "/")
        assert tab.page.title() == "Import leads · importer"
        assert tab.faults == []


def test_a_killed_server_loses_nothing(chromium, tmp_path):
    """A kill -9 while it sends, start again, Continue: every lead is there once, and the report adds up."""
    write_csv(
        tmp_path / "leads.csv",
        [["Name", "Mobile", "Notes"], *[[f"Lead {n}", f"98450{n:05}", "Call"] for n in range(400)]],
    )
    with start_page(tmp_path, "leads.csv") as command:
        tab = Tab(chromium, command.url)
        while not tab.path.endswith("/plan"):
            tab.go_on()
        run_id = tab.run_id
        tab.page.click("main .button.primary")
        tab.page.wait_for_selector("#bar[value]", timeout=WAIT_MS)
        command.kill()
        tab.page.wait_for_selector("#wait:not([hidden])", timeout=WAIT_MS)
        assert "lost" in tab.page.inner_text("#wait")
        tab.context.close()
    with start_page(tmp_path) as command:
        tab = Tab(chromium, command.url)
        assert "interrupted" in tab.page.inner_text("table")
        tab.page.click("text=leads.csv")
        tab.go_on()
        summary = read_summary(command, run_id)
        assert (summary["state"], summary["counts"]["accepted"]) == ("finished", 400)
        states = Counter(row["_note"] for row in read_csv(Path(summary["folder"]) / "results.csv"))
        assert states["sent"] + states["unknown"] == 400
        tab.page.goto(tab.page.url.partition("/runs/")[0] + "/")
        leads_page = tab.page.get_attribute("text=See its leads", "href")
        tab.page.goto(leads_page)
        # A note that was under way is in doubt: it may be there, and it is not sent again.
        notes = int(re.search(r"(\d+) notes", tab.page.inner_text("header"))[1])
        assert states["sent"] <= notes <= 400


def test_ctrl_c_while_it_sends_is_one_ctrl_c(chromium, tmp_path):
    """Requests under way are finished, the reports are written, and the run can be continued."""
    write_csv(
        tmp_path / "leads.csv", [["Name", "Mobile"], *[[f"Lead {n}", f"98450{n:05}"] for n in range(400)]]
    )
    with start_page(tmp_path, "leads.csv") as command:
        tab = Tab(chromium, command.url)
        while not tab.path.endswith("/plan"):
            tab.go_on()
        run_id = tab.run_id
        tab.page.click("main .button.primary")
        tab.page.wait_for_selector("#bar[value]", timeout=WAIT_MS)
        code, err = command.stop()
        assert (code, "Stopping." in err) == (0, True)
        assert read_summary(command, run_id)["state"] == "interrupted"
