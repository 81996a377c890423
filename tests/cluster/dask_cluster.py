"""A Dask scheduler and workers as processes of this computer, for tests, the demo and the torture."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_S = 60.0


class DaskCluster:
    """The processes. Workers have no nanny, which would start a killed one again."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], tls: Mapping[str, Path] | None = None
    ) -> None:
        self._folder = folder
        self._environ = {**os.environ, **environ}
        self._certificates = dict(tls or {})
        self._tls = [
            word for name, path in self._certificates.items() for word in (f"--tls-{name}", str(path))
        ]
        self._port = find_free_port()
        self.address = f"{'tls' if tls else 'tcp'}://127.0.0.1:{self._port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start_scheduler()

    def start_worker(self, *words: str, threads: int = 8) -> subprocess.Popen[bytes]:
        """Start a worker, with further options of `dask worker`."""
        name = f"worker-{len(self.workers)}"
        worker = self._start(
            "worker", self.address, "--no-nanny", "--nthreads", str(threads), "--name", name, "--no-dashboard",
            "--local-directory", str(self._folder / "spill"), "--host", "127.0.0.1", *words,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def get_client_settings(self) -> dict[str, str]:
        """Return the environment of a client: Dask reads its certificates from there."""
        names = {"ca-file": "DASK_DISTRIBUTED__COMM__TLS__CA_FILE"} | {
            name: f"DASK_DISTRIBUTED__COMM__TLS__CLIENT__{name.upper()}" for name in ("cert", "key")
        }
        return {names[name]: str(path) for name, path in self._certificates.items()}

    def wait_for_workers(self, count: int) -> None:
        """Return once the scheduler knows so many workers."""
        until = time.monotonic() + _START_S
        while (self._folder / "dask.log").read_text(errors="replace").count("Registered to:") < count:
            assert time.monotonic() < until, "the workers do not start"
            time.sleep(0.05)

    def restart(self, *words: str, workers: int) -> None:
        """Start a new scheduler at the same address, and new workers."""
        self.close()
        self.workers.clear()
        (self._folder / "dask.log").unlink()
        self.scheduler = self._start_scheduler()
        for _ in range(workers):
            self.start_worker(*words)
        self.wait_for_workers(workers)

    def close(self) -> None:
        """Kill all processes, also stopped ones."""
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()

    def _start_scheduler(self) -> subprocess.Popen[bytes]:
        options = ["--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard", "--no-show"]
        scheduler = self._start("scheduler", *options)
        _wait_for_port(self._port)
        return scheduler

    def _start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        log = (self._folder / "dask.log").open("ab")
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *words, *self._tls]
        with log:
            return subprocess.Popen(command, cwd=self._folder, env=self._environ, stdout=log, stderr=log)


@contextmanager
def run_cluster(
    folder: Path,
    environ: Mapping[str, str],
    *,
    workers: int,
    tls: Mapping[str, Path] | None = None,
    worker_words: Sequence[str] = (),
) -> Iterator[DaskCluster]:
    """Run a cluster until the block ends."""
    cluster = DaskCluster(folder, environ, tls)
    try:
        for _ in range(workers):
            cluster.start_worker(*worker_words)
        yield cluster
    finally:
        cluster.close()


def find_free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the scheduler does not answer")
