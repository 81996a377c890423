"""`--rate auto` in virtual time: at least 95% of a hidden limit, at most 1% refused, none inside a pause."""

import pytest

from tests.sender.simulation import Failing, Limited, Queueing, SaysBusy, simulate


@pytest.mark.parametrize("latency_s", [0.005, 0.3])
@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("limit", [5, 20, 200])
def test_a_hidden_limit_is_found_and_held(limit, retry_after, latency_s):
    server = Limited(lambda _: limit, retry_after=retry_after, latency_s=latency_s)
    ended = simulate(server, rows=limit * 120, concurrency=100)
    assert ended.finished
    assert ended.rate >= 0.95 * limit
    assert ended.refused_share <= 0.01
    assert server.inside_a_pause == 0
    assert all(result.status == "accepted" for result in ended.journal.results.values())
    assert len(ended.journal.results) == limit * 120


@pytest.mark.parametrize(("before", "after"), [(50, 20), (20, 50), (200, 50), (5, 50)])
def test_a_limit_that_changes_in_mid_run_is_found_again(before, after):
    """Down at once; up at the next probe, which comes once a minute."""
    server = Limited(lambda now: before if now < 60 else after)
    ended = simulate(server, rows=before * 55 + after * 150, concurrency=100, warm_s=150)
    assert ended.rate >= 0.95 * after
    assert ended.refused_share <= 0.01


@pytest.mark.parametrize(("at_once", "latency_s"), [(5, 0.05), (10, 0.3)])
def test_a_limit_on_requests_at_once(at_once, latency_s):
    """The rate settles below what that many requests can carry."""
    server = Limited(lambda _: 1e9, at_once=at_once, latency_s=latency_s)
    ended = simulate(server, rows=int(at_once / latency_s * 90))
    assert ended.rate >= 0.95 * at_once / (latency_s + 0.005)
    assert ended.refused_share <= 0.01


def test_a_server_that_queues_instead_of_refusing_is_not_drowned():
    """Latency that grows is taken for a limit: the queue drains and the work goes on."""
    server = Queueing(100)
    ended = simulate(server, rows=6000)
    late = server.latencies[len(server.latencies) // 2 :]
    assert ended.rate >= 0.85 * 100
    assert sorted(late)[len(late) // 2] < 0.15


def test_a_server_without_a_limit_is_used_as_far_as_concurrency_goes():
    server = Limited(lambda _: 1e9, latency_s=0.03, jitter_s=0.0)
    ended = simulate(server, rows=12_000, concurrency=15, warm_s=15)
    assert ended.rate >= 0.95 * 15 / 0.03


@pytest.mark.parametrize(("share", "least"), [(0.02, 500), (0.1, 250)])
def test_a_server_that_fails_now_and_then_is_not_used_more_slowly_for_it(share, least):
    """One 503 in fifty, at any pace, had held a run at a row and a half in a second, one in twenty at a row in five."""
    ended = simulate(Failing(lambda _: share), rows=12_000)
    assert ended.finished
    assert ended.rate >= least
    assert len(ended.journal.results) == 12_000


def test_a_bad_minute_of_such_a_server_is_forgotten():
    """Then its 503s come in crowds, and are heeded; later they come as ever, at half the pace as at the whole."""
    ended = simulate(Failing(lambda now: 0.6 if 20 < now < 30 else 0.03), rows=40_000, warm_s=60)
    assert ended.seconds < 100
    assert len(ended.journal.results) == 40_000


@pytest.mark.parametrize("counts", ["sliding", "bucket"])
@pytest.mark.parametrize("limit", [20, 200])
def test_a_limit_that_is_told_by_503_is_found_and_held(limit, counts):
    ended = simulate(SaysBusy(lambda _: limit, counts=counts), rows=limit * 120)
    assert ended.rate >= 0.95 * limit
    assert ended.refused_share <= 0.015
    assert all(result.status == "accepted" for result in ended.journal.results.values())


def test_of_refusals_under_way_only_the_first_is_heeded():
    """The others tell nothing new: a bucket of five a second, and answers that take a third of one."""
    ended = simulate(SaysBusy(lambda _: 5, counts="bucket", latency_s=0.3), rows=5 * 120)
    assert ended.refused_share <= 0.035


def test_a_limit_told_by_503_that_falls_to_a_quarter_is_found_again():
    ended = simulate(SaysBusy(lambda now: 200 if now < 60 else 50), rows=200 * 55 + 50 * 150, warm_s=150)
    assert ended.rate >= 0.9 * 50
    assert ended.refused_share <= 0.01


def test_a_fixed_rate_stays_and_waits_out_what_the_server_asks():
    """--rate N does not learn, but a 429 pauses every worker and fails no row."""
    server = Limited(lambda _: 20, retry_after=True)
    ended = simulate(server, rows=400, rate=30)
    assert ended.refused > 0
    assert server.inside_a_pause == 0
    assert all(result.status == "accepted" for result in ended.journal.results.values())
