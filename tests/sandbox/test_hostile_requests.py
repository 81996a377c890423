"""No request makes the sandbox fail: it rejects what it cannot read, and hostile text stays text."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import API, KEY, PHONE
from tests.strategies import count_examples

LEAD = f"{API}/lead"
JUNK = {
    "nothing": b"",
    "no JSON": b"customer_phone=+919845000001",
    "cut off": b'{"customer_phone": "+9198',
    "an array": b"[]",
    "null": b"null",
    "a number": b"1",
    "deep arrays": b"[" * 200_000,
    "deep in a field that is not there": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep in a field": b'{"address":' + b'{"text":' * 50_000,
    "NaN": b'{"customer_phone": "+919845000001", "deal_value": NaN}',
    "infinity": b'{"customer_phone": "+919845000001", "deal_value": 1e999}',
    "a number of 400 digits": b'{"customer_phone": "+919845000001", "deal_value": ' + b"9" * 400 + b"}",
    "bytes that are no text": b'{"customer_phone": "+919845000001", "city": "\xff"}',
    "half a character": b'{"customer_phone": "+919845000001", "city": "\\ud800"}',
    "a phone that is a list": b'{"customer_phone": ["+919845000001"], "customer_note": {"a": 1}}',
    "UTF-16": '{"customer_phone": "+919845000001"}'.encode("utf-16"),
    "two megabytes": b'{"customer_phone": "+919845000001", "city": "' + b"x" * 2_000_000 + b'"}',
}
JSON = {"content-type": "application/json"}  # a body of another type is ignored
ADDRESSES = [LEAD, f"{API}/lead/1/task", "/_sandbox/faults"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", JUNK)
def test_malformed_body_is_a_400(crm, address, name):
    reply = crm.post(address, content=JUNK[name], headers=JSON)
    assert reply.status_code == 400, reply.text
    assert reply.json().keys() == {"message"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["customer_phone", "first_name", "email", "address", "deal_value", "lead_stage_name", "lead_group_name", "add_labels",
     "remove_labels", "add_products", "add_phones", "assignee_user_phone", "customer_note", "type", "due_date", "notify_at",
     "shares", "at", "always", "latency"]
)  # fmt: skip


@settings(max_examples=count_examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    address=st.sampled_from([LEAD, f"{API}/lead/1/task"]),
    body=st.dictionaries(FIELDS, VALUES, max_size=5).map(lambda fields: {"customer_phone": PHONE, **fields}),
)
def test_any_json_is_accepted_or_rejected_without_a_500(crm, address, body):
    """An exception in the sandbox would fail the test."""
    reply = crm.post(address, content=json.dumps(body).encode(), headers=JSON)
    assert reply.status_code in (200, 400, 404)
    assert "message" in reply.json()


@settings(max_examples=count_examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200), address=st.sampled_from(ADDRESSES))
def test_any_bytes_are_accepted_or_rejected_without_a_500(crm, raw, address):
    assert crm.post(address, content=raw, headers=JSON).status_code in (200, 400)


@settings(max_examples=count_examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30), page=st.text(max_size=12), phone=st.text(max_size=20))
def test_any_query_is_answered_without_a_500(crm, text, page, phone):
    assert crm.get("/", params={"text": text, "page": page}).status_code == 200
    assert crm.get(f"{API}/label", params={"text": text, "page": page}).status_code in (200, 400)
    assert crm.get(LEAD, params={"phone": phone}).status_code in (200, 400, 404)


def test_half_a_body_changes_nothing(sandbox):
    """A client that disconnects has sent nothing, even if its half body is valid JSON."""
    import asyncio

    sent = []
    messages = iter(
        [
            {"type": "http.request", "body": b'{"customer_phone": "+919845000001", "create_customer_if_customer_phone_not_found": true}', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )  # fmt: skip

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = [(b"x-api-key", b"sandbox-key")]
    asyncio.run(sandbox({"type": "http", "method": "POST", "path": LEAD, "headers": headers}, receive, send))
    assert sent == []
    assert list(sandbox.store.all_leads()) == []


HOSTILE = [
    "<script>document.title='x'</script>", '"><img src=x onerror=alert(1)>', "{{ 777 * 777 }}", "javascript:alert(1)", "</title><h1>",
    "'; DROP TABLE leads; --", "\u202egnp.exe", "a\x00b\x1b[31m",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_lead_is_escaped_on_the_page(crm, text):
    body = {
        "customer_phone": PHONE, "first_name": text, "business_name": text, "city": text, "website": text, "customer_note": text,
        "additional_info": text, "source": text, "address": {"text": text},
    }  # fmt: skip
    assert crm.post(LEAD, json=body).status_code == 200
    for params in ({}, {"text": text}):
        page = crm.get("/", params=params)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "603729" not in page.text
        assert 'href="javascript' not in page.text
        assert "\u202e" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "192.168.1.5:8000"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/_sandbox/leads"), ("GET", "/_sandbox/ledger"), ("POST", "/_sandbox/faults")],
)
def test_dns_rebinding_is_rejected(crm, host, method, path):
    """The page and the controls need no key, so they only answer to the names of this machine."""
    reply = crm.request(
        method, path, headers={"host": host, **KEY}, content=b"{}" if method == "POST" else None
    )
    assert (reply.status_code, reply.json()) == (403, {"message": "loopback only"})


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "localhost", "[::1]:8000"])
def test_loopback_hosts_are_accepted(crm, host):
    assert crm.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["x/_sandbox/leads?", "x/label?", "x#", "x/", "[", "\\", "a@b", ""], ids=ascii
)
def test_malformed_host_does_not_change_the_path(crm, host):
    """What the request line names is answered, or the request is refused (CVE-2026-48710 of starlette 1.0.0)."""
    address = f"{API}/lead-stage"
    found = crm.get(address, headers={"host": host})
    assert found.status_code == 400 or found.json() == crm.get(address).json()
