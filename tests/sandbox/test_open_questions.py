"""What docs/api.md leaves open: the sandbox can be each of the CRMs that the documentation allows."""

import pytest

from importer.sandbox.app import Sandbox
from importer.sandbox.faults import FaultPlan
from importer.sandbox.lead_edits import LeadEdit
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import SandboxOptions, load_default_account
from tests.sandbox.conftest import API, KEY, PHONE

LEAD = f"{API}/lead"
CREATE = "create_customer_if_customer_phone_not_found"
OTHER = "+919845000003"


class Crm:
    """One CRM, its clock, and a client with the key."""

    def __init__(self, client, sandbox):
        self.http = client
        self.sandbox = sandbox
        self.time = 1000.0
        sandbox.clock = lambda: self.time

    def send(self, phone=PHONE, **fields):
        reply = self.http.post(LEAD, json={"customer_phone": phone, CREATE: True, **fields})
        assert reply.status_code == 200, reply.text

    def read(self, phone=PHONE):
        return self.http.get(LEAD, params={"phone": phone}).json().get("data")


@pytest.fixture
def make_crm(make_client):
    """Make a CRM with the given options."""

    def make(**options):
        sandbox = Sandbox(SandboxOptions(**options), load_default_account(), LeadStore(None))
        client = make_client(KEY)
        client._http._transport.app = sandbox
        return Crm(client, sandbox)

    return make


@pytest.mark.parametrize(
    ("email", "found"), [("replace", ["b@x.in"]), ("merge", ["a@x.in", "b@x.in"])], ids=["replace", "merge"]
)
def test_emails_are_replaced_or_merged(make_crm, email, found):
    """An upsert with another address."""
    crm = make_crm(email=email)
    crm.send(email=["a@x.in"])
    crm.send(email=["b@x.in"])
    assert crm.read()["email"] == found


@pytest.mark.parametrize(("address", "text"), [("merge", "12 MG Road"), ("replace", None)])
def test_address_is_merged_or_replaced(make_crm, address, text):
    """An upsert with another part of the address."""
    crm = make_crm(address=address)
    crm.send(address={"text": "12 MG Road"})
    crm.send(address={"additional": "2nd floor"})
    assert (crm.read()["address"]["text"], crm.read()["address"]["additional"]) == (text, "2nd floor")


@pytest.mark.parametrize(("empty_text", "city"), [("value", ""), ("ignore", "Pune"), ("clear", None)])
def test_empty_text_is_a_value_or_not(make_crm, empty_text, city):
    """An upsert with an empty text."""
    crm = make_crm(empty_text=empty_text)
    crm.send(city="Pune")
    crm.send(city="")
    assert crm.read()["city"] == city


@pytest.mark.parametrize(
    ("texts", "stored"),
    [("keep", " Asha  RAO "), ("trim", "Asha RAO"), ("lower", " asha  rao "), ("cut", " Asha  RAO ")],
)
def test_texts_are_stored_as_typed_or_changed(make_crm, texts, stored):
    """Titles are never changed: they are entries of a list."""
    crm = make_crm(texts=texts)
    crm.send(first_name=" Asha  RAO ", city="x" * 50, lead_stage_name="Warm lead")
    found = crm.read()
    assert found["first_name"] == stored
    assert len(found["city"]) == (40 if texts == "cut" else 50)
    assert found["lead_stage"]["title"] == "Warm lead"


@pytest.mark.parametrize("no_change", ["moves", "keeps"])
def test_upsert_that_changes_nothing_moves_the_date_or_not(make_crm, no_change, monkeypatch):
    """Every change moves the date."""
    times = iter(f"2026-11-30T10:00:0{second}.000Z" for second in range(9))
    monkeypatch.setattr("importer.sandbox.lead_store._get_time", lambda: next(times))
    crm = make_crm(no_change=no_change)
    crm.send(city="Pune")
    before = crm.read()["updated_at"]
    crm.send(city="Pune")
    assert (crm.read()["updated_at"] == before) is (no_change == "keeps")
    crm.send(city="Pune", customer_note="called")
    assert crm.read()["updated_at"] != before


@pytest.mark.parametrize(
    ("shared_phone", "shown"), [("primary", OTHER), ("oldest", PHONE), ("newest", "+919845000004")]
)
def test_phone_of_several_leads_shows_one_of_them(make_crm, shared_phone, shown):
    """The second lead has the phone as its primary one, the first and the last as an additional one."""
    crm = make_crm(shared_phone=shared_phone)
    crm.send(PHONE, first_name=PHONE, add_phones=[OTHER])
    crm.send(OTHER, first_name=OTHER)
    crm.send("+919845000004", first_name="+919845000004", add_phones=[OTHER])
    assert crm.read(OTHER)["first_name"] == shown


def test_read_lags_behind_the_writes(make_crm):
    """A read shows a new lead, a change and a new phone only after the lag."""
    crm = make_crm(read_lag=2.0)
    crm.send(city="Pune")
    assert crm.read() is None
    crm.time += 2
    assert crm.read()["city"] == "Pune"
    crm.send(city="Mumbai")
    crm.time += 1
    crm.send(city="Delhi", add_phones=[OTHER])
    assert (crm.read()["city"], crm.read(OTHER)) == ("Pune", None)
    crm.time += 1
    assert crm.read()["city"] == "Mumbai"
    crm.time += 1
    assert (crm.read()["city"], crm.read(OTHER)["city"]) == ("Delhi", "Delhi")


def test_sales_person_edits_between_look_up_and_write(make_crm):
    """The edit comes after the read that names it, once, and moves the date."""
    crm = make_crm()
    crm.send(city="Pune", email=["a@x.in"])
    edit = LeadEdit(phone=PHONE, fields={"city": "Mumbai", "email": []})
    crm.sandbox.faults.restart(FaultPlan(edits={PHONE: [edit]}))
    assert crm.read()["city"] == "Pune"
    assert (crm.read()["city"], crm.read()["email"]) == ("Mumbai", [])


def test_sales_person_changes_and_deletes_a_lead(make_crm):
    """The control for tests takes any field, also to null, and rejects what does not exist."""
    crm = make_crm()
    crm.send(city="Pune", add_phones=[OTHER], add_labels=["VIP"])
    edit = "/_sandbox/edit"
    reply = crm.http.post(
        edit, json={"phone": PHONE, "fields": {"city": None, "labels": [], "added_phones": []}}
    )
    assert reply.status_code == 200
    assert (crm.read()["city"], crm.read()["labels"], crm.read(OTHER)) == (None, [], None)
    assert crm.http.post(edit, json={"phone": PHONE, "fields": {"town": "x"}}).status_code == 400
    assert crm.http.post(edit, json={"phone": OTHER, "delete": True}).status_code == 404
    assert crm.http.post(edit, json={"phone": PHONE, "delete": True}).status_code == 200
    assert crm.read() is None
