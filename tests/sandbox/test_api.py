"""Requests and answers as docs/api.md describes them: what is accepted and what is rejected, with status and message."""

import json

import msgspec
import pytest

from importer.fields import FIELDS, TASK_FIELDS
from importer.sandbox.api_rules import Address, LeadBody
from tests.sandbox.conftest import ADDED, API, NOW, PHONE

LEAD = f"{API}/lead"
GOOD = 200, "success"


def name_case(value):
    """Return the id of one case: its body or parameters, without the answer."""
    return json.dumps(value) if isinstance(value, dict) else ""


def invalid(what):
    return 400, f"Validation failed: {what}"


def test_sandbox_accepts_exactly_the_fields_of_the_catalogue():
    """A new field of the importer must be added to the sandbox, with the same `nullable`."""
    parts = {field.name: field for field in msgspec.structs.fields(LeadBody)}
    del parts["create_customer_if_customer_phone_not_found"], parts["address"]
    parts |= {f"address.{field.name}": field for field in msgspec.structs.fields(Address)}
    ours = {
        field.name: field.nullable
        for field in FIELDS
        if field.name not in TASK_FIELDS | {"full_name", "dial_code"}
    }
    assert {name: "None" in str(field.type) for name, field in parts.items()} == ours | {
        "customer_phone": True
    }


# --- POST /enterprise/api/lead: what is in the body beside the phone of a known lead -> answer
BODIES = [
    ({}, GOOD),
    # every field, as its type says
    ({"first_name": "A", "last_name": "B", "business_name": "C", "website": "d.in", "city": "E", "source": "F"}, GOOD),
    ({"additional_info": "x", "customer_note": "y"}, GOOD),
    ({"email": ["a@example.in", "b@example.in"]}, GOOD),
    ({"address": {"text": "a", "additional": None, "initials": "b", "latitude": 12.9, "longitude": 77}}, GOOD),
    ({"deal_value": 0}, GOOD),
    ({"deal_value": 12.5}, GOOD),
    ({"source_type": "CSV_UPLOAD"}, GOOD),
    ({"lead_stage_name": "Warm lead"}, GOOD),
    ({"lead_stage_name": None, "lead_group_name": None, "assignee_user_phone": None}, GOOD),
    ({"lead_group_name": "Dealers, South"}, GOOD),
    ({"add_labels": ["VIP", "Parking, two cars"]}, GOOD),
    ({"remove_labels": ["VIP"]}, GOOD),
    ({"add_products": ["Shop, ground floor", "Villa plot"]}, GOOD),
    ({"add_phones": ["+918041122001", "+971501234567"]}, GOOD),
    ({"assignee_user_phone": "+919845000101"}, GOOD),
    ({"create_customer_if_customer_phone_not_found": False}, GOOD),
    # wrong types
    ({"first_name": 5}, invalid("Expected `str`, got `int` - at `$.first_name`")),
    ({"first_name": None}, invalid("Expected `str`, got `null` - at `$.first_name`")),
    ({"city": ["Pune"]}, invalid("Expected `str`, got `array` - at `$.city`")),
    ({"email": []}, invalid("email needs one address or more")),
    ({"email": "a@example.in"}, invalid("Expected `array`, got `str` - at `$.email`")),
    ({"email": [5]}, invalid("Expected `str`, got `int` - at `$.email[0]`")),
    ({"email": ["asha"]}, invalid("'asha' is not an email")),
    ({"address": "12, 4th Cross"}, invalid("Expected `object`, got `str` - at `$.address`")),
    ({"address": None}, invalid("Expected `object`, got `null` - at `$.address`")),
    ({"address": {"street": "x"}}, invalid("Object contains unknown field `street` - at `$.address`")),
    ({"address": {"latitude": "12.9"}}, invalid("Expected `float | null`, got `str` - at `$.address.latitude`")),
    ({"deal_value": "120000"}, invalid("Expected `int | float`, got `str` - at `$.deal_value`")),
    ({"deal_value": None}, invalid("Expected `int | float`, got `null` - at `$.deal_value`")),
    ({"deal_value": True}, invalid("Expected `int | float`, got `bool` - at `$.deal_value`")),
    ({"deal_value": 10**20}, invalid("deal_value is out of range")),
    ({"add_labels": "VIP"}, invalid("Expected `array`, got `str` - at `$.add_labels`")),
    ({"add_phones": "+918041122001"}, invalid("Expected `array`, got `str` - at `$.add_phones`")),
    ({"create_customer_if_customer_phone_not_found": "true"},
     invalid("Expected `bool`, got `str` - at `$.create_customer_if_customer_phone_not_found`")),
    ({"lead_stage": "New"}, invalid("Object contains unknown field `lead_stage`")),
    ({"full_name": "Asha Rao"}, invalid("Object contains unknown field `full_name`")),
    # invalid phones
    ({"add_phones": ["9845012345"]}, (400, "Invalid phone number")),
    ({"add_phones": ["+91 98450 12345"]}, (400, "Invalid phone number")),
    ({"add_phones": ["+9198450123456"]}, (400, "Invalid phone number")),
    ({"assignee_user_phone": "9845000101"}, (400, "Invalid phone number")),
    # titles
    ({"lead_stage_name": "Warm led"}, (404, "Lead stage not found")),
    ({"lead_stage_name": "warm lead"}, (404, "Lead stage not found")),
    ({"lead_stage_name": ""}, (404, "Lead stage not found")),
    ({"lead_stage_name": "Old enquiry"}, (404, "Lead stage not found")),
    ({"lead_group_name": "Nobody"}, (404, "Lead group not found")),
    ({"lead_group_name": "Archive 2023"}, (404, "Lead group not found")),
    ({"lead_group_name": "Festival offer"}, (400, "Multiple lead groups found with this name. Provide unique")),
    ({"assignee_user_phone": "+919845000199"}, (404, "Assignee not found")),
    ({"source_type": "Magazine"}, (400, "Invalid source type")),
    ({"source_type": None}, invalid("Expected `str`, got `null` - at `$.source_type`")),
    ({"add_labels": ["VIP", "Nope"]}, (400, "Invalid label: Nope")),
    ({"add_labels": ["Old label"]}, (400, "Invalid label: Old label")),
    ({"remove_labels": ["Nope"]}, (400, "Invalid label: Nope")),
    ({"add_products": ["Row house"]}, (400, "Invalid product: Row house")),
    ({"add_labels": ["VIP"], "remove_labels": ["Hot"]}, (400, "add_labels and remove_labels can not be combined")),
    ({"add_labels": [], "remove_labels": []}, (400, "add_labels and remove_labels can not be combined")),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "answer"), BODIES, ids=name_case)
def test_upsert_of_a_known_lead_answers_as_the_api(crm, fields, answer):
    """A rejected request changes nothing."""
    before = crm.get(LEAD, params={"phone": PHONE}).json()
    reply = crm.post(LEAD, json={"customer_phone": PHONE, **fields})
    assert (reply.status_code, reply.json()["message"]) == answer
    if answer != GOOD:
        assert reply.json().keys() == {"message"}
        assert crm.get(LEAD, params={"phone": PHONE}).json() == before


@pytest.mark.parametrize(
    ("kind", "status"),
    [("application/json", 200), ("Application/JSON; charset=utf-8", 200), ("text/plain", 400),
     ("application/x-www-form-urlencoded", 400), (None, 400)],
)  # fmt: skip
@pytest.mark.parametrize("path", [LEAD, f"{LEAD}/1/task"])
def test_body_needs_the_json_content_type(crm, path, kind, status):
    """Real servers reject a body of another type, so an import without the header would fail."""
    body = (
        b'{"customer_phone": "+919845000001"}'
        if path == LEAD
        else b'{"type": "BOOKING", "due_date": "2026-11-26"}'
    )
    reply = crm.post(path, content=body, headers={} if kind is None else {"content-type": kind})
    assert reply.status_code == status, reply.text


REQUIRED = 400, "Customer phone is required to identify the record to update"
CREATE = "create_customer_if_customer_phone_not_found"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"first_name": "Asha"}, REQUIRED),
        ({"customer_phone": None}, REQUIRED),
        ({"customer_phone": ""}, REQUIRED),
        (
            {"customer_phone": 919845000001},
            invalid("Expected `str | null`, got `int` - at `$.customer_phone`"),
        ),
        ({"customer_phone": "9845000001"}, (400, "Invalid phone number")),
        ({"customer_phone": "+91 98450 00001"}, (400, "Invalid phone number")),
        ({"customer_phone": "+91984500000"}, (400, "Invalid phone number")),
        ({"customer_phone": "+915234567890"}, (400, "Invalid phone number")),
        ({"customer_phone": "+919845000009"}, (400, "Customer not found")),
        ({"customer_phone": "+919845000009", CREATE: False}, (400, "Customer not found")),
        ({"customer_phone": "+919845000009", CREATE: True}, GOOD),
        ({"customer_phone": ADDED}, (400, "Customer not found")),  # matched by the primary phone alone
        ({"customer_phone": ADDED, CREATE: True}, GOOD),
    ],
    ids=name_case,
)
def test_phone_and_create_flag_decide_the_answer(crm, body, answer):
    reply = crm.post(LEAD, json=body)
    assert (reply.status_code, reply.json()["message"]) == answer


@pytest.mark.parametrize("key", [None, "", "wrong", "sandbox-key ", "SANDBOX-KEY"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", LEAD), ("GET", LEAD), ("GET", f"{API}/lead-stage"), ("GET", f"{API}/source-type"),
        ("POST", f"{LEAD}/1/task"), ("GET", f"{LEAD}/1/task"), ("POST", f"{LEAD}/1/task/complete"),
    ],
)  # fmt: skip
def test_every_endpoint_needs_the_key(make_client, key, method, path):
    reply = make_client({} if key is None else {"x-api-key": key}).request(method, path)
    assert reply.status_code == 401
    assert reply.json() == {"message": "UnAuthorized, Please Provide Valid API Key"}


# --- what an upsert does to the lead


def lead(crm, phone=PHONE):
    return crm.get(LEAD, params={"phone": phone}).json()["data"]


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"city": "Pune"}, "city", "Pune"),
        ({"city": "Pune"}, "first_name", "Asha"),
        ({"lead_stage_name": None}, "lead_stage", None),
        ({"lead_group_name": None}, "lead_group_id", None),
        ({"email": ["b@example.in"]}, "email", ["b@example.in"]),
        ({"deal_value": 12.5}, "deal_value", 12.5),
    ],
)
def test_absent_field_stays_and_null_clears(crm, fields, name, value):
    crm.post(LEAD, json={"customer_phone": PHONE, **fields})
    assert lead(crm)[name] == value


def test_lead_has_exactly_the_documented_keys(crm):
    """A lead has every key of docs/api.md and no other. Products and notes are not shown."""
    body = {
        "customer_phone": PHONE,
        "address": {"text": "MG Road"},
        "assignee_user_phone": "+919845000101",
        "add_products": ["Villa plot"],
    }
    crm.post(LEAD, json=body)
    found = lead(crm)
    dates = {name: found.pop(name) for name in ("created_at", "updated_at")}
    assert all(value.endswith("Z") for value in dates.values())
    assert found == {
        "id": 1, "org_id": 1, "first_name": "Asha", "last_name": None, "email": [], "website": None, "business_name": None,
        "additional_info": None, "city": None, "deal_value": None, "status": "ACTIVE", "source": None, "source_type": None,
        "address": {"text": "MG Road", "additional": None, "initials": None, "latitude": None, "longitude": None},
        "assignee_user_id": 1, "assignee_user": {"id": 1, "first_name": "Kavya", "last_name": "Nair"},
        "lead_stage_id": 1,
        "lead_stage": {"id": 1, "title": "New", "org_id": 1, "status": "ACTIVE", "type": "INITIAL", "position": 1},
        "lead_group_id": 2,
        "lead_group": {"id": 2, "title": "Walk-ins", "org_id": 1, "status": "ACTIVE", "type": "NONE"},
        "labels": [{"id": 1, "title": "VIP", "colour": "#2563eb", "text_colour": "#ffffff", "status": "ACTIVE"}],
        "phones": [{"phone": PHONE, "customer_id": 1}, {"phone": ADDED, "customer_id": 1}],
    }  # fmt: skip


def test_lead_is_found_by_any_phone_primary_first(crm):
    assert lead(crm, ADDED)["id"] == 1
    crm.post(LEAD, json={"customer_phone": ADDED, CREATE: True})
    assert lead(crm, ADDED)["id"] == 2
    assert lead(crm, PHONE)["id"] == 1


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ({"phone": "+919845000009"}, (404, "Customer not found")),
        ({"phone": "919845000001"}, (404, "Customer not found")),
        ({"phone": ""}, (400, "phone is required")),
        ({}, (400, "phone is required")),
    ],
    ids=name_case,
)
def test_missing_lead_answers_as_the_api(crm, params, answer):
    reply = crm.get(LEAD, params=params)
    assert (reply.status_code, reply.json()) == (answer[0], {"message": answer[1]})


def test_labels_products_phones_and_notes_accumulate(crm, sandbox):
    """A note is appended on every call. It is the one field that is not idempotent."""
    body = {
        "customer_phone": PHONE, "add_labels": ["Hot", "VIP"], "add_products": ["Villa plot"], "add_phones": [ADDED, "+918041122001"],
        "customer_note": "again",
    }  # fmt: skip
    for _ in range(2):
        crm.post(LEAD, json=body)
    crm.post(LEAD, json={"customer_phone": PHONE, "remove_labels": ["VIP"]})
    (found,) = sandbox.store.all_leads()
    assert found["labels"] == ["Hot"]
    assert found["products"] == ["Villa plot"]
    assert found["phones"] == [PHONE, "+918041122001", ADDED]
    assert found["notes"] == ["first", "again", "again"]


# --- the dropdown lists


@pytest.mark.parametrize(
    ("name", "params", "titles", "rest"),
    [
        ("source-type", {}, ["CSV_UPLOAD", "FACEBOOK_INTEGRATION", "PHONE_CONTACT", "WHATSAPP_MESSAGE", "WHATSAPP_INTEGRATION", "PABBLY", "OTHERS"], (1, 1, 50, 7)),
        ("lead-stage", {"text": "VISIT"}, ["Site visit planned", "Site visit done"], (1, 1, 50, 2)),
        ("lead-stage", {"page_size": 2, "page": 2}, ["Interested", "Warm lead"], (7, 2, 2, 13)),
        ("lead-stage", {"page": 9}, [], (1, 9, 50, 13)),
        ("lead-stage", {"text": "nothing like it"}, [], (0, 1, 50, 0)),
        ("lead-group", {"text": "festival"}, ["Festival offer", "Festival offer"], (1, 1, 50, 2)),
        ("product", {"page_size": 1, "text": "shop,"}, ["Shop, ground floor"], (1, 1, 1, 1)),
        ("label", {"page": 2}, ["Senior citizen", "Do not call on Sunday", "Needs invoice", "GST", "Old label", "Spring offer 2024"], (2, 2, 50, 56)),
    ],
)  # fmt: skip
def test_list_page_has_rows_and_totals(crm, name, params, titles, rest):
    found = crm.get(f"{API}/{name}", params=params).json()["data"]
    assert [row["title"] for row in found.pop("rows")] == titles
    assert found == dict(zip(("total_pages", "current_page", "page_size", "total_items"), rest, strict=True))


@pytest.mark.parametrize(
    "params",
    [{"page": 0}, {"page": -1}, {"page": "x"}, {"page_size": 0}, {"page_size": 51}, {"page": "1e3"}, {"page": ""}, {"page": "9" * 40}],
    ids=name_case,
)  # fmt: skip
def test_invalid_page_is_a_400(crm, params):
    assert crm.get(f"{API}/label", params=params).status_code == 400


def test_list_rows_have_the_documented_keys(crm):
    keys = {name: set(crm.get(f"{API}/{name}").json()["data"]["rows"][0]) for name in ("source-type", "lead-stage", "lead-group", "label", "product")}  # fmt: skip
    assert keys["source-type"] == {"title"}
    assert keys["lead-stage"] == {"id", "title", "status", "type", "position", "is_editable"}
    assert keys["lead-group"] == {"id", "title", "status", "type"}
    assert keys["label"] == {"id", "title", "status", "colour", "text_colour"}
    assert keys["product"] == {"id", "title", "status", "description", "price", "currency", "link"}


def test_sample_account_covers_every_rule(sandbox):
    """It has more than 50 labels, titles with commas, disabled titles, and two groups with one title."""
    lists = sandbox.account.lists
    assert len(lists["label"]) > 50
    for name in ("lead-group", "label", "product"):
        assert any("," in row["title"] for row in lists[name]), name
    for name in ("lead-stage", "lead-group", "label", "product"):
        assert any(row["status"] == "DISABLED" for row in lists[name]), name
    groups = [row["title"] for row in lists["lead-group"]]
    assert len(groups) > len(set(groups))


# --- tasks

DUE, SOON = "2026-11-26T10:00:00Z", "2026-11-25T10:00:01Z"


@pytest.mark.parametrize(
    ("task", "status"),
    [
        ({"type": "FOLLOW_UP_CALL", "due_date": DUE, "notify_at": SOON, "customer_note": "call"}, 200),
        *(({"type": kind, "due_date": DUE}, 200) for kind in ("FIRST_CALL", "CALLBACK_REQUEST", "SITE_VISIT", "REMINDER", "BOOKING")),
        ({"type": "BOOKING", "due_date": DUE, "notify_at": DUE}, 200),
        ({"type": "BOOKING", "due_date": "2026-11-26T15:30:00+05:30", "notify_at": "2026-11-26T10:00:00Z"}, 200),
        ({"type": "BOOKING", "due_date": "2026-11-26"}, 200),
        ({"type": "BOOKING", "due_date": "2026-11-26", "notify_at": "2026-11-26T00:00:01"}, 400),
        ({"type": "BOOKING", "due_date": DUE, "notify_at": NOW.isoformat()}, 400),
        ({"type": "BOOKING", "due_date": DUE, "notify_at": "2026-11-26T10:00:01Z"}, 400),
        ({"type": "BOOKING", "due_date": DUE, "notify_at": "tomorrow"}, 400),
        ({"type": "BOOKING", "due_date": "26/11/2026"}, 400),
        ({"type": "BOOKING"}, 400),
        ({"due_date": DUE}, 400),
        ({"type": "LUNCH", "due_date": DUE}, 400),
        ({"type": "BOOKING", "due_date": DUE, "priority": 1}, 400),
        ({"type": "BOOKING", "due_date": DUE, "customer_note": 5}, 400),
    ],
    ids=name_case,
)  # fmt: skip
def test_new_task_answers_as_the_api(crm, task, status):
    reply = crm.post(f"{LEAD}/1/task", json=task)
    assert reply.status_code == status, reply.text
    assert crm.get(f"{LEAD}/1/task").json()["data"]["total_items"] == (status == 200)


@pytest.mark.parametrize("lead_id", ["2", "99999999999999999999"])
def test_tasks_of_a_missing_lead_are_a_404(crm, lead_id):
    task = {"type": "BOOKING", "due_date": DUE}
    for reply in (
        crm.post(f"{LEAD}/{lead_id}/task", json=task),
        crm.get(f"{LEAD}/{lead_id}/task"),
        crm.post(f"{LEAD}/{lead_id}/task/complete"),
    ):
        assert (reply.status_code, reply.json()) == (404, {"message": "Lead not found"})


def test_new_task_closes_open_tasks_but_no_reminders(crm):
    """Reminders neither close other tasks nor are closed (docs/api.md, "Tasks")."""
    for kind in ("FIRST_CALL", "REMINDER", "SITE_VISIT", "REMINDER"):
        crm.post(f"{LEAD}/1/task", json={"type": kind, "due_date": DUE})
    states = [(task["type"], task["status"]) for task in crm.get(f"{LEAD}/1/task").json()["data"]["rows"]]
    assert states == [("FIRST_CALL", "COMPLETED"), ("REMINDER", "OPEN"), ("SITE_VISIT", "OPEN"), ("REMINDER", "OPEN")]  # fmt: skip
    crm.post(f"{LEAD}/1/task/complete")
    states = [task["status"] for task in crm.get(f"{LEAD}/1/task").json()["data"]["rows"]]
    assert states == ["COMPLETED", "OPEN", "COMPLETED", "OPEN"]


def test_task_pages_have_at_most_twenty_rows(crm):
    for _ in range(21):
        crm.post(f"{LEAD}/1/task", json={"type": "REMINDER", "due_date": DUE})
    found = crm.get(f"{LEAD}/1/task").json()["data"]
    assert (len(found["rows"]), found["total_pages"], found["total_items"]) == (20, 2, 21)
    assert len(crm.get(f"{LEAD}/1/task", params={"page": 2, "page_size": 20}).json()["data"]["rows"]) == 1
    assert crm.get(f"{LEAD}/1/task", params={"page_size": 21}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", f"{API}/lead-stages", 404), ("GET", "/nothing", 404), ("PUT", LEAD, 405), ("DELETE", LEAD, 405), ("POST", f"{API}/label", 405),
     ("GET", f"{LEAD}/x/task", 404), ("GET", f"{LEAD}/1/task/complete", 405)],
)  # fmt: skip
def test_unknown_endpoint_answers_json(crm, method, path, status):
    reply = crm.request(method, path)
    assert reply.status_code == status
    assert reply.json().keys() == {"message"}
