"""Time zones: names that are legal, and the spans between two clock changes.

Zone data is read from the tzdata package alone, never from the host, so that all instances name the same
instants. Instants and wall times are integers: seconds since 1970-01-01 00:00, in UTC or on the clock.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST = (2 - _EPOCH) * DAY  # zoneinfo overflows within a day of datetime's own ends
_LAST = (date.max.toordinal() - 1 - _EPOCH) * DAY
# Shorter than the shortest stretch between two clock changes in the zone data: 6.9 days (Recife, Gaza).
_STRIDE = 5 * DAY


class Span(NamedTuple):
    """A stretch start <= t < end in which the wall clock shows t + offset. A year's end also ends a span."""

    start: int
    end: int
    offset: int  # seconds east of UTC


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA name, aliases included."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


def load_zone(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        ValueError: not an IANA name; folders, files, paths and offsets never are.
    """
    if name not in zone_names():
        shown = name if len(name) <= 40 else name[:37] + "..."
        raise ValueError(f"{shown!r} is not an IANA time zone; write one such as UTC or Europe/Berlin")
    return _read_zone(name)


@lru_cache(maxsize=1024)
def _read_zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def spans_from(zone: ZoneInfo, instant: int) -> Iterator[Span]:
    """The span that holds `instant`, then those that follow it, to the end of the year 9999."""
    ordinal = min(max(instant // DAY + _EPOCH, 1), date.max.toordinal())
    for year in range(date.fromordinal(ordinal).year, 10_000):
        yield from (span for span in _spans_of(zone, year) if span.end > instant)


def highest_wall(zone: ZoneInfo, instant: int) -> int:
    """The furthest wall time shown up to `instant`; in the second pass of an hour, the first one's end."""
    furthest = instant - 2 * DAY
    for span in spans_from(zone, instant - 2 * DAY):
        if span.start > instant:
            break
        furthest = max(furthest, min(span.end - 1, instant) + span.offset)
    return furthest


def first_showing(zone: ZoneInfo, wall: int) -> int | None:
    """The first instant at which the clock shows `wall` or, having skipped it, something later."""
    for span in spans_from(zone, wall - DAY):
        instant = max(span.start, wall - span.offset)
        if instant < span.end:
            return instant
    return None


def showings(zone: ZoneInfo, wall: int) -> list[int]:
    """Every instant at which the clock shows `wall`: none in a gap, two in a repeated hour."""
    found = []
    for span in spans_from(zone, wall - DAY):
        if span.start > wall + DAY:
            break
        if span.start <= wall - span.offset < span.end:
            found.append(wall - span.offset)
    return found


@lru_cache(maxsize=8192)
def _spans_of(zone: ZoneInfo, year: int) -> tuple[Span, ...]:
    """One year's spans. zoneinfo tells no transitions: the offset is probed, and halving finds them."""
    begin = (date(year, 1, 1).toordinal() - _EPOCH) * DAY
    end = (date(year, 12, 31).toordinal() + 1 - _EPOCH) * DAY
    spans, start, offset = [], begin, _offset(zone, begin)
    for probe in (*range(begin + _STRIDE, end, _STRIDE), end - 1):
        while _offset(zone, probe) != offset:
            change = _first_change(zone, start, probe)
            spans.append(Span(start, change, offset))
            start, offset = change, _offset(zone, change)
    spans.append(Span(start, end, offset))
    return tuple(spans)


def _first_change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second whose offset differs from the one at `before`, given that the one at `after` does."""
    offset = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, instant: int) -> int:
    moment = datetime.fromtimestamp(min(max(instant, _FIRST), _LAST), UTC)
    shift = moment.astimezone(zone).replace(tzinfo=None) - moment.replace(tzinfo=None)
    return shift.days * DAY + shift.seconds
