"""The short way of a row says what the long way says, or leaves the row to it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.csv_injection import format_csv_line, parse_csv_line
from importer.fields import Dropdown
from importer.issues import Issue
from importer.models.mapping import ColumnChoice, ColumnRules, Mapping, RowRule, Title
from importer.models.row import SourceRow, SourceRows
from importer.reader import fast_path
from importer.reader.fast_path import compile_plain_bodies
from importer.reader.row_processor import ProcessorConfig, compile_long_way, process_rows
from tests.naughty import TEXTS

FIELDS = [
    "full_name", "customer_phone", "add_phones", "email", "business_name", "city", "address.text", "address.additional",
    "address.latitude", "lead_stage_name", "source", "add_labels", "remove_labels", "deal_value", "customer_note",
    "first_name", "email", "additional_info", "additional_info", "", "assignee_user_phone", "lead_group_name",
]  # fmt: skip
TITLES = {
    Dropdown.STAGE: (Title("New"), Title("Warm lead"), Title("Old", active=False)),
    Dropdown.LABEL: (Title("VIP"), Title("Parking, two cars")),
    Dropdown.GROUP: (Title("Walk-ins"),),
}
CELLS = [
    "", "", "Asha Rao", "Rao, Asha", "Asha  Rao", "Asha K. Rao", "Meena", "9845012345", "+91 98450-12345", "98450 12345 / 98860 12345", "080 22334455", "9845010000", "a@b.in",
    "not one", "Asha <a@example.in>", "new", "Warm led", "Old", "VIP", "Parking, two cars; VIP", "₹1,20,000/-", "1.5 lakh",
    "12.9", "200", "N/A", "-", "=1+1", "#N/A", "'007", "<clear>", 'say "hi"\nthere', "x" * 200, "walk-ins", "p:+919845012345", "p:98450",
    "test lead: 7", "true", "9845012345 ::: 9886012345", "411001.0", "'Asha Rao'",
]  # fmt: skip


def config(*fields, **how):
    columns = tuple(
        ColumnChoice(index=at, header=f"H{at}", field=field, source="option", confidence=1, reason="")
        for at, field in enumerate(fields or FIELDS)
    )
    return ProcessorConfig(
        mapping=Mapping(columns=columns, **how), titles=TITLES, region="IN", unknown="reject"
    )


def ruled(*fields, rules, **how):
    plan = config(*fields, **how)
    columns = [
        msgspec.structs.replace(column, rules=rules.get(column.index, column.rules))
        for column in plan.mapping.columns
    ]
    return msgspec.structs.replace(
        plan, mapping=msgspec.structs.replace(plan.mapping, columns=tuple(columns))
    )


OF_A_PROGRAM = ruled(
    "full_name", "customer_phone", "add_phones", "lead_stage_name", "source", "",
    rules={1: ColumnRules(prefixes=("p:",)), 2: ColumnRules(prefixes=("p:",), separators=(" ::: ",), empty_values=("VIP",))},
    row_rules=(RowRule(index=-1, code="test_row", begins=("test lead",)), RowRule(index=5, code="deleted", equals=("true",))),
)  # fmt: skip
RECIPES = [
    OF_A_PROGRAM,
    config(),
    config(clear="<clear>", values={"lead_stage_name": {"Warm led": "Warm lead"}, "city": {"new": "Pune"}}),
    config(defaults={"source_type": "", "lead_stage_name": "New", "address.text": "Pune", "website": "a.in"}),
    config("full_name", "customer_phone", "email", "additional_info", "address.text"),
    config("first_name", "customer_phone", "last_name", "address.additional", "address.latitude", "website"),
    config("last_name", "customer_phone", "full_name", values={"full_name": {"Asha Rao": "Ravi K. Rao"}}),
    config("full_name", "customer_phone", "first_name", "additional_info", "city"),
]


@pytest.mark.parametrize(
    "plan",
    RECIPES,
    ids=[
        "of a program",
        "bare",
        "values and clear",
        "defaults",
        "a full name",
        "two names",
        "a part of a name",
        "another name",
    ],
)
@given(
    cells=st.lists(st.sampled_from(CELLS), min_size=len(FIELDS), max_size=len(FIELDS)),
    remembered=st.sampled_from([0, 2, 20_000]),
)
def test_short_and_long_way_agree(plan, cells, remembered):
    """Whatever stands in the cells: the same number, line, verdict, phone, body and issues, in the order of the sheet.

    Also where more different texts were met than are remembered.
    """
    width = len(plan.mapping.columns)
    good, any_row = ("Asha Rao", "9845012345", *cells[2:width]), tuple(cells[:width])
    rows = [
        SourceRow(7, good),
        SourceRow(8, any_row),
        SourceRow(9, good, (Issue("row", "nul"),)),
        SourceRow(10, good),
        *(SourceRow(11 + at, _with(at, any_row[at], width)) for at in range(width)),
    ]
    long = [*map(compile_long_way(plan), rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_path, "_MOST_REMEMBERED", remembered)
        judged, again = process_rows([SourceRows.from_rows(rows), SourceRows.from_rows(rows)], plan)
    assert [_read(row) for row in judged] == [_read(row) for row in long]
    assert [_read(row) for row in again] == [_read(row) for row in long]


def _with(at, cell, width):
    """A row with nothing in it but the lead's phone and this cell."""
    cells = [""] * width
    cells[1], cells[at] = "9845012345", cell
    return tuple(cells)


def _read(row):
    number, line, verdict, phone, payload, issues = row
    return number, line, verdict, phone, payload and msgspec.json.decode(payload), issues


def test_the_short_way_is_taken():
    """A row of plain cells does not go the long way: this is what the speed rests on."""
    plain = ["Asha Rao", "98450-12345", "9886012345", "a@b.in", "", "Pune"] + [""] * (len(FIELDS) - 6)
    odd = ["Asha Rao", "98450-12345", "9886012345", "not one", "", "Pune"] + [""] * (len(FIELDS) - 6)
    phones, bodies = _bodies_of(config())([tuple(plain), tuple(odd)])
    assert phones == ["+919845012345"] * 2
    assert bodies[0] is not None
    assert bodies[1] is None


@pytest.mark.parametrize("header", ["Rating", "Description"])
def test_a_lone_column_of_information_says_what_it_is_on_either_way(header):
    """`Rating: Hot`, since `Hot` alone says little; a description speaks for itself."""
    columns = tuple(
        ColumnChoice(index=at, header=name, field=field, source="preset", confidence=1, reason="")
        for at, (name, field) in enumerate([("Phone", "customer_phone"), (header, "additional_info")])
    )
    plan = ProcessorConfig(mapping=Mapping(columns=columns), titles=TITLES, region="IN", unknown="reject")
    row = SourceRow(2, ("9845012345", "Hot"))
    _, [body] = _bodies_of(plan)([row.cells])
    short, long = (msgspec.json.decode(text) for text in (body, compile_long_way(plan)(row).payload))
    assert short == long
    assert short["additional_info"] == ("Rating: Hot" if header == "Rating" else "Hot")


def test_a_phone_that_stands_in_for_every_cell_goes_the_long_way():
    mapping = ruled("full_name", "customer_phone", rules={1: ColumnRules(constant="9845012345")}).mapping
    assert compile_plain_bodies(mapping, TITLES, region="IN", unknown="reject") is None


def test_rows_of_a_known_program_go_the_short_way_too():
    """Lead ads write `p:` before each phone, and their test rows are looked for in each cell."""
    phones, bodies = _bodies_of(OF_A_PROGRAM)(
        [("Asha Rao", "p:+919845012345", "", "", said, "") for said in ("fb", "test lead: 7")]
    )
    assert phones == ["+919845012345"] * 2
    assert bodies[0] is not None
    assert bodies[1] is None


@given(cells=st.lists(st.one_of(st.text(), st.sampled_from(TEXTS)), min_size=1).map(tuple))
def test_a_line_of_the_journal_gives_the_cells_back(cells):
    """Whatever was typed: guarded and quoted for the report, and the very same when read again."""
    assert parse_csv_line(format_csv_line(cells)) == cells


def _bodies_of(plan):
    bodies_of = compile_plain_bodies(plan.mapping, plan.titles, region=plan.region, unknown=plan.unknown)
    assert bodies_of is not None
    return bodies_of


def test_one_sheet_does_not_change_how_the_next_is_cut():
    """Three names and information are one group; in a sheet of a full name alone they touch nothing."""
    names = config("full_name", "first_name", "customer_phone", "additional_info").mapping
    plain = config("full_name", "customer_phone", "additional_info").mapping
    before = list(fast_path._groups_of(plain))
    assert list(fast_path._groups_of(names)) == ["name", "customer_phone"]
    assert list(fast_path._groups_of(plain)) == before == ["name", "customer_phone", "additional_info"]
