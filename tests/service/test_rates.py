"""The rate limit of requests, by a clock of the test's own."""

import pytest

from service import rates
from service.errors import TooManyRequests
from service.rates import RateLimit


def taken(limit, count, now, tenant="t1"):
    """How many of so many requests at one instant get through."""
    passed = 0
    for _ in range(count):
        try:
            limit.take(tenant, now)
        except TooManyRequests:
            break
        passed += 1
    return passed


def test_a_burst_of_two_seconds_passes_and_no_more():
    assert taken(RateLimit(10), 100, now=5.0) == 20


def test_what_was_used_comes_back_at_the_rate():
    limit = RateLimit(10)
    taken(limit, 100, now=5.0)

    assert taken(limit, 100, now=5.5) == 5
    assert taken(limit, 100, now=100.0) == 20


def test_a_refusal_says_when_to_come_back_and_costs_nothing():
    limit = RateLimit(0.25)
    limit.take("t1", 0.0)

    for _ in range(3):
        with pytest.raises(TooManyRequests) as refused:
            limit.take("t1", 1.0)
        assert refused.value.headers == {"Retry-After": "3"}
    limit.take("t1", 4.0)


def test_tenants_do_not_share_a_bucket():
    limit = RateLimit(1)
    taken(limit, 100, now=1.0)

    assert taken(limit, 100, now=1.0, tenant="t2") == 2


def test_without_a_rate_nothing_is_refused():
    assert taken(RateLimit(0), 1000, now=1.0) == 1000


def test_tenants_without_number_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(rates, "TENANTS", 3)
    limit = RateLimit(1)

    assert [taken(limit, 5, now=1.0, tenant=str(number)) for number in range(100)] == [2] * 100
    assert len(limit._full_at) == 3
