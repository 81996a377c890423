"""What a person names by --column or a map goes before everything else."""

import pytest

from importer.errors import MappingError
from importer.loader.mapping.map_file import ColumnEntry, ColumnMap
from tests.loader.column_sheets import (
    CITY,
    NAME,
    PHONE,
    choose_for,
    list_fields,
    without_presets,
)

__all__ = ["without_presets"]  # a fixture for every test here


def test_options_go_before_the_map_and_the_map_before_headers():
    """What a person named always counts."""
    sheet = [("Phone", PHONE), ("Name", NAME), ("City", CITY)]
    column_map = ColumnMap(columns={"Name": "business_name", "City": ColumnEntry("source", fill="Fair")})
    mapping = choose_for(sheet, column_map=column_map, columns={"Name": "", "Phone": "customer_phone"})
    assert [column.field for column in mapping.columns] == ["customer_phone", "", "source"]
    assert mapping.defaults == {"source": "Fair"}


def test_person_may_name_a_column_that_would_be_left_out():
    """The user knows better than the word "parent"."""
    found = choose_for(
        [("Parent's phone number", PHONE)], columns={"Parent's phone number": "customer_phone"}
    )
    assert found.columns[0].field == "customer_phone"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"Fone": "customer_phone"}, 'no column "Fone" (named by --column or in the settings file). Did you mean "Phone"?'),
        ({"Phone": "customer_fone"}, 'no field "customer_fone". Did you mean "customer_phone"?'),
        ({"Name": "city", "Name#2": "city"}, "takes one column"),
        ({"Name#3": "city"}, 'no column "Name#3"'),
    ],
)  # fmt: skip
def test_wrong_names_in_options_are_refused(columns, said):
    """The error names what is wrong and what exists."""
    with pytest.raises(MappingError) as stopped:
        choose_for([("Phone", PHONE), ("Name", NAME), ("Name", NAME)], columns=columns)
    assert said in str(stopped.value)


def test_all_missing_columns_of_a_map_are_named_at_once():
    """The sheet of next month may have several changed columns. They are not reported one by one."""
    last_month = ColumnMap(columns={"Ph.": "customer_phone", "Name": "full_name", "Handled by": ""})
    with pytest.raises(MappingError) as stopped:
        choose_for([("Phone", PHONE), ("Name", NAME)], column_map=last_month)
    assert str(stopped.value) == (
        'The sheet has no columns "Ph.", "Handled by" (named by the map). It has: Phone, Name.'
    )


def test_two_map_entries_for_one_column_are_refused():
    """It is not clear which of the two counts."""
    with pytest.raises(MappingError, match="name the same column"):
        choose_for([("Name", NAME)], column_map=ColumnMap(columns={"Name": "city", "name": "source"}))


def test_later_option_for_a_column_wins_in_any_spelling():
    """The settings file comes first, then flags, then answers at the terminal."""
    columns = {"contact no": "", "Contact No.": "customer_phone", "TOWN": "source", "Town": "city"}
    assert list_fields([("Contact No.", PHONE), ("Town", CITY)], columns=columns) == [
        ("Contact No.", "customer_phone"),
        ("Town", "city"),
    ]


def test_repeated_and_unnamed_columns_can_be_named():
    """`Name#2` is the second column called Name, `Column D` the fourth if it has no header."""
    mapping = choose_for(
        [("Phone", PHONE), ("Name", NAME), ("Name", NAME), ("", CITY)],
        columns={"Name#2": "business_name", "Column D": "city"},
    )
    assert [column.field for column in mapping.columns] == [
        "customer_phone",
        "full_name",
        "business_name",
        "city",
    ]
