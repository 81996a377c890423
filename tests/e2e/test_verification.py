"""Reading leads back: what the CRM shows is compared with what was sent, and nothing is sent."""

import msgspec
import pytest

from importer import api
from importer.models.status import Verification
from importer.pipeline.send_and_report import _SignalCounter
from importer.sandbox.lead_edits import LeadEdit, edit_lead
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
from importer.sender.stop_control import StopRequest
from tests.support import leads, read_csv, write_csv

ASHA, RAVI, MEENA = "+919845000001", "+919845000002", "+919845000003"
HEADER = (
    "Phone",
    "First Name",
    "City",
    "Email",
    "Labels",
    "Address",
    "Stage",
    "Deal Value",
    "Additional Info",
)
LONG = "Visited the stall twice and asked for a call after Diwali about the larger flat"
ROWS = [
    (ASHA, "Asha  Devi", "Pune", "ASHA@example.com", "VIP", "12 MG Road", "New", "120000", LONG),
    (RAVI, "Ravi", "", "", "", "", "", "", ""),
    (MEENA, "Meena", "Delhi", "", "", "", "", "", "x"),
]


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", [HEADER, *ROWS])


def edit(crm, **values):
    edit_lead(crm.sandbox.store, msgspec.convert(values, LeadEdit))


def read_outcomes(ended):
    return {row["_phone"]: row["_verified"] for row in read_csv(ended.folder / "results.csv")}


def read_summary(ended):
    return msgspec.json.decode((ended.folder / "summary.json").read_bytes())


def count(**outcomes):
    return {outcome.value: outcomes.get(outcome.value, 0) for outcome in Verification}


def test_verify_reads_only_and_finds_what_was_sent(importer, crm, sheet):
    """One look-up a row that the CRM took, no write; the figures of the sending stay."""
    ran = importer("run", sheet, "--yes")
    before, requests = leads(crm), len(crm.sandbox.store.ledger())
    assert ran.summary["requests"] == requests
    verified = importer("verify", ran.folder.name)
    assert verified.code == 0, verified.err
    assert leads(crm) == before
    assert [entry["method"] for entry in crm.sandbox.store.ledger()[requests:]] == ["GET"] * 3
    after = read_summary(ran)
    assert after["verified"] == count(same=3)
    assert after["requests"] == requests
    assert read_outcomes(ran) == dict.fromkeys((ASHA, RAVI, MEENA), "same")


def test_lead_that_differs_and_one_that_is_missing_are_no_success(importer, crm, sheet):
    """Exit 1, the fields with both values, and no sentence says that all went in."""
    ran = importer("run", sheet, "--yes")
    edit(crm, phone=ASHA, fields={"city": "Goa"})
    edit(crm, phone=RAVI, delete=True)
    verified = importer("verify", ran.folder.name)
    assert verified.code == 1
    assert read_summary(ran)["verified"] == count(differs=1, missing=1, same=1)
    assert "but the CRM does not show 2 leads as sent." in verified.err
    assert "All 3 rows went in" not in verified.err + (ran.folder / "report.html").read_text("utf-8")
    row = read_csv(ran.folder / "results.csv")[0]
    assert row["_codes"] == "city.not_as_sent"
    assert '"Pune" was sent, and the CRM shows "Goa"' in row["_problems"]
    assert row["_status"] == "accepted"


def test_change_after_a_verification_is_not_our_failure(importer, crm, sheet):
    """The first verification saw the value, so another hand changed it: only then the outcome says so."""
    ran = importer("run", sheet, "--yes")
    assert importer("verify", ran.folder.name).code == 0
    edit(crm, phone=ASHA, fields={"city": "Goa"})
    again = importer("verify", ran.folder.name)
    assert (again.code, read_outcomes(ran)[ASHA]) == (0, "changed_since")
    assert "1 of them was changed later." in again.err


def test_change_by_a_later_run_is_not_our_failure(importer, crm, sheet):
    """The memory of the account says that a later run wrote the value that the CRM shows."""
    ran = importer("run", sheet, "--yes")
    later = write_csv(importer.folder / "later.csv", [("Phone", "City"), (ASHA, "Nagpur"), (MEENA, "Surat")])
    importer("run", later, "--yes")
    edit(crm, phone=MEENA, fields={"city": "Goa"})
    importer("verify", ran.folder.name)
    assert read_outcomes(ran) == {ASHA: "changed_since", RAVI: "same", MEENA: "differs"}


def test_run_and_apply_verify_after_sending(importer, crm, sheet):
    """With --verify the same command reads back what it sent; of a plan only the fields that were sent count."""
    crm.sandbox.store.save(None, RAVI, {"first_name": "Ravi", "city": "Goa"}, None)
    planned = importer("plan", sheet)
    applied = importer("apply", planned.folder.name, "--yes", "--verify")
    assert applied.code == 0, applied.err
    assert read_summary(planned)["verified"] == count(same=2)
    assert read_outcomes(planned) == {ASHA: "same", RAVI: "", MEENA: "same"}
    ran = importer("run", sheet, "--yes", "--verify")
    assert (ran.code, ran.summary["verified"]) == (0, count(same=3))
    assert "3 leads were read back: the CRM has what was sent." in ran.err


def test_sample_is_the_same_in_each_call(importer, crm, sheet):
    """Rows outside of the sample have no outcome."""
    ran = importer("run", sheet, "--yes")
    sampled = importer("verify", ran.folder.name, "--sample", "2")
    assert read_summary(ran)["verified"] == count(same=2)
    assert "2 leads were read back" in sampled.err, "no word about the third"
    first = read_outcomes(ran)
    importer("verify", ran.folder.name, "--sample", "2")
    assert read_outcomes(ran) == first


def test_run_that_sent_nothing_cannot_be_verified(importer, sheet):
    """Exit 2 with what to do."""
    checked = importer("check", sheet)
    verified = importer("verify", checked.folder.name)
    assert (verified.code, "has sent nothing" in verified.err) == (2, True)


def test_lead_that_the_crm_does_not_show_clearly_is_no_success(importer, crm, sheet, monkeypatch):
    """An answer that is not the API's own says nothing about the lead."""
    ran = importer("run", sheet, "--yes")
    monkeypatch.setattr(
        "importer.sandbox.lead_view.LeadReader.find", lambda *_: (_ for _ in ()).throw(KeyError)
    )
    verified = importer("verify", ran.folder.name, "--max-wait", "1", "--json")
    assert verified.code != 0
    assert read_summary(ran)["verified"] == count(cannot_tell=3)


def test_verification_that_was_stopped_is_no_success_and_can_be_made_again(importer, crm, sheet, monkeypatch):
    """The run itself stays finished: exit 130 with the command that reads the leads."""
    ran = importer("run", sheet, "--yes")
    with monkeypatch.context() as stopped:
        stopped.setattr(_SignalCounter, "get_stop_request", lambda _: StopRequest.DRAIN)
        ended = importer("verify", ran.folder.name, "--wait", "60")
    after = read_summary(ran)
    assert (ended.code, after["exit_code"], after["state"]) == (130, 130, "finished")
    assert after["verified"] == count(cannot_tell=3)
    assert "but 3 leads were not read back" in ended.err
    assert f"importer verify {ran.folder.name}" in ended.err
    assert importer("verify", ran.folder.name).code == 0
    assert read_summary(ran)["reason"] == ""


def test_library_verifies_a_run_and_gives_each_row_its_outcome(importer, crm, sheet):
    """The functions of the library do what the commands do."""
    result = api.run_import(sheet, verify=True)
    assert [row.verification for row in result.rows()] == [Verification.SAME] * 3
    edit(crm, phone=ASHA, fields={"city": "Goa"})
    verified = api.verify_run(result, sample="3")
    assert verified.ok
    assert next(row.verification for row in verified.rows()) is Verification.CHANGED_SINCE


LAG_S = 600


def test_wait_lets_a_slow_crm_show_what_was_written(importer, sheet, monkeypatch):
    """A read that lags behind shows the leads as missing; after --wait they are all there."""
    with run_sandbox(SandboxOptions(read_lag=LAG_S)) as crm:
        clock = Clock()
        crm.sandbox.clock = lambda: clock.seconds
        monkeypatch.setattr("importer.pipeline.send_and_report.wait_unless_stopped", clock.wait)
        monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url)
        ran = importer("run", sheet, "--yes", "--verify")
        assert (ran.code, ran.summary["verified"]) == (1, count(missing=3))
        verified = importer("verify", ran.folder.name, "--wait", str(LAG_S + 1))
        assert (verified.code, read_summary(ran)["verified"]) == (0, count(same=3))


class Clock:
    """The sandbox's clock. Only waiting moves it, and nobody waits for it."""

    seconds = 0.0

    def wait(self, wait_s, get_stop_request):
        self.seconds += wait_s


@pytest.mark.parametrize("texts", ["keep", "trim", "lower", "cut"])
@pytest.mark.parametrize("email", ["replace", "merge"])
def test_difference_that_was_verified_never_comes_back(importer, sheet, monkeypatch, texts, email):
    """What the CRM makes of our texts counts as ours: the next plan has nothing to do, however the CRM stores them."""
    with run_sandbox(SandboxOptions(texts=texts, email=email)) as crm:
        monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url)
        crm.sandbox.store.save(None, ASHA, {"email": ["old@example.com"]}, None)
        ran = importer("run", sheet, "--yes", "--verify")
        assert ran.code == 0, ran.err
        expected = "same" if texts == "keep" else "normalised"
        assert read_outcomes(ran)[ASHA] == expected
        planned = importer("plan", sheet)
        assert planned.summary["plan"]["unchanged"] == 3, (planned.folder / "changes.csv").read_text("utf-8")
