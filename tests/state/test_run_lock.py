"""The lock on a file and an account: one run at a time sends them."""

import threading

import pytest

from importer.errors import RunLockedError
from importer.state.run_lock import LockHolder, lock_account, lock_run

FILE = {"sha256": "0" * 64, "account": "a" * 16}


def test_short_lock_of_a_looker_does_not_turn_a_run_away(tmp_path):
    """`runs`, `check` and `purge` lock an interrupted run for a moment, to see whether it is sending."""
    locked, may_unlock = threading.Event(), threading.Event()

    def look():
        with lock_run(tmp_path, "looked at", **FILE):
            locked.set()
            may_unlock.wait(0.1)

    looker = threading.Thread(target=look)
    looker.start()
    locked.wait()
    with lock_run(tmp_path, "run", **FILE), pytest.raises(RunLockedError, match="Run run is sending"):
        lock_run(tmp_path, "second", **FILE).__enter__()
    looker.join()


def test_account_is_waited_for_as_long_as_asked(tmp_path):
    """A batch waits for the sending of an earlier one that was killed: its process finishes the requests under way."""
    locked, may_unlock = threading.Event(), threading.Event()

    def send():
        with lock_account(tmp_path, LockHolder(run_id="earlier")):
            locked.set()
            may_unlock.wait(10)

    sender = threading.Thread(target=send)
    sender.start()
    locked.wait()
    with pytest.raises(RunLockedError, match="earlier"):
        lock_account(tmp_path, LockHolder(run_id="second"), wait_s=0).__enter__()
    may_unlock.set()
    with lock_account(tmp_path, LockHolder(run_id="second"), wait_s=10):
        pass
    sender.join()
