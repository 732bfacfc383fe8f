"""Every metric of the service, by name. /metrics shows them in the Prometheus text format.

Under a supervisor each process keeps its values in files of its own, and one of them shows the sum of all: see
service.child, and the `multiprocess_mode` that says what becomes of each gauge.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from service.rows import ServiceState

NEWEST: Final = "livemostrecent"  # the whole service's, as whoever was asked last has found it
SUM: Final = "livesum"  # over the processes that live


class BatchHistogram(Histogram):
    """A histogram, without labels, that takes many values at a fraction of the cost of observe()."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        """Observe each of them."""
        places = Tally(bisect_left(self._upper_bounds, amount) for amount in amounts)
        self._sum.inc(sum(amounts))
        for place, count in places.items():
            self._buckets[place].inc(count)


ATTEMPTS = Counter("scheduler_attempts", "Calls made, by how they ended", ["outcome"])
ATTEMPT_DURATION = BatchHistogram(
    "scheduler_attempt_duration_seconds",
    "Duration of calls",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
START_LAG = BatchHistogram(
    "scheduler_start_lag_seconds",
    "First claim of an execution after its scheduled_at",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300),
)
MATERIALIZED = Counter("scheduler_materialized_executions", "Executions made pending by the tick")
TICK_DURATION = Histogram("scheduler_tick_duration_seconds", "Duration of ticks that found something due")
TICK_JOBS = Histogram("scheduler_tick_jobs", "Due jobs a tick dealt with", buckets=(1, 3, 10, 30, 100, 300, 1000))
SKIPPED = Counter("scheduler_skipped_instants", "Instants that did not run, by reason", ["reason"])
RETRIES = Counter("scheduler_retries", "Attempts that ended with a retry ahead")
RESCUED = Counter("scheduler_rescued_executions", "Executions taken back from workers that died")
FENCED = Counter("scheduler_fenced_outcomes", "Outcomes that came after their execution was taken away")
BUSY = Gauge("scheduler_busy_slots", "Calls under way in this instance", multiprocess_mode=SUM)
OPEN_BREAKERS = Gauge(
    "scheduler_open_breakers", "Hosts that some tenant's calls are held back from", multiprocess_mode=NEWEST
)
LEASE_HELD = Gauge("scheduler_lease_held", "1 while this instance holds the ticker lease", multiprocess_mode="livemax")
LEASE_CHANGES = Counter("scheduler_lease_changes", "Times the ticker lease was taken or lost here", ["change"])
DATABASE_ERRORS = Counter("scheduler_database_errors", "Statements that failed through no fault of a client's request")
POOL_CONNECTIONS = Gauge("scheduler_pool_connections", "Database sessions open", ["pool"], multiprocess_mode=SUM)
POOL_REQUESTS = Counter("scheduler_pool_requests", "Times a database session was asked for", ["pool"])
POOL_WAITS = Counter("scheduler_pool_waits", "Times a database session had to be waited for", ["pool"])
POOL_WAIT_SECONDS = Counter("scheduler_pool_wait_seconds", "Time spent waiting for a database session", ["pool"])
POOL_TIMEOUTS = Counter("scheduler_pool_timeouts", "Times no database session was to be had", ["pool"])
REQUESTS = Counter("scheduler_http_requests", "API requests", ["method", "route", "status"])
REQUEST_DURATION = Histogram("scheduler_http_request_duration_seconds", "Duration of API requests", ["method", "route"])
PROCESSES = Gauge("scheduler_processes", "Processes of this instance", ["role"], multiprocess_mode=SUM)
RESTARTS = Counter("scheduler_process_restarts", "Processes started anew after they died", ["role"])
DATABASE_UP = Gauge("scheduler_database_up", "1 when the scrape reached the database", multiprocess_mode=NEWEST)
QUEUE_DEPTH = Gauge(
    "scheduler_queue_depth",
    "Live executions by state; counting stops at 100,000",
    ["status"],
    multiprocess_mode=NEWEST,
)
OVERDUE = Gauge(
    "scheduler_overdue_seconds", "Age of the oldest due run that is not materialized yet", multiprocess_mode=NEWEST
)
LIVE_WORKERS = Gauge("scheduler_live_workers", "Engine processes with a fresh heartbeat", multiprocess_mode=NEWEST)
SLOTS = Gauge(
    "scheduler_worker_slots", "Calls that all live engine processes can make at once", multiprocess_mode=NEWEST
)


def show_state(state: ServiceState | None) -> None:
    """Set the gauges about the whole service, as each scrape does; None when the database is out of reach."""
    DATABASE_UP.set(state is not None)
    if state is None:
        return
    QUEUE_DEPTH.labels("pending").set(state.pending)
    QUEUE_DEPTH.labels("running").set(state.running)
    QUEUE_DEPTH.labels("retrying").set(state.retrying)
    OVERDUE.set(state.overdue_seconds)
    LIVE_WORKERS.set(state.workers)
    SLOTS.set(state.slots)


def show_pool(name: str, stats: dict[str, int]) -> None:
    """Count what a pool of sessions did since it was last asked, by its pop_stats()."""
    POOL_CONNECTIONS.labels(name).set(stats.get("pool_size", 0))
    POOL_REQUESTS.labels(name).inc(stats.get("requests_num", 0))
    POOL_WAITS.labels(name).inc(stats.get("requests_queued", 0))
    POOL_WAIT_SECONDS.labels(name).inc(stats.get("requests_wait_ms", 0) / 1000)
    POOL_TIMEOUTS.labels(name).inc(stats.get("requests_errors", 0))


def exposition() -> bytes:
    """All metrics, of all processes of the instance, in the Prometheus text format."""
    if not getattr(values.ValueClass, "_multiprocess", False):
        return generate_latest(REGISTRY)
    registry: Any = CollectorRegistry()
    FilledFiles(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class FilledFiles(MultiProcessCollector):
    """Collects from the files of all processes, save those that one which starts has made and not begun to fill.

    Such a file has no size yet, and the library cannot read it: killed at that moment, a process leaves it so.
    """

    def collect(self) -> Iterable[Any]:
        """The metrics of all files that hold any."""
        files = [str(path) for path in Path(self._path).glob("*.db") if _size(path)]
        return self.merge(files)  # type: ignore[no-untyped-call, no-any-return]


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):  # of a process that has just died
        return path.stat().st_size
    return 0
