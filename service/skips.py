"""Skips: instants that will not run, each range of them a row in the log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import metrics, sql
from service.policy import Skip

_skip = sql.execute("tick.skip")


def record(conn: Connection[Any], skips: Sequence[tuple[UUID, Skip]]) -> None:
    """Leave a row in the log for each range of instants of a job that will not run."""
    if not skips:
        return
    _skip(
        conn,
        job_ids=[job_id for job_id, _ in skips],
        firsts=[skip.first for _, skip in skips],
        lasts=[skip.last for _, skip in skips],
        counts=[skip.count for _, skip in skips],
        reasons=[skip.reason for _, skip in skips],
    )
    for _, skip in skips:
        metrics.SKIPPED.labels(reason=skip.reason).inc(skip.count)
