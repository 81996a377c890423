"""The reading process that is a thread ends like a process: see thread_reader.py."""

import threading
import time

import pytest

from tests.thread_reader import ThreadReader


@pytest.fixture
def busy(monkeypatch):
    """Let the thread work until the event is set, whatever becomes of its streams."""
    is_done = threading.Event()
    monkeypatch.setattr("importer.reader.worker.serve", lambda *_: is_done.wait())
    yield
    is_done.set()


@pytest.mark.timeout(20)
def test_kill_ends_a_read_that_waits(busy):
    """The watchdog kills it from another thread than the one that waits for its answer."""
    reader = ThreadReader()
    answer = []
    waiting = threading.Thread(target=lambda: answer.append(reader.stdout.read(1)), daemon=True)
    waiting.start()
    time.sleep(0.02)  # it may not wait yet, then nothing is tested, and nothing fails
    killing = threading.Thread(target=reader.kill, daemon=True)
    killing.start()
    waiting.join(10)
    killing.join(10)
    assert answer == [b""]


def test_kill_ends_a_write_that_waits():
    """A request that nobody reads any more gets an error, and what was not sent is no error at the end."""
    reader = ThreadReader()
    reader.kill()
    with pytest.raises(OSError, match="pipe"):
        reader.stdin.write(b"x" * (1 << 20))
    reader.communicate()
    assert reader.stdout.closed


def test_end_of_the_requests_ends_the_thread():
    reader = ThreadReader()
    reader.stdin.close()
    assert reader.wait(10) == 0
    assert reader.poll() == 0
    reader.communicate()
