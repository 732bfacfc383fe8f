"""Types of the API's fields: each checks one value and says how to mend it."""

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import requests
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from service.errors import ProblemCode
from service.policy import RETRY_ON, retry_on_problem
from service.zone import load_zone

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # Source: RFC 9110 section 5.6.2
RESERVED_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
POINTER = re.compile(r"(/([^/~]|~[01])*)*")  # Source: RFC 6901 section 3
RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}")
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

KEY_RULE = "1 to 255 of letters, digits, '.', '_', '-' and ':', the first a letter or digit"

JobType = Literal["cron", "one_time", "interval"]
JobStatus = Literal["active", "paused", "completed", "deleted"]
LiveStatus = Literal["pending", "running", "retrying", "held"]
FinalStatus = Literal["completed", "failed", "timeout", "cancelled", "skipped"]
ExecutionStatus = Literal[LiveStatus, FinalStatus]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

MisfirePolicyName = Literal["fire_once", "skip", "fire_all"]
OverlapPolicyName = Literal["allow", "skip", "queue", "replace"]
RetryBackoffName = Literal["fixed", "exponential"]


def invalid(message: str, code: ProblemCode = "invalid") -> PydanticCustomError:
    """The error of a field, in our words and with our code."""
    return PydanticCustomError(code, "{message}", {"message": message})


def _name(value: str) -> str:
    if not value.strip():
        raise invalid("must not be blank")
    return value


def _key(value: str) -> str:
    if not KEY.fullmatch(value):
        raise invalid(f"must be {KEY_RULE}")
    return value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _timezone(value: str) -> str:
    try:
        load_zone(value)
    except ValueError as error:
        raise invalid(str(error)) from None
    return value


def _endpoint(value: str) -> str:
    if re.search(r"[\s\x00-\x1f\x7f\\]", value):
        raise invalid("must not contain white space, control characters or backslashes")
    try:
        parts = urlsplit(value)
        port = parts.port
        requests.PreparedRequest().prepare_url(value, None)
    except (ValueError, requests.RequestException):
        raise invalid("must be a URL with a host and, if any, a port from 1 to 65535") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise invalid("must begin with http:// or https://")
    if not parts.hostname or port == 0:
        raise invalid("must name a host and, if any, a port from 1 to 65535")
    if parts.username is not None or parts.password is not None:
        raise invalid("must not contain credentials; send them in an Authorization header")
    return value


def _changed_headers(value: dict[str, str | None]) -> dict[str, str | None]:
    _headers({name: content or "" for name, content in value.items()})
    return value


def _pointer(value: str) -> str:
    if not POINTER.fullmatch(value):
        raise invalid("must be a JSON pointer such as /auth/token")
    return value


def _distinct_names(value: list[str]) -> list[str]:
    return list({name.lower(): name for name in value}.values())


def _apart(value: list[str]) -> list[str]:
    for outer in value:
        inner = next((other for other in value if other.startswith(f"{outer}/")), None)
        if inner is not None:
            raise invalid(f"must not overlap: {json.dumps(inner[:80])} lies within {json.dumps(outer[:80])}")
    return _distinct(value)


def _headers(value: dict[str, str]) -> dict[str, str]:
    if len(value) > 100:
        raise invalid("must have at most 100 headers", "too_long")
    for name, content in value.items():
        if not TOKEN.fullmatch(name):
            raise invalid(f"must have legal header names; {json.dumps(name[:80])} is none")
        if name.lower() in RESERVED_HEADERS or name.lower().startswith("x-scheduler-"):
            raise invalid(f"must not have {name[:80]}, which the service sets")
        if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", content):
            raise invalid(f"must not have line breaks or other control characters; {name[:80]} has")
        if len(name) > 256 or len(content) > 8192:
            message = "must have names of at most 256 and values of at most 8,192 characters"
            raise invalid(f"{message}; {name[:80]} is longer", "too_long")
    if len({name.lower() for name in value}) < len(value):
        raise invalid("must name each header once; case does not count")
    return value


def _distinct(value: list[str]) -> list[str]:
    return list(dict.fromkeys(value))


def _status_as_text(value: Any) -> Any:
    """A status that is sent as a number is the same status."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _retryable(value: str) -> str:
    problem = retry_on_problem(value)
    if problem is not None:
        raise invalid(problem)
    return value


def _number(value: Any) -> Any:
    """A whole number in a query string; int() alone would also take 1_000 and blanks."""
    match = re.fullmatch(r"(-?)0*([0-9]+)", value, re.ASCII) if isinstance(value, str) else None
    if match is None:
        raise invalid("must be a whole number", "invalid_type")
    return int(match[1] + match[2][:10])  # ten digits are beyond every bound, and more are no less so


def _instant(value: Any) -> Any:
    text = value.replace(" ", "+") if isinstance(value, str) else ""  # a plus sign that was not percent-encoded
    if not RFC3339.fullmatch(text):
        code: ProblemCode = "invalid" if isinstance(value, str) else "invalid_type"
        raise invalid("must be an RFC 3339 timestamp such as 2026-12-01T09:00:00Z", code)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid("must be an instant that exists, of the years 1-9999") from None


def _day(value: Any) -> Any:
    if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII)):
        raise invalid("must be a date such as 2026-12-01")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise invalid("must be a date of the calendar") from None
    if not 1970 <= day.year <= 9998:
        raise invalid("must be a date of the years 1970-9998", "out_of_range")
    return day


def _id(value: Any) -> Any:
    if not (isinstance(value, str) and UUID_TEXT.fullmatch(value)):
        raise invalid("must be a UUID")
    return UUID(value)


Id = Annotated[UUID, BeforeValidator(_id, json_schema_input_type=UUID)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_name)]
Key = Annotated[
    str,
    AfterValidator(_key),
    Field(
        json_schema_extra={"pattern": f"^{KEY.pattern}$"},
        description="The client's own name of the job, unique among the tenant's jobs.",
        examples=["billing.nightly-report"],
    ),
]
Description = Annotated[str, StringConstraints(max_length=10_000)]
Timezone = Annotated[
    str, StringConstraints(min_length=1, max_length=64), AfterValidator(_timezone), Field(examples=["Europe/Berlin"])
]
Endpoint = Annotated[
    str,
    StringConstraints(max_length=2048),
    AfterValidator(_endpoint),
    Field(
        json_schema_extra={"format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"},
        examples=["https://example.org/hook"],
    ),
]
MethodField = Annotated[Method, BeforeValidator(_upper)]
_HEADER_NAMES: JsonDict = {"maxProperties": 100, "propertyNames": {"pattern": f"^{TOKEN.pattern}$", "maxLength": 256}}
Headers = Annotated[dict[str, str], AfterValidator(_headers), Field(json_schema_extra=_HEADER_NAMES)]
ChangedHeaders = Annotated[
    dict[str, str | None],
    AfterValidator(_changed_headers),
    Field(
        description="All headers, save the secret ones: those keep their value where they are left out or sent as "
        "********; null removes one.",
        json_schema_extra=_HEADER_NAMES,
    ),
]
SecretHeaders = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=256)]],
    Field(max_length=100, description="Names of headers whose values are secret; case does not count."),
    AfterValidator(_distinct_names),
]
SecretPointers = Annotated[
    list[
        Annotated[
            str,
            StringConstraints(max_length=1024),
            AfterValidator(_pointer),
            Field(json_schema_extra={"format": "json-pointer"}),
        ]
    ],
    Field(max_length=50, description="JSON pointers to values of payload that are secret.", examples=[["/auth/token"]]),
    AfterValidator(_apart),
]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Tags = Annotated[list[Tag], Field(max_length=50), AfterValidator(_distinct)]
Timeout = Annotated[int, Field(ge=1, le=3600, description="Seconds for the whole exchange.")]
MaxRetries = Annotated[int, Field(ge=0, le=100, description="Calls after the first: 3 means at most 4 calls.")]
RetryDelay = Annotated[int, Field(ge=0, le=86_400, description="Seconds before the first retry.")]
Priority = Annotated[int, Field(ge=1, le=10, description="10 goes first.")]
Instant = Annotated[datetime, BeforeValidator(_instant, json_schema_input_type=datetime)]
Seconds = Annotated[int, Field(ge=1, le=2_147_483_647)]
Jitter = Annotated[
    int,
    Field(
        ge=0,
        le=86_400,
        description="Seconds; each run is put off by a part of them that job and instant determine, never past the "
        "next instant.",
    ),
]
MaxRuns = Annotated[int, Field(ge=1, le=2_147_483_647, description="The job is completed after so many runs.")]
MisfirePolicy = Annotated[
    MisfirePolicyName,
    Field(
        description="For instants that passed while nobody ticked: the newest runs, none does, or each does, "
        "misfire_limit of them at most."
    ),
]
MisfireLimit = Annotated[int, Field(ge=1, le=1000, description="Most runs that fire_all makes up, the newest.")]
StartDeadline = Annotated[
    Seconds, Field(description="Seconds; an instant older than that is skipped under any policy; null for no limit.")
]
OverlapPolicy = Annotated[
    OverlapPolicyName,
    Field(
        description="For an instant that comes due while an earlier execution lives: both run, it is skipped, "
        "one waits, or the earlier is cancelled."
    ),
]
RetryBackoff = Annotated[
    RetryBackoffName, Field(description="exponential doubles retry_delay with each attempt, up to retry_max_delay.")
]
RetryMaxDelay = Annotated[
    int, Field(ge=1, le=86_400, description="Seconds that bound an exponential delay; null for an hour.")
]
_RETRY_ON: JsonDict = {
    "type": ["string", "integer"],
    "pattern": f"^({RETRY_ON.pattern})$",
    "minimum": 300,
    "maximum": 599,
}
RetryOn = Annotated[
    list[
        Annotated[
            str,
            BeforeValidator(_status_as_text),
            AfterValidator(_retryable),
            Field(json_schema_extra=_RETRY_ON),
        ]
    ],
    Field(
        max_length=50,
        description="Statuses and kinds of failure that are retried; null for the default set (408, 425, 429, 5xx, "
        "timeouts, connections).",
        examples=[["503", "5xx", "timeout", "connection"]],
    ),
    AfterValidator(_distinct),
]
StartAt = Annotated[Instant, Field(description="No instant is earlier; an interval counts from here.")]
EndAt = Annotated[Instant, Field(description="No instant is later; the job is completed then.")]
Number = BeforeValidator(_number)  # after the bounds, which the document loses otherwise
Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]


def _milliseconds(value: float) -> float:
    return round(value, 3)


Milliseconds = Annotated[float, PlainSerializer(_milliseconds), WithJsonSchema({"type": "number"})]
