"""The rows in a real browser, by the keyboard alone: edits, a block from the clipboard, undo, the values of the account."""

import pytest

from tests.desktop.programs import needs_chromium
from tests.desktop.ui_page import WAIT_MS, Tab, open_chromium, start_page
from tests.support import write_csv

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(300), needs_chromium]
SHEET = [
    ["Name", "Mobile", "City", "Stage"],
    *[[f"Lead {n}", f"98450{n:05}", f"Town {n}", "New"] for n in range(300)],
    ["Meena", "12", "Kochi", ""],
    ["Ravi", "12", "MG Road\nHubli", ""],
]
LAST = 303


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def tab(chromium, tmp_path):
    folder = tmp_path
    write_csv(folder / "leads.csv", SHEET)
    with start_page(folder, "leads.csv") as command:
        found = Tab(chromium, command.url)
        found.context.grant_permissions(["clipboard-read", "clipboard-write"])
        while not found.path.endswith("/rows"):
            found.go_on()
        yield found
        assert found.faults == []


def read_cell(tab, number, column):
    return tab.page.inner_text(f"#row-{number} td[data-column='{column}'] .text")


def read_focus(tab):
    """Return the row and the column of the focused cell."""
    return tab.page.evaluate(
        "[+document.activeElement.parentElement.dataset.number, +document.activeElement.dataset.column]"
    )


def wait_for(tab, text):
    """Wait until the page says this, and clear it, so that the next wait cannot see the words of this step."""
    tab.page.wait_for_function(
        "text => { const said = document.getElementById('said'); const found = said.textContent.startsWith(text);"
        " if (found) said.textContent = ''; return found; }",
        arg=text, timeout=WAIT_MS,
    )  # fmt: skip


def check_faulty_cell_is_fixed_by_keyboard_and_undone(tab):
    """N finds it, F2 changes it, Enter saves it; focus and scroll stay, the state is in words, Ctrl+Z takes it back."""
    keyboard = tab.page.keyboard
    tab.page.goto(tab.page.url.partition("?")[0] + "?part=all&after=200")
    tab.page.focus("#row-201 td[data-column='0']")
    keyboard.press("n")
    assert read_focus(tab) == [LAST - 1, 1]
    scrolled = tab.page.evaluate("document.querySelector('.rows').scrollTop")
    assert scrolled > 0
    keyboard.press("F2")
    keyboard.type("98450 77777")
    keyboard.press("Enter")
    wait_for(tab, "Saved")
    assert read_cell(tab, LAST - 1, 1) == "98450 77777"
    assert tab.page.inner_text(f"#row-{LAST - 1} .word") == "Ready"
    assert "In the file: 12" in tab.page.inner_text(f"#row-{LAST - 1}")
    assert read_focus(tab) == [LAST, 1]
    assert tab.page.evaluate("document.querySelector('.rows').scrollTop") >= scrolled
    assert tab.page.inner_text("[data-count=to_fix]") == "1"
    keyboard.press("Control+z")
    wait_for(tab, "Saved")
    assert tab.page.inner_text("[data-count=to_fix]") == "2"
    assert read_cell(tab, LAST - 1, 1) == "12"
    assert read_focus(tab) == [LAST, 1]


def check_esc_leaves_the_cell_and_arrows_move(tab):
    keyboard = tab.page.keyboard
    keyboard.press("Enter")
    keyboard.type("nonsense")
    keyboard.press("Escape")
    assert read_cell(tab, LAST, 1) == "12"
    keyboard.press("ArrowLeft")
    keyboard.press("ArrowUp")
    assert read_focus(tab) == [LAST - 1, 0]


def check_block_is_copied_and_pasted(tab):
    """A block as Excel puts it on the clipboard fills the cells to the right and below, as one step."""
    keyboard = tab.page.keyboard
    tab.page.evaluate("navigator.clipboard.writeText('Asha\\t98450 88888\\nRavi\\t98450 99999\\n')")
    keyboard.press("Control+v")
    wait_for(tab, "Saved")
    assert tab.page.inner_text("[data-count=to_fix]") == "0"
    assert [read_cell(tab, row, 0) for row in (LAST - 1, LAST)] == ["Asha", "Ravi"]
    keyboard.press("Control+c")
    tab.page.wait_for_function("async () => await navigator.clipboard.readText() === 'Asha'", timeout=WAIT_MS)
    keyboard.press("Control+z")
    wait_for(tab, "Saved")
    assert tab.page.inner_text("[data-count=to_fix]") == "2"


def check_edit_of_a_row_that_another_window_changed_is_refused_and_shown(tab):
    """The cell shows what is there now; a second try succeeds."""
    other = tab.context.new_page()
    other.goto(tab.page.url.partition("?")[0] + f"/{LAST}")
    other.fill("#cell-2", "Dharwad")
    with other.expect_navigation(timeout=WAIT_MS):
        other.click("button[value=save]")
    other.close()
    type_into(tab, LAST, 2, "Belgaum")
    wait_for(tab, f"Row {LAST} was changed meanwhile")
    assert read_cell(tab, LAST, 2) == "Dharwad"
    type_into(tab, LAST, 2, "Belgaum")
    wait_for(tab, "Saved")
    assert read_cell(tab, LAST, 2) == "Belgaum"


def type_into(tab, number, column, text):
    tab.page.focus(f"#row-{number} td[data-column='{column}']")
    for key in ("Enter", "Control+a"):
        tab.page.keyboard.press(key)
    tab.page.keyboard.type(text)
    tab.page.keyboard.press("Enter")


def check_lines_of_a_cell_stay_lines(tab):
    """A look into the cell changes nothing, and an edit keeps the line breaks that it does not touch."""
    keyboard, version = tab.page.keyboard, f"+document.getElementById('row-{LAST}').dataset.version"
    before = tab.page.evaluate(version)
    tab.page.focus(f"#row-{LAST} td[data-column='2']")
    for key in ("F2", "Tab", "ArrowLeft", "F2", "End"):
        keyboard.press(key)
    keyboard.type(" West")
    keyboard.press("Enter")
    wait_for(tab, "Saved")
    lines = tab.page.text_content(f"#row-{LAST} td[data-column='2'] .text").split("\n")
    assert "".join(lines) in ("MG RoadHubli West", "MG Road WestHubli")
    assert (len(lines), tab.page.evaluate(version)) == (2, before + 1)


def check_values_of_the_account_are_in_a_list(tab):
    """Alt and the arrow open it, arrows choose, Enter saves, Esc leaves the cell as it was."""
    keyboard = tab.page.keyboard
    tab.page.focus("#row-201 td[data-column='3']")
    keyboard.press("Alt+ArrowDown")
    assert tab.page.evaluate("document.activeElement.tagName") == "SELECT"
    assert "Won" in tab.page.inner_text("#row-201 select")
    keyboard.press("Escape")
    assert read_cell(tab, 201, 3) == "New"
    keyboard.press("Alt+ArrowDown")
    keyboard.type("Won")
    keyboard.press("Enter")
    wait_for(tab, "Saved")
    assert read_cell(tab, 201, 3) == "Won"
    assert read_focus(tab) == [201, 3]


def test_rows_are_fixed_by_the_keyboard_alone(tab):
    """One journey through all that the keyboard can do; each step begins where the one before has ended."""
    check_faulty_cell_is_fixed_by_keyboard_and_undone(tab)
    check_esc_leaves_the_cell_and_arrows_move(tab)
    check_block_is_copied_and_pasted(tab)
    check_lines_of_a_cell_stay_lines(tab)
    check_edit_of_a_row_that_another_window_changed_is_refused_and_shown(tab)
    check_values_of_the_account_are_in_a_list(tab)


def open_rows(chromium, command, **options):
    """Go to the rows of the sheet that the command was started with."""
    tab = Tab(chromium, command.url, **options)
    while not tab.path.endswith("/rows"):
        if tab.page.locator("input[name=answer][value=no]").count():
            tab.page.check("input[name=answer][value=no]")
        tab.go_on()
    return tab


def is_in_view(tab, selector):
    """Return whether nothing hides the element: neither the window nor the box of the grid, nor its fixed column."""
    return tab.page.evaluate(
        """selector => {
             const { left, right, top, bottom } = document.querySelector(selector).getBoundingClientRect();
             const box = document.querySelector('.rows').getBoundingClientRect();
             const fixed = document.querySelector('#rows tbody th').getBoundingClientRect().right;
             return left > fixed - 1 && right <= Math.min(box.right, innerWidth) && top >= box.top && bottom <= innerHeight;
           }""",
        selector,
    )


def test_faulty_cells_far_to_the_right_are_named_and_found_by_a_click(chromium, tmp_path):
    """The first one is in view at once. Each row names its faulty columns; a click on one, or on its cell, changes it."""
    wide = [f"Remark {n}" for n in range(12)]
    row = [f"a remark that takes its place {n}" for n in range(12)]
    sheet = [["Name", "Mobile", *wide, "E-mail"]]
    sheet += [[f"Lead {n}", f"98450 10{n:03}", *row, f"lead{n}@example.in"] for n in range(20)]
    sheet[1][-1] = sheet[2][-1] = "lead at example.in"
    sheet[4][1] = "12"
    write_csv(tmp_path / "leads.csv", sheet)
    with start_page(tmp_path, "leads.csv") as command:
        tab = open_rows(chromium, command, viewport={"width": 1280, "height": 800})
        assert is_in_view(tab, "#row-2 td.bad")
        assert is_in_view(tab, "#row-2 td[data-column='0']")  # and whose row it is
        assert tab.page.inner_text("#row-2 .state .to-cell") == "E-mail"
        tab.page.click("#row-5 .state .to-cell")
        assert is_in_view(tab, "#row-5 td.bad")
        tab.page.keyboard.type("98450 10009")
        tab.page.keyboard.press("Enter")
        wait_for(tab, "Saved")
        assert tab.page.locator("#row-5 .state .to-cell").count() == 0
        tab.page.click("#row-2 td.bad")
        tab.page.keyboard.type("lead0@example.in")
        tab.page.click("#next-problem")
        wait_for(tab, "Saved")
        tab.page.keyboard.type("lead1@example.in")
        tab.page.keyboard.press("Enter")
        wait_for(tab, "Saved")
        assert tab.page.inner_text("[data-count=to_fix]") == "0"
        assert tab.faults == []


def test_next_problem_leaves_none_out(chromium, tmp_path):
    """Enter moves the focus on: past a problem in a column further left, or onto the next one. Both are still ahead."""
    sheet = [
        ["Name", "Mobile", "E-mail"],
        *[[f"Lead {n}", f"98450 40{n:03}", f"lead{n}@example.in"] for n in range(20)],
    ]
    sheet[1][2] = sheet[5][2] = "lead at example.in"
    sheet[2][1] = sheet[3][1] = "12"
    write_csv(tmp_path / "leads.csv", sheet)
    with start_page(tmp_path, "leads.csv") as command:
        tab = open_rows(chromium, command)
        fixed = []
        for text in ("lead@example.in", "98450 50001", "98450 50002", "lead@example.in"):
            tab.page.click("#next-problem")
            fixed.append(tab.page.evaluate("+document.activeElement.closest('tr').dataset.number"))
            tab.page.keyboard.type(text)
            tab.page.keyboard.press("Enter")
            wait_for(tab, "Saved")
        assert fixed == [2, 3, 4, 6]
        assert tab.page.inner_text("[data-count=to_fix]") == "0"
        assert tab.faults == []


def test_mouse_and_clipboard_as_in_a_spreadsheet(chromium, tmp_path):
    """A click changes a cell. A block is pasted there too; a stage is chosen from the list at once."""
    stages = ["New", "Nowhere", "New"]
    write_csv(
        tmp_path / "leads.csv",
        [["Name", "Mobile", "Stage"], *[["Asha", f"98450 2000{n}", stages[n]] for n in range(3)]],
    )
    with start_page(tmp_path, "leads.csv") as command:
        tab = open_rows(chromium, command)
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        tab.page.goto(tab.page.url + "?part=all")
        tab.page.click("#row-3 td.bad")
        assert tab.page.evaluate("document.activeElement.tagName") == "SELECT"
        tab.page.keyboard.type("Won")
        tab.page.keyboard.press("Enter")
        wait_for(tab, "Saved")
        assert read_cell(tab, 3, 2) == "Won"
        tab.page.evaluate("navigator.clipboard.writeText('Ravi\\t98450 30001\\nMeena\\t98450 30002\\n')")
        tab.page.click("#row-2 td[data-column='0']")
        tab.page.keyboard.press("Control+v")
        wait_for(tab, "Saved")
        assert [read_cell(tab, row, column) for row in (2, 3) for column in (0, 1)] == [
            "Ravi", "98450 30001", "Meena", "98450 30002",
        ]  # fmt: skip
        tab.page.evaluate("navigator.clipboard.writeText('Kiran\\n')")
        tab.page.click("#row-4 td[data-column='0']")
        tab.page.keyboard.press("Control+v")
        tab.page.keyboard.press("Enter")
        wait_for(tab, "Saved")
        assert read_cell(tab, 4, 0) == "Kiran"
        type_into(tab, 4, 1, "12")
        wait_for(tab, "Saved")
        tab.page.click("#row-4 .place")
        wait_for(tab, "Saved")
        assert tab.page.inner_text("#row-4 .word") == "Skipped"
        tab.page.click("#row-4 .place")
        wait_for(tab, "Saved")
        assert tab.page.inner_text("#row-4 .word") == "Fix this row"
        assert tab.faults == []


def test_choice_of_policies_is_counted_at_once(chromium, tmp_path):
    """By the arrow keys: examples and counts change, sending waits for the button, and the choice is what is sent."""
    write_csv(tmp_path / "leads.csv", [["Mobile", "City"], ["98450 12001", "Pune"]])
    with start_page(tmp_path, "leads.csv") as command:
        tab = Tab(chromium, command.url)
        while not tab.path.endswith("/plan"):
            tab.go_on()
        assert not tab.page.is_hidden("#send-form")
        tab.page.focus("input[name='mode:city'][value=fill]")
        tab.page.keyboard.press("ArrowLeft")
        sample = tab.page.locator("[data-field=city] .samples li")
        assert sample.inner_text(timeout=WAIT_MS) == 'Row 2: "Jayanagar 4th Block" becomes "Pune"'
        assert tab.page.is_hidden("#send-form")
        with tab.page.expect_navigation(timeout=WAIT_MS):
            tab.page.click("#other button")
        tab.wait()
        assert tab.page.is_checked("input[name='mode:city'][value=overwrite]")
        while not tab.has_ended:
            tab.go_on()
        assert tab.faults == []
