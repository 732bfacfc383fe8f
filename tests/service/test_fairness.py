"""A tenant whose calls hang does not keep others waiting, and one that is alone has the whole process."""

from types import SimpleNamespace

import pytest

from service import fairness
from service.fairness import Shares

SLOTS = 10


class Calls(list):
    """What a process is calling, and how long each has taken so far."""

    def add(self, tenant_id, count, age=0.0):
        claimed = SimpleNamespace(tenant_id=tenant_id)
        self += [SimpleNamespace(claimed=claimed, since=fairness.time.monotonic() - age) for _ in range(count)]


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def shares():
    return Shares(SLOTS)


def learn(shares, tenant_id, seconds):
    for _ in range(50):
        shares.ended(tenant_id, seconds)


def room(shares, calls, ahead=0):
    return [(tier.limit, sorted(tier.passed_tenants)) for tier in shares.tiers(calls, ahead)]


def test_a_tenant_of_which_nothing_is_known_leaves_the_last_fifth_to_others(shares, calls):
    calls.add("t1", 8)

    assert room(shares, calls) == [(8, []), (10, ["t1"])]


def test_what_a_claim_took_counts_for_the_next(shares, calls):
    tiers = shares.tiers(calls, 0)
    next(tiers)
    calls.add("t1", 8)

    assert next(tiers).passed_tenants == ["t1"]


def test_a_lone_tenant_whose_calls_end_quickly_has_all_slots(shares, calls):
    learn(shares, "t1", 0.01)

    assert room(shares, calls) == [(10, [])]


def test_one_whose_calls_take_long_leaves_the_last_fifth(shares, calls):
    learn(shares, "t1", 1.0)
    calls.add("t1", 8)

    assert room(shares, calls) == [(8, []), (10, ["t1"])]


def test_a_quick_tenant_some_of_whose_calls_hang_is_quick_no_more(shares, calls):
    learn(shares, "t1", 0.01)
    calls.add("t1", 2, age=1.0)
    calls.add("t1", 6)

    assert room(shares, calls, ahead=50) == [(8, []), (60, ["t1"])]


def test_the_last_slot_is_for_a_tenant_that_has_no_call_here(shares, calls):
    learn(shares, "t1", 0.01)
    learn(shares, "t2", 0.01)
    calls.add("t1", 5)

    assert room(shares, calls) == [(8, []), (9, []), (10, ["t1"])]


def test_a_tenant_is_alone_again_some_time_after_the_others_went(shares, calls, monkeypatch):
    learn(shares, "t2", 0.01)
    learn(shares, "t1", 0.01)
    later = fairness.time.monotonic() + fairness.COMPANY_SECONDS

    monkeypatch.setattr(fairness.time, "monotonic", lambda: later)

    assert room(shares, calls) == [(10, [])]


def test_quick_calls_are_claimed_ahead_in_one_go(shares, calls):
    learn(shares, "t1", 0.01)
    learn(shares, "t2", 0.01)
    calls.add("t1", 5)

    assert room(shares, calls, ahead=40) == [(49, [])]


def test_a_process_of_one_slot_shares_nothing(calls):
    assert room(Shares(1), calls) == [(1, []), (1, [])]


def test_no_more_tenants_are_remembered_than_a_bound(shares, monkeypatch):
    monkeypatch.setattr(fairness, "TENANTS", 3)
    for number in range(10):
        shares.ended(f"t{number}", 0.01)

    assert len(shares._means) == 3
