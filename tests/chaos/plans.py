"""Jobs made by chance from a seed, each beside the instants it must run at, worked out without the service's code."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham")
TENANTS = ("acme", "globex", "initech", "umbrella")
PATHS = (("ok", 11), ("flaky", 4), ("slow", 2), ("hang", 1), ("drip", 1), ("reset", 1), ("garbage", 1), ("huge", 1))


@dataclass(slots=True)
class Planned:
    """A job, what it must do, and what was done to it."""

    tenant: str
    body: dict[str, Any]
    instants: list[datetime]  # the schedule's, from start to end
    jitter: timedelta
    id: str = ""
    blurred: list[tuple[datetime, datetime]] = field(default_factory=list)  # a pause or resume took effect in it
    paused: list[tuple[datetime, datetime]] = field(default_factory=list)  # certainly paused

    def status_of(self, instant: datetime) -> str:
        """due, open (may have run or not, since a pause was under way) or paused."""
        if any(since <= instant <= until for since, until in self.blurred):
            return "open"
        if any(since < instant < until for since, until in self.paused):
            return "paused"
        return "due"


def make(seed: int, count: int, url: str, start: datetime, end: datetime) -> list[Planned]:
    """That many jobs of all types and policies between two instants; the same ones for the same seed."""
    chance = random.Random(f"jobs {seed}")
    return [_planned(chance, number, url, start, end) for number in range(count)]


def burst(count: int, url: str, at: datetime) -> list[Planned]:
    """One-time jobs that are all due at one instant."""
    body = {"type": "one_time", "schedule": at.isoformat(), "endpoint": f"{url}/ok", "max_retries": 5, "retry_delay": 1}
    return [Planned("burst", {"name": f"burst {n}", **body}, [at], timedelta(0)) for n in range(count)]


def _planned(chance: random.Random, number: int, url: str, start: datetime, end: datetime) -> Planned:
    maker = chance.choices((_interval, _cron, _one_time), (50, 35, 15))[0]
    when, instants, period = maker(chance, start, end)
    jitter = chance.randint(1, period - 1) if period > 1 and chance.random() < 0.15 else 0
    body = when | _policies(chance) | {"name": f"{when['type']} {number}", "jitter": jitter}
    body["endpoint"] = f"{url}/{chance.choices([p for p, _ in PATHS], [w for _, w in PATHS])[0]}"
    if when["type"] != "one_time":
        body |= {"start_at": start.isoformat(), "end_at": end.isoformat()}
        if chance.random() < 0.1 and body["overlap_policy"] == "allow" and body["misfire_policy"] == "fire_all":
            body["max_runs"] = chance.randint(1, 10)
            instants = instants[: body["max_runs"]]
    return Planned(chance.choice(TENANTS), body, instants, timedelta(seconds=jitter))


def _policies(chance: random.Random) -> dict[str, Any]:
    return {
        "method": chance.choice(("POST", "PUT", "GET")),
        "payload": {"number": chance.randint(0, 9)} if chance.random() < 0.5 else None,
        "timeout": chance.randint(1, 3),
        "max_retries": chance.choice((0, 1, 2, 3)),
        "retry_delay": chance.choice((0, 1, 2)),
        "retry_backoff": chance.choice(("fixed", "exponential")),
        "priority": chance.randint(1, 10),
        "overlap_policy": chance.choices(("allow", "skip", "queue", "replace"), (6, 2, 2, 1))[0],
        "misfire_policy": chance.choice(("fire_once", "skip", "fire_all")),
        "misfire_limit": 1000,
    }


Schedule = tuple[dict[str, Any], list[datetime], int]


def _interval(chance: random.Random, start: datetime, end: datetime) -> Schedule:
    period = chance.choice((1, 1, 2, 3, 5, 7, 10))
    count = int((end - start) / timedelta(seconds=period)) + 1
    instants = [start + n * period * SECOND for n in range(count)]
    return {"type": "interval", "schedule": str(period)}, instants, period


def _cron(chance: random.Random, start: datetime, end: datetime) -> Schedule:
    step = chance.choice((1, 2, 3, 4, 5, 10, 15))
    first = chance.randrange(step)
    wanted = set(range(first, 60, step))
    minutes = chance.choice(("*", "*/2", "1-59/2"))
    odd = {"*": (0, 1), "*/2": (0,), "1-59/2": (1,)}[minutes]
    zone = chance.choice(ZONES)
    instants = [
        instant
        for instant in (start + n * SECOND for n in range(int((end - start) / SECOND) + 1))
        if instant.second in wanted and instant.astimezone(ZoneInfo(zone)).minute % 2 in odd
    ]
    if not instants:  # none falls into so short a run
        return _cron(chance, start, end)
    schedule = f"{','.join(map(str, sorted(wanted)))} {minutes} * * * *"
    return {"type": "cron", "schedule": schedule, "timezone": zone}, instants, step


def _one_time(chance: random.Random, start: datetime, end: datetime) -> Schedule:
    instant = start + chance.randrange(int((end - start) / SECOND)) * SECOND
    return {"type": "one_time", "schedule": instant.isoformat()}, [instant], 1


def total(planned: Sequence[Planned]) -> int:
    """How many instants the schedules name."""
    return sum(len(job.instants) for job in planned)
