"""The ticker lease on a real Redis."""

from dataclasses import replace

import pytest
import redis

from service.lease import KEY, Lease
from tests.conftest import eventually


@pytest.fixture
def lease(config):
    """Makes leases of processes that share one Redis."""
    made = []

    def make(holder="w", **changes):
        made.append(Lease(replace(config, **changes), holder))
        return made[-1]

    yield make
    [one.close() for one in made]


@pytest.fixture
def server(config):
    with redis.Redis(host=config.redis_host, port=config.redis_port, decode_responses=True) as client:
        yield client


def test_only_one_of_two_processes_holds_the_lease(lease):
    first, second = lease(), lease()

    first.renew(), second.renew()

    assert [(one.held, one.may_tick()) for one in (first, second)] == [(True, True), (False, False)]


def test_nobody_ticks_before_the_first_answer(lease):
    assert not lease().may_tick()


def test_release_lets_the_other_in_at_once(lease):
    first, second = lease(), lease()
    first.renew(), second.renew()

    first.release()
    second.renew()

    assert (first.may_tick(), second.held) == (False, True)


def test_a_released_lease_is_never_taken_again(lease, server):
    one = lease()
    one.release()

    one.renew(), one.seize()

    assert (one.may_tick(), server.get(KEY)) == (False, None)


def test_seize_takes_the_lease_and_the_old_holder_notices_when_it_renews(lease):
    old, new = lease(), lease()
    old.renew()

    new.seize()
    before = old.held
    old.renew()

    assert (new.held, before, old.held, old.may_tick()) == (True, True, False, False)


def test_renewing_extends_the_time_of_the_lease(lease, server):
    one = lease(lock_ttl=60.0)
    one.renew()
    server.pexpire(KEY, 1000)

    one.renew()

    assert server.pttl(KEY) > 50_000
    assert one.held


def test_a_holder_stops_by_itself_before_its_time_is_up(lease, server):
    one = lease(lock_ttl=1.0)
    one.renew()

    eventually(lambda: not one.may_tick())

    assert server.get(KEY) is not None


def test_an_expired_lease_goes_to_whoever_asks(lease):
    first, second = lease(lock_ttl=1.0), lease()
    first.renew()

    eventually(lambda: second.renew() and second.held)

    assert not first.may_tick()


def test_without_redis_everyone_may_tick_and_nobody_holds_the_lease(lease):
    both = [lease(redis_port=9), lease(redis_port=9)]

    [one.renew() for one in both]

    assert [(one.may_tick(), one.held) for one in both] == [(True, False)] * 2
    assert both[0].state() == {"status": "down", "holder": None}


def test_without_redis_a_released_lease_still_stops_the_ticks(lease):
    one = lease(redis_port=9)
    one.renew()

    one.release()

    assert not one.may_tick()


def test_a_redis_that_refuses_counts_as_away(lease, server):
    server.lpush(KEY, "not a lease")
    one = lease()

    one.renew()

    assert (one.may_tick(), one.held) == (True, False)


def test_release_after_another_took_the_lease_leaves_it_theirs(lease):
    old, new = lease("old"), lease("new")
    old.renew(), new.seize()

    old.release()
    new.renew()

    assert new.held
    assert new.state() == {"status": "ok", "holder": "new"}


def test_two_leases_of_one_name_are_two_holders(lease):
    first, second = lease("w"), lease("w")

    first.renew(), second.renew()

    assert not second.held


def test_a_renamed_process_gives_the_lease_up_and_takes_it_by_its_new_name(lease, server):
    process = lease("before")
    process.renew()

    process.rename("after")
    given_up = (process.held, server.get(KEY))
    process.renew()

    assert given_up == (False, None)
    assert process.state()["holder"] == "after"
