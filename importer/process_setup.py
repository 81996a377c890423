"""What a process sets up for itself: its signal handlers, and how often Python looks for reference cycles."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_NEW_OBJECTS = 10_000


@contextmanager
def handle_signals(
    names: Iterable[str], handler: Callable[[int, FrameType | None], object]
) -> Iterator[None]:
    """Hand these signals to `handler`, where the system has them.

    What is ignored stays so: under nohup a closed terminal is no reason to stop. What the program around us
    handles below Python (its handler shows as None and could not be set again), and whatever comes outside
    the main thread, is that program's to mind.
    """
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    free = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    try:
        before = {number: signal.signal(number, handler) for number in free}
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def tune_gc() -> None:
    """Look for circles whenever there are 10,000 new objects, not 700.

    Rows and requests come and go by the thousand, few in a circle, and the search took a twentieth of the time of
    reading, and a tenth of that of sending.
    """
    gc.set_threshold(_NEW_OBJECTS)
