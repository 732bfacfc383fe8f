"""The exchange of one HTTP request for one answer: a requests transport adapter on libcurl.

requests' own adapter bounds each wait, not the whole exchange, so a receiver that drips byte by byte holds a
thread for as long as it likes. libcurl bounds it all: name, connection, TLS, sending, headers and body.
"""

import io
import math
import os
import select
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import certifi
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

try:
    import pycurl
except ImportError:  # stock.py takes over
    pycurl = None

HAS_CURL = pycurl is not None
BODY_LIMIT = 64 * 1024  # bytes of an answer's body that are kept; the rest is not read
HEADER_LIMIT = 64 * 1024  # bytes of all status and header lines of an answer together
KEPT_CONNECTIONS = 4  # per adapter; every worker thread has one, and descriptors are few
STATUS_LINE = b"HTTP/"
EARLIEST_WAKE = 1.0  # seconds; libcurl is asked at least this often, should a timer ever go missing


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


class Answer(requests.Response):
    """A response whose body has been read already, up to BODY_LIMIT."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, *, truncated: bool) -> None:
        super().__init__()
        self.status_code = status
        self.headers = CaseInsensitiveDict(headers)
        self.body = body[:BODY_LIMIT]
        self.truncated = truncated
        self.raw = io.BytesIO(self.body)


class Transport(BaseAdapter):
    """An adapter whose send() gives an Answer or raises ExchangeError, and ends early at abort().

    begin() and end() mark the call under way, so an abort() that comes between two calls hits neither.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._running = False
        self._aborted = False

    def begin(self) -> None:
        """Mark the start of a call: from here abort() has something to end."""
        with self._lock:
            self._running, self._aborted = True, False

    def end(self) -> None:
        """Mark the end of a call: from here abort() does nothing."""
        with self._lock:
            self._running = False

    def abort(self) -> None:
        """End the call under way, if any; safe from every thread."""
        with self._lock:
            if self._running and not self._aborted:
                self._aborted = True
                self._interrupt()

    def _interrupt(self) -> None:
        raise NotImplementedError


class _Received:
    """What has arrived of one answer; its two methods are libcurl's callbacks."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.header_bytes = 0
        self.headers_too_large = False
        self.body = bytearray()
        self._in_headers = True  # until the empty line after them

    def header(self, line: bytes) -> int:
        """Take one header line; a shorter count than given makes libcurl give up."""
        self.header_bytes += len(line)
        if self.header_bytes > HEADER_LIMIT:
            self.headers_too_large = True
            return 0
        if line.startswith(STATUS_LINE):  # also after an interim answer (1xx), whose fields are dropped
            self.fields.clear()
            self._in_headers = True
        elif not line.strip():
            self._in_headers = False  # what follows a body are trailers: counted, not kept
        elif self._in_headers:
            name, _, value = line.decode("latin-1").partition(":")
            self.fields.append((name.strip(), value.strip()))
        return len(line)

    def write(self, data: bytes) -> int:
        """Take a piece of the body; past the limit libcurl is made to stop and to close the connection."""
        self.body += data[: BODY_LIMIT + 1 - len(self.body)]
        return len(data) if len(self.body) <= BODY_LIMIT else 0

    def headers_cut_off(self) -> bool:
        """Whether the connection ended inside the headers, which libcurl takes for their end."""
        return self._in_headers

    def headers(self) -> dict[str, str]:
        """The fields by name in lower case, repeated ones joined as RFC 9110 section 5.3 allows."""
        joined: dict[str, str] = {}
        for name, value in self.fields:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        return joined


class CurlAdapter(Transport):
    """One libcurl handle with its kept connections.

    It is driven through the socket interface of curl_multi: the wait is ours, so a byte in a pipe ends it at
    once (curl_easy_perform looks at its callbacks once a second when nothing arrives), and poll() knows no
    limit of 1,024 descriptors as select() does.
    """

    def __init__(self) -> None:
        super().__init__()
        self._wake_read, self._wake_write = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._wake_read, select.POLLIN)
        self._due = 0.0  # monotonic instant at which libcurl wants its timeouts looked at
        self._easy = pycurl.Curl()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, KEPT_CONNECTIONS)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Answer:
        """Send the request and read its answer; timeout is in seconds and bounds both together.

        verify is True or the path of a CA bundle; stream, cert and proxies have no effect.
        """
        received = _Received()
        self._easy.reset()  # options only; connections, names and TLS sessions stay
        _set_limits(self._easy, timeout, certifi.where() if verify is True else verify)
        _set_request(self._easy, request)
        self._easy.setopt(pycurl.HEADERFUNCTION, received.header)
        self._easy.setopt(pycurl.WRITEFUNCTION, received.write)
        failure = self._exchange()
        return self._answer(received, failure)

    def close(self) -> None:
        """Close all connections; abort() stays harmless.

        A name lookup left behind by a call that ended early is waited for, as long as the resolver takes.
        """
        self._multi.close()
        self._easy.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def end(self) -> None:
        """Mark the end of a call and take its abort out of the pipe."""
        super().end()
        if self._aborted:
            os.read(self._wake_read, 1)

    def _interrupt(self) -> None:
        os.write(self._wake_write, b"x")

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        """libcurl's wish about a socket: what to wait for, or to forget it."""
        if what == pycurl.POLL_REMOVE:
            self._poll.unregister(fd)
            return
        wanted = select.POLLIN if what & pycurl.POLL_IN else 0
        self._poll.register(fd, wanted | (select.POLLOUT if what & pycurl.POLL_OUT else 0))

    def _set_timer(self, milliseconds: int) -> None:
        delay = EARLIEST_WAKE if milliseconds < 0 else milliseconds / 1000
        self._due = time.monotonic() + delay

    def _exchange(self) -> tuple[int, str] | None:
        """Run the handle to its end; None when libcurl is content, else its error number and sentence."""
        self._due = time.monotonic()
        self._multi.add_handle(self._easy)
        try:
            while True:
                self._step()
                _, done, failed = self._multi.info_read()
                if done or failed:
                    return (failed[0][1], failed[0][2]) if failed else None
        finally:
            self._multi.remove_handle(self._easy)  # of an unfinished exchange: closes its connection

    def _step(self) -> None:
        """Wait for a socket, the timer or an abort, and let libcurl act on it."""
        wait = min(max(self._due - time.monotonic(), 0), EARLIEST_WAKE)
        ready = self._poll.poll(math.ceil(wait * 1000))
        if self._aborted:
            raise aborted()
        for fd, events in ready:
            self._multi.socket_action(fd, _curl_events(events))
        if time.monotonic() >= self._due or not ready:
            self._due = time.monotonic() + EARLIEST_WAKE  # libcurl sets it anew where it wants less
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _answer(self, received: _Received, failure: tuple[int, str] | None) -> Answer:
        if received.headers_too_large:
            raise too_large()
        # A body that has reached the limit is read as far as it will be, whatever became of its rest.
        if failure and len(received.body) < BODY_LIMIT:
            raise CurlFailures.error(*failure)
        if received.headers_cut_off():
            raise ExchangeError("connection", "The answer's headers were cut off.", retryable=True)
        status = self._easy.getinfo(pycurl.RESPONSE_CODE)
        truncated = len(received.body) > BODY_LIMIT or failure is not None
        return Answer(status, received.headers(), bytes(received.body), truncated=truncated)


def _curl_events(events: int) -> int:
    """poll()'s events in libcurl's words; a hang-up is readable, as there may be something left to read."""
    mask = 0
    if events & (select.POLLIN | select.POLLHUP):
        mask |= pycurl.CSELECT_IN
    if events & select.POLLOUT:
        mask |= pycurl.CSELECT_OUT
    return mask | (pycurl.CSELECT_ERR if events & (select.POLLERR | select.POLLNVAL) else 0)


def _set_limits(easy: Any, timeout: float, bundle: str) -> None:
    """What every exchange may and may not do."""
    milliseconds = max(1, math.ceil(timeout * 1000))  # 0 would mean none
    easy.setopt(pycurl.TIMEOUT_MS, milliseconds)
    easy.setopt(pycurl.CONNECTTIMEOUT_MS, milliseconds)  # its default is 300 s
    easy.setopt(pycurl.NOSIGNAL, 1)  # signals belong to the main thread
    easy.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    easy.setopt(pycurl.FOLLOWLOCATION, 0)
    easy.setopt(pycurl.PROXY, "")  # libcurl reads http_proxy and its kin otherwise
    easy.setopt(pycurl.CAINFO, bundle)
    easy.setopt(pycurl.SSL_VERIFYPEER, 1)
    easy.setopt(pycurl.SSL_VERIFYHOST, 2)


def _set_request(easy: Any, request: requests.PreparedRequest) -> None:
    """The method, address, body and headers."""
    easy.setopt(pycurl.URL, str(request.url).encode())
    easy.setopt(pycurl.PATH_AS_IS, 1)
    if request.method == "HEAD":
        easy.setopt(pycurl.NOBODY, 1)
    elif request.body:
        easy.setopt(pycurl.POSTFIELDS, request.body)
    easy.setopt(pycurl.CUSTOMREQUEST, str(request.method))
    easy.setopt(pycurl.HTTPHEADER, _header_lines(request))


def _header_lines(request: requests.PreparedRequest) -> list[bytes]:
    """The headers for libcurl: 'name;' sends an empty one, 'name:' keeps libcurl from adding its own."""
    lines = []
    for name, value in request.headers.items():
        if request.body and name.lower() == "content-length":
            continue  # libcurl counts POSTFIELDS itself
        text = value.encode() if isinstance(value, str) else bytes(value)
        lines.append(name.encode() + b": " + text if text else name.encode() + b";")
    # Left alone libcurl waits up to a second for a 100 before a large body, and calls every body a form.
    return lines + [f"{name}:".encode() for name in ("Expect", "Content-Type") if name not in request.headers]


class CurlFailures:
    """libcurl's error numbers in our codes."""

    # Source: curl.se/libcurl/c/libcurl-errors.html. Number: (code, retryable).
    CODES: ClassVar[dict[int, tuple[str, bool]]] = {
        1: ("protocol", True),  # an answer without a status line (HTTP/0.9)
        3: ("invalid_request", False),
        6: ("dns", True),
        8: ("protocol", True),
        28: ("timeout", True),
        35: ("tls", True),  # the handshake broke off
        43: ("invalid_request", False),
        53: ("tls", False),
        54: ("tls", False),
        58: ("tls", False),
        59: ("tls", False),
        60: ("tls", False),  # the certificate is not trusted
        61: ("protocol", True),
        66: ("tls", False),
        77: ("tls", False),
        83: ("tls", False),
        91: ("tls", False),
        100: ("response_too_large", False),
    }

    @classmethod
    def error(cls, number: int, message: str) -> ExchangeError:
        """The error for a number; one not listed is a failure of the connection."""
        code, retryable = cls.CODES.get(number, ("connection", True))
        if code == "timeout":
            return timed_out()
        return ExchangeError(code, message or f"The exchange failed (libcurl {number}).", retryable=retryable)
