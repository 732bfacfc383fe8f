"""One run: servers, a fleet, jobs, clients and faults; then everything is repaired, settles, and is compared."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from service import migrate
from service.config import Config
from tests.chaos import plans
from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.operator import Operator
from tests.chaos.oracle import judge
from tests.chaos.plans import Planned
from tests.chaos.receiver import Receiver
from tests.chaos.report import Report
from tests.chaos.servers import Backing, backing

BURST = 400  # executions at one instant, before the faults and after them
SETTLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of."""

    seed: int
    seconds: float  # how long faults go on
    jobs: int
    burst: int = BURST
    pause: float = 2.5  # mean seconds between two faults


def run(plan: Plan, environ: Mapping[str, str], folder: Path) -> Report:
    """Do it all. Raises when the harness itself cannot do its part (a server that does not come back)."""
    with backing(environ) as servers, contextlib.closing(Receiver(plan.seed)) as receiver:
        migrate.migrate_up(servers.database_url)
        config = Config.from_env(servers.settings())
        with fleet(config, folder) as processes:
            return _run(plan, servers, processes, receiver)


def _run(plan: Plan, servers: Backing, processes: Fleet, receiver: Receiver) -> Report:
    before = _burst(plan, servers, processes, receiver)
    start = _whole_second(datetime.now(UTC) + timedelta(seconds=3 + plan.jobs / 40))
    end = start + timedelta(seconds=int(plan.seconds) + 5.5)
    planned = plans.make(plan.seed, plan.jobs, receiver.url, start, end)
    _register(processes, planned)
    late = (datetime.now(UTC) - start).total_seconds()
    if late > 0:
        raise RuntimeError(f"the jobs were registered {late:.1f} s after their start: fewer jobs, or a quicker machine")
    clients = Operator(plan.seed, processes, planned, servers.database_url)
    damage = Faults(plan.seed, servers, processes, receiver, plan.pause)
    clients.start()
    try:
        damage.run((end - datetime.now(UTC)).total_seconds())
    finally:
        clients.stop()
    settled = _settle(servers, end)
    after = _burst(plan, servers, processes, receiver)
    with _session(servers) as conn:
        verdict = judge(conn, planned, clients.triggered, receiver.requests, damage.record)
    codes = processes.close()
    bursts = before, after
    return Report(
        plan.seed, plan.seconds, planned, verdict, damage.record, processes, clients.acts, codes, bursts, settled
    )


def _register(processes: Fleet, planned: Sequence[Planned]) -> None:
    for job in planned:
        status, answer = processes.ask("POST", "/api/v1/jobs", job.tenant, job.body)
        if status != 201:
            raise RuntimeError(f"{job.body}: {status} {answer}")
        job.id = answer["data"]["id"]


def _burst(plan: Plan, servers: Backing, processes: Fleet, receiver: Receiver) -> float:
    """Deliveries a second of many executions that are due at one instant."""
    at = _whole_second(datetime.now(UTC) + timedelta(seconds=2 + plan.burst / 40))
    jobs = plans.burst(plan.burst, receiver.url, at)
    _register(processes, jobs)
    ids = {job.id for job in jobs}
    _settle(servers, at)
    arrived = [request.at for request in receiver.requests if request.job_id in ids]
    return len(arrived) / max((max(arrived) - min(arrived)).total_seconds(), 0.001) if arrived else 0.0


def _settle(servers: Backing, end: datetime) -> float:
    """Wait until nothing is due or live. Returns the seconds that took after `end`; stops waiting after two minutes."""
    time.sleep(max((end - datetime.now(UTC)).total_seconds(), 0))
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), _session(servers) as conn:
            if _is_quiet(conn):
                break
        time.sleep(0.2)
    return (datetime.now(UTC) - end).total_seconds()


def _is_quiet(conn: Connection[dict[str, Any]]) -> bool:
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM execution_queue) OR EXISTS (SELECT FROM job_counts) "
        "OR EXISTS (SELECT FROM jobs WHERE next_run_at < now() + interval '1 hour') AS live"
    ).fetchone()
    return row is not None and not row["live"]


def _session(servers: Backing) -> Connection[dict[str, Any]]:
    return psycopg.connect(servers.database_url, autocommit=True, row_factory=dict_row, connect_timeout=5)


def _whole_second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0) + timedelta(seconds=1)
