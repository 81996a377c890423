"""A firewall blocks one row: the row is refused with advice, and every other row is accepted."""

from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.support import leads, read_csv, write_csv

BLOCKED_WORD = "SELECT * FROM plans"


def write_sheet(importer, count=40):
    rows = [
        [f"98450101{n:02}", f"Person {n}", f"asked to {BLOCKED_WORD}" if n == 17 else f"note {n}"]
        for n in range(count)
    ]
    return write_csv(importer.folder / "x.csv", [["Phone", "Name", "Note"], *rows])


def read_notes(crm):
    return {phone[-2:]: lead["notes"] for phone, lead in leads(crm).items()}


def test_blocked_row_is_refused_and_the_reports_say_why(importer, crm):
    """The exit code is 1, as for any refused row, and the row's own sentence says what to do."""
    crm.sandbox.faults.restart(FaultPlan(firewall=BLOCKED_WORD))
    ended = importer("run", write_sheet(importer), "--yes", "--rate", "500")
    assert ended.code == 1, ended
    assert ended.summary["counts"]["accepted"] == len(leads(crm)) == 39
    assert ended.summary["counts"]["refused"] == 1
    assert ended.summary["problems"] == {"row.turned_away": 1}
    assert ended.summary["state"] == "finished"
    (row,) = ended.failed
    assert (row["_row"], row["_status"], row["_http_status"], row["_note"]) == (
        "19",
        "refused",
        "403",
        "not_sent",
    )
    assert row["_problems"].startswith(
        "Row 19: a firewall or proxy in front of the CRM probably blocked this row with 403"
    )
    assert "Shorten or change its note or name" in row["_problems"]
    assert "blocked before the CRM" in ended.out
    assert "blocked this row with 403" in (ended.folder / "report.html").read_text("utf-8")


def test_reworded_row_is_accepted_with_its_note(importer, crm):
    """A retry without a change is refused again. After the change its note is sent once."""
    crm.sandbox.faults.restart(FaultPlan(firewall=BLOCKED_WORD))
    first = importer("run", write_sheet(importer), "--yes", "--rate", "500")
    again = importer("retry", first.folder.name, "--yes")
    assert (again.code, again.summary["rows"], again.summary["counts"]["refused"]) == (1, 1, 1)
    fixed = first.folder / "failed_rows.csv"
    fixed.write_text(fixed.read_text("utf-8-sig").replace(BLOCKED_WORD, "pick the plans"), "utf-8")
    last = importer("run", fixed, "--yes")
    assert last.code == 0, last
    assert read_notes(crm) == {
        f"{n:02}": ["asked to pick the plans" if n == 17 else f"note {n}"] for n in range(40)
    }


def test_resume_finishes_a_run_that_stopped_at_the_row(importer, crm):
    """While the account is blocked the run stops. When it is not, the firewall's row alone is refused."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=18))
    first = importer("run", write_sheet(importer), "--yes", "--concurrency", "1", "--rate", "500")
    assert first.code == 3
    assert "got 403 (access denied). This happened at row 19." in first.err
    assert first.summary["counts"]["refused"] == 0
    crm.sandbox.faults.restart(FaultPlan(firewall=BLOCKED_WORD))
    again = importer("resume", first.folder.name)
    assert again.code == 1, again
    results = read_csv(first.folder / "results.csv")
    assert [row["_row"] for row in results if row["_status"] != "accepted"] == ["19"]
    assert importer("resume", first.folder.name).code == 1
    assert len(leads(crm)) == 39


def test_too_many_blocked_rows_stop_the_run(importer, crm):
    """The lists answer, but no row gets through: 25 rows are refused, and the others stay pending."""
    crm.sandbox.faults.restart(FaultPlan(firewall="98450101"))
    ended = importer("run", write_sheet(importer), "--yes", "--rate", "500")
    assert ended.code == 3, ended
    assert len(ended.err.strip().splitlines()) == 1
    assert "25 consecutive rows were blocked before they reached the CRM: 403" in ended.err
    assert f"importer resume {ended.folder.name}" in ended.err
    assert ended.summary["counts"]["refused"] == 25
    assert ended.summary["counts"]["pending"] == 15
    crm.sandbox.faults.restart(FaultPlan())
    assert importer("resume", ended.folder.name).code == 1
    assert importer("retry", ended.folder.name, "--yes").code == 0
    assert read_notes(crm) == {
        f"{n:02}": [f"asked to {BLOCKED_WORD}" if n == 17 else f"note {n}"] for n in range(40)
    }
