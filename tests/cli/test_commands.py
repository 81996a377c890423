"""What a clumsy user types: each gets one sentence that says what to type instead, and the right exit code."""

import asyncio
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

import importer as library
from importer.cli.summary_view import describe_crm
from importer.cli.terminal_observer import TerminalObserver, TerminalPrompter
from importer.journal.run_journal import Journal
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.row import BLOCK_ROWS
from importer.sender.client import Client
from importer.settings import Settings
from tests.support import leads, write_csv

GOOD = [["Phone", "Name"], ["9845012345", "Asha"]]


def page_of(ended):
    return (ended.folder / "report.html").read_text("utf-8")


def test_no_arguments_show_the_help_and_exit_2(importer):
    ended = importer()
    assert ended.code == 2
    assert ended.out.startswith("Usage: importer")
    assert ended.err == ""


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["-h"]])
def test_help_in_every_way(importer, arguments):
    ended = importer(*arguments)
    assert ended.code == 0
    assert "Check every row of a sheet" in ended.out
    assert importer(*arguments[:1], "run").code in (0, 2)


def test_help_of_a_command(importer):
    assert importer("help", "run").out == importer("run", "--help").out
    assert "There is no command" in importer("help", "rnu").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek", "x.csv"], 'There is no command "chek". Did you mean importer check?'),
        (["improt"], "There is no command"),
        (["xyzzy"], "The commands are: check, run, resume"),
        (["my leads.csv"], "is a file, not a command. To check it without sending anything: importer check 'my leads.csv'"),
        (["nowhere.xlsx"], "is a file, not a command"),
        (["check"], "importer check needs a FILE to read. See importer check --help."),
        (["resume"], "importer resume needs a RUN (importer runs lists your runs)"),
        (["template"], "importer template needs a file to write, such as leads.xlsx"),
        (["run", "my leads.csv", "more"], "importer run reads one FILE, but you gave more: my leads.csv more. Put a name with spaces"),
        (["run", "my", "leads.csv", "--yes"], "Put a name with spaces in quotes: importer run 'my leads.csv'"),
        (["columns", "my", "leads.csv"], "Put a name with spaces in quotes: importer columns 'my leads.csv'"),
        (["runs", "more"], "unexpected extra argument (more). See importer runs --help."),
        (["run", "my leads.csv", "--lmit", "3"], "There is no option --lmit. Did you mean --limit?"),
        (["run", "my leads.csv", "--limit"], "--limit"),
        (["run", "my leads.csv"], "importer run 'my leads.csv' --yes"),
        (["resume", "nope"], "There is no run nope in reports. importer runs lists the runs there are."),
        (["retry", "nope"], "There is no run nope in reports."),
        (["report", "nope"], "There is no run nope in reports."),
        (["purge", "--older-than", "3"], "takes days or hours"),
        (["columns", "nowhere.csv"], "There is no file nowhere.csv"),
    ],
)  # fmt: skip
def test_one_sentence_with_what_to_type(importer, arguments, said):
    write_csv(importer.folder / "my leads.csv", GOOD)
    ended = importer(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.err.startswith("importer: ")
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_file_that_may_not_be_read(importer, monkeypatch):
    """Root may read everything, so the refusal is the system's own, by hand."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    ended = importer("check", sheet)
    assert ended.code == 2
    assert "Permission denied. Check that it is a file, and that you may read it." in ended.err


def test_what_is_left_aside_far_down_the_sheet_is_told(importer):
    """The first rows are looked at before the columns are shown; a total below row 2,000 was told on the page alone."""
    rows = [[f"98450{number:05}", "Asha"] for number in range(3 * BLOCK_ROWS)]
    sheet = write_csv(importer.folder / "x.csv", [GOOD[0], *rows, ["Total", ""]])
    told = f"Row {3 * BLOCK_ROWS + 2}: totals or report footers below the leads, not read as leads.\n"
    assert importer("check", sheet).out.count(told) == 1
    assert told not in importer("check", sheet, "-q").out


def test_a_column_of_ranges_needs_no_mending_cell_by_cell(importer, crm):
    """The commonest refusal of property sheets: "80-90L" is no amount. The line that is shown does what it says."""
    budgets = [*["50L"] * 9, "80-90L", "upto 60L", "1.2 cr to 1.5 cr"]
    rows = [[f"98450{number:05}", budget] for number, budget in enumerate(budgets)]
    sheet = write_csv(importer.folder / "x.csv", [["Phone", "My Budget"], *rows])
    option = ("--column", "My Budget=additional_info")
    checked = importer("check", sheet)
    assert f"To send that column as additional info, add: {shlex.join(option)}\n" in checked.out
    assert importer("run", sheet, *option, "--yes").code == 0
    assert [lead["additional_info"] for lead in leads(crm).values()] == [
        f"My Budget: {budget}" for budget in budgets
    ]
    write_csv(sheet, [["Phone", "My Budget"], *rows[:11]])
    assert "additional info, add" not in importer("check", sheet).out


@pytest.mark.parametrize("command", [["check", "x.csv"], ["dropdowns"], ["check", "x.csv", "-q"]])
def test_a_long_wait_for_the_lists_is_told(importer, monkeypatch, command):
    """Nothing was shown for up to --max-wait, a quarter of an hour: it looked as if the command hung."""
    busy = [CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="", retry_after_s=600.0)]

    async def at_once(_, sleep=asyncio.sleep):
        await sleep(0)

    async def busy_first(client, *request, exchange=Client._exchange):
        return (busy.pop(), b"") if busy else await exchange(client, *request)

    monkeypatch.setattr("asyncio.sleep", at_once)
    monkeypatch.setattr(Client, "_exchange", busy_first)
    write_csv(importer.folder / "x.csv", GOOD)
    ended = importer(*command)
    assert ended.code == 0
    told = "The CRM asks us to wait 10 min before it sends its dropdown lists ...\n"
    assert ended.err.count(told) == ("-q" not in command)


def test_a_finished_run_can_be_resumed_without_harm(importer, crm):
    """Nothing is left to send; its reports are written again, and the end is told once more."""
    ended = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    before = len(crm.sandbox.store.ledger())
    again = importer("resume", ended.folder.name)
    assert again.code == 0
    assert "The row went in." in again.err
    assert len(crm.sandbox.store.ledger()) == before


def test_a_run_that_was_only_checked_says_how_to_send_it(importer):
    ended = importer("check", write_csv(importer.folder / "my leads.csv", GOOD))
    again = importer("resume", ended.folder.name)
    assert again.code == 2
    assert "was only checked. Send it with: importer run " in again.err
    assert "my leads.csv'" in again.err


def test_what_a_check_found_is_sent_by_the_options_of_the_check(importer):
    """The page is read days later: without them another sheet would be sent, or two people become one lead."""
    write_csv(importer.folder / "my leads.csv", GOOD)
    given = ("--default", "source=Trade fair", "--no-create", "--duplicates", "reject", "--limit", "1")
    importer("check", "my leads.csv", *given, "--reports", "out", "--run-id", "first")
    command = "importer run 'my leads.csv' --default 'source=Trade fair' --no-create --duplicates reject --limit 1 --reports out"
    assert unescape((importer.folder / "out/first/report.html").read_text("utf-8")).count(command) == 1
    for again in ("resume", "retry"):
        said = importer(again, "first", "--reports", "out", "--yes").err
        assert said == f"importer: Run first was only checked. Send it with: {command}\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ("run", "my leads.csv", "--default", "source=Trade fair", "--duplicates", "reject"),
            "importer run 'my leads.csv' --default 'source=Trade fair' --duplicates reject --yes",
        ),
        (("retry", "first", "--rate", "5"), "importer retry first --rate 5 --yes"),
    ],
)
def test_who_is_told_to_add_yes_is_told_all_that_was_typed(importer, given, said):
    """Nothing is asked after it: rows that share a phone would be merged by who had forbidden it."""
    importer(
        "run", write_csv(importer.folder / "my leads.csv", [*GOOD, ["12", "B"]]), "--yes", "--run-id", "first"
    )
    assert importer(*given).err == (
        "importer: Confirmation is needed, but this is not an interactive terminal. "
        f"Run again with --yes to send: {said}\n"
    )


def test_a_map_that_was_saved_is_given_back_with_what_it_does_not_hold(importer):
    """Sheet, header row, encoding and region are no part of a map; columns and defaults are."""
    write_csv(importer.folder / "x.csv", GOOD)
    ended = importer(
        "columns", "x.csv", "--region", "AE", "--default", "source=Fair", "--save", "my map.toml"
    )
    assert ended.err.endswith("To use it: importer run x.csv --map 'my map.toml' --region AE\n")


def test_retry_of_a_run_that_was_only_checked_sends_nobody_away_with_a_lie(importer):
    """Nothing of it went in: it must not say that all did, nor send the faulty rows alone."""
    sheet = write_csv(importer.folder / "my leads.csv", [*GOOD, ["12", "B"]])
    ended = importer("check", sheet)
    again = importer("retry", ended.folder.name, "--yes")
    assert again.code == 2
    assert "was only checked. Send it with: importer run " in again.err


def test_retry_does_not_say_of_a_row_that_is_no_lead_that_it_went_in(importer):
    rows = [["UNIQUE_QUERY_ID", "QUERY_TYPE", "SENDER_NAME", "SENDER_MOBILE"]]
    rows += [["1", "W", "Asha", "+91-9845012345"], ["2", "BIZ", "Ravi", "+91-9845012346"]]
    ended = importer("run", write_csv(importer.folder / "x.csv", rows), "--yes")
    assert ended.summary["counts"] | {"accepted": 1, "invalid": 1} == ended.summary["counts"]
    again = importer("retry", ended.folder.name, "--yes")
    assert again.code == 0
    assert (
        again.err == f"Run {ended.folder.name} has no row left that can go in. There is nothing to retry.\n"
    )


def test_a_run_id_of_the_settings_file_does_not_stand_in_the_way_of_retry(importer):
    """`retry` has no --run-id to choose another by."""
    (importer.folder / "importer.toml").write_text('run_id = "april"\n')
    importer("run", write_csv(importer.folder / "x.csv", [*GOOD, ["12", "B"]]), "--yes")
    again = importer("retry", "april", "--yes")
    assert again.code == 1
    assert again.folder.name != "april"


def test_json_at_a_terminal_leaves_standard_output_to_the_json(importer, monkeypatch):
    """The summary that one agrees to is shown on standard error; the question names the CRM."""
    asked = []
    monkeypatch.setattr("importer.cli.run_commands.is_interactive", lambda: True)
    monkeypatch.setattr("importer.cli.prompts.confirm", lambda text, **_: asked.append(text) or True)
    ended = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--json")
    assert json.loads(ended.out)["counts"]["accepted"] == 1
    assert "1  can go in" in ended.err
    assert len(asked) == 1
    assert asked[0].startswith("Send 1 lead to the CRM on this machine (127.0.0.1:")


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("https://prod-api.superfone.co.in/superfone", "the CRM at prod-api.superfone.co.in"),
        ("http://127.0.0.1:8765/superfone", "the CRM on this machine (127.0.0.1:8765)"),
        ("http://[::1]:8765/superfone", "the CRM on this machine ([::1]:8765)"),
    ],
)
def test_the_crm_has_a_name_that_tells_the_real_one_from_the_sandbox(base_url, said):
    """Who forgot to close the window of the practice CRM, or thinks to be in it, reads it before the first write."""
    assert describe_crm(base_url) == said


def test_a_check_says_that_values_need_no_mending_cell_by_cell(importer):
    """Nine hundred rows of three unknown stages are three answers, not nine hundred cells to mend."""
    sheet = write_csv(importer.folder / "x.csv", [["Phone", "Stage"], ["9845012345", "Warm led"]])
    said = (
        "Some values do not exist in your account. `importer run` asks once what each one means. "
        "To import the rows without these values, add `--unknown drop`.\n"
    )
    checked = importer("check", sheet)
    assert said in checked.out
    assert "At a terminal, importer run asks about each of them, once." in page_of(checked)
    assert "<h2>Rows that cannot go in yet</h2>" in page_of(checked)
    sent = importer("run", sheet, "--yes")
    assert said not in sent.out
    assert "At a terminal" not in page_of(sent)
    assert "<h2>Rows that did not go in</h2>" in page_of(sent)
    assert said not in importer("check", sheet, "--unknown", "drop").out


def test_the_last_line_of_a_check_accounts_for_rows_that_are_no_leads(importer):
    rows = [["UNIQUE_QUERY_ID", "QUERY_TYPE", "SENDER_NAME", "SENDER_MOBILE"]]
    rows += [["1", "W", "Asha", "+91-9845012345"], ["2", "BIZ", "Ravi", "+91-9845012346"]]
    ended = importer("check", write_csv(importer.folder / "x.csv", rows))
    assert (
        "1 of 2 rows can go in. Nothing was sent. 1 row was skipped because it is not a lead. Send with: "
        in ended.err
    )
    assert "        1  not a lead\n" in ended.out


def test_columns_ends_with_what_to_type_next(importer):
    """With the options that were given, so that the next command reads the sheet alike."""
    write_csv(importer.folder / "my leads.csv", GOOD)
    ended = importer("columns", "my leads.csv", "--column", "Name=source", "--reports", "other")
    assert 'Is a column wrong? Add --column "HEADER=FIELD"' in ended.err
    assert ended.err.endswith(
        "To check every row: importer check 'my leads.csv' --column Name=source --reports other\n"
    )
    assert "To check" not in importer("columns", "my leads.csv", "--json").err


def test_what_scripts_are_told_stands_in_the_page(importer):
    """The keys that docs/commands.md names; what else there is to say of the sheet is not lost, and not in their way."""
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    sheet = importer.folder / "two.xlsx"
    with pd.ExcelWriter(sheet, engine="openpyxl") as writer:
        pd.DataFrame({"Phone": ["9845010001"]}).to_excel(writer, sheet_name="People", index=False)
        pd.DataFrame({"Price": ["1"]}).to_excel(writer, sheet_name="Prices", index=False)
    importer("check", sheet)
    shown = importer("columns", sheet, "--json")
    (column,) = json.loads(shown.out)["columns"]
    (run,) = json.loads(importer("runs", "--json").out)
    lists = json.loads(importer("dropdowns", "--json").out)
    assert set(column) - {"source", "rules"} == set(
        named_in(page, "`--json` prints an object. Its `columns`")
    )
    assert set(run) == set(named_in(page, "`runs --json` prints a list"))
    assert set(lists) | {"title", "active"} == set(named_in(page, "`--json` prints an object with a list"))
    assert 'Other sheets were not read: "Prices"' in shown.err


def named_in(page, beginning):
    """The keys in the sentences that begin so."""
    paragraph = page[page.index(beginning) + len(beginning) :].split("\n\n")[0]
    return re.findall(r"`(\w+)`(?!\])", paragraph)


def test_the_demo_says_how_its_runs_can_be_gone_on_with(importer):
    """Both resume and retry go to the address of their run alone, so the sandbox must come back on its port."""
    ended = importer("demo")
    (port,) = re.findall(r"A sandbox CRM runs at http://127\.0\.0\.1:(\d+)/superfone", ended.err)
    assert ended.err.endswith(
        f"To start this sandbox again: importer sandbox --db reports/demo-crm.sqlite --port {port}\n"
    )


def test_a_second_demo_begins_with_an_empty_crm(importer):
    """It shows what a first import does."""
    sent = []
    for _ in range(2):
        importer("demo")
        with closing(sqlite3.connect(importer.reports / "demo-crm.sqlite")) as crm:
            sent += crm.execute("SELECT count(*) FROM requests").fetchone()
    assert sent[0] == sent[1] > 0


def test_the_question_leaves_standard_output_to_the_json(importer, crm, monkeypatch, capsys):
    """Somebody at a terminal, and a program that reads what is printed."""
    summary = library.check_file(write_csv(importer.folder / "x.csv", GOOD)).summary
    monkeypatch.setattr("importer.cli.prompts.confirm", lambda _: False)
    capsys.readouterr()
    assert not TerminalPrompter(TerminalObserver(Settings(json=True))).confirm_send(summary)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "can go in" in printed.err


def test_the_demo_asks_no_proxy_for_its_own_page(importer, monkeypatch):
    """An office's proxy knows nothing of this machine: the sample was in, and the demo ended as a fault of ours."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    ended = importer("demo")
    assert ended.code == 0, ended.err
    assert (importer.reports / "demo-crm.html").exists()


def test_a_demo_that_stays_can_be_ended_by_ctrl_c_on_windows_too(importer, monkeypatch):
    """There a Ctrl-C comes through a sleep, and through no lock that is waited for without an end."""

    def press(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", press)
    assert importer("demo", "--stay").code == 130


def test_runs_stand_in_the_order_in_which_they_began(importer):
    """A laptop that travels, or a clock that is put back in autumn, does not turn them round."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    for run_id, began in (("early", "2026-11-25T19:30:00+05:30"), ("late", "2026-11-25T15:00:00+00:00")):
        ended = importer("check", sheet, "--run-id", run_id)
        with Journal.open(ended.folder) as journal:
            journal._change_metadata(started_at=began)
    assert [line.split()[0] for line in importer("runs").out.splitlines()] == ["early", "late"]


def test_the_runs_are_looked_for_where_the_settings_file_has_them_made(importer, crm):
    """Who has `reports = "out"` there was told that there are no runs, and that none is old enough to be purged."""
    (importer.folder / "importer.toml").write_text('reports = "out"\nsave = "m.toml"\n')
    importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes", "--run-id", "april")
    assert importer("runs").out.startswith("april ")
    assert importer("runs", "--reports", "reports").out == ""
    assert importer("report", "april").code == 0
    assert importer("resume", "april").code == 0
    assert importer("purge", "--older-than", "0h", "--yes").err == "Removed 1 run: april.\n"


def test_a_settings_file_that_is_not_there(importer):
    ended = importer("check", write_csv(importer.folder / "x.csv", GOOD), "--config", "none.toml")
    assert ended.code == 2
    assert "Cannot read the settings in none.toml: No such file or directory. Mend the file" in ended.err


def test_columns_needs_neither_key_nor_phone(importer, monkeypatch):
    """Looking at a sheet is for those who have no account yet."""
    monkeypatch.delenv("SUPERFONE_API_KEY")
    sheet = write_csv(importer.folder / "x.csv", [["Fruit", "Colour"], ["Apple", "red"]])
    ended = importer("columns", sheet)
    assert ended.code == 0
    assert "Fruit\n  -> left out\n     why: no field has a name like this; 100% filled; Apple\n" in ended.out
    assert 'Say which one it is: --column "HEADER=customer_phone"' in ended.err


def test_columns_of_our_own_file_are_those_of_its_run(importer):
    sheet = write_csv(importer.folder / "x.csv", [["Fone", "Name"], ["98450", "Asha"]])
    ended = importer("run", sheet, "--yes", "--column", "Fone=customer_phone", "--column", "Name=source")
    shown = importer("columns", ended.folder / "failed_rows.csv").out
    assert "-> Phone (customer_phone)" in shown
    assert "-> Source (source)" in shown


def test_what_is_left_out_is_named_with_the_reason_where_there_is_one(importer):
    """A column of phones that is left out must be seen; what has no meaning for the CRM is only named."""
    rows = [[f"984501000{n}", "a", f"984502000{n}", "b", "c", "x@example.in"] for n in range(4)]
    sheet = write_csv(
        importer.folder / "x.csv", [["Phone", "Fruit", "Helper", "", "Colour", "Father mail"], *rows]
    )
    shown = importer("check", sheet).out
    assert "  left out: Helper (its cells are phones, and its header does not say whose)\n" in shown
    assert '  left out: Father mail ("father" says that it is not the lead\'s own)\n' in shown
    assert "  left out: Fruit, Column D, Colour\n" in shown


def test_a_map_is_not_written_over(importer):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    assert importer("columns", sheet, "--save", "m.toml").code == 0
    ended = importer("columns", sheet, "--save", "m.toml")
    assert ended.code == 2
    assert "--save does not write over it" in ended.err
    assert importer("columns", sheet, "--map", "m.toml", "--save", "m.toml").code == 0


def test_a_map_that_cannot_be_written_is_said_before_anything_is_sent(importer, crm):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    (importer.folder / "file").write_text("")
    ended = importer("run", sheet, "--yes", "--save", "file/m.toml")
    assert ended.code == 2
    assert "Cannot write the map file/m.toml" in ended.err
    assert crm.sandbox.store.ledger() == []


def test_a_reader_that_has_gone_is_no_fault(importer):
    """`importer dropdowns | head -1`."""
    ended = subprocess.run(
        f'"{sys.executable}" -m importer dropdowns | head -1',
        shell=True,
        capture_output=True,
        check=False,
        text=True,
        timeout=90,
    )
    assert ended.stdout == "source_type (7)\n"
    assert ended.stderr == ""


def test_a_run_whose_reader_has_gone_ends_as_ever(importer, crm):
    """`importer run | true`: rows go in and it exits 0, whoever listens."""
    sheet = write_csv(importer.folder / "leads.csv", [["Phone", "Name"], ["9845010001", "Asha"]])
    ended = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m importer run {sheet} --yes | true; echo ${{PIPESTATUS[0]}}'],
        capture_output=True,
        check=False,
        text=True,
        timeout=90,
    )
    assert ended.stdout == "0\n", ended.stderr
    assert len(leads(crm)) == 1


@pytest.mark.parametrize(("place", "code"), [("process_rows", 2), ("send", 3)])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ZeroDivisionError("ours"),
            "Internal error in importer (ZeroDivisionError). Your file is fine and nothing ",
        ),
        (OSError("of a library"), "Internal error in importer (OSError). Your file is fine and nothing "),
        (OSError(24, "Too many open files"), "importer: Too many open files. "),
        (OSError(13, "Permission denied", "a/\x1b[2J"), "importer: Permission denied: a/\ufffd[2J. "),
    ],
)
def test_what_nobody_foresaw_is_a_sentence(importer, crm, monkeypatch, place, code, error, said):
    """Exit 2 while the CRM is as it was, 3 with how to go on afterwards; the traceback only with -v.

    What the system refuses is said in its words: it is no fault of ours.
    """

    def broken(*_, **__):
        raise error

    where = {
        "process_rows": "importer.pipeline.prepare._stage_rows",
        "send": "importer.pipeline.send_and_report.send",
    }
    monkeypatch.setattr(where[place], broken)
    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], ["9845010001"]])
    ended = importer("run", sheet, "--yes")
    assert ended.code == code
    assert said in ended.err
    assert ("importer resume" in ended.err) == (code == 3)
    assert "Traceback" not in ended.err
    assert "Traceback" in importer("run", sheet, "--yes", "-v").err


def test_ctrl_c_in_resume_does_not_say_that_nothing_was_sent(importer, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    importer("check", write_csv(importer.folder / "x.csv", [["Phone"], ["9845012345"]]), "--run-id", "r")
    monkeypatch.setattr("importer.pipeline.resume.resume", stopped)
    assert "before anything more was sent" in importer("resume", "r").err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_while_the_lists_are_asked_for_ends_the_asking(importer, monkeypatch, number):
    """It does not strike amid the loop's own callbacks: those can lose it, and the rows would have been sent after all."""
    seen = []

    async def titles(*_):
        try:
            signal.raise_signal(number)
            seen.append("went on")
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    monkeypatch.setattr(Client, "fetch_titles", titles)
    ended = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    assert (ended.code, ended.err.strip()) == (130, "importer: Stopped before anything was sent.")
    assert seen == ["went on", "cancelled"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_behind_the_last_row_does_not_say_that_nothing_was_sent(importer, crm, monkeypatch, number):
    """All rows had gone in, and Ctrl-C while the summary came was answered by "before anything was sent"."""
    monkeypatch.setattr("importer.cli.summary_view.format_summary", lambda *_: signal.raise_signal(number))
    ended = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    assert len(leads(crm)) == 1
    assert ended.code == 130
    assert ended.err.strip() == ("importer: Stopped after sending. importer runs shows how the run ended.")
    assert "before anything was sent" in importer("check", importer.folder / "x.csv").err


def test_a_signal_before_the_loop_is_there_leaves_one_line(tmp_path):
    """Python warned of a coroutine that was never awaited, behind the one line."""
    write_csv(tmp_path / "x.csv", GOOD)
    program = (
        "import asyncio, signal, sys; from importer.cli.main import main\n"
        "asyncio.Runner = lambda **_: signal.raise_signal(signal.SIGTERM)\n"
        "sys.exit(main(['run', 'x.csv', '--yes']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "SUPERFONE_API_KEY": "k"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 130
    assert ended.stderr.strip() == "importer: Stopped before anything was sent."
