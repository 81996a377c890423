"""axe-core over every screen: in light and dark, on a wide and a narrow window, in English and Hindi."""

from itertools import product

import pytest

from tests.desktop.programs import needs_chromium
from tests.desktop.ui_page import WAIT_MS, Tab, open_chromium, start_page
from tests.support import write_csv

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(400), needs_chromium]
SHEET = [
    ["Name", "Mobile", "Stage", "E-mail", "Owner", "Remark", "Next follow up"],
    *[
        [f"Lead {n}", f"98450 1{n:04}", "New", f"lead{n}@example.in", "Kavya", "called", "+2d"]
        for n in range(30)
    ],
    ["Asha Khan", "98450 12001", "Nowhere", "asha at example.in", "Kavya", "", "+2d"],
    ["Meena", "12", "Warm led", "meena@example.in", "Kavya", "", "+2d"],
    ["Meena Rao", "12", "Warm led", "meena@example.in", "Kavya", "", "+2d"],
    ["Other name", "98450 10001", "New", "other@example.in", "Kavya", "", "+2d"],
]


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


LOOKS = {"en": list(product(("light", "dark"), (1280, 390))), "hi": [("light", 1280)]}


def check_screen(tab):
    """Assert that axe finds nothing to say about the page, in any of its looks."""
    for scheme, width in LOOKS[tab.page.get_attribute("html", "lang")]:
        tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert find_faults(tab.page) == [], (tab.path, scheme, width)


def find_faults(frame):
    """Return what axe finds: the rule and the elements."""
    found = axe.Axe().run(frame).response["violations"]
    return [(rule["id"], rule["help"], [node["html"] for node in rule["nodes"]][:3]) for rule in found]


@pytest.mark.parametrize("language", LOOKS)
def test_no_screen_has_a_fault_that_axe_finds(chromium, tmp_path, language):
    """Names, roles, order of headings, contrast, focus: WCAG 2.2 AA and the best practices of axe-core."""
    write_csv(tmp_path / "leads.csv", SHEET)
    with start_page(tmp_path) as command:
        tab = Tab(chromium, command.url)
        tab.page.click(f".language button[value={language}]")
        check_screen(tab)
        tab.choose_file(tmp_path / "leads.csv")
        seen = []
        while not tab.has_ended:
            seen.append(tab.path.rpartition("/")[2])
            check_screen(tab)
            if seen[-1] == "rows":
                check_rows(tab)
            tab.go_on()
        assert {"sheet", "columns", "questions", "rows", "plan"} <= set(seen)
        check_screen(tab)
        tab.page.wait_for_selector("iframe")
        report = tab.page.frame_locator("iframe").locator("h1")
        report.wait_for(timeout=WAIT_MS)
        assert find_faults(tab.page.frames[1]) == []
        tab.page.goto(tab.page.url.partition("/runs/")[0] + "/")
        check_screen(tab)
        tab.page.goto(tab.page.url + "no-such-page")
        check_screen(tab)
        assert tab.faults == []


def check_rows(tab):
    """The grid while a cell is changed, after a change, with an offer; and the form of a row."""
    tab.page.click("#row-32 td.bad[data-column='3']")
    check_screen(tab)
    tab.page.keyboard.type("asha@example.in")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#said:not([hidden])", timeout=WAIT_MS)
    check_screen(tab)
    address = tab.page.url
    tab.page.goto(address.partition("?")[0] + "/33")
    check_screen(tab)
    tab.page.goto(address)
