"""The column of the leads' names is found by its header, by its cells, or by the word for names in its header."""

import pytest

from importer.loader.mapping.column_chooser import needs_confirmation
from importer.loader.rows.drafts import Drafter
from importer.models.row import SourceRow
from tests.loader.column_sheets import CITY, NAME, PHONE, WORDS, choose_for, list_fields, without_presets

__all__ = ["without_presets"]  # a fixture for every test here

SALES_TEAM = ("Nikhil Shah", "Nikhil Shah", "Sneha Pai", "Nikhil Shah")
LOCALITIES = ("Gandhi Nagar", "Shastri Nagar", "Ram Vihar", "Krishna Colony")
PROJECTS = ("Sai Heights", "Kumar Residency", "Joshi Towers", "Rao Enclave")
REMARKS = ("Call back", "Not interested", "Busy", "Wrong person")
FIRMS = ("Rao Traders", "Kumar Steels", "Iyer & Sons", "Khan Motors")
RARE = ("Zubin Wadia", "Tenzin Lama", "Ruokuo Solo", "Lal Thanga")


@pytest.mark.parametrize(
    "header",
    [
        "Cust Name", "Cust. Name", "Customer Ka Naam", "Your Good Name", "Caller Name", "Names", "Public Display Name",
        "Particulars", "aapka naam", "आपका शुभ नाम", "शेतकरी नाव", "কাস্টমার নাম", "Kisan Ka Naam", "Enquirer Name",
    ],
)  # fmt: skip
def test_header_of_names_is_known(header):
    """Headers that people give to the names, in Hinglish and in Indian languages."""
    assert list_fields([("Phone", PHONE), (header, RARE)])[1] == (header, "full_name")


@pytest.mark.parametrize("header", ["Column A", "Whom", "xyz"])
def test_column_of_persons_is_found_by_its_cells(header):
    """No header says so, and a person is asked."""
    column = choose_for([(header, NAME), ("Phone", PHONE), ("Where", CITY)]).columns[0]
    assert column.field == "full_name"
    assert column.reason == "its cells are names of people"
    assert needs_confirmation(column)


@pytest.mark.parametrize(
    "cells",
    [SALES_TEAM, LOCALITIES, PROJECTS, REMARKS, FIRMS, CITY, WORDS, RARE, NAME[:2]],
    ids=[
        "sales team",
        "localities",
        "projects",
        "remarks",
        "firms",
        "cities",
        "words",
        "rare names",
        "two cells",
    ],
)
def test_other_texts_are_not_taken_for_names(cells):
    """A wrong name is worse than none: these are left to a person."""
    assert list_fields([("Phone", PHONE), ("xyz", cells)])[1] == ("xyz", "")


def test_column_of_persons_does_not_replace_a_name():
    """Next to a known name, it may be anybody."""
    assert list_fields([("Name", RARE), ("Phone", PHONE), ("xyz", NAME)])[2] == ("xyz", "")


def test_person_is_found_beside_a_firm():
    """A firm does not say whom to ask for."""
    assert list_fields([("Company", FIRMS), ("Phone", PHONE), ("xyz", NAME)])[2] == ("xyz", "full_name")


def test_two_columns_of_persons_are_left_to_a_person_unless_no_header_exists():
    """Without headers, the first of them has the names."""
    assert list_fields([("Phone", PHONE), ("abc", NAME), ("xyz", NAME)])[1:] == [("abc", ""), ("xyz", "")]
    found = list_fields([("Column A", NAME), ("Column B", PHONE), ("Column C", NAME)])
    assert found[0] == ("Column A", "full_name")
    assert found[2] == ("Column C", "")


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Hospital Name", "business_name"),
        ("Law Firm", "business_name"),
        ("शेतकऱ्याचे नाव", "full_name"),
        ("Name as per card", "full_name"),
        ("Branch Name", ""),
        ("Society Name", ""),
        ("Campaign Name", ""),
    ],
)
def test_only_header_with_a_word_for_names_has_the_names(header, field):
    """A kind of firm is a business; names of things are nobody's name."""
    assert list_fields([("Phone", PHONE), (header, RARE)])[1] == (header, field)
    with_names = list_fields([("Name", NAME), ("Phone", PHONE), (header, RARE)])
    assert with_names[2] == (header, "")


def test_two_headers_with_a_word_for_names_are_left_to_a_person():
    """Nobody can tell which of them it is."""
    sheet = [("Phone", PHONE), ("Hospital Name", RARE), ("Clinic Name", RARE)]
    assert list_fields(sheet)[1:] == [("Hospital Name", ""), ("Clinic Name", "")]


NAME_AND_PHONE = (
    "Mr. Ravi / 9845012345",
    "Zubin Wadia - 9845012346",
    "9845012347 Lal Thanga",
    "Tenzin Lama (9845012348)",
)


@pytest.mark.parametrize(
    "header", ["Customer", "Name", "Column A", "Party", "Name & Mobile", "Name / Contact No"]
)
def test_name_and_phone_in_one_cell_are_a_phone_column(header):
    """The words beside the numbers become the names, and a person is asked."""
    column = choose_for([("Sl", ("1", "2", "3", "4")), (header, NAME_AND_PHONE)]).columns[1]
    assert column.field == "customer_phone"
    assert column.reason == "its cells are phones with a name beside them"
    assert needs_confirmation(column)


def test_first_line_above_an_address_is_the_name():
    """`Name & Address` names two fields. Its cells show which line is which."""
    cells = tuple(f"Shri {name}\n14, Gandhi Road\nIndore" for name in NAME)
    mapping = choose_for([("Name & Address of Donor", cells), ("Phone", PHONE)])
    assert [column.field for column in mapping.columns] == ["full_name", "customer_phone"]
    draft = Drafter(mapping, region="IN").draft(
        SourceRow(2, ("Shri Ravi Rao\n14, Gandhi Road\nIndore", PHONE[0]))
    )
    assert (draft.payload["first_name"], draft.payload["last_name"]) == ("Shri Ravi", "Rao")
    assert draft.payload["additional_info"] == "Name & Address of Donor: 14, Gandhi Road Indore"
    assert [issue.machine_code for issue in draft.issues] == ["full_name.lines_kept_as_info"]


def test_name_and_phone_in_one_cell_beside_a_phone_is_another_phone():
    """Its numbers may be others, and its names are the only ones."""
    assert list_fields([("Phone", PHONE), ("Customer", NAME_AND_PHONE)])[1] == ("Customer", "add_phones")


@pytest.mark.parametrize(
    ("cell", "name", "names", "codes"),
    [
        ("Mr. Ravi Rao / 9845012345", "", ("Mr. Ravi", "Rao"), []),
        ("9845012345 Asha", "", ("Asha", None), []),
        ("Ravi Rao 9845012345", "Asha Iyer", ("Asha", "Iyer"), ["customer_phone.words_left_out"]),
        ("9845012345 (wife)", "", (None, None), ["customer_phone.words_left_out"]),
        ("Ravi Rao / 9845012345 / 98450", "", ("Ravi", "Rao"), ["customer_phone.part_left_out"]),
    ],
    ids=["name", "first name", "row has a name", "no name", "cut number"],
)
def test_words_beside_a_phone_are_the_name_of_a_row_without_one(cell, name, names, codes):
    """They are left out with a warning only where they are no name, or the row has one."""
    mapping = choose_for([("Phone", PHONE), ("Name", NAME)])
    draft = Drafter(mapping, region="IN").draft(SourceRow(2, (cell, name)))
    assert (draft.payload.get("first_name"), draft.payload.get("last_name")) == names
    assert [issue.machine_code for issue in draft.issues] == codes


def test_other_words_beside_a_name_and_a_phone_are_additional_info():
    """A place behind the phone is not a part of the name, and it is not lost."""
    mapping = choose_for([("Column A", NAME_AND_PHONE)])
    draft = Drafter(mapping, region="IN").draft(SourceRow(1, ("Zubin Wadia - 9845012345 - Baner",)))
    assert (draft.payload["first_name"], draft.payload["last_name"]) == ("Zubin", "Wadia")
    assert draft.payload["additional_info"] == "Column A: Baner"
    assert draft.issues == ()
