"""Schedules: the next instant after t for cron, interval and one_time, and what to do with late ones.

Pure: no clock and no database, and everything is answered in milliseconds, whatever was sent. Inside, an
instant of a cron schedule is an integer, seconds since 1970-01-01 00:00 UTC. cron.py knows which wall times
match and which of their showings count, zone.py when the clock shows them.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from service.cron import Cron, count_instants, next_instant, parse_cron
from service.zone import DAY, load_zone, showings, spans_from

MAX_LENGTH = 512
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = int((datetime.max.replace(tzinfo=UTC) - _EPOCH).total_seconds())
_SECOND = timedelta(seconds=1)
_MAX_SECONDS = 9999 * 366 * DAY
_EXAMPLES = {"cron": "0 30 2 * * *", "interval": "300", "one_time": "2026-12-01T09:00:00Z"}
_PAST_THE_END = "the next run would lie past the year 9999"

_LEGAL = re.compile(r"[\t\x20-\x7e]*")
_PREFIX = re.compile(r"(?:CRON_)?TZ=([^ \t]+)[ \t]+(.+)")
_EVERY = re.compile(r"@every[ \t]+((?:[0-9]+(?:\.[0-9]+)?[hms])+)")
_EVERY_PART = re.compile(r"([0-9.]+)([hms])")
_UNIT_SECONDS = {"h": 3600, "m": 60, "s": 1}
_INTERVAL = re.compile(r"[1-9][0-9]*")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?"
    r"(?:[Zz]|([+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))"
)


class ScheduleError(ValueError):
    """A schedule or zone that is refused.

    Attributes:
        field: "schedule" or "timezone", whichever is at fault.
        message: what is wrong, and how to write it right.
    """

    def __init__(self, field: Literal["schedule", "timezone"], message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, eq=False, slots=True)
class Schedule(ABC):
    """The rule that yields a job's instants. All datetimes in and out are aware and in UTC.

    Attributes:
        text: what was parsed.
        zone: whose clock shows its local times; a TZ= prefix overrides the job's.
    """

    text: str
    zone: ZoneInfo

    @property
    def repeats(self) -> bool:
        """Whether there can be a second run."""
        return True

    @abstractmethod
    def next_after(self, after: datetime, anchor: datetime | None = None) -> datetime | None:
        """The first instant strictly later than `after`; None when none is left before the year 10000.

        Args:
            after: any aware datetime.
            anchor: origin of an interval's grid, itself no run; None means `after`. Other types ignore it.
        """

    @abstractmethod
    def count(self, start: datetime, end: datetime, anchor: datetime) -> int:
        """How many instants lie in start < t <= end, without visiting them."""

    def between(self, start: datetime, end: datetime, anchor: datetime | None, limit: int) -> list[datetime]:
        """The instants in start < t <= end, oldest first, at most `limit`."""
        anchor = anchor or start
        found: list[datetime] = []
        instant = self.next_after(start, anchor)
        while instant is not None and instant <= end and len(found) < limit:
            found.append(instant)
            instant = self.next_after(instant, anchor)
        return found

    def latest(self, start: datetime, end: datetime, anchor: datetime) -> datetime | None:
        """The newest instant in start < t <= end, found by halving: instants are at least a second apart."""
        newest = self.next_after(start, anchor)
        if newest is None or newest > end:
            return None
        low, high = 0, (end - start) // _SECOND + 1
        while high - low > 1:
            middle = (low + high) // 2
            instant = self.next_after(start + middle * _SECOND, anchor)
            if instant is not None and instant <= end:
                low, newest = middle, instant
            else:
                high = middle
        return newest

    def check(self, after: datetime) -> None:
        """Refuse a schedule that has no run between `after` and the year 9999.

        Raises:
            ScheduleError: always about "schedule". A one_time instant that has passed is legal.
        """
        if self.repeats and self.next_after(after) is None:
            raise ScheduleError("schedule", _PAST_THE_END)

    def note_at(self, instant: datetime) -> str | None:
        """What a clock change did to the run at `instant`; None when nothing."""
        return None


@dataclass(frozen=True, eq=False, slots=True)
class OneTime(Schedule):
    """A single instant."""

    instant: datetime

    @property
    def repeats(self) -> bool:
        """Never."""
        return False

    def next_after(self, after: datetime, anchor: datetime | None = None) -> datetime | None:
        """The instant, unless it has passed."""
        return self.instant if self.instant > after else None

    def count(self, start: datetime, end: datetime, anchor: datetime) -> int:
        """One or none."""
        return int(start < self.instant <= end)


@dataclass(frozen=True, eq=False, slots=True)
class Interval(Schedule):
    """Elapsed time: the k-th instant is the anchor plus k times `seconds`, k from `first`."""

    seconds: int
    whole: bool = False  # @every: the anchor is cut to the second
    first: int = 1  # 0: the anchor is an instant itself

    def from_anchor(self) -> "Interval":
        """The same rhythm with the anchor, uncut, as its first instant."""
        return Interval(self.text, self.zone, self.seconds, whole=False, first=0)

    def next_after(self, after: datetime, anchor: datetime | None = None) -> datetime | None:
        """The first grid point strictly later than `after`, in one step whatever the distance."""
        origin = self._origin(anchor or after)
        try:
            return origin + timedelta(seconds=self.seconds * max(self.first, self._steps(after, origin) + 1))
        except OverflowError:
            return None

    def count(self, start: datetime, end: datetime, anchor: datetime) -> int:
        """Grid points in start < t <= end, by division."""
        origin = self._origin(anchor)
        before = self.first - 1
        return max(0, max(before, self._steps(end, origin)) - max(before, self._steps(start, origin)))

    def _origin(self, anchor: datetime) -> datetime:
        return anchor.replace(microsecond=0) if self.whole else anchor

    def _steps(self, until: datetime, origin: datetime) -> int:
        return (until - origin) // timedelta(seconds=self.seconds)


@dataclass(frozen=True, eq=False, slots=True)
class CronSchedule(Schedule):
    """A cron expression on the wall clock of a zone."""

    cron: Cron

    def next_after(self, after: datetime, anchor: datetime | None = None) -> datetime | None:
        """The next run; remembered, since thousands of jobs share a schedule."""
        found = _next_run(self.cron, self.zone, _seconds(after))
        return None if found is None else _EPOCH + found * _SECOND

    def count(self, start: datetime, end: datetime, anchor: datetime) -> int:
        """Runs in start < t <= end: wall times counted span by span, less those that a gap merged."""
        return count_instants(self.cron, self.zone, _seconds(start), _seconds(end))

    def note_at(self, instant: datetime) -> str | None:
        """Whether the run was moved out of a gap, stands for one in it, or belongs to a repeated hour."""
        at = _seconds(instant)
        before, span = spans_from(self.zone, at - 1), next(spans_from(self.zone, at))
        gap_start, wall = at + next(before).offset, at + span.offset
        skipped = self.cron.first_wall(gap_start)
        if not self.cron.repeating and skipped is not None and skipped < wall:
            verb = "also stands for" if self.cron.first_wall(wall) == wall else "moved from"
            return f"{verb} {_clock(skipped, wall)}, which the clock skipped"
        shown = showings(self.zone, wall)
        if len(shown) == 2:
            return f"{'first' if at == shown[0] else 'second'} of two {_clock(wall, wall)}"
        return None


def validate(type: str, schedule: object, timezone: str, after: datetime) -> Schedule:
    """The schedule of a job that is created, changed or previewed at `after`.

    Raises:
        ScheduleError: as parse, and when a repeating schedule has no run before the year 10000.
    """
    parsed = parse(type, schedule, timezone)
    parsed.check(after)
    return parsed


def parse(type: str, schedule: object, timezone: str = "UTC") -> Schedule:
    """The schedule a job's type, text and zone stand for; the same object for the same three.

    Raises:
        ScheduleError: a schedule that is no text or not well formed, an unknown type or zone.
    """
    if not isinstance(schedule, str):
        raise ScheduleError("schedule", f"must be a string, such as {_EXAMPLES.get(type)!r}")
    if not isinstance(timezone, str):
        raise ScheduleError("timezone", "must be a string, such as 'UTC' or 'Europe/Berlin'")
    if len(schedule) > MAX_LENGTH:
        raise ScheduleError("schedule", f"must have at most {MAX_LENGTH} characters")
    if not _LEGAL.fullmatch(schedule):
        raise ScheduleError("schedule", "must be printable ASCII, with spaces or tabs between fields")
    return _parse(type, schedule.strip(" \t"), timezone)


@lru_cache(maxsize=8192)
def _parse(type: str, text: str, timezone: str) -> Schedule:
    zone = _zone("timezone", timezone)
    if type == "cron":
        return _parse_cron(text, zone)
    if type == "interval":
        return _parse_interval(text, zone)
    if type == "one_time":
        return _parse_one_time(text, zone)
    raise ScheduleError("schedule", f"has no meaning: the type must be one of {', '.join(_EXAMPLES)}")


def _zone(field: Literal["schedule", "timezone"], name: str) -> ZoneInfo:
    try:
        return load_zone(name)
    except ValueError as error:
        raise ScheduleError(field, str(error)) from error


def _parse_cron(text: str, zone: ZoneInfo) -> Schedule:
    whole_text = text
    if text.startswith(("TZ=", "CRON_TZ=")):
        prefix = _PREFIX.fullmatch(text)
        if prefix is None:
            raise ScheduleError("schedule", "a zone prefix is TZ=Zone or CRON_TZ=Zone, a blank, a schedule")
        zone, text = _zone("schedule", prefix[1]), prefix[2]
    if text.split()[:1] == ["@every"]:
        return Interval(whole_text, zone, _parse_every(text), whole=True)
    try:
        return CronSchedule(whole_text, zone, parse_cron(text))
    except ValueError as error:
        raise ScheduleError("schedule", str(error)) from error


def _parse_every(text: str) -> int:
    """The seconds of @every D."""
    match = _EVERY.fullmatch(text)
    if match is None:
        raise ScheduleError("schedule", "@every takes numbers with units h, m, s in one word, such as 1h30m")
    parts = _EVERY_PART.findall(match[1])
    seconds = sum(Fraction(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    if seconds < 1 or seconds != int(seconds):
        raise ScheduleError("schedule", "@every takes a whole number of seconds, at least 1")
    if seconds > _MAX_SECONDS:
        raise ScheduleError("schedule", _PAST_THE_END)
    return int(seconds)


def _parse_interval(text: str, zone: ZoneInfo) -> Schedule:
    if not _INTERVAL.fullmatch(text):
        raise ScheduleError("schedule", "must be a whole number of seconds, at least 1, such as 300")
    if int(text) > _MAX_SECONDS:
        raise ScheduleError("schedule", _PAST_THE_END)
    return Interval(text, zone, int(text))


def _parse_one_time(text: str, zone: ZoneInfo) -> Schedule:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ScheduleError(
            "schedule", f"must be RFC 3339 with seconds and Z or an offset, such as {_EXAMPLES['one_time']}"
        )
    day, time, fraction, offset = match.groups()
    micros = (fraction or ".")[1:7].ljust(6, "0")
    try:
        instant = datetime.fromisoformat(f"{day}T{time}.{micros}{offset or '+00:00'}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ScheduleError("schedule", f"{text[:40]} is no instant of the years 1-9999: {error}") from error
    return OneTime(text, zone, instant)


@lru_cache(maxsize=16_384)
def _next_run(cron: Cron, zone: ZoneInfo, after: int) -> int | None:
    found = next_instant(cron, zone, after)
    return None if found is None or found > _LAST else found


def _seconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _SECOND


def _clock(wall: int, beside: int) -> str:
    """A wall time as people write it; with its date where that is not the date of `beside`."""
    shown = _EPOCH + wall * _SECOND
    time = f"{shown:%H:%M:%S}".removesuffix(":00") if wall % 60 == 0 else f"{shown:%H:%M:%S}"
    return time if wall // DAY == beside // DAY else f"{shown:%Y-%m-%d} {time}"
