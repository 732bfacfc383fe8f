"""Reruns: finished executions run again, each as a new execution of its job as the job is today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import Connection

from service import executions, sql
from service.errors import heed
from service.rows import DeadLetter, ExecutionDetail, Rerun

COUNTED = 10_000  # executions that match are counted up to here
SHOWN = 20

_rerun = sql.many("executions.rerun", row=Rerun)
_dead_letters = sql.many("executions.dead_letters", row=DeadLetter)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rerun of many did, or would do."""

    matched: int  # executions, counted up to COUNTED
    rerun: int
    sample: list[DeadLetter]


def rerun(conn: Connection[Any], tenant_id: str, id: UUID) -> ExecutionDetail:
    """Run a finished execution again, now; gives the new one.

    Raises:
        NotFound: no such execution.
        Conflict: it has not finished, was never run, is being run again already, or its job is deleted.
    """
    (done,) = _rerun(conn, tenant_id=tenant_id, ids=[id], again=True)
    heed(done)
    return executions.get(conn, tenant_id=tenant_id, id=done.rerun_id)


def rerun_all(
    conn: Connection[Any],
    tenant_id: str,
    statuses: Sequence[str],
    filters: Mapping[str, object],
    limit: int,
    *,
    dry_run: bool,
) -> Outcome:
    """Run the executions again that match and have not been run again yet, `limit` of them at most; none in a dry run.

    Args:
        filters: job_id, start_time, end_time and error_code; None for any.
    """
    found = _dead_letters(conn, tenant_id=tenant_id, statuses=list(statuses), **filters, limit=COUNTED)
    if dry_run:
        return Outcome(len(found), 0, found[:SHOWN])
    asked = [letter.id for letter in found[:limit]]
    made = {item.id: item.rerun_id for item in _rerun(conn, tenant_id=tenant_id, ids=asked, again=False)}
    again = [replace(letter, rerun_id=made[letter.id]) for letter in found[:limit] if made[letter.id] is not None]
    return Outcome(len(found), len(again), again[:SHOWN])
