"""One HTTP call of one attempt: make the request ready, and judge what its exchange ended with."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests

from service.curl import HAS_CURL, CurlAdapter
from service.egress import ANYWHERE, Egress
from service.stock import StockAdapter
from service.transport import Answer, ExchangeError, Fields, Prepared, Ready, Transport, header_lines

ERROR_LIMIT = 1000  # characters of Outcome.error
LONGEST_RETRY_AFTER = 3600.0  # seconds
LONGEST_TIMEOUT = 86_400  # seconds; the API allows less
RETRYABLE = frozenset({408, 425, 429})  # and every 5xx
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # Source: RFC 9110 section 5.6.2
UNSAFE_IN_VALUE = re.compile(r"[\r\n\0]")
FRAMING = frozenset({"content-length", "transfer-encoding"})  # the transport knows what it sends
BODILESS = frozenset({"GET", "HEAD"})  # without a body these need not say that its length is 0
# What requests leaves as it is: most URLs, so that most need not be taken apart and put together again.
NORMAL_URL = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4})?"
    r"/[\w\-.~!$&'()*+,;=:@/]*(?:\?[\w\-.~!$&'()*+,;=:@/?]+)?",
    re.ASCII,
)
USER_AGENT = "scheduler-service"


class Request(NamedTuple):
    """What to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout: float  # seconds, for the whole exchange


class Shape(NamedTuple):
    """All of a request but the content of its body, which many jobs have in common: checked, and ready to be sent."""

    method: str
    url: str
    timeout: float  # seconds, for the whole exchange
    fields: Fields
    lines: list[bytes]  # the same, as libcurl wants them
    body: bool  # whether one is sent

    def around(self, body: bytes | None) -> Prepared:
        """The request with this body, or without one where none is sent."""
        return Prepared(
            Ready(self.method, self.url, self.fields, body if self.body else None), self.lines, self.timeout
        )


class Outcome(NamedTuple):
    """What became of a call."""

    status: str  # completed, failed, timeout, or cancelled (ended by abort)
    retryable: bool  # whether another attempt makes sense
    response_status: int | None  # None: no whole answer
    response_body: str | None  # up to BODY_LIMIT bytes as UTF-8, without NUL; None: no whole answer
    response_truncated: bool  # the body went on past BODY_LIMIT
    error_code: str | None  # None: completed
    error: str | None  # a sentence of at most ERROR_LIMIT characters
    duration_ms: float
    retry_after: float | None  # seconds the receiver asked to be left alone; None: it did not say
    retry_not_before: datetime | None  # the same as a date, where the answer does not tell its own time


def open_transport(
    slots: int, on_fault: Callable[[], None], adapter: str | None = None, egress: Egress = ANYWHERE
) -> Transport:
    """A transport for `slots` calls at once: "curl", "stock", or (None) curl where pycurl is installed."""
    if adapter is None:
        adapter = "curl" if HAS_CURL else "stock"
    return {"curl": CurlAdapter, "stock": StockAdapter}[adapter](slots, on_fault, egress)


def prepare(request: Request) -> Prepared:
    """The request ready to be sent any number of times, or ExchangeError(invalid_request)."""
    method, url, headers, body, timeout = request
    return shape(method, url, headers, timeout, body=bool(body)).around(body)


def shape(method: str, url: str, headers: Mapping[str, str], timeout: float, *, body: bool) -> Shape:
    """The shape of requests with a body, which HEAD sends none of, or without; or ExchangeError(invalid_request)."""
    if not 0 < timeout <= LONGEST_TIMEOUT:
        raise _invalid(f"The timeout must be above 0 and at most {LONGEST_TIMEOUT} seconds.")
    method = _method(method)
    body = body and method != "HEAD"
    try:
        url = _normal(url)
        fields = list(_headers(headers, body).items())
    except ExchangeError:
        raise
    except (requests.RequestException, ValueError) as error:
        # Their own text may quote the URL, and with it a password.
        raise _invalid("The request cannot be sent: its URL or headers are not valid.") from error
    if not body and method not in BODILESS:
        fields.append(("Content-Length", b"0"))
    return Shape(method, url, timeout, fields, header_lines(fields, body), body)


def is_normal(url: str) -> bool:
    """Whether requests would surely send the URL as it is."""
    return NORMAL_URL.fullmatch(url) is not None and "/." not in url


def _method(name: str) -> str:
    """The method as it is sent."""
    method = name.upper()
    if not TOKEN.fullmatch(method) or method == "CONNECT":
        raise _invalid("The method is not one that can be sent.")
    return method


def _normal(url: str) -> str:
    """The URL as requests would send it."""
    if is_normal(url):
        return url
    if not url.lower().startswith(("http://", "https://")):
        raise _invalid("The URL must begin with http:// or https://.")
    if "@" in url.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]:
        raise _invalid("The URL must not contain credentials.")
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


def judge(result: Answer | ExchangeError, duration_ms: float) -> Outcome:
    """The outcome of a call from what its exchange ended with; nothing the network or the receiver does raises."""
    return _unanswered(result, duration_ms) if isinstance(result, ExchangeError) else _judge(result, duration_ms)


def _headers(own: Mapping[str, str], body: bool) -> dict[str, bytes]:
    """The job's own headers in UTF-8, and the defaults it does not name."""
    headers: dict[str, bytes] = {}
    for name, value in own.items():
        if not TOKEN.fullmatch(name):
            raise _invalid("A header's name has characters that cannot be sent.")
        if UNSAFE_IN_VALUE.search(value):
            raise _invalid(f"The value of header {name} has a line break or a NUL character.")
        if name.lower() not in FRAMING:
            headers[name] = value.strip().encode()
    defaults = {"User-Agent": USER_AGENT.encode(), "Accept": b"*/*"}
    if body:
        defaults["Content-Type"] = b"application/json"
    named = {name.lower() for name in headers}
    return {name: value for name, value in defaults.items() if name.lower() not in named} | headers


def _invalid(message: str) -> ExchangeError:
    return ExchangeError("invalid_request", message, retryable=False)


def _unanswered(error: ExchangeError, duration_ms: float) -> Outcome:
    """The outcome of a call that got no whole answer."""
    return Outcome(
        status={"timeout": "timeout", "aborted": "cancelled"}.get(error.code, "failed"),
        retryable=error.retryable,
        response_status=None,
        response_body=None,
        response_truncated=False,
        error_code=error.code,
        error=_text(str(error))[:ERROR_LIMIT],
        duration_ms=duration_ms,
        retry_after=None,
        retry_not_before=None,
    )


def _judge(answer: Answer, duration_ms: float) -> Outcome:
    """The outcome of an answered call, by its status alone."""
    status = answer.status_code
    completed = 200 <= status < 300
    body = _text(answer.body.decode("utf-8", "replace"))
    if completed:  # by position, which takes half the time
        return Outcome("completed", False, status, body, answer.truncated, None, None, duration_ms, None, None)
    retry_after, retry_not_before = _retry_after(answer.headers)
    return Outcome(
        status="failed",
        retryable=status in RETRYABLE or 500 <= status < 600,
        response_status=status,
        response_body=body,
        response_truncated=answer.truncated,
        error_code="http_status",
        error=f"The receiver answered with status {status}.",
        duration_ms=duration_ms,
        retry_after=retry_after,
        retry_not_before=retry_not_before,
    )


def _text(text: str) -> str:
    """The text without NUL, which PostgreSQL cannot hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _retry_after(headers: Mapping[str, str]) -> tuple[float | None, datetime | None]:
    """What Retry-After asks for, in seconds, or as a date where there is no Date to count it from.

    A date counts from the answer's own Date, not from a clock of ours.
    Source: RFC 9110 section 10.2.3.
    """
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", asked):
        return min(float(asked), LONGEST_RETRY_AFTER), None
    until, sent = _date(asked), _date(headers.get("Date", ""))
    if until is None or sent is None:
        return None, until
    return min(max((until - sent).total_seconds(), 0.0), LONGEST_RETRY_AFTER), None


def _date(text: str) -> datetime | None:
    """An HTTP date; one without a zone is in UTC. None: it is none."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
