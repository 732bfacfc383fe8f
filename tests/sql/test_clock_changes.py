"""Clock changes through the tick: what is fixed runs once a day, what repeats keeps its pace."""

from datetime import datetime, timedelta

import pytest

from service.lease import Lease
from service.ticker import Ticker

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

# Berlin springs forward 2026-03-29 02:00 -> 03:00, falls back 2026-10-25 03:00 -> 02:00, both at 01:00 UTC.
# Dublin springs forward 2026-03-29 01:00 -> 02:00, falls back 2026-10-25 02:00 -> 01:00, both at 01:00 UTC; its
# winter time is the "daylight saving" one, an hour back.
# Santiago springs forward 2026-09-06 00:00 -> 01:00 (04:00 UTC), falls back 2026-04-05 00:00 -> 23:00 (03:00 UTC).
# Apia left out 2011-12-30: from 2011-12-29 24:00 to 2011-12-31 00:00 (2011-12-30 10:00 UTC).
NIGHTS = [
    ("Europe/Berlin", "30 2 * * *", ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
    ("Europe/Berlin", "30 2 * * *", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
    ("Europe/Dublin", "30 1 * * *", ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
    ("Europe/Dublin", "30 1 * * *", ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]),
    ("America/Santiago", "30 0 * * *", ["2026-09-05T04:30", "2026-09-06T04:00", "2026-09-07T03:30"]),
    ("America/Santiago", "30 23 * * *", ["2026-04-04T02:30", "2026-04-05T02:30", "2026-04-06T03:30"]),
    ("Pacific/Apia", "30 9 * * *", ["2011-12-29T19:30", "2011-12-30T10:00", "2011-12-30T19:30"]),
]
CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("Europe/Dublin", "2026-03-29T01:00"),
    ("Europe/Dublin", "2026-10-25T01:00"),
    ("America/Santiago", "2026-09-06T04:00"),
    ("America/Santiago", "2026-04-05T03:00"),
    ("Pacific/Apia", "2011-12-30T10:00"),
]


@pytest.fixture
def ticker(engine_pool, config):
    return Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: None)


def utc(text):
    return datetime.fromisoformat(f"{text}+00:00")


def instants(make):
    return [row["scheduled_at"] for row in make.rows("SELECT scheduled_at FROM execution_queue ORDER BY 1")]


@pytest.mark.parametrize(("zone", "schedule", "runs"), NIGHTS)
def test_a_daily_job_runs_once_on_the_nights_of_clock_changes(make, ticker, zone, schedule, runs):
    wanted = [utc(run) for run in runs]
    make.job(type="cron", schedule=schedule, timezone=zone, next_run_at=wanted[0])

    minute = wanted[0]
    while minute <= wanted[-1]:
        ticker.tick(minute)
        minute += 15 * MINUTE

    assert instants(make) == wanted


@pytest.mark.parametrize(("zone", "schedule", "runs"), NIGHTS)
def test_an_outage_over_the_night_leaves_the_newest_run_and_counts_the_others(make, ticker, zone, schedule, runs):
    wanted = [utc(run) for run in runs]
    make.job(type="cron", schedule=schedule, timezone=zone, next_run_at=wanted[0])

    ticker.tick(wanted[-1] + 10 * SECOND)

    skip = make.row("SELECT * FROM execution_log")
    assert instants(make) == wanted[2:]
    assert (skip["scheduled_at"], skip["skipped_until"], skip["skipped_count"]) == (wanted[0], wanted[1], 2)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_a_quarter_hourly_job_keeps_its_pace_over_clock_changes(make, ticker, zone, change):
    quarters = [utc(change) + n * 15 * MINUTE for n in range(-8, 9)]
    make.job(type="cron", schedule="*/15 * * * *", timezone=zone, next_run_at=quarters[0])

    for at in quarters:
        ticker.tick(at)

    assert instants(make) == quarters
