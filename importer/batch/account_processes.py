"""A process for each account, and a board that all of them share with the program that started them.

What happens to one process concerns its account alone: a process that is killed takes no other with it, and none of
them holds a lock that another one needs. So the board has no locks: each process writes its own figures.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, MutableSequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from enum import Enum, IntEnum, auto
from multiprocessing.connection import wait as wait_for_sentinel
from types import TracebackType
from typing import NamedTuple, Protocol, Self, TypeVar

import psutil

from importer.batch.account_work import FetchedLists, Link, ListsRequest, SendRequest, fetch_lists
from importer.batch.daemon_threads import DaemonThreads
from importer.batch.manifest import Manifest
from importer.credentials import API_KEY_VARIABLE
from importer.pipeline.local_sender import Sender
from importer.process_setup import tune_gc
from importer.sender.send_loop import Progress, StopRequest

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")
_PRELOADED = ["importer.batch.fork_server"]
_ORPHANED_CODE = 1
_LISTS_AT_ONCE = 16
_PASSED_ON = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
"""Signals that only the program handles."""


class Cell(IntEnum):
    """The figures of an account on the board."""

    JUDGED = 0
    DONE = 1
    TOTAL = 2
    NOT_ACCEPTED = 3
    RATE = 4
    WAITING = 5


class Phase(Enum):
    """What a batch is doing."""

    JUDGING = auto()
    PLANNING = auto()
    SENDING = auto()


class Board:
    """What the program asks all accounts for, and how far each of them is."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._places = {name: 1 + at * len(Cell) for at, name in enumerate(accounts)}
        size = 1 + len(self._places) * len(Cell)
        self.cells: MutableSequence[float] = _get_context().RawArray("d", size)

    def request_stop(self, request: StopRequest) -> None:
        """Ask all accounts to stop."""
        self.cells[0] = request.value

    def read(self, account: str, cell: Cell) -> float:
        """Return a figure of an account."""
        return self.cells[self._places[account] + cell]

    def get_place(self, account: str) -> int:
        """Return where the figures of an account begin."""
        return self._places[account]


class BoardLink:
    """The side of the account: it writes its figures, and reads what is asked of it."""

    def __init__(self, cells: MutableSequence[float], place: int) -> None:
        self._cells = cells
        self._place = place
        self.is_orphaned = False
        """Whether the program that started this process is gone: then no new request may leave."""

    def get_stop_request(self) -> StopRequest:
        """Return what the program wants."""
        asked = StopRequest(int(self._cells[0]))
        return StopRequest.DRAIN if self.is_orphaned and asked is StopRequest.NO else asked

    def report_judged(self, rows: int) -> None:
        """Write how many rows are judged."""
        self._write(Cell.JUDGED, rows)

    def report_progress(self, progress: Progress) -> None:
        """Write how far the sending is."""
        self._write(Cell.DONE, progress.done)
        self._write(Cell.TOTAL, progress.total)
        self._write(Cell.NOT_ACCEPTED, progress.not_accepted)
        self._write(Cell.RATE, progress.rate_per_s)
        self._write(Cell.WAITING, progress.waiting_s)

    def open_sender(self, request: SendRequest) -> Sender | None:
        """Send from this process."""
        del request
        return None

    def _write(self, cell: Cell, value: float) -> None:
        self._cells[self._place + cell] = value


class AccountExecutor(Protocol):
    """Where the jobs of one account run, one after another."""

    def submit(self, work: Callable[[_Request, Link], _Result], request: _Request) -> Future[_Result]:
        """Begin the work. What it raises is in the future."""

    def close(self) -> None:
        """End it. Nothing runs there any more."""


class AccountProcess:
    """A process of its own. `hidden_variables` are those of the environment that it must not see: keys."""

    def __init__(self, board: Board, account: str, hidden_variables: Iterable[str]) -> None:
        begin = (board.cells, board.get_place(account), tuple(hidden_variables))
        self._pool: Executor = ProcessPoolExecutor(
            1, _get_context(), initializer=_begin_process, initargs=begin
        )

    def submit(self, work: Callable[[_Request, Link], _Result], request: _Request) -> Future[_Result]:
        """Begin the work in the process. The future raises BrokenProcessPool if the process is gone."""
        return self._pool.submit(_work, work, request)

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class AccountProcesses:
    """Starts the processes of a manifest's accounts.

    They are forked from a process that has loaded importer and nothing else: a new interpreter would take half a CPU
    second for each account. Windows has no fork.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._variables = manifest.key_variables
        self._lists = DaemonThreads(_LISTS_AT_ONCE, "lists")
        _start_fork_server()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin no further fetch, also after Ctrl-C."""
        self._lists.close()

    def fetch_lists(self, request: ListsRequest) -> Future[FetchedLists]:
        """Fetch the lists of an account in a thread of the program: it mostly waits."""
        return self._lists.submit(fetch_lists, request)

    def open_place(self, board: Board, account: str, phase: Phase) -> AccountProcess:
        """Start the process of an account. It sees no key but its own, and while it judges none at all."""
        own = self._variables.get(account) if phase is not Phase.JUDGING else None
        hidden = {API_KEY_VARIABLE, *self._variables.values()} - {own}
        return AccountProcess(board, account, hidden)


def _start_fork_server() -> None:
    """Start what forks the processes while Ctrl-C is ignored: it and they ignore it from their first moment.

    The program that started them handles it, and asks them to stop. So it is with what a terminal that closes, or a
    service that stops, sends to all processes of a group.
    """
    if sys.platform == "win32":
        return
    from multiprocessing import forkserver  # noqa: PLC0415 - does not exist on Windows

    _get_context().set_forkserver_preload(_PRELOADED)
    earlier = {number: signal.signal(number, signal.SIG_IGN) for number in _PASSED_ON}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in earlier.items():
            if handler is not None:  # one that was set below Python cannot be restored
                signal.signal(number, handler)


# --- how many


class Places(NamedTuple):
    """How many accounts are judged and sent at once."""

    judging: int
    sending: int


def choose_places(at_once: int | None) -> Places:
    """Return how many accounts run at once, for `--at-once` or without it, as the cores, the memory and the files allow."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return compute_places(
        at_once, cores=cores, free_bytes=psutil.virtual_memory().available, max_processes=_raise_file_limit()
    )


def compute_places(at_once: int | None, *, cores: int, free_bytes: int, max_processes: int) -> Places:
    """Return the same from given figures. Judging uses a core for each account, and sending mostly waits."""
    by_memory = int(free_bytes * _MEMORY_SHARE) // _PROCESS_BYTES
    sending = min(at_once or cores * _ACCOUNTS_PER_CORE, by_memory, max_processes)
    return Places(judging=max(1, min(cores, sending)), sending=max(1, sending))


_ACCOUNTS_PER_CORE = 24  # at 20 rows a second, which take about 2 ms of CPU each
_MEMORY_SHARE = 0.5
_PROCESS_BYTES = 64 << 20  # of a process that sends: 58 MB are loaded, and most of that is shared
_FILES_PER_PROCESS = 16  # pipes of a pool of one process, with room for those of the program
_MAX_PROCESSES = 1_000


def _raise_file_limit() -> int:
    """Allow as many open files as the system lets us, and return how many processes they are enough for."""
    if sys.platform == "win32":
        return _MAX_PROCESSES
    import resource  # noqa: PLC0415 - does not exist on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_PROCESSES * _FILES_PER_PROCESS
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            soft = limit
    return _MAX_PROCESSES if soft == resource.RLIM_INFINITY else max(1, soft // _FILES_PER_PROCESS)


def _get_context() -> multiprocessing.context.BaseContext:
    return multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")


# --- in the process of an account


class _Process:
    """What this process is linked to. It is set once, when the process begins."""

    link: BoardLink
    idle = threading.Event()


def _begin_process(cells: MutableSequence[float], place: int, hidden_variables: tuple[str, ...]) -> None:
    for number in _PASSED_ON:
        signal.signal(number, signal.SIG_IGN)
    logging.getLogger("importer").addHandler(logging.NullHandler())
    tune_gc()
    for name in hidden_variables:
        os.environ.pop(name, None)
    _Process.link = BoardLink(cells, place)
    _Process.idle.set()
    threading.Thread(target=_watch_parent, name="watches the parent", daemon=True).start()


def _work(work: Callable[[_Request, Link], _Result], request: _Request) -> _Result:
    _Process.idle.clear()
    try:
        return work(request, _Process.link)
    finally:
        _Process.idle.set()


def _watch_parent() -> None:
    """Once the program is gone, let the present job finish its requests under way, and end this process."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for_sentinel([parent.sentinel])
    _Process.link.is_orphaned = True
    _Process.idle.wait()
    os._exit(_ORPHANED_CODE)
