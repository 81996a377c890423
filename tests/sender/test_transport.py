"""The transport reads the proxy settings of the environment, and nothing else."""

import asyncio

import pytest

from importer.credentials import Credentials, Secret
from importer.models.delivery import DeliveryOutcome
from importer.sender.client import open_client
from importer.sender.transport import find_proxy


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://127.0.0.1:3128"}, "http://127.0.0.1:3128"),
        ({"https_proxy": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({"http_proxy": "http://127.0.0.1:3128"}, None),
        ({"https_proxy": "http://127.0.0.1:3128", "no_proxy": "crm.example"}, None),
    ],
    ids=["none", "with scheme", "without scheme", "only for http", "excluded host"],
)
def test_proxy_is_read_from_the_environment(environment, proxy, monkeypatch):
    """An office proxy is used for the CRM, unless no_proxy names the host."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy("https://crm.example/superfone") == proxy


@pytest.mark.parametrize("host", ["127.0.0.1:8750", "localhost", "[::1]:8750"])
def test_no_proxy_for_this_computer(host, monkeypatch):
    """Plain http is allowed to this computer only because the key does not leave it."""
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert find_proxy(f"http://{host}/superfone") is None


def test_requests_use_the_proxy_and_ignore_netrc(monkeypatch, tmp_path):
    """The proxy receives the whole address, and a password in .netrc is not sent."""
    requests = []

    async def serve(reader, writer):
        requests.append(await reader.readuntil(b"\r\n\r\n"))
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
    (request,) = requests
    assert request.startswith(b"POST http://crm.example/superfone/enterprise/api/lead HTTP/1.1\r\n")
    assert b"authorization" not in request.lower()


@pytest.mark.parametrize(
    ("interim_answers", "outcome"),
    [(3, DeliveryOutcome.APPLIED), (100_000, DeliveryOutcome.MAY_HAVE_ARRIVED)],
    ids=["a few", "without end"],
)
def test_interim_answers_are_bounded(interim_answers, outcome):
    """A server may say `100 Continue` before its answer. One that never stops is left long before --timeout."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * interim_answers)
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 33\r\n\r\n"
            b'{"data":null,"message":"success"}'
        )
        writer.close()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            credentials = Credentials(
                f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/superfone", Secret("k")
            )
            async with open_client(credentials, timeout_s=30, max_wait_s=900, connections=1) as client:
                responses = [await client.upsert({}) for _ in range(2)]
                return [response.outcome for response in responses]

    assert asyncio.run(run()) == [outcome, outcome]
