"""Screen 4: rows are fixed in forms without a script, and by the requests of the script; two windows lose no edit."""

import html
import re

import pytest

from tests.support import read_csv, write_csv
from tests.ui.browser import Browser, read_fields
from tests.ui.test_journey import check, read_leads

SHEET = [
    ["Name", "Mobile", "Stage", "City"],
    ["Asha Rao", "98450 10001", "New", "Pune"],
    ["Ravi Kumar", "98450 10002", "Nowhere land", "Mysuru"],
    ["Meena Iyer", "12", "Nowhere land", "Kochi"],
    ["Nobody", "13", "", ""],
]
NAME, MOBILE, STAGE, CITY = range(4)


@pytest.fixture
def run_id(browser, tmp_path):
    """A checked run: the unknown stage was kept, so its rows are to be fixed."""
    found = check(browser, write_csv(tmp_path / "leads.csv", SHEET))
    if browser.path.endswith("/questions"):
        browser.submit(f"/runs/{found}/questions", **{"item:0": "keep"})
        browser.wait(found)
    assert browser.path == f"/runs/{found}/rows", (browser.path, browser.main)
    return found


def put(browser: Browser, path: str, body: object):
    headers = browser.make_headers(**{"x-importer-token": browser.token, "content-type": "application/json"})
    return browser.client.put(browser.prefix + path, json=body, headers=headers)


def read_counts(browser):
    return {part: int(count) for part, count in re.findall(r'data-count="(\w+)">(\d+)<', browser.text)}


def test_rows_to_fix_are_shown_with_their_sentences_and_counts(browser, run_id):
    """Words and an icon, not colour alone; the counts add up."""
    counts = read_counts(browser)
    assert counts == {"all": 4, "to_fix": 3, "warned": 0, "skipped": 0, "ready": 1}
    assert '"Nowhere land" does not exist in your account.' in browser.main
    assert "Asha Rao" not in browser.main
    assert "Asha Rao" in browser.open(f"/runs/{run_id}/rows?part=all").main
    assert "Ravi" not in browser.open(f"/runs/{run_id}/rows?part=to_fix&q=nobody").main
    assert "Nobody" not in browser.open(f"/runs/{run_id}/rows?part=all&code=lead_stage_name.unknown").main


def test_forms_fix_rows_without_a_script(browser, server, run_id):
    """One row, the same value in another row, a row left out, undo; then the rest goes in as edited."""
    browser.open(f"/runs/{run_id}/rows/3")
    browser.submit(
        f"/runs/{run_id}/rows/3",
        **{f"cell:{STAGE}": "Won", f"same:{STAGE}": "lead_stage_name.unknown", "action": "save"},
    )
    assert browser.path.startswith(f"/runs/{run_id}/rows?")
    assert read_counts(browser) == {"all": 4, "to_fix": 2, "warned": 0, "skipped": 0, "ready": 2}
    browser.open(f"/runs/{run_id}/rows/4").submit(
        f"/runs/{run_id}/rows/4", **{f"cell:{MOBILE}": "98450 10003", "action": "save"}
    )
    browser.open(f"/runs/{run_id}/rows/5").submit(f"/runs/{run_id}/rows/5", action="leave_out")
    assert read_counts(browser) == {"all": 4, "to_fix": 0, "warned": 0, "skipped": 1, "ready": 3}
    undo = dict(read_fields(browser.text))
    browser.submit(f"/runs/{run_id}/step", step=undo["step"])
    assert read_counts(browser)["to_fix"] == 1
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id).submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    found = {phone: lead["lead_stage_name"] for phone, lead in read_leads(server).items()}
    assert [found[f"+91984501000{n}"] for n in (1, 2, 3)] == ["New", "Won", "Won"]


def test_next_step_says_how_many_rows_can_go_in_after_each_edit(browser, tmp_path):
    """A page that began without any is not stuck with a button that cannot be pressed."""
    run_id = check(
        browser, write_csv(tmp_path / "leads.csv", [["Name", "Mobile"], ["Asha", "12"], ["Ravi", "13"]])
    )
    assert "disabled" in re.search(r'<button[^>]*id="look-up"[^>]*>', browser.text)[0]
    changed = put(
        browser, f"/runs/{run_id}/cells", {"row": [2, 0], "column": 1, "text": "98450 10001"}
    ).json()
    assert changed["look_up"]["rows"] == 1
    assert changed["look_up"]["hint"].startswith("1 row can go in.")
    assert (
        "disabled"
        not in re.search(r'<button[^>]*id="look-up"[^>]*>', browser.open(f"/runs/{run_id}/rows").text)[0]
    )


def test_page_in_hindi_says_what_is_wrong_in_hindi(browser, server, run_id):
    """Also after an edit; a title that is suggested stays as the account has it, and texts of the sheet stay as they are."""
    browser.write("/language", [("language", "hi")])
    browser.open(f"/runs/{run_id}/rows")
    assert '"Nowhere land" आपके अकाउंट में नहीं है।' in browser.main
    assert "स्टेज: अकाउंट में नहीं है (2)" in browser.main
    assert "does not exist" not in browser.main
    change = {"row": [3, 0], "column": STAGE, "text": "Warm led"}
    cell = put(browser, f"/runs/{run_id}/cells", change).json()["rows"][0]["cells"][STAGE]
    assert cell["why"] == ['"Warm led" आपके अकाउंट में नहीं है। क्या आपका मतलब "Warm lead" है?']
    browser.open(f"/runs/{run_id}/report")
    assert "जा सकती हैं" in browser.main
    assert "can go in" not in browser.main


def test_title_that_the_crm_rejects_is_not_offered(browser, tmp_path):
    """Two groups of the account have the same name, so no row can have it."""
    rows = [["Name", "Mobile", "Group"], ["Asha", "98450 10001", "Festival offer"]]
    rows += [["Ravi", f"98450 1001{n}", "Referrals"] for n in range(9)]
    run_id = check(browser, write_csv(tmp_path / "leads.csv", rows))
    if browser.path.endswith("/questions"):
        browser.submit(f"/runs/{run_id}/questions", answer="no")
        browser.wait(run_id)
    offered = re.findall(r'<option value="([^"]*)"></option>', browser.text)
    assert "Referrals" in offered
    assert "Festival offer" not in offered


def test_two_windows_get_409_and_not_a_lost_edit(browser, server, run_id):
    """By form, with the row as it is now, and by script."""
    other = Browser(server).open(f"/runs/{run_id}/rows/3")
    browser.open(f"/runs/{run_id}/rows/3").submit(
        f"/runs/{run_id}/rows/3", **{f"cell:{CITY}": "Hubli", "action": "save"}
    )
    other.submit(f"/runs/{run_id}/rows/3", **{f"cell:{CITY}": "Dharwad", "action": "save"})
    assert other.status == 409
    assert "Row 3 was changed meanwhile" in other.main
    assert ("cell:3", "Hubli") in read_fields(other.text)
    answer = put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": CITY, "text": "Dharwad"})
    assert answer.status_code == 409
    assert answer.json()["rows"][0]["cells"][CITY]["text"] == "Hubli"
    assert (
        put(browser, f"/runs/{run_id}/cells", {"row": [3, 1], "column": CITY, "text": "Dharwad"}).status_code
        == 200
    )


def test_step_that_was_undone_in_another_window_is_409(browser, server, run_id):
    put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": CITY, "text": "Hubli"})
    other = Browser(server).open(f"/runs/{run_id}/rows")
    browser.open(f"/runs/{run_id}/rows").submit(f"/runs/{run_id}/step")
    assert browser.status == 200
    assert other.submit(f"/runs/{run_id}/step").status == 409
    assert "nothing to undo" in other.main


def test_first_page_is_sorted_by_the_cells_as_they_are_now(browser, run_id):
    """Later pages keep the order, so that no row is shown twice or missed after an edit."""

    def read_order():
        return re.findall(r'id="row-(\d+)"', browser.open(f"/runs/{run_id}/rows?part=all&sort={CITY}").text)

    assert read_order() == ["5", "4", "3", "2"]
    put(browser, f"/runs/{run_id}/cells", {"row": [2, 0], "column": CITY, "text": "Agra"})
    assert read_order() == ["5", "2", "4", "3"]


def test_script_edits_a_cell_and_is_offered_the_other_rows(browser, run_id):
    """The answer has the rows as they are judged now, the counts, and the step that can be undone."""
    changed = put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": STAGE, "text": "Won"}).json()
    assert [row["number"] for row in changed["rows"]] == [3]
    assert changed["rows"][0]["part"] == "ready"
    assert changed["rows"][0]["cells"][STAGE] == {
        "text": "Won",
        "file": "Nowhere land",
        "level": "",
        "why": [],
    }
    assert changed["counts"]["to_fix"] == 2
    assert changed["offer"]["question"] == 'Write "Won" in place of "Nowhere land" in 1 other row too?'
    same = put(browser, f"/runs/{run_id}/same", {"row": [3, 1], "offer": changed["offer"]}).json()
    assert [row["number"] for row in same["rows"]] == [4]
    undone = put(browser, f"/runs/{run_id}/step", {"step": same["step"]}).json()
    assert undone["rows"][0]["cells"][STAGE]["text"] == "Nowhere land"
    assert undone["step"] == changed["step"]
    assert put(browser, f"/runs/{run_id}/step", {"step": same["step"]}).status_code == 409


def test_block_from_excel_is_pasted_as_one_step(browser, run_id):
    """Tabs between cells, quotes around a line break; what does not fit is left out, and counted."""
    rows = [[number, 0] for number in (3, 4, 5)]
    text = '98450 10002\tNew\r\n98450 10003\t"Won"\r\n'
    changed = put(browser, f"/runs/{run_id}/block", {"rows": rows, "column": MOBILE, "text": text}).json()
    assert [(row["number"], row["part"]) for row in changed["rows"]] == [(3, "ready"), (4, "ready")]
    assert changed["undo"] == "Undo the last change (3 cells)"
    wide = put(
        browser, f"/runs/{run_id}/block", {"rows": [[5, 0]], "column": CITY, "text": 'a\tb\tc\n"x\ny"'}
    ).json()
    assert [cell["text"] for cell in wide["rows"][0]["cells"]] == ["Nobody", "13", "", "a"]
    assert "left out" not in changed["said"]
    assert wide["said"] == (
        "Saved and checked. 1 row changed. 3 pasted cells have no place on this page and were left out."
    )
    for bad in ({"rows": rows, "column": MOBILE, "text": ""}, {"rows": [[3]], "column": 0, "text": "x"}, {}):
        assert put(browser, f"/runs/{run_id}/block", bad).status_code == 400


def test_empty_cell_in_the_middle_of_a_pasted_column_is_an_empty_cell(browser, run_id):
    """Excel writes it as an empty line."""
    rows = [[number, 0] for number in (3, 4, 5)]
    answer = put(browser, f"/runs/{run_id}/block", {"rows": rows, "column": CITY, "text": "a\r\n\r\nc\r\n"})
    assert answer.status_code == 200
    assert [row["cells"][CITY]["text"] for row in answer.json()["rows"]] == ["a", "", "c"]


def test_block_beside_the_columns_changes_nothing_and_is_said(browser, run_id):
    body = {"rows": [[5, 0]], "column": CITY + 1, "text": "a\tb"}
    answer = put(browser, f"/runs/{run_id}/block", body)
    assert answer.status_code == 200
    assert "2 pasted cells" in answer.json()["said"]


def test_row_is_left_out_and_taken_back_by_script(browser, run_id):
    left = put(browser, f"/runs/{run_id}/place", {"row": [5, 0], "is_left_out": True}).json()
    assert (left["rows"][0]["part"], left["rows"][0]["is_left_out"]) == ("skipped", True)
    back = put(browser, f"/runs/{run_id}/place", {"row": [5, 1], "is_left_out": False}).json()
    assert back["rows"][0]["part"] == "to_fix"


def test_text_of_a_cell_is_never_markup(browser, run_id):
    """As typed into a cell, as a search, and back in the form."""
    naughty = "<script>alert(1)</script>\"'&amp;"
    put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": NAME, "text": naughty})
    page = browser.open(f"/runs/{run_id}/rows?part=all&q=%3Cscript%3E").text
    assert "<script>alert" not in page
    assert html.escape(naughty, quote=False)[:20] in page
    assert dict(read_fields(browser.open(f"/runs/{run_id}/rows/3").text))["cell:0"] == naughty


def test_cell_that_a_form_cannot_show_stays_as_it_is(browser, server, run_id):
    """A line break and a hidden character survive a save of another cell."""
    text = "Asha\u202e\nRao"
    put(browser, f"/runs/{run_id}/cells", {"row": [2, 0], "column": NAME, "text": text})
    browser.open(f"/runs/{run_id}/rows/2").submit(
        f"/runs/{run_id}/rows/2", **{f"cell:{CITY}": "Thane", "action": "save"}
    )
    with server.workspace.editors.open(server.workspace.reports / run_id) as rows:
        row = rows.journal.edits.read_rows([2])[2]
    assert (row.cells[NAME], row.cells[CITY]) == (text, "Thane")


@pytest.mark.parametrize("break_", ["\n", "\u2028", "\x0b", "\x85"])
def test_cell_of_several_lines_has_a_field_of_several_lines(browser, run_id, break_):
    """An input joins its lines, and the form would save that as an edit."""
    text = f"12 MG Road{break_}Pune"
    put(browser, f"/runs/{run_id}/cells", {"row": [2, 0], "column": CITY, "text": text})
    form = browser.open(f"/runs/{run_id}/rows/2").text
    assert f'<textarea id="cell-{CITY}"' in form
    assert f'<input id="cell-{MOBILE}"' in form


@pytest.mark.parametrize("column", ["x", "-1", "9" * 5000], ids=["text", "negative", "5000 digits"])
def test_field_of_no_column_changes_nothing(browser, run_id, column):
    """In a form made by hand. The other fields are saved."""
    fields = [("action", "save"), ("version", "0"), (f"cell:{column}", "Agra"), (f"cell:{CITY}", "Thane")]
    assert browser.write(f"/runs/{run_id}/rows/2", fields).status_code == 303
    saved = dict(read_fields(browser.open(f"/runs/{run_id}/rows/2").text))
    assert saved[f"cell:{CITY}"] == "Thane"
    assert "Agra" not in saved.values()


@pytest.mark.parametrize("path", ["/rows/99", "/rows/x", "/rows/9999999999999999999"])
def test_row_that_does_not_exist_is_not_found(browser, run_id, path):
    assert browser.open(f"/runs/{run_id}{path}").status == 404


@pytest.mark.parametrize(
    "query",
    [
        "part=nonsense",
        "after=x&before=y",
        "sort=99",
        "code=no.such",
        "before=1",
        "end=1",
        f"after={10**30}",
        f"before={10**30}",
        "sort=" + "9" * 5000,
    ],
)
def test_address_that_makes_no_sense_still_shows_rows(browser, run_id, query):
    assert browser.open(f"/runs/{run_id}/rows?{query}").status == 200


def test_columns_page_says_that_edits_would_be_lost(browser, run_id):
    assert "You have changed" not in browser.open(f"/runs/{run_id}/columns").main
    put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": STAGE, "text": "Won"})
    assert "You have changed 1 row." in browser.open(f"/runs/{run_id}/columns").main


def test_report_of_an_edited_run_is_that_of_its_rows_now(browser, server, run_id):
    """It is written when it is asked for, not after each edit; and not again if nothing has changed."""
    folder = server.workspace.reports / run_id
    put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": STAGE, "text": "Won"})
    assert read_csv(folder / "results.csv")[1]["_status"] == "invalid"
    browser.open(f"/runs/{run_id}/report")
    row = read_csv(folder / "results.csv")[1]
    assert (row["_status"], row["_codes"]) == ("accepted", "lead_stage_name.edited")
    written = (folder / "summary.json").stat().st_mtime_ns
    browser.open(f"/runs/{run_id}/report")
    assert (folder / "summary.json").stat().st_mtime_ns == written


def test_run_that_was_sent_is_not_edited(browser, run_id):
    """The address of the rows leads to where the run is."""
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id).submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    assert browser.open(f"/runs/{run_id}/rows").path == f"/runs/{run_id}/report"
    assert put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": 0, "text": "x"}).status_code == 400
