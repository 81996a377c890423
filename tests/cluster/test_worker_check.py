"""What is looked at before a batch is given to workers: the address, versions, keys, the way back."""

from __future__ import annotations

import pytest

from importer.batch.key_reference import KeyPlace, KeyReference
from importer.cluster.dask_pool import check_cluster_address
from importer.cluster.journal_service import JournalService, ServiceAddress
from importer.cluster.send_task import WorkerPlace
from importer.cluster.worker_check import WorkerFacts, check_workers, describe_worker, read_versions
from importer.errors import UsageError

VERSIONS = {"Python": "3.11", "superfone-importer": "1.0"}
HERE = WorkerPlace("worker-0", None)


def make_facts(**values):
    return WorkerFacts(**{"versions": VERSIONS, "missing_keys": (), "reaches_service": True, **values})


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tls://10.0.0.5:8786"])
def test_safe_address_is_accepted(address):
    check_cluster_address(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://10.0.0.5:8786", "is not protected"),
        ("tcp://example.com:8786", "is not protected"),
        ("10.0.0.5:8786", "not the address of a cluster"),
        ("http://127.0.0.1:8787", "not the address of a cluster"),
        ("tls://10.0.0.5", "not the address of a cluster"),
        ("tls://:8786", "not the address of a cluster"),
    ],
)
def test_other_address_is_refused(address, words):
    """Whoever reaches an unprotected scheduler runs programs on all workers."""
    with pytest.raises(UsageError, match=words):
        check_cluster_address(address)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"versions": {**VERSIONS, "Python": "3.12"}}, "has Python 3.12, and this computer has 3.11"),
        ({"versions": {"Python": "3.11"}}, "superfone-importer"),
        ({"missing_keys": ("env:ACME_KEY",)}, "no key at env:ACME_KEY"),
        ({"reaches_service": False}, "cannot reach this computer"),
    ],
    ids=["other Python", "no version", "no key", "no way back"],
)
def test_unfit_worker_is_named(facts, words):
    with pytest.raises(UsageError, match=words) as caught:
        check_workers({"tls://w1": make_facts(), "tls://w2": make_facts(**facts)}, VERSIONS)
    assert "tls://w2" in str(caught.value)


def test_fit_workers_are_accepted():
    check_workers({"tls://w1": make_facts()}, VERSIONS)


def test_worker_tells_which_keys_it_lacks_and_none_that_it_has(tmp_path, monkeypatch):
    """The key itself stays where it is."""
    monkeypatch.setenv("HERE", "canary-key")
    (tmp_path / "key").write_text("canary-key")
    references = [
        KeyReference(KeyPlace.ENVIRONMENT, "HERE"),
        KeyReference(KeyPlace.FILE, "key"),
        KeyReference(KeyPlace.ENVIRONMENT, "MISSING"),
    ]
    with JournalService("127.0.0.1", None) as service:
        facts = describe_worker(references, tmp_path, service.address, HERE)
    assert facts.missing_keys == ("env:MISSING",)
    assert facts.versions == read_versions()
    assert facts.reaches_service
    assert "canary" not in repr(facts)


def test_worker_that_is_cut_off_says_so(tmp_path):
    facts = describe_worker([], tmp_path, ServiceAddress("http://127.0.0.1:9", "token"), HERE)
    assert not facts.reaches_service
