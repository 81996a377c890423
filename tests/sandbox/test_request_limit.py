"""The sandbox counts the requests of a second in three ways, as gateways do."""

import httpx
import pytest

from importer.sandbox.request_limit import LimitKind, RequestLimit
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox

EIGHTHS = [n / 8 for n in range(32)]  # exact in binary, so that times compare equal


def take(limit: RequestLimit, times: list[float]) -> list[float]:
    return [at for at in times if limit.wait(at) == 0]


def test_no_sliding_second_has_more_requests_than_the_limit():
    taken = take(RequestLimit(3), EIGHTHS)
    assert all(sum(start <= at < start + 1 for at in taken) <= 3 for start in taken)
    assert len(taken) == 12


def test_clock_allows_twice_the_limit_around_a_full_second():
    taken = take(RequestLimit(3, LimitKind.CLOCK), [at + 0.5 for at in EIGHTHS])
    assert [sum(second <= at < second + 1 for at in taken) for second in range(4)] == [3, 3, 3, 3]
    assert taken[:6] == [0.5, 0.625, 0.75, 1.0, 1.125, 1.25]


def test_bucket_holds_its_size_and_fills_up_evenly():
    limit = RequestLimit(2, LimitKind.BUCKET, bucket_size=5)
    assert take(limit, [10.0] * 9) == [10.0] * 5
    assert take(limit, [10.0 + at for at in EIGHTHS]) == [10.5, 11.0, 11.5, 12.0, 12.5, 13.0, 13.5]


def test_bucket_without_a_size_holds_one_second():
    assert take(RequestLimit(4, LimitKind.BUCKET), [1.0] * 9) == [1.0] * 4


@pytest.mark.parametrize(
    ("kind", "at", "wait"),
    [(LimitKind.SLIDING, 5.25, 0.75), (LimitKind.CLOCK, 5.25, 0.75), (LimitKind.BUCKET, 5.25, 0.75)],
)
def test_named_wait_is_long_enough(kind, at, wait):
    limit = RequestLimit(1, kind)
    assert limit.wait(5.0) == 0
    assert limit.wait(at) == wait
    assert limit.wait(at + wait) == 0


def test_options_reach_the_limit():
    with run_sandbox(SandboxOptions(rate_limit=7, limit_kind=LimitKind.BUCKET, bucket_size=5)) as crm:
        limit = crm.sandbox.limit
        assert (limit.per_s, limit.kind, limit.bucket_size) == (7, LimitKind.BUCKET, 5)
        plan = {"rate_limit": 9, "limit_kind": "clock", "bucket_size": 2}
        httpx.post(crm.page_url + "_sandbox/faults", json=plan).raise_for_status()
        assert (limit.per_s, limit.kind, limit.bucket_size) == (9, LimitKind.CLOCK, 2)
