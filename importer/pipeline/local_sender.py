"""Where the rows of a journal are sent from: this process, unless a batch gives them to another machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from importer.credentials import Credentials
from importer.errors import ImporterError
from importer.pipeline.account_lists import run_async
from importer.sender.adaptive_rate import LearntRate
from importer.sender.client import open_client
from importer.sender.commit_writer import DeliveryJournal
from importer.sender.request_kinds import RequestKind
from importer.sender.send_loop import Progress, SendSettings, StopRequest, send


class WorkerLostError(ImporterError):
    """The worker that sent the rows is gone. What it has sent is in the journal, or in doubt there."""

    exit_code = 3


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to talk to the CRM. Times are in seconds."""

    timeout_s: float
    max_wait_s: float
    connections: int


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over a journal: `total` rows of `source`, with the requests of `kind`.

    `kind` knows what it needs of `source`. `learnt_rate` is what an earlier sending to the account has learnt.
    """

    source: DeliveryJournal
    kind: RequestKind[Any]
    total: int
    settings: SendSettings
    client: ClientSettings
    learnt_rate: LearntRate | None = None


class SendingObserver(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears of a sending, and who can stop it. `on_rate_learnt` is called once, however it ends."""

    on_progress: Callable[[Progress], None]
    get_stop_request: Callable[[], StopRequest]
    on_rate_learnt: Callable[[LearntRate], None] | None = None


class Sender(Protocol):
    """Sends from some place."""

    def send(self, sending: Sending, observer: SendingObserver) -> bool:
        """Send all rows. Return False where a person stopped it. Raises as importer.sender.send_loop.send."""


class LocalSender:
    """Sends from this process."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def send(self, sending: Sending, observer: SendingObserver) -> bool:
        """Send all rows. Return False where a person stopped it."""
        return run_async(lambda: send_rows(sending, self._credentials, observer))


async def send_rows(
    sending: Sending,
    credentials: Credentials,
    observer: SendingObserver,
    *,
    check: Callable[[], None] | None = None,
) -> bool:
    """Do the same in a running loop. `check` is called before each request leaves, and raises if it must not."""
    settings = sending.client
    async with open_client(
        credentials,
        timeout_s=settings.timeout_s,
        max_wait_s=settings.max_wait_s,
        connections=settings.connections,
        check=check,
    ) as client:
        return await send(
            sending.source,
            client,
            sending.settings,
            total=sending.total,
            on_progress=observer.on_progress,
            get_stop_request=observer.get_stop_request,
            make_requests=lambda writer: sending.kind.build(sending.source, writer),
            learnt_rate=sending.learnt_rate,
            on_rate_learnt=observer.on_rate_learnt,
        )
