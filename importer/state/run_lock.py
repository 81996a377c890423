"""Lock a file and an account while a run sends it, so that no two runs send the same rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from importer.errors import DiskWriteError, RunLockedError
from importer.messages import run_messages
from importer.state.disk_errors import translate_write_errors

_MAX_WAIT_S = 0.5  # `is_run_locked` takes the lock for a moment, which must not turn a run away
_LOCKS_FOLDER = ".locks"


@contextmanager
def lock_run(
    reports: Path, run_id: str, *, sha256: str, account: str, wait_s: float = _MAX_WAIT_S
) -> Iterator[None]:
    """Lock the file and account while the block runs. Raises DiskWriteError, and RunLockedError with the other run's id.

    The operating system holds the lock, so it ends with its process, however that ends.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only sending needs it

    locks = reports / _LOCKS_FOLDER
    name = hashlib.sha256(f"{sha256}{account}".encode()).hexdigest()[:32]
    holder = locks / f"{name}.json"
    lock = FileLock(locks / f"{name}.lock")
    try:
        with translate_write_errors(reports):
            locks.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=wait_s)
            except Timeout:
                run = _read_holder(holder)
                raise RunLockedError(*run_messages.RUN_LOCKED.format(run_id=run)) from None
            holder.write_text(json.dumps({"run_id": run_id}), "utf-8")
        yield
        with suppress(OSError):  # the name of a run that has ended does no harm
            holder.unlink()
    finally:
        lock.release()


def is_run_locked(reports: Path, run_id: str, *, sha256: str, account: str) -> bool:
    """Return whether a process is sending this file to this account right now."""
    try:
        with lock_run(reports, run_id, sha256=sha256, account=account, wait_s=0):
            return False
    except RunLockedError:
        return True
    except DiskWriteError:
        return False


def _read_holder(holder: Path) -> str:
    try:
        return str(json.loads(holder.read_text("utf-8"))["run_id"])
    except (OSError, ValueError, KeyError):
        return run_messages.UNKNOWN_LOCK_HOLDER
