"""Following executions: which rows are new since the last look. Asks again and again; the API holds no stream open."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

Row = Mapping[str, Any]
FINAL = ("completed", "failed", "timeout", "cancelled", "skipped")
OVERLAP = timedelta(seconds=15)  # rows are looked for so far back, since those of an instant do not appear at once
LOOK = 2_000  # rows looked through for the ones to begin with
KEPT = 100_000  # ids of shown rows that are remembered at most, the latest


class Follower:
    """Tells each execution once, when it is first found in a state that is asked for.

    Args:
        newest: gives executions, newest scheduled_at first, as many as are taken from it.
        one: gives one execution by id, None when it is gone.
        status: tell those of this state; None tells those that have ended.
    """

    def __init__(
        self, newest: Callable[[], Iterator[Row]], one: Callable[[str], Row | None], status: str | None
    ) -> None:
        self._newest = newest
        self._one = one
        self._wanted = (status,) if status else FINAL
        self._told: OrderedDict[str, None] = OrderedDict()
        self._waiting: dict[str, None] = {}  # seen, may still come into a state that is asked for
        self._horizon: datetime | None = None  # scheduled_at of the newest row seen

    def first(self, count: int) -> list[Row]:
        """The last `count` rows that are to be told, oldest first; all others there are count as told.

        Looks no further than LOOK rows back.
        """
        matching: list[Row] = []
        horizon = None
        for row in islice(self._newest(), LOOK):
            horizon = horizon or _at(row)
            if row["status"] in self._wanted:
                self._remember(row["id"])
                matching.append(row)
            elif row["status"] not in FINAL:
                self._waiting[row["id"]] = None
            if len(matching) >= count and _at(row) < horizon - OVERLAP:
                break
        self._horizon = horizon
        return matching[:count][::-1]

    def more(self) -> list[Row]:
        """Rows that have come since the last look, oldest first."""
        found: dict[str, Row] = {row["id"]: row for row in self._recent()}
        for id in [id for id in self._waiting if id not in found]:
            row = self._one(id)
            if row is None:
                del self._waiting[id]
            else:
                found[id] = row
        return sorted(self._new(found.values()), key=lambda row: (row["finished_at"] or "", row["scheduled_at"]))

    def _recent(self) -> Iterator[Row]:
        horizon = self._horizon
        for row in self._newest():
            at = _at(row)
            if horizon is not None and at < horizon - OVERLAP:
                return
            self._horizon = max(self._horizon or at, at)
            yield row

    def _new(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if row["status"] in self._wanted:
                self._waiting.pop(row["id"], None)
                if row["id"] not in self._told:
                    self._remember(row["id"])
                    yield row
            elif row["status"] in FINAL:
                self._waiting.pop(row["id"], None)
            else:
                self._waiting[row["id"]] = None

    def _remember(self, id: str) -> None:
        self._told[id] = None
        if len(self._told) > KEPT:
            self._told.popitem(last=False)


def _at(row: Row) -> datetime:
    return datetime.fromisoformat(row["scheduled_at"])
