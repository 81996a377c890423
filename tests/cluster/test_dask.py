"""A batch over a real scheduler and real workers, one of which is killed, over TLS."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path

import psutil
import pytest

from importer.batch.account_work import ListsRequest
from importer.batch.key_reference import KeyPlace, KeyReference
from importer.batch.manifest import Account
from importer.cluster import cluster_accounts, dask_pool
from importer.cluster.cluster_ranges import ClusterRangePlaces
from importer.cluster.dask_pool import DaskPool
from importer.cluster.journal_service import ServiceAddress
from importer.cluster.remote_journal import LeaseLostError
from importer.cluster.send_task import SendTask, send_task
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import Mapping
from importer.pipeline.local_sender import ClientSettings
from importer.reader import worker_client
from importer.reader.parallel_client import ParallelClient
from importer.reader.row_processor import ProcessorConfig
from importer.reader.worker_client import WorkerClient
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sender.request_kinds import Upserts
from importer.sender.send_loop import SendSettings
from importer.settings import Settings
from tests.batch.accounts import run_accounts
from tests.cluster.certificates import make_certificates
from tests.cluster.dask_cluster import run_cluster
from tests.support import read_csv, write_csv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
NAMES = ("acme", "birla", "coral")
CANARY = "canary-key-of-"
ROWS = 150
START_PROCESS = worker_client.start_process  # a fixture puts a thread in its place
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@needs_openssl
def test_killed_worker_is_replaced_and_no_key_leaves_the_workers(tmp_path):
    """Kill -9 in the middle: exit 0, each row once, each note at most once. The keys are in no file, log or argument."""
    tls = make_certificates(tmp_path / "tls")
    keys = {f"KEY_{name.upper()}": CANARY + name for name in NAMES}
    options = {name: SandboxOptions(api_key=CANARY + name) for name in NAMES}
    with run_accounts(options) as accounts, run_cluster(tmp_path, keys, workers=2, tls=tls) as cluster:
        write_manifest(tmp_path, accounts)
        cluster.wait_for_workers(2)
        process = start_batch(tmp_path, cluster, tls)
        killer = threading.Thread(target=kill_when_sending, args=(cluster, accounts))
        killer.start()
        out, err = process.communicate(timeout=200)
        killer.join()
        assert process.returncode == 0, (out, err, (tmp_path / "dask.log").read_text()[-3000:])
        assert "is gone. Another one goes on" in err
        arguments = b"".join(read_arguments(one.pid) for one in (*cluster.workers, cluster.scheduler))
        for name in NAMES:
            leads = list(accounts.sandboxes[name].store.all_leads())
            assert len(leads) == ROWS
            assert all(len(lead["notes"]) <= 1 for lead in leads)
            lines = read_csv(next((tmp_path / "reports" / name).glob("*/results.csv")))
            assert {line["_status"] for line in lines} == {"accepted"}
            in_doubt = sum(line["_note"] == "unknown" for line in lines)
            assert sum(len(lead["notes"]) for lead in leads) >= ROWS - in_doubt
    assert CANARY.encode() not in arguments
    assert CANARY not in out + err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


def write_manifest(folder, accounts):
    parts = ["[defaults]\nrate = 30\ntimeout = 2\n"]
    for name in NAMES:
        rows = [[f"98450{n:05}", f"Person {n}", f"note {n}"] for n in range(ROWS)]
        (folder / name).mkdir()
        write_csv(folder / name / "a.csv", [["Phone", "Name", "Note"], *rows])
        parts.append(
            f'[accounts.{name}]\nkey = "env:KEY_{name.upper()}"\nbase_url = "{accounts.get_url(name)}"\n'
            f'[[jobs]]\naccount = "{name}"\nfile = "{name}/a.csv"\n'
        )
    (folder / "manifest.toml").write_text("\n".join(parts), "utf-8")


def start_batch(folder, cluster, tls):
    """Start the command without any key: the coordinator needs none."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("KEY_", "SUPERFONE_"))
    }
    environ |= {"IMPORTER_STATE_DIR": str(folder / "state"), **cluster.get_client_settings()}
    command = [
        sys.executable,
        "-m",
        "importer",
        "batch",
        "manifest.toml",
        "--cluster",
        cluster.address,
        "--yes",
    ]
    return subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def kill_when_sending(cluster, accounts):
    """Kill the worker that sends, once a third of the first account's rows is in."""
    until = time.monotonic() + 100
    while not any(len(accounts.list_phones(name)) > ROWS // 3 for name in NAMES):
        assert time.monotonic() < until, "nothing was sent"
        time.sleep(0.05)
    cluster.workers[0].send_signal(signal.SIGKILL)


def read_arguments(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_until(is_so):
    """Wait until the scheduler has noticed something."""
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_stopped_worker_is_found_and_later_ones_take_its_work(tmp_path, monkeypatch):
    """Dask gives work to a stopped process, and notices after minutes. Work for a worker that is gone goes to a new one."""
    with run_cluster(tmp_path, {}, workers=2) as cluster:
        cluster.wait_for_workers(2)
        with DaskPool(cluster.address) as pool:
            assert pool.places == 16
            cluster.workers[0].send_signal(signal.SIGSTOP)
            futures = [pool.submit(print, "works") for _ in range(6)]
            wait(futures, timeout=60, return_when=FIRST_COMPLETED)
            ended, waiting = wait(futures, timeout=3)
            assert ended
            hung = {pool.find_worker(future) for future in waiting}
            assert len(hung) == 1
            assert "" not in hung
            assert pool.submit(print, "works", avoid=frozenset(hung)).result(60) is None
            others = pool.submit(print, "works", avoid=frozenset(pool._client.nthreads()) - hung)
            for worker in cluster.workers:
                worker.kill()
            wait_until(lambda: not pool.places)  # or a batch would wait for ever for workers that are gone
            cluster.start_worker()
            cluster.wait_for_workers(3)
            assert wait(futures, timeout=60).not_done == set()
            wait_until(lambda: not pool.can_run(others))
            assert not others.done()
            monkeypatch.setattr(dask_pool, "_ANSWER_S", 0.5)
            monkeypatch.setattr(dask_pool, "_MAX_SILENCE_S", 1.0)
            cluster.scheduler.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            assert pool.places
            assert pool.find_worker(others) == ""
            assert not pool.is_connected
            cluster.scheduler.send_signal(signal.SIGCONT)


class LogRecorder(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record.getMessage())


def test_lost_scheduler_shows_no_traceback(tmp_path):
    """Dask logs one to the terminal. The batch says in a sentence what is wrong."""
    recorder, logger = LogRecorder(), logging.getLogger("distributed.client")
    logger.addHandler(recorder)
    with run_cluster(tmp_path, {}, workers=1) as cluster:
        cluster.wait_for_workers(1)
        with DaskPool(cluster.address) as pool:
            assert pool.workers
            cluster.scheduler.kill()
            wait_until(lambda: not pool.is_connected)
    logger.removeHandler(recorder)
    assert recorder.records == []


SPILL_ALL = {
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "1e-9",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False",
}
"""Dask's settings of a worker that writes each result to its disk."""


def test_neither_key_nor_token_is_in_what_dask_writes(tmp_path, monkeypatch):
    """A spilled result, the log of a task that failed with its arguments, and the task as it travels."""
    key, token = CANARY + "acme", "canary-token"
    monkeypatch.setenv("KEY_ACME", key)
    reference = KeyReference(KeyPlace.ENVIRONMENT, "KEY_ACME")
    with (
        run_accounts({"acme": SandboxOptions(api_key=key)}) as accounts,
        run_cluster(tmp_path, SPILL_ALL, workers=1, worker_words=["--memory-limit", "1e9"]) as cluster,
    ):
        url = accounts.get_url("acme")
        lists = ListsRequest(
            account=Account(name="acme", key=reference, base_url=url), folder=tmp_path, settings=Settings()
        )
        task = SendTask(
            service=ServiceAddress(url, token),  # which refuses it
            sending="sending",
            key=reference,
            folder=tmp_path,
            base_url=url,
            kind=Upserts(create=True),
            total=1,
            settings=SendSettings(rate_per_s=10.0, concurrency=2, max_wait_s=60),
            client=ClientSettings(timeout_s=5, max_wait_s=60, connections=2),
            learnt_rate=None,
        )
        cluster.wait_for_workers(1)
        with DaskPool(cluster.address) as pool:
            fetched = pool.submit(cluster_accounts._fetch_lists, lists)
            assert fetched.result(60).titles
            with pytest.raises(LeaseLostError):
                pool.submit(send_task, task).result(60)
            spilled = [path.read_bytes() for path in (tmp_path / "spill").rglob("*") if path.is_file()]
        log = (tmp_path / "dask.log").read_text("utf-8")
    assert any(b"FetchedLists" in content for content in spilled)
    assert not any(CANARY.encode() in content for content in spilled)
    assert "Compute Failed" in log
    assert "canary" not in log
    assert CANARY.encode() not in pickle.dumps([lists, task])
    assert "canary" not in repr([lists, task])


def test_ranges_are_judged_in_reading_processes_of_the_workers(tmp_path, monkeypatch):
    """One worker is killed in the middle: no row is missing. No reading process has a key, and no log a cell."""
    monkeypatch.setattr("importer.reader.worker_client.start_process", START_PROCESS)
    monkeypatch.setattr(ClusterRangePlaces, "min_file_bytes", 1)
    monkeypatch.setattr(ClusterRangePlaces, "range_bytes", 60_000)
    rows = [[f"98450{n:05}", f"Canary {n}", "said\nyes" if n % 90 == 0 else ""] for n in range(60_000)]
    sheet = write_csv(tmp_path / "large.csv", [["Phone", "Name", "Note"], *rows])
    config = ProcessorConfig(mapping=Mapping(columns=()), titles={}, region="IN", unknown="reject")
    environments = set()
    (tmp_path / "private").mkdir()
    environ = {"KEY_ACME": CANARY + "acme", "TMPDIR": str(tmp_path / "private")}
    with run_cluster(tmp_path, environ, workers=2) as cluster:
        cluster.wait_for_workers(2)
        places = ClusterRangePlaces(cluster.address, ("KEY_ACME",))
        with ParallelClient(sheet, OpenOptions(), places) as reader:
            found = []
            for batch in reader.judge(config):
                found += batch
                environments |= {path.read_bytes() for path in find_environments(cluster)}
                if len(environments) > 1 and cluster.workers[0].poll() is None:
                    cluster.workers[0].kill()
        assert cluster.workers[0].poll() is not None
        left = cluster.workers[1]
        left.terminate()
        left.wait(30)
        log = (tmp_path / "dask.log").read_text("utf-8")
    with WorkerClient(sheet, OpenOptions()) as alone:
        assert found == [row for batch in alone.judge(config) for row in batch]
        assert reader.end == alone.end
    assert len(environments) > 1
    assert not any(CANARY.encode() in content for content in environments)
    assert "Canary" not in log
    assert len([*(tmp_path / "private").glob("importer-*")]) == 1  # that of the worker that was killed


def find_environments(cluster):
    """Return where the environments of the workers' own processes are."""
    workers = [psutil.Process(one.pid) for one in cluster.workers if one.poll() is None]
    return [Path(f"/proc/{process.pid}/environ") for one in workers for process in one.children()]
