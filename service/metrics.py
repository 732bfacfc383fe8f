"""Every metric of the service, by name. /metrics shows them in the Prometheus text format."""

from prometheus_client import Counter, Gauge, Histogram

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
DATABASE_ERRORS = Counter(
    "scheduler_database_errors", "Batches that failed because the database was out of reach"
)
