"""The coordinator's HTTP service: the journals of the sendings under way, for the workers that have them.

It listens on the address by which the scheduler sees this computer. With tls:// it uses the certificates of the cluster
both ways. Each call also carries a token of this batch. Without it, nothing is answered.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from importer.cluster.journal_calls import Answer, Call, Outcome
from importer.cluster.sending_door import SendingDoor
from importer.pipeline.local_sender import Sending, SendingObserver
from importer.state.lease import LeaseKeeper

CALL_PATH = "/call"
_MAX_CALL_BYTES = 64 << 20  # a page of look-ups or results has less than one
_THREADS = 16  # most calls wait for the disk
_START_S = 10.0
_decode_call = msgspec.json.Decoder(Call).decode
_encode_answer = msgspec.json.Encoder().encode


class ServiceAddress(msgspec.Struct, frozen=True):
    """Where workers reach the service. The token is worth something only while this batch runs."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"ServiceAddress({self.url!r})"


class JournalService:
    """Serves the sendings that are open. Use it as a context manager."""

    def __init__(
        self,
        host: str,
        ssl_context: ssl.SSLContext | None,
        *,
        build_keeper: Callable[[Path], LeaseKeeper] = LeaseKeeper,
    ) -> None:
        is_ipv6 = ":" in host
        self._listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if is_ipv6 else socket.AF_INET
        )
        self._ssl_context = ssl_context
        self._build_keeper = build_keeper
        self._doors: dict[str, SendingDoor] = {}
        self._keepers: dict[Path, LeaseKeeper] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="journal-call")
        scheme, port = "https" if ssl_context else "http", self._listener.getsockname()[1]
        place = f"[{host}]" if is_ipv6 else host
        self.address = ServiceAddress(f"{scheme}://{place}:{port}", secrets.token_urlsafe(32))
        self._server = self._build_server()
        self._thread = threading.Thread(target=self._serve, name="journal-service", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + _START_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_START_S)
        self._threads.shutdown(wait=False)
        self._listener.close()

    def open_door(self, account: Path, sending: Sending, observer: SendingObserver) -> SendingDoor:
        """Return the door of a sending to the account with this state folder."""
        keeper = self._keepers.get(account) or self._build_keeper(account)
        keeper.refresh()
        self._keepers[account] = keeper
        door = SendingDoor(secrets.token_hex(8), sending, observer, keeper)
        self._doors[door.sending_id] = door
        return door

    def _build_server(self) -> uvicorn.Server:
        app = Starlette(routes=[Route(CALL_PATH, self._take_call, methods=["POST"])])
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=60
        )
        config.load()
        config.ssl = self._ssl_context
        return uvicorn.Server(config)

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    async def _take_call(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.address.token}".encode()):
            return Response(status_code=401)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _MAX_CALL_BYTES:
                return Response(status_code=413)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._handle, body)
        except (msgspec.MsgspecError, RecursionError):
            return Response(status_code=400)
        return Response(_encode_answer(answer), media_type="application/json")

    def _handle(self, body: bytearray) -> Answer:
        call = _decode_call(body)
        door = self._doors.get(call.sending)
        return Answer(outcome=Outcome.FENCED) if door is None else door.handle(call)
