"""The audit log: who changed what. A change of a job records itself (a trigger does); other actions call record()."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from service import sql


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action."""

    id: UUID
    at: datetime
    tenant_id: str
    actor: str  # key:<id>, api or role:<name>
    action: str  # job.update, execution.cancel and the like
    entity_id: UUID | None  # None: the tenant's only one
    job_id: UUID | None  # of job and execution actions
    before: dict[str, Any] | None  # what changed, as it was
    after: dict[str, Any] | None  # what changed, as it became, or what was asked for
    request_id: str | None  # None: not by a request


page = sql.many("audit.list", row=AuditEntry)
count = sql.value("audit.count")
_record = sql.execute("audit.record")


def record(
    conn: Connection[Any],
    tenant_id: str,
    action: str,
    entity_id: UUID | None,
    job_id: UUID | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Record an action that changes no row of jobs, by the transaction's actor; never pass a secret value."""
    _record(
        conn,
        tenant_id=tenant_id,
        action=action,
        entity_id=entity_id,
        job_id=job_id,
        before=None if before is None else Jsonb(before),
        after=None if after is None else Jsonb(after),
    )
