"""The cluster of one batch: connect, open the service for the journals, and see that every worker can do its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from importer.batch.account_processes import AccountProcesses
from importer.batch.manifest import Manifest
from importer.cluster.cluster_accounts import Cluster, ClusterPlaces
from importer.cluster.cluster_ranges import ClusterRangePlaces
from importer.cluster.dask_pool import DaskPool
from importer.cluster.journal_service import JournalService
from importer.cluster.worker_check import check_workers, read_versions


class ClusterSession(NamedTuple):
    """Where the accounts are worked on, and how many of them at the same time."""

    places: ClusterPlaces
    sends_at_once: int


@contextmanager
def open_cluster(
    address: str,
    manifest: Manifest,
    *,
    processes: AccountProcesses,
    at_once: int | None,
    on_worker_lost: Callable[[str, str], None],
) -> Iterator[ClusterSession]:
    """Connect to the scheduler at this address while the block runs. Raises UsageError for what is not fit."""
    with (
        DaskPool(address) as pool,
        JournalService(pool.own_host, pool.service_context) as service,
    ):
        references = [account.key for account in manifest.accounts.values()]
        check_workers(pool.describe_workers(references, manifest.folder, service.address), read_versions())
        cluster = Cluster(pool, service, on_worker_lost)
        range_places = ClusterRangePlaces(address, tuple(sorted({*manifest.key_variables.values()})))
        with closing(ClusterPlaces(cluster, processes, range_places)) as places:
            yield ClusterSession(places, min(at_once or pool.places, pool.places))
