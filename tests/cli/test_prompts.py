"""The questions on a real pseudo-terminal: each is asked once, and each can be cancelled."""

import json
import os

import click
import pytest

from importer.cli.prompts import ask_columns
from importer.journal.run_journal import Journal
from importer.models.mapping import ColumnChoice
from importer.pipeline.questions import ColumnQuestion
from tests.support import leads, write_csv

if os.name == "nt":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.cli.terminal import Terminal

UNSURE = [
    ["Name", "Mobile", "Adress", "Status"],
    ["Asha Rao", "9845010001", "12 MG Road", "Yes"],
    ["Ravi Kumar", "9845010002", "44 Church St", "No"],
    ["Meena Iyer", "9845010003", "Koramangala", "Yes"],
]
WRONG_STAGES = [
    ["Mobile", "Stage", "Tags"],
    ["9845010001", "Warm led", "VIP"],
    ["9845010002", "Warm led", "VIP, Vlp"],
    ["9845010003", "Zzzz", ""],
    ["9845010004", "Qqqq", ""],
    ["9845010005", "New", ""],
]


@pytest.fixture
def at_terminal(importer, request):
    """Start a command on a terminal of its own. Its leads have a source, so that nobody is asked for one."""

    def start(*arguments, source="Walk-in", **environment):
        if arguments[0] == "run" and source:
            arguments = (*arguments, "--default", f"source={source}")
        terminal = Terminal(importer.folder, *arguments, **environment)
        request.addfinalizer(terminal.close)
        return terminal

    return start


def test_answers_about_unsure_columns_are_proposed_for_the_next_sheet(at_terminal, importer, crm):
    write_csv(importer.folder / "one.csv", UNSURE)
    write_csv(
        importer.folder / "two.csv",
        [["Status", "Name", "Mobile", "Adress"], ["Yes", "Imran", "9845010009", "HSR"]],
    )
    first = at_terminal("run", "one.csv")
    first.expect("We are not sure about 2 columns.")
    first.expect('Column "Adress" (12 MG Road, 44 Church St, Koramangala): is spelled almost like "address".')
    first.expect("Send it to [Address]: ")
    first.type("")
    first.expect('Column "Status" (Yes, No): reads like Stage, but its cells only say yes or no.')
    first.expect("Send it to [Additional info]: ")
    first.type("Nonsense")
    first.expect('There is no field "Nonsense". Type ? to list the fields.')
    first.type("customer_phone")
    first.expect("Phone already has a column.")
    first.type("note")
    shown = first.expect("Send 3 leads to the CRM on this machine (127.0.0.1:")
    assert "Status  ->  Note                 (as answered)" in shown
    assert 'Your answers\n   1  Column "Adress": Address\n   2  Column "Status": Note\n' in shown
    first.type("y")
    assert "Your answers are saved in reports/maps/" in first.expect("All 3 rows went in.")
    assert first.wait_for_exit() == 0
    assert leads(crm)["+919845010001"]["notes"] == ["Yes"]

    second = at_terminal("run", "two.csv")
    second.expect("You imported a sheet with the same columns before. Your answers are in reports/maps/")
    second.expect("Read this sheet the same way? [Y/n]: ")
    second.type("")
    shown = second.expect("Send 1 lead to the CRM on this machine (127.0.0.1:")
    assert "Adress  ->  Address              (as answered last time)" in shown
    assert "edit that file, or delete it to be asked again" in shown
    assert "not sure" not in shown
    second.type("n")
    second.expect("Nothing was sent. The reports of the check are in")
    assert second.wait_for_exit() == 2

    third = at_terminal("run", "two.csv")
    third.expect("Read this sheet the same way?")
    third.type("n")
    third.expect('Column "Status" (Yes)')
    assert third.leave(b"\x03") == 130
    assert "Stopped before anything was sent." in third.rest
    assert len(leads(crm)) == 3


def test_saved_answers_are_used_without_a_terminal_and_named(importer, at_terminal, crm):
    sheet = write_csv(importer.folder / "one.csv", UNSURE)
    first = at_terminal("run", sheet)
    for answer in ("-", "additional_info"):
        first.expect("Send it to")
        first.type(answer)
    first.expect("Send 3 leads")
    first.type("y")
    assert first.wait_for_exit() == 0
    result = importer("run", sheet, "--yes", "--column", "Status=")
    assert "The answers are in reports/maps/" in result.out
    assert result.summary["columns"] == {
        "Name": "full_name",
        "Mobile": "customer_phone",
        "Adress": "",
        "Status": "",
    }
    assert importer("columns", sheet).out.count("as answered last time") == 4


def test_unknown_value_is_asked_about_once_and_its_rows_are_checked_again(at_terminal, importer, crm):
    """The answer is a number, a title, the beginning of one, - to drop the value, or Enter to keep it."""
    write_csv(importer.folder / "x.csv", WRONG_STAGES)
    terminal = at_terminal("run", "x.csv", "--save", "m.toml")
    terminal.expect("Labels: 1 value does not exist in your account (1 row).")
    terminal.expect('1 of 1: Labels "Vlp" (1 row)')
    terminal.expect("Which one is meant? Type a value (importer dropdowns lists them): ")
    terminal.type("-")
    terminal.expect("Stage: 3 values do not exist in your account (4 rows).")
    shown = terminal.expect("Type its number, or another value from your account: ")
    assert '1 of 3: Stage "Warm led" (2 rows)\n  1  Warm lead\n' in shown
    terminal.type("1")
    terminal.expect('Using "Warm lead".')
    terminal.expect('2 of 3: Stage "Zzzz" (1 row)')
    terminal.expect("Type its number, or another value from your account: ")
    terminal.type("no such title")
    terminal.expect('"no such title" does not exist in your account.')
    terminal.type("site visit")
    terminal.expect(
        'More than one value in your account begins with "site visit": Site visit planned, Site visit done.'
    )
    terminal.type("visit done")
    terminal.expect('"visit done" does not exist in your account.')
    terminal.type("site visit d")
    terminal.expect('Do you mean "Site visit done"? [y/N]: ')
    terminal.type("y")
    terminal.expect('Using "Site visit done".')
    terminal.expect('3 of 3: Stage "Qqqq" (1 row)')
    terminal.type("")
    terminal.expect("4  can go in")
    terminal.expect("Send 4 leads to the CRM on this machine (127.0.0.1:")
    terminal.type("y")
    assert terminal.wait_for_exit() == 1
    found = leads(crm)
    assert {phone: lead.get("lead_stage_name") for phone, lead in found.items()} == {
        "+919845010001": "Warm lead",
        "+919845010002": "Warm lead",
        "+919845010003": "Site visit done",
        "+919845010005": "New",
    }
    assert found["+919845010002"]["labels"] == ["VIP"]
    saved = (importer.folder / "m.toml").read_text("utf-8")
    assert '[values.lead_stage_name]\n"Warm led" = "Warm lead"\nZzzz = "Site visit done"\n' in saved
    assert '[values.add_labels]\nVlp = ""\n' in saved
    again = importer("check", "x.csv", "--map", "m.toml")
    assert again.summary["counts"]["accepted"] == 4


@pytest.mark.parametrize(("answer", "accepted"), [("all", 1), ("-all", 201)])
def test_one_answer_can_settle_two_hundred_unknown_values(at_terminal, importer, answer, accepted):
    rows = [[f"98450{n:05}", f"Stage {n}x"] for n in range(200)]
    write_csv(importer.folder / "x.csv", [["Mobile", "Stage"], *rows, ["9845099999", "New"]])
    terminal = at_terminal("run", "x.csv")
    terminal.expect("Stage: 200 values do not exist in your account (200 rows).")
    terminal.expect("1 of 200")
    terminal.type(answer)
    terminal.expect(f"{accepted}  can go in")
    terminal.expect(") now?")
    terminal.type("n")
    assert terminal.wait_for_exit() == 2


def test_part_of_a_title_is_not_an_answer(at_terminal, importer):
    """`back` became "Call back later" for ten lost leads (FINDINGS, trial)."""
    write_csv(importer.folder / "x.csv", [["Mobile", "Stage"], ["9845010001", "Lost lead"]])
    terminal = at_terminal("run", "x.csv")
    terminal.expect("Which one is meant?")
    terminal.type("done")
    terminal.expect('"done" does not exist in your account.')
    terminal.type("negot")
    terminal.expect('Do you mean "Negotiation"? [y/N]: ')
    terminal.type("n")
    terminal.expect("Which one is meant?")
    terminal.type("")
    terminal.expect("No row can be sent.")
    terminal.expect('1  Stage "Lost lead" (1 row): these rows are left out')
    terminal.type("")
    assert terminal.wait_for_exit() == 2


def test_answer_can_be_changed_before_sending(at_terminal, importer, crm):
    """All answers stand in one list. A number changes one, and only its question is asked again."""
    write_csv(importer.folder / "x.csv", WRONG_STAGES)
    terminal = at_terminal("run", "x.csv")
    for answer in ("-", "contacted", "new", "-"):
        terminal.expect("Which one is meant?")
        terminal.type(answer)
    shown = terminal.expect("Send 5 leads to the CRM on this machine")
    listed = shown.partition("Your answers\n")[2].splitlines()[:4]
    assert listed[0] == '   1  Labels "Vlp" (1 row): left out'
    assert listed[2:] == ['   3  Stage "Zzzz" (1 row): New', '   4  Stage "Qqqq" (1 row): left out']
    terminal.type("9")
    terminal.expect("or the number of an answer to change it")
    terminal.type("2")
    terminal.expect('1 of 1: Stage "Warm led" (2 rows)')
    terminal.type("warm lead")
    shown = terminal.expect("Send 5 leads to the CRM on this machine")
    assert '2  Stage "Warm led" (2 rows): Warm lead\n' in shown
    assert "Vlp" not in shown.partition("Your answers")[0]
    terminal.type("b")
    terminal.expect('1 of 1: Stage "Qqqq" (1 row)')
    terminal.type("")
    terminal.expect("Send 4 leads to the CRM on this machine")
    terminal.type("y")
    assert terminal.wait_for_exit() == 1
    stages = {phone: lead.get("lead_stage_name") for phone, lead in leads(crm).items()}
    assert stages == {
        "+919845010001": "Warm lead",
        "+919845010002": "Warm lead",
        "+919845010003": "New",
        "+919845010005": "New",
    }
    assert len(list(importer.reports.glob("2*"))) == 1


def test_b_goes_back_to_the_question_before(at_terminal, importer):
    write_csv(importer.folder / "x.csv", WRONG_STAGES)
    terminal = at_terminal("run", "x.csv")
    terminal.expect('Labels "Vlp"')
    terminal.type("b")
    terminal.expect("This is the first question.")
    terminal.type("-")
    terminal.expect('1 of 3: Stage "Warm led"')
    terminal.type("b")
    terminal.expect('1 of 1: Labels "Vlp"')
    terminal.type("vip")
    for answer in ("1", "-", "-"):
        terminal.expect("Which one is meant?")
        terminal.type(answer)
    assert 'Labels "Vlp" (1 row): VIP\n' in terminal.expect("now? [y/N]")
    assert terminal.leave(b"\x03") == 130


def test_wrong_phone_column_can_be_changed_though_no_row_can_be_sent(at_terminal, importer, crm):
    write_csv(
        importer.folder / "x.csv",
        [["Roll no 1", "Contact of broker"], ["7001", "9845010001"], ["7002", "9845010002"]],
    )
    terminal = at_terminal("run", "x.csv", "--rest", "ignore")
    terminal.expect("Which one is it?")
    terminal.type("1")
    terminal.expect("No row can be sent.")
    terminal.expect('1  Phone: column "Roll no 1"')
    terminal.expect("Number of the answer to change, or Enter to stop")
    terminal.type("b")
    terminal.expect("Which one is it?")
    terminal.type("2")
    terminal.expect("Send 2 leads")
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert set(leads(crm)) == {"+919845010001", "+919845010002"}


BAD_CELLS = [
    ["Mobile", "Name", "Email", "City"],
    ["9845010001", "Asha", "asha(at)example.in", "Pune"],
    ["9845010002", "Ravi", "ravi@example.in", "#REF!"],
    ["98450", "Meena", "meena@", "Pune"],
    ["9845010004", "Imran", "imran@example.in", "Pune"],
]


@pytest.mark.parametrize(("answer", "sent"), [("y", 3), ("", 1)])
def test_person_decides_whether_bad_cells_cost_their_rows(at_terminal, importer, crm, answer, sent):
    """The question names the number of rows. A row whose phone is bad is not among them."""
    write_csv(importer.folder / "x.csv", BAD_CELLS)
    terminal = at_terminal("run", "x.csv")
    terminal.expect("2 rows are rejected only because of a cell that cannot be read and is not the phone:")
    terminal.expect('Row 2, Email: "asha(at)example.in" is not an e-mail address')
    terminal.expect("Row 3, City: the cell shows #REF!, an Excel error.")
    terminal.expect("Send these 2 rows without such cells? [y/N]: ")
    terminal.type(answer)
    terminal.expect(f"Send 2 rows without the cells that cannot be read: {'yes' if answer else 'no'}")
    terminal.expect(f"Send {sent} lead")
    terminal.type("y")
    assert terminal.wait_for_exit() == 1
    found = leads(crm)
    assert len(found) == sent
    if sent == 3:
        assert found["+919845010001"]["first_name"] == "Asha"
        assert "email" not in found["+919845010001"]
        (run,) = importer.reports.glob("2*")
        with Journal.open(run) as journal:
            assert journal.metadata.options["bad_cells"] == "drop"


@pytest.mark.parametrize("option", ["reject", "drop"])
def test_nobody_is_asked_about_bad_cells_who_gave_the_option(at_terminal, importer, option):
    write_csv(importer.folder / "x.csv", BAD_CELLS)
    terminal = at_terminal("run", "x.csv", "--bad-cells", option)
    assert "without such cells?" not in terminal.expect("now? [y/N]")
    assert terminal.leave(b"\x03") == 130


def find_field(importer, header):
    mapping = json.loads(importer("columns", "x.csv", "--json").out)
    return next(column["field"] for column in mapping["columns"] if column["header"] == header)


def test_what_was_sent_last_is_remembered(at_terminal, importer, crm):
    """A wrong --column was remembered because something else was asked, and the right one was not (FINDINGS, trial)."""
    write_csv(importer.folder / "x.csv", UNSURE)
    first = at_terminal("run", "x.csv", "--column", "Adress=city")
    first.expect("Send it to")
    first.type("")
    first.expect("now? [y/N]")
    first.type("y")
    assert first.wait_for_exit() == 0
    second = at_terminal("run", "x.csv", "--column", "Adress=address.text")
    second.expect("Read this sheet the same way?")
    second.type("y")
    second.expect("now? [y/N]")
    second.type("n")
    assert second.wait_for_exit() == 2
    assert find_field(importer, "Adress") == "city"
    assert importer("run", "x.csv", "--yes", "--column", "Adress=address.text").code == 0
    assert find_field(importer, "Adress") == "address.text"


def test_column_option_alone_is_remembered_and_can_be_forgotten(importer, crm):
    write_csv(importer.folder / "x.csv", [["Mobile", "Town"], ["9845010001", "Pune"]])
    ended = importer("run", "x.csv", "--yes", "--column", "Town=business_name")
    assert "Your answers are saved in reports/maps/" in ended.err
    assert "as answered last time" in importer("columns", "x.csv").out
    forgotten = importer("columns", "x.csv", "--forget")
    assert "The answers for sheets with these columns were deleted: reports/maps/" in forgotten.err
    assert "Town\n  -> City" in forgotten.out
    assert not list((importer.reports / "maps").iterdir())
    assert (
        "There are no saved answers for sheets with these columns."
        in importer("columns", "x.csv", "--forget").err
    )


NO_SOURCE = [["Name", "Mobile"], ["Asha Rao", "9845010001"]]


@pytest.mark.parametrize(
    ("typed", "source"), [("", "expo visitors"), ("Property Expo", "Property Expo"), ("-", None)]
)
def test_source_is_asked_once_with_the_name_of_the_file(at_terminal, importer, crm, typed, source):
    """238 of 313 leads of the trial had no source (FINDINGS)."""
    write_csv(importer.folder / "expo_visitors.csv", NO_SOURCE)
    terminal = at_terminal("run", "expo_visitors.csv", source=None)
    terminal.expect("No column says where the leads come from.")
    terminal.expect("Enter accepts [expo visitors], - leaves it open: ")
    terminal.type(typed)
    shown = terminal.expect("now? [y/N]")
    assert f"1  Source of all leads: {source or 'left out'}\n" in shown
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert leads(crm)["+919845010001"].get("source") == source


@pytest.mark.parametrize(
    "options", [["--column", "Town=source"], ["--default", "source=Expo"], ["--default", "source="]]
)
def test_source_is_not_asked_where_it_is_known(at_terminal, importer, options):
    rows = [["Name", "Mobile", "Town"], ["Asha Rao", "9845010001", "Pune"]]
    write_csv(importer.folder / "x.csv", rows)
    terminal = at_terminal("run", "x.csv", *options, source=None)
    assert "where the leads come from" not in terminal.expect("now? [y/N]")
    assert terminal.leave(b"\x03") == 130


def test_option_for_the_source_is_named_without_a_terminal(importer, crm):
    write_csv(importer.folder / "x.csv", NO_SOURCE)
    advice = "No column says where the leads come from. To set a source for all of them, add: --default "
    assert advice in importer("check", "x.csv").out
    ended = importer("run", "x.csv", "--yes", "--default", "source=Expo")
    assert advice not in ended.out
    assert ended.summary["defaults"] == {"source": "Expo"}


def test_person_chooses_the_phone_column_if_no_header_names_it(at_terminal, importer, crm):
    write_csv(
        importer.folder / "x.csv",
        [
            ["Name", "Broker's phone number", "Age"],
            ["Asha", "9845010001", "12"],
            ["Ravi", "9845010002", "13"],
        ],
    )
    terminal = at_terminal("run", "x.csv")
    terminal.expect("No header says which column has the leads' phone numbers. Which one is it?")
    terminal.expect("1  Broker's phone number  (9845010001, 9845010002)")
    terminal.type("1")
    terminal.expect('Column "Age" goes to no field.')
    terminal.expect("Keep the other column as additional info? [Y/n]: ")
    terminal.type("n")
    terminal.expect("Send 2 leads")
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert set(leads(crm)) == {"+919845010001", "+919845010002"}
    assert not any(lead.get("additional_info") for lead in leads(crm).values())
    assert importer("check", "x.csv").summary["columns"]["Age"] == ""  # the answer is remembered


def test_rest_is_kept_by_enter_and_asked_about_once(at_terminal, importer, crm):
    """Columns that go to no field are one question. With --rest nothing is asked."""
    sheet = [["Name", "Mobile", "Class", "Hostel?"], ["Asha Rao", "9845010001", "XII", "Yes"]]
    write_csv(importer.folder / "x.csv", sheet)
    terminal = at_terminal("run", "x.csv")
    terminal.expect("These columns go to no field: Class, Hostel?.")
    terminal.expect("Keep the other 2 columns as additional info? [Y/n]: ")
    terminal.type("")
    shown = terminal.expect("Send 1 lead")
    assert "Class    ->  Additional info      (kept under its own header)" in shown
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert leads(crm)["+919845010001"]["additional_info"] == "Class: XII\nHostel?: Yes"
    sheet[0][2] = "Std."
    write_csv(importer.folder / "y.csv", sheet)
    again = at_terminal("run", "y.csv", "--rest", "ignore")
    assert "goes to no field" not in again.expect("Send 1 lead")
    assert "left out: Std., Hostel?" in again.plain
    again.type("n")
    assert again.wait_for_exit() == 2


def test_rows_with_one_phone_and_two_names_are_shown_before_sending(at_terminal, importer, crm):
    """The summary names the first three rows and the option that keeps such rows apart."""
    pairs = [[name, f"98450100{99 - n}"] for n in range(4) for name in ("Ravi Rao", f"Asha {n}", "ravi rao")]
    write_csv(importer.folder / "x.csv", [["Name", "Mobile"], *pairs, ["Imran\x1b[2J", "9845010099"]])
    terminal = at_terminal("run", "x.csv")
    shown = terminal.expect("Send 4 leads to the CRM on this machine (127.0.0.1:")
    summary = shown.partition("13 rows of x.csv\n")[2].splitlines()
    assert summary[2].startswith("A check does not look up which leads the CRM has already.")
    assert summary[3].startswith("Warnings on 4 rows that can go in: see _problems in reports/2")
    assert summary[4:8] == [
        "5 rows are merged with a row that has the same phone and another name",
        '  row 3 "Asha 0" with row 2 "Ravi Rao"',
        '  row 6 "Asha 1" with row 5 "Ravi Rao"',
        '  row 9 "Asha 2" with row 8 "Ravi Rao"',
    ]
    assert summary[8].startswith("  To see all of them, search for row.other_name in _codes of reports/2")
    assert "--duplicates reject" in summary[9]
    assert "first or last" in summary[9]
    terminal.type("n")
    assert terminal.wait_for_exit() == 2
    one_each = importer("run", "x.csv", "--yes", "--duplicates", "first")
    assert "another name" not in one_each.out
    assert leads(crm)["+919845010099"]["first_name"] == "Ravi"


RARE_NAMES = [
    ["Who", "Mobile", "Where"],
    ["Zubin", "9845010001", "Thane"],
    ["Tenzin", "9845010002", "Thane"],
    ["Ruokuo", "9845010003", "Kohima"],
]


def test_person_chooses_the_column_of_the_names_if_no_header_names_it(at_terminal, importer, crm):
    """The answer is remembered: the next sheet with these columns needs no question."""
    write_csv(importer.folder / "x.csv", RARE_NAMES)
    terminal = at_terminal("run", "x.csv")
    terminal.expect("Which column holds the names?")
    terminal.expect("1  Who  (Zubin, Tenzin, Ruokuo)")
    terminal.expect("2  Where  (Thane, Kohima)")
    terminal.type("1")
    terminal.expect("Keep the other column as additional info?")
    terminal.type("")
    terminal.expect("Send 3 leads")
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert "has a name" not in terminal.plain
    assert {lead["first_name"] for lead in leads(crm).values()} == {"Zubin", "Tenzin", "Ruokuo"}
    assert importer("check", "x.csv").summary["columns"]["Who"] == "full_name"


def test_sheet_without_names_is_sent_with_a_warning(at_terminal, importer, crm):
    """The answer 0 says that no column has names. The warning is the first line of the summary."""
    write_csv(importer.folder / "x.csv", RARE_NAMES)
    terminal = at_terminal("run", "x.csv")
    terminal.expect("Number of the column, or 0 if none of them does: ")
    terminal.type("0")
    terminal.expect("Keep the other 2 columns as additional info?")
    terminal.type("n")
    shown = terminal.expect("3 rows of x.csv")
    assert shown.splitlines()[-2].startswith(
        "None of the 3 leads has a name. If a column has the names, name it:"
    )
    terminal.expect("Send 3 leads")
    terminal.type("y")
    terminal.expect("None of the 3 leads has a name. All 3 rows went in.")
    assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize(("key", "code"), [(b"0\n", 2), (b"\x04", 130), (b"\x03", 130)])
def test_every_question_can_be_cancelled(at_terminal, importer, crm, key, code):
    write_csv(importer.folder / "x.csv", [["Name", "Broker's phone number"], ["Asha", "9845010001"]])
    terminal = at_terminal("run", "x.csv")
    terminal.expect("or 0 to stop")
    assert terminal.leave(key) == code
    assert "Traceback" not in terminal.plain
    assert leads(crm) == {}
    assert not list(importer.reports.glob("2*"))


def test_invalid_answer_is_asked_again_with_a_hint(at_terminal, importer, crm):
    """Click's own `Error: invalid input` says nothing about what to type."""
    write_csv(importer.folder / "x.csv", [["Name", "Broker's phone number"], ["Asha", "9845010001"]])
    terminal = at_terminal("run", "x.csv")
    terminal.expect("or 0 to stop")
    for nonsense in ("haan", "7", "-1"):
        terminal.type(nonsense)
        terminal.expect("Type a number from 0 to 1, then press Enter.")
        terminal.expect("or 0 to stop")
    terminal.type("1")
    terminal.expect(" now? [y/N]: ")
    terminal.type("send")
    terminal.expect("Type y to send, n to stop, or the number of an answer to change it.")
    terminal.expect(" now? [y/N]: ")
    terminal.type("YES")
    assert terminal.wait_for_exit() == 0
    assert list(leads(crm)) == ["+919845010001"]


def test_sure_mapping_asks_only_before_sending(at_terminal, importer, crm):
    write_csv(importer.folder / "x.csv", [["Mobile", "Stage"], ["9845010001", "New"]])
    terminal = at_terminal("run", "x.csv")
    shown = terminal.expect("Send 1 lead to the CRM on this machine (127.0.0.1:")
    shown += terminal.expect(" now? [y/N]: ")
    assert shown.count("?") == 1
    terminal.type("")
    assert terminal.wait_for_exit() == 2
    assert not (importer.reports / "maps").exists()


def test_sheet_without_valid_rows_asks_nothing(at_terminal, importer):
    write_csv(importer.folder / "x.csv", [["Mobile"], ["98450"], ["123"]])
    terminal = at_terminal("run", "x.csv")
    terminal.expect("No row can be sent.")
    assert terminal.wait_for_exit() == 2
    assert "now?" not in terminal.plain


def test_text_of_the_sheet_cannot_control_the_terminal(at_terminal, importer):
    """Escape sequences in a header and a value are replaced, in questions too."""
    evil = "\x1b[2J\x1b]0;owned\x07Adress"
    write_csv(importer.folder / "x.csv", [["Mobile", evil, "Stage"], ["9845010001", "a", "\x1b[31mNew"]])
    terminal = at_terminal("run", "x.csv", "--column", f"{evil}=address.text")
    terminal.expect("does not exist in your account")
    terminal.type("")
    terminal.expect("Enter to stop")
    terminal.type("")
    terminal.wait_for_exit()
    assert "\x1b[2J" not in terminal.shown
    assert "\x1b]0;" not in terminal.shown
    assert "\x1b[31mNew" not in terminal.shown


def test_two_unsure_columns_do_not_get_the_same_field(monkeypatch, capsys):
    """A field that was chosen in the question before is taken."""
    typed = iter(["Business", "Business", "City"])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(typed))
    questions = [
        ColumnQuestion(
            name,
            ColumnChoice(index=at, header=name, field="", source="nothing", confidence=0, reason="?"),
            frozenset(),
        )
        for at, name in enumerate(("Firm or shop", "Branch"))
    ]
    assert ask_columns(questions) == {"Firm or shop": "business_name", "Branch": "city"}
    assert "Business already has a column." in capsys.readouterr().err


def test_renamed_column_of_a_report_is_asked_about(at_terminal, importer, crm):
    """It is not dropped: its corrections would be lost (FINDINGS, trial 6)."""
    write_csv(importer.folder / "x.csv", [["Mobile", "My Budget"], ["98450", "5L"], ["9845010002", "6L"]])
    first = importer("run", "x.csv", "--yes", "--default", "source=Expo")
    path = first.folder / "failed_rows.csv"
    write_csv(path, [["Mobile", "Amount", "_row", "_status"], ["9845010001", "7L", "2", "invalid"]])
    terminal = at_terminal("run", path, source=None)
    terminal.expect(
        'Column "Amount" (7L): it is where "My Budget" was, so it may be that column under another name.'
    )
    terminal.expect("Send it to [Deal value]: ")
    terminal.type("")
    terminal.expect('1  Column "Amount": Deal value')
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert leads(crm)["+919845010001"]["deal_value"] == 700_000


def test_owners_are_assigned_by_name_with_a_map(importer):
    """docs/mapping.md shows it: the name of a team member stands for the phone that the CRM knows."""
    write_csv(
        importer.folder / "x.csv", [["Mobile", "Owner"], ["9845010001", "Rohit"], ["9845010002", "Meena"]]
    )
    phone = "+918000000001"
    (importer.folder / "m.toml").write_text(
        f'[columns]\nOwner = "assignee_user_phone"\n[values.assignee_user_phone]\nRohit = "{phone}"\nMeena = ""\n'
    )
    checked = importer("check", "x.csv", "--map", "m.toml")
    assert checked.summary["counts"]["accepted"] == 2
    assert checked.summary["problems"] == {}


FOLLOW_UPS = [
    ["Name", "Mobile", "Next Follow Up Date"],
    ["Asha Rao", "9845010001", "+3d 12:00"],
    ["Ravi Kumar", "9845010002", "+4d 12:00"],
    ["Meena Iyer", "9845010003", ""],
]


@pytest.mark.parametrize(("answer", "tasks"), [("", 0), ("y", 2)])
def test_column_of_dates_is_asked_about_once(at_terminal, importer, crm, answer, tasks):
    """Enter means no, because a task cannot be deleted: the dates are kept as additional info."""
    write_csv(importer.folder / "leads.csv", FOLLOW_UPS)
    terminal = at_terminal("run", "leads.csv", "--days", "mon-sun")
    terminal.expect('The column "Next Follow Up Date" looks like dates of follow-ups (+3d 12:00, +4d 12:00).')
    terminal.expect("Create a follow-up task in the CRM for each lead with a date there? [y/N]: ")
    terminal.type(answer)
    shown = terminal.expect("Send 3 leads to the CRM on this machine")
    assert ("Follow-up tasks to create" in shown) is bool(tasks)
    terminal.type("y")
    terminal.expect("All 3 rows went in.")
    assert terminal.wait_for_exit() == 0
    store = crm.sandbox.store
    assert sum(len(store.read_tasks(lead["id"])) for lead in store.all_leads()) == tasks
    assert ("additional_info" in leads(crm)["+919845010001"]) is not bool(tasks)
