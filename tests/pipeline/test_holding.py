"""Who holds a file and account, and who only looks whether somebody does."""

import threading

import pytest

from importer.errors import RunLockedError
from importer.state.run_lock import lock_run

FILE = {"sha256": "0" * 64, "account": "a" * 16}


def test_who_only_looks_does_not_turn_a_run_away(tmp_path):
    """`runs`, `check` and `purge` have the lock of a run that was cut off for a moment, to see that nobody has it."""
    looking, told = threading.Event(), threading.Event()

    def look():
        with lock_run(tmp_path, "looked at", **FILE):
            looking.set()
            told.wait(0.1)

    looker = threading.Thread(target=look)
    looker.start()
    looking.wait()
    with lock_run(tmp_path, "run", **FILE), pytest.raises(RunLockedError, match="Run run is sending"):
        lock_run(tmp_path, "second", **FILE).__enter__()
    looker.join()
