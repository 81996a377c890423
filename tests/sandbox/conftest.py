"""A sandbox without sockets and with one lead."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from importer.sandbox.app import Sandbox
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import SandboxOptions, load_default_account

API = "/superfone/enterprise/api"
KEY = {"x-api-key": "sandbox-key"}
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
PHONE, ADDED = "+919845000001", "+919845000002"


class Client:
    """httpx over the application itself, so that an exception in the sandbox fails the test."""

    def __init__(self, sandbox, headers):
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=sandbox)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)

    def request(self, method, path, **rest):
        return self._runner.run(self._http.request(method, path, **rest))

    def get(self, path, **rest):
        return self.request("GET", path, **rest)

    def post(self, path, **rest):
        return self.request("POST", path, **rest)

    def close(self):
        self._runner.run(self._http.aclose())
        self._runner.close()


@pytest.fixture
def make_client(sandbox):
    """Make clients of the sandbox with given headers."""
    made = []

    def make(headers):
        made.append(Client(sandbox, headers))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def sandbox():
    """An empty sandbox whose time is 10 am."""
    made = Sandbox(SandboxOptions(), load_default_account(), LeadStore(None))
    made.now = lambda: NOW
    return made


@pytest.fixture
def crm(make_client):
    """A client with the key, and one lead with a second phone, a stage, a group, a label and a note."""
    client = make_client(KEY)
    first = {
        "customer_phone": PHONE,
        "create_customer_if_customer_phone_not_found": True,
        "add_phones": [ADDED],
        "first_name": "Asha",
        "lead_stage_name": "New",
        "lead_group_name": "Walk-ins",
        "add_labels": ["VIP"],
        "customer_note": "first",
    }
    assert client.post(f"{API}/lead", json=first).json() == {"data": None, "message": "success"}
    return client
