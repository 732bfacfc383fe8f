"""Exchanges of HTTP requests for answers: what every transport takes, gives and keeps to.

requests' own adapter bounds each wait, not the whole exchange, so a receiver that drips byte by byte holds a
thread for as long as it likes. A transport of ours bounds it all: name, connection, TLS, sending, headers and body.
"""

import io
import threading
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple

import requests
from requests.adapters import BaseAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from service import egress
from service.egress import Egress

BODY_LIMIT = 64 * 1024  # bytes of an answer's body that are kept; the rest is not read
HEADER_LIMIT = 64 * 1024  # bytes of all status and header lines of an answer together


class ExchangeError(requests.RequestException):
    """No whole answer came; code names the reason, retryable says whether another attempt makes sense."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


def timed_out() -> ExchangeError:
    """The error of an exchange that reached its deadline."""
    return ExchangeError("timeout", "The receiver did not answer in full within the timeout.", retryable=True)


def aborted() -> ExchangeError:
    """The error of an exchange ended by abort()."""
    return ExchangeError("aborted", "The call was aborted before the receiver had answered.", retryable=False)


def too_large() -> ExchangeError:
    """The error of an answer whose headers pass HEADER_LIMIT."""
    message = f"The answer's headers are larger than {HEADER_LIMIT} bytes."
    return ExchangeError("response_too_large", message, retryable=False)


def egress_denied(network: str) -> ExchangeError:
    """The error of an exchange whose receiver has no address that may be called."""
    return ExchangeError("egress_denied", egress.message(network), retryable=False)


class Answer(requests.Response):
    """A response whose body has been read already, up to BODY_LIMIT.

    Response's own constructor makes a cookie jar and a header dictionary each time, which costs as much as the
    exchange does; here they are made when somebody asks.
    """

    _content: Any = False
    _content_consumed = False
    _next: Any = None
    url: Any = None
    encoding: Any = None
    reason: Any = None
    request: Any = None
    history: Any = ()
    elapsed = timedelta(0)  # whoever made the exchange has measured it

    def __init__(self, status: int, fields: Callable[[], Mapping[str, str]], body: bytes, *, truncated: bool) -> None:
        """fields gives the headers, repeated ones joined."""
        self.status_code = status
        self.body = body[:BODY_LIMIT]
        self.truncated = truncated
        self._fields = fields

    @cached_property
    def headers(self) -> CaseInsensitiveDict[str]:  # type: ignore[override]
        """The answer's headers."""
        return CaseInsensitiveDict(self._fields())

    @cached_property
    def cookies(self) -> RequestsCookieJar:  # type: ignore[override]
        """Empty: none are kept."""
        return RequestsCookieJar()

    @cached_property
    def raw(self) -> io.BytesIO:  # type: ignore[override]
        """The body as a stream."""
        return io.BytesIO(self.body)


Fields = Sequence[tuple[str, str | bytes]]  # headers in their order


class Ready(requests.PreparedRequest):
    """A request as requests would have prepared it.

    requests takes the URL apart and makes dictionaries and a cookie jar each time, which costs half as much as the
    exchange does; here the parts are given as they are, and the headers become a dictionary when somebody asks.
    """

    hooks: Any = types.MappingProxyType({"response": ()})
    _cookies: Any = None
    _body_position: Any = None

    def __init__(self, method: str, url: str, fields: Fields, body: bytes | None) -> None:
        self.method = method
        self.url = url
        self.body = body
        self._fields = fields

    @cached_property
    def headers(self) -> CaseInsensitiveDict[Any]:  # type: ignore[override]
        """All of its headers."""
        length = [("Content-Length", str(len(self.body)))] if self.body else []
        return CaseInsensitiveDict([*self._fields, *length])


class Prepared(NamedTuple):
    """A request ready to be sent as often as its job runs."""

    request: requests.PreparedRequest
    lines: list[bytes]  # its headers as libcurl wants them
    timeout: float  # seconds, for the whole exchange


class Sending(NamedTuple):
    """What one exchange sends: the prepared request, and headers of its own, which the request has not."""

    prepared: Prepared
    head: str = ""  # those headers as they are sent, in ASCII, with CRLF between two of them


class Exchange:
    """One exchange as a transport sees it. Each method is called once, from a thread of the transport."""

    __slots__ = ()

    def begin(self) -> Sending:
        """What to send, asked for when it is sent. Raises ExchangeError when it cannot be."""
        raise NotImplementedError

    def end(self, result: Answer | ExchangeError) -> None:
        """Take what became of it; without begin() before when it was aborted early."""
        raise NotImplementedError


class Transport(BaseAdapter):
    """A requests adapter that carries out exchanges, at most `slots` at once, in threads of its own.

    An exchange submitted waits for a free slot, in order. A fault in a thread of the transport calls on_fault:
    what was under way has then no end.
    """

    def __init__(self, slots: int, on_fault: Callable[[], None], rules: Egress) -> None:
        """rules say which addresses may be connected to."""
        super().__init__()
        self._egress = rules
        self._slots = slots
        self._on_fault = on_fault

    def submit(self, exchanges: Sequence[Exchange]) -> None:
        """Take exchanges over; each one's end() is called in any case, unless it is withdrawn."""
        raise NotImplementedError

    def withdraw(self, exchange: Exchange) -> bool:
        """Give back an exchange that has not begun; False when it has."""
        raise NotImplementedError

    def abort(self, exchange: Exchange) -> None:
        """End an exchange early; nothing when it is over. Safe from every thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Abort what is left and close all connections."""
        raise NotImplementedError

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Answer:
        """Exchange one request as requests.Session wants it; timeout is in seconds and bounds the whole.

        The body is read at once, redirects are not followed; stream, verify, cert and proxies have no effect.
        """
        exchange = _Waited(Sending(prepared(request, float(timeout))))
        self.submit([exchange])
        return exchange.wait()


class _Waited(Exchange):
    """An exchange somebody waits for."""

    __slots__ = ("_over", "_result", "_sending")

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._over = threading.Event()
        self._result: Answer | ExchangeError = aborted()

    def begin(self) -> Sending:
        return self._sending

    def end(self, result: Answer | ExchangeError) -> None:
        self._result = result
        self._over.set()

    def wait(self) -> Answer:
        """The answer; raises ExchangeError where there is none."""
        self._over.wait()
        if isinstance(self._result, ExchangeError):
            raise self._result
        return self._result


def prepared(request: requests.PreparedRequest, timeout: float) -> Prepared:
    """The request with all that need not be worked out again for each exchange."""
    return Prepared(request, header_lines(list(request.headers.items()), bool(request.body)), timeout)


def header_lines(fields: Fields, body: bool) -> list[bytes]:
    """The headers for libcurl: 'name;' sends an empty one, 'name:' keeps libcurl from adding its own."""
    lines = []
    for name, value in fields:
        if body and name.lower() == "content-length":
            continue  # libcurl counts POSTFIELDS itself
        text = value.encode() if isinstance(value, str) else bytes(value)
        lines.append(name.encode() + b": " + text if text else name.encode() + b";")
    # Left alone libcurl waits up to a second for a 100 before a large body, and calls every body a form.
    named = {name.lower() for name, _ in fields}
    return lines + [f"{name}:".encode() for name in ("Expect", "Content-Type") if name.lower() not in named]
