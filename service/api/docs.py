"""The OpenAPI document, its page, and the metrics."""

from flask import Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service import db, health, metrics
from service.api.routing import Resource
from service.api.services import Services
from service.errors import ServiceError

api = Resource("docs")


@api.plain("/openapi.json", "application/json")
def openapi_document() -> Response:
    """Get this document."""
    return jsonify(current_app.extensions["openapi"])


@api.plain("/metrics", "text/plain")
def show_metrics() -> Response:
    """Get the metrics in the Prometheus text format."""
    services: Services = current_app.extensions["scheduler"]
    try:
        with db.transaction(services.pool) as conn:
            metrics.show_state(health.state(conn))
    except ServiceError:
        metrics.show_state(None)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
