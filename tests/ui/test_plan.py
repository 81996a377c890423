"""Screen 5: what each choice of policies would do, counted without a request, and planned again only by the button."""

import re

import pytest

from importer.pipeline.edit_rows import CellEdit, RowVersion
from importer.ui.run_steps import start_send
from tests.support import write_csv
from tests.ui.browser import read_fields
from tests.ui.test_journey import check, read_leads
from tests.ui.test_rows import put

PHONE, NEW, SAME = "+919845010001", "+919845010002", "+919845010003"
SHEET = [
    ["Name", "Mobile", "City", "Labels"],
    ["Asha Rao", PHONE, "Pune", "VIP"],
    ["Ravi Kumar", NEW, "Mysuru", ""],
    ["Meena Iyer", SAME, "Kochi", ""],
]


def get_store(server):
    return server.workspace.accounts.practice._running.sandbox.store


@pytest.fixture
def run_id(browser, server, tmp_path):
    """A plan with a new lead, one that has all of it, and one with another city."""
    found = check(browser, write_csv(tmp_path / "leads.csv", SHEET), source="")
    store = get_store(server)
    store.save(None, PHONE, {"first_name": "Asha", "last_name": "Rao", "city": "Goa"}, None)
    store.save(None, SAME, {"first_name": "Meena", "last_name": "Iyer", "city": "Kochi"}, None)
    browser.write(f"/runs/{found}/look-up")
    browser.wait(found)
    assert browser.path == f"/runs/{found}/plan"
    return found


def test_plan_names_what_stays_behind_and_the_tasks_that_it_creates(browser, tmp_path):
    """Rows to fix and merged rows are one click away: nobody takes a plan of most rows for one of all."""
    rows = [
        ["Name", "Mobile"],
        ["Asha", "98450 10001"],
        ["Ravi", "98450 10002"],
        ["Rao", "98450 10001"],
        ["Meena", "12"],
    ]
    run_id = check(
        browser, write_csv(tmp_path / "leads.csv", rows), source="", task="FOLLOW_UP_CALL", due="+2d"
    )
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id)
    assert "1 row is not in this plan: something in it must be fixed first." in browser.main
    assert "1 row is not sent by itself" in browser.main
    assert "2 follow-up tasks are created too" in browser.main
    for part, name in (("to_fix", "Meena"), ("skipped", "Rao")):
        assert f'href="{browser.prefix}/runs/{run_id}/rows?part={part}"' in browser.text
        assert name in browser.open(f"/runs/{run_id}/rows?part={part}").main
        browser.open(f"/runs/{run_id}/plan")


def read_counts(browser):
    found = re.findall(r'data-action="(\w+)"[^>]*><b>(\d+)</b>', browser.text)
    return {action: int(count) for action, count in found if int(count)}


def count_requests(server):
    return len(get_store(server).ledger())


def test_new_plans_are_careful_and_say_what_they_keep(browser, run_id):
    """The suggestion keeps the CRM's city; the label is added."""
    assert read_counts(browser) == {"create": 1, "update": 1, "unchanged": 1}
    fields = dict(read_fields(browser.text))
    assert (fields["mode:city"], fields["mode:add_labels"]) == ("fill", "overwrite")
    assert "1 kept" in browser.main
    assert "becomes" not in browser.main


def test_another_choice_is_counted_without_a_request(browser, server, run_id):
    """By the address without a script, and as JSON for the script; the plan stays as it is, and is not offered to be sent."""
    before = count_requests(server)
    browser.open(f"/runs/{run_id}/plan?mode:city=overwrite&mode:add_labels=keep")
    assert read_counts(browser) == {"create": 1, "update": 1, "unchanged": 1}
    assert 'Row 2: "Goa" becomes "Pune"' in browser.main
    assert re.search(r'id="send-form" hidden', browser.text)
    browser.open(f"/runs/{run_id}/plan?mode:city=keep&mode:add_labels=keep")
    assert read_counts(browser) == {"create": 1, "unchanged": 2}
    answer = browser.client.get(f"{browser.prefix}/runs/{run_id}/plan/choice?mode:city=overwrite").json()
    city = next(one for one in answer["fields"] if one["field"] == "city")
    assert (city["mode"], city["samples"], answer["is_planned"]) == (
        "overwrite",
        [["2", "Goa", "Pune"]],
        False,
    )
    assert browser.open(f"/runs/{run_id}/plan?existing=overwrite").status == 200
    assert 'id="send-form" hidden' in browser.text
    assert count_requests(server) == before
    assert 'id="send-form" hidden' not in browser.open(f"/runs/{run_id}/plan").text


def test_choice_is_planned_by_the_button_and_sent(browser, server, run_id):
    """No lead is looked up again; what was chosen is what is sent."""
    before = count_requests(server)
    browser.submit(f"/runs/{run_id}/policies", **{"mode:city": "overwrite"})
    browser.wait(run_id)
    assert count_requests(server) == before
    assert dict(read_fields(browser.text))["mode:city"] == "overwrite"
    assert 'id="send-form" hidden' not in browser.text
    browser.submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    assert {phone: read_leads(server)[phone]["city"] for phone in (PHONE, NEW, SAME)} == {
        PHONE: "Pune", NEW: "Mysuru", SAME: "Kochi",
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    ["mode:city=forward", "mode:nothing=fill", "mode:city=", "existing=nonsense", "mode:customer_note=keep"],
)
def test_choice_that_makes_no_sense_changes_nothing(browser, run_id, query):
    shown = browser.text
    token = re.compile(r'name="nonce" value="[^"]+"')
    assert token.sub("", browser.open(f"/runs/{run_id}/plan?{query}").text) == token.sub("", shown)


def test_edit_makes_the_plan_void(browser, server, run_id):
    """The rows are shown again. Only the new phone is looked up."""
    before = count_requests(server)
    put(browser, f"/runs/{run_id}/cells", {"row": [3, 0], "column": 1, "text": "98450 10009"})
    assert browser.open(f"/runs/{run_id}").path == f"/runs/{run_id}/rows"
    assert browser.client.get(f"{browser.prefix}/runs/{run_id}/plan/choice").status_code == 404
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id)
    assert browser.path == f"/runs/{run_id}/plan"
    assert count_requests(server) == before + 1


def test_plan_that_becomes_void_after_the_click_is_not_sent(browser, server, run_id, monkeypatch):
    """Another tab edits a row between the look at the nonce and the lock: as a check, it would go in unplanned."""

    def edit_and_send(workspace, run_id, *given):
        with workspace.editors.open(workspace.reports / run_id) as rows:
            rows.editor.edit_cells([CellEdit(3, 1, "98450 10009")], [RowVersion(3, 0)])
        return start_send(workspace, run_id, *given)

    monkeypatch.setattr("importer.ui.plan_screen.start_send", edit_and_send)
    before = count_requests(server)
    browser.submit(f"/runs/{run_id}/send")
    server.workspace.tasks.find(run_id).join()
    assert count_requests(server) == before
    assert browser.open(f"/runs/{run_id}").path == f"/runs/{run_id}/rows"
    assert "The plan has changed" in browser.text
