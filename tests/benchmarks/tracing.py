"""What being watched costs: spans exported to a collector and metrics scraped, beside neither."""

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks import delivery, load, receiver
from tests.benchmarks.api import ready
from tests.benchmarks.delivery import Delivery
from tests.benchmarks.report import Measure, Plot, Report, Samples, Target
from tests.benchmarks.stand import Stand, check, free_port

WORKERS = 50
SCRAPE_SECONDS = 1.0


def measure(stand: Stand) -> Report:
    """Unwatched and watched in turn."""
    rates, costs = Samples(), Samples()
    with receiver.running() as collector:
        for _ in range(stand.sizes.repeats):
            for name, settings in {"off": {}, "on": _on(collector)}.items():
                done = _run(stand, settings)
                rates.add(name, done.rate)
                costs.add(name, done.cpu_us("engine"))
        check(collector.count() > 0, "no span was exported")
    return Report("Tracing and metrics", _about(stand), _rows(rates, costs), _plots(rates))


def _on(collector: receiver.Receiver) -> dict[str, str]:
    return {"TRACING_ENABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}"}


def _run(stand: Stand, settings: dict[str, str]) -> Delivery:
    count = stand.sizes.deliveries
    port = free_port()
    with stand.database() as database:
        load.jobs(database.conn, count, stand.receiver.url)
        database.settle()
        with database.service("all", SCHEDULER_WORKER_COUNT=WORKERS, SERVER_PORT=port, **settings) as engines:
            ready(port)
            with _scraped(port, wanted=bool(settings)):
                return delivery.from_queue(database, engines, count)


@contextmanager
def _scraped(port: int, *, wanted: bool) -> Iterator[None]:
    """Fetch /metrics every second while the block runs."""
    stop = threading.Event()

    def scrape() -> None:
        while not stop.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                answer.read()

    thread = threading.Thread(target=scrape)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if wanted:
            thread.join()


def _rows(rates: Samples, costs: Samples) -> list[Measure]:
    return [
        Measure("deliveries, watched", "/s", rates["on"], "unwatched", rates["off"], Target(">=", 0.85, "ratio")),
        Measure("CPU of the process, watched", "µs", costs["on"], "unwatched", costs["off"]),
    ]


def _plots(rates: Samples) -> list[Plot]:
    bars = {"unwatched": rates.medians()["off"], "tracing and metrics": rates.medians()["on"]}
    return [Plot("tracing", "Deliveries a second", "a second", bars=bars)]


def _about(stand: Stand) -> str:
    return (
        f"One process (API and engine) with {WORKERS} workers, {stand.sizes.deliveries:,} executions: spans exported "
        "by OTLP to a collector that takes them at once and /metrics fetched every second, beside neither. History and "
        "metrics are kept in both: they cannot be turned off."
    )
