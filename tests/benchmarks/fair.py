"""Fairness: what turns between tenants cost, and what they spare a tenant beside another's flood or hanging calls."""

from collections.abc import Callable
from datetime import datetime

from tests.benchmarks import delivery, load, receiver
from tests.benchmarks.delivery import LIMIT_SECONDS
from tests.benchmarks.report import Measure, Plot, Report, Samples, percentile
from tests.benchmarks.stand import Database, Stand, wait_for

WORKERS = 50
TENANTS = [f"tenant-{number}" for number in range(100)]
APART = 0.1  # seconds between the quiet tenant's jobs
ALONE, FLOODED, HUNG = "alone", "beside a flood", "beside hanging calls"


def measure(stand: Stand) -> Report:
    """One tenant and many, and a quiet tenant alone and beside a noisy one, in turn."""
    rates, lags = Samples(), Samples()
    with receiver.running() as hanging:
        hanging.reset(hang=1)
        noises: dict[str, Callable[[Database], None]] = {
            ALONE: lambda database: None,
            FLOODED: lambda database: _noise(database, stand.sizes.fair_flood, stand.receiver.url),
            HUNG: lambda database: _noise(database, 20 * WORKERS, hanging.url),
        }
        for _ in range(stand.sizes.repeats):
            rates.add("one tenant", _rate(stand, [load.TENANT]))
            rates.add("many tenants", _rate(stand, TENANTS))
            for name, noise in noises.items():
                quiet = _quiet_lags(stand, noise)
                lags.add(f"{name}: p50", percentile(quiet, 0.5))
                lags.add(f"{name}: p99", percentile(quiet, 0.99))
    return Report("Fairness", _about(stand), _rows(rates, lags), [_plot(lags)])


def _rate(stand: Stand, tenants: list[str]) -> float:
    with stand.database() as database:
        load.jobs(database.conn, stand.sizes.deliveries, stand.receiver.url, tenants=tenants)
        database.settle()
        with database.service(SCHEDULER_WORKER_COUNT=WORKERS) as engines:
            return delivery.from_queue(database, engines, stand.sizes.deliveries, tenants).rate


def _noise(database: Database, count: int, url: str) -> None:
    """Pending executions of another tenant."""
    load.jobs(database.conn, count, url, tenants=["noisy"])
    load.pending(database.conn, database.value("SELECT now()"), tenants=["noisy"])


def _quiet_lags(stand: Stand, noise: Callable[[Database], None]) -> list[float]:
    """Milliseconds of start lag of a tenant with a job now and then."""
    count = stand.sizes.fair_jobs
    with stand.database() as database:
        noise(database)
        database.settle()
        stand.receiver.reset(record=1)
        at: datetime = database.value("SELECT now() + interval '3 seconds'")
        url = f"{stand.receiver.url}?quiet"
        load.jobs(database.conn, count, url, at=at, apart=APART, kind="one_time", schedule=at.isoformat())
        with database.service(SCHEDULER_WORKER_COUNT=WORKERS, SERVER_SHUTDOWN_TIMEOUT=0):
            done = "SELECT count(*) = %s FROM execution_log WHERE tenant_id = %s"
            wait_for(lambda: database.value(done, (count, load.TENANT)), LIMIT_SECONDS, "quiet calls end", 0.1)
        ids = {str(row[0]) for row in database.conn.execute("SELECT id FROM execution_log WHERE tenant_id = 'bench'")}
        return [
            (arrived - datetime.fromisoformat(instant).timestamp()) * 1000
            for arrived, instant, execution in stand.receiver.calls()
            if execution in ids
        ]


def _rows(rates: Samples, lags: Samples) -> list[Measure]:
    many = Measure(f"deliveries of {len(TENANTS)} tenants", "/s", rates["many tenants"], "one", rates["one tenant"])
    return [many] + [
        Measure(f"start lag {name}: {what}", "ms", lags[f"{name}: {what}"], ALONE, lags[f"{ALONE}: {what}"])
        for name in (FLOODED, HUNG)
        for what in ("p50", "p99")
    ]


def _plot(lags: Samples) -> Plot:
    return Plot("fairness", "Start lag of a quiet tenant, p99", "ms", bars=_p99s(lags))


def _p99s(lags: Samples) -> dict[str, float]:
    return {name.removesuffix(": p99"): value for name, value in lags.medians().items() if name.endswith("p99")}


def _about(stand: Stand) -> str:
    sizes = stand.sizes
    return (
        f"One process with {WORKERS} workers. {sizes.deliveries:,} executions of one tenant or of {len(TENANTS)}; "
        f"then {sizes.fair_jobs} jobs of a quiet tenant, {APART:g} s apart, alone, beside {sizes.fair_flood:,} pending "
        f"executions of another, and beside {20 * WORKERS:,} of another whose receiver never answers."
    )
