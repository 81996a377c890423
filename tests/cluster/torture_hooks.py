"""Changes to the programs of a torture: the coordinator runs this module, and the workers load it (dask worker --preload).

The hook is named by HOOK_VARIABLE. The programs themselves know of none.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from importer.cluster import cluster_accounts, cluster_session
from importer.cluster.dask_pool import DaskPool
from importer.cluster.journal_calls import Answer, Call, Method, Outcome, PageRequest, decode_argument
from importer.cluster.journal_service import CALL_PATH, JournalService, ServiceAddress
from importer.cluster.remote_journal import RemoteJournal
from importer.cluster.sending_door import SendingDoor
from importer.journal.delivery_batch import DeliveryBatch
from importer.sender.client import Client
from importer.state.lease import Grant
from tests.cluster.traced_accounts import SENDER_HEADER

HOOK_VARIABLE = "CLUSTER_TORTURE_HOOK"
PROXY_VARIABLE = "CLUSTER_TORTURE_PROXY"
"""The port behind which the coordinator's service listens, and the port of the proxy that leads there."""
STALE_CALLS_FILE = "stale_calls.jsonl"


def name_sender() -> None:
    """Add the process to each request, so that the practice CRM can tell the workers apart."""
    prepare = Client.__init__

    def prepare_and_name(client: Client, *arguments: Any, **options: Any) -> None:
        prepare(client, *arguments, **options)
        client._lead_headers[SENDER_HEADER] = str(os.getpid())

    Client.__init__ = prepare_and_name


def give_tasks_three_times() -> None:
    """Submit each sending three times. The coordinator waits for the first."""
    submit = DaskPool.submit

    def submit_three_times(pool: DaskPool, work: Any, request: Any, **options: Any) -> Any:
        futures = [submit(pool, work, request, **options)]
        if work is cluster_accounts.send_task:
            futures += [submit(pool, work, request, **options) for _ in range(2)]
        futures[0].others = futures[1:]  # Dask drops a task that nobody waits for
        return futures[0]

    DaskPool.submit = submit_three_times


def drop_guards() -> None:
    """Give each task three times, and let all workers send: no lease, no epoch, no sequence. The negative control."""
    give_tasks_three_times()

    def serve_anybody(door: SendingDoor, call: Call) -> Answer:
        match call.method:
            case Method.ACQUIRE:
                return door._answer(Grant(epoch=1, ttl_s=15.0))
            case Method.RENEW | Method.RELEASE:
                return door._answer(None)
            case _:
                with door._lock:  # of the journal's connection: two threads would break its transactions
                    return door._answer(door._call_source(call.method, decode_argument(call)))

    SendingDoor.handle = serve_anybody


def call_with_old_epoch() -> None:
    """Let each worker that has a lease try all operations with the epoch before, and write down what became of them."""
    acquire = RemoteJournal.acquire

    def acquire_and_try(journal: RemoteJournal, worker: str) -> bool:
        is_acquired = acquire(journal, worker)
        with Path(STALE_CALLS_FILE).open("a", encoding="utf-8") as file:
            for method in Method:
                if method is not Method.ACQUIRE:  # it is how an epoch begins
                    file.write(json.dumps({method.value: _try_with_old_epoch(journal, method)}) + "\n")
        return is_acquired

    RemoteJournal.acquire = acquire_and_try


def _try_with_old_epoch(journal: RemoteJournal, method: Method) -> bool:
    """Return whether a call with an old epoch was refused. One that gives the lease back is answered, and changes nothing."""
    arguments = {
        Method.READ_PENDING: PageRequest(-1, 10),
        Method.RECORD: DeliveryBatch(),
        Method.BEGIN_WRITES: [],
        Method.BEGIN_TASKS: [],
    }
    call = journal._build_call(method, arguments.get(method))
    stale = msgspec.structs.replace(call, epoch=journal._epoch - 1, sequence=1_000_000)
    response = journal._http.post(CALL_PATH, content=msgspec.json.encode(stale))
    assert response.status_code == httpx.codes.OK, "it was refused for another reason"
    if method is Method.RELEASE:
        return journal._post(journal._build_call(Method.RENEW)).outcome is Outcome.DONE
    return msgspec.json.decode(response.content, type=Answer).outcome is Outcome.FENCED


def listen_behind_proxy() -> None:
    """Listen on a port that is agreed upon, and tell workers the port of the proxy."""
    own, proxy = map(int, os.environ[PROXY_VARIABLE].split())

    class ServiceBehindProxy(JournalService):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._listener.close()
            self._listener = socket.create_server(("127.0.0.1", own))
            self.address = ServiceAddress(f"http://127.0.0.1:{proxy}", self.address.token)

    cluster_session.JournalService = ServiceBehindProxy


HOOKS = {
    "": lambda: None,
    "three times": give_tasks_three_times,
    "no guards": drop_guards,
    "old epoch": call_with_old_epoch,
    "proxy": listen_behind_proxy,
}


def dask_setup(worker: Any) -> None:
    """Change a worker as it starts."""
    del worker
    name_sender()
    HOOKS[os.environ.get(HOOK_VARIABLE, "")]()


if __name__ == "__main__":
    from importer.cli.main import main

    HOOKS[os.environ.get(HOOK_VARIABLE, "")]()
    sys.exit(main(sys.argv[1:]))
