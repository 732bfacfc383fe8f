"""Every metric of the service, by name. /metrics shows them in the Prometheus text format."""

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from service.rows import ServiceState

ATTEMPTS = Counter("scheduler_attempts", "Calls made, by how they ended", ["outcome"])
ATTEMPT_DURATION = Histogram(
    "scheduler_attempt_duration_seconds",
    "Duration of calls",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
START_LAG = Histogram(
    "scheduler_start_lag_seconds",
    "First claim of an execution after its scheduled_at",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300),
)
MATERIALIZED = Counter("scheduler_materialized_executions", "Executions made pending by the tick")
TICK_DURATION = Histogram("scheduler_tick_duration_seconds", "Duration of ticks that found something due")
SKIPPED = Counter("scheduler_skipped_instants", "Instants that did not run, by reason", ["reason"])
RETRIES = Counter("scheduler_retries", "Attempts that ended with a retry ahead")
RESCUED = Counter("scheduler_rescued_executions", "Executions taken back from workers that died")
FENCED = Counter("scheduler_fenced_outcomes", "Outcomes that came after their execution was taken away")
BUSY = Gauge("scheduler_busy_slots", "Calls under way in this process")
LEASE_HELD = Gauge("scheduler_lease_held", "1 while this process holds the ticker lease")
DATABASE_ERRORS = Counter("scheduler_database_errors", "Batches that failed because the database was out of reach")
REQUESTS = Counter("scheduler_http_requests", "API requests", ["method", "route", "status"])
REQUEST_DURATION = Histogram("scheduler_http_request_duration_seconds", "Duration of API requests", ["method", "route"])
DATABASE_UP = Gauge("scheduler_database_up", "1 when the scrape reached the database")
QUEUE_DEPTH = Gauge("scheduler_queue_depth", "Live executions by state; counting stops at 100,000", ["status"])
OVERDUE = Gauge("scheduler_overdue_seconds", "Age of the oldest due run that is not materialized yet")
LIVE_WORKERS = Gauge("scheduler_live_workers", "Engine processes with a fresh heartbeat")
SLOTS = Gauge("scheduler_worker_slots", "Calls that all live engine processes can make at once")


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


def exposition() -> bytes:
    """All metrics in the Prometheus text format."""
    return generate_latest()
