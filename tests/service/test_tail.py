"""Following executions: each is told once, whenever and in whatever order it ends."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.cli.tail import Follower, Row


class Service:
    """Executions as the API lists them."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.read = 0

    def put(self, id: str, second: int, status: str) -> None:
        ended = f"2026-01-01T01:00:{second % 60:02}Z" if status == "completed" else None
        at = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
        self.rows[id] = {"id": id, "scheduled_at": at, "status": status, "finished_at": ended}

    def newest(self) -> Iterator[Row]:
        for row in sorted(self.rows.values(), key=lambda row: row["scheduled_at"], reverse=True):
            self.read += 1
            yield dict(row)

    def follower(self, status: str | None = None) -> Follower:
        return Follower(self.newest, self.rows.get, status)


@pytest.fixture
def service() -> Service:
    return Service()


def ids(rows: list[Row]) -> list[str]:
    return [row["id"] for row in rows]


def test_the_last_ones_come_first_oldest_first(service: Service) -> None:
    for second in range(5):
        service.put(f"e{second}", second, "completed")

    assert ids(service.follower().first(2)) == ["e3", "e4"]


def test_what_was_there_before_is_not_told_later(service: Service) -> None:
    service.put("a", 1, "completed")
    follower = service.follower()
    follower.first(0)

    assert follower.more() == []


def test_a_row_is_told_once_when_it_ends(service: Service) -> None:
    service.put("a", 1, "running")
    follower = service.follower()
    follower.first(10)
    service.put("a", 1, "completed")

    assert (ids(follower.more()), ids(follower.more())) == (["a"], [])


def test_one_that_runs_long_is_told_however_many_came_after(service: Service) -> None:
    service.put("slow", 1, "running")
    follower = service.follower()
    follower.first(10)
    service.put("later", 2000, "completed")
    first = ids(follower.more())
    service.put("slow", 1, "completed")

    assert (first, ids(follower.more())) == (["later"], ["slow"])


def test_one_that_appears_late_is_told(service: Service) -> None:
    service.put("a", 100, "completed")
    follower = service.follower()
    follower.first(10)
    service.put("late", 90, "completed")

    assert ids(follower.more()) == ["late"]


def test_another_state_is_told_when_it_is_asked_for(service: Service) -> None:
    follower = service.follower("running")
    follower.first(10)
    service.put("a", 1, "running")
    service.put("b", 1, "completed")

    assert (ids(follower.more()), ids(follower.more())) == (["a"], [])


def test_a_look_reads_no_further_than_it_must(service: Service) -> None:
    for second in range(1000):
        service.put(f"e{second}", second, "completed")
    follower = service.follower()
    follower.first(1)
    service.read = 0

    follower.more()

    assert service.read < 20
