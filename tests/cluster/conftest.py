"""An agency whose rows are sent by worker threads, with a lease that ends soon."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from importer.cluster import cluster_ranges, cluster_session, sending_door
from importer.cluster.journal_service import JournalService
from importer.state.lease import LeaseKeeper
from tests.batch.agency import Agency, open_agency
from tests.cluster.worker_threads import WorkerThreads

TTL_S, LOCK_DELAY_S = 0.6, 0.2


@pytest.fixture
def pools(monkeypatch) -> list[WorkerThreads]:
    """Return the pools that commands open."""
    opened: list[WorkerThreads] = []

    def open_pool(address: str) -> WorkerThreads:
        opened.append(WorkerThreads(address))
        return opened[-1]

    monkeypatch.setattr(cluster_session, "DaskPool", open_pool)
    monkeypatch.setattr(cluster_ranges, "DaskPool", open_pool)
    return opened


@pytest.fixture
def agency(tmp_path, monkeypatch, capsys, pools) -> Iterator[Agency]:
    """Return an agency with three accounts."""
    build = partial(JournalService, build_keeper=partial(LeaseKeeper, ttl_s=TTL_S))
    monkeypatch.setattr(cluster_session, "JournalService", build)
    monkeypatch.setattr(sending_door, "compute_lock_delay", lambda _: LOCK_DELAY_S)
    with open_agency(tmp_path, ("acme", "birla", "coral"), monkeypatch, capsys) as found:
        yield found


@pytest.fixture
def lease_times() -> tuple[float, float]:
    """Return the time to live and the lock-delay of the tests."""
    return TTL_S, LOCK_DELAY_S
