"""Columns whose headers say nothing are decided by their cells, or left to a person."""

import pytest

from importer.errors import MissingPhoneColumnError
from importer.loader.mapping.column_chooser import needs_confirmation
from tests.loader.column_sheets import (
    LANDLINE,
    NAME,
    PHONE,
    WORDS,
    choose_for,
    list_fields,
    without_presets,
)

__all__ = ["without_presets"]  # a fixture for every test here


@pytest.mark.parametrize(
    ("cells", "field", "is_asked"),
    [
        (("New", "Hot lead", "Won", "New"), "lead_stage_name", False),
        (("VIP", "Hot", "hot", "VIP, Hindi"), "add_labels", False),
        (("New", "Hot lead", "Won", "Dead"), "lead_stage_name", True),
        (("Hot", "Warm", "Cold", "Cold"), "", True),
        (("Hindi", "Marathi", "Tamil", "Odia", "Bengali"), "", False),
        (("New", "New", "New", "New"), "", False),
    ],
    ids=[
        "all are stages",
        "all are labels",
        "most are stages",
        "some are labels",
        "few are labels",
        "one value",
    ],
)
def test_column_is_found_by_titles_of_the_account(cells, field, is_asked):
    """Where all cells are titles, it is that field. Where some are, a person is asked."""
    column = choose_for([("Phone", PHONE), ("Hot/Warm/Cold", cells)]).columns[1]
    assert column.field == field
    assert needs_confirmation(column) is is_asked


def test_titles_of_two_lists_are_asked_about():
    """Nobody can tell whether Hot is a stage or a label."""
    titles = {"lead_stage_name": ("Hot", "Cold"), "add_labels": ("Hot", "Cold")}
    column = choose_for([("Phone", PHONE), ("XYZ", ("Hot", "Cold"))], titles=titles).columns[1]
    assert column.field == "lead_stage_name"
    assert needs_confirmation(column)


@pytest.mark.parametrize(
    "cells",
    [
        ("Hot", "Warm", "Cold", "Cold"),  # one label among other words
        ("New", "New", "New", "New"),  # one word proves nothing
        ("Hindi", "Marathi", "Tamil", "Odia"),
    ],
    ids=["one title", "one word", "no title"],
)
def test_few_titles_prove_nothing(cells):
    """One title among other words, or one title repeated, does not decide on a column."""
    assert choose_for([("Phone", PHONE), ("XYZ", cells)]).columns[1].field == ""


def test_two_unnamed_phone_columns_are_left_to_a_person():
    """Nobody can tell which of the two is the lead's, so the error says what to type."""
    with pytest.raises(MissingPhoneColumnError) as stopped:
        choose_for([("Introducer", PHONE), ("Introduced", PHONE)], needs_phone=True)
    assert '"Introducer" was left out: its cells are phones' in str(stopped.value)
    assert '--column "Introducer=customer_phone"' in str(stopped.value)


def test_phone_column_with_a_phone_word_in_its_header_wins():
    """Of two unknown columns of phones, the word "phone" decides."""
    assert list_fields([("Helper", PHONE), ("Buyer phone here", PHONE)]) == [
        ("Helper", ""),
        ("Buyer phone here", "customer_phone"),
    ]


def test_number_in_every_row_is_not_the_leads_phone():
    """As their phone, the number of a partner or an office would make one lead of them all."""
    with pytest.raises(MissingPhoneColumnError, match="Desk"):
        choose_for([("Name", NAME), ("Desk", PHONE[:1] * 4)], needs_phone=True)


def test_contact_of_the_client_wins_over_the_contact_of_a_partner():
    """`Client Contact` was read as the name of the client, and all leads got the partner's number."""
    assert list_fields([("Client Name", NAME), ("Client Contact", PHONE), ("CP Contact", LANDLINE)])[1:] == [
        ("Client Contact", "customer_phone"),
        ("CP Contact", ""),
    ]


@pytest.mark.parametrize(
    ("header", "label"), [("Product", "Products"), ("Tags", "Labels"), ("Group", "Group")]
)
def test_titles_that_are_not_in_the_account_are_additional_info(header, label):
    """Every row would be rejected for them, as for the groups of an app that scans cards. A person is asked."""
    column = choose_for([("Phone", PHONE), (header, WORDS)], rest="info").columns[1]
    assert column.field == "additional_info"
    assert column.reason == f"may mean {label}, but none of its values exist in your account"
    assert needs_confirmation(column)


def test_phones_of_the_parents_are_the_leads_phones_if_the_sheet_has_no_others():
    """A school calls them. A person is asked."""
    sheet = [("Student Name", NAME), ("Father Mob", PHONE), ("Mother Mob", PHONE), ("Father Name", NAME)]
    columns = choose_for(sheet, needs_phone=True).columns
    assert [column.field for column in columns] == ["full_name", "customer_phone", "add_phones", ""]
    assert columns[1].reason == "a parent's phone; the sheet has no phone of the lead"
    assert needs_confirmation(columns[1])


def test_named_phone_of_a_parent_brings_the_other_parent():
    """Rows that have only the mother's number would be without a phone."""
    sheet = [("Student Name", NAME), ("Father Mob", PHONE), ("Mother Mob", PHONE)]
    mapping = choose_for(sheet, columns={"Mother Mob": "customer_phone"})
    assert [column.field for column in mapping.columns] == ["full_name", "add_phones", "customer_phone"]


@pytest.mark.parametrize("header", ["Mobile", "Introducer"])
def test_phone_of_a_parent_beside_another_phone_is_left_out(header):
    """The lead has one of its own, or nobody can tell whose it is."""
    mapping = choose_for([("Student Name", NAME), (header, PHONE), ("Father Mob", PHONE)])
    assert mapping.columns[2].field == ""


@pytest.mark.parametrize("header", ["Emergency contact number", "Agent mobile", "Nominee phone"])
def test_phone_of_somebody_else_is_never_the_leads_phone(header):
    """It is not taken even if the sheet has no other phone."""
    with pytest.raises(MissingPhoneColumnError, match="means somebody else"):
        choose_for([("Name", NAME), (header, PHONE)], needs_phone=True)


def test_verified_phone_is_not_worse_than_another_phone_column():
    """`Verified` leaves out a date, but does not decide between two columns of phones."""
    with pytest.raises(MissingPhoneColumnError, match="Verified phone"):
        choose_for([("Verified phone", PHONE), ("Phone of sorts", PHONE)], needs_phone=True)


def test_sheet_without_phones_is_not_advised_to_use_its_e_mails():
    """A list of deals names its contacts by their e-mails."""
    contacts = ("Asha (asha@example.in)", "Ravi (ravi@example.in)", "Meena (m@example.in)")
    with pytest.raises(MissingPhoneColumnError) as refused:
        choose_for([("Deal Name", WORDS), ("Associated Contact", contacts)], needs_phone=True)
    assert "add a column of phones" in str(refused.value)
    assert "Associated Contact=" not in str(refused.value)


def test_error_names_the_phone_column_whose_numbers_are_too_short():
    """The error once advised to send the names as phones: --column "Name=customer_phone"."""
    with pytest.raises(MissingPhoneColumnError) as stopped:
        choose_for([("Name", NAME), ("Phone", ("98450",) * 4)], needs_phone=True)
    assert '"Phone" was left out: reads like Phone, but its cells are not phone numbers' in str(stopped.value)
    assert '--column "Phone=customer_phone"' in str(stopped.value)


def test_mixed_up_columns_are_left_out():
    """Phones under Name and names under Phone must not be imported."""
    with pytest.raises(MissingPhoneColumnError) as stopped:
        choose_for([("Name", PHONE), ("Phone", NAME)], needs_phone=True)
    assert '"Name" was left out: reads like Full name, but its cells are phones' in str(stopped.value)
