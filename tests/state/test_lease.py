"""The lease of an account: granted once, renewed, given back, and taken over only when nothing can be under way."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from importer.errors import DiskWriteError
from importer.state import lease
from importer.state.lease import Lease, LeaseKeeper, compute_lock_delay, wait_for_worker

TTL_S, LOCK_DELAY_S = 15.0, 45.0
WORKERS = st.sampled_from(["w1", "w2"])
WAITS_S = st.sampled_from([1.0, TTL_S - 1, TTL_S + 1, LOCK_DELAY_S, TTL_S + LOCK_DELAY_S])


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keeper(tmp_path, clock):
    return LeaseKeeper(tmp_path, clock=clock)


@pytest.mark.parametrize(("timeout_s", "delay_s"), [(30, 45), (5, 15), (60, 75)])
def test_lock_delay_outlasts_a_request(timeout_s, delay_s):
    """A request connects for at most 10 s and then waits for --timeout; 5 s more are for slow processes and clocks."""
    assert compute_lock_delay(timeout_s) == delay_s


def test_second_worker_waits_until_nothing_of_the_first_can_be_under_way(keeper, clock):
    """Its time to live and the lock-delay must have passed since its last renewal."""
    assert keeper.acquire("w1", LOCK_DELAY_S).epoch == 1
    clock.now += 10
    assert keeper.renew("w1", 1)
    clock.now += TTL_S + LOCK_DELAY_S - 1
    assert keeper.acquire("w2", LOCK_DELAY_S).wait_s == pytest.approx(1)
    clock.now += 1
    assert keeper.acquire("w2", LOCK_DELAY_S).epoch == 2


def test_lock_delay_is_that_of_the_worker_before(keeper, clock):
    """Its requests had its own --timeout, whatever the next one has."""
    keeper.acquire("w1", 100)
    clock.now += TTL_S + 99
    assert keeper.acquire("w2", 1).wait_s == pytest.approx(1)


def test_worker_that_asks_again_keeps_its_epoch(keeper):
    """The answer to its first question may have been lost."""
    assert keeper.acquire("w1", LOCK_DELAY_S) == keeper.acquire("w1", LOCK_DELAY_S)


def test_fenced_worker_can_neither_renew_nor_release(keeper, clock):
    """Nor can one with the right name and an old epoch."""
    keeper.acquire("w1", LOCK_DELAY_S)
    clock.now += TTL_S + LOCK_DELAY_S
    keeper.acquire("w2", LOCK_DELAY_S)
    assert not keeper.renew("w1", 1)
    assert not keeper.release("w1", 1)
    assert not keeper.renew("w2", 1)
    assert keeper.renew("w2", 2)


def test_released_account_is_free_at_once_and_its_epoch_is_never_used_again(keeper):
    keeper.acquire("w1", LOCK_DELAY_S)
    assert keeper.release("w1", 1)
    assert not keeper.renew("w1", 1)
    assert keeper.acquire("w2", LOCK_DELAY_S).epoch == 2


def test_held_lease_counts_as_renewed_just_now_after_a_restart(tmp_path, clock, keeper):
    """Renewals are not on disk, so a new coordinator cannot know how old the last one is. A released one is free."""
    keeper.acquire("w1", LOCK_DELAY_S)
    clock.now += 10_000
    restarted = LeaseKeeper(tmp_path, clock=clock)
    assert restarted.acquire("w2", LOCK_DELAY_S).wait_s == TTL_S + LOCK_DELAY_S
    assert restarted.compute_wait() == TTL_S + LOCK_DELAY_S
    clock.now += TTL_S + LOCK_DELAY_S
    assert restarted.acquire("w2", LOCK_DELAY_S).epoch == 2
    restarted.release("w2", 2)
    assert LeaseKeeper(tmp_path, clock=clock).acquire("w3", LOCK_DELAY_S).epoch == 3


def test_epoch_is_on_disk_before_it_is_given_out(tmp_path, keeper, monkeypatch):
    """With a full disk nobody gets the lease: after a power cut its epoch would be given out again."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lease, "fsync_file", fail)
    with pytest.raises(DiskWriteError):
        keeper.acquire("w1", LOCK_DELAY_S)
    assert not keeper.renew("w1", 1)
    monkeypatch.undo()
    assert keeper.acquire("w2", LOCK_DELAY_S).epoch == 1


@pytest.mark.parametrize("content", [b"", b'{"epoch": 3, "holder', b'{"epoch": "x"}', b"\xff\x00"])
def test_damaged_lease_counts_as_held(tmp_path, clock, content):
    """Somebody may send to the account, and nobody knows who. A missing one means that nobody has ever had it."""
    (tmp_path / "lease.json").write_bytes(content)
    damaged = LeaseKeeper(tmp_path, clock=clock)
    assert damaged.acquire("w1", LOCK_DELAY_S).wait_s > TTL_S + compute_lock_delay(30)
    clock.now += damaged.compute_wait()
    assert damaged.acquire("w1", LOCK_DELAY_S).epoch == 1


def test_keeper_learns_what_another_coordinator_has_granted(tmp_path, clock, keeper):
    """And what it has given back, so that no epoch is given out twice. A file that was deleted changes nothing."""
    keeper.release("w1", keeper.acquire("w1", LOCK_DELAY_S).epoch)
    other = LeaseKeeper(tmp_path, clock=clock)
    other.acquire("w2", LOCK_DELAY_S)
    keeper.refresh()
    assert keeper.acquire("w3", LOCK_DELAY_S).wait_s == TTL_S + LOCK_DELAY_S
    other.release("w2", 2)
    other.release("w4", other.acquire("w4", LOCK_DELAY_S).epoch)
    keeper.refresh()
    assert keeper.acquire("w3", LOCK_DELAY_S).epoch == 4
    (tmp_path / "lease.json").unlink()
    keeper.refresh()
    assert keeper.acquire("w5", LOCK_DELAY_S).wait_s > 0


def test_unreadable_lease_counts_as_held(tmp_path, clock):
    """A folder in its place, a disk that fails, a file of another user."""
    (tmp_path / "lease.json").mkdir()
    assert LeaseKeeper(tmp_path, clock=clock).acquire("w1", LOCK_DELAY_S).wait_s > 0


def test_expired_lease_is_no_reason_to_take_over_yet():
    """Its holder has stopped by itself, and its last request may still be under way."""
    held = Lease().grant("w1", 0.0, ttl_s=TTL_S, lock_delay_s=LOCK_DELAY_S)
    assert not held.is_expired(TTL_S)
    assert held.is_expired(TTL_S + 0.1)
    assert held.compute_wait("w2", TTL_S + 0.1) > 0
    assert not Lease().is_expired(1e9)


class Leases(RuleBasedStateMachine):
    """Workers ask, renew, stop, lose the network and come back, while the coordinator is killed and started again.

    A worker sends while its own deadline, counted from before it asked, has not passed. Its last request may go on for the
    lock-delay less the margin. The law: never do two workers have something under way.
    """

    @initialize()
    def begin(self):
        import tempfile
        from pathlib import Path

        self.clock = Clock()
        self.folder = Path(tempfile.mkdtemp())
        self.keeper = LeaseKeeper(self.folder, clock=self.clock)
        self.epochs = {}
        self.deadlines = {}
        self.given_out = []

    @rule(worker=WORKERS, answer_is_lost=st.booleans())
    def ask(self, worker, answer_is_lost):
        grant = self.keeper.acquire(worker, LOCK_DELAY_S)
        if grant.wait_s:
            return
        if self.epochs.get(worker) != grant.epoch:
            assert all(grant.epoch > earlier for earlier, other in self.given_out if other != worker)
            self.given_out.append((grant.epoch, worker))
        if not answer_is_lost:
            self.epochs[worker], self.deadlines[worker] = grant.epoch, self.clock.now + grant.ttl_s

    @rule(worker=WORKERS, answer_is_lost=st.booleans())
    def renew(self, worker, answer_is_lost):
        asked_at = self.clock.now
        if self.keeper.renew(worker, self.epochs.get(worker, 0)) and not answer_is_lost:
            self.deadlines[worker] = asked_at + TTL_S

    @rule(worker=WORKERS)
    def give_back(self, worker):
        """A worker gives its lease back when it has ended all requests, so nothing of it is under way."""
        self.deadlines.pop(worker, None)
        self.keeper.release(worker, self.epochs.get(worker, 0))

    @rule(seconds=WAITS_S)
    def wait(self, seconds):
        self.clock.now += seconds

    @rule()
    def restart_the_coordinator(self):
        self.keeper = LeaseKeeper(self.folder, clock=self.clock)

    @precondition(lambda self: hasattr(self, "deadlines"))
    @invariant()
    def at_most_one_worker_has_something_under_way(self):
        busy = [w for w, until in self.deadlines.items() if self.clock.now < until + LOCK_DELAY_S]
        sending = [w for w in busy if self.clock.now < self.deadlines[w]]
        assert len(busy) <= 1 or not sending, (busy, sending)


Leases.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLeases = Leases.TestCase


def test_command_on_this_computer_waits_for_the_worker_of_a_killed_batch(tmp_path, clock, keeper):
    """Once, and it is told how long: then the account is free. After a batch that ended well nobody waits."""
    keeper.acquire("w1", LOCK_DELAY_S)
    waits = []

    def sleep(seconds):
        clock.now += seconds

    for _ in range(2):
        wait_for_worker(tmp_path, waits.append, clock=clock, sleep=sleep)
    assert waits == [TTL_S + LOCK_DELAY_S - second for second in range(int(TTL_S + LOCK_DELAY_S))]
    assert not keeper.renew("w2", 1)
    assert LeaseKeeper(tmp_path, clock=clock).acquire("w2", LOCK_DELAY_S).epoch == 2
