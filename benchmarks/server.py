"""Answer like the CRM, but fast, for benchmarks: success for every upsert, and a few titles for every list.

Run as `python benchmarks/server.py [--latency SECONDS] [--core N] [--keep]`; prints `LISTENING http://127.0.0.1:PORT/superfone`.
It checks little on purpose, because the client is measured. `GET /count` returns how many leads arrived. With --keep it
shows the leads that arrived, as the API does; without it, a lead is never found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from typing import Any
from urllib.parse import unquote

import httptools
import uvloop

TITLES = {
    "source-type": ["CSV_UPLOAD", "OTHERS"],
    "lead-stage": ["New", "Warm lead", "Hot lead", "Won"],
    "lead-group": ["Walk-ins"],
    "label": ["VIP", "Parking, two cars"],
    "product": ["2 BHK flat"],
}
_SHOWN_AS_SENT = frozenset(
    ("first_name", "last_name", "business_name", "website", "city", "deal_value", "source", "source_type",
     "additional_info", "email", "address")
)  # fmt: skip
_SUCCESS = b'{"data":null,"message":"success"}'


def _build_answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


_UPSERTED = _build_answer(_SUCCESS)
_NOT_FOUND = _build_answer(b'{"message":"Customer not found"}', b"404 Not Found")


def _show_lead(number: int, body: dict[str, Any]) -> bytes:
    """Return a lead as the API shows it: titles as objects, and all of its phones."""
    shown = {name: value for name, value in body.items() if name in _SHOWN_AS_SENT}
    for name, sent in (("lead_stage", "lead_stage_name"), ("lead_group", "lead_group_name")):
        shown[name] = {"title": body[sent]} if sent in body else None
    shown["labels"] = [{"title": title} for title in body.get("add_labels", ())]
    shown["phones"] = [{"phone": phone} for phone in (body["customer_phone"], *body.get("add_phones", ()))]
    return json.dumps({"data": {"id": number, **shown}, "message": "success"}).encode()


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered in turn."""

    count = 0
    latency_s = 0.0
    keeps = False
    leads: dict[str, bytes] = {}  # noqa: RUF012 - shared by all connections

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url
        self._body = b""

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"POST":
            Connection.count += 1
            if self.keeps:
                self._keep()
            if self.latency_s:
                self._loop.call_later(self.latency_s, self._transport.write, _UPSERTED)
            else:
                self._transport.write(_UPSERTED)
            return
        path, _, query = self._url.decode().partition("?")
        if path.endswith("/lead"):
            self._transport.write(self._look_up(query))
        else:
            self._transport.write(_build_answer(self._handle_get(path)))

    def _keep(self) -> None:
        body = json.loads(self._body)
        Connection.leads[body["customer_phone"]] = _build_answer(_show_lead(Connection.count, body))

    def _look_up(self, query: str) -> bytes:
        return self.leads.get(unquote(query.removeprefix("phone=")), _NOT_FOUND) if self.keeps else _NOT_FOUND

    def _handle_get(self, path: str) -> bytes:
        if path.endswith("/count"):
            return b"%d" % Connection.count
        rows = [{"title": title, "status": "ACTIVE"} for title in TITLES.get(path.rpartition("/")[2], [])]
        listed = {
            "rows": rows,
            "total_pages": 1,
            "current_page": 1,
            "page_size": 50,
            "total_items": len(rows),
        }
        return json.dumps({"data": listed, "message": "success"}).encode()


async def serve(latency_s: float, *, keeps: bool) -> None:
    """Answer until killed."""
    Connection.latency_s, Connection.keeps = latency_s, keeps
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"LISTENING http://127.0.0.1:{port}/superfone", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--core", type=int)
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    if chosen.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(chosen.latency, keeps=chosen.keep))


if __name__ == "__main__":
    main()
