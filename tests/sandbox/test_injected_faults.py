"""The injected faults: each does what its name says, and the ledger says whether the work was done."""

import httpx
import pytest

from importer.sandbox.app import Sandbox
from importer.sandbox.faults import APPLIED, FaultInjector, FaultPlan, InjectedFault
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import SandboxOptions, load_default_account
from importer.sandbox.server import run_sandbox
from tests.sandbox.conftest import API, KEY, NOW, Client

BODY = {
    "customer_phone": "+919845000001",
    "create_customer_if_customer_phone_not_found": True,
    "customer_note": "n",
}


@pytest.fixture
def make_sandbox(request):
    """Make a sandbox with options and a stopped clock, and a client of it."""
    made = []

    def ask(**options):
        sandbox = Sandbox(SandboxOptions(**options), load_default_account(), LeadStore(None))
        sandbox.clock, sandbox.now = (lambda: 100.0), (lambda: NOW)
        made.append(Client(sandbox, KEY))
        return sandbox, made[-1]

    yield ask
    for client in made:
        client.close()


def leads(sandbox):
    return len(list(sandbox.store.all_leads()))


@pytest.mark.parametrize(
    ("words", "header"),
    [
        ("seconds", "1"),
        ("date", "Wed, 25 Nov 2026 10:00:01 GMT"),
        ("none", None),
        ("soon", "soon"),
        ("-5", "-5"),
    ],
)
def test_rate_limit_answers_429_with_the_chosen_retry_after(make_sandbox, words, header):
    """The requests past the limit are answered 429 and change nothing."""
    sandbox, client = make_sandbox(rate_limit=2, retry_after=words)
    replies = [
        client.post(f"{API}/lead", json={**BODY, "customer_phone": f"+91984500000{n}"}) for n in range(3)
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].headers.get("retry-after") == header
    assert replies[2].json() == {"message": "Too many requests"}
    assert leads(sandbox) == 2
    sandbox.clock = lambda: 101.0
    assert client.post(f"{API}/lead", json=BODY).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"{API}/lead-stage"), ("GET", f"{API}/lead"), ("POST", f"{API}/lead/1/task")]
)
def test_limits_cover_every_endpoint_with_a_key(make_sandbox, method, path):
    """A real account counts requests for lists too."""
    sandbox, client = make_sandbox(rate_limit=1, concurrency_limit=2)
    assert client.post(f"{API}/lead", json=BODY).status_code == 200
    reply = client.request(method, path)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
    assert reply.json() == {"message": "Too many requests"}
    sandbox.clock, sandbox.in_flight = (lambda: 101.0), 2
    assert client.request(method, path).status_code == 429
    assert sandbox.in_flight == 2


def test_concurrency_limit_answers_429(make_sandbox):
    sandbox, client = make_sandbox(concurrency_limit=2)
    sandbox.in_flight = 1
    assert client.post(f"{API}/lead", json=BODY).status_code == 200
    sandbox.in_flight = 2
    assert client.post(f"{API}/lead", json=BODY).status_code == 429


def test_error_share_answers_503(make_sandbox):
    sandbox, client = make_sandbox(error_share=0.5, seed=7)
    statuses = [
        client.post(f"{API}/lead", json={**BODY, "customer_phone": f"+9198450000{n:02}"}).status_code
        for n in range(40)
    ]
    assert set(statuses) == {200, 503}
    assert leads(sandbox) == statuses.count(200)


def test_latency_delays_every_answer(make_sandbox, monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("importer.sandbox.app.asyncio.sleep", sleep)
    _, client = make_sandbox(latency=0.25)
    client.post(f"{API}/lead", json=BODY)
    client.get(f"{API}/label")
    assert slept == [0.25, 0.25]


@pytest.mark.parametrize(("option", "done"), [("drop_before", False), ("drop_after", True)])
def test_dropped_connection_is_logged_as_applied_or_not(option, done):
    """The client sees no difference. Only the ledger knows whether the work was done."""
    with run_sandbox(SandboxOptions(**{option: 1.0})) as crm:
        with pytest.raises(httpx.TransportError):
            httpx.post(f"{crm.base_url}/enterprise/api/lead", json=BODY, headers=KEY)
        assert leads(crm.sandbox) == done
        (entry,) = crm.sandbox.store.ledger()
        assert (entry["fault"], entry["applied"]) == (option, done)


@pytest.mark.parametrize("fault", [fault for fault in InjectedFault if "stall" not in fault])
def test_ledger_says_whether_the_work_was_done(fault):
    """Each fault is requested by HTTP and happens on a real socket."""
    with run_sandbox() as crm:
        control_url = crm.page_url + "_sandbox/faults"
        assert httpx.post(control_url, json={"always": fault}).status_code == 200
        try:
            httpx.post(f"{crm.base_url}/enterprise/api/lead", json=BODY, headers=KEY)
        except (httpx.TransportError, httpx.DecodingError):
            assert fault in APPLIED or fault is InjectedFault.DROP_BEFORE
        (entry,) = httpx.get(crm.page_url + "_sandbox/ledger").json()
        assert bool(entry["applied"]) == (fault in APPLIED) == bool(leads(crm.sandbox))


def test_refused_key_does_not_count_against_the_limit(make_sandbox):
    sandbox, client = make_sandbox(rate_limit=1)
    for _ in range(3):
        assert client.post(f"{API}/lead", json=BODY, headers={"x-api-key": "no"}).status_code == 401
    assert client.post(f"{API}/lead", json=BODY).status_code == 200
    assert leads(sandbox) == 1


def test_same_seed_makes_the_same_faults():
    def drawn(seed):
        faults = FaultInjector(seed, {InjectedFault.DROP_AFTER: 0.3, InjectedFault.UNAVAILABLE: 0.3})
        return [faults.choose_next(None) for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert set(drawn(1)) == {None, InjectedFault.DROP_AFTER, InjectedFault.UNAVAILABLE}


def test_plan_chooses_faults_by_request_phone_and_start():
    faults = FaultInjector(0, {})
    faults.restart(
        FaultPlan(
            at={2: InjectedFault.HTML},
            phones={"+1": [InjectedFault.REFUSED]},
            always=InjectedFault.FORBIDDEN,
            from_request=4,
        )
    )
    assert [faults.choose_next(phone) for phone in (None, None, "+1", "+1")] == [None, InjectedFault.HTML, InjectedFault.REFUSED, InjectedFault.FORBIDDEN]  # fmt: skip


def test_ban_covers_the_lists_and_firewall_only_one_row(make_sandbox):
    """A ban answers 403 in the API's format. A firewall answers HTML for a body with the word."""
    sandbox, client = make_sandbox()
    sandbox.faults.restart(FaultPlan(firewall="DROP TABLE"))
    blocked = client.post(f"{API}/lead", json={**BODY, "customer_note": "x; DROP TABLE y"})
    assert (blocked.status_code, blocked.headers["content-type"]) == (403, "text/html")
    assert client.get(f"{API}/label").status_code == 200
    assert client.post(f"{API}/lead", json=BODY).status_code == 200
    assert leads(sandbox) == 1
    sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=2))
    client.post(f"{API}/lead", json=BODY)
    assert client.get(f"{API}/label").status_code == 200
    refused = client.post(f"{API}/lead", json=BODY)
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    assert client.get(f"{API}/label").status_code == 403
