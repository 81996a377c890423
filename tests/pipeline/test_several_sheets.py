"""Several sheets of a workbook as one run: one tab for each salesman, month or branch."""

import json

import openpyxl
import pytest

import importer as library
from importer import errors
from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.support import leads, read_csv

SUMMARY = [["Salesman", "Leads"], ["Asif", 3], ["Bela", 2]]
ASIF = [
    ["Leads of Asif"],
    ["Mobile", "Name", "Stage"],
    ["98450 20001", "Anita Desai", "New"],
    ["98450 20002", "Binod Rai", "Warm led"],
    ["98450 20003", "Chitra Sen", ""],
]
BELA = [
    ["Customer Name", "Mobile", "Budget"],
    ["Dev Anand", "98450 20011", 500000],
    ["A Desai", "98450 20001", 100000],
]
TABS = {"Summary": SUMMARY, "Asif": ASIF, "Bela": BELA, "Empty": []}


def write_book(path, tabs, hidden=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in tabs.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    book.save(path)
    return path


@pytest.fixture
def book(importer):
    return write_book(importer.folder / "leads.xlsx", TABS)


class Terminal:
    """Answers the questions at the terminal, and keeps them. A question without an answer of its own gets Enter."""

    def __init__(self):
        self.sheets = []
        self.changes = []
        self.field = self.title = ""
        self.send = "n"
        self.asked = []

    def answer(self, question, **_):
        self.asked.append(question)
        if question.startswith("Numbers of the sheets"):
            return self.sheets.pop(0) if self.sheets else ""
        if question.startswith("Send ") and self.changes:
            return self.changes.pop(0)
        chosen = {"  Send it to": self.field, "  Which one is meant": self.title, "Send ": self.send}
        return next((text for start, text in chosen.items() if question.startswith(start)), "")

    def count(self, start):
        return sum(question.startswith(start) for question in self.asked)


@pytest.fixture
def terminal(monkeypatch):
    """Let a person sit at the terminal."""
    person = Terminal()
    monkeypatch.setattr("importer.cli.run_commands.is_interactive", lambda: True)
    monkeypatch.setattr("importer.cli.prompts.click.prompt", person.answer)
    return person


@pytest.fixture
def ended(importer, book):
    """Return a run over all sheets: 3 rows went in, 1 has an unknown stage, 1 is a duplicate in the other sheet."""
    return importer(
        "run", book, "--sheet", "all", "--yes", "--default", "source=Walk-in {sheet}", "--run-id", "all"
    )


# --- one run


def test_all_sheets_with_leads_are_one_run(ended, crm):
    """Each tab is matched by its own headers. The tabs without leads are named, not dropped in silence."""
    assert [(row["_sheet"], row["_row"], row["_status"]) for row in ended.results] == [
        ("Asif", "3", "accepted"), ("Asif", "4", "invalid"), ("Asif", "5", "accepted"),
        ("Bela", "2", "accepted"), ("Bela", "3", "duplicate"),
    ]  # fmt: skip
    assert (ended.code, ended.summary["rows"]) == (1, 5)
    assert leads(crm)["+919845020011"] == {
        "first_name": "Dev", "last_name": "Anand", "deal_value": 500000, "source": "Walk-in Bela",
    }  # fmt: skip
    assert leads(crm)["+919845020003"]["source"] == "Walk-in Asif"
    assert 'Other sheets were not read: "Summary", "Empty".' in ended.out
    assert ended.summary["ignored"] == [
        'Other sheets were not read: "Summary", "Empty". Name one with --sheet.'
    ]


def test_plan_reads_the_same_sheets(importer, book):
    """A plan is a promise: it is about the rows that a run would send. A sheet of totals is not read for it either."""
    plan, check = (importer(name, book, "--sheet", "all") for name in ("plan", "check"))
    assert plan.summary["plan"]
    assert (plan.summary["rows"], plan.summary["ignored"]) == (5, check.summary["ignored"])


def test_columns_of_all_sheets_stand_side_by_side(ended):
    """A header that two tabs share is one column. Cells stay under their own header, as typed."""
    assert list(ended.results[0])[:6] == ["Mobile", "Name", "Stage", "Customer Name", "Budget", "_sheet"]
    assert [(row["Mobile"], row["Name"], row["Customer Name"]) for row in ended.results][2:4] == [
        ("98450 20003", "Chitra Sen", ""),
        ("98450 20011", "", "Dev Anand"),
    ]
    assert ended.summary["columns"] == {
        "Mobile": "customer_phone", "Name": "full_name", "Stage": "lead_stage_name",
        "Customer Name": "full_name", "Budget": "deal_value",
    }  # fmt: skip


def test_sentences_name_the_sheet_of_a_row(ended):
    """`row 3` alone could be of any tab."""
    said = [row["_problems"] for row in ended.results]
    assert said[0].startswith("Row 3 of Asif, Mobile: merged with row 3 of Bela because they share a phone.")
    assert said[1].startswith('Row 4 of Asif, Stage: "Warm led" does not exist')
    assert (
        said[4] == "Row 3 of Bela, Mobile: same phone as row 3 of Asif: its values were merged into that row."
    )
    assert "4 of Asif" in (ended.folder / "report.html").read_text("utf-8")


def test_same_header_may_be_another_field_in_another_sheet(importer, crm):
    """In one tab Phone is the lead's own number, in the other it is the second one."""
    tabs = {
        "Asif": [["Phone", "Name"], ["9845020001", "Anita Desai"]],
        "Bela": [["Mobile", "Phone", "Name"], ["9845020002", "8045020003", "Binod Rai"]],
    }
    importer("run", write_book(importer.folder / "x.xlsx", tabs), "--sheet", "all", "--yes")
    phones = [lead["phones"] for lead in crm.sandbox.store.all_leads()]
    assert sorted(phones) == [["+919845020001"], ["+919845020002", "+918045020003"]]


def test_sheets_are_named_or_numbered(importer, book):
    """In the order of the options; a number counts all tabs, as it does for one."""
    ended = importer("check", book, "--sheet", "Bela", "--sheet", "2")
    assert [(row["_sheet"], row["_row"]) for row in ended.results] == [
        ("Bela", "2"), ("Bela", "3"), ("Asif", "3"), ("Asif", "4"), ("Asif", "5"),
    ]  # fmt: skip
    assert "--sheet Bela --sheet 2" in ended.err
    ended = importer("check", book, "--sheet", "all", "--limit", "4")
    assert [row["_sheet"] for row in ended.results] == ["Asif", "Asif", "Asif", "Bela"]


def test_named_sheet_without_phones_is_an_error(importer, book):
    """Only `all` leaves out sheets by itself."""
    ended = importer("check", book, "--sheet", "Asif", "--sheet", "Summary")
    assert ended.code == 2
    assert 'Sheet "Summary": No column has the phones' in ended.err
    ended = importer("check", book, "--sheet", "Asif", "--sheet", "Empty")
    assert 'Sheet "Empty": The sheet is empty.' in ended.err


def test_all_of_one_sheet_with_leads_is_a_plain_run(importer, book):
    """Without several sheets, every file stays as it is: no `_sheet`, and plain row numbers."""
    one = write_book(importer.folder / "one.xlsx", {"Summary": SUMMARY, "Asif": ASIF})
    first, second = importer("check", one, "--sheet", "all"), importer("check", book, "--sheet", "Asif")
    assert (first.folder / "results.csv").read_bytes() == (second.folder / "results.csv").read_bytes()
    assert "_sheet" not in first.results[0]


def test_hidden_sheet_is_not_read_unless_named(importer):
    """People hide what they have finished with. It is named as not read."""
    path = write_book(importer.folder / "x.xlsx", {"Asif": ASIF, "Bela": BELA, "Old": ASIF}, hidden=["Old"])
    ended = importer("check", path, "--sheet", "all")
    assert {row["_sheet"] for row in ended.results} == {"Asif", "Bela"}
    assert 'not read: "Old"' in ended.out
    ended = importer("check", path, "--sheet", "all", "--sheet", "Old")
    assert {row["_sheet"] for row in ended.results} == {"Asif", "Bela", "Old"}


# --- options for several sheets


def test_column_option_is_for_the_sheets_that_have_it(importer, book):
    """A column that no sheet has is still an error."""
    ended = importer("check", book, "--sheet", "all", "--column", "Budget=additional_info")
    assert ended.summary["columns"]["Budget"] == "additional_info"
    ended = importer("check", book, "--sheet", "all", "--column", "Bugdet=additional_info")
    assert ended.code == 2
    assert 'no column "Bugdet"' in ended.err


def test_saved_map_reads_all_sheets_again(importer, book):
    """It has the columns of all of them, and not the one with the sheet's name."""
    importer("check", book, "--sheet", "all", "--column", "Budget=", "--save", "map.toml")
    assert "_sheet" not in (importer.folder / "map.toml").read_text("utf-8")
    ended = importer("check", book, "--sheet", "all", "--map", "map.toml")
    assert ended.summary["columns"]["Budget"] == ""
    (importer.folder / "map.toml").write_text('[columns]\n"Bugdet" = ""\n')
    assert 'no column "Bugdet"' in importer("check", book, "--sheet", "all", "--map", "map.toml").err


@pytest.mark.parametrize(
    ("text", "source"),
    [("{sheet}", "Bela"), ("From {sheet}, {year}", "From Bela, {year}"), ("{{sheet}}", "{sheet}")],
)
def test_name_of_the_sheet_fills_a_field(importer, crm, book, text, source):
    """Also of a single sheet. Doubled braces are braces, and other braces are never special."""
    importer("run", book, "--sheet", "Bela", "--yes", "--default", f"source={text}")
    assert leads(crm)["+919845020011"]["source"] == source


def test_name_of_the_sheet_only_fills_empty_cells(importer, crm):
    """A default never replaces what is in the sheet."""
    tabs = {
        "Asif": [["Phone", "Source"], ["9845020001", "Fair"], ["9845020002", ""]],
        "Bela": [["Phone"], ["9845020003"]],
    }
    path = write_book(importer.folder / "x.xlsx", tabs)
    importer("run", path, "--sheet", "all", "--yes", "--default", "source={sheet}")
    assert [lead["source"] for _, lead in sorted(leads(crm).items())] == ["Fair", "Asif", "Bela"]


def test_text_file_has_no_sheet_name(importer):
    """The error says how to write the braces themselves."""
    (importer.folder / "x.csv").write_text("Phone\n9845020001\n")
    ended = importer("check", "x.csv", "--default", "source={sheet}")
    assert ended.code == 2
    assert "this file has no sheets" in ended.err
    assert importer("check", "x.csv", "--default", "source={{sheet}}").code == 0


def test_columns_shows_each_sheet(importer, book):
    """The command for looking at the mapping reads what `run` would read."""
    shown = importer("columns", book, "--sheet", "all").out
    assert (
        shown.index('Sheet "Asif"')
        < shown.index("Stage\n")
        < shown.index('Sheet "Bela"')
        < shown.index("Budget\n")
    )
    printed = json.loads(importer("columns", book, "--sheet", "all", "--json").out)
    assert set(printed["by_sheet"]) == {"Asif", "Bela"}
    assert "by_sheet" not in json.loads(importer("columns", book, "--sheet", "Bela", "--json").out)


# --- again


@pytest.mark.parametrize("report", ["failed_rows.csv", "failed_rows.xlsx"])
def test_fixed_rows_keep_the_mapping_of_their_sheet(importer, crm, ended, report):
    """The tab's name is in the report, so its field and its default are those of the first run."""
    path = ended.folder / report
    if report.endswith("csv"):
        path.write_bytes(path.read_bytes().replace(b"Warm led,", b"Warm lead,"))
    else:
        book = openpyxl.load_workbook(path)
        book["Rows to fix"]["C2"] = "Warm lead"
        book.save(path)
    again = importer("run", path, "--yes")
    assert again.code == 0, again.err
    assert leads(crm)["+919845020002"] == {
        "first_name": "Binod", "last_name": "Rai", "lead_stage_name": "Warm lead", "source": "Walk-in Asif",
    }  # fmt: skip
    (row,) = again.results
    assert (row["_sheet"], row["_row"], row["Name"]) == ("Asif", "2", "Binod Rai")


def test_fixed_rows_may_have_other_columns(importer, crm):
    """A person deletes and moves columns of the report. Each row is still read as its own tab was."""
    tabs = {
        "Asif": [["Old", "Phone", "Name"], ["x", "9845020001", "Anita Desai"]],
        "Bela": [["Mobile", "Phone", "Stage"], ["9845020002", "8045020003", "Warm led"]],
    }
    path = write_book(importer.folder / "x.xlsx", tabs)
    first = importer("run", path, "--sheet", "all", "--yes")
    (failed,) = first.failed
    fixed = {**failed, "Stage": "Warm lead"}
    names = ["_sheet", "_codes", "Stage", "Mobile", "Phone"]
    (first.folder / "fixed.csv").write_text(
        "\n".join([",".join(names), ",".join(fixed[name] for name in names)]) + "\n"
    )
    again = importer("run", first.folder / "fixed.csv", "--yes")
    assert again.code == 0, again.out
    assert sorted(lead["phones"] for lead in crm.sandbox.store.all_leads())[1:] == [
        ["+919845020002", "+918045020003"]
    ]


def test_retry_and_resume_keep_sheets_and_numbers(importer, crm, book):
    """Rows of both sheets were left when the run stopped."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=2))
    stopped = importer("run", book, "--sheet", "all", "--yes", "--rate", "100", "--concurrency", "1")
    assert stopped.code == 3
    crm.sandbox.faults.restart(FaultPlan())
    assert importer("resume", stopped.folder.name).code == 1
    assert [row["_status"] for row in read_csv(stopped.folder / "results.csv")] == [
        "accepted", "invalid", "accepted", "accepted", "duplicate",
    ]  # fmt: skip
    retried = importer("retry", stopped.folder.name, "--yes")
    assert [(row["_sheet"], row["_row"]) for row in retried.results] == [("Asif", "4")]
    assert "Row 4 of Asif, Stage" in retried.results[0]["_problems"]


def test_rows_and_frame_have_the_sheet(importer, book):
    """In the library too. The name is no cell of the sheet."""
    result = library.check_file(book, sheet=["Asif", 3])
    rows = list(result.rows())
    assert [(row.sheet, row.number) for row in rows] == [
        ("Asif", 3),
        ("Asif", 4),
        ("Asif", 5),
        ("Bela", 2),
        ("Bela", 3),
    ]
    assert list(rows[0].cells) == ["Mobile", "Name", "Stage", "Customer Name", "Budget"]
    assert result.to_frame()["_sheet"].tolist() == [row.sheet for row in rows]
    assert [row.sheet for row in library.check_file(book, sheet="Asif").rows()] == ["", "", ""]
    with pytest.raises(errors.UsageError, match='no sheet "Nope"'):
        library.check_file(book, sheet=("Asif", "Nope"))


# --- tables side by side


BESIDE = """\
Name,Mobile,Stage,,Client,Contact No,City
Anita Desai,98450 20001,Warm led,,Dev Anand,98450 20011,Goa
Binod Rai,98450 20002,,,Esha Gill,98450,Pune
"""


def test_tables_side_by_side_are_sheets_of_a_run(importer, crm):
    """Two leads share each row number. Their table tells them apart, and each keeps its own columns."""
    (importer.folder / "x.csv").write_text(BESIDE)
    ended = importer("run", "x.csv", "--yes")
    left, right = "columns A to C", "columns E to G"
    assert f'each read as a table of its own: "{left}", "{right}".' in ended.out
    assert [(row["_sheet"], row["_row"], row["_status"]) for row in ended.results] == [
        (left, "2", "invalid"), (left, "3", "accepted"), (right, "2", "accepted"), (right, "3", "invalid"),
    ]  # fmt: skip
    assert list(ended.results[0])[:7] == ["Name", "Mobile", "Stage", "Client", "Contact No", "City", "_sheet"]
    assert "Row 3 of columns E to G, Contact No" in ended.results[3]["_problems"]
    assert leads(crm)["+919845020011"] == {"first_name": "Dev", "last_name": "Anand", "city": "Goa"}


@pytest.mark.parametrize("report", ["failed_rows.csv", "failed_rows.xlsx"])
def test_fixed_rows_of_tables_side_by_side_go_in(importer, crm, report):
    """Below each other now, each row under the columns of its own table."""
    (importer.folder / "x.csv").write_text(BESIDE)
    path = importer("run", "x.csv", "--yes").folder / report
    if report.endswith("csv"):
        text = (
            path.read_text("utf-8-sig").replace("Warm led,", "Warm lead,").replace(",98450,", ",98450 20012,")
        )
        path.write_text(text, "utf-8-sig")
    else:
        book = openpyxl.load_workbook(path)
        sheet = book["Rows to fix"]
        sheet["C2"], sheet["E3"] = "Warm lead", "98450 20012"
        book.save(path)
    again = importer("run", path, "--yes")
    assert again.code == 0, again.err
    assert leads(crm)["+919845020001"] == {
        "first_name": "Anita", "last_name": "Desai", "lead_stage_name": "Warm lead",
    }  # fmt: skip
    assert leads(crm)["+919845020012"] == {"first_name": "Esha", "last_name": "Gill", "city": "Pune"}


def test_terminal_asks_which_tables_to_read(importer, terminal):
    """One of them may be last year's."""
    (importer.folder / "x.csv").write_text(BESIDE.replace("Client,Contact No", "Name,Mobile"))
    terminal.sheets = ["2"]
    ended = importer("run", "x.csv")
    assert [row["Name"] for row in ended.results] == ["Dev Anand", "Esha Gill"]
    assert 'Other sheets were not read: "columns A to C". Name one with --sheet.' in ended.out
    assert "_sheet" not in ended.results[0]


# --- at a terminal


@pytest.mark.parametrize(
    "given", [[""], ["1 2"], ["7", "2,1"]], ids=["Enter", "numbers", "wrong number first"]
)
def test_terminal_asks_which_sheets_to_read(importer, book, terminal, given):
    """Only those that look like leads are listed. Enter takes all of them."""
    terminal.sheets = given
    ended = importer("run", book)
    assert ended.code == 2
    assert "1  Asif  (Mobile, Name, Stage)" in ended.err
    assert "Summary  (" not in ended.err
    assert {row["_sheet"] for row in ended.results} == {"Asif", "Bela"}
    assert not terminal.sheets


def test_choice_of_sheets_can_be_changed_before_the_sending(importer, book, terminal, crm):
    """It stands in the list with the other answers. A sheet that was left out at first can be read too."""
    terminal.sheets, terminal.changes, terminal.send = ["2", "1", ""], ["1", "1"], "y"
    ended = importer("run", book)
    listed = [line.strip() for line in ended.err.splitlines() if "Sheets to read:" in line]
    assert listed == ["1  Sheets to read: Bela", "1  Sheets to read: Asif", "1  Sheets to read: Asif, Bela"]
    assert {row["_sheet"] for row in ended.results} == {"Asif", "Bela"}
    assert len(leads(crm)) == 3
    assert terminal.count("  Where do these leads come from") == 1


def test_choice_of_one_sheet_is_a_plain_run(importer, book, terminal):
    """The answer becomes the option, so that the next command reads the same sheet."""
    terminal.sheets = ["2"]
    ended = importer("run", book)
    assert ended.results[0]["Customer Name"] == "Dev Anand"
    assert "_sheet" not in ended.results[0]


def test_terminal_does_not_ask_about_a_single_sheet_with_leads(importer, terminal):
    """The first tab of totals is no reason to stop: the other one is read, and named."""
    path = write_book(importer.folder / "x.xlsx", {"Summary": SUMMARY, "Bela": BELA})
    ended = importer("run", path)
    assert terminal.count("Numbers of the sheets") == 0
    assert 'Sheet "Bela" of the workbook.' in ended.out


def test_question_about_a_column_is_asked_once(importer, terminal):
    """Twelve tabs of one shape would ask twelve times, and then twelve times whether to use the saved answers."""
    words = ["north", "south", "east"]
    tabs = {
        name: [
            ["Phone", "Name", "Budget"],
            *[[f"98450{at}000{n}", "Dev Rao", word] for n, word in enumerate(words)],
        ]
        for at, name in enumerate("ABC")
    }
    path = write_book(importer.folder / "x.xlsx", tabs)
    terminal.field, terminal.send = "city", "y"
    assert importer("run", path).summary["columns"]["Budget"] == "city"
    assert (terminal.count("  Send it to"), terminal.count("  Where do these leads come from")) == (1, 1)
    assert importer("run", path).summary["columns"]["Budget"] == "city"
    assert (terminal.count("  Send it to"), terminal.count("Read this sheet the same way")) == (1, 1)


def test_answers_about_values_are_remembered_for_each_sheet(importer, book, terminal):
    """The next check finds them by the headers of the tab that it reads."""
    terminal.title, terminal.send = "1", "y"
    importer("run", book)
    again = importer("check", book, "--sheet", "Asif")
    assert again.code == 0, again.out
    assert "reports/maps/" in again.out
    importer("columns", book, "--sheet", "all", "--forget")
    assert not list((importer.folder / "reports/maps").iterdir())
