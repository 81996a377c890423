"""Locks while a run sends: one run at a time for an account, and for a file in a reports folder.

The account's lock lies in the state folder, so it holds for all working folders of this computer. The lock in the
reports folder tells `runs`, `check` and `purge`, which need no key, whether a run is sending. The operating system holds
both, so they end with their process, however that ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from importer.errors import DiskWriteError, RunLockedError
from importer.messages import ErrorText, run_messages
from importer.state.disk_errors import translate_write_errors
from importer.untrusted_text import format_path

MAX_LOCK_WAIT_S = 0.5  # `is_run_locked` takes the lock for a moment, which must not turn a run away
_LOCKS_FOLDER = ".locks"
_ACCOUNT_LOCK, _WATCH_LOCK = "sending", "watching"
_BATCH_LOCK = f"{_LOCKS_FOLDER}/batch"


class LockHolder(msgspec.Struct, frozen=True, kw_only=True):
    """The run that holds a lock: its id, its reports folder and its file."""

    run_id: str
    reports: str = run_messages.UNKNOWN_LOCK_HOLDER
    file: str = run_messages.UNKNOWN_LOCK_HOLDER

    @classmethod
    def from_run(cls, run_id: str, reports: Path, file: str) -> LockHolder:
        """Return the run as another one may name it: its folder as text, also if its name has bytes that are none."""
        return cls(run_id=run_id, reports=format_path(reports.absolute()), file=file)


@contextmanager
def lock_account(account: Path, holder: LockHolder, *, wait_s: float = MAX_LOCK_WAIT_S) -> Iterator[None]:
    """Lock the account whose state folder is `account` while the block runs. `wait_s` is how long to wait for it.

    Raises DiskWriteError, and RunLockedError with the run that is sending.
    """
    with _lock(account, _ACCOUNT_LOCK, holder, run_messages.ACCOUNT_LOCKED, wait_s):
        yield


@contextmanager
def lock_watching(account: Path, holder: LockHolder) -> Iterator[None]:
    """Let one `importer watch` at a time import a file into the account while the block runs.

    Raises DiskWriteError, and RunLockedError with the file that the other one imports.
    """
    with _lock(account, _WATCH_LOCK, holder, run_messages.WATCH_LOCKED, MAX_LOCK_WAIT_S):
        yield


@contextmanager
def lock_run(
    reports: Path, run_id: str, *, sha256: str, account: str, wait_s: float = MAX_LOCK_WAIT_S
) -> Iterator[None]:
    """Lock the file and account in a reports folder while the block runs.

    Raises DiskWriteError, and RunLockedError with the other run's id.
    """
    name = hashlib.sha256(f"{sha256}{account}".encode()).hexdigest()[:32]
    holder = LockHolder(run_id=run_id)
    with _lock(reports, f"{_LOCKS_FOLDER}/{name}", holder, run_messages.RUN_LOCKED, wait_s):
        yield


@contextmanager
def lock_batch(reports: Path, holder: LockHolder) -> Iterator[None]:
    """Lock the reports folder of a batch while the block runs. Raises DiskWriteError, and RunLockedError with the other."""
    with _lock(reports, _BATCH_LOCK, holder, run_messages.BATCH_LOCKED, MAX_LOCK_WAIT_S):
        yield


def is_run_locked(reports: Path, run_id: str, *, sha256: str, account: str) -> bool:
    """Return whether a process is sending this file to this account right now."""
    try:
        with lock_run(reports, run_id, sha256=sha256, account=account, wait_s=0):
            return False
    except RunLockedError:
        return True
    except DiskWriteError:
        return False


@contextmanager
def _lock(folder: Path, name: str, holder: LockHolder, text: ErrorText, wait_s: float) -> Iterator[None]:
    """Hold `name.lock` in `folder`, with the holder in `name.json`. `text` says which other run holds it."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only sending needs it

    lock, note = FileLock(folder / f"{name}.lock"), folder / f"{name}.json"
    try:
        with translate_write_errors(folder):
            note.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=wait_s)
            except Timeout:
                raise RunLockedError(*text.format(**msgspec.structs.asdict(_read_holder(note)))) from None
            note.write_bytes(msgspec.json.encode(holder))
        yield
        with suppress(OSError):  # the name of a run that has ended does no harm
            note.unlink()
    finally:
        lock.release()


def _read_holder(note: Path) -> LockHolder:
    try:
        return msgspec.json.decode(note.read_bytes(), type=LockHolder)
    except (OSError, ValueError):
        return LockHolder(run_id=run_messages.UNKNOWN_LOCK_HOLDER)
