from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policy import (
    Advance,
    Misfire,
    Plan,
    Run,
    Skip,
    advance,
    instants,
    next_run,
    upcoming,
)
from service.schedule import parse
from tests.work import lines_run

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
JITTERED = 200  # lines for each; it takes 30
MISSED = 200_000  # lines, for 315 million seconds
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
FAR = datetime.max.replace(tzinfo=UTC)
JOB = UUID("6f1f7a52-7c0e-4d3b-9f0a-3d1c1a2b3c4d")
MINUTELY = ("cron", "0 * * * * *")
FIRE_ONCE = Misfire("fire_once", 100, 5 * MINUTE)


def make_plan(type_: str, text: str, zone: str = "UTC", **changes: Any) -> Plan:
    return Plan(JOB, parse(type_, text, zone), NOON - MINUTE, **changes)


def at(instant: datetime) -> Run:
    return Run(instant, instant)


def noon_plus(*minutes: int) -> list[Run]:
    return [at(NOON + n * MINUTE) for n in minutes]


def skip(reason: Any, first: int, last: int) -> Skip:
    return Skip(reason, NOON + first * MINUTE, NOON + last * MINUTE, last - first + 1)


# Bounds


@pytest.mark.parametrize(
    ("type_", "text", "minutes"),
    [("cron", "0 */20 * * * *", [20, 40, 60]), ("interval", "1200", [7, 27, 47]), ("cron", "@every 20m", [7, 27, 47])],
)
def test_start_at_bounds_a_cron_and_anchors_an_interval(type_: str, text: str, minutes: list[int]) -> None:
    plan = make_plan(type_, text, start_at=NOON + 7 * MINUTE)

    assert noon_plus(*minutes) == upcoming(plan, NOON - DAY, 3)


def test_an_instant_at_start_at_or_at_end_at_runs() -> None:
    plan = make_plan(*MINUTELY, start_at=NOON, end_at=NOON + 2 * MINUTE)

    assert noon_plus(0, 1, 2) == upcoming(plan, NOON - DAY, 9)


def test_a_one_time_job_before_its_start_never_runs() -> None:
    assert next_run(make_plan("one_time", "2026-01-15T12:00:00Z", start_at=NOON + SECOND), NOON - DAY) is None


@pytest.mark.parametrize(("so_far", "left"), [(0, 3), (1, 2), (3, 0), (4, 0)])
def test_max_runs_leaves_what_has_not_run_yet(so_far: int, left: int) -> None:
    assert left == len(upcoming(make_plan(*MINUTELY, max_runs=3), NOON, 9, so_far))


@pytest.mark.parametrize(("type_", "text"), [MINUTELY, ("interval", "252000000000"), ("cron", "@every 1s")])
@pytest.mark.parametrize("bound", [datetime.min.replace(tzinfo=UTC), FAR])
def test_bounds_at_the_ends_of_time_are_answered(type_: str, text: str, bound: datetime) -> None:
    plan = make_plan(type_, text, start_at=bound, jitter=DAY)

    assert all(run.instant >= bound for run in upcoming(plan, bound, 2))
    assert all(run.instant >= bound for run in instants(plan, bound, FAR, 2))


def test_instants_fill_a_half_open_window_whatever_the_bounds() -> None:
    plan = make_plan(*MINUTELY, start_at=NOON + MINUTE, end_at=NOON + MINUTE, max_runs=0)

    assert noon_plus(0, 1, 2) == instants(plan, NOON, NOON + 3 * MINUTE, 9)


def test_instants_stop_at_the_limit() -> None:
    assert noon_plus(0, 1) == instants(make_plan(*MINUTELY), NOON, NOON + DAY, 2)


# Jitter


@given(
    jitter=st.timedeltas(timedelta(0), timedelta(hours=3)),
    text=st.sampled_from(["* * * * * *", "0 */5 * * * *", "0 30 1,2,3 * * *", "@every 90s"]),
    after=st.datetimes(datetime(2026, 3, 7), datetime(2026, 11, 3), timezones=st.just(UTC)),
    job=st.one_of(st.none(), st.uuids()),
)
def test_jitter_is_stable_and_stays_before_the_next_instant(
    jitter: timedelta, text: str, after: datetime, job: UUID | None
) -> None:
    plan = replace(make_plan("cron", text, "America/New_York", jitter=jitter), job_id=job)
    one, two = upcoming(plan, after, 2)

    assert one.instant <= one.run_at < two.instant <= two.run_at
    assert timedelta(0) <= one.run_at - one.instant < max(jitter, SECOND / 1000)
    assert one == next_run(plan, one.instant - timedelta(microseconds=1))


def test_jitter_spreads_jobs_evenly() -> None:
    hourly = make_plan("cron", "@hourly", jitter=HOUR)
    plans = [replace(hourly, job_id=UUID(int=n)) for n in range(6000)]

    minutes = [(run.run_at - run.instant) // MINUTE for plan in plans for run in upcoming(plan, NOON, 1)]

    assert set(minutes) == set(range(60))
    assert max(minutes.count(n) for n in range(60)) < 160


def test_jitter_is_the_same_on_every_host_and_release() -> None:
    found = next_run(make_plan("cron", "@hourly", jitter=HOUR), NOON)

    assert Run(NOON + HOUR, datetime.fromisoformat("2026-01-15T13:35:03.869000+00:00")) == found


def test_a_jittered_run_is_named_without_naming_many_others() -> None:
    plan = make_plan("cron", "@hourly", jitter=HOUR)
    plans = [replace(plan, job_id=UUID(int=n)) for n in range(100)]

    with lines_run(at_most=100 * JITTERED):
        found = [next_run(plan, NOON) for plan in plans]

    assert None not in found


# Advance


def advance_by(plan: Plan, late: timedelta, misfire: Misfire = FIRE_ONCE, limit: int = 100, so_far: int = 0) -> Advance:
    return advance(plan, at(NOON), NOON + late, so_far, misfire, limit)


def test_nothing_runs_before_it_is_due() -> None:
    assert Advance([], [], at(NOON)) == advance_by(make_plan(*MINUTELY), -SECOND)


def test_all_due_runs_are_taken_while_the_oldest_is_fresh() -> None:
    assert Advance(noon_plus(0, 1, 2, 3), [], at(NOON + 4 * MINUTE)) == advance_by(make_plan(*MINUTELY), 3 * MINUTE)


def test_runs_past_the_limit_stay_due() -> None:
    found = advance_by(make_plan("interval", "60"), 3 * MINUTE, limit=2)

    assert Advance(noon_plus(0, 1), [], at(NOON + 2 * MINUTE)) == found


def test_oldest_exactly_as_late_as_allowed_is_no_misfire() -> None:
    found = advance_by(make_plan("interval", "60"), 5 * MINUTE)

    assert Advance(noon_plus(0, 1, 2, 3, 4, 5), [], at(NOON + 6 * MINUTE)) == found


@pytest.mark.parametrize("rhythm", [MINUTELY, ("interval", "60"), ("cron", "@every 1m")])
@pytest.mark.parametrize(
    ("policy", "limit", "deadline", "runs", "skips"),
    [
        ("fire_once", 100, None, [10], [("misfire", 0, 9)]),
        ("skip", 100, None, [], [("misfire", 0, 10)]),
        ("fire_all", 100, None, range(11), []),
        ("fire_all", 11, None, range(11), []),
        ("fire_all", 3, None, [8, 9, 10], [("misfire", 0, 7)]),
        ("fire_once", 100, 150, [10], [("deadline", 0, 7), ("misfire", 8, 9)]),
        ("fire_once", 100, 40, [10], [("deadline", 0, 9)]),
        ("fire_once", 100, 20, [], [("deadline", 0, 10)]),
        ("skip", 100, 150, [], [("deadline", 0, 7), ("misfire", 8, 10)]),
        ("fire_all", 100, 150, [8, 9, 10], [("deadline", 0, 7)]),
        ("fire_all", 2, 150, [9, 10], [("deadline", 0, 7), ("misfire", 8, 8)]),
    ],
)
def test_late_runs_go_by_the_policy(
    rhythm: tuple[str, str], policy: Any, limit: int, deadline: int | None, runs: Any, skips: Any
) -> None:
    misfire = Misfire(policy, limit, 5 * MINUTE, None if deadline is None else deadline * SECOND)

    found = advance_by(make_plan(*rhythm), 10 * MINUTE + 30 * SECOND, misfire, limit=1)

    assert Advance(noon_plus(*runs), [skip(*one) for one in skips], at(NOON + 11 * MINUTE)) == found


def test_deadline_skips_what_is_no_misfire_yet() -> None:
    misfire = replace(FIRE_ONCE, start_deadline=90 * SECOND)

    found = advance_by(make_plan(*MINUTELY), 3 * MINUTE, misfire)

    assert Advance(noon_plus(2, 3), [skip("deadline", 0, 1)], at(NOON + 4 * MINUTE)) == found


def test_a_run_exactly_at_its_deadline_runs() -> None:
    found = advance_by(make_plan("cron", "@hourly"), MINUTE, replace(FIRE_ONCE, start_deadline=MINUTE))

    assert Advance(noon_plus(0), [], at(NOON + HOUR)) == found


@pytest.mark.parametrize(
    ("policy", "deadline", "runs", "skips"),
    [
        ("fire_once", None, [0], []),
        ("fire_all", None, [0], []),
        ("skip", None, [], [("misfire", 0, 0)]),
        ("fire_once", HOUR, [], [("deadline", 0, 0)]),
    ],
)
def test_a_late_one_time_job_goes_by_its_policy_too(policy: Any, deadline: Any, runs: Any, skips: Any) -> None:
    misfire = Misfire(policy, 100, 5 * MINUTE, deadline)

    found = advance_by(make_plan("one_time", "2026-01-15T12:00:00Z"), 400 * DAY, misfire)

    assert Advance(noon_plus(*runs), [skip(*one) for one in skips], None) == found


def test_a_job_is_over_after_the_run_that_reaches_max_runs() -> None:
    found = advance_by(make_plan(*MINUTELY, max_runs=5), 3 * MINUTE, so_far=3)

    assert Advance(noon_plus(0, 1), [], None) == found


def test_skips_do_not_count_towards_max_runs() -> None:
    found = advance_by(make_plan(*MINUTELY, max_runs=2), 10 * MINUTE)

    assert Advance(noon_plus(10), [skip("misfire", 0, 9)], at(NOON + 11 * MINUTE)) == found


def test_a_job_that_has_reached_max_runs_does_not_run_again() -> None:
    assert Advance([], [], None) == advance_by(make_plan(*MINUTELY, max_runs=2), MINUTE, so_far=2)


def test_what_passed_after_end_at_is_neither_run_nor_skipped() -> None:
    found = advance_by(make_plan(*MINUTELY, end_at=NOON + 3 * MINUTE), DAY)

    assert Advance(noon_plus(3), [skip("misfire", 0, 2)], None) == found


def test_a_due_run_counts_though_the_schedule_no_longer_names_it() -> None:
    due = at(NOON + 30 * SECOND)

    found = advance(make_plan(*MINUTELY), due, NOON + 90 * SECOND, 0, FIRE_ONCE, 100)

    assert Advance([due, at(NOON + MINUTE)], [], at(NOON + 2 * MINUTE)) == found


def test_a_run_held_back_by_jitter_is_not_due_yet() -> None:
    plan = make_plan("cron", "@hourly", jitter=HOUR)
    one, two, three = upcoming(plan, NOON - MINUTE, 3)

    found = advance(plan, one, three.run_at - SECOND, 0, FIRE_ONCE, 100)

    assert Advance([two], [Skip("misfire", one.run_at, one.run_at, 1)], three) == found


RHYTHMS = st.sampled_from(
    [
        ("cron", "*/7 * * * * *"),
        ("cron", "0 */5 1-3 * * *"),
        ("cron", "0 30 1,2 * * *"),
        ("interval", "61"),
        ("cron", "@every 90s"),
        ("one_time", "2026-03-08T07:00:00Z"),
    ]
)
NIGHTS = [datetime(2026, 3, 8, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)]


@settings(max_examples=200, deadline=None)
@given(
    rhythm=RHYTHMS,
    night=st.sampled_from(NIGHTS),
    anchor=st.timedeltas(timedelta(0), HOUR),
    start=st.one_of(st.none(), st.just(-DAY), st.timedeltas(timedelta(0), HOUR)),
    end=st.one_of(st.just(DAY), st.timedeltas(HOUR, 2 * HOUR)),
    jitter=st.sampled_from([timedelta(0), 5 * SECOND, HOUR]),
    late=st.timedeltas(timedelta(0), 1.5 * HOUR),
    policy=st.sampled_from(["fire_once", "skip", "fire_all"]),
    keep=st.integers(1, 200),
    after=st.timedeltas(timedelta(0), HOUR),
    deadline=st.one_of(st.none(), st.timedeltas(timedelta(0), 2 * HOUR)),
    limit=st.integers(1, 50),
)
def test_every_due_run_is_run_or_skipped_exactly_once(
    rhythm: Any,
    night: Any,
    anchor: Any,
    start: Any,
    end: Any,
    jitter: Any,
    late: Any,
    policy: Any,
    keep: Any,
    after: Any,
    deadline: Any,
    limit: Any,
) -> None:
    schedule = parse(*rhythm, "America/New_York")
    plan = Plan(JOB, schedule, night - anchor, jitter, None if start is None else night + start, night + end)
    walked = upcoming(plan, night - SECOND, 1000)
    now = walked[0].run_at + late if walked else night
    due = [run for run in walked if run.run_at <= now]

    found = advance(plan, walked[0], now, 0, Misfire(policy, keep, after, deadline), limit) if walked else None

    assert expected_advance(walked, due, now, Misfire(policy, keep, after, deadline), limit) == found


def expected_advance(walked: list[Run], due: list[Run], now: datetime, misfire: Misfire, limit: int) -> Advance | None:
    """The rules once more, over a plain list of all runs."""
    if not walked:
        return None
    deadline = misfire.start_deadline
    expired = [run for run in due if deadline is not None and now - run.run_at > deadline]
    fresh = due[len(expired) :]
    dropped: list[Run] = []
    taken = fresh[:limit]
    if now - due[0].run_at > misfire.after:
        keep = {"fire_once": 1, "skip": 0, "fire_all": misfire.limit}[misfire.policy]
        dropped, taken = fresh[: max(0, len(fresh) - keep)], fresh[max(0, len(fresh) - keep) :]
    passed = len(expired) + len(dropped) + len(taken)
    reasons: list[tuple[Any, list[Run]]] = [("deadline", expired), ("misfire", dropped)]
    skips = [Skip(why, runs[0].run_at, runs[-1].run_at, len(runs)) for why, runs in reasons if runs]
    return Advance(taken, skips, walked[passed] if passed < len(walked) else None)


@pytest.mark.parametrize(
    ("type_", "text"), [("cron", "* * * * * *"), ("cron", "0-59 * * * * *"), ("interval", "1"), ("cron", "@every 1s")]
)
@pytest.mark.parametrize(("policy", "kept"), [("fire_once", 1), ("skip", 0), ("fire_all", 100)])
@pytest.mark.parametrize("jitter", [0 * SECOND, SECOND])
def test_ten_years_of_missed_seconds_are_counted_at_once(
    type_: str, text: str, policy: Any, kept: int, jitter: timedelta
) -> None:
    late = timedelta(days=3653)
    misfire = Misfire(policy, 100, 5 * MINUTE, late - 10 * SECOND)
    plan = make_plan(type_, text, "America/New_York", jitter=jitter)
    due = next_run(plan, NOON - SECOND)
    assert due is not None

    with lines_run(at_most=MISSED):
        found = advance(plan, due, NOON + late, 0, misfire, 100)

    assert kept == len(found.runs)
    assert late // SECOND - kept <= sum(one.count for one in found.skipped) <= late // SECOND + 1 - kept
    assert [one.reason for one in found.skipped] == ["deadline", "misfire"]
