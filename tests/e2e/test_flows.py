"""What a run does with its options, its failed rows, and the runs before it: over real sockets, read back."""

import json
import shutil
from html import unescape
from urllib.parse import urlsplit

import openpyxl
import pandas as pd
import pytest

import importer as library
from importer.csv_injection import escape_formula, parse_csv_line
from importer.issues import READER_CODES
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, peek_run
from importer.models.status import RunState
from importer.pipeline.reports_folder import find_unfinished_run
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.state.run_lock import lock_run
from importer.state.state_folder import AccountState
from importer.untrusted_text import quote_command
from tests.support import leads, write_csv

ROWS = [
    ["Phone", "Name", "Stage", "Note"],
    ["9845010001", "Asha Rao", "New", "first"],
    ["9845010002", "Ravi Kumar", "Warm led", "second"],
    ["09845010003", "=SUM(A1)", "Hot lead", ""],
    ["98450", "Short One", "New", ""],
]


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", ROWS)


def test_fixed_failed_rows_all_go_in(importer, crm, sheet):
    """Mapping and options of the first run are kept and the `_` columns are ignored, in CSV and in Excel."""
    first = importer("run", sheet, "--yes", "--default", "source=Fair", "--column", "Name=business_name")
    assert first.code == 1
    assert [row["_row"] for row in first.failed] == ["3", "4", "5"]
    assert [row["Phone"] for row in first.failed] == ["9845010002", "09845010003", "98450"]
    book = openpyxl.load_workbook(first.folder / "failed_rows.xlsx")
    cells = book.worksheets[0]
    cells["C2"], cells["B3"], cells["A4"] = "Warm lead", "Sum Traders", "98450 10004"
    book.save(first.folder / "failed_rows.xlsx")
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert second.code == 0, second
    assert second.failed == []
    assert {phone: (lead["business_name"], lead["source"]) for phone, lead in leads(crm).items()} == {
        "+919845010001": ("Asha Rao", "Fair"),
        "+919845010002": ("Ravi Kumar", "Fair"),
        "+919845010003": ("Sum Traders", "Fair"),
        "+919845010004": ("Short One", "Fair"),
    }


def test_failed_rows_csv_comes_back_as_typed(importer, crm):
    """Leading zeros, plus signs, long numbers, apostrophes and formulas are the original cells again."""
    odd = [
        "=1+1",
        "+91-80",
        "-5",
        "@x",
        "'quoted",
        "007",
        "12345678901234567890",
        "a\nb",
        'say "hi"',
        "\t=x",
        "plain",
    ]
    header = ["Phone", *[f"Extra {n}" for n in range(len(odd))]]
    sheet = write_csv(importer.folder / "odd.csv", [header, ["12", *odd]])
    first = importer("run", sheet, "--yes", "--column", "Extra 0=customer_note")
    again = importer("run", first.folder / "failed_rows.csv", "--yes")
    third = importer("run", again.folder / "failed_rows.xlsx", "--yes")
    for ended in (first, again, third):
        (row,) = ended.failed
        assert [row[name] for name in header[1:]] == [escape_formula(cell) for cell in odd]
    import sqlite3

    for ended in (first, again, third):
        (cells,) = (
            sqlite3.connect(ended.folder / "journal.sqlite").execute("SELECT cells FROM rows").fetchone()
        )
        assert parse_csv_line(cells) == ("12", *odd)


def test_moved_failed_rows_file_still_knows_its_run(importer, crm, sheet):
    """The file keeps its run's mapping in another folder."""
    first = importer("run", sheet, "--yes", "--column", "Name=business_name")
    for name in ("failed_rows.csv", "failed_rows.xlsx"):
        shutil.copy(first.folder / name, importer.folder / f"desk_{name}")
        again = importer("check", importer.folder / f"desk_{name}")
        assert again.summary["columns"]["Name"] == "business_name"
        assert list(again.summary["columns"]) == ROWS[0]


def test_results_csv_can_be_imported(importer, crm, sheet):
    """results.csv can be imported as it is."""
    first = importer("check", sheet)
    again = importer("check", first.folder / "results.csv")
    assert again.summary["counts"] == first.summary["counts"]


def test_results_csv_has_every_row_in_order_with_its_own_headers(importer, sheet):
    """results.csv has the sheet's own headers and every row in its order."""
    ended = importer("run", sheet, "--yes")
    assert list(ended.results[0])[:4] == ROWS[0]
    assert [row["_row"] for row in ended.results] == ["2", "3", "4", "5"]
    assert [row["_status"] for row in ended.results] == ["accepted", "invalid", "invalid", "invalid"]
    assert [row["_note"] for row in ended.results] == ["sent", "", "", ""]
    assert ended.results[0]["_phone"] == "+919845010001"
    assert ended.results[0]["_http_status"] == "200"
    assert (ended.folder / "results.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_check_sends_only_get_requests(importer, crm, sheet):
    """`check` changes nothing in the CRM."""
    ended = importer("check", sheet)
    assert ended.code == 1
    assert ended.summary["state"] == "checked"
    assert ended.summary["requests"] == 0
    assert crm.sandbox.store.ledger() == []


def test_same_file_again_does_not_repeat_its_notes(importer, crm, sheet):
    """A second run of the same file adds no note twice."""
    importer("run", sheet, "--yes")
    again = importer("run", sheet, "--yes")
    assert leads(crm)["+919845010001"]["notes"] == ["first"]
    assert again.results[0]["_note"] == "sent"
    assert "already sent this note" in again.results[0]["_problems"]


def test_no_create_refuses_a_lead_that_does_not_exist(importer, crm, sheet):
    """With --no-create an unknown phone is refused."""
    ended = importer("run", sheet, "--yes", "--no-create")
    assert leads(crm) == {}
    assert ended.results[0]["_status"] == "refused"
    assert "--no-create was given" in ended.results[0]["_problems"]


def test_advice_after_no_create_creates_the_leads(importer, crm, sheet):
    """The run's --no-create also holds for rows that are imported again, so the advice names --create."""
    first = importer("run", sheet, "--yes", "--no-create")
    assert "with --create" in first.results[0]["_problems"]
    assert "--create" in first.out
    importer("run", first.folder / "failed_rows.xlsx", "--yes", "--create")
    assert list(leads(crm)) == ["+919845010001"]


def test_fixed_rows_of_a_check_name_the_rows_that_were_only_checked(importer, crm, sheet):
    """The rows that could be sent are not in failed_rows, so the summary says that they were not sent yet."""
    said = "leads.csv was checked but not sent. Its 1 row that can go in is not part of this run. To send them too: importer run "
    checked = importer("check", sheet, "--default", "source=Fair").folder
    ended = importer("run", checked / "failed_rows.csv", "--yes")
    assert f"{said}{sheet} --default source=Fair" in ended.out
    assert any(line.startswith(said) for line in ended.summary["ignored"])
    assert said not in importer("run", checked / "results.csv", "--yes").out  # it holds them all
    importer("run", sheet, "--yes")
    assert said not in importer("run", checked / "failed_rows.csv", "--yes").out


def test_report_without_its_run_says_that_the_options_are_unknown(importer, sheet):
    """A forgotten --no-create would create leads."""
    first = importer("check", sheet, "--no-create")
    said = "The run of this report is not in "
    assert said not in importer("check", first.folder / "failed_rows.xlsx").out
    alone = shutil.copy(first.folder / "failed_rows.xlsx", importer.folder / "mended.xlsx")
    importer("purge", "--older-than", "0h", "--yes")
    ended = importer("check", alone)
    assert said in ended.out
    assert "Repeat the options of that run (such as --column, --default, --no-create)" in ended.out


def test_workbook_without_phones_in_its_first_sheet_names_the_other_sheets(importer):
    """Many workbooks begin with a sheet of totals."""
    book = openpyxl.Workbook()
    book.active.title = "Summary"
    book.active.append(["Owner", "Count"])
    book.active.append(["Kavya", 20])
    leads_sheet = book.create_sheet("Leads")
    leads_sheet.append(["Name", "Phone"])
    leads_sheet.append(["Asha Rao", "9845010001"])
    book.save(importer.folder / "book.xlsx")
    ended = importer("check", importer.folder / "book.xlsx")
    assert ended.code == 2
    assert 'Other sheets were not read: "Leads". Name one with --sheet.' in ended.err


def test_limit_takes_the_first_data_rows(importer, crm, sheet):
    """--limit N reads the first N data rows."""
    ended = importer("run", sheet, "--yes", "--limit", "1")
    assert ended.code == 0
    assert ended.summary["rows"] == 1
    assert list(leads(crm)) == ["+919845010001"]


def test_limit_is_named_in_the_summary(importer, sheet):
    """A limit in a settings file is easily forgotten."""
    ended = importer("run", sheet, "--yes", "--limit", "1")
    said = "Only the first row is read, because of --limit. The rest of the sheet is left out."
    assert said in ended.out
    assert ended.summary["ignored"] == [said]
    assert said in unescape((ended.folder / "report.html").read_text("utf-8"))


def test_unknown_drop_leaves_the_value_out_with_a_warning(importer, crm, sheet):
    """The row goes in without the value, and the value is named."""
    ended = importer("run", sheet, "--yes", "--unknown", "drop")
    assert leads(crm)["+919845010002"] == {"first_name": "Ravi", "last_name": "Kumar", "notes": ["second"]}
    assert ended.results[1]["_codes"] == "lead_stage_name.left_out_unknown"
    assert "Values left out because of --unknown drop\n          1  Stage: not in the account\n" in ended.out


SHARED = [
    ["Phone", "First name", "Labels", "Note", "City"],
    ["9845010009", "Asha", "VIP", "one", "Pune"],
    ["+91 98450 10009", "Aasha", "Hot", "two", ""],
]


@pytest.mark.parametrize(
    ("policy", "lead", "statuses"),
    [
        ("merge", {"first_name": "Aasha", "labels": ["VIP", "Hot"], "notes": ["one\ntwo"], "city": "Pune"}, ["accepted", "duplicate"]),
        ("first", {"first_name": "Asha", "labels": ["VIP"], "notes": ["one"], "city": "Pune"}, ["accepted", "duplicate"]),
        ("last", {"first_name": "Aasha", "labels": ["Hot"], "notes": ["two"]}, ["duplicate", "accepted"]),
        ("reject", None, ["invalid", "invalid"]),
    ],
)  # fmt: skip
def test_rows_that_share_a_phone(importer, crm, policy, lead, statuses):
    """Each value of --duplicates sends the right rows."""
    sheet = write_csv(importer.folder / "x.csv", SHARED)
    ended = importer("run", sheet, "--yes", "--duplicates", policy)
    assert leads(crm).get("+919845010009") == lead
    assert [row["_status"] for row in ended.results] == statuses
    assert "same phone" in " ".join(row["_problems"] for row in ended.results)


def test_map_fills_and_clears_a_column(importer, crm):
    """`fill` is for empty cells, `constant` for every cell, and the clear token for one column only."""
    (importer.folder / "map.toml").write_text(
        """[columns]
"Town" = {field = "city", fill = "Pune", empty = ["unknown"]}
"From" = {field = "source", constant = "Trade fair"}
"Step" = {field = "lead_stage_name", clear = "-none-"}
"""
    )
    rows = [
        ["Phone", "Town", "From", "Step"],
        ["9845010001", "", "web", "New"],
        ["9845010002", "unknown", "", "New"],
        ["9845010003", "Kochi", "", "New"],
    ]
    importer("run", write_csv(importer.folder / "a.csv", rows), "--yes", "--map", "map.toml")
    assert {phone: lead["city"] for phone, lead in leads(crm).items()} == {
        "+919845010001": "Pune",
        "+919845010002": "Pune",
        "+919845010003": "Kochi",
    }
    again = [rows[0], *([phone, "Kochi", "", "-none-"] for phone, *_ in rows[1:])]
    ended = importer("run", write_csv(importer.folder / "b.csv", again[:3]), "--yes", "--map", "map.toml")
    assert ended.code == 0, ended
    found = {
        phone: (lead["city"], lead["source"], lead.get("lead_stage_name"))
        for phone, lead in leads(crm).items()
    }
    assert found == {
        "+919845010001": ("Kochi", "Trade fair", None),
        "+919845010002": ("Kochi", "Trade fair", None),
        "+919845010003": ("Kochi", "Trade fair", "New"),
    }


def test_map_with_defaults_values_and_a_clear_token(importer, crm):
    """All tables of a map work in one run."""
    sheet = write_csv(
        importer.folder / "x.csv",
        [
            ["Kontakt", "Wer", "Stand", "Quelle"],
            ["9845010001", "Asha", "Warm led", ""],
            ["9845010002", "Ravi", "<clear>", "Fair"],
            ["9845010003", "<clear>", "", ""],
        ],
    )
    (importer.folder / "m.toml").write_text(
        """
        [columns]
        Kontakt = "customer_phone"
        Wer = "first_name"
        Stand = "lead_stage_name"
        Quelle = "source"
        [defaults]
        source = "Old list"
        [values.lead_stage_name]
        "Warm led" = "Warm lead"
        [clear]
        token = "<clear>"
        """
    )
    importer(
        "run", write_csv(importer.folder / "y.csv", [["Phone", "Stage"], ["9845010002", "New"]]), "--yes"
    )
    ended = importer("run", sheet, "--yes", "--map", "m.toml")
    assert leads(crm) == {
        "+919845010001": {"first_name": "Asha", "lead_stage_name": "Warm lead", "source": "Old list"},
        "+919845010002": {"first_name": "Ravi", "source": "Fair"},
    }
    assert ended.results[2]["_codes"] == "first_name.cannot_clear"


def test_flags_win_over_importer_toml(importer, crm, sheet):
    """Settings come from importer.toml, and a flag wins."""
    (importer.folder / "importer.toml").write_text('limit = 1\nyes = true\n[default]\ncity = "Pune"\n')
    assert importer("run", sheet).summary["rows"] == 1
    assert leads(crm)["+919845010001"]["city"] == "Pune"
    assert importer("run", sheet, "--limit", "2").summary["rows"] == 2


def test_pair_by_flag_wins_over_the_same_pair_in_importer_toml_only(importer, crm):
    """A flag for one column keeps what the file says about the others."""
    (importer.folder / "importer.toml").write_text(
        '[column]\nOwner = ""\n"town." = "source"\n[default]\nbusiness_name = "Fair"\nwebsite = "a.in"\n'
    )
    rows = [["Phone", "Owner", "Town", "Job"], ["9845010001", "Kavya", "Pune", "Cook"]]
    columns = ("--column", "Town=city", "--column", "Job=additional_info", "--default", "website=b.in")
    assert importer("run", write_csv(importer.folder / "x.csv", rows), "--yes", *columns).code == 0
    assert leads(crm)["+919845010001"] == {
        "city": "Pune", "additional_info": "Job: Cook", "business_name": "Fair", "website": "b.in",
    }  # fmt: skip


def test_csv_on_standard_input_is_imported(importer, crm, monkeypatch):
    """`-` reads CSV from standard input."""
    import io
    import sys

    class Stdin:
        buffer = io.BytesIO(b"Phone,Name\n9845010001,Asha\n")

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    ended = importer("run", "-", "--yes")
    assert ended.code == 0
    assert ended.summary["file"] == "-"
    assert list(leads(crm)) == ["+919845010001"]


def test_json_prints_the_summary_and_nothing_else(importer, sheet):
    """Standard output has only the JSON object."""
    ended = importer("run", sheet, "--yes", "--json")
    assert json.loads(ended.out) == ended.summary
    assert len(ended.err.strip().splitlines()) == 1


def test_quiet_prints_the_last_line_only(importer, sheet):
    """-q prints one line."""
    ended = importer("run", sheet, "--yes", "-q")
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1


def test_stopped_run_is_resumed_and_every_row_ends_once(importer, crm):
    """After a 403 the rest is pending, and resume continues there."""
    rows = [["Phone", "Note"], *[[f"98450200{n:02}", f"note {n}"] for n in range(30)]]
    sheet = write_csv(importer.folder / "x.csv", rows)
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    first = importer("run", sheet, "--yes", "--rate", "200", "--concurrency", "4")
    assert first.code == 3
    assert "importer resume" in first.err
    counts = first.summary["counts"]
    assert counts["accepted"] == 10
    assert sum(counts.values()) == 30
    assert counts["pending"] == 20
    listed = importer("runs")
    assert f"importer resume {first.folder.name}" in listed.out
    crm.sandbox.faults.restart(FaultPlan())
    sheet.unlink()
    again = importer("resume", first.folder.name)
    assert again.code == 0, again
    assert len(leads(crm)) == 30
    assert {tuple(lead["notes"]) for lead in leads(crm).values()} == {(f"note {n}",) for n in range(30)}
    done = importer("resume", first.folder)
    assert done.code == 0


@pytest.mark.parametrize("path", ["/superfone/", "//superfone", "/other"])
def test_resume_and_retry_know_the_address_of_the_run_in_any_spelling(importer, crm, path):
    """Early versions kept the address as it was typed. The address of another server is refused, and nothing is sent."""
    rows = [["Phone"], *[[f"98450200{n:02}"] for n in range(1, 7)]]
    crm.sandbox.faults.restart(FaultPlan(at={3: InjectedFault.REFUSED, 5: InjectedFault.REDIRECT}))
    sheet = write_csv(importer.folder / "x.csv", rows)
    first = importer("run", sheet, "--yes", "--concurrency", "1")
    assert first.code == 3
    crm.sandbox.faults.restart(FaultPlan())
    with Journal.open(first.folder) as journal:
        journal.run.change_metadata(base_url=crm.base_url.replace("/superfone", path))
    resumed, retried = importer("resume", first.folder.name), importer("retry", first.folder.name, "--yes")
    if path == "/other":
        assert (resumed.code, retried.code, len(leads(crm))) == (2, 2, 3)
        assert f"The run was for {crm.base_url.removesuffix('superfone')}other" in resumed.err
        assert (
            f"To start a practice CRM at that address: importer sandbox --port {urlsplit(crm.base_url).port}\n"
            in resumed.err
        )
    else:
        assert (resumed.code, retried.code, len(leads(crm))) == (1, 0, 6)


def test_same_file_again_names_the_run_that_did_not_end(importer, crm):
    """One line comes first, until that run or a later one has ended. A script continues without it."""
    rows = [["Phone"], *[[f"98450200{n:02}"] for n in range(30)]]
    sheet = write_csv(importer.folder / "x.csv", rows)
    options = ("--yes", "--rate", "200", "--concurrency", "4")
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=11))
    cut_off = importer("run", sheet, *options).folder.name
    said = f"Run {cut_off} started to send this file and did not finish. To finish it instead of sending every row again: importer resume {cut_off}"
    checked = importer("check", sheet)
    assert (checked.code, checked.out.splitlines()[0]) == (0, said)
    for flag in ("--json", "-q"):
        silent = importer("run", sheet, *options, flag)
        assert silent.code == 3
        assert "did not finish" not in silent.out + silent.err
        shutil.rmtree(silent.folder)
    crm.sandbox.faults.restart(FaultPlan())
    other = write_csv(importer.folder / "y.csv", [*rows, ["9845020099"]])
    assert "did not finish" not in importer("run", other, "--yes").out
    again = importer("run", sheet, "--yes")
    assert again.out.splitlines()[0] == said
    assert (again.code, again.summary["counts"]["accepted"]) == (0, 30)
    assert "did not finish" not in importer("run", sheet, "--yes").out


def test_check_does_not_suggest_to_resume_a_running_run(importer, crm):
    """A running run and a killed run have the same state; the lock tells them apart."""
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], ["9845020001"], ["9845020002"]])
    sent = importer("run", sheet, "--yes")
    with Journal.open(sent.folder) as journal:
        journal.end(RunEnd(state=RunState.RUNNING))
        header = journal.metadata
    with lock_run(importer.reports, "other", sha256=header.sha256, account=header.account):
        assert "did not finish" not in importer("check", sheet).out
    assert "did not finish" in importer("check", sheet).out


def test_unfinished_run_is_named_with_its_reports_folder(importer, crm):
    """It is not named any more once it is finished."""
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], *[[f"98450200{n:02}"] for n in range(9)]])
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=4))
    there = ("--reports", "my runs")
    importer("run", sheet, "--yes", "--rate", "200", *there)
    (journal,) = (importer.folder / "my runs").glob("*/journal.sqlite")
    damaged = journal.parents[1] / "damaged"
    damaged.mkdir()
    (damaged / journal.name).write_bytes(journal.read_bytes()[:5000])
    (damaged.with_name("a folder") / journal.name).mkdir(parents=True)
    crm.sandbox.faults.restart(FaultPlan())
    header = peek_run(journal.parent).metadata
    for key, found in ((header.account, journal.parent), ("of another key", None)):
        account = AccountState(importer.folder / "no state", frozenset({key}))
        assert find_unfinished_run(journal.parents[1], header.sha256, account) == found
    resume = f"importer resume {journal.parent.name} --reports 'my runs'\n"
    assert resume in importer("retry", journal.parent.name, "--yes", *there).out
    (retried,) = set(journal.parents[1].glob("2*")) - {journal.parent}
    shutil.rmtree(retried)
    assert importer("resume", journal.parent.name, *there).code == 0
    assert "did not finish" not in importer("run", sheet, "--yes", *there).out


def test_runs_shows_what_a_check_found(importer, crm):
    """After a check, `accepted` means that the row can be sent."""
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], ["9845020001"], ["9845020002"], ["12"]])
    importer("check", sheet)
    importer("run", sheet, "--yes")
    checked, sent = importer("runs").out.splitlines()
    shown, _, command = checked.partition("  -> ")
    assert shown.endswith("checked: 2 can go in, 1 invalid")
    assert command.startswith("importer apply ")
    assert sent.endswith("finished: 2 accepted, 1 invalid")
    assert [line["counts"]["accepted"] for line in json.loads(importer("runs", "--json").out)] == [2, 2]


def test_resume_rejects_titles_that_are_gone(importer, crm):
    """A title that was removed meanwhile rejects the waiting rows."""
    rows = [["Phone", "Stage"], *[[f"98450200{n:02}", "Negotiation" if n % 2 else "New"] for n in range(10)]]
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN))
    first = importer("run", write_csv(importer.folder / "x.csv", rows), "--yes")
    assert first.summary["counts"]["pending"] == 10
    crm.sandbox.faults.restart(FaultPlan())
    for stage in crm.sandbox.account.lists["lead-stage"]:
        if stage["title"] == "Negotiation":
            stage["status"] = "DISABLED"
    importer("resume", first.folder.name)
    assert first.summary["counts"]["accepted"] == 5
    assert first.summary["counts"]["invalid"] == 5
    assert first.failed[0]["_codes"] == "lead_stage_name.disabled"


def test_resume_sends_titles_as_the_account_spells_them_now(importer, crm):
    """The CRM compares letters, and a title may have been renamed meanwhile."""
    rows = [
        ["Phone", "Stage", "Note"],
        *[[f"984502001{n}", "Negotiation" if n % 2 else "New", f"n {n}"] for n in range(4)],
    ]
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN))
    first = importer("run", write_csv(importer.folder / "x.csv", rows), "--yes")
    crm.sandbox.faults.restart(FaultPlan())
    for stage in crm.sandbox.account.lists["lead-stage"]:
        stage["title"] = stage["title"].replace("Negotiation", "NEGOTIATION")
    assert importer("resume", first.folder.name).code == 0
    assert leads(crm)["+919845020011"]["lead_stage_name"] == "NEGOTIATION"
    assert [row["_codes"] for row in first.results] == [""] * 4
    assert [row["_note"] for row in first.results] == ["sent"] * 4


def test_resume_with_unknown_drop_leaves_out_titles_that_are_gone(importer, crm):
    """`--unknown drop` holds for the whole run. Earlier issues and the note of the row are kept."""
    rows = [
        ["Phone", "Stage", "Labels", "Note"],
        ["9845020000", "Negotiation", "Nowhere", "call"],
        ["9845020001", "New", "", ""],
    ]
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN))
    first = importer("run", write_csv(importer.folder / "x.csv", rows), "--yes", "--unknown", "drop")
    before = first.results[0]["_codes"]
    crm.sandbox.faults.restart(FaultPlan())
    for stage in crm.sandbox.account.lists["lead-stage"]:
        if stage["title"] == "Negotiation":
            stage["status"] = "DISABLED"
    importer("resume", first.folder.name)
    assert first.summary["counts"]["accepted"] == 2
    assert before
    assert first.results[0]["_codes"] == f"{before};lead_stage_name.left_out_disabled"
    lead = leads(crm)["+919845020000"]
    assert lead["notes"] == ["call"]
    assert "lead_stage_name" not in lead


def test_retry_is_a_new_run_over_the_rows_that_did_not_go_in(importer, crm):
    """`retry` makes a run of its own with these rows."""
    rows = [["Phone", "Firm"], *[[f"98450200{n:02}", f"Firm {n}"] for n in range(6)]]
    crm.sandbox.faults.restart(FaultPlan(phones={"+919845020003": [InjectedFault.REFUSED]}))
    first = importer("run", write_csv(importer.folder / "x.csv", rows), "--yes")
    assert first.code == 1
    assert first.summary["counts"]["refused"] == 1
    second = importer("retry", first.folder.name, "--yes")
    assert second.code == 0
    assert second.summary["parent"] == first.folder.name
    assert second.summary["rows"] == 1
    assert leads(crm)["+919845020003"] == {"business_name": "Firm 3"}
    nothing = importer("retry", second.folder.name, "--yes")
    assert nothing.code == 0
    assert "nothing to retry" in nothing.err
    assert json.loads(importer("retry", second.folder.name, "--yes", "--json").out) == {
        "exit_code": 0,
        "message": nothing.err.rstrip("\n"),
    }


def test_report_rebuilds_every_file(importer, sheet):
    """`report` writes the same files again."""
    ended = importer("run", sheet, "--yes")
    names = ("results.csv", "failed_rows.csv", "summary.json", "report.html")
    before = {name: (ended.folder / name).read_bytes() for name in names}
    for name in (*names, "failed_rows.xlsx"):
        (ended.folder / name).unlink()
    assert importer("report", ended.folder.name).code == 0
    assert {name: (ended.folder / name).read_bytes() for name in names} == before
    assert (ended.folder / "failed_rows.xlsx").exists()


def test_purge_deletes_old_runs_and_keeps_the_note_ledger(importer, crm, sheet):
    """No note is sent again after a purge."""
    ended = importer("run", sheet, "--yes")
    assert importer("purge", "--older-than", "1d", "--yes").code == 0
    assert ended.folder.exists()
    assert importer("purge", "--older-than", "0h", "--yes").code == 0
    assert not ended.folder.exists()
    importer("run", sheet, "--yes")
    assert leads(crm)["+919845010001"]["notes"] == ["first"]
    assert importer("purge", "--older-than", "soon", "--yes").code == 2


@pytest.mark.parametrize("command", ["resume", "retry", "report"])
def test_run_that_does_not_exist(importer, command):
    """The sentence names the run and the command that lists runs."""
    ended = importer(command, "20200101-000000-aaaa", *(["--yes"] if command == "retry" else []))
    assert ended.code == 2
    assert "To list the runs that exist: importer runs" in ended.err


def test_dropdowns_lists_every_page_and_disabled_entries(importer):
    """`dropdowns` shows all pages of a list, and what is disabled."""
    ended = importer("dropdowns")
    assert ended.code == 0
    assert "Old enquiry  (disabled)" in ended.out
    assert "add_labels (56)" in ended.out
    listed = json.loads(importer("dropdowns", "--json").out)
    assert len(listed["add_labels"]) == 56
    assert {"title": "New", "active": True} in listed["lead_stage_name"]


def test_columns_explains_each_choice_and_saves_a_map(importer, crm, sheet):
    """`columns --save` writes a map that can be used."""
    ended = importer("columns", sheet, "--save", "m.toml")
    assert ended.code == 0
    assert "-> Stage (lead_stage_name)" in ended.out
    assert "100% filled" in ended.out
    assert "Warm led" in ended.out
    assert importer("check", sheet, "--map", "m.toml").summary["columns"]["Stage"] == "lead_stage_name"
    assert crm.sandbox.store.ledger() == []


def test_filled_in_template_is_imported(importer, crm):
    """The template has dropdown lists from the account, phones as text, and a row of notes."""
    ended = importer("template", "t.xlsx")
    assert ended.code == 0, ended
    book = openpyxl.load_workbook(importer.folder / "t.xlsx")
    cells = book.worksheets[0]
    headers = [cell.value for cell in cells[2]]
    ranges = {str(v.sqref): v.formula1 for v in cells.data_validations.dataValidation}
    stage = openpyxl.utils.get_column_letter(headers.index("Stage") + 1)
    assert any(where.startswith(stage) for where in ranges)
    assert cells.cell(3, headers.index("Phone") + 1).number_format == "@" or (
        cells.column_dimensions[openpyxl.utils.get_column_letter(headers.index("Phone") + 1)].width > 0
    )
    for header, value in {
        "Phone": "9845010007",
        "Stage": "Hot lead",
        "Labels": "VIP, Hot",
        "Note": "hi",
    }.items():
        cells.cell(3, headers.index(header) + 1).value = value
    book.save(importer.folder / "t.xlsx")
    run = importer("run", "t.xlsx", "--yes")
    assert run.code == 0, run
    assert leads(crm) == {
        "+919845010007": {"lead_stage_name": "Hot lead", "labels": ["VIP", "Hot"], "notes": ["hi"]}
    }


def test_second_run_of_the_same_file_exits_4_and_names_the_first(importer, sheet, crm):
    """One file is sent to one account by one run at a time."""
    import hashlib

    from importer.credentials import Credentials, Secret
    from importer.state.account_identity import fingerprint_key
    from importer.state.run_lock import lock_run

    digest = hashlib.sha256(sheet.read_bytes()).hexdigest()
    account = fingerprint_key(Credentials(crm.base_url, Secret("sandbox-key")))
    with lock_run(importer.reports, "the-first", sha256=digest, account=account):
        ended = importer("run", sheet, "--yes")
    assert ended.code == 4
    assert "the-first" in ended.err
    assert importer("run", sheet, "--yes").code == 1


BROKEN_ROWS = {
    "undecodable": b"9845012341,Jos\xe9 Kumar,Goa\n",
    "stray_quote": b'9845012342,"Vik"ram,Goa\n',
    "ragged": b"9845012343,Rao, Asha,Goa\n",
    "nul": b"9845012344,As\0ha,Goa\n",
    "too_long": b"9845012345," + b"x" * 100_001 + b",Goa\n",
}
SOUND = "9845012346,आशा राव,पुणे\n".encode()  # enough of UTF-8 for a byte of another encoding to be damage
SOUND_CONTACT = b"BEGIN:VCARD\nVERSION:3.0\nFN:Asha\nTEL:9845012346\nEND:VCARD\n"
BROKEN_CONTACT = b"BEGIN:VCARD\nVERSION:3.0\nFN:Ravi\na line without a colon\nTEL:9845012347\nEND:VCARD\n"
BROKEN_SHEETS = {
    "broken.csv": (b"Phone,Name,City\n" + SOUND + b"".join(BROKEN_ROWS.values()), {*BROKEN_ROWS}),
    "commas.csv": (b"Phone,Name,City\n" + SOUND * 9 + b"9845012347,Ravi,Goa,\n", {"cell_count"}),
    "above.csv": (b"9845012347,Ravi\nPhone,Name\n9845012346,Asha\n", {"above_header"}),
    "contacts.vcf": (SOUND_CONTACT + BROKEN_CONTACT, {"unreadable_contact"}),
}


@pytest.mark.parametrize("name", BROKEN_SHEETS)
def test_unreadable_row_is_rejected_by_retry_too(importer, crm, name):
    """A row that could not be read correctly keeps the reader's issues; its cells alone do not show them."""
    content, codes = BROKEN_SHEETS[name]
    sheet = importer.folder / name
    sheet.write_bytes(content)
    first = importer("run", sheet, "--yes")
    found = {row["_codes"] for row in first.failed}
    assert found == {f"row.{code}" for code in codes}
    again = importer("retry", first.folder.name, "--yes")
    assert {row["_codes"] for row in again.failed} == found
    assert list(leads(crm)) == ["+919845012346"]


def test_retry_is_tried_with_every_issue_of_the_reader():
    assert set().union(*(codes for _, codes in BROKEN_SHEETS.values())) == READER_CODES


def test_row_with_a_shortened_number_does_not_replace_its_owner_by_retry(importer, crm):
    """The owner went in, so the other row is alone in the retry. Its cells do not show that somebody else has the number."""
    sheet = importer.folder / "zeros.csv"
    sheet.write_text("Phone,Name\n98450 10000,Ravi Rao\n9845010000,Asha Gupta\n")
    first = importer("run", sheet, "--yes")
    again = importer("retry", first.folder.name, "--yes")
    failed = first.failed + again.failed
    assert [row["_codes"].split(";")[0] for row in failed] == ["customer_phone.shortened"] * 2
    assert leads(crm)["+919845010000"]["first_name"] == "Ravi"


def test_row_with_a_shortened_further_phone_does_not_replace_its_owner(importer, crm):
    """The phone cell is empty, so the issue names another column."""
    sheet = importer.folder / "zeros.csv"
    sheet.write_text("Phone,Alternate Phone,Name\n98450 10000,,Ravi Rao\n,9845010000,Asha Gupta\n")
    first = importer("run", sheet, "--yes")
    assert "add_phones.shortened" in first.failed[0]["_codes"]
    again = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert again.summary["counts"]["accepted"] == 0
    assert leads(crm)["+919845010000"]["first_name"] == "Ravi"


@pytest.mark.parametrize("name", ["failed_rows.csv", "failed_rows.xlsx", "results.csv"])
def test_row_with_a_shortened_number_stays_out_of_a_report_until_it_is_fixed(importer, crm, name):
    """The number must be typed in full first."""
    sheet = importer.folder / "zeros.csv"
    sheet.write_text("Phone,Name,Budget\n98450 10000,Ravi Rao,\n9845010000,Asha Gupta,5010000\n")
    fed = importer("run", sheet, "--yes").folder / name
    for _ in range(2):
        again = importer("run", fed, "--yes")
        assert [row["_codes"].split(";")[0] for row in again.failed] == ["customer_phone.shortened"]
        fed = again.folder / name
    assert leads(crm)["+919845010000"]["first_name"] == "Ravi"
    mended = importer.folder / "mended.csv"
    text = (again.folder / "failed_rows.csv").read_text("utf-8-sig")
    mended.write_text(text.replace("9845010000,Asha", "9845012345,Asha"), "utf-8-sig")
    assert importer("run", mended, "--yes").code == 0
    assert leads(crm)["+919845012345"]["first_name"] == "Asha"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (code, name)
        for code in BROKEN_ROWS
        for name in ("failed_rows.csv", "failed_rows.xlsx", "results.csv")
        if (code, name)
        != ("too_long", "failed_rows.xlsx")  # a workbook cannot hold the cell, and leaves the row out
    ],
)
def test_unreadable_row_is_rejected_when_it_comes_back_unfixed(importer, crm, code, name):
    """A report keeps what the reader found."""
    sheet = importer.folder / "broken.csv"
    sheet.write_bytes(b"Phone,Name,City\n" + SOUND + BROKEN_ROWS[code])
    fed = importer("run", sheet, "--yes").folder / name
    for _ in range(2):
        again = importer("run", fed, "--yes")
        assert [row["_phone"] for row in again.failed] == [f"+91{BROKEN_ROWS[code][:10].decode()}"]
        fed = again.folder / name
    assert list(leads(crm)) == ["+919845012346"]


@pytest.mark.parametrize("name", ["failed_rows.csv", "failed_rows.xlsx", "results.csv"])
def test_unreadable_row_goes_in_once_it_is_fixed(importer, crm, name):
    """`_problems` still quotes the lost letter, but it is not a cell of the row."""
    sheet = importer.folder / "broken.csv"
    sheet.write_bytes(b"Phone,Name,City\n" + SOUND + b"".join(BROKEN_ROWS.values()))
    fed = importer("run", sheet, "--yes").folder / name
    is_csv = fed.suffix == ".csv"
    frame = pd.read_csv(fed, dtype=str) if is_csv else pd.read_excel(fed, dtype=str, engine="openpyxl")
    frame.loc[frame["_status"] == "invalid", ["Name", "City"]] = ["Asha", "Goa"]
    mended = importer.folder / f"mended{fed.suffix}"
    (frame.to_csv if is_csv else frame.to_excel)(mended, index=False)
    again = importer("run", mended, "--yes")
    assert (again.code, again.failed) == (0, [])
    assert {lead["first_name"] for lead in leads(crm).values()} == {"आशा", "Asha"}


def test_lost_letters_are_not_read_as_a_name(importer, crm):
    """An export that marks its lost letters is rejected with a reason."""
    sheet = write_csv(importer.folder / "lost.csv", [ROWS[0], ["9845010001", "Jos\ufffd", "New", ""]])
    (row,) = importer("run", sheet, "--yes").failed
    assert row["_codes"] == "row.undecodable"
    assert leads(crm) == {}


@pytest.mark.parametrize("by_library", [False, True])
def test_report_imported_from_its_own_folder_stays_with_its_run(importer, crm, monkeypatch, by_library):
    """The note ledger is in the reports folder of the run. With another folder, notes would be sent again."""
    sheet = write_csv(importer.folder / "leads.csv", ROWS[:2])
    first = importer("run", sheet, "--yes")
    monkeypatch.chdir(first.folder)
    if by_library:
        folder = library.run_import("results.csv").folder
    else:
        again = importer("run", "results.csv", "--yes")
        folder = again.folder
        assert f"is a report of a run in {importer.reports}" in again.err
    assert folder.parent == importer.reports
    assert not (first.folder / "reports").exists()
    assert leads(crm)["+919845010001"]["notes"] == ["first"]


def test_page_names_the_full_path_of_the_workbook(importer, sheet):
    """The command on the page finds the file and the note ledger."""
    ended = importer("run", sheet, "--yes", "--reports", "my runs")
    (folder,) = (path.parent for path in (importer.folder / "my runs").glob("*/journal.sqlite"))
    page = unescape((folder / "report.html").read_text("utf-8"))
    command = quote_command(
        "importer", "run", f"my runs/{folder.name}/failed_rows.xlsx", "--reports", "my runs"
    )
    assert command in page
    assert command in ended.err.replace("'my runs/'", "my runs/")


def test_retry_obeys_a_flag_with_the_default_value(importer, crm, sheet):
    """`--unknown reject` wins over a run that had `drop`."""
    first = importer("run", sheet, "--yes", "--unknown", "drop")
    again = importer("check", first.folder / "results.csv", "--unknown", "reject")
    assert again.results[1]["_codes"] == "lead_stage_name.unknown"
    kept = importer("check", first.folder / "results.csv")
    assert kept.results[1]["_codes"] == "lead_stage_name.left_out_unknown"


def test_rows_of_a_no_create_run_create_nothing_when_imported_again(importer, crm):
    """A report brings the options of its run into the sending too."""
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], ["9845010001"]])
    first = importer("run", sheet, "--yes", "--no-create")
    assert (first.code, first.results[0]["_status"]) == (1, "refused")
    again = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert (again.code, again.results[0]["_status"]) == (1, "refused")
    assert leads(crm) == {}


def test_run_named_by_the_current_folder_keeps_its_note_ledger(importer, crm, monkeypatch):
    """`cd reports/RUN; importer resume .`: locks and ledger are beside the folder of the run."""
    rows = [["Phone", "Note"], *([f"98450100{n:02d}", "Called"] for n in range(6))]
    crm.sandbox.faults.restart(FaultPlan(at={3: InjectedFault.REDIRECT}))
    first = importer(
        "run", write_csv(importer.folder / "a.csv", rows), "--yes", "--run-id", "a", "--concurrency", "1"
    )
    crm.sandbox.faults.restart(FaultPlan())
    importer("run", write_csv(importer.folder / "b.csv", [*rows, ["9845010099", "Called"]]), "--yes")
    monkeypatch.chdir(first.folder)
    assert importer("resume", ".").code == 0
    assert [lead["notes"] for lead in leads(crm).values()] == [["Called"]] * 7
    assert not (first.folder / "notes.sqlite").exists()


def test_retry_of_the_run_in_the_current_folder_is_beside_it(importer, crm, monkeypatch):
    """In a reports folder of its own it would not know the notes that were sent."""
    rows = [["Phone", "Note"], ["9845010001", "Called"], ["9845010002", "Called"]]
    crm.sandbox.faults.restart(FaultPlan(at={1: InjectedFault.NOT_JSON, 2: InjectedFault.REFUSED}))
    sheet = write_csv(importer.folder / "a.csv", rows)
    first = importer("run", sheet, "--yes", "--run-id", "a", "--concurrency", "1")
    assert first.code == 1
    monkeypatch.chdir(first.folder)
    again = importer("retry", ".", "--yes")
    assert again.code == 0, again.err
    assert again.folder is not None
    assert not (first.folder / "reports").exists()
    assert str(again.folder / "report.html") in again.out
    assert sorted(len(lead["notes"]) for lead in leads(crm).values()) == [1, 1]
    assert importer("report", ".").err.endswith(f"{(first.folder / 'report.html').resolve()}\n")


@pytest.mark.parametrize("since", ["gone", "changed"])
def test_retry_reads_the_rows_as_their_run_did_without_its_map(importer, crm, since):
    """The journal has the mapping. The user may change or move the map file."""
    crm.sandbox.faults.restart(FaultPlan(phones={"+919845010001": [InjectedFault.REFUSED]}))
    sheet = write_csv(importer.folder / "x.csv", [["A", "B", "C"], ["9845010001", "Asha", "9845010002"]])
    told = importer.folder / "m.toml"
    told.write_text(
        '[columns]\nA = "customer_phone"\nB = "business_name"\nC = ""\n[defaults]\ncity = "Pune"\n'
    )
    importer("run", sheet, "--map", "m.toml", "--yes", "--run-id", "first")
    told.unlink()
    if since == "changed":
        told.write_text('[columns]\nC = "customer_phone"\nA = ""\nB = "customer_note"\n')
    ended = importer("retry", "first", "--yes")
    assert ended.code == 0, ended.err
    assert leads(crm) == {"+919845010001": {"business_name": "Asha", "city": "Pune"}}
