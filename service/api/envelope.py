"""The envelope: every answer of the API, and every error, is rendered here."""

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, jsonify, request
from opentelemetry import trace
from pydantic_core import to_json
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from service import log, tracing
from service.api.answers import Pagination
from service.api.fields import KEY_RULE, UUID_TEXT
from service.api.requests import MAX_PAGED, Paged
from service.errors import Problem, ServiceError

# Source: W3C Trace Context, section 3.2; an id of zeros is not one.
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
Row = TypeVar("Row")
COUNT_LIMIT = MAX_PAGED + 1
CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "PAYLOAD_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}


def incoming_traceparent() -> str | None:
    """The request's traceparent header; None when it has none that is valid."""
    header = request.headers.get("traceparent", "").strip()
    return header if TRACEPARENT.fullmatch(header) else None


def trace_id() -> str:
    """The trace this request belongs to: its span's, the one it came with, or one of its own."""
    if "trace_id" not in g:
        span = trace.get_current_span()
        incoming = incoming_traceparent()
        known = span.get_span_context().is_valid or incoming is None
        g.trace_id = tracing.trace_of(span)[0] if known else str(incoming).split("-")[1]
    return str(g.trace_id)


def success(data: Any, status: int = 200, pagination: Pagination | None = None) -> Response:
    """An answer in its envelope, of models or of what JSON has; 204 has no body."""
    if status == 204:
        return Response(status=204)
    body: dict[str, Any] = {"success": True, "data": data}
    if pagination is not None:
        body["pagination"] = pagination
    body["traceId"] = trace_id()
    # From the models right to text: by way of dictionaries a page of a hundred took three times as long.
    return Response(to_json(body, by_alias=True) + b"\n", status, mimetype="application/json")


def failure(status: int, code: str, message: str, problems: Sequence[Problem] = ()) -> Response:
    """An error in its envelope."""
    error: dict[str, Any] = {"code": code, "message": message}
    if problems:
        error["validation"] = [{"field": p.field, "message": p.message, "code": p.code} for p in problems]
    # Not as success() does: a message may tell of half a surrogate pair, which has no UTF-8.
    response = jsonify({"success": False, "error": error, "traceId": trace_id()})
    response.status_code = status
    return response


def placed(
    query: Paged,
    fetched: list[Row],
    count: Callable[..., int],
    key: Callable[[Row], object],
    known: int | None = None,
) -> tuple[list[Row], Pagination]:
    """A page and its place in the list.

    Args:
        query: which page.
        fetched: its rows and, where there is one, the row that follows.
        count: how many rows the list has, counted no further than `limit`. Not called where a page by its number shows
            where the list ends: what a filter names seldom would be searched for a second time.
        key: the cursor after a row.
        known: what count would tell, where that is known.
    """
    rows, more = fetched[: query.page_size], len(fetched) > query.page_size
    page = None if query.cursor else query.page or 1
    ends = page is not None and not more and (rows or page == 1)
    total = known
    if total is None:
        total = query.offset + len(fetched) if ends else count(limit=COUNT_LIMIT)
    shown = min(total, MAX_PAGED)
    return rows, Pagination(
        page=page,
        perPage=query.page_size,
        total=shown,
        totalCapped=total > MAX_PAGED,
        totalPages=math.ceil(shown / query.page_size),
        hasNext=more,
        hasPrev=page is None or page > 1,
        nextCursor=str(key(rows[-1])) if more else None,
    )


def install(app: Flask) -> None:
    """Render every error of the app."""
    app.register_error_handler(ServiceError, refusal)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)


def refusal(error: ServiceError) -> Response:
    """The answer that an error is."""
    response = failure(error.status, error.code, str(error), error.problems)
    response.headers.update(error.headers)
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    message = error.description or error.name
    if isinstance(error, RequestEntityTooLarge):
        message = "The request body must have at most 1 MiB."
    elif isinstance(error, NotFound):
        message = _no_path()
    elif isinstance(error, MethodNotAllowed) and error.valid_methods:
        message = f"The path does not take {request.method[:20]}; it takes {', '.join(sorted(error.valid_methods))}."
    response = failure(status, CODES.get(status, "MALFORMED_REQUEST" if status < 500 else "INTERNAL_ERROR"), message)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def _no_path() -> str:
    """Why no route has the path of the request."""
    if "//" in request.path:
        return "There is no such path: it has two slashes in a row."
    for rule in current_app.url_map.iter_rules():
        before, key, _ = rule.rule.partition("<key>")
        if key and f"{request.path}/".startswith(before):
            given = json.dumps(request.path[len(before) :][:80], ensure_ascii=False)
            return f"The key {given} in the path must be {KEY_RULE}."
    for rule in current_app.url_map.iter_rules():
        before, id, after = rule.rule.partition("<uuid:id>")
        pattern = f"{re.escape(before)}([^/]+){re.escape(after)}/?"
        if id and (match := re.fullmatch(pattern, request.path)) and not UUID_TEXT.fullmatch(match[1]):
            return f"The id {json.dumps(match[1][:80], ensure_ascii=False)} in the path is not a UUID."
    return "There is no such path; see /docs."


def _fault(error: Exception) -> Response:
    log.error(log.REQUEST_FAILED, exc=error, method=request.method, path=request.path)
    return failure(500, "INTERNAL_ERROR", "The request could not be served; the log tells why.")
