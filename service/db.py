"""Connections and transactions: the pool, the tenant of a transaction, driver errors turned into ours."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from psycopg import Connection, errors
from psycopg.abc import PQGen
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout
from pydantic_core import from_json

from service import metrics, sql
from service.config import Config
from service.errors import Conflict, KeyTaken, Problem, ServiceError, Unavailable, ValidationFailed

RV = TypeVar("RV")
STATEMENT_SECONDS = {"api": 4, "engine": 30, "admin": 30}  # the server ends a statement after these

# What engine and API ask is found by indexes, and those are walked in their order: a plan that gathers rows first, to
# read or sort them all, is never better by much, and where statistics are missing (after a restore) or old it reads a
# tenant's whole log for a page of it. Nor is a tenant's row found faster among all the others'.
WALKING = " -c enable_seqscan=off -c enable_bitmapscan=off -c jit=off"
# The engine's values are bound, so one plan of a statement serves for all of them.
PLANNING = {"api": WALKING, "admin": "", "engine": f"{WALKING} -c plan_cache_mode=force_generic_plan"}
# Plans are kept for so long, and so many uses: a burst after a quiet time is not the moment to plan.
PLAN_SECONDS = 10.0
PLAN_USES = 250
# The client ends a session that has said nothing for these.
ANSWER_SECONDS = {"api": 5.5, "engine": 35.0, "admin": 35.0}

# A process frozen within a transaction keeps its row locks, and other tickers pass those jobs over: the server ends
# such a session before a run can be late by more than three seconds.
IDLE_SECONDS = 2

# For all sessions of the process. The standard library's takes ten times as long for the small objects that a job has.
set_json_loads(from_json)

_discard_plans = sql.execute("session.discard_plans")
allow_gathering = sql.execute("session.allow_gathering")  # for sums over all of a tenant, to the transaction's end
_allow_seconds = sql.execute("session.allow_seconds")
_enter_role = sql.execute("session.enter_role")
_enter_tenant = sql.execute("session.enter_tenant")


class Session(Connection[Any]):
    """A connection that waits for no answer longer than its limit: a frozen server accepts and never replies."""

    answer_seconds = ANSWER_SECONDS["api"]
    keeps_plans = False
    _uses = 0
    _planned_at = float("-inf")

    def renew_plans(self) -> None:
        """Make the plans that this session keeps anew, now and then.

        Planning takes a third as long as what a busy engine's statements do, so the plans of those between a due run
        and its outcome are kept (service/sql.py: kept). A plan may be of a time at which the queue was empty, when all
        ways to a row cost the same: these statements leave the planner one way to look ids up, see tests/sql.
        """
        if not self.keeps_plans:
            return
        self._uses += 1
        if self._uses > PLAN_USES and time.monotonic() - self._planned_at >= PLAN_SECONDS:
            self._uses, self._planned_at = 0, time.monotonic()
            _discard_plans(self)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an operation to end; a session whose server stays silent is closed."""
        limit = self.answer_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server said nothing for {limit:g} s") from error


Pool = ConnectionPool[Session]


def connect(config: Config, role: str) -> Connection[Any]:
    """Open one autocommit session of role `api`, `engine` or `admin`, outside any pool (for LISTEN, say)."""
    conn: Connection[Any] = psycopg.connect(config.database_conninfo, **_session_arguments(role))
    _enter_role(conn, role=f"scheduler_{role}")
    return conn


def open_pool(config: Config, role: str, size: int, warm: Callable[[Connection[Any]], None] | None = None) -> Pool:
    """Open a pool of at most `size` sessions that work as the database role scheduler_<role>.

    Does not wait for the database: sessions come as soon as it can be reached, and each goes to warm() first.
    """
    return ConnectionPool(
        config.database_conninfo,
        kwargs=_session_arguments(role),
        connection_class=Session,
        min_size=min(2, size),
        max_size=size,
        timeout=5.0,
        reconnect_timeout=5.0,
        configure=lambda conn: _configure(conn, role, warm),
        check=ConnectionPool.check_connection if role == "api" else None,
        name=role,
        open=True,
    )


def _configure(conn: Session, role: str, warm: Callable[[Connection[Any]], None] | None) -> None:
    conn.answer_seconds = ANSWER_SECONDS[role]
    conn.keeps_plans = role == "engine"
    _enter_role(conn, role=f"scheduler_{role}")
    if warm is not None:
        warm(conn)


def _session_arguments(role: str) -> dict[str, Any]:
    return {
        "autocommit": True,
        "application_name": f"scheduler-{role}",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        # Optional filters need a plan made for their values: see executions.list.
        "prepare_threshold": None if role == "api" else 0,
        "options": f"-c statement_timeout={STATEMENT_SECONDS[role]}s -c lock_timeout=5s"
        f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s -c timezone=UTC{PLANNING[role]}",
    }


@contextmanager
def transaction(
    pool: Pool, tenant: str | None = None, actor: str | None = None, request_id: str | None = None
) -> Iterator[Connection[Any]]:
    """Run a block in one transaction, as `tenant` where one is given; commits at the end.

    Args:
        actor: who the audit log says has acted, within a request of a tenant; None is "api".
        request_id: where the audit log says it came from.

    Raises:
        ValidationFailed, Conflict: a constraint refused what was written.
        Unavailable: the database is out of reach, shutting down, or too slow.
    """
    try:
        with pool.connection() as conn:
            conn.renew_plans()
            with conn.transaction():
                if tenant is not None:
                    _enter_tenant(conn, tenant=tenant, actor=actor, request_id=request_id)
                yield conn
    except psycopg.Error as error:
        raise translated(error) from error


@contextmanager
def patient_transaction(pool: Pool, seconds: int) -> Iterator[Connection[Any]]:
    """Run a block in one transaction whose statements may take so long; else as transaction()."""
    with transaction(pool) as conn:
        session = cast(Session, conn)
        usual, session.answer_seconds = session.answer_seconds, seconds + 5.0
        try:
            _allow_seconds(conn, seconds=seconds)
            yield conn
        finally:
            session.answer_seconds = usual


@contextmanager
def savepoint(conn: Connection[Any]) -> Iterator[None]:
    """Run a block so that an error undoes it and leaves the transaction usable; raises as transaction() does."""
    try:
        with conn.transaction():
            yield
    except psycopg.Error as error:
        raise translated(error) from error


@contextmanager
def session(pool: Pool) -> Iterator[Connection[Any]]:
    """Lend an autocommit connection for single statements; raises as transaction() does."""
    try:
        with pool.connection() as conn:
            conn.renew_plans()
            yield conn
    except psycopg.Error as error:
        raise translated(error) from error


def translated(error: psycopg.Error) -> ServiceError | psycopg.Error:
    """Our error for a driver error, by SQLSTATE and constraint; the error itself when it is a fault of ours."""
    constraint = error.diag.constraint_name or ""
    if isinstance(error, errors.UniqueViolation):
        return KeyTaken() if constraint == "jobs_key_idx" else Conflict(f"already exists ({constraint})")
    if isinstance(error, errors.CheckViolation):
        return ValidationFailed([Problem(_field_of(constraint), f"breaks the rule {constraint}")])
    metrics.DATABASE_ERRORS.inc()
    return Unavailable() if is_unavailable(error) else error


def is_unavailable(error: Exception) -> bool:
    """Whether trying again later may help: connection lost, pool exhausted, server going down, lock or disk trouble."""
    return isinstance(
        error,
        # A read-only server is a standby, or a primary that has just become one.
        PoolTimeout
        | PoolClosed
        | psycopg.OperationalError
        | psycopg.InterfaceError
        | errors.ReadOnlySqlTransaction
        | errors.IdleInTransactionSessionTimeout,
    )


def _field_of(constraint: str) -> str:
    table, _, rule = constraint.partition("_")
    for suffix in ("_in_range", "_length", "_known", "_pattern", "_object", "_http", "_count"):
        rule = rule.removesuffix(suffix)
    return rule.removesuffix("_seconds") or table
