"""The REST API as a WSGI app: one blueprint per resource."""

import time
from collections.abc import Iterable
from functools import partial

from flask import Flask, Response, request
from flask_swagger_ui import get_swaggerui_blueprint
from opentelemetry.trace import SpanKind

from service import log, metrics, tracing
from service.api import access, body, envelope, health, openapi
from service.api.guard import Guard
from service.api.routing import Resource
from service.api.services import Services
from service.proxies import behind_proxies, parse_networks
from service.quota import JobQuota

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
    app = _app(services, openapi.RESOURCES)
    app.extensions["openapi"] = partial(openapi.served_text, auth_required=services.config.auth_required)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json", config=DOCS))
    return app


def create_probe(services: Services) -> Flask:
    """An app with nothing but probes and metrics, for a process that serves no API."""
    return _app(services, [health.api])


def _app(services: Services, resources: Iterable[Resource]) -> Flask:
    app = App("service", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = body.MAX_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # which is a redirect, and no client of an API expects one
    app.extensions["scheduler"] = services
    app.extensions["guard"] = Guard(services.config, services.pool)
    app.extensions["quota"] = JobQuota(services.config.max_jobs)
    for resource in resources:
        plain = resource.routes[0].plain
        app.register_blueprint(resource.blueprint, url_prefix=None if plain else openapi.PREFIX)
    envelope.install(app)
    trusted = parse_networks(services.config.trusted_proxies)
    app.wsgi_app = behind_proxies(app.wsgi_app, trusted)  # type: ignore[assignment, method-assign]
    return app
