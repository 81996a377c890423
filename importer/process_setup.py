"""Set up a process: its signal handlers, its memory and CPU time, and how often Python looks for reference cycles."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

MAX_MEMORY_BYTES = 3 * 1024**3  # of a process that reads a file
MAX_CPU_S = 3600
_GC_THRESHOLD = 10_000  # new objects; Python's own is 700


@contextmanager
def handle_signals(
    names: Iterable[str], handler: Callable[[int, FrameType | None], object]
) -> Iterator[None]:
    """Call `handler` for these signals while the block runs, where the system has them.

    A signal that is ignored stays ignored: under nohup a closed terminal is no reason to stop. We also leave alone what
    the program around us handles below Python, because such a handler shows as None and could not be restored.
    Outside the main thread nothing changes, because Python allows handlers there only.
    """
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    free = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    try:
        previous = {number: signal.signal(number, handler) for number in free}
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def tune_gc() -> None:
    """Look for reference cycles after every 10,000 new objects instead of 700.

    Thousands of rows and requests are created and freed, and few are in a cycle. With Python's threshold the search took
    5% of the time of reading and 10% of the time of sending.
    """
    gc.set_threshold(_GC_THRESHOLD)


def apply_limits() -> None:
    """Limit the memory and CPU time of this process, where the operating system can (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - does not exist on Windows

    for kind, limit in ((resource.RLIMIT_AS, MAX_MEMORY_BYTES), (resource.RLIMIT_CPU, MAX_CPU_S)):
        _, hard = resource.getrlimit(kind)
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue  # macOS refuses some limits; the checks of zip_safety still apply
