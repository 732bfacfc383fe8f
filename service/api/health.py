"""Health: /live, /ready, /health and /metrics, without prefix, tenant or envelope, for probes and people."""

from typing import Any

from flask import Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST

from service import __version__, db, health, metrics
from service.api import answers
from service.api.routing import Resource
from service.api.services import Services
from service.errors import ServiceError, Unavailable
from service.migrate import expected_version
from service.rows import ServiceState

OVERDUE_SECONDS = 5.0  # a run not materialized for longer means that nobody ticks
UNMEASURED = {
    "workers": {"status": "unknown", "live": None, "slots": None},
    "queue": {"status": "unknown", "pending": None, "running": None, "retrying": None},
    "overdue": {"status": "unknown", "oldest_run_at": None, "seconds": None},
}

api = Resource("health")


@api.plain("/live", answers.Liveness)
def live() -> Response:
    """Say that the process serves."""
    return _shown(answers.Liveness())


@api.plain("/ready", answers.Readiness, errors=[503])
def ready() -> Response:
    """Say whether the service can do its work now."""
    services = _services()
    database, schema = _schema(services)
    draining = services.draining.is_set()
    fits = schema in ("ok", "ahead")  # while a newer release rolls out, its migrations have run and this one serves on
    answer = answers.Readiness(
        ready=database == "ok" and fits and not draining, database=database, schema=schema, draining=draining
    )
    return _shown(answer, 200 if answer.ready else 503)


@api.plain("/health", answers.Health, errors=[503])
def parts() -> Response:
    """Tell the state of each part."""
    services = _services()
    state = _state(services)
    lease = services.lease_state() if services.lease_state is not None else {"status": "unknown"}
    answer = {
        "status": _overall(state, lease["status"]),
        "version": __version__,
        "draining": services.draining.is_set(),
        "database": {"status": "down" if state is None else "ok"},
        "redis": {"status": lease["status"]},
        "ticker": _ticker(lease),
        **_measured(state),
    }
    return _shown(answers.Health.model_validate(answer), 503 if state is None else 200)


@api.plain("/metrics", "text/plain")
def show_metrics() -> Response:
    """Get the metrics in the Prometheus text format."""
    services = _services()
    metrics.show_state(_state(services))
    metrics.show_pool("api", services.pool.pop_stats())
    return Response(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


def _schema(services: Services) -> tuple[Any, Any]:
    try:
        with db.transaction(services.pool) as conn:
            applied = health.schema_version(conn)
    except Unavailable:
        return "down", "unknown"
    expected = expected_version()
    return "ok", "ok" if applied == expected else "behind" if (applied or "") < expected else "ahead"


def _state(services: Services) -> ServiceState | None:
    try:
        with db.transaction(services.pool) as conn:
            return health.state(conn)
    except ServiceError:
        return None


def _overall(state: ServiceState | None, redis: str) -> Any:
    if state is None:
        return "down"
    troubled = redis == "down" or state.workers == 0 or state.overdue_seconds > OVERDUE_SECONDS
    return "degraded" if troubled else "ok"


def _ticker(lease: Any) -> dict[str, Any]:
    holder = lease.get("holder")
    # Without a lease to ask for, every instance ticks.
    return {"status": "ok" if holder else "unled", "holder": holder}


def _measured(state: ServiceState | None) -> dict[str, dict[str, Any]]:
    if state is None:
        return UNMEASURED
    late = state.overdue_seconds > OVERDUE_SECONDS
    return {
        "workers": {"status": "ok" if state.workers else "down", "live": state.workers, "slots": state.slots},
        "queue": {
            "status": "ok",
            "pending": state.pending,
            "running": state.running,
            "retrying": state.retrying,
        },
        "overdue": {
            "status": "late" if late else "ok",
            "oldest_run_at": state.oldest_overdue_run_at,
            "seconds": round(state.overdue_seconds, 3),
        },
    }


def _services() -> Services:
    services: Services = current_app.extensions["scheduler"]
    return services


def _shown(answer: answers.Answer, status: int = 200) -> Response:
    response = jsonify(answer.model_dump(mode="json", by_alias=True))
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
