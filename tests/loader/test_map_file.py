"""The mapping file: what may be in it, what is wrong in one, and how maps are saved."""

import pytest

from importer.errors import MappingError
from importer.fields import FIELDS, Kind
from importer.loader.mapping.column_chooser import choose_columns
from importer.loader.mapping.map_file import (
    ColumnEntry,
    fingerprint_headers,
    get_map_path,
    read_map,
    remember_map,
    save_map,
    to_column_map,
)
from importer.loader.rows.drafts import Drafter
from importer.models.row import SourceRow

INTERFACE = """
[columns]                     # header = field; "" leaves a column out
"Contact No." = "customer_phone"
"Alt No."     = "add_phones"
[defaults]                    # for rows whose cell is empty
source_type = "CSV_UPLOAD"
[values.lead_stage_name]      # what the sheet says = what the account calls it
"Warm led" = "Warm lead"
[clear]                       # a cell with exactly this text clears a field that can be cleared
token = "<clear>"
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "m.toml"
        path.write_text(text, "utf-8")
        return read_map(path)

    return read


def draft_row(column_map, headers, *cells):
    """The payload and the codes of one row."""
    row = SourceRow(2, tuple(cells))
    mapping = choose_columns(headers, [row], column_map=column_map)
    draft = Drafter(mapping, region="IN").draft(row)
    return draft.payload, [issue.machine_code for issue in draft.issues]


def test_example_of_the_interface_is_read(read):
    """The documented example does what it says."""
    column_map = read(INTERFACE)
    headers = ("Contact No.", "Alt No.", "Stage", "Type")
    assert draft_row(column_map, headers, "9845010001", "9845010002", "warm  LED", "x") == (
        {"customer_phone": "+919845010001", "add_phones": ["+919845010002"], "lead_stage_name": "Warm lead",
         "additional_info": "Type: x", "source_type": "CSV_UPLOAD"}, [],
    )  # fmt: skip
    assert draft_row(column_map, headers, "9845010001", "", "<clear>", "")[0] == {
        "customer_phone": "+919845010001",
        "lead_stage_name": None,
        "source_type": "CSV_UPLOAD",
    }


@pytest.mark.parametrize(
    "field",
    [field for field in FIELDS if field.kind is not Kind.FULL_NAME and field.name not in ("customer_phone", "add_phones", "dial_code")],
    ids=lambda field: field.name,
)  # fmt: skip
def test_token_clears_only_nullable_fields(read, field):
    """docs/api.md: null clears the stage, the group, the assignee and the parts of an address."""
    column_map = read(f'[columns]\nX = "{field.name}"\n[clear]\ntoken = "(none)"')
    payload, codes = draft_row(column_map, ("Phone", "X"), "9845010001", " (none) ")
    nullable = {"lead_stage_name", "lead_group_name", "assignee_user_phone"}
    if field.name in nullable:
        assert payload[field.name] is None
        assert codes == []
    elif field.name.startswith("address."):
        assert payload["address"] == {field.name.removeprefix("address."): None}
        assert codes == []
    else:
        assert codes == [f"{field.name}.cannot_clear"]
        assert field.name not in payload


def test_token_must_be_the_whole_cell_exactly(read):
    """A cell that only contains the token, or in other case, clears nothing."""
    column_map = read('[columns]\nX = "lead_stage_name"\n[clear]\ntoken = "<clear>"')
    for cell in ("<CLEAR>", "<clear> it", "clear"):
        assert draft_row(column_map, ("Phone", "X"), "9845010001", cell)[0]["lead_stage_name"] == cell


def test_column_may_have_rules_of_its_own(read):
    """Fill, constant, clear token, prefix, joiner and empty words count for this column alone."""
    column_map = read(
        """
        [columns]
        Phone = {field = "customer_phone", prefix = "p:"}
        Town = {field = "city", fill = "Pune", empty = ["unknown"]}
        From = {field = "source", constant = "Fair"}
        Stage = {field = "lead_stage_name", clear = "-none-"}
        Group = "lead_group_name"
        Mail = {field = "email", joiner = " + "}
        Memo = ""
        """
    )
    headers = ("Phone", "Town", "From", "Stage", "Group", "Mail", "Memo")
    payload, codes = draft_row(
        column_map,
        headers,
        "p:9845010001",
        "unknown",
        "elsewhere",
        "-none-",
        "-none-",
        "a@b.in + c@d.in",
        "secret",
    )
    assert codes == []
    assert payload == {
        "customer_phone": "+919845010001", "city": "Pune", "source": "Fair", "lead_stage_name": None,
        "lead_group_name": "-none-", "email": ["a@b.in", "c@d.in"],
    }  # fmt: skip
    assert draft_row(column_map, headers, "p:9845010001", "Goa", "", "", "", "", "")[0] == {
        "customer_phone": "+919845010001", "city": "Goa", "source": "Fair",
    }  # fmt: skip


def test_values_replace_cells_and_parts_of_lists(read):
    """A value is replaced as a whole cell or as a part of a list, and "" leaves it out."""
    column_map = read(
        """
        [columns]
        Tags = "add_labels"
        Town = "city"
        [values.add_labels]
        "Vlp" = "VIP"
        "old" = ""
        [values.city]
        "BLR" = "Bengaluru"
        """
    )
    headers = ("Phone", "Tags", "Town")
    assert draft_row(column_map, headers, "9845010001", "vlp, Hot; OLD", "blr")[0] == {
        "customer_phone": "+919845010001",
        "add_labels": ["VIP", "Hot"],
        "city": "Bengaluru",
    }
    assert "add_labels" not in draft_row(column_map, headers, "9845010001", "old", "BLR x")[0]


def test_numbers_may_be_written_without_quotes(read):
    """A person need not know what TOML calls a text."""
    assert read("[defaults]\ndeal_value = 120000").defaults == {"deal_value": "120000"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns]\nPhone = customer_phone", "cannot be read as TOML: Invalid value (at line 2, column 9)"),
        ('[columns]\n"Contact No." "customer_phone"', "(at line 2, column 15)"),
        ('[colums]\nX = "city"', 'cannot have a table [colums]. Did you mean "columns"?'),
        ('columns = "city"', "columns must be a table, written as [columns]"),
        ('[columns]\nPhone = "customer_fone"', '[columns] "Phone": There is no field "customer_fone". Did you mean "customer_phone"?'),
        ("[columns]\nPhone = true", '[columns] "Phone": write a text in quotes here, not True'),
        ('[columns]\nPhone = {feild = "city"}', '[columns] "Phone": there is no key `feild`'),
        ('[columns]\nPhone = {field = "city", perfix = "x"}', '[columns] "Phone": there is no key `perfix`'),
        ('[columns]\nPhone = {field = "city", prefix = 3}', '[columns] "Phone": prefix: Expected `str`'),
        ('[defaults]\nstage = "New"', '[defaults]: There is no field "stage". Did you mean "lead_stage_name"?'),
        ('[values]\ncity = "x"', '[values]: "city" must be a table, written as [values.city]'),
        ('[values.stage]\nx = "y"', '[values.stage]: There is no field "stage"'),
        ("[values.city]\nx = []", '[values.city] "x": write a text in quotes here, not []'),
        ('[clear]\ntokn = "x"', "[clear]: "),
        ("[clear]\ntoken = 5", "[clear]: token: Expected `str`"),
        ('[columns]\nPhone = "city"\nPhone = "city"', "the same name is there twice"),
    ],
    ids=[
        "not TOML", "no equals sign", "unknown table", "not a table", "unknown field", "not a text", "unknown key",
        "misspelled key", "number as prefix", "unknown default", "values not a table", "values of unknown field",
        "list as value", "misspelled token", "number as token", "column twice",
    ],
)  # fmt: skip
def test_wrong_map_is_refused_with_the_line_or_the_key(read, text, said):
    """The error is one line that names the file and the place."""
    with pytest.raises(MappingError) as stopped:
        read(text)
    assert said in str(stopped.value)
    assert "m.toml" in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_map_that_is_not_a_text_is_refused(tmp_path):
    """A file in another encoding, or no file, is named."""
    path = tmp_path / "m.toml"
    path.write_bytes(b"[columns]\nX = '\xff\xfe'")
    with pytest.raises(MappingError, match="UTF-8"):
        read_map(path)
    with pytest.raises(MappingError, match="Cannot read the map"):
        read_map(tmp_path / "none.toml")


HEADERS = ("Mobile", "Name", "Name", "", 'Odd "header" = #1', "City")
ROW = SourceRow(2, ("9845010001", "Asha", "Rao Traders", "Pune", "x", "Goa"))


def test_saved_map_chooses_the_same_mapping(tmp_path):
    """Also for two headers of one name, a column without a header, and headers that TOML must quote."""
    columns = {
        "Name#2": "business_name",
        "Column D": "source",
        'Odd "header" = #1': "customer_note",
        "City": "",
    }
    mapping = choose_columns(HEADERS, [ROW], columns=columns, defaults={"website": "x.in"})
    save_map(tmp_path / "m.toml", mapping)
    read_back = read_map(tmp_path / "m.toml")
    assert read_back == to_column_map(mapping)
    again = choose_columns(HEADERS, [ROW], column_map=read_back)
    assert [(c.field, c.rules) for c in again.columns] == [(c.field, c.rules) for c in mapping.columns]
    assert again.defaults == {"website": "x.in"}


def test_remembered_map_is_found_in_any_order_and_spelling(tmp_path):
    """The next sheet with the same headers finds its map, without the defaults of the last one."""
    mapping = choose_columns(HEADERS, [ROW], defaults={"source": "said of one sheet"})
    kept = remember_map(tmp_path, mapping)
    assert kept == get_map_path(tmp_path, ("CITY", "name", "mobile.", "", "Name", "odd header 1"))
    assert read_map(kept).defaults == {}
    assert fingerprint_headers(("Mobile", "Name")) != fingerprint_headers(("Mobile", "Name", "City"))


def test_saved_map_is_easy_to_read(tmp_path):
    """A column without rules is one short line."""
    mapping = choose_columns(HEADERS, [ROW], columns={"City": ""})
    save_map(tmp_path / "m.toml", mapping)
    text = (tmp_path / "m.toml").read_text("utf-8")
    assert 'Mobile = "customer_phone"\n' in text
    assert 'City = ""\n' in text
    assert text.startswith("# ")
    assert ColumnEntry("city").rules.clear is None
