"""The REST API as a WSGI app: one blueprint per resource."""

import time

from flask import Flask, Response, request
from flask_swagger_ui import get_swaggerui_blueprint
from opentelemetry.trace import SpanKind

from service import log, metrics, tracing
from service.api import access, body, envelope, openapi
from service.api.services import Services

__all__ = ["Services", "create_app"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
DOCS = {"app_name": "Scheduler Service", "layout": "BaseLayout", "validatorUrl": None}


class App(Flask):
    """A Flask app that puts a span, a measurement and a line in the log around each request."""

    def full_dispatch_request(self) -> Response:
        """Answer the request at hand, errors included."""
        started = time.monotonic()
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "unmatched"
        traceparent = envelope.incoming_traceparent()
        with (
            tracing.span(f"{method} {route}", kind=SpanKind.SERVER, traceparent=traceparent) as span,
            log.context(request_id=access.request_id(), trace_id=envelope.trace_id()),
        ):
            response = super().full_dispatch_request()
            access.tell(response, method, route, started)
            span.set_attribute("http.response.status_code", response.status_code)
        metrics.REQUESTS.labels(method, route, response.status_code).inc()
        metrics.REQUEST_DURATION.labels(method, route).observe(time.monotonic() - started)
        return response


def create_app(services: Services) -> Flask:
    """The app; it opens nothing itself."""
    app = App("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = body.MAX_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.extensions["scheduler"] = services
    app.extensions["openapi"] = openapi.document()
    for resource in openapi.RESOURCES:
        plain = resource.routes[0].plain
        app.register_blueprint(resource.blueprint, url_prefix=None if plain else openapi.PREFIX)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json", config=DOCS))
    envelope.install(app)
    return app
