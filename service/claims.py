"""Claims: executions a worker has taken, and what can be done with them. Bound statements of sql/queries/work.sql."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from service import sql
from service.policy import BackoffKind


class ClaimedExecution(NamedTuple):
    """One execution to call now, with its job's request. The request is None when the job's row is gone."""

    id: str  # both ids as calls and lines tell them
    job_id: str
    tenant_id: str
    worker_id: UUID
    scheduled_at: datetime
    attempt: int  # from 1
    job_version: int | None
    priority: int
    rank: int  # its place in the order of claims, among those of its priority
    endpoint: str | None
    method: str | None
    headers: str | None  # a JSON object as text, which most jobs of a tenant have in common
    payload: str | None  # JSON text; None sends no body
    sealed: str | None  # the secret values that headers and payload have masks for
    signing: list[str] | None  # what the call is signed with, sealed; None: it is not
    timeout_seconds: int | None
    max_retries: int | None
    retry_delay_seconds: int | None
    retry_backoff: BackoffKind | None
    retry_max_delay_seconds: int | None
    retry_on: list[str] | None  # None: the default set
    lag_seconds: float  # claim after scheduled_at, by the database's clock


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution and the attempt it was claimed for."""

    id: str
    attempt: int


PRIORITIES = range(10, 0, -1)  # in the order of claims
BOTTOM = (0,) * len(PRIORITIES)
LOOK = 1000  # rows a claim looks at, for each priority, when it leaves some tenants out

claimed_ranks = sql.value("work.claimed_ranks", kept=True)
_claim = sql.many("work.claim", row=ClaimedExecution, binary=True, kept=True)
_kept_claims = sql.many("work.kept_claims", row=Claim, kept=True)
_hand_back = sql.execute("work.hand_back", kept=True)
return_strays = sql.execute("work.return_strays")


def claim(
    conn: Connection[Any],
    *,
    worker_id: UUID,
    limit: int,
    floors: Sequence[int] = BOTTOM,
    passed_tenants: Sequence[str] = (),
    look: int = LOOK,
) -> list[ClaimedExecution]:
    """Take up to `limit` pending executions, best first.

    Args:
        conn: committing it makes them the worker's.
        worker_id: who calls; must be registered, or they are taken for lost.
        limit: at least 1.
        floors: the rank at which to begin for each of PRIORITIES; lower ones are not seen.
        passed_tenants: whose executions to leave. Others' are then looked for among the first `look` of each priority.
        look: at least 1.
    """
    return _claim(
        conn,
        worker_id=worker_id,
        limit=limit,
        floors=sql.array(floors),
        passed_tenants=sql.texts(passed_tenants),
        look=look,
    )


def lost(conn: Connection[Any], worker_id: UUID, claimed: Sequence[ClaimedExecution]) -> list[ClaimedExecution]:
    """Those of a worker's claims that do not stand any more: cancelled, or taken back."""
    rows = _kept_claims(conn, worker_id=worker_id, ids=[item.id for item in claimed])
    kept = {(row.id, row.attempt) for row in rows}
    return [item for item in claimed if (item.id, item.attempt) not in kept]


def hand_back(conn: Connection[Any], worker_id: UUID, claimed: Sequence[ClaimedExecution]) -> int:
    """Return claims to pending with their attempt unspent. Returns how many still stood."""
    return _hand_back(conn, worker_id=worker_id, **_keys(claimed))


def _keys(claimed: Sequence[ClaimedExecution]) -> dict[str, object]:
    return {"ids": [item.id for item in claimed], "attempts": [item.attempt for item in claimed]}
