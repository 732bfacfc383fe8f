from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.schedule import Interval, Schedule, ScheduleError, parse, validate
from tests.work import lines_run

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
AT_ONCE = 12_000  # lines, five times what the hardest takes
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

# Nights on which the clock changed: forward, back, by half an hour, by two hours, by a day, at midnight.
NIGHTS = [
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Havana", datetime(2025, 11, 2, 5, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2023, 10, 26, 21, tzinfo=UTC)),
    ("UTC", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
]


def fields(low: int, high: int, widest: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A field's text beside the values it means, said without the code under test."""
    values = st.integers(low, high)
    lists = st.frozensets(values, min_size=1, max_size=widest).map(lambda found: (",".join(map(str, found)), found))
    ranges = st.tuples(values, values).map(
        lambda ends: (f"{min(ends)}-{max(ends)}", frozenset(range(min(ends), max(ends) + 1)))
    )
    steps = st.integers(2, 40).map(lambda step: (f"*/{step}", frozenset(range(low, high + 1, step))))
    return st.one_of(lists, ranges, steps, st.just(("*", frozenset(range(low, high + 1)))))


CLOCKS = st.tuples(fields(0, 59, 3), fields(0, 59, 4), fields(0, 23, 6))
DATES = st.tuples(fields(1, 31, 9), fields(0, 6, 3))
Parts = tuple[tuple[str, frozenset[int]], ...]


def expression(clock: Parts, date: Parts) -> str:
    return " ".join([*(text for text, _ in clock), date[0][0], "*", date[1][0]])


def matches(clock: Parts, date: Parts, wall: datetime) -> bool:
    shown = (wall.second, wall.minute, wall.hour)
    if any(value not in values for value, (_, values) in zip(shown, clock, strict=True)):
        return False
    day, weekday = wall.day in date[0][1], wall.isoweekday() % 7 in date[1][1]
    is_open = "*" in (date[0][0], date[1][0])
    return (day and weekday) if is_open else (day or weekday)


def scan(clock: Parts, date: Parts, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """The runs in start < t <= end, found by watching a clock tick from before its change."""
    repeating = any(mark in text for text, _ in clock for mark in "*/")
    found = []
    highest = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    instant = start
    while instant < end:
        instant += SECOND
        wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        shown = [wall]
        if not repeating:
            shown = [highest + n * SECOND for n in range(1, int((wall - highest) / SECOND) + 1)]
            highest = max(highest, wall)
        if any(matches(clock, date, time) for time in shown):
            found.append(instant)
    return found


def runs(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    return schedule.between(start, end, start, 1_000_000)


@settings(max_examples=80, deadline=None)
@given(clock=CLOCKS, date=DATES, night=st.sampled_from(NIGHTS), hours=st.integers(1, 2))
def test_no_run_is_missed_or_made_up_beside_a_second_by_second_scan(
    clock: Parts, date: Parts, night: tuple[str, datetime], hours: int
) -> None:
    zone, change = night
    start, end = change - hours * 60 * MINUTE, change + 2 * 60 * MINUTE
    schedule = parse("cron", expression(clock, date), zone)

    found = runs(schedule, start, end)

    assert scan(clock, date, zone, start, end) == found
    assert len(found) == schedule.count(start, end, start)
    assert (found[-1] if found else None) == schedule.latest(start, end, start)


@settings(max_examples=200, deadline=None)
@given(
    clock=CLOCKS,
    date=DATES,
    zone=st.sampled_from(sorted({zone for zone, _ in NIGHTS})),
    after=st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC)),
    share=st.floats(0, 1),
)
def test_every_starting_point_before_a_run_names_the_same_run(
    clock: Parts, date: Parts, zone: str, after: datetime, share: float
) -> None:
    schedule = parse("cron", expression(clock, date), zone)
    first = schedule.next_after(after)

    assert first is not None
    assert after < first
    assert first.microsecond == 0
    assert first == schedule.next_after(after + share * (first - after - timedelta(microseconds=1)))
    assert first == schedule.next_after(first - timedelta(microseconds=1))
    assert first < (schedule.next_after(first) or FAR)


@settings(max_examples=150, deadline=None)
@given(
    clock=CLOCKS,
    date=DATES,
    zone=st.sampled_from(["America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]),
    start=st.datetimes(datetime(2000, 1, 1), datetime(2045, 1, 1), timezones=st.just(UTC)),
    taken=st.integers(1, 300),
)
def test_count_and_latest_agree_with_walking(clock: Parts, date: Parts, zone: str, start: datetime, taken: int) -> None:
    schedule = parse("cron", expression(clock, date), zone)
    walked = schedule.between(start, FAR, None, taken)

    assert len(walked) == schedule.count(start, walked[-1], start)
    assert walked[-1] == schedule.latest(start, walked[-1], start)


@given(
    seconds=st.integers(1, 10**7),
    anchor=st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)),
    after=st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)),
)
def test_interval_names_the_first_grid_point_after(seconds: int, anchor: datetime, after: datetime) -> None:
    step = timedelta(seconds=seconds)

    found = parse("interval", str(seconds)).next_after(after, anchor)

    assert found is not None
    assert (found - anchor) % step == timedelta(0)
    assert found > max(after, anchor)
    assert found - step <= max(after, anchor)


@settings(max_examples=300, deadline=500)
@given(
    text=st.text(alphabet="0123456789*?/,-@ \tTZ=hmsevry.LW#~", max_size=600),
    type_=st.sampled_from(["cron", "interval", "one_time", "daily"]),
    zone=st.sampled_from(["UTC", "", "..", "Europe", "Europe/Berlin", "A" * 5000, "UTC\0"]),
)
def test_any_text_is_answered_or_refused(text: str, type_: str, zone: str) -> None:
    try:
        found = parse(type_, text, zone).next_after(NOON)
    except ScheduleError as refused:
        assert refused.field in ("schedule", "timezone")
    else:
        assert found is None or found > NOON


@pytest.mark.parametrize(
    "after",
    [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), FAR - timedelta(days=400), NOON],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/New_York"])
@pytest.mark.parametrize(
    "text", ["0 0 0 29 2 *", "*/7 59 23 29 2 *", "* * * * * *", "0 30 2 * * *", "@every 1s", "0 0 0 31 12 *"]
)
def test_answers_come_at_once_at_both_ends_of_time(after: datetime, zone: str, text: str) -> None:
    with lines_run(at_most=AT_ONCE):
        found = parse("cron", text, zone).next_after(after)

    assert found is None or after < found <= FAR


def test_same_text_is_parsed_once() -> None:
    assert parse("cron", "0 30 2 * * *", "UTC") is parse("cron", " 0 30 2 * * *", "UTC")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 75 * * * *", "minute: 75 is out of range 0-59"),
        ("0 0 22-2 * * *", "hour: 22-2 runs backwards"),
        ("0 0 0 L * *", "day: L is not a value; use 1-31"),
        ("0 0 0 * * FOO", "weekday: FOO is not a value; use 0-7 or SUN-SAT"),
        ("0 0 0 30 2 *", "day: 30 never comes in month 2"),
        ("* * *", "3 fields found"),
        ("0 */0 * * * *", "minute: the step in */0 must be at least 1"),
    ],
)
def test_refusal_names_the_field_and_the_fix(text: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message.replace("*", r"\*")) as refused:
        parse("cron", text)

    assert refused.value.field == "schedule"


def test_repeating_schedule_past_the_year_9999_is_refused_when_created() -> None:
    with pytest.raises(ScheduleError, match="past the year 9999"):
        validate("interval", "252000000000", "UTC", NOON)


@pytest.mark.parametrize(
    ("text", "instant", "note"),
    [
        ("0 30 2 * * *", "2026-03-08T07:00:00Z", "moved from 02:30, which the clock skipped"),
        ("0 0 2,3 * * *", "2026-03-08T07:00:00Z", "also stands for 02:00, which the clock skipped"),
        ("0 30 1 * * *", "2026-11-01T05:30:00Z", "first of two 01:30"),
        ("0 */30 * * * *", "2026-11-01T06:30:00Z", "second of two 01:30"),
        ("0 30 1 * * *", "2026-11-02T06:30:00Z", None),
    ],
)
def test_note_says_what_a_clock_change_did(text: str, instant: str, note: str | None) -> None:
    assert note == parse("cron", text, "America/New_York").note_at(datetime.fromisoformat(instant))


def test_note_of_a_skipped_day_gives_its_date() -> None:
    schedule = parse("cron", "0 0 12 30 12 *", "Pacific/Apia")

    note = schedule.note_at(datetime(2011, 12, 30, 10, tzinfo=UTC))

    assert note == "moved from 2011-12-30 12:00, which the clock skipped"


def test_interval_from_anchor_has_the_anchor_as_its_first_instant() -> None:
    schedule = parse("interval", "60")
    assert isinstance(schedule, Interval)

    found = schedule.from_anchor()

    assert found.between(NOON - SECOND, NOON + MINUTE, NOON, 9) == [NOON, NOON + MINUTE]
    assert found.count(NOON - SECOND, NOON + MINUTE, NOON) == 2


@pytest.mark.parametrize(
    ("type_", "text", "zone"),
    [
        ("cron", "0 0 12 * * *", "Europe/Berlin"),
        ("cron", "TZ=Asia/Tokyo 0 0 12 * * *", "Asia/Tokyo"),
        ("cron", "TZ=Asia/Tokyo @every 1h", "Asia/Tokyo"),
        ("interval", "60", "Europe/Berlin"),
        ("one_time", "2026-01-15T12:00:00Z", "Europe/Berlin"),
    ],
)
def test_schedule_knows_its_text_and_zone(type_: str, text: str, zone: str) -> None:
    found = parse(type_, f" {text} ", "Europe/Berlin")

    assert (text, zone) == (found.text, found.zone.key)
