"""The lease of an account: which worker of a cluster may send to it, and when another one may take over.

The terms are those of Chubby. Each grant raises the **epoch** of the account, and each call of a worker carries it, so a
worker that was given up is recognised by its old epoch (it is *fenced*). A worker that does not renew may still have
requests under way. So nobody takes over before its time to live and a **lock-delay** have passed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from importer.atomic_file import fsync_file, fsync_folders, replace_file
from importer.state.disk_errors import translate_write_errors

TTL_S = 15.0
_MAX_CONNECT_S = 10.0
_MARGIN_S = (
    5.0  # for clocks that run at other speeds, and a process that is slow to send what it has decided to
)
_MAX_PAUSE_S = 1.0
_LEASE_NAME = "lease.json"
_THIS_COMPUTER = "this computer"
_UNKNOWN_HOLDER = "(unknown)"


def compute_lock_delay(timeout_s: float) -> float:
    """Return how long a request may go on after the lease of its worker has ended: it connects, then waits `--timeout`."""
    return min(timeout_s, _MAX_CONNECT_S) + timeout_s + _MARGIN_S


_UNKNOWN_LOCK_DELAY_S = compute_lock_delay(60.0)  # twice the usual --timeout


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds an account, "" for nobody. `renewed_at` is in seconds of the caller's clock."""

    epoch: int = 0
    holder: str = ""
    ttl_s: float = TTL_S
    lock_delay_s: float = 0.0
    renewed_at: float = 0.0

    def compute_wait(self, holder: str, now: float) -> float:
        """Return how many seconds a worker must wait until it may have the lease; 0 if it has it, or may have it now."""
        if self.holder in ("", holder):
            return 0.0
        return max(0.0, self.renewed_at + self.ttl_s + self.lock_delay_s - now)

    def is_held_by(self, holder: str, epoch: int) -> bool:
        """Return whether the lease was granted to this worker in this epoch, and to nobody since."""
        return (self.holder, self.epoch) == (holder, epoch)

    def is_expired(self, now: float) -> bool:
        """Return whether the holder must have stopped by itself."""
        return bool(self.holder) and now > self.renewed_at + self.ttl_s

    def grant(self, holder: str, now: float, *, ttl_s: float, lock_delay_s: float) -> Lease:
        """Return the lease of a worker that need not wait. If it has the lease already, the epoch stays."""
        epoch = self.epoch if holder == self.holder else self.epoch + 1
        return Lease(epoch=epoch, holder=holder, ttl_s=ttl_s, lock_delay_s=lock_delay_s, renewed_at=now)

    def renew(self, now: float) -> Lease:
        """Return the lease after a sign of life of its holder."""
        return msgspec.structs.replace(self, renewed_at=now)

    def release(self) -> Lease:
        """Return the lease of nobody, after the holder has said that nothing of it is under way. The epoch stays used."""
        return Lease(epoch=self.epoch)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A granted lease: its epoch, and for how long it holds without a renewal. Or `wait_s`, after which to ask again."""

    epoch: int = 0
    ttl_s: float = 0.0
    wait_s: float = 0.0


def read_clock() -> float:
    """Return seconds that also pass while a computer sleeps, where the system has such a clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class LeaseKeeper:
    """The lease of an account on this computer's disk, in the account's state folder. It serves several threads.

    A new epoch is on disk before it is given out. Renewals are not. A program that reads a held lease from the
    disk, because the one that granted it is gone, takes it for renewed just now.
    """

    def __init__(
        self, account: Path, *, clock: Callable[[], float] = read_clock, ttl_s: float = TTL_S
    ) -> None:
        self._path = account / _LEASE_NAME
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._lease = _read_lease(self._path).renew(clock())

    def acquire(self, holder: str, lock_delay_s: float) -> Grant:
        """Grant the lease to a worker, or say how long it must wait. Raises DiskWriteError."""
        with self._lock:
            now = self._clock()
            if wait_s := self._lease.compute_wait(holder, now):
                return Grant(wait_s=wait_s)
            granted = self._lease.grant(holder, now, ttl_s=self._ttl_s, lock_delay_s=lock_delay_s)
            if granted.epoch != self._lease.epoch:
                _write_lease(self._path, granted)
            self._lease = granted
            return Grant(epoch=granted.epoch, ttl_s=granted.ttl_s)

    def renew(self, holder: str, epoch: int) -> bool:
        """Renew the lease. Return False if it is not this worker's any more."""
        with self._lock:
            if not self._lease.is_held_by(holder, epoch):
                return False
            self._lease = self._lease.renew(self._clock())
            return True

    def release(self, holder: str, epoch: int) -> bool:
        """Free the account. Return False if the lease is not this worker's any more. Raises DiskWriteError."""
        with self._lock:
            if not self._lease.is_held_by(holder, epoch):
                return False
            released = self._lease.release()
            _write_lease(self._path, released)
            self._lease = released
            return True

    def read_time(self) -> float:
        """Return the seconds of this computer's clock."""
        return self._clock()

    def is_overdue(self, since: float) -> bool:
        """Return whether a worker that asked for the lease then, and should ask again, has not for a time to live."""
        return self._clock() > since + self._ttl_s

    def refresh(self) -> None:
        """Take over what another coordinator has written in the meantime. Its worker may send, also if it is gone itself.

        A file that was deleted frees nobody.
        """
        with self._lock:
            found = _read_lease(self._path)
            if found.epoch > self._lease.epoch or found.holder not in ("", self._lease.holder):
                self._lease = found.renew(self._clock())

    def is_expired(self) -> bool:
        """Return whether the holder must have stopped by itself."""
        return self._lease.is_expired(self._clock())

    def compute_wait(self) -> float:
        """Return how many seconds a program that sends from this computer must wait for a worker that may still send."""
        return self._lease.compute_wait(_THIS_COMPUTER, self._clock())

    def clear(self) -> None:
        """Free the account after that wait. Raises DiskWriteError."""
        with self._lock:
            if self._lease.holder and not self._lease.compute_wait(_THIS_COMPUTER, self._clock()):
                self._lease = self._lease.release()
                _write_lease(self._path, self._lease)


def wait_for_worker(
    account: Path,
    on_wait: Callable[[float], None],
    *,
    clock: Callable[[], float] = read_clock,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until no worker of a batch can send to an account. The caller sends from this computer and has locked it.

    The coordinator that had locked it is gone, or it would have the lock. Its worker may not know that yet. `on_wait`
    gets the seconds that are left, once a second. What it raises ends the wait.
    """
    keeper = LeaseKeeper(account, clock=clock)
    while wait_s := keeper.compute_wait():
        on_wait(wait_s)
        sleep(min(wait_s, _MAX_PAUSE_S))
    keeper.clear()


def _read_lease(path: Path) -> Lease:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lease)
    except FileNotFoundError:
        return Lease()
    except (OSError, ValueError):  # it is damaged: somebody may hold it
        return Lease(holder=_UNKNOWN_HOLDER, lock_delay_s=_UNKNOWN_LOCK_DELAY_S)


def _write_lease(path: Path, lease: Lease) -> None:
    with translate_write_errors(path.parent):
        temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
        temporary.write_bytes(msgspec.json.encode(lease))
        fsync_file(temporary)
        fsync_folders(replace_file(temporary, path))
