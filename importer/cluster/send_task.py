"""What a worker of the cluster does: open the account with its own copy of the key, and send the rows of one sending."""

from __future__ import annotations

import os
import ssl
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from importer.batch.key_reference import KeyReference, read_key
from importer.cluster.journal_service import ServiceAddress
from importer.cluster.remote_journal import RemoteJournal
from importer.credentials import Credentials
from importer.pipeline.account_lists import run_async
from importer.pipeline.local_sender import ClientSettings, Sending, SendingObserver, send_rows
from importer.sender.adaptive_rate import LearntRate
from importer.sender.request_kinds import RequestKind
from importer.sender.send_loop import SendSettings


class SendTask(msgspec.Struct, frozen=True, kw_only=True):
    """All that a worker needs. Its key is a reference, which is resolved on the worker alone."""

    service: ServiceAddress
    sending: str
    key: KeyReference
    folder: Path
    base_url: str
    kind: RequestKind[Any]
    total: int
    settings: SendSettings
    client: ClientSettings
    learnt_rate: LearntRate | None


class SentRows(msgspec.Struct, frozen=True):
    """Whether all rows are settled, and what was learnt of the account's limit."""

    is_finished: bool
    learnt_rate: LearntRate | None


class WorkerPlace(NamedTuple):
    """The worker that a task runs on: its address, and the certificates of the cluster, None without TLS."""

    address: str
    ssl_context: ssl.SSLContext | None


def send_task(task: SendTask, place: WorkerPlace) -> SentRows:
    """Send the rows of a task as soon as no other worker may send to the account.

    Raises MissingKeyError, LeaseLostError, JournalFailedError, and what importer.sender.send_loop.send raises.
    """
    credentials = Credentials(task.base_url, read_key(task.key, task.folder, os.environ))
    journal = RemoteJournal(task.service, place.ssl_context, sending=task.sending, holder=uuid.uuid4().hex)
    learnt: list[LearntRate] = []
    observer = SendingObserver(
        on_progress=journal.report_progress,
        get_stop_request=journal.get_stop_request,
        on_rate_learnt=learnt.append,
    )
    sending = Sending(
        source=journal,
        kind=task.kind,
        total=task.total,
        settings=task.settings,
        client=task.client,
        learnt_rate=task.learnt_rate,
    )
    try:
        if not journal.acquire(place.address):
            return SentRows(is_finished=False, learnt_rate=None)
        is_finished = run_async(
            lambda: send_rows(sending, credentials, observer, check=journal.raise_if_lost)
        )
        if not is_finished:
            journal.raise_if_lost()  # it has stopped for this reason, and not because a person wanted it
    finally:
        journal.release()
    return SentRows(is_finished, learnt[-1] if learnt else None)
