"""`--rate auto` in virtual time: it uses at least 95% of a hidden limit, and at most 1% of requests are refused."""

import pytest

from tests.sender.simulation import (
    BusyServer,
    FailingServer,
    LimitedServer,
    QueueingServer,
    simulate,
    simulate_files,
)


@pytest.mark.parametrize("latency_s", [0.005, 0.3])
@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("limit", [5, 20, 200])
def test_hidden_limit_is_found_and_held(limit, retry_after, latency_s):
    """The rate stays just below the limit, and no request leaves during a hold."""
    server = LimitedServer(lambda _: limit, retry_after=retry_after, latency_s=latency_s)
    rows = limit * (60 if limit == 200 else 120)
    sent = simulate(server, rows=rows, concurrency=100)
    assert sent.is_finished
    assert sent.rate >= 0.95 * limit
    assert sent.refused_share <= 0.01
    assert server.requests_inside_hold == 0
    assert all(result.status == "accepted" for result in sent.journal.results.values())
    assert len(sent.journal.results) == rows


@pytest.mark.parametrize("just_before", [1, 4])
@pytest.mark.parametrize("limit", [5, 10])
def test_refusal_in_the_first_second_is_soon_made_up_for(limit, just_before):
    """The requests for the dropdown values count too, so the limit looks lower. Once, each step up from there took 50 s."""
    server = LimitedServer(lambda _: limit, just_before=just_before, latency_s=0.02)
    sent = simulate(server, rows=limit * 300, concurrency=20)
    assert sent.rate >= 0.95 * limit
    assert sent.refused_share <= 0.01


@pytest.mark.parametrize(("before", "after"), [(50, 20), (20, 50), (200, 50), (5, 50)])
def test_changed_limit_is_found_again(before, after):
    """A lower limit is found at once, a higher one at the next probe."""
    server = LimitedServer(lambda now: before if now < 60 else after)
    sent = simulate(server, rows=before * 55 + after * 150, concurrency=100, warm_up_s=150)
    assert sent.rate >= 0.95 * after
    assert sent.refused_share <= 0.01


@pytest.mark.parametrize(("limit", "seconds"), [(5, 300), (20, 120), (50, 120)])
def test_bucket_of_five_requests_is_used(limit, seconds):
    """A bucket that holds 5 requests looks like a lower limit at first. Once, 50 a second was used at 45."""
    server = LimitedServer(lambda _: limit, window="bucket", stock=5)
    sent = simulate(server, rows=limit * seconds, concurrency=100)
    assert sent.rate >= 0.95 * limit
    assert sent.refused_share <= 0.01


def test_limit_that_rises_is_found_within_half_a_minute():
    """A probe that fails costs a quarter of a second, so that one comes about three times a minute."""
    server = LimitedServer(lambda now: 10 if now < 60 else 40, window="bucket", stock=5)
    sent = simulate(server, rows=10 * 60 + 40 * 60, concurrency=100, warm_up_s=90)
    assert sent.rate >= 0.95 * 40
    assert sent.refused_share <= 0.01


def test_long_retry_after_makes_probes_rare():
    """Where a refusal costs 10 s, probes take one minute of an hour, not ten."""
    server = LimitedServer(lambda _: 10, retry_after=True, hold_s=10.0)
    sent = simulate(server, rows=10 * 600, concurrency=100, warm_up_s=120)
    assert sent.rate >= 0.93 * 10
    assert server.requests_inside_hold == 0


@pytest.mark.parametrize(("at_once", "latency_s"), [(5, 0.05), (10, 0.3)])
def test_limit_on_concurrent_requests_is_found(at_once, latency_s):
    """The rate stays just below what so many concurrent requests can do."""
    server = LimitedServer(lambda _: 1e9, at_once=at_once, latency_s=latency_s)
    sent = simulate(server, rows=int(at_once / latency_s * 90))
    assert sent.rate >= 0.95 * at_once / (latency_s + 0.005)
    assert sent.refused_share <= 0.01


def test_queueing_server_is_not_overloaded():
    """Growing latency counts as a limit: the server's queue drains, and the sending goes on."""
    server = QueueingServer(100)
    sent = simulate(server, rows=6000)
    late = server.latencies[len(server.latencies) // 2 :]
    assert sent.rate >= 0.85 * 100
    assert sorted(late)[len(late) // 2] < 0.15


def test_server_without_limit_is_used_up_to_the_concurrency():
    """Without a limit, only the number of workers bounds the rate."""
    server = LimitedServer(lambda _: 1e9, latency_s=0.03, jitter_s=0.0)
    sent = simulate(server, rows=12_000, concurrency=15, warm_up_s=15)
    assert sent.rate >= 0.95 * 15 / 0.03


@pytest.mark.parametrize(("share", "min_rate"), [(0.02, 500), (0.1, 250)])
def test_random_503s_do_not_slow_the_rate(share, min_rate):
    """503s that come at any rate are not a limit. Once, one in fifty slowed a run to 1.5 rows a second."""
    sent = simulate(FailingServer(lambda _: share), rows=12_000)
    assert sent.is_finished
    assert sent.rate >= min_rate
    assert len(sent.journal.results) == 12_000


def test_ten_bad_seconds_are_forgotten():
    """Crowds of 503s slow the rate. When single ones still come at half the rate, it grows again."""
    sent = simulate(FailingServer(lambda now: 0.6 if 20 < now < 30 else 0.03), rows=40_000, warm_up_s=60)
    assert sent.seconds < 100
    assert len(sent.journal.results) == 40_000


@pytest.mark.parametrize("window", ["sliding", "bucket"])
@pytest.mark.parametrize("limit", [20, 200])
def test_limit_that_answers_503_is_found_and_held(limit, window):
    """A server may say "too fast" with 503 instead of 429."""
    sent = simulate(BusyServer(lambda _: limit, window=window), rows=limit * (60 if limit == 200 else 120))
    assert sent.rate >= 0.95 * limit
    assert sent.refused_share <= 0.015
    assert all(result.status == "accepted" for result in sent.journal.results.values())


def test_refusals_under_way_count_once():
    """Requests that had left before the first refusal say nothing new about the limit."""
    sent = simulate(BusyServer(lambda _: 5, window="bucket", latency_s=0.3), rows=5 * 120)
    assert sent.refused_share <= 0.035


def test_limit_that_answers_503_and_falls_is_found_again():
    """The limit falls to a quarter in the middle of the run."""
    sent = simulate(BusyServer(lambda now: 200 if now < 60 else 50), rows=200 * 55 + 50 * 150, warm_up_s=150)
    assert sent.rate >= 0.9 * 50
    assert sent.refused_share <= 0.01


def test_fixed_rate_stays_and_holds_are_obeyed():
    """--rate N does not learn, but a 429 pauses every worker and fails no row (docs/guarantees.md, "A pause fails no row")."""
    server = LimitedServer(lambda _: 20, retry_after=True)
    sent = simulate(server, rows=400, rate=30)
    assert sent.refused > 0
    assert server.requests_inside_hold == 0
    assert all(result.status == "accepted" for result in sent.journal.results.values())


@pytest.mark.parametrize("rows", [30, 100])
@pytest.mark.parametrize("window", ["sliding", "bucket"])
def test_rate_is_carried_from_file_to_file(window, rows):
    """Fifty files take at most a third of the time that they take alone, and the pauses between them teach nothing."""
    alone_s = simulate_files(
        LimitedServer(lambda _: 100, window=window), files=1, rows=rows, is_rate_carried=False
    )
    server = LimitedServer(lambda _: 100, window=window)
    together_s = simulate_files(server, files=50, rows=rows, is_rate_carried=True)
    assert together_s * 3 <= alone_s * 50
    assert len(server.refused) / len(server.sent) <= 0.01
