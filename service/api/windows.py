"""Windows of UTC days, which begin and end by the database's clock."""

from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from service import jobs
from service.api.requests import MAX_DAYS, Window
from service.errors import Problem, ValidationFailed

DEFAULT_DAYS = 30


def last_days(conn: Connection[Any], days: int) -> tuple[date, date]:
    """The last `days` days, today included."""
    today = _today(conn)
    return today - timedelta(days=days - 1), today


def window_of(conn: Connection[Any], query: Window) -> tuple[date, date]:
    """First and last day of a window, its open ends filled in."""
    start, end = query.start_date, query.end_date
    if end is None:
        end = max(_today(conn), start or date.min)
    if start is None:
        start = end - timedelta(days=DEFAULT_DAYS - 1)
    if (end - start).days >= MAX_DAYS:
        problem = Problem("start_date", f"must be within {MAX_DAYS} days of end_date, which is {end}", "out_of_range")
        raise ValidationFailed([problem])
    return start, end


def _today(conn: Connection[Any]) -> date:
    now: datetime = jobs.now(conn)
    return now.date()
