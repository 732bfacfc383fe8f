"""Cron expressions: what a text means, which wall times match it, and at which instants it runs.

Instants and wall times are integers as in zone.py. A clock change treats the two kinds of schedule apart:

    fixed-time  runs at the first showing of each wall time; one that is skipped runs when the gap ends
    repeating   runs at every showing, and makes up nothing for what was skipped

This is an evaluator of our own, not a wrapper of croniter: croniter accepts forms the rules refuse (wrapping
ranges, L, #, H, R, years), reads day and weekday differently, and runs fixed times twice in autumn, so that
guarding and correcting it would take more code than this file and still leave its pace to it.
"""

import calendar
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.zone import DAY, first_showing, highest_wall, spans_from

_EPOCH = date(1970, 1, 1).toordinal()
_LAST = date.max.toordinal()
# Spans tried for a rare date, some sixty years: it is at most eight away, and more where a gap takes it.
_MAX_SPANS = 256
_LONGEST = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1))

MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}


@dataclass(frozen=True)
class _Field:
    """One field's name, its legal values, and the names that stand for some of them."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def top(self) -> int:
        """Largest number a value or range end may be: weekday 7 is Sunday once more."""
        return 7 if self.name == "weekday" else self.high


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 6, _WEEKDAYS),
)
_ITEM = re.compile(r"(?:(?P<all>[*?])|(?P<first>[0-9A-Za-z]+)(?:-(?P<last>[0-9A-Za-z]+))?)(?:/(?P<step>[0-9]+))?")


@dataclass(frozen=True, eq=False, slots=True)
class Cron:
    """A parsed expression. Equality is identity, so that caches can key on it cheaply.

    Attributes:
        either: day and weekday are both restricted, so either of them may match.
        repeating: second, minute or hour is written with a wildcard or step; such a schedule follows the
            wall clock through its changes, any other runs each of its times once a day.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    repeating: bool

    def first_wall(self, wall: int) -> int | None:
        """The first matching wall time at or after `wall`, or None when that is past the year 9999."""
        day, second = divmod(wall, DAY)
        ordinal = day + _EPOCH
        if ordinal < 1:
            ordinal, second = 1, 0
        found = self._day_from(ordinal)
        if found == ordinal:
            time = self._time_from(second)
            if time is not None:
                return (found - _EPOCH) * DAY + time
            found = self._day_from(ordinal + 1)
        if found is None:
            return None
        return (found - _EPOCH) * DAY + self.hours[0] * 3600 + self.minutes[0] * 60 + self.seconds[0]

    def count_walls(self, start: int, end: int) -> int:
        """How many wall times match in start <= wall < end, without visiting them."""
        if end <= start:
            return 0
        first, last = start // DAY + _EPOCH, end // DAY + _EPOCH
        per_day = len(self.hours) * len(self.minutes) * len(self.seconds)
        whole = self._count_days(first, last) * per_day
        return whole - self._count_in_day(first, start % DAY) + self._count_in_day(last, end % DAY)

    def _day_from(self, ordinal: int) -> int | None:
        """The first matching day at or after `ordinal`: at most eight years away (29 February over 2100)."""
        if ordinal > _LAST:
            return None
        start = date.fromordinal(ordinal)
        day = start.day
        for year, month in _months_from(start):
            matching = self._days_of(year, month)
            index = bisect_left(matching, day)
            if index < len(matching):
                return date(year, month, matching[index]).toordinal()
            day = 1
        return None

    def _time_from(self, second_of_day: int) -> int | None:
        """The first matching second of the day at or after the given one; None when the day has no more."""
        minute_of_day, second = divmod(second_of_day, 60)
        hour, minute = divmod(minute_of_day, 60)
        at = bisect_left(self.seconds, second)
        if at == len(self.seconds):
            at, minute = 0, minute + 1
        second = self.seconds[at]
        at = bisect_left(self.minutes, minute)
        if at == len(self.minutes):
            at, minute, hour = 0, -1, hour + 1
        if self.minutes[at] != minute:
            minute, second = self.minutes[at], self.seconds[0]
        at = bisect_left(self.hours, hour)
        if at == len(self.hours):
            return None
        if self.hours[at] != hour:
            hour, minute, second = self.hours[at], self.minutes[0], self.seconds[0]
        return hour * 3600 + minute * 60 + second

    def _days_of(self, year: int, month: int) -> tuple[int, ...]:
        if month not in self.months:
            return ()
        first_weekday, length = calendar.monthrange(year, month)
        return _matching_days(self.days, self.weekdays, self.either, first_weekday, length)

    def _count_days(self, first: int, last: int) -> int:
        """Matching days in first <= ordinal < last; costs one step a month."""
        if not 1 <= first <= _LAST:
            return 0
        begin, end = date.fromordinal(first), date.fromordinal(min(last, _LAST))
        total = -bisect_left(self._days_of(begin.year, begin.month), begin.day)
        for year, month in _months_from(begin):
            days = self._days_of(year, month)
            if (year, month) == (end.year, end.month):
                return total + bisect_left(days, end.day)
            total += len(days)
        return total

    def _count_in_day(self, ordinal: int, second_of_day: int) -> int:
        """Matching wall times of one day before the given second of it."""
        if not 1 <= ordinal <= _LAST or self._day_from(ordinal) != ordinal:
            return 0
        minute_of_day, second = divmod(second_of_day, 60)
        hour, minute = divmod(minute_of_day, 60)
        count = bisect_left(self.hours, hour) * len(self.minutes) * len(self.seconds)
        if hour in self.hours:
            count += bisect_left(self.minutes, minute) * len(self.seconds)
            if minute in self.minutes:
                count += bisect_left(self.seconds, second)
        return count


def parse_cron(text: str) -> Cron:
    """The meaning of five or six fields, or of a macro such as @daily.

    Args:
        text: printable ASCII of bounded length, without a zone prefix.

    Raises:
        ValueError: the message names the field, what is wrong in it, and what is legal.
    """
    if text.startswith("@"):
        if text not in MACROS:
            raise ValueError(f"{_quote(text)} is unknown: use {', '.join(MACROS)} or @every 1h30m")
        text = MACROS[text]
    fields = text.split()
    if len(fields) not in (5, 6):
        found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        raise ValueError(
            f"{found} found: write six, 'second minute hour day month weekday', or five without the second"
        )
    if len(fields) == 5:
        fields.insert(0, "0")
    cron = _build(fields)
    if not cron.either and all(min(cron.days) > _LONGEST[month] for month in cron.months):
        raise ValueError(f"day: {_quote(fields[3])} never comes in month {_quote(fields[4])}")
    return cron


def next_instant(cron: Cron, zone: ZoneInfo, after: int) -> int | None:
    """The first run strictly later than `after`, both in UTC seconds; None when none is left."""
    find = _next_repeating if cron.repeating else _next_fixed
    return find(cron, zone, after)


def count_instants(cron: Cron, zone: ZoneInfo, first: int, last: int) -> int:
    """How many runs lie in first < t <= last, without visiting them."""
    count = _count_repeating if cron.repeating else _count_fixed
    return count(cron, zone, first, last)


def _build(fields: list[str]) -> Cron:
    parsed = [_parse_field(field, text) for field, text in zip(_FIELDS, fields, strict=True)]
    values = [tuple(sorted(found)) for found, _ in parsed]
    return Cron(
        seconds=values[0],
        minutes=values[1],
        hours=values[2],
        days=frozenset(values[3]),
        months=frozenset(values[4]),
        weekdays=frozenset(values[5]),
        either=not (parsed[3][1] or parsed[5][1]),
        repeating=any(mark in text for text in fields[:3] for mark in "*?/"),
    )


def _parse_field(field: _Field, text: str) -> tuple[set[int], bool]:
    """The field's values, and whether it is open: one of its items is `*` or `?`, bare or with step 1."""
    values: set[int] = set()
    is_open = False
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{field.name}: {_quote(item)} is not *, ?, N or N-M, each with or without /step")
        step = None if match["step"] is None else int(match["step"])
        if step == 0:
            raise ValueError(f"{field.name}: the step in {_quote(item)} must be at least 1")
        first, last = _bounds(field, match)
        values.update(range(first, last + 1, step or 1))
        is_open = is_open or (match["all"] is not None and step in (None, 1))
    if field.name == "weekday":
        values = {value % 7 for value in values}
    return values, is_open


def _bounds(field: _Field, match: re.Match[str]) -> tuple[int, int]:
    """The first and last value of one item, before its step."""
    if match["all"]:
        return field.low, field.high
    first = _number(field, match["first"])
    if match["last"] is not None:
        last = _number(field, match["last"])
    else:
        last = first if match["step"] is None else field.high
    if last < first:
        raise ValueError(
            f"{field.name}: {_quote(match[0])} runs backwards; a range does not wrap, "
            "so write it as two items with a comma"
        )
    return first, last


def _number(field: _Field, text: str) -> int:
    if text.isdigit():
        value = int(text)
        if not field.low <= value <= field.top:
            raise ValueError(f"{field.name}: {_quote(text)} is out of range {field.low}-{field.top}")
        return value
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    legal = f"{field.low}-{field.top}"
    if field.names:
        legal += f" or {field.names[0]}-{field.names[-1]}"
    raise ValueError(f"{field.name}: {_quote(text)} is not a value; use {legal}")


def _quote(text: str) -> str:
    """The text as a message shows it: short, whatever was sent."""
    return text if len(text) <= 30 else text[:27] + "..."


@lru_cache(maxsize=8192)
def _matching_days(
    days: frozenset[int], weekdays: frozenset[int], either: bool, first_weekday: int, length: int
) -> tuple[int, ...]:
    """Matching days of a month that begins on `first_weekday` (Monday is 0) and has `length` days."""
    matching = []
    for day in range(1, length + 1):
        hits = (day in days, (first_weekday + day) % 7 in weekdays)
        if any(hits) if either else all(hits):
            matching.append(day)
    return tuple(matching)


def _months_from(start: date) -> Iterator[tuple[int, int]]:
    for month in range(start.year * 12 + start.month - 1, 10_000 * 12):
        yield month // 12, month % 12 + 1


def _next_fixed(cron: Cron, zone: ZoneInfo, after: int) -> int | None:
    """The first showing of the first wall time that lies ahead of all the clock has shown."""
    wall = cron.first_wall(highest_wall(zone, after) + 1)
    return None if wall is None else first_showing(zone, wall)


def _next_repeating(cron: Cron, zone: ZoneInfo, after: int) -> int | None:
    """The first instant whose wall time matches, tried span by span with leaps over empty years."""
    instant = after + 1
    for _ in range(_MAX_SPANS):
        span = next(spans_from(zone, instant), None)
        wall = None if span is None else cron.first_wall(instant + span.offset)
        if span is None or wall is None:
            return None
        if wall - span.offset < span.end:
            return wall - span.offset
        # Two days on, no change can bring back wall times from before `instant`, so the leap misses none.
        settled = span.end - instant >= 2 * DAY
        instant = max(span.end, wall - DAY) if settled else span.end
    return None


def _count_repeating(cron: Cron, zone: ZoneInfo, first: int, last: int) -> int:
    total = 0
    for span in spans_from(zone, first + 1):
        if span.start > last:
            break
        start, end = max(span.start, first + 1), min(span.end, last + 1)
        total += cron.count_walls(start + span.offset, end + span.offset)
    return total


def _count_fixed(cron: Cron, zone: ZoneInfo, first: int, last: int) -> int:
    total = cron.count_walls(highest_wall(zone, first) + 1, highest_wall(zone, last) + 1)
    offset = next(spans_from(zone, first)).offset
    for span in spans_from(zone, first):
        if span.start > last:
            break
        if span.start > first:  # the walls of a gap and the one right after it are one run
            merged = cron.count_walls(span.start + offset, span.start + span.offset + 1)
            total -= max(0, merged - 1)
        offset = span.offset
    return total
