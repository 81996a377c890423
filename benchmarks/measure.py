"""Run a command and measure its time, its CPU and its memory, children included."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_SAMPLE_S = 0.05


class Cost(NamedTuple):
    """Seconds of wall time and of CPU, and the peak of memory in MB: the sum of the process tree's PSS, sampled."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(
    command: Sequence[object],
    *,
    cores: set[int] | None = None,
    memory: bool = False,
    allowed: tuple[int, ...] = (0, 1),
) -> Cost:
    """Run a command to its end. Memory is sampled only if asked for, because reading it costs time.

    PSS counts a page that n processes share as 1/n in each, so the sum over a tree is what the tree really uses.
    """
    pin = (lambda: os.sched_setaffinity(0, cores)) if cores else None
    began = time.perf_counter()
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        child = subprocess.Popen([*map(str, command)], stdout=nowhere, stderr=subprocess.PIPE, preexec_fn=pin)
    watch = _Watch(child.pid) if memory else None
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)  # the usage of the child and of all that it waited for
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in allowed:
        sys.exit(f"{' '.join(map(str, command))} ended with {child.returncode}:\n{said.decode()[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, watch.end() if watch else 0.0)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(statistics.median(figures) for figures in zip(*costs, strict=True)))


class _Watch(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._peak, self._over = pid, 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self._peak = max(self._peak, sum(map(_pss_mb, _tree(self._pid))))

    def end(self) -> float:
        self._over.set()
        self.join()
        return self._peak


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue
        found += map(int, children.split())
    return found


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
