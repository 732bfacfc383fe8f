"""Deliveries a second, and what each costs, beside PgQueuer and the bare loops of the same run."""

from collections.abc import Callable

from tests.benchmarks import bare, delivery, load, peer
from tests.benchmarks.delivery import Delivery
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target
from tests.benchmarks.stand import Database, Stand

PEER = "PgQueuer"
PEER_BY_DEFAULT = "PgQueuer, batches of 10"
PG_BOSS = 4900 / 2500  # pg-boss by PgQueuer, as measured before on one machine
AHEAD = Target(">=", max(3.0, 1.5 * PG_BOSS), "ratio")
MAIN = "1 process, 50 workers"
FROM_JOBS = "1 process, 50 workers, from due jobs (tick included)"
AGAIN = "1 process, 50 workers, jobs that it has called before"
RECEIVER, CURL, SKIP_LOCKED = "receiver's ceiling (raw sockets)", "bare libcurl loop", "bare SKIP LOCKED loop"

Runs = dict[str, Callable[[Stand], Delivery]]


def service(
    processes: int, workers: int, run: Callable[..., Delivery] = delivery.from_queue, **settings: object
) -> Callable[[Stand], Delivery]:
    """A run of the service with so many engine processes and workers in each."""

    def measure(stand: Stand) -> Delivery:
        count = stand.sizes.deliveries
        with stand.database() as database:
            if run is not delivery.from_due_jobs:
                load.jobs(database.conn, count, stand.receiver.url)
            database.settle()
            with database.service(processes=processes, SCHEDULER_WORKER_COUNT=workers, **settings) as engines:
                return run(database, engines, count)

    return measure


def _again(database: Database, engines: list[int], count: int) -> Delivery:
    """The second run of the same jobs: what the engine keeps of a job's request pays here."""
    delivery.from_queue(database, engines, count)
    return delivery.from_queue(database, engines, count)


def pgqueuer(batch: int) -> Callable[[Stand], Delivery]:
    """A run of the peer."""

    def measure(stand: Stand) -> Delivery:
        with stand.database() as database:
            return peer.deliver(database, stand.sizes.deliveries, batch)

    return measure


RUNS: Runs = {
    PEER: pgqueuer(peer.BATCH),
    PEER_BY_DEFAULT: pgqueuer(peer.DEFAULT_BATCH),
    "1 process, 10 workers": service(1, 10),
    MAIN: service(1, 50),
    "2 processes, 10 workers each": service(2, 10),
    "2 processes, 50 workers each": service(2, 50),
    AGAIN: service(1, 50, _again),
    FROM_JOBS: service(1, 50, delivery.from_due_jobs),
}


def measure(stand: Stand) -> Report:
    """Run all of it, interleaved, so that what else the machine does hits every run alike."""
    rates, costs = Samples(), Samples()
    for _ in range(stand.sizes.repeats):
        for name, run in RUNS.items():
            done = run(stand)
            rates.add(name, done.rate)
            _add_costs(costs, name, done)
        _bare_loops(stand, rates)
    return Report("Deliveries", _about(stand), [*_rates(rates), *_costs(costs)], _plots(rates, costs))


def _bare_loops(stand: Stand, rates: Samples) -> None:
    count = stand.sizes.deliveries
    rates.add(RECEIVER, bare.raw_rate(stand.receiver, 2 * count))
    rates.add(CURL, bare.curl_rate(stand.receiver, count))
    with stand.database(template=None) as database:
        rates.add(SKIP_LOCKED, bare.queue_rate(database.conn, count))


def _add_costs(costs: Samples, name: str, done: Delivery) -> None:
    for group in done.cpu_seconds:
        costs.add(f"{name}: {group}", done.cpu_us(group))
    costs.add(f"{name}: statements", done.statements / done.count)
    costs.add(f"{name}: wal", done.wal_bytes / done.count)


def _rates(rates: Samples) -> list[Measure]:
    ours = [name for name in RUNS if name not in (PEER, PEER_BY_DEFAULT)]
    measures = [
        Measure(
            name,
            "/s",
            rates[name],
            PEER,
            rates[PEER],
            AHEAD if name == MAIN else None,
        )
        for name in ours
    ]
    by_default = Measure(MAIN, "/s", rates[MAIN], PEER_BY_DEFAULT, rates[PEER_BY_DEFAULT], AHEAD)
    floors = [Measure(MAIN, "/s", rates[MAIN], name, rates[name]) for name in (RECEIVER, CURL, SKIP_LOCKED)]
    grown = Measure(
        "2 processes by 1, 50 workers", "/s", rates["2 processes, 50 workers each"], "1 process", rates[MAIN]
    )
    return [*measures, by_default, *floors, grown]


def _costs(costs: Samples) -> list[Measure]:
    units = {
        "engine": ("CPU of the process that calls", "µs"),
        "postgresql": ("CPU of PostgreSQL", "µs"),
        "receiver": ("CPU of the receiver", "µs"),
        "statements": ("statements", ""),
        "wal": ("WAL", "bytes"),
    }
    return [
        Measure(f"{text} a delivery", unit, costs[f"{MAIN}: {key}"], PEER, costs[f"{PEER}: {key}"])
        for key, (text, unit) in units.items()
    ]


def _plots(rates: Samples, costs: Samples) -> list[Plot]:
    medians = costs.medians()
    split = {
        f"{name}: {group}": medians[f"{name}: {group}"]
        for name in (PEER, MAIN)
        for group in ("engine", "postgresql", "receiver")
    }
    return [
        Plot("deliveries", "Deliveries a second", "a second", bars=rates.medians()),
        Plot("delivery_cpu", "CPU a delivery", "µs", bars=split),
    ]


def _about(stand: Stand) -> str:
    return (
        f"{stand.sizes.deliveries:,} executions of as many recurring jobs, pending all at once while the engine is "
        "idle; the time runs from then until every outcome is committed, and days and totals are checked to add up. "
        "PgQueuer has the same number of jobs queued, calls by aiohttp in batches of 100, where it was fastest (10 is "
        "its default), and its time begins when its process is up. The target, beside either, "
        f"joins 3x PgQueuer and 1.5x pg-boss, taking pg-boss to be {PG_BOSS:.2f}x PgQueuer. WAL and statements of ours "
        "include the engine's heartbeat and other upkeep in that time."
    )
