"""A firewall that dislikes one row: that row is refused with words that help, and every other row goes in."""

from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.support import leads, read_csv, write_csv

WORD = "SELECT * FROM plans"


def sheet_of(importer, count=40):
    rows = [
        [f"98450101{n:02}", f"Person {n}", f"asked to {WORD}" if n == 17 else f"note {n}"]
        for n in range(count)
    ]
    return write_csv(importer.folder / "x.csv", [["Phone", "Name", "Note"], *rows])


def notes(crm):
    return {phone[-2:]: lead["notes"] for phone, lead in leads(crm).items()}


def test_the_row_is_refused_the_others_go_in_and_the_reports_say_why(importer, crm):
    """Exit 1, as for any row that did not go in; what to do is in the row's own sentence."""
    crm.sandbox.faults.restart(FaultPlan(firewall=WORD))
    ended = importer("run", sheet_of(importer), "--yes", "--rate", "500")
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


def test_reworded_it_goes_in_and_its_note_once(importer, crm):
    """Fed back as it is it is refused again, and nothing else happens to it."""
    crm.sandbox.faults.restart(FaultPlan(firewall=WORD))
    first = importer("run", sheet_of(importer), "--yes", "--rate", "500")
    again = importer("retry", first.folder.name, "--yes")
    assert (again.code, again.summary["rows"], again.summary["counts"]["refused"]) == (1, 1, 1)
    mended = first.folder / "failed_rows.csv"
    mended.write_text(mended.read_text("utf-8-sig").replace(WORD, "pick the plans"), "utf-8")
    last = importer("run", mended, "--yes")
    assert last.code == 0, last
    assert notes(crm) == {
        f"{n:02}": ["asked to pick the plans" if n == 17 else f"note {n}"] for n in range(40)
    }


def test_a_run_that_was_stopped_at_such_a_row_is_finished_by_resume(importer, crm):
    """While the account is shut out the run stops there, before and after; then the row alone is left behind."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=18))
    first = importer("run", sheet_of(importer), "--yes", "--concurrency", "1", "--rate", "500")
    assert first.code == 3
    assert "403 (access denied) came. That was at row 19." in first.err
    assert first.summary["counts"]["refused"] == 0
    crm.sandbox.faults.restart(FaultPlan(firewall=WORD))
    again = importer("resume", first.folder.name)
    assert again.code == 1, again
    results = read_csv(first.folder / "results.csv")
    assert [row["_row"] for row in results if row["_status"] != "accepted"] == ["19"]
    assert importer("resume", first.folder.name).code == 1
    assert len(leads(crm)) == 39


def test_a_wall_stops_the_run_and_does_not_use_the_sheet_up(importer, crm):
    """The lists answer, and no row gets through: 25 are refused, the others are pending, and both ways on are named."""
    crm.sandbox.faults.restart(FaultPlan(firewall="98450101"))
    ended = importer("run", sheet_of(importer), "--yes", "--rate", "500")
    assert ended.code == 3, ended
    assert len(ended.err.strip().splitlines()) == 1
    assert "25 rows in a row were turned away with 403" in ended.err
    assert f"importer resume {ended.folder.name}" in ended.err
    assert ended.summary["counts"]["refused"] == 25
    assert ended.summary["counts"]["pending"] == 15
    crm.sandbox.faults.restart(FaultPlan())
    assert importer("resume", ended.folder.name).code == 1
    assert importer("retry", ended.folder.name, "--yes").code == 0
    assert notes(crm) == {f"{n:02}": [f"asked to {WORD}" if n == 17 else f"note {n}"] for n in range(40)}
