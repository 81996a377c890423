"""The transport under the client: what it takes from the surroundings, and what it does not."""

import asyncio

import pytest

from importer.credentials import Credentials, Secret
from importer.sender.client import open_client
from importer.sender.transport import proxy_for


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://127.0.0.1:3128"}, "http://127.0.0.1:3128"),
        ({"https_proxy": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({"http_proxy": "http://127.0.0.1:3128"}, None),
        ({"https_proxy": "http://127.0.0.1:3128", "no_proxy": "crm.example"}, None),
    ],
)
def test_the_proxy_of_the_office_is_taken_from_the_environment(environment, proxy, monkeypatch):
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for("https://crm.example/superfone") == proxy


@pytest.mark.parametrize("host", ["127.0.0.1:8750", "localhost", "[::1]:8750"])
def test_the_key_does_not_leave_the_machine_by_a_proxy(host, monkeypatch):
    """Plain http is allowed to this machine only because nobody is on the way."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert proxy_for(f"http://{host}/superfone") is None


def test_requests_go_through_the_proxy_and_nothing_of_netrc_goes_with_them(monkeypatch, tmp_path):
    """A proxy is asked for the whole address; a .netrc that knows the host adds no password."""
    seen = []

    async def serve(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n{"data":null,"message":"success"}')
        writer.close()

    async def run():
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as proxy:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
            monkeypatch.delenv("no_proxy", raising=False)
            credentials = Credentials("http://crm.example/superfone", Secret("k"))
            async with open_client(credentials, timeout_s=5, max_wait_s=900, connections=1) as client:
                return await client.upsert({"customer_phone": "+919845012345"})

    netrc = tmp_path / "netrc"
    netrc.write_text("machine crm.example login somebody password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert asyncio.run(run()).status == 200
    (request,) = seen
    assert request.startswith(b"POST http://crm.example/superfone/enterprise/api/lead HTTP/1.1\r\n")
    assert b"authorization" not in request.lower()
