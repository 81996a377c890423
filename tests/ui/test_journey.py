"""The journey from a sheet to its report, as forms without a script: what is on disk decides which page is shown."""

import json
import threading

import pytest
from openpyxl import Workbook

from importer.journal.database import JOURNAL_NAME
from importer.journal.run_journal import Journal
from importer.pipeline.questions import UnknownValue
from importer.pipeline.resume import lock_journal
from importer.report.summary import REPORT_FILES
from importer.sender.stop_control import StopRequest
from importer.ui.run_task import TaskKind
from tests.support import write_csv
from tests.ui.browser import Browser, make_server, read_fields

LEADS = [
    ["Name", "Mobile", "Stage", "City"],
    ["Asha Rao", "98450 10001", "New", "Pune"],
    ["Ravi Kumar", "98450 10002", "Warm led", "Mysuru"],
    ["Meena Iyer", "12", "New", "Kochi"],
]
CLEAN = [["Name", "Mobile"], ["Asha Rao", "98450 10001"], ["Ravi Kumar", "98450 10002"]]


def check(browser: Browser, path, **changed) -> str:
    """Upload a sheet and check it as it was matched. Return its run id."""
    run_id = browser.upload(path)
    browser.submit(f"/runs/{run_id}/sheet")
    browser.submit(f"/runs/{run_id}/columns", **changed)
    browser.wait(run_id)
    return run_id


def plan(browser: Browser, path) -> str:
    """Take a sheet as far as its plan."""
    run_id = check(browser, path)
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id)
    assert browser.path == f"/runs/{run_id}/plan", browser.main
    return run_id


def read_leads(server):
    store = server.workspace.accounts.practice._running.sandbox.store
    return {lead["phone"]: lead for lead in store.all_leads()}


def test_a_sheet_with_faults_goes_from_the_file_to_its_report(browser, server, tmp_path):
    """Sheet, columns, values, plan, send, report: each page leads to the next one, and every row is accounted for."""
    run_id = browser.upload(write_csv(tmp_path / "leads.csv", LEADS))
    assert browser.path == f"/runs/{run_id}/sheet"
    assert "98450 10001" in browser.main
    browser.submit(f"/runs/{run_id}/sheet")
    assert browser.path == f"/runs/{run_id}/columns"
    browser.submit(f"/runs/{run_id}/columns", source="Expo")
    browser.wait(run_id)
    assert browser.title == "What do these values mean?"
    assert ("item:0", "title:Warm lead") in read_fields(browser.text)
    browser.submit(f"/runs/{run_id}/questions")
    browser.wait(run_id)
    assert (browser.title, "2 rows can go in" in browser.main) == ("Check the rows", True)
    browser.write(f"/runs/{run_id}/look-up")
    assert browser.wait(run_id).title == "This is what will change"
    browser.submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    assert browser.path == f"/runs/{run_id}/report"
    found = read_leads(server)
    assert found["+919845010002"]["lead_stage_name"] == "Warm lead"
    assert found["+919845010001"]["source"] == "Expo"
    summary = json.loads((server.workspace.reports / run_id / "summary.json").read_text("utf-8"))
    assert (summary["state"], summary["counts"]["accepted"], summary["counts"]["invalid"]) == (
        "finished",
        2,
        1,
    )
    assert (
        server.workspace.preparations.find(run_id) is None
    )  # the sheet is not kept longer than it is needed


def test_reports_are_read_by_their_names_in_a_frame_without_our_origin(browser, server, tmp_path):
    """Nothing else of the folder can be read, and a report that is a link is not followed."""
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    folder = server.workspace.reports / run_id

    def read(name):
        return browser.client.get(f"{browser.prefix}/runs/{run_id}/files/{name}")

    for name in REPORT_FILES:
        assert read(name).status_code == (200 if (folder / name).is_file() else 404)
    (folder / "leads.txt").write_text("mine")
    others = (
        "journal.sqlite",
        "leads.txt",
        ".writing.lock",
        "..%2fpreparing",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "",
    )
    assert {read(name).status_code for name in others} == {404}
    browser.open(f"/runs/{run_id}/report")
    policy = read("report.html").headers["content-security-policy"]
    assert 'sandbox="allow-scripts"' in browser.text
    assert "sandbox allow-scripts;" in policy
    assert "allow-same-origin" not in policy + browser.text
    assert "frame-ancestors 'self'" in policy
    (folder / "results.csv").unlink()
    (folder / "results.csv").symlink_to("/etc/passwd")
    assert read("results.csv").status_code == 404


def test_rows_that_did_not_go_in_are_one_click_from_being_fixed(browser, server, tmp_path):
    """The columns and options of their run are known, so the rows are the next page; fixed, they go in."""
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", [*CLEAN, ["Meena Iyer", "12"]]))
    browser.submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    browser.open(browser.write(f"/runs/{run_id}/fix").headers["location"])
    fixed = browser.path.split("/")[2]
    assert browser.wait(fixed).path == f"/runs/{fixed}/rows"
    assert "Meena Iyer" in browser.main
    browser.open(f"/runs/{fixed}/rows/2").submit(
        f"/runs/{fixed}/rows/2", **{"cell:1": "98450 10003", "action": "save"}
    )
    browser.write(f"/runs/{fixed}/look-up")
    browser.wait(fixed).submit(f"/runs/{fixed}/send")
    assert browser.wait(fixed).path == f"/runs/{fixed}/report"
    assert read_leads(server)["+919845010003"]["first_name"] == "Meena"


# --- state is what is on disk


def test_another_browser_and_a_new_server_find_the_run_where_it_was(browser, server, tmp_path):
    """The preparation has the sheet and its columns, the journal has the rest: nothing is in memory alone."""
    run_id = browser.upload(write_csv(tmp_path / "leads.csv", LEADS))
    assert Browser(server).open(f"/runs/{run_id}").path == f"/runs/{run_id}/sheet"
    browser.submit(f"/runs/{run_id}/sheet")
    browser.submit(f"/runs/{run_id}/columns")
    browser.wait(run_id)
    assert Browser(server).open(f"/runs/{run_id}").path == f"/runs/{run_id}/questions"
    server.workspace.stop_check(run_id)  # as if the process had been killed at its question
    second = make_server(tmp_path, practice=True)
    assert Browser(second).open(f"/runs/{run_id}").path == f"/runs/{run_id}/columns"
    second.workspace.accounts.practice.close()
    second.listener.close()


def test_answers_survive_a_restart(browser, server, tmp_path):
    """They are on disk before the check goes on, so the next server does not ask again."""
    run_id = check(browser, write_csv(tmp_path / "leads.csv", LEADS))
    browser.submit(f"/runs/{run_id}/questions")
    browser.wait(run_id)
    question = UnknownValue("lead_stage_name", "Stage", "Warm led", 1, ())
    assert dict(server.workspace.preparations.get(run_id).answers)[question.key] == "Warm lead"
    browser.open(f"/runs/{run_id}/columns")
    browser.submit(f"/runs/{run_id}/columns")
    assert browser.wait(run_id).path == f"/runs/{run_id}/rows"


def test_answers_can_be_given_again(browser, tmp_path):
    run_id = check(browser, write_csv(tmp_path / "leads.csv", LEADS))
    browser.submit(f"/runs/{run_id}/questions")
    browser.wait(run_id)
    assert "Warm led" in browser.open(f"/runs/{run_id}/questions").main
    browser.write(f"/runs/{run_id}/answers/ask-again")
    assert browser.wait(run_id).title == "What do these values mean?"


def test_a_late_answer_does_not_answer_the_next_question(browser, server, tmp_path):
    """Two tabs show one question: the second form changes nothing, also where the next question waits."""
    rows = [[*row, email] for row, email in zip(LEADS, ("E-mail", "", "", ""), strict=True)]
    rows.append(["Imran", "98450 10009", "New", "Pune", "imran@"])
    run_id = check(browser, write_csv(tmp_path / "leads.csv", rows))
    other = Browser(server).open(f"/runs/{run_id}/questions")
    browser.submit(f"/runs/{run_id}/questions")
    assert browser.wait(run_id).title == "Send rows without their bad cells?"
    other.submit(f"/runs/{run_id}/questions", **{"item:0": "drop", "answer": "yes"})
    assert other.title == "Send rows without their bad cells?"
    assert (
        dict(server.workspace.preparations.get(run_id).answers)["value", "lead_stage_name", "Warm led"]
        == "Warm lead"
    )


def test_changed_columns_are_checked_again_under_the_same_id(browser, server, tmp_path):
    run_id = check(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    browser.open(f"/runs/{run_id}/columns")
    browser.submit(f"/runs/{run_id}/columns", **{"field:Name": "business_name"})
    browser.wait(run_id)
    summary = json.loads((server.workspace.reports / run_id / "summary.json").read_text("utf-8"))
    assert summary["columns"]["Name"] == "business_name"


def test_a_sheet_is_chosen_as_the_page_shows_its_name(browser, server, tmp_path):
    """A no-break space is shown, and sent back, as a space."""
    workbook = Workbook()
    workbook.active.title = "My\xa0leads"
    for sheet in (workbook.active, workbook.create_sheet("Other")):
        sheet.append(["Name", "Mobile"])
        sheet.append(["Asha", "98450 10001"])
    workbook.save(tmp_path / "leads.xlsx")
    run_id = browser.upload(tmp_path / "leads.xlsx")
    browser.submit(f"/runs/{run_id}/sheet")
    assert (browser.status, browser.path) == (200, f"/runs/{run_id}/columns"), browser.main
    assert server.workspace.preparations.get(run_id).options["sheet"] == ["My\xa0leads"]


@pytest.mark.parametrize("header", ["Town\nor place", "Zone\u2028x", "Q\u202ew", "A & B=C?", "क्षेत्र"])
def test_the_choice_for_a_column_is_kept_whatever_its_header_is(browser, server, tmp_path, header):
    """Browsers send a line break as two characters, and pages leave out what cannot be seen."""
    rows = [["Name", "Mobile", header], ["Asha", "98450 10001", "x1"], ["Ravi", "98450 10002", "y2"]]
    run_id = browser.upload(write_csv(tmp_path / "leads.csv", rows))
    browser.submit(f"/runs/{run_id}/sheet")
    fields = read_fields(browser.text)
    assert [value for name, value in fields if name.startswith("field:")][2] != "business_name"
    names = [name for name, _ in fields if name.startswith("field:")]
    chosen = [(name, "business_name" if name == names[2] else value) for name, value in fields]
    browser.write(f"/runs/{run_id}/columns", [(name.replace("\n", "\r\n"), value) for name, value in chosen])
    browser.wait(run_id)
    summary = json.loads((server.workspace.reports / run_id / "summary.json").read_text("utf-8"))
    assert summary["columns"][header] == "business_name"


@pytest.mark.parametrize("step", ["sheet", "columns"])
def test_a_check_that_another_command_is_sending_is_not_removed(browser, server, tmp_path, step):
    """`importer apply` asks before it sends: without its journal, the same leads would go in a second time."""
    run_id = check(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    folder = server.workspace.reports / run_id
    changed = {"header_row": "2"} if step == "sheet" else {"field:Name": "business_name"}
    browser.open(f"/runs/{run_id}/{step}")
    with Journal.open(folder) as journal, lock_journal(journal):
        assert browser.submit(f"/runs/{run_id}/{step}", **changed).status == 409
        assert (folder / JOURNAL_NAME).is_file()
    assert browser.open(f"/runs/{run_id}").path == f"/runs/{run_id}/rows"


def test_follow_up_tasks_are_created_for_the_leads(browser, server, tmp_path):
    run_id = check(browser, write_csv(tmp_path / "leads.csv", CLEAN), task="FOLLOW_UP_CALL", due="+2d")
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id).submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    store = server.workspace.accounts.practice._running.sandbox.store
    assert {
        task["type"] for lead in read_leads(server).values() for task in store.read_tasks(lead["id"])
    } == {"FOLLOW_UP_CALL"}


def test_a_due_date_that_cannot_be_read_is_said_on_the_page_of_the_columns(browser, tmp_path):
    run_id = check(browser, write_csv(tmp_path / "leads.csv", CLEAN), task="FOLLOW_UP_CALL", due="someday")
    assert browser.path == f"/runs/{run_id}/columns"
    assert "someday" in browser.main


def test_a_sheet_without_a_phone_column_says_so(browser, tmp_path):
    run_id = browser.upload(write_csv(tmp_path / "leads.csv", [["Name", "City"], ["Asha", "Pune"]]))
    browser.submit(f"/runs/{run_id}/sheet")
    browser.submit(f"/runs/{run_id}/columns")
    assert browser.status == 400
    assert "No column has the phone numbers." in browser.main


def test_a_plan_of_the_terminal_can_be_sent_in_the_page(browser, server, tmp_path, monkeypatch, capsys):
    """A run is the same folder, whoever made it."""
    from importer.cli.main import main

    practice = server.workspace.accounts.practice
    monkeypatch.setenv("SUPERFONE_BASE_URL", practice.start().base_url)
    monkeypatch.setenv("SUPERFONE_API_KEY", practice.start().key.reveal())
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "leads.csv", CLEAN)
    assert main(["plan", "leads.csv", "--yes", "--quiet"]) == 0
    (run_id,) = [path.parent.name for path in (tmp_path / "reports").glob("*/journal.sqlite")]
    assert browser.open(f"/runs/{run_id}").path == f"/runs/{run_id}/plan"
    browser.submit(f"/runs/{run_id}/send")
    assert browser.wait(run_id).path == f"/runs/{run_id}/report"
    assert len(read_leads(server)) >= 2


def test_a_plan_of_the_page_can_be_sent_in_the_terminal(browser, server, tmp_path, monkeypatch, capsys):
    from importer.cli.main import main

    practice = server.workspace.accounts.practice
    monkeypatch.setenv("SUPERFONE_BASE_URL", practice.start().base_url)
    monkeypatch.setenv("SUPERFONE_API_KEY", practice.start().key.reveal())
    monkeypatch.chdir(tmp_path)
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    assert main(["apply", run_id, "--yes", "--quiet"]) == 0
    assert browser.open(f"/runs/{run_id}").path == f"/runs/{run_id}/report"


# --- sending


def test_two_clicks_are_one_run(browser, server, tmp_path):
    """The form carries a nonce of the plan that it shows; the second click finds the run under way or over."""
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    fields = read_fields(browser.text)
    first, second = (browser.write(f"/runs/{run_id}/send", fields) for _ in range(2))
    assert first.status_code == second.status_code == 303
    browser.wait(run_id)
    third = browser.write(f"/runs/{run_id}/send", fields)
    assert third.status_code == 400
    ledger = server.workspace.accounts.practice._running.sandbox.store.ledger()
    assert sum(entry["method"] == "POST" for entry in ledger) == 2


def test_a_form_without_the_nonce_of_the_plan_sends_nothing(browser, server, tmp_path):
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    for fields in ([], [("nonce", "")], [("nonce", "x")]):
        answer = browser.write(f"/runs/{run_id}/send", fields)
        assert answer.status_code == 400
        assert "The plan has changed" in answer.text
    assert server.workspace.find_place(run_id).state == "planned"


def test_more_than_a_thousand_updates_need_their_number(browser, server, tmp_path, monkeypatch):
    monkeypatch.setattr("importer.ui.plan_screen.MAX_UNTYPED_UPDATES", 0)
    first = plan(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    browser.submit(f"/runs/{first}/send")
    browser.wait(first)
    again = [
        ["Name", "Mobile", "City"],
        ["Asha Rao", "98450 10001", "Pune"],
        ["Ravi Kumar", "98450 10002", "Pune"],
    ]
    run_id = plan(browser, write_csv(tmp_path / "again.csv", again))
    fields = read_fields(browser.text)
    refused = browser.write(f"/runs/{run_id}/send", [*fields, ("updates", "3")])
    assert refused.status_code == 400
    assert "This plan updates 2 leads" in refused.text
    browser.submit(f"/runs/{run_id}/send", updates="2")
    assert browser.wait(run_id).path == f"/runs/{run_id}/report"


def test_stop_lets_requests_under_way_finish_and_the_run_can_be_continued(browser, server, tmp_path):
    """Stop is one Ctrl-C; Continue is `importer resume`."""
    rows = [["Name", "Mobile"], *[[f"Lead {n}", f"98450{n:05}"] for n in range(300)]]
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", rows))
    sandbox = server.workspace.accounts.practice._running.sandbox
    sandbox.limit.per_s = 20
    browser.submit(f"/runs/{run_id}/send")
    task = server.workspace.tasks.find(run_id)
    browser.write(f"/runs/{run_id}/stop")
    assert task.stop_request is StopRequest.DRAIN
    task.join()
    assert browser.open(f"/runs/{run_id}").path == f"/runs/{run_id}/report"
    assert "interrupted" in browser.main
    assert server.workspace.find_place(run_id).run.end.is_held  # no watcher of the folder continues it
    sandbox.limit.per_s = 0
    browser.write(f"/runs/{run_id}/resume")
    assert "300" in browser.wait(run_id).main
    end = server.workspace.find_place(run_id).run.end
    assert (end.state, end.is_held) == ("finished", False)


def test_a_run_that_is_busy_is_not_started_twice(server):
    end = threading.Event()
    try:
        assert server.workspace.start("run", TaskKind.SEND, lambda _: end.wait())
        assert not server.workspace.start("run", TaskKind.SEND, lambda _: end.wait())
    finally:
        end.set()


def test_an_import_can_be_undone(browser, server, tmp_path, monkeypatch):
    """The undo is a plan like any other: it is shown, sent after a click, and has a report of its own."""
    server.workspace.accounts.practice.start()
    store = server.workspace.accounts.practice._running.sandbox.store
    store.save(None, "+919845010001", {"first_name": "Asha", "city": "Nashik"}, None)
    monkeypatch.setattr("importer.ui.workspace.SUGGESTED_OPTIONS", {"existing": "overwrite"})
    first = [["Name", "Mobile", "City"], ["Asha Rao", "98450 10001", "Pune"]]
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", first))
    browser.submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    assert read_leads(server)["+919845010001"]["city"] == "Pune"
    answer = browser.write(f"/runs/{run_id}/undo")
    undo_id = answer.headers["location"].rpartition("/")[2]
    assert browser.wait(undo_id).title == "This is what will be put back"
    assert read_leads(server)["+919845010001"]["city"] == "Pune"
    browser.submit(f"/runs/{undo_id}/send")
    browser.wait(undo_id)
    assert read_leads(server)["+919845010001"]["city"] == "Nashik"
    assert "was undone" in browser.open(f"/runs/{run_id}").main


# --- accounts


def test_without_a_key_the_page_says_how_to_give_one_and_never_shows_it(tmp_path):
    server = make_server(tmp_path)
    browser = Browser(server)
    assert "No API key yet" in browser.main
    browser.submit("/key", key="secret-key-1")
    assert "Key is set" in browser.main
    assert "secret-key-1" not in browser.text
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and b"secret-key-1" in path.read_bytes()
    ]
    server.listener.close()


def test_the_address_of_the_crm_cannot_be_set_from_the_page(tmp_path):
    """A form with such a field changes nothing: the key would travel there."""
    server = make_server(tmp_path)
    browser = Browser(server)
    before = server.workspace.accounts
    browser.submit(
        "/key", key="secret-key-1", base_url="http://127.0.0.1:1", SUPERFONE_BASE_URL="http://127.0.0.1:1"
    )
    assert "127.0.0.1" not in before.find(is_practice=False).base_url
    server.listener.close()


def test_a_practice_run_never_meets_the_real_key(browser, server, tmp_path):
    """A run is continued with the account that it was made for, whatever new sheets go to now."""
    run_id = plan(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    browser.write("/practice", [("practice", "off")])
    credentials = server.workspace.get_credentials(run_id)
    assert credentials.base_url == server.workspace.accounts.practice.start().base_url
    assert credentials.key.reveal() == "sandbox-key"


# --- uploads


def test_an_upload_is_private_and_has_a_harmless_name(browser, server, tmp_path):
    run_id = browser.upload(write_csv(tmp_path / "leads.csv", CLEAN), name="..\\../../etc/<b>leads\n.csv")
    preparation = server.workspace.preparations.get(run_id)
    path = server.workspace.reports / "preparing" / run_id / preparation.file
    assert path.is_file()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "<b>" not in preparation.file


def test_an_upload_that_is_too_large_leaves_nothing(browser, server, monkeypatch):
    monkeypatch.setattr("importer.ui.runs_screen.MAX_UPLOAD_BYTES", 1000)
    headers = browser.make_headers(**{"x-importer-token": browser.token})
    answer = browser.client.put(f"{browser.prefix}/upload?name=a.csv", content=b"x" * 1001, headers=headers)
    assert answer.status_code == 400
    assert "larger than" in answer.json()["message"]
    assert not list((server.workspace.reports / "preparing").glob("*/*"))


def test_a_pasted_table_is_read_like_a_file(browser):
    browser.submit("/paste", table="Name\tMobile\r\nAsha Rao\t98450 10001\r\n")
    assert browser.path.endswith("/sheet")
    assert "98450 10001" in browser.main


def test_a_file_that_is_no_sheet_is_a_sentence(browser, tmp_path):
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    browser.upload(tmp_path / "photo.csv")
    assert browser.status == 400
    assert browser.title == "That did not work"


def test_a_preparation_can_be_removed(browser, server, tmp_path):
    run_id = browser.upload(write_csv(tmp_path / "leads.csv", CLEAN))
    browser.open("/")
    assert "leads.csv" in browser.main
    browser.write(f"/runs/{run_id}/discard")
    assert "leads.csv" not in browser.open("/").main
    assert not (server.workspace.reports / "preparing" / run_id).exists()
