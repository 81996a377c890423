"""Commands as people type them: help, wrong commands, next steps, exit codes, signals."""

import asyncio
import json
import os
import re
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
from importer.cli.terminal_observer import TerminalObserver, TerminalPrompter, describe_crm
from importer.journal.run_journal import Journal
from importer.messages.help_messages import COMMAND_SUMMARIES
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.row import BLOCK_ROWS
from importer.pipeline.questions import SendDecision
from importer.sender.client import Client
from importer.settings import Settings
from tests.support import leads, write_csv

GOOD = [["Phone", "Name"], ["9845012345", "Asha"]]


def name_case(value):
    """Return the id of one case: what was typed, without the message."""
    return ascii(" ".join(value)) if isinstance(value, list) else ""


def page_of(result):
    return (result.folder / "report.html").read_text("utf-8")


def test_no_arguments_print_the_help_and_exit_2(importer):
    result = importer()
    assert result.code == 2
    assert result.out.startswith("Usage: importer")
    assert result.err == ""


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["-h"]])
def test_every_way_to_ask_for_help_prints_it(importer, arguments):
    result = importer(*arguments)
    assert result.code == 0
    assert "Check every row of a sheet" in result.out
    assert importer(*arguments[:1], "run").code in (0, 2)


def test_help_with_a_command_prints_its_help(importer):
    assert importer("help", "run").out == importer("run", "--help").out
    assert "There is no command" in importer("help", "rnu").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chek", "x.csv"], 'There is no command "chek". Did you mean importer check?'),
        (["improt"], "There is no command"),
        (["xyzzy"], f"The commands are: {', '.join(COMMAND_SUMMARIES)}."),
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
        (["resume", "nope"], "Run nope does not exist in reports. To list the runs that exist: importer runs"),
        (["retry", "nope"], "Run nope does not exist in reports."),
        (["report", "nope"], "Run nope does not exist in reports."),
        (["purge", "--older-than", "3"], "takes days or hours"),
        (["columns", "nowhere.csv"], "There is no file nowhere.csv"),
    ],
    ids=name_case,
)  # fmt: skip
def test_wrong_command_gets_one_sentence_with_what_to_type(importer, arguments, message):
    write_csv(importer.folder / "my leads.csv", GOOD)
    result = importer(*arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.startswith("importer: ")
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_unreadable_file_is_rejected(importer, monkeypatch):
    """The user learns that the file cannot be read. The error is simulated, because root may read everything."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    result = importer("check", sheet)
    assert result.code == 2
    assert "Permission denied. Check that it is a file and that you may read it." in result.err


def test_footer_far_down_the_sheet_is_printed(importer):
    """A total below row 2,000 is found after the columns are shown, and still appears on the terminal."""
    rows = [[f"98450{number:05}", "Asha"] for number in range(3 * BLOCK_ROWS)]
    sheet = write_csv(importer.folder / "x.csv", [GOOD[0], *rows, ["Total", ""]])
    told = f"Row {3 * BLOCK_ROWS + 2} was skipped because it is a total or a report footer, not a lead.\n"
    assert importer("check", sheet).out.count(told) == 1
    assert told not in importer("check", sheet, "-q").out


def test_ranges_are_kept_as_information_unless_an_end_is_wanted(importer, crm):
    """Property sheets often have ranges such as "80-90L". No lead is lost for one."""
    budgets = ["50L", "80-90L", "upto 60L", "1.2 cr to 1.5 cr"]
    rows = [[f"98450{number:05}", budget] for number, budget in enumerate(budgets)]
    sheet = write_csv(importer.folder / "x.csv", [["Phone", "My Budget"], *rows])
    assert importer("run", sheet, "--yes").code == 0
    sent = [(lead.get("deal_value"), lead.get("additional_info")) for _, lead in sorted(leads(crm).items())]
    assert sent == [(50_00_000, None), *((None, f"My Budget: {budget}") for budget in budgets[1:])]
    assert importer("run", sheet, "--yes", "--ranges", "low").code == 0
    values = [lead.get("deal_value") for _, lead in sorted(leads(crm).items())]
    assert values == [50_00_000, 80_00_000, None, 1_20_00_000]
    assert importer("check", sheet, "--ranges", "reject").summary["counts"]["invalid"] == 3


def test_rows_that_share_a_further_number_become_one_lead(importer, crm):
    """`B / A` and `A` were two leads with one number (FINDINGS, trial 4)."""
    rows = [["Asha", "9845010002 / 9845010001"], ["", "9845010001"], ["Ravi", "9845010003"]]
    sheet = write_csv(importer.folder / "x.csv", [["Name", "Phone"], *rows])
    ended = importer("run", sheet, "--yes")
    assert (ended.code, ended.summary["counts"]["duplicate"]) == (0, 1)
    assert set(leads(crm)) == {"+919845010002", "+919845010003"}
    assert "same phone as row 2" in ended.results[1]["_problems"]


def test_bad_cells_get_one_option_that_saves_their_rows(importer, crm):
    """The option is named where it helps, and the rows then go in with a warning."""
    rows = [["9845010001", "asha(at)example.in", "Pune"], ["9845010002", "", "#N/A"], ["98450", "", "Pune"]]
    sheet = write_csv(importer.folder / "x.csv", [["Phone", "Email", "City"], *rows])
    checked = importer("check", sheet)
    assert "To import their rows without these cells, add --bad-cells drop.\n" in checked.out
    assert checked.summary["problems"] == {
        "customer_phone.too_short": 1,
        "email.not_an_email": 1,
        "city.counted_as_empty": 1,
    }
    ended = importer("run", sheet, "--yes", "--bad-cells", "drop")
    assert (ended.code, "--bad-cells" in ended.out) == (1, False)
    assert ended.summary["counts"]["accepted"] == 2
    assert "email" not in leads(crm)["+919845010001"]
    row = ended.results[0]
    assert row["_problems"] == (
        "Row 2, Email: the row was imported without this cell, because "
        '"asha(at)example.in" is not an e-mail address (an email address must have an @-sign). '
        "Fix the address, or empty the cell."
    )


@pytest.mark.parametrize("command", [["check", "x.csv"], ["dropdowns"], ["check", "x.csv", "-q"]])
def test_long_wait_for_the_lists_is_printed(importer, monkeypatch, command):
    """A silent wait of up to --max-wait would look as if the command hung."""
    busy = [CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="", retry_after_s=600.0)]

    async def at_once(_, sleep=asyncio.sleep):
        await sleep(0)

    async def busy_first(client, *request, exchange=Client._exchange):
        return (busy.pop(), b"") if busy else await exchange(client, *request)

    monkeypatch.setattr("asyncio.sleep", at_once)
    monkeypatch.setattr(Client, "_exchange", busy_first)
    write_csv(importer.folder / "x.csv", GOOD)
    result = importer(*command)
    assert result.code == 0
    told = "The CRM asks us to wait 10 min before it sends its dropdown lists ...\n"
    assert result.err.count(told) == ("-q" not in command)


def test_resume_of_a_finished_run_sends_nothing(importer, crm):
    """Nothing is left to send. The reports are written and the last line is printed again."""
    result = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    before = len(crm.sandbox.store.ledger())
    again = importer("resume", result.folder.name)
    assert again.code == 0
    assert "The row went in." in again.err
    assert len(crm.sandbox.store.ledger()) == before


def test_resume_of_a_check_says_how_to_send_it(importer):
    result = importer("check", write_csv(importer.folder / "my leads.csv", GOOD))
    again = importer("resume", result.folder.name)
    assert again.code == 2
    assert "was only checked. Send it with: importer run " in again.err
    assert "my leads.csv'" in again.err


def test_command_to_send_a_check_has_the_options_of_the_check(importer):
    """The report may be read days later. Without the options, another sheet or merged rows would be sent."""
    write_csv(importer.folder / "my leads.csv", GOOD)
    given = ("--default", "source=Trade fair", "--no-create", "--duplicates", "reject", "--limit", "1")
    importer("check", "my leads.csv", *given, "--reports", "out", "--run-id", "first")
    command = "importer run 'my leads.csv' --default 'source=Trade fair' --no-create --duplicates reject --limit 1 --reports out"
    assert unescape((importer.folder / "out/first/report.html").read_text("utf-8")).count(command) == 1
    for again in ("resume", "retry"):
        message = importer(again, "first", "--reports", "out", "--yes").err
        assert message == f"importer: Run first was only checked. Send it with: {command}\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ("run", "my leads.csv", "--default", "source=Trade fair", "--duplicates", "reject"),
            "importer run 'my leads.csv' --default 'source=Trade fair' --duplicates reject --yes",
        ),
        (("retry", "first", "--rate", "5"), "importer retry first --rate 5 --yes"),
    ],
)
def test_advice_to_add_yes_repeats_the_whole_command(importer, given, message):
    """Nothing is asked after --yes, so a missing option such as --duplicates would merge rows without a question."""
    importer(
        "run", write_csv(importer.folder / "my leads.csv", [*GOOD, ["12", "B"]]), "--yes", "--run-id", "first"
    )
    assert importer(*given).err == (
        "importer: Confirmation is needed, but this is not an interactive terminal. "
        f"Run again with --yes to send: {message}\n"
    )


def test_command_for_a_saved_map_repeats_options_that_a_map_lacks(importer):
    """A map has columns and defaults, but no sheet, header row, encoding or region."""
    write_csv(importer.folder / "x.csv", GOOD)
    result = importer(
        "columns", "x.csv", "--region", "AE", "--default", "source=Fair", "--save", "my map.toml"
    )
    assert result.err.endswith("To use it: importer run x.csv --map 'my map.toml' --region AE\n")


def test_retry_of_a_check_says_how_to_send_it(importer):
    """Nothing was sent, so retry must neither say that every row went in nor send only the invalid rows."""
    sheet = write_csv(importer.folder / "my leads.csv", [*GOOD, ["12", "B"]])
    result = importer("check", sheet)
    again = importer("retry", result.folder.name, "--yes")
    assert again.code == 2
    assert "was only checked. Send it with: importer run " in again.err


def test_retry_does_not_count_a_row_without_lead_as_sent(importer):
    rows = [["UNIQUE_QUERY_ID", "QUERY_TYPE", "SENDER_NAME", "SENDER_MOBILE"]]
    rows += [["1", "W", "Asha", "+91-9845012345"], ["2", "BIZ", "Ravi", "+91-9845012346"]]
    result = importer("run", write_csv(importer.folder / "x.csv", rows), "--yes")
    assert result.summary["counts"] | {"accepted": 1, "invalid": 1} == result.summary["counts"]
    again = importer("retry", result.folder.name, "--yes")
    assert again.code == 0
    assert (
        again.err == f"Run {result.folder.name} has no row left that can go in. There is nothing to retry.\n"
    )


def test_run_id_of_the_settings_file_does_not_block_retry(importer):
    """`retry` has no --run-id option to choose another id."""
    (importer.folder / "importer.toml").write_text('run_id = "april"\n')
    importer("run", write_csv(importer.folder / "x.csv", [*GOOD, ["12", "B"]]), "--yes")
    again = importer("retry", "april", "--yes")
    assert again.code == 1
    assert again.folder.name != "april"


def test_json_on_a_terminal_prints_the_summary_on_standard_error(importer, monkeypatch):
    """The person sees the summary before confirming, and the question names the CRM."""
    asked = []
    monkeypatch.setattr("importer.cli.run_commands.is_interactive", lambda: True)
    monkeypatch.setattr("importer.cli.prompts.click.prompt", lambda text, **_: asked.append(text) or "y")
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    result = importer("run", sheet, "--json", "--default", "source=Fair")
    assert json.loads(result.out)["counts"]["accepted"] == 1
    assert "1  can go in" in result.err
    assert len(asked) == 1
    assert asked[0].startswith("Send 1 lead to the CRM on this machine (127.0.0.1:")


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("https://prod-api.superfone.co.in/superfone", "the CRM at prod-api.superfone.co.in"),
        ("http://127.0.0.1:8765/superfone", "the CRM on this machine (127.0.0.1:8765)"),
        ("http://[::1]:8765/superfone", "the CRM on this machine ([::1]:8765)"),
    ],
)
def test_description_of_the_crm_shows_whether_it_is_the_sandbox(base_url, message):
    """A person who takes the real CRM for the sandbox, or the other way round, sees it before the first write."""
    assert describe_crm(base_url) == message


def test_check_with_unknown_values_says_how_to_fix_them_at_once(importer):
    """900 rows with three unknown stages need three answers, not 900 fixed cells. With --yes nobody was asked."""
    sheet = write_csv(importer.folder / "x.csv", [["Phone", "Stage"], ["9845012345", "Warm led"]])
    message = (
        "Some values do not exist in your account. `importer run` asks once what each one means. "
        "To import the rows without these values, add `--unknown drop`.\n"
    )
    checked = importer("check", sheet)
    assert message in checked.out
    assert "On a terminal, importer run asks once what each value means." in page_of(checked)
    assert "<h2>Rows that cannot go in yet</h2>" in page_of(checked)
    sent = importer("run", sheet, "--yes")
    assert message in sent.out
    assert "At a terminal" not in page_of(sent)
    assert "<h2>Rows that did not go in</h2>" in page_of(sent)
    assert message not in importer("check", sheet, "--unknown", "drop").out


def test_last_line_of_a_check_counts_skipped_rows(importer):
    rows = [["UNIQUE_QUERY_ID", "QUERY_TYPE", "SENDER_NAME", "SENDER_MOBILE"]]
    rows += [["1", "W", "Asha", "+91-9845012345"], ["2", "BIZ", "Ravi", "+91-9845012346"]]
    result = importer("check", write_csv(importer.folder / "x.csv", rows))
    assert (
        "1 of 2 rows can go in. Nothing was sent. 1 row was skipped because it is not a lead. Send with: "
        in result.err
    )
    assert "        1  not a lead\n" in result.out


def test_columns_ends_with_the_next_command(importer):
    """The next command repeats the options, so that it reads the sheet in the same way."""
    write_csv(importer.folder / "my leads.csv", GOOD)
    result = importer("columns", "my leads.csv", "--column", "Name=source", "--reports", "other")
    assert 'Is a column wrong? Add --column "HEADER=FIELD"' in result.err
    assert result.err.endswith(
        "To check every row: importer check 'my leads.csv' --column Name=source --reports other\n"
    )
    assert "To check" not in importer("columns", "my leads.csv", "--json").err


def test_commands_page_names_the_keys_of_every_json_output(importer):
    """Scripts rely on these keys. Notices about the sheet go to standard error."""
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
    """Return the keys that a paragraph of the page names."""
    paragraph = page[page.index(beginning) + len(beginning) :].split("\n\n")[0]
    return re.findall(r"`(\w+)`(?!\])", paragraph)


def test_demo_prints_how_to_start_its_sandbox_again(importer):
    """Resume and retry only use the URL of their run, so the sandbox must start on the same port again."""
    result = importer("demo")
    (port,) = re.findall(r"A practice CRM runs at http://127\.0\.0\.1:(\d+)/superfone", result.err)
    assert result.err.endswith(
        f"To start this practice CRM again: importer sandbox --db reports/demo-crm.sqlite --port {port}\n"
    )


def test_second_demo_starts_with_an_empty_crm(importer):
    """Each demo shows a first import."""
    sent = []
    for _ in range(2):
        importer("demo")
        with closing(sqlite3.connect(importer.reports / "demo-crm.sqlite")) as crm:
            sent += crm.execute("SELECT count(*) FROM requests").fetchone()
    assert sent[0] == sent[1] > 0


def test_question_before_sending_leaves_standard_output_to_json(importer, crm, monkeypatch, capsys):
    """A person answers at the terminal while a program reads standard output."""
    summary = library.check_file(write_csv(importer.folder / "x.csv", GOOD)).summary
    monkeypatch.setattr("importer.cli.prompts.click.prompt", lambda *_, **__: "n")
    capsys.readouterr()
    prompter = TerminalPrompter(TerminalObserver(Settings(json=True)), "https://crm.example")
    assert prompter.confirm_send(summary, ()) is SendDecision.STOP
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "can go in" in printed.err


def test_demo_uses_no_proxy_for_its_own_page(importer, monkeypatch):
    """The proxy of an office does not know this machine, and the demo failed after the import."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    result = importer("demo")
    assert result.code == 0, result.err
    assert (importer.reports / "demo-crm.html").exists()


def test_demo_that_stays_can_be_stopped_by_ctrl_c_on_windows(importer, monkeypatch):
    """On Windows, Ctrl-C interrupts a sleep but not the wait for a lock."""

    def press(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", press)
    assert importer("demo", "--stay").code == 130


def test_runs_are_listed_by_start_time(importer):
    """Another time zone or a clock change does not change the order."""
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    for run_id, began in (("early", "2026-11-25T19:30:00+05:30"), ("late", "2026-11-25T15:00:00+00:00")):
        result = importer("check", sheet, "--run-id", run_id)
        with Journal.open(result.folder) as journal:
            journal.run.change_metadata(started_at=began)
    assert [line.split()[0] for line in importer("runs").out.splitlines()] == ["early", "late"]


def test_history_commands_use_the_reports_folder_of_the_settings_file(importer, crm):
    """With `reports = "out"` in importer.toml, `runs` must not say that there are no runs."""
    (importer.folder / "importer.toml").write_text('reports = "out"\nsave = "m.toml"\n')
    importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes", "--run-id", "april")
    assert importer("runs").out.startswith("april ")
    assert importer("runs", "--reports", "reports").out == ""
    assert importer("report", "april").code == 0
    assert importer("resume", "april").code == 0
    assert importer("purge", "--older-than", "0h", "--yes").err == "Deleted 1 run: april.\n"


def test_missing_settings_file_is_rejected(importer):
    result = importer("check", write_csv(importer.folder / "x.csv", GOOD), "--config", "none.toml")
    assert result.code == 2
    assert "Cannot read the settings in none.toml: No such file or directory. Fix the file" in result.err


def test_columns_needs_no_key_and_no_phone_column(importer, monkeypatch):
    """A person without an account can look at a sheet."""
    monkeypatch.delenv("SUPERFONE_API_KEY")
    sheet = write_csv(importer.folder / "x.csv", [["Fruit", "Colour"], ["Apple", "red"]])
    result = importer("columns", sheet, "--rest", "ignore")
    assert result.code == 0
    assert "Fruit\n  -> left out\n     why: no field has a name like this; 100% filled; Apple\n" in result.out
    assert 'Say which one it is: --column "HEADER=customer_phone"' in result.err


def test_columns_of_our_own_report_are_those_of_its_run(importer):
    sheet = write_csv(importer.folder / "x.csv", [["Fone", "Name"], ["98450", "Asha"]])
    result = importer("run", sheet, "--yes", "--column", "Fone=customer_phone", "--column", "Name=source")
    shown = importer("columns", result.folder / "failed_rows.csv").out
    assert "-> Phone (customer_phone)" in shown
    assert "-> Source (source)" in shown


def test_columns_that_are_left_out_are_named_with_their_reason(importer):
    """A column of phones that is left out needs a reason. A column without a field is only named."""
    rows = [[f"984501000{n}", "a", f"984502000{n}", "b", "c", "x@example.in"] for n in range(4)]
    sheet = write_csv(
        importer.folder / "x.csv", [["Phone", "Fruit", "Helper", "", "Colour", "Father mail"], *rows]
    )
    shown = importer("check", sheet, "--rest", "ignore").out
    assert "  left out: Helper (its cells are phones, but its header does not say whose)\n" in shown
    assert '  left out: Father mail (the word "father" means somebody else)\n' in shown
    assert "  left out: Fruit, Column D, Colour\n" in shown


def test_save_does_not_replace_a_map(importer):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    assert importer("columns", sheet, "--save", "m.toml").code == 0
    result = importer("columns", sheet, "--save", "m.toml")
    assert result.code == 2
    assert "--save does not overwrite a file" in result.err
    assert importer("columns", sheet, "--map", "m.toml", "--save", "m.toml").code == 0


def test_map_that_cannot_be_written_stops_the_run_before_sending(importer, crm):
    sheet = write_csv(importer.folder / "x.csv", GOOD)
    (importer.folder / "file").write_text("")
    result = importer("run", sheet, "--yes", "--save", "file/m.toml")
    assert result.code == 2
    assert "Cannot write the map file/m.toml" in result.err
    assert crm.sandbox.store.ledger() == []


def test_closed_pipe_is_not_an_error(importer):
    """`importer dropdowns | head -1` prints one line and no error."""
    result = subprocess.run(
        f'"{sys.executable}" -m importer dropdowns | head -1',
        shell=True,
        capture_output=True,
        check=False,
        text=True,
        timeout=90,
    )
    assert result.stdout == "source_type (7)\n"
    assert result.stderr == ""


def test_run_with_a_closed_pipe_sends_every_row(importer, crm):
    """`importer run | true` sends every row and exits with 0."""
    sheet = write_csv(importer.folder / "leads.csv", [["Phone", "Name"], ["9845010001", "Asha"]])
    result = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m importer run {sheet} --yes | true; echo ${{PIPESTATUS[0]}}'],
        capture_output=True,
        check=False,
        text=True,
        timeout=90,
    )
    assert result.stdout == "0\n", result.stderr
    assert len(leads(crm)) == 1


@pytest.mark.parametrize(("place", "code"), [("process_rows", 2), ("send", 3)])
@pytest.mark.parametrize(
    ("error", "message"),
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
def test_unexpected_error_is_one_sentence(importer, crm, monkeypatch, place, code, error, message):
    """It exits with 2 before the first write and with 3 and the next command after it. The traceback needs -v.

    An error of the operating system is not called an internal error.
    """

    def broken(*_, **__):
        raise error

    where = {
        "process_rows": "importer.pipeline.run.stage_rows",
        "send": "importer.pipeline.local_sender.send",
    }
    monkeypatch.setattr(where[place], broken)
    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], ["9845010001"]])
    result = importer("run", sheet, "--yes")
    assert result.code == code
    assert message in result.err
    assert ("importer resume" in result.err) == (code == 3)
    assert "Traceback" not in result.err
    assert "Traceback" in importer("run", sheet, "--yes", "-v").err


def test_ctrl_c_in_resume_says_that_nothing_more_was_sent(importer, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    importer("check", write_csv(importer.folder / "x.csv", [["Phone"], ["9845012345"]]), "--run-id", "r")
    monkeypatch.setattr("importer.pipeline.resume.resume", stopped)
    assert "before anything more was sent" in importer("resume", "r").err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_signal_while_the_lists_are_read_stops_the_run(importer, monkeypatch, number):
    """An exception inside the event loop's callbacks could get lost, and the rows would be sent after all."""
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
    result = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    assert (result.code, result.err.strip()) == (130, "importer: Stopped before anything was sent.")
    assert seen == ["went on", "cancelled"]


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C there")
def test_ctrl_c_after_the_end_changes_nothing():
    """A second Ctrl-C may come while Python closes its processes: no traceback, and the exit code stays."""
    script = (
        "import atexit, os, signal, sys; from importer.cli.main import run_as_process\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.argv = ['importer', '--version']\n"
        "sys.exit(run_as_process())\n"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_signal_after_the_last_row_says_that_rows_were_sent(importer, crm, monkeypatch, number):
    """Ctrl-C while the summary is printed must not say that nothing was sent."""
    monkeypatch.setattr("importer.cli.summary_view.format_summary", lambda *_: signal.raise_signal(number))
    result = importer("run", write_csv(importer.folder / "x.csv", GOOD), "--yes")
    assert len(leads(crm)) == 1
    assert result.code == 130
    assert result.err.strip() == ("importer: Stopped after sending. importer runs shows how the run ended.")
    assert "before anything was sent" in importer("check", importer.folder / "x.csv").err


def test_signal_before_the_event_loop_starts_prints_one_line(tmp_path):
    """Python must not add a warning about a coroutine that was never awaited."""
    write_csv(tmp_path / "x.csv", GOOD)
    program = (
        "import asyncio, signal, sys; from importer.cli.main import main\n"
        "asyncio.Runner = lambda **_: signal.raise_signal(signal.SIGTERM)\n"
        "sys.exit(main(['run', 'x.csv', '--yes']))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "SUPERFONE_API_KEY": "k"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert result.returncode == 130
    assert result.stderr.strip() == "importer: Stopped before anything was sent."
