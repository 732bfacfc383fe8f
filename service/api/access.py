"""What the log tells of a request: its id on every line, and one line at its end."""

import re
import secrets
import time

from flask import Response, g, request

from service import log

REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
PROBES = frozenset({"/live", "/ready", "/health", "/metrics"})


def request_id() -> str:
    """The id a client or balancer gave the request in X-Request-ID, or one of its own."""
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    return str(g.request_id)


def tell(response: Response, method: str, route: str, started: float) -> None:
    """Log that a request was answered; probes that found all well only at level DEBUG. `started` is monotonic."""
    response.headers[REQUEST_ID_HEADER] = request_id()
    say = log.debug if route in PROBES and response.status_code < 400 else log.info
    say(
        log.REQUEST_DONE,
        method=method,
        route=route,
        status=response.status_code,
        ms=(time.monotonic() - started) * 1000,
        tenant=g.get("tenant"),
        client=request.remote_addr,
    )
