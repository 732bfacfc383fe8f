"""Routes that declare their models: what validates a request is also what the OpenAPI document shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, g, request
from pydantic import BaseModel, ValidationError

from service.api import access, answers, body, conditions, envelope, fields, idempotency, messages
from service.api.conditions import Conditions
from service.api.guard import Guard
from service.api.requests import Nothing
from service.api.services import Call, Services
from service.errors import NotFound, Problem, ValidationFailed
from service.keys import Scope

THINGS = {"jobs": "job", "executions": "execution"}  # what an id in a path stands for

Handler = Callable[..., "Reply"]
View = Callable[[], Response]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler gives back; `data` is an answer, a list of them, or None."""

    data: Any = None
    pagination: answers.Pagination | None = None
    status: int | None = None  # None: the route's


@dataclass(frozen=True, slots=True)
class Route:
    """What a route declares of itself."""

    method: str
    path: str  # as Flask writes it, without the prefix
    name: str
    summary: str
    answer: Any  # a model, list[model], or None for no content
    query: type[BaseModel] = Nothing
    body: type[BaseModel] | None = None
    status: int = 200
    other_statuses: Sequence[int] = ()  # successes too
    errors: Sequence[int] = ()
    conditional: bool = False  # heeds If-Match and If-None-Match, on the job that the path names
    shows_secret: bool = False  # its answer is never kept, so an Idempotency-Key has no effect
    plain: bool = False  # outside the prefix: no tenant, no key, no envelope, any query
    scope: Scope | None = None  # that a key must have; None: read for GET, write for the others

    @property
    def needed_scope(self) -> Scope:
        """The scope that a key must have."""
        return self.scope or ("read" if self.method == "GET" else "write")


@dataclass(slots=True)
class Resource:
    """A blueprint whose routes declare their models."""

    name: str
    routes: list[Route] = field(default_factory=list)
    blueprint: Blueprint = field(init=False)

    def __post_init__(self) -> None:
        self.blueprint = Blueprint(self.name, __name__)

    def route(self, method: str, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Serve `path` with the function below, which gets the Call, path values, and query and body if declared."""

        def register(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").splitlines()[0].rstrip(".")
            route = Route(method, path, handler.__name__, summary, **declared)
            self.routes.append(route)
            self.blueprint.add_url_rule(path, handler.__name__, _view(route, handler), methods=[method])
            return handler

        return register

    def plain(self, path: str, answer: Any, errors: Sequence[int] = ()) -> Callable[[View], View]:
        """Serve `path` with the function below as it is: GET, for whoever asks and however."""

        def register(view: View) -> View:
            summary = (view.__doc__ or "").splitlines()[0].rstrip(".")
            self.routes.append(Route("GET", path, view.__name__, summary, answer, errors=errors, plain=True))
            self.blueprint.add_url_rule(path, view.__name__, view, methods=["GET"])
            return view

        return register


def _view(route: Route, handler: Handler) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        guard: Guard = current_app.extensions["guard"]
        problems: list[Problem] = []
        caller = guard.admit(route.needed_scope, problems)
        values = _read(route, problems)
        given = conditions.read(request.headers, problems) if route.conditional else Conditions()
        if not fields.KEY.fullmatch(path.get("key", "k")):
            problems.append(Problem("key", f"must be {fields.KEY_RULE}"))
        key = idempotency.key_of(problems) if route.method == "POST" and not route.shows_secret else None
        services: Services = current_app.extensions["scheduler"]
        if problems:
            raise ValidationFailed(problems)
        g.tenant = caller.tenant
        call = Call(services, caller, access.request_id(), given)
        act = partial(_act, route, handler, path | values)
        return act(call) if key is None else idempotency.once(call, key, values, act)

    return view


def _act(route: Route, handler: Handler, arguments: dict[str, Any], call: Call) -> Response:
    try:
        reply = handler(call, **arguments)
    except NotFound:
        raise NotFound(_missing(route, **(request.view_args or {}))) from None
    response = envelope.success(reply.data, reply.status or route.status, reply.pagination)
    return _tagged(response, reply.data, call.conditions) if isinstance(reply.data, answers.Job) else response


def _tagged(response: Response, job: answers.Job, given: Conditions) -> Response:
    """An answer about one job with its ETag; 304 to a reader that has it already."""
    tag = conditions.etag(job)
    if request.method in ("GET", "HEAD"):
        given.check_match(job)
        if given.matches(tag):
            response = Response(status=304)
    response.headers["ETag"] = tag
    return response


def _missing(route: Route, id: UUID | None = None, key: str = "") -> str:
    """What a client is told that names a thing its tenant has not."""
    thing = THINGS[route.path.split("/")[1]]
    return f"There is no {thing} with the key {key}." if id is None else f"There is no {thing} {id}."


def _read(route: Route, problems: list[Problem]) -> dict[str, BaseModel]:
    """The models a route declares, filled from the request; every field that breaks a rule goes to `problems`."""
    values: dict[str, BaseModel] = {}
    query, repeated = _query()
    problems += repeated
    problems += _fill(values, "query", route.query, query)
    if route.body is not None or (request.method == "POST" and request.content_length):
        problems += _fill(values, "body", route.body or Nothing, body.read_fields(request))
    return {name: value for name, value in values.items() if type(value) is not Nothing}


def _fill(values: dict[str, BaseModel], name: str, model: type[BaseModel], given: dict[str, Any]) -> list[Problem]:
    unstorable = body.unstorable(given)
    try:
        values[name] = model.model_validate({key: item for key, item in given.items() if body.is_text(key)})
    except ValidationError as error:
        known = {problem.field for problem in unstorable}
        found = messages.problems(error)
        return unstorable + [item for item in found if not known & {item.field, item.field.split(".")[0]}]
    return unstorable


def _query() -> tuple[dict[str, str], list[Problem]]:
    given = request.args.to_dict(flat=False)
    repeated = [Problem(name, "must be given once", "repeated") for name, values in given.items() if len(values) > 1]
    return {name: values[0] for name, values in given.items()}, repeated
