"""summary.json: its schema is published, and every ending of a run keeps to it."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from importer.issues import Issue
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.journal.staging import to_staged_row
from importer.models.delivery import DeliveryResult
from importer.models.mapping import Mapping
from importer.models.row import NewVerdict
from importer.models.status import NoteState, RowStatus, RunState, StagedVerdict
from importer.report.report_writer import write_reports
from importer.report.summary import format_schema
from tests.report.builders import (
    STARTED,
    build_accepted,
    build_mapping,
    build_metadata,
    build_rejected,
    write_run_reports,
)
from tests.support import make_account

PUBLISHED = Path(__file__).parents[2] / "docs" / "summary.schema.json"
COLUMNS = [("Phone", "customer_phone"), ("Phone", "add_phones"), ("Notes", "")]
# What scripts may rely on, to the letter.
KEYS = {
    "run_id", "folder", "file", "sha256", "started_at", "finished_at", "state", "rows", "counts", "requests", "retries", "throttled",
    "seconds", "rate_reached", "columns", "problems", "exit_code",
}  # fmt: skip


def test_published_schema_matches_type(request):
    """Written again by `pytest tests/report/test_summary.py --write-examples`; then read the diff."""
    if request.config.getoption("--write-examples"):
        PUBLISHED.write_bytes(format_schema())
    assert PUBLISHED.read_bytes() == format_schema()


def read_valid_summary(folder: Path) -> dict:
    summary = json.loads((folder / "summary.json").read_bytes())
    schema = json.loads(PUBLISHED.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(summary, schema)
    assert summary.keys() >= KEYS
    assert summary.keys() == schema["properties"].keys()
    assert sum(summary["counts"].values()) == summary["rows"]
    return summary


@pytest.mark.parametrize(
    "state", [RunState.CHECKED, RunState.FINISHED, RunState.STOPPED, RunState.INTERRUPTED, RunState.RUNNING]
)
def test_summary_of_every_ending_matches_schema(tmp_path, state):
    """Checked, finished, stopped, interrupted or killed: scripts can rely on the same keys."""
    rows = [
        build_accepted(2, ["9845000002", "", "x"]),
        build_rejected(3, ["12", "", ""], Issue("customer_phone", "too_short")),
    ]
    with Journal.create(tmp_path, build_metadata(COLUMNS)) as journal:
        journal.stage([to_staged_row(row) for row in rows])
        journal.staging.complete()
        if state is not RunState.CHECKED:
            journal.begin_sending(make_account(tmp_path))
        if state is not RunState.RUNNING:  # killed: the journal says no more than that it was sending
            journal.end(RunEnd(state=state, finished_at=STARTED))
        write_reports(journal, tmp_path)
    summary = read_valid_summary(tmp_path)
    assert summary["state"] == ("interrupted" if state is RunState.RUNNING else state.value)
    assert summary["columns"] == {"Phone": "customer_phone", "Phone#2": "add_phones", "Notes": ""}
    assert summary["problems"] == {"customer_phone.too_short": 1}


def test_accepted_rows_with_warning_are_counted(tmp_path):
    """Each row counts once, however many warnings it has; rejected rows do not count."""
    warning, fault = Issue("add_phones", "part_left_out"), Issue("customer_phone", "too_short")
    rows = [
        build_accepted(2, ["9845000002", "", ""]),
        msgspec.structs.replace(build_accepted(3, ["9845000003", "", ""]), issues=(warning, warning)),
        msgspec.structs.replace(build_accepted(4, ["9845000004", "", ""]), issues=(warning,)),
        build_rejected(5, ["12", "", ""], fault, warning),
    ]
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows)
    assert read_valid_summary(tmp_path)["warned_rows"] == 2


@pytest.mark.parametrize(
    ("named", "warning"),
    [
        (0, "None of the 3 leads has a name."),
        (1, "2 of the 3 leads have no name."),
        (2, ""),
    ],
)
def test_mostly_nameless_leads_are_counted_and_warned_of(tmp_path, named, warning):
    """Nobody knows whom to call: it is a warning of the run, and the first thing on the page."""
    rows = [
        build_accepted(at, ["x", "", ""], **({"business_name": "Rao Traders"} if at < named else {}))
        for at in range(3)
    ]
    summary = write_run_reports(tmp_path, build_metadata(COLUMNS), rows)
    assert summary.nameless == 3 - named
    assert summary.nameless_warning == warning
    page = (tmp_path / "report.html").read_text("utf-8")
    assert ("no name" in page or "has a name" in page) == bool(warning)


def test_duplicate_counts_like_its_survivor(tmp_path):
    """A duplicate went in only if the row that it was merged into did."""
    fates = [RowStatus.ACCEPTED, RowStatus.REFUSED, RowStatus.FAILED, RowStatus.UNKNOWN, None]
    rows = [build_accepted(number, ["x", "", ""]) for number in range(2, 12)]
    with Journal.create(tmp_path, build_metadata(COLUMNS)) as journal:
        journal.stage([to_staged_row(row) for row in rows])
        journal.staging.update_verdicts(
            NewVerdict(at + 7, StagedVerdict.DUPLICATE, None, (), at + 2) for at in range(5)
        )
        journal.staging.complete()
        journal.begin_sending(make_account(tmp_path))
        journal.delivery.record(
            DeliveryBatch(
                results=[
                    DeliveryResult(
                        number=number, status=fate, attempts=1, http_status=None, note=NoteState.NONE
                    )
                    for number, fate in enumerate(fates, 2)
                    if fate
                ]
            )
        )
        journal.end(RunEnd(state=RunState.STOPPED, finished_at=STARTED))
        write_reports(journal, tmp_path)
    summary = read_valid_summary(tmp_path)
    assert summary["counts"] == {
        "accepted": 1, "refused": 1, "failed": 1, "unknown": 1, "pending": 1, "duplicate": 5, "invalid": 0,
            "unchanged": 0, "conflict": 0,
    }  # fmt: skip
    assert (summary["went_in"], summary["to_fix"], summary["undelivered"]) == (2, 2, 4)
    assert summary["failed_rows"] == 8


def test_schema_rejects_wrong_summary(tmp_path):
    """A missing count, another state or another version is not valid."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), [build_accepted(2, ["9845000002", "", ""])])
    summary, schema = read_valid_summary(tmp_path), json.loads(PUBLISHED.read_bytes())
    for change in ({"counts": {"accepted": 1}}, {"state": "staging"}, {"schema_version": 2}, {"rows": "1"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**summary, **change}, schema)


def test_left_out_column_is_named_unless_empty(tmp_path):
    """Exports have dozens of empty columns; nothing is lost with them."""
    columns = build_mapping(COLUMNS).columns
    empty = msgspec.structs.replace(columns[2], index=3, header="Fax", fill_rate=0.0)
    header = build_metadata([*COLUMNS, ("Fax", "")], mapping=Mapping(columns=(*columns, empty)))
    summary = write_run_reports(tmp_path, header, [build_accepted(2, ["9845000002", "", "x", ""])])
    assert summary.ignored == ['Column "Notes" was left out: named.']
