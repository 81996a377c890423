"""A column of owners is known by its header: their names, or their phones in the CRM. No row is lost for an owner's name."""

import pytest

from importer.issues import Severity
from importer.loader.mapping.column_chooser import needs_confirmation
from importer.loader.rows.cell_policy import CellPolicy
from importer.loader.rows.drafts import Drafter
from importer.models.mapping import OWNER_FIELD, ColumnChoice, Mapping, MatchSource
from importer.models.row import SourceRow
from tests.loader.column_sheets import DATE, NAME, PHONE, choose_for, list_fields, without_presets

__all__ = ["without_presets"]  # a fixture for every test here

TEAM = ("Rohit", "Kavya", "Rohit", "Rohit")


@pytest.mark.parametrize(
    "header",
    [
        "Assigned To", "Attended By", "Owner", "Lead Owner", "Contact owner", "Person - Owner", "OwnerIdName", "Sales Person",
        "Salesman", "Sales Executive", "Counsellor", "Telecaller", "Handled by", "Executive", "Assigned",
    ],
)  # fmt: skip
def test_column_of_owners_is_known_by_its_header(header):
    """The names of a team repeat. Nobody is asked whether the column is the owner's."""
    column = choose_for([("Phone", PHONE), (header, TEAM)]).columns[1]
    assert column.field == OWNER_FIELD
    assert not needs_confirmation(column)


@pytest.mark.parametrize("cells", [NAME, PHONE, DATE])
@pytest.mark.parametrize("header", ["Owner", "Executive", "Assigned"])
def test_owner_of_a_shop_is_not_the_owner_of_its_lead(header, cells):
    """Owners who differ from row to row are the people to call. As the lead's owner, each row would be refused."""
    assert list_fields([("Mobile", PHONE), (header, cells)])[1] == (header, "")


@pytest.mark.parametrize(
    "cells", [DATE, ("Yes", "No", "Yes", "Yes"), ("a note of some six words or more",) * 4]
)
def test_other_cells_contradict_the_header_of_owners(cells):
    assert list_fields([("Phone", PHONE), ("Assigned To", cells)])[1] == ("Assigned To", "")


@pytest.mark.parametrize("headers", [("Lead Owner", "Assignee Mobile"), ("Assignee Mobile", "Lead Owner")])
def test_phones_of_owners_go_before_their_names(headers):
    sheet = [
        ("Phone", PHONE),
        *((header, TEAM if header == "Lead Owner" else PHONE[::-1]) for header in headers),
    ]
    assert dict(list_fields(sheet)) == {
        "Phone": "customer_phone",
        "Assignee Mobile": OWNER_FIELD,
        "Lead Owner": "",
    }


def draft(text, *, owners=None, values=None, policy=None):
    columns = [
        ColumnChoice(index=at, header=header, field=field, source=MatchSource.MAP, confidence=1.0, reason="")
        for at, (header, field) in enumerate((("Mobile", "customer_phone"), ("Attended By", OWNER_FIELD)))
    ]
    mapping = Mapping(
        columns=tuple(columns), owners=owners or {}, values={OWNER_FIELD: values} if values else {}
    )
    drafter = Drafter(mapping, region="IN", policy=policy or CellPolicy())
    return drafter.draft(SourceRow(2, ("9845012345", text)))


@pytest.mark.parametrize("policy", [CellPolicy(), CellPolicy(bad_cells="drop")])
@pytest.mark.parametrize("name", ["Rohit", "Team 2", "kavya@example.in", "रोहित"])
def test_name_of_an_owner_costs_no_row_and_is_kept(name, policy):
    """Not even with --bad-cells reject: the person wrote nothing wrong."""
    drafted = draft(name, policy=policy)
    assert [issue.machine_code for issue in drafted.issues] == ["assignee_user_phone.unknown_owner"]
    assert drafted.issues[0].severity is Severity.WARNING
    assert drafted.payload == {"customer_phone": "+919845012345", "additional_info": f"Attended By: {name}"}


@pytest.mark.parametrize(
    ("text", "code"), [("98450", "too_short"), ("Rohit 98450123", "not_a_phone"), ("#REF!", "error_value")]
)
def test_phone_of_an_owner_with_a_mistake_is_an_error(text, code):
    """It is meant as a phone: what is wrong with it is said as for every other phone."""
    drafted = draft(text)
    assert [issue.machine_code for issue in drafted.issues] == [f"assignee_user_phone.{code}"]
    assert drafted.issues[0].severity is Severity.ERROR


@pytest.mark.parametrize("text", ["98450 00102", "Rohit", " ROHIT ", "Kavya"])
def test_owner_with_a_known_phone_is_set(text):
    """What a map says goes before an answer; case and spaces do not matter."""
    drafted = draft(
        text, owners={"Rohit": "+919845000102", "Kavya": "+910000000000"}, values={"Kavya": "9845000102"}
    )
    assert drafted.issues == ()
    assert drafted.payload == {"customer_phone": "+919845012345", OWNER_FIELD: "+919845000102"}


def test_owner_who_was_left_out_stays_in_the_info():
    assert draft("Rohit", owners={"Rohit": ""}).payload["additional_info"] == "Attended By: Rohit"
