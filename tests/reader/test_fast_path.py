"""The fast path gives what the slow path gives, or leaves the row to it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.csv_injection import format_csv_line, parse_csv_line
from importer.fields import Dropdown
from importer.issues import Issue
from importer.loader.rows.cell_policy import CellPolicy
from importer.models.mapping import ColumnChoice, ColumnRules, Mapping, RowRule, Title
from importer.models.row import SourceRow, SourceRows
from importer.reader import fragments
from importer.reader.fast_path import FastPath, split_into_groups
from importer.reader.row_processor import ProcessorConfig, RowProcessor, SlowPath
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
    "", "", "Asha Rao", "Rao, Asha", "Asha  Rao", "Asha K. Rao", "Meena", "Mr. Ravi", "Ravi ji", "Smt Asha Rao", "Ravi / 9845012345", "9845012345", "+91 98450-12345", "98450 12345 / 98860 12345", "080 22334455", "9845010000", "a@b.in",
    "not one", "Asha <a@example.in>", "new", "Warm led", "Old", "VIP", "Parking, two cars; VIP", "₹1,20,000/-", "1.5 lakh",
    "80-90L", "50L+", "12.9", "200", "N/A", "-", "=1+1", "#N/A", "'007", "<clear>", 'say "hi"\nthere', "x" * 200, "walk-ins", "p:+919845012345", "p:98450",
    "test lead: 7", "true", "9845012345 ::: 9886012345", "411001.0", "'Asha Rao'", "2026-10-03 11:00:00", "3 October",
]  # fmt: skip


def config(*fields, **how):
    columns = tuple(
        ColumnChoice(index=at, header=f"H{at}", field=field, source="option", confidence=1, reason="")
        for at, field in enumerate(fields or FIELDS)
    )
    return ProcessorConfig(
        mapping=Mapping(columns=columns, **how), titles=TITLES, region="IN", unknown="reject"
    )


def config_with_rules(*fields, rules, **how):
    cfg = config(*fields, **how)
    columns = [
        msgspec.structs.replace(column, rules=rules.get(column.index, column.rules))
        for column in cfg.mapping.columns
    ]
    return msgspec.structs.replace(cfg, mapping=msgspec.structs.replace(cfg.mapping, columns=tuple(columns)))


PROGRAM_EXPORT = config_with_rules(
    "full_name", "customer_phone", "add_phones", "lead_stage_name", "source", "",
    rules={1: ColumnRules(prefixes=("p:",)), 2: ColumnRules(prefixes=("p:",), separators=(" ::: ",), empty_values=("VIP",))},
    row_rules=(RowRule(index=-1, code="test_row", begins=("test lead",)), RowRule(index=5, code="deleted", equals=("true",))),
)  # fmt: skip
CONFIGS = [
    PROGRAM_EXPORT,
    config(),
    config(clear="<clear>", values={"lead_stage_name": {"Warm led": "Warm lead"}, "city": {"new": "Pune"}}),
    config(defaults={"source_type": "", "lead_stage_name": "New", "address.text": "Pune", "website": "a.in"}),
    config("full_name", "customer_phone", "email", "additional_info", "address.text"),
    config("first_name", "customer_phone", "last_name", "address.additional", "address.latitude", "website"),
    config("last_name", "customer_phone", "full_name", values={"full_name": {"Asha Rao": "Ravi K. Rao"}}),
    config("full_name", "customer_phone", "first_name", "additional_info", "city"),
    config("full_name", "customer_phone", *["additional_info"] * 4, "customer_note", "customer_note"),
    msgspec.structs.replace(config(), cells=CellPolicy(bad_cells="drop", ranges="low")),
]


@pytest.mark.parametrize(
    "cfg",
    CONFIGS,
    ids=[
        "export of a program",
        "no rules",
        "values and clear",
        "defaults",
        "a full name",
        "two names",
        "a part of a name",
        "another name",
        "lines of texts",
        "bad cells dropped",
    ],
)
@given(
    cells=st.lists(st.sampled_from(CELLS), min_size=len(FIELDS), max_size=len(FIELDS)),
    remembered=st.sampled_from([0, 2, 20_000]),
)
def test_fast_path_agrees_with_slow_path(cfg, cells, remembered):
    """For any cells, both give the same number, line, verdict, phone, body and issues, in the order of the sheet.

    This is also true if there are more different texts than are remembered.
    """
    width = len(cfg.mapping.columns)
    good, any_row = ("Asha Rao", "9845012345", *cells[2:width]), tuple(cells[:width])
    rows = [
        SourceRow(7, good),
        SourceRow(8, any_row),
        SourceRow(9, good, (Issue("row", "nul"),)),
        SourceRow(10, good),
        *(SourceRow(11 + at, _build_row(at, any_row[at], width)) for at in range(width)),
    ]
    slow = [*map(SlowPath(cfg).process_row, rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fragments, "_MAX_REMEMBERED", remembered)
        first, second = RowProcessor(cfg).process([SourceRows.from_rows(rows), SourceRows.from_rows(rows)])
    assert [_decode(row) for row in first] == [_decode(row) for row in slow]
    assert [_decode(row) for row in second] == [_decode(row) for row in slow]


def _build_row(at, cell, width):
    """Return a row with only the lead's phone and this cell."""
    cells = [""] * width
    cells[1], cells[at] = "9845012345", cell
    return tuple(cells)


def _decode(row):
    number, line, verdict, phone, payload, issues = row
    return number, line, verdict, phone, payload and msgspec.json.decode(payload), issues


def test_row_without_issues_takes_the_fast_path():
    """The speed of the import depends on it."""
    normal = ["Asha Rao", "98450-12345", "9886012345", "a@b.in", "", "Pune"] + [""] * (len(FIELDS) - 6)
    with_issue = ["Asha Rao", "98450-12345", "9886012345", "not one", "", "Pune"] + [""] * (len(FIELDS) - 6)
    phones, bodies = _build_fast_path(config())([tuple(normal), tuple(with_issue)])
    assert phones == ["+919845012345"] * 2
    assert bodies[0] is not None
    assert bodies[1] is None


@pytest.mark.parametrize("header", ["Rating", "Description"])
def test_single_info_column_has_its_header_on_both_paths(header):
    """`Rating: Hot`, because `Hot` alone means little. A description needs no header."""
    columns = tuple(
        ColumnChoice(index=at, header=name, field=field, source="preset", confidence=1, reason="")
        for at, (name, field) in enumerate([("Phone", "customer_phone"), (header, "additional_info")])
    )
    cfg = ProcessorConfig(mapping=Mapping(columns=columns), titles=TITLES, region="IN", unknown="reject")
    row = SourceRow(2, ("9845012345", "Hot"))
    _, [body] = _build_fast_path(cfg)([row.cells])
    fast, slow = (msgspec.json.decode(text) for text in (body, SlowPath(cfg).process_row(row).payload))
    assert fast == slow
    assert fast["additional_info"] == ("Rating: Hot" if header == "Rating" else "Hot")


@pytest.mark.parametrize("header", ['say "hi"', "\u0928\u094b\u091f", "a\\b", fragments.PLACEHOLDER])
def test_headers_of_lines_are_the_same_on_both_paths(header):
    """A header is a part of the text, whatever is in it."""
    columns = tuple(
        ColumnChoice(index=at, header=name, field=field, source="rest", confidence=1, reason="")
        for at, (name, field) in enumerate(
            [("Phone", "customer_phone"), (header, "additional_info"), ("Class", "additional_info")]
        )
    )
    cfg = ProcessorConfig(mapping=Mapping(columns=columns), titles=TITLES, region="IN", unknown="reject")
    row = SourceRow(2, ("9845012345", "Hot", "XII"))
    _, [body] = _build_fast_path(cfg)([row.cells])
    assert msgspec.json.decode(body) == msgspec.json.decode(SlowPath(cfg).process_row(row).payload)
    assert msgspec.json.decode(body)["additional_info"] == f"{header}: Hot\nClass: XII"


def test_constant_phone_needs_the_slow_path():
    """The fast path reads a phone only from its own cell."""
    mapping = config_with_rules(
        "full_name", "customer_phone", rules={1: ColumnRules(constant="9845012345")}
    ).mapping
    assert FastPath.create(mapping, TITLES, region="IN", unknown="reject") is None


def test_rows_of_a_known_program_take_the_fast_path():
    """Lead ads write `p:` before each phone, and every cell is searched for their test rows."""
    phones, bodies = _build_fast_path(PROGRAM_EXPORT)(
        [("Asha Rao", "p:+919845012345", "", "", said, "") for said in ("fb", "test lead: 7")]
    )
    assert phones == ["+919845012345"] * 2
    assert bodies[0] is not None
    assert bodies[1] is None


@given(cells=st.lists(st.one_of(st.text(), st.sampled_from(TEXTS)), min_size=1).map(tuple))
def test_line_of_the_journal_gives_the_cells_back(cells):
    """Any text is escaped and quoted for the report, and read back as it was."""
    assert parse_csv_line(format_csv_line(cells)) == cells


def _build_fast_path(cfg):
    fast_path = FastPath.create(cfg.mapping, cfg.titles, region=cfg.region, unknown=cfg.unknown)
    assert fast_path is not None
    return fast_path.build_bodies


def test_groups_of_one_sheet_do_not_change_those_of_the_next():
    """Three names and the info are one group. In a sheet with only a full name, the info is a group of its own."""
    names = config("full_name", "first_name", "customer_phone", "additional_info").mapping
    full_name_only = config("full_name", "customer_phone", "additional_info").mapping
    before = list(split_into_groups(full_name_only))
    assert list(split_into_groups(names)) == ["name", "customer_phone"]
    assert list(split_into_groups(full_name_only)) == before == ["name", "customer_phone", "additional_info"]
