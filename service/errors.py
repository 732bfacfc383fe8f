"""Every error a caller of the service can meet, as one tree.

ServiceError
 ├── ValidationFailed   400  what the client sent breaks a rule; `problems` names each field and the fix
 ├── MalformedRequest   400  the request could not be read at all
 ├── Unauthorized       401  no key, or none that is good; WWW-Authenticate says what to send
 ├── Forbidden          403  the key does not reach so far
 ├── NotFound           404  no such thing for this tenant
 ├── Conflict           409  the thing's state forbids it
 │    ├── Deleted            the job is deleted
 │    ├── KeyTaken           another job has the key
 │    ├── QuotaExceeded      the tenant has as many jobs as it may
 │    ├── KeyReused          the Idempotency-Key came with another request before
 │    └── RequestInProgress  the same Idempotency-Key is being served; Retry-After says when to come back
 ├── PreconditionFailed 412  If-Match or If-None-Match demands another state
 ├── PayloadTooLarge    413
 ├── UnsupportedMedia   415
 ├── TooManyRequests    429  the tenant asks too often; Retry-After says when to come back
 └── Unavailable        503  the database is out of reach; Retry-After says when to come back
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

ProblemCode = Literal[
    "required", "unknown_field", "invalid_type", "out_of_range", "too_long", "too_short", "taken", "repeated", "invalid"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that breaks a rule: where, what and how to mend it, and a code to switch on."""

    field: str
    message: str
    code: ProblemCode = "invalid"


class ServiceError(Exception):
    """The request could not be served."""

    status = 500
    code = "INTERNAL_ERROR"
    retry_after_seconds: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say of it."""
        return {} if self.retry_after_seconds is None else {"Retry-After": str(self.retry_after_seconds)}

    def __init__(self, message: str | None = None, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.problems = problems


class ValidationFailed(ServiceError):
    """Some fields are not valid."""

    status = 400
    code = "VALIDATION_ERROR"

    def __init__(self, problems: Sequence[Problem], message: str | None = None) -> None:
        super().__init__(message, problems)


class MalformedRequest(ServiceError):
    """The request body is not valid JSON."""

    status = 400
    code = "MALFORMED_REQUEST"


class Unauthorized(ServiceError):
    """Send a valid API key as Authorization: Bearer <key>."""

    status = 401
    code = "UNAUTHORIZED"

    @property
    def headers(self) -> dict[str, str]:
        """How to authenticate."""
        return {"WWW-Authenticate": 'Bearer realm="scheduler"'}


class Forbidden(ServiceError):
    """The API key does not allow this."""

    status = 403
    code = "FORBIDDEN"


class NotFound(ServiceError):
    """There is no such resource."""

    status = 404
    code = "NOT_FOUND"


class Conflict(ServiceError):
    """The resource's state does not allow this."""

    status = 409
    code = "CONFLICT"


class Deleted(Conflict):
    """The job is deleted."""


class KeyTaken(Conflict):
    """Another job has this key."""

    def __init__(self, *fields: str) -> None:
        text = "is the key of another job; choose another one, or replace that job with PUT /jobs/by-key/:key"
        super().__init__(problems=[Problem(field, text, "taken") for field in fields or ("key",)])


class QuotaExceeded(Conflict):
    """The tenant has as many jobs as it may."""

    code = "QUOTA_EXCEEDED"


class KeyReused(Conflict):
    """The Idempotency-Key was used for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class RequestInProgress(Conflict):
    """A request with this Idempotency-Key is being served; send it again to get its answer."""

    code = "REQUEST_IN_PROGRESS"
    retry_after_seconds = 1


class PreconditionFailed(ServiceError):
    """The resource is not in the state that the request demands."""

    status = 412
    code = "PRECONDITION_FAILED"


class PayloadTooLarge(ServiceError):
    """The request body is too large."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"


class TooManyRequests(ServiceError):
    """The tenant sends more requests than it may; send fewer, or this one again after Retry-After seconds."""

    status = 429
    code = "RATE_LIMITED"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class UnsupportedMedia(ServiceError):
    """Send the request body as application/json."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class Unavailable(ServiceError):
    """The database is out of reach; try again shortly."""

    status = 503
    code = "UNAVAILABLE"
    retry_after_seconds = 2


class Refusable(Protocol):
    """What the database says of a wish."""

    @property
    def known(self) -> bool:
        """Whether there is what it is about."""

    @property
    def refusal(self) -> str | None:
        """Why it cannot be done; None: it is done."""


def heed(verdict: Refusable) -> None:
    """Raise NotFound or Conflict where the database has refused."""
    if not verdict.known:
        raise NotFound
    if verdict.refusal is not None:
        raise Conflict(verdict.refusal)
