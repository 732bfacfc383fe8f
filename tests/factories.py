"""Rows that tests start from, with defaults for all that a test does not care about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def execution_id_at(scheduled_at: datetime) -> UUID:
    """An id as executions have: the instant's milliseconds, then chance."""
    milliseconds = (scheduled_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | uuid4().int & (1 << 80) - 1)


class Factory:
    """Inserts rows as the owner and gives them back as dictionaries."""

    def __init__(self, conn: Connection[Any]) -> None:
        self.conn = conn

    def job(self, **given: Any) -> dict[str, Any]:
        """An active job of tenant t1, due never unless next_run_at is given."""
        values = {
            "tenant_id": "t1",
            "name": "job",
            "type": "interval",
            "schedule": "60",
            "timezone": "UTC",
            "endpoint": "http://127.0.0.1:9/",
            "method": "POST",
            "timeout_seconds": 5,
            "max_retries": 0,
            "retry_delay_seconds": 0,
            "priority": 5,
        } | given
        return self._insert("jobs", values)

    def execution(self, job: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
        """A pending execution of the job, or of a new one."""
        job = job or self.job()
        scheduled_at = given.get("scheduled_at", datetime.now(UTC) - timedelta(seconds=1))
        values = {
            "id": execution_id_at(scheduled_at),
            "job_id": job["id"],
            "tenant_id": job["tenant_id"],
            "scheduled_at": scheduled_at,
            "priority": job["priority"],
        } | given
        return self._insert("execution_queue", values)

    def running(self, worker_id: UUID, job: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
        """An execution that a worker is calling for, in its first attempt."""
        now = datetime.now(UTC)
        state = {"status": "running", "worker_id": worker_id, "attempt": 1, "claimed_at": now, "started_at": now}
        return self.execution(job, **(state | given))

    def logged(self, job: dict[str, Any] | None = None, status: str = "failed", **given: Any) -> dict[str, Any]:
        """A finished execution of the job, or of a new one; counted nowhere."""
        job = job or self.job()
        scheduled_at = given.get("scheduled_at", datetime.now(UTC) - timedelta(minutes=1))
        values = {
            "id": execution_id_at(scheduled_at),
            "job_id": job["id"],
            "tenant_id": job["tenant_id"],
            "scheduled_at": scheduled_at,
            "created_at": scheduled_at,
            "started_at": scheduled_at,
            "finished_at": scheduled_at + timedelta(seconds=1),
            "duration_ms": 10.0,
            "attempt": 1,
            "job_version": 1,
            "priority": job["priority"],
            "origin": "schedule",
            "status": status,
        } | given
        return self._insert("execution_log", values)

    def worker(self, **given: Any) -> UUID:
        """A live worker; gives its id."""
        values = {"id": uuid4(), "host": "h", "pid": 1, "version": "1", "slots": 4, "heartbeat_seconds": 5.0} | given
        return self._insert("workers", values)["id"]

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """What a query of a test finds."""
        return self.conn.execute(query, parameters).fetchall()

    def row(self, query: str, *parameters: Any) -> dict[str, Any]:
        """The one row a query of a test finds."""
        (found,) = self.rows(query, *parameters)
        return found

    def _insert(self, table: str, values: dict[str, Any]) -> dict[str, Any]:
        adapted = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in values.items()}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, adapted)),
            sql.SQL(", ").join(map(sql.Placeholder, adapted)),
        )
        return self.conn.execute(statement, adapted).fetchone()
