"""The API under fifty clients: the time an answer takes, route by route."""

import urllib.request
from itertools import cycle, islice

from tests.benchmarks import load
from tests.benchmarks.clients import Request, ask
from tests.benchmarks.report import Measure, Plot, Report, Samples, percentile
from tests.benchmarks.stand import START_SECONDS, Database, Stand, free_port, wait_for

CLIENTS = 50
DAYS = 7
BASE = "/live (no database)"
IDS = 200


def measure(stand: Stand) -> Report:
    """Every route in turn, as often as asked."""
    times, rates = Samples(), Samples()
    with stand.database() as database:
        load.jobs(database.conn, stand.sizes.api_jobs, stand.receiver.url)
        load.log(database.conn, stand.sizes.api_log, DAYS)
        load.history(database.conn, DAYS)
        database.settle()
        port = free_port()
        with database.service("api", SERVER_PORT=port):
            ready(port)
            for _ in range(stand.sizes.repeats):
                for name, requests in routes(database).items():
                    answered = ask(port, list(islice(cycle(requests), stand.sizes.api_requests)), CLIENTS)
                    times.add(f"{name} p99", percentile(answered.milliseconds, 0.99))
                    rates.add(name, answered.rate)
    return Report("API", _about(stand), _rows(times, rates), _plots(times, rates))


def routes(database: Database) -> dict[str, list[Request]]:
    """Requests by what they show; those of one kind differ in the ids they ask for."""
    jobs = _column(database, "SELECT id FROM jobs WHERE tenant_id = %s ORDER BY md5(id::text) LIMIT %s")
    ran = _column(database, "SELECT id FROM execution_log WHERE tenant_id = %s ORDER BY md5(id::text) LIMIT %s")
    new = {"name": "new", "type": "interval", "schedule": "86400", "endpoint": database.stand.receiver.url}
    api = "/api/v1"
    return {
        BASE: [Request("GET", "/live")],
        "POST /jobs": [Request("POST", f"{api}/jobs", new)],
        "PATCH /jobs/:id": [Request("PATCH", f"{api}/jobs/{id}", {"description": "changed"}) for id in jobs],
        "GET /jobs/:id": [Request("GET", f"{api}/jobs/{id}") for id in jobs],
        "GET /jobs": [Request("GET", f"{api}/jobs?page_size=20")],
        "GET /jobs/stats": [Request("GET", f"{api}/jobs/stats")],
        "GET /jobs/:id/executions": [Request("GET", f"{api}/jobs/{id}/executions?page_size=20") for id in jobs],
        "GET /executions": [Request("GET", f"{api}/executions?page_size=20")],
        "GET /executions, failed": [Request("GET", f"{api}/executions?status=failed&page_size=20")],
        "GET /executions/:id": [Request("GET", f"{api}/executions/{id}") for id in ran],
        "GET /executions/stats": [Request("GET", f"{api}/executions/stats")],
        "GET /history": [Request("GET", f"{api}/history?page_size=20")],
        "GET /history/stats": [Request("GET", f"{api}/history/stats")],
        "GET /health": [Request("GET", "/health")],
    }


def ready(port: int) -> None:
    """Wait until an API answers."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/live", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_for(answers, START_SECONDS, "the API answers")


def _column(database: Database, query: str) -> list[str]:
    return [str(row[0]) for row in database.conn.execute(query.encode(), (load.TENANT, IDS)).fetchall()]


def _rows(times: Samples, rates: Samples) -> list[Measure]:
    rows = []
    for name in rates.medians():
        compared = name != BASE
        base = times[f"{BASE} p99"] if compared else []
        rows.append(Measure(f"{name}, p99", "ms", times[f"{name} p99"], "/live", base))
        rows.append(Measure(f"{name}, answers", "/s", rates[name], "/live", rates[BASE] if compared else []))
    return rows


def _plots(times: Samples, rates: Samples) -> list[Plot]:
    medians = times.medians()
    bars = {name: medians[f"{name} p99"] for name in rates.medians()}
    return [Plot("api", f"p99 of an answer with {CLIENTS} clients", "ms", bars=bars)]


def _about(stand: Stand) -> str:
    sizes = stand.sizes
    return (
        f"{CLIENTS} clients at once on one API process with its default settings, each asking again when answered, "
        f"{sizes.api_requests:,} requests a route and run; a tenant of {sizes.api_jobs:,} jobs and {sizes.api_log:,} "
        "finished executions. With so many clients the time is mostly the queue before the process: the number of "
        "clients by the answers a second."
    )
