"""Answer like the CRM, but fast, for benchmarks: success for every upsert, and a few titles for every list.

Run as `python benchmarks/server.py [--latency SECONDS] [--core N]`; prints `LISTENING http://127.0.0.1:PORT/superfone`.
It checks little on purpose, because the client is measured. `GET /count` returns how many leads arrived.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os

import httptools
import uvloop

TITLES = {
    "source-type": ["CSV_UPLOAD", "OTHERS"],
    "lead-stage": ["New", "Warm lead", "Hot lead", "Won"],
    "lead-group": ["Walk-ins"],
    "label": ["VIP", "Parking, two cars"],
    "product": ["2 BHK flat"],
}
_SUCCESS = b'{"data":null,"message":"success"}'


def _build_answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


_UPSERTED = _build_answer(_SUCCESS)


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered in turn."""

    count = 0
    latency_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"POST":
            Connection.count += 1
            if self.latency_s:
                self._loop.call_later(self.latency_s, self._transport.write, _UPSERTED)
            else:
                self._transport.write(_UPSERTED)
            return
        self._transport.write(_build_answer(self._handle_get()))

    def _handle_get(self) -> bytes:
        path = self._url.decode().partition("?")[0]
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


async def serve(latency_s: float) -> None:
    """Answer until killed."""
    Connection.latency_s = latency_s
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"LISTENING http://127.0.0.1:{port}/superfone", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--core", type=int)
    chosen = parser.parse_args()
    if chosen.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {chosen.core})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(chosen.latency))


if __name__ == "__main__":
    main()
