"""The signals that end a command: which of them are ours to catch, and how they are given back."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def caught(names: Iterable[str], handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
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
