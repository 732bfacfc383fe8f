"""What the OpenAPI document allows is taken, what it forbids is refused, and every answer is one that it describes."""

import os
from base64 import b64encode
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from service.api import openapi
from service.api.app import create_app
from service.api.guard import TENANT_HEADER
from service.tenant import DEFAULT_TENANT
from tests.factories import NOON, execution_id_at

# Per operation, after those at the bounds of every field. Any other number than the default draws anew each time.
MANY = int(os.environ.get("FUZZ_EXAMPLES", "3"))
QUICK = settings(
    max_examples=MANY,
    deadline=None,
    derandomize=MANY == 3,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
JOB_ID, EXECUTION_ID = UUID(int=1), execution_id_at(NOON)
SCHEDULES = {"cron": "0 9 * * *", "interval": 300, "one_time": "2030-01-01T00:00:00Z"}
# Rules that JSON Schema has no words for; a request that breaks nothing else may be refused.
BEYOND_SCHEMA = (
    *("must be nextCursor of", "must not be given beside page", "is too large: pages reach"),
    *("must be later than", "must be after", "must not be before", "must be within", "of the years", "instant that"),
    *("must have a condition", "must be left out", "must not be given with this status", "must not overlap"),
    *("must be a URL with a host", "must name a host", "must not contain", "must not be blank", "in the future"),
    *("must not have line breaks", "must name each header once", "which the service sets"),
    *("which payload does not have", "which headers does not have", "must be the key in", "leaves no run"),
    "must be * or tags",  # a pattern with quotes in it, which the generator does not get right
)

document = schemathesis.openapi.from_dict(openapi.document())


def takes_what_is_valid(ctx: Any, response: Any, case: Any) -> bool | None:
    """As positive_data_acceptance, save for what only the service can tell."""
    if response.status_code == 412:
        return None
    problems = response.json()["error"].get("validation", ()) if response.status_code == 400 else ()
    if problems and all(any(rule in problem["message"] for rule in BEYOND_SCHEMA) for problem in problems):
        return None
    return positive_data_acceptance(ctx, response, case)


@pytest.fixture
def app(services, config, make) -> Flask:
    job = make.job(id=JOB_ID, tenant_id=DEFAULT_TENANT, key="known", tags=["a"])
    make.execution(job, id=EXECUTION_ID, scheduled_at=NOON)
    return create_app(replace(services, config=replace(config, secrets_key=b64encode(bytes(32)).decode())))


@document.parametrize()
@QUICK
def test_answers_are_those_of_the_document(case, app):
    aim(case)

    case.call_and_validate(app=app, additional_checks=[takes_what_is_valid], excluded_checks=[positive_data_acceptance])


def aim(case: Any) -> None:
    """Point a valid request at what is there, and give its jobs schedules of their type."""
    if not case.meta.generation.mode.is_positive:
        return
    known = {"id": str(EXECUTION_ID if "/executions/" in case.path else JOB_ID), "key": "known"}
    case.path_parameters = {name: known[name] for name in case.path_parameters}
    case.headers.pop(TENANT_HEADER, None)
    if isinstance(case.body, dict):
        case.body = whole(case.body)
        for job in case.body.get("jobs", [case.body]):
            if {"type", "schedule"} & set(job):
                job["schedule"] = SCHEDULES[job.get("type", "interval")]
            if job.get("timezone"):
                job["timezone"] = "Europe/Berlin"


def whole(value: Any) -> Any:
    """The value with 365 for 365.0, which JSON Schema calls an integer too, and the service does not."""
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
