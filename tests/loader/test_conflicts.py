"""Two columns for one field: which one gets it, and what becomes of the other."""

import pytest

from tests.loader.column_sheets import (
    CITY,
    NAME,
    PHONE,
    WORDS,
    list_fields,
    without_presets,
)

__all__ = ["without_presets"]  # a fixture for every test here


def test_other_phone_is_read_though_its_first_cells_are_empty():
    """An export may have hundreds of rows before the first that has a landline too."""
    assert list_fields([("Mobile", PHONE), ("Phone", ())]) == [
        ("Mobile", "customer_phone"),
        ("Phone", "add_phones"),
    ]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("मोबाईल क्रमांक", "पर्यायी मोबाईल"),
        ("मोबाइल नं.", "वैकल्पिक मोबाइल नं."),
        ("Mobile No.", "Alt Mob."),
        ("Phone", "Other Phone Numbers"),
        ("Mob", "2nd Contact No."),
    ],
)
def test_alternative_number_is_not_the_leads_own(own, other):
    """The Marathi word for number also counts rows, and the alternative number once became the lead's own."""
    assert list_fields([(other, PHONE), (own, PHONE)]) == [(other, "add_phones"), (own, "customer_phone")]


def test_second_city_is_kept_with_the_address():
    """If village and district are there, one is the city and the other is not lost."""
    sheet = [("Village", CITY), ("District", CITY), ("State", CITY)]
    assert [field for _, field in list_fields(sheet)] == ["city", "address.additional", "address.additional"]


def test_all_notes_are_kept():
    """`Patient Notes` beside `Remarks` was once left out as another person's."""
    sheet = [("Remarks", WORDS), ("Patient Notes", WORDS), ("Counsellor comments", WORDS)]
    assert {field for _, field in list_fields(sheet)} == {"customer_note"}


def test_title_of_a_form_beside_first_and_last_name_is_kept():
    """The lead name of Bitrix24 is the title of its form, and was once lost without notice."""
    title = ('CRM form "Site"', "Call from Asha", "CRM form", "CRM form")
    first, last = zip(*(name.split() for name in NAME), strict=True)
    sheet = [("Phone", PHONE), ("Lead name", title), ("First name", first), ("Last name", last)]
    assert list_fields(sheet)[1] == ("Lead name", "additional_info")
    assert list_fields(sheet, columns={"Lead name": "full_name"})[1] == ("Lead name", "full_name")
    sheet[1] = ("Lead name", tuple(f"Mr. {name}" for name in NAME))
    assert list_fields(sheet)[1] == ("Lead name", "full_name")


def test_phone_column_is_the_leads_even_if_it_is_empty():
    """Shopify has the phone with the address, and fills `Phone` for few."""
    assert list_fields([("Default Address Phone", PHONE), ("Phone", ())]) == [
        ("Default Address Phone", "add_phones"),
        ("Phone", "customer_phone"),
    ]


FIRMS = ("Nova Tech LLP", "Sai Traders", "Metro", "Om Enterprises")


@pytest.mark.parametrize(
    ("sheet", "fields"),
    [
        ([("Customer Name", FIRMS), ("Contact Person", NAME)], ["business_name", "full_name"]),
        ([("Contact Person", NAME), ("Party Name", FIRMS)], ["full_name", "business_name"]),
        ([("Customer Name", NAME), ("Contact Person", CITY)], ["full_name", ""]),
        ([("Customer Name", FIRMS)], ["full_name"]),
        (
            [("Customer Name", FIRMS), ("Contact Person", NAME), ("Company", WORDS)],
            ["full_name", "", "business_name"],
        ),
    ],
    ids=["firm first", "firm second", "no firm", "one column", "column of firms as well"],
)
def test_customer_that_is_a_firm_is_the_business(sheet, fields):
    """Somebody was once called Nova Tech with the last name LLP, and the contact person was left out."""
    assert [field for _, field in list_fields(sheet)] == fields
