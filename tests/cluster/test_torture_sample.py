"""A sample of `make torture-cluster`: the trials that need not wait for a lease to end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.torture_cluster import TRIALS, find_broken_laws, run_in_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SAMPLE = [trial for trial in TRIALS if trial.hook in ("old epoch", "no guards")]
ROWS = 60


def test_laws_hold_over_real_workers_and_the_control_breaks_them():
    """All calls with an old epoch are refused. Without the guards several workers send at once."""
    with ThreadPoolExecutor(len(SAMPLE)) as threads:
        figures = list(threads.map(lambda trial: run_in_process(trial, ROWS), SAMPLE))
    assert [find_broken_laws(*pair) for pair in zip(SAMPLE, figures, strict=True)] == [[], []]
    assert figures[0].name.endswith("(42 of 42 refused)")
    assert [one.rows for one in figures] == [2 * 3 * ROWS] * 2
