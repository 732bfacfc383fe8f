"""The OpenAPI 3.1 document, written from the routes' own models."""

import json
import re
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter

from service import __version__
from service.api import (
    answers,
    audit,
    bulk,
    docs,
    executions,
    fields,
    health,
    history,
    idempotency,
    incidents,
    jobs,
    occurrences,
    reruns,
    schedules,
    signing,
)
from service.api.access import REQUEST_ID_HEADER
from service.api.conditions import IF_MATCH, IF_NONE_MATCH, PATTERN
from service.api.guard import TENANT_HEADER
from service.api.routing import Resource, Route
from service.tenant import DEFAULT_TENANT, TENANT

PREFIX = "/api/v1"
RESOURCES = (
    jobs.api,
    bulk.api,
    schedules.api,
    occurrences.api,
    executions.api,
    reruns.api,
    history.api,
    incidents.api,
    audit.api,
    signing.api,
    health.api,
    docs.api,
)
REF = "#/components/schemas/{model}"
PATH = {
    "id": {"type": "string", "format": "uuid"},
    "key": {"type": "string", "pattern": f"^{fields.KEY.pattern}$"},
}
CONDITIONS = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": PATTERN, "examples": ["*", '"1-active-5f3a"']},
        "description": f"{text} * or a list of entity tags.",
    }
    for name, text in (
        (IF_MATCH, "Only if the job's ETag is one of these:"),
        (IF_NONE_MATCH, "Only if the job's ETag is none of these:"),
    )
]
IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": f"^{idempotency.KEY.pattern}$"},
    "description": "The same request with the same key gets the same answer for a day, and does nothing again.",
}
REPLAYED = {
    idempotency.REPLAYED: {
        "schema": {"const": "true"},
        "description": "On an answer that an earlier request with this Idempotency-Key has got.",
    }
}
ETAG = {
    "ETag": {
        "schema": {"type": "string"},
        "description": "Changes with the definition and status of the job, not with the counts of its runs.",
    }
}
REQUEST_ID = {
    REQUEST_ID_HEADER: {
        "schema": {"type": "string"},
        "description": "Names the request in the log; the one it came with, if that is well-formed.",
    }
}
SENT_REQUEST_ID = {
    "name": REQUEST_ID_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "Your own name of the request, for its answer, the log and the audit log: 1 to 128 of letters, "
    "digits and . _ : / + = -; any other is passed over.",
}
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, made by `python -m service keys create`. Needed where AUTH_REQUIRED is set. It "
    "belongs to one tenant, so X-Tenant-ID may be left out.",
}
WHOSE = (
    f"Whose jobs are meant. Left out, the key's tenant, else {DEFAULT_TENANT}; where TENANT_REQUIRED is set, a request "
    "with neither is refused."
)
ERRORS = {
    400: "Not valid or not readable; validation names each field",
    401: "A key is needed, and the request has none that is good",
    403: "The key does not reach so far, or belongs to another tenant",
    404: "No such resource",
    409: "The resource's state forbids it",
    412: "The job is not as If-Match or If-None-Match demands",
    413: "The body is too large",
    415: "The body is not JSON",
    429: "The tenant asks too often; only where API_RATE_LIMIT is set",
    503: "The database is out of reach, or the service not ready",
}

HEADERS: dict[int, Any] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    409: {"Retry-After": {"description": "Seconds; with REQUEST_IN_PROGRESS only.", "schema": {"type": "integer"}}},
    429: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
}


def document(*, auth_required: bool = False) -> dict[str, Any]:
    """The whole document, of a service that lets nobody in without a key, or of one that does."""
    writer = _Writer([{"key": []}] if auth_required else [{"key": []}, {}])
    paths: dict[str, dict[str, Any]] = {}
    for resource in RESOURCES:
        for route in resource.routes:
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", ("" if route.plain else PREFIX) + route.path)
            paths.setdefault(path, {})[route.method.lower()] = writer.operation(resource, route)
    writer.schema(answers.Failure, "serialization")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Scheduler Service",
            "version": __version__,
            "description": "Register HTTP calls to be made on a schedule, and see what became of them.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": resource.name} for resource in RESOURCES],
        "paths": paths,
        "components": {"schemas": dict(sorted(writer.schemas.items())), "securitySchemes": {"key": KEY}},
    }


def document_text() -> str:
    """The document as JSON text."""
    return json.dumps(document(), indent=2)


@cache
def served_text(*, auth_required: bool) -> str:
    """The document as it is served: written when first asked for, since it takes a fifth of a process's start."""
    return json.dumps(document(auth_required=auth_required), separators=(",", ":")) + "\n"


class _Writer:
    """Writes operations, and keeps the schemas they refer to."""

    def __init__(self, security: list[dict[str, list[str]]]) -> None:
        self.security = security
        self.schemas: dict[str, Any] = {}

    def operation(self, resource: Resource, route: Route) -> dict[str, Any]:
        """What the document says of one route."""
        operation: dict[str, Any] = {
            "operationId": route.name,
            "summary": route.summary,
            "tags": [resource.name],
            "parameters": self._parameters(route),
            "responses": self._responses(route),
        }
        if not route.plain:
            operation["description"] = f"Needs a key of scope {route.needed_scope} where keys are needed."
            operation["security"] = self.security
        if route.body is not None:
            content = {"application/json": {"schema": self.schema(route.body, "validation")}}
            operation["requestBody"] = {"required": True, "content": content}
        return operation

    def schema(self, shape: Any, mode: Any) -> dict[str, Any]:
        """The schema of a type, its models moved to the components."""
        schema: dict[str, Any] = TypeAdapter(shape).json_schema(mode=mode, ref_template=REF)
        named = schema.pop("$defs", {})
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            named[shape.__name__] = schema
            schema = {"$ref": REF.format(model=shape.__name__)}
        for name, found in named.items():
            if self.schemas.setdefault(name, found) != found:
                raise ValueError(f"two schemas are named {name}")
        return schema

    def _parameters(self, route: Route) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [
            {"name": name, "in": "path", "required": True, "schema": PATH[name]}
            for name in re.findall(r"<(?:\w+:)?(\w+)>", route.path)
        ]
        query = route.query.model_json_schema(ref_template=REF)
        for name, schema in query.get("properties", {}).items():
            found.append({"name": name, "in": "query", "required": False, "schema": _sendable(schema)})
        if not route.plain:
            schema = {"type": "string", "pattern": f"^{TENANT.pattern}$"}
            tenant = {"name": TENANT_HEADER, "in": "header", "required": False, "schema": schema}
            found += [{**tenant, "description": WHOSE}, SENT_REQUEST_ID]
        if route.conditional:
            found += CONDITIONS
        if route.method == "POST" and not route.plain and not route.shows_secret:
            found.append(IDEMPOTENCY_KEY)
        return found

    def _responses(self, route: Route) -> dict[str, Any]:
        responses: dict[str, Any] = {
            str(status): self._success(route) for status in (route.status, *route.other_statuses)
        }
        codes = set(route.errors) if route.plain else {400, 401, 403, 429, 503, *route.errors}
        if route.method == "POST":
            codes |= {409, 413, 415}  # a body is read, if only to refuse what is in it
        if route.conditional:
            codes.add(412)
            if route.method == "GET":
                responses["304"] = {"description": "As If-None-Match says: nothing new", "headers": ETAG | REQUEST_ID}
        if route.body is not None:
            codes |= {413, 415}
        failure = {"$ref": REF.format(model="Failure")}
        for code in sorted(codes):
            schema = self.schema(route.answer, "serialization") if route.plain else failure
            responses[str(code)] = {
                "description": ERRORS[code],
                "content": {"application/json": {"schema": schema}},
                "headers": HEADERS.get(code, {}) | REQUEST_ID,
            }
        return responses

    def _success(self, route: Route) -> dict[str, Any]:
        if route.answer is None:
            return {"description": "Done", "headers": REQUEST_ID}
        if isinstance(route.answer, str):
            schema = {"type": "object" if route.answer == "application/json" else "string"}
            content = {route.answer: {"schema": schema}}
            return {"description": route.summary, "content": content, "headers": REQUEST_ID}
        schema = self.schema(route.answer, "serialization")
        if not route.plain:
            schema = self._envelope(route, schema)
        headers = (ETAG if route.answer is answers.Job else {}) | (REPLAYED if route.method == "POST" else {})
        content = {"application/json": {"schema": schema}}
        return {"description": route.summary, "content": content, "headers": headers | REQUEST_ID}

    def _envelope(self, route: Route, data: dict[str, Any]) -> dict[str, Any]:
        properties = {"success": {"type": "boolean", "const": True}, "data": data}
        if "cursor" in route.query.model_fields:
            properties["pagination"] = self.schema(answers.Pagination, "serialization")
        properties["traceId"] = {"type": "string"}
        return {"type": "object", "properties": properties, "required": list(properties)}


def _sendable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a query parameter: it is left out where a model has null."""
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    schema.pop("title", None)
    if kinds:
        (kind,) = kinds
        del schema["default"]
        return {**kind, **schema}
    return schema
