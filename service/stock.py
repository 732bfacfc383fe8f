"""The same exchange on requests' own adapter, for hosts without pycurl.

That adapter blocks where nothing can interrupt it (name resolution) and bounds each wait only. So the
exchange runs in a thread of its own: the caller waits for its result, the deadline or an abort, whichever is
first, and then shuts the exchange's sockets down, which ends the thread too.
"""

import contextlib
import os
import queue
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead, LineTooLong
from typing import Any

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from service import log
from service.egress import ANYWHERE, Egress
from service.transport import (
    BODY_LIMIT,
    HEADER_LIMIT,
    Answer,
    Exchange,
    ExchangeError,
    Sending,
    Transport,
    aborted,
    egress_denied,
    timed_out,
    too_large,
)

KEPT_HOSTS = 64  # whose connections are kept


class StockAdapter(Transport):
    """requests' own adapter, each exchange under one deadline."""

    def __init__(self, slots: int, on_fault: Callable[[], None], rules: Egress = ANYWHERE) -> None:
        super().__init__(slots, on_fault, rules)
        self._lock = threading.Condition()
        self._waiting: deque[Exchange] = deque()
        self._active: dict[Exchange, queue.SimpleQueue[Answer | Exception]] = {}
        self._closing = False
        self._threads: list[threading.Thread] = []
        self._adapter = _PooledAdapter(pool_connections=KEPT_HOSTS, pool_maxsize=slots, max_retries=0)

    def submit(self, exchanges: Sequence[Exchange]) -> None:
        """Take exchanges over."""
        with self._lock:
            self._waiting.extend(exchanges)
            self._lock.notify(len(exchanges))
            missing = min(len(self._waiting) + len(self._active), self._slots) - len(self._threads)
            for number in range(missing):
                name = f"worker-{len(self._threads) + number}"
                self._threads.append(threading.Thread(target=self._run, name=name, daemon=True))
                self._threads[-1].start()

    def withdraw(self, exchange: Exchange) -> bool:
        """Give back an exchange that has not begun."""
        with self._lock:
            if exchange not in self._waiting:
                return False
            self._waiting.remove(exchange)
            return True

    def abort(self, exchange: Exchange) -> None:
        """End an exchange early."""
        if self.withdraw(exchange):
            exchange.end(aborted())
            return
        with self._lock:
            results = self._active.get(exchange)
            if results is not None:
                results.put(aborted())

    def close(self) -> None:
        """Abort what is left and close all connections."""
        with self._lock:
            self._closing = True
            left = [*self._waiting, *self._active]
            self._lock.notify_all()
        for exchange in left:
            self.abort(exchange)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._adapter.close()

    def _run(self) -> None:
        try:
            while (taken := self._take()) is not None:
                exchange, results = taken
                result = self._carry_out(exchange, results)
                with self._lock:
                    del self._active[exchange]
                exchange.end(result)
        except Exception as error:  # noqa: BLE001 - the top of a thread
            log.error(log.LOOP_FAILED, error, loop=threading.current_thread().name)
            self._on_fault()

    def _take(self) -> tuple[Exchange, "queue.SimpleQueue[Answer | Exception]"] | None:
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            exchange = self._waiting.popleft()
            # New each time, as an abandoned exchange may still put into its own.
            results = self._active[exchange] = queue.SimpleQueue()
            return exchange, results

    def _carry_out(
        self, exchange: Exchange, results: "queue.SimpleQueue[Answer | Exception]"
    ) -> Answer | ExchangeError:
        try:
            sending = exchange.begin()
        except ExchangeError as error:
            return error
        request = _whole(sending)
        attempt = _Exchange(results, self._egress, lambda: self._adapter.exchange(request, sending.prepared.timeout))
        attempt.start()
        try:
            result = results.get(timeout=sending.prepared.timeout)
        except queue.Empty:
            result = attempt.kept or timed_out()
        finally:
            attempt.cut()
        if isinstance(result, Answer | ExchangeError):
            return result
        return _failure(result)


def _whole(sending: Sending) -> requests.PreparedRequest:
    request = sending.prepared.request.copy()
    for line in sending.head.splitlines():
        name, _, value = line.partition(": ")
        request.headers[name] = value
    return request


class _Exchange(threading.Thread):
    """One exchange in its thread; holds its sockets, so that cut() can end it from outside."""

    def __init__(
        self, results: "queue.SimpleQueue[Answer | Exception]", rules: Egress, act: Callable[[], Answer]
    ) -> None:
        super().__init__(name=f"{threading.current_thread().name}-exchange", daemon=True)
        self._results = results
        self._act = act
        self.egress = rules
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._over = False
        self.reused = False  # the request went over a kept connection
        self.kept: Answer | None = None  # an answer whose body has reached its limit

    def run(self) -> None:
        """Act, and hand over the answer, or what was raised for the caller's thread to raise again."""
        result: Answer | Exception
        try:
            result = self._act()
        except Exception as error:  # noqa: BLE001
            result = self.kept or error
        self._let_go()  # first, or the caller's cut() would close the connection that is to be kept
        self._results.put(result)

    def hold(self, sock: socket.socket) -> None:
        """Take a duplicate of a connection's socket: TLS replaces it, http.client closes it early."""
        duplicate = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._sockets.append(duplicate)
            if self._over:
                _shut_down(duplicate)

    def cut(self) -> None:
        """Shut down the sockets still held: none after a finished exchange, whose connection lives on."""
        with self._lock:
            self._over = True
            for sock in self._sockets:
                _shut_down(sock)

    def _let_go(self) -> None:
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # not connected yet, or not any more
        sock.shutdown(socket.SHUT_RDWR)


def _current() -> _Exchange:
    thread = threading.current_thread()
    if not isinstance(thread, _Exchange):
        raise TypeError("held connections are used in an exchange's thread only")
    return thread


class _Head:
    """The stream of an answer's headers: raises at an end in there, where http.client sees nothing amiss."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.close = stream.close
        self._begun = False

    def readline(self, limit: int) -> bytes:
        """The next line, at most limit bytes of it."""
        line: bytes = self.stream.readline(limit)
        if self._begun and not line:
            raise IncompleteRead(b"")
        self._begun = True
        return line


class _WholeHead(HTTPResponse):
    def begin(self) -> None:
        head = _Head(self.fp)
        self.fp: Any = head
        try:
            super().begin()
        finally:
            if self.fp is head:  # else the answer has no body, and the stream is closed
                self.fp = head.stream


class _Held(HTTPConnection):
    """A connection that shows its socket to the exchange using it."""

    response_class = _WholeHead

    def _new_conn(self) -> socket.socket:
        sock = self._connected()
        _current().hold(sock)
        return sock

    def _connected(self) -> socket.socket:
        """A socket to the first address that may be called and answers; what was looked up is looked up once."""
        name, failure = self._dns_host, None
        try:
            for address in self._addresses():
                self._dns_host = address
                try:
                    return super()._new_conn()
                except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                    failure = error
        finally:
            self._dns_host = name  # what Host and SNI go by
        raise failure or urllib3.exceptions.NewConnectionError(self, "the name has no address")

    def _addresses(self) -> list[str]:
        """What the host resolves to, without what is denied; raises ExchangeError when that leaves nothing."""
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise urllib3.exceptions.NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
        refused = {address: _current().egress.refusal(address, self._dns_host) for address in addresses}
        allowed = [address for address in addresses if refused[address] is None]
        if not allowed:
            raise egress_denied(str(refused[addresses[0]]))
        return allowed

    def request(self, *args: Any, **kwargs: Any) -> None:
        _current().reused = self.sock is not None
        if self.sock is not None:
            _current().hold(self.sock)
        super().request(*args, **kwargs)


class _HeldTls(_Held, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Held


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _HeldTls


class _PooledAdapter(HTTPAdapter):
    """requests' adapter over held connections; its methods run in an exchange's thread."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of held connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def exchange(self, request: requests.PreparedRequest, timeout: float) -> Answer:
        """Send and read; once more when a kept connection turns out to have been closed by the receiver."""
        try:
            response = self.send(request, stream=True, timeout=timeout)
        except requests.ConnectionError as error:
            if not (_current().reused and any(isinstance(link, ConnectionError) for link in _chain(error))):
                raise
            response = self.send(request, stream=True, timeout=timeout)
        return _read(response)


def _read(response: requests.Response) -> Answer:
    """The answer with its body up to the limit; the connection is kept only when the body ended before it."""
    headers = dict(response.headers)
    if sum(len(name) + len(value) + len(": \r\n") for name, value in headers.items()) > HEADER_LIMIT:
        response.raw.close()
        raise too_large()
    body = response.raw.read(BODY_LIMIT, decode_content=False)
    kept = Answer(response.status_code, lambda: headers, body, truncated=True)
    if len(body) == BODY_LIMIT:
        _current().kept = kept
    if response.raw.read(1, decode_content=False):  # past the end it is urllib3's chance to say "cut off"
        response.raw.close()
        return kept
    response.raw.release_conn()
    return Answer(response.status_code, lambda: headers, body, truncated=False)


# The first class found in a failure's chain of causes decides: (class, code, retryable, sentence).
FAILURES: tuple[tuple[type[BaseException], str, bool, str], ...] = (
    (ssl.SSLCertVerificationError, "tls", False, "The receiver's certificate is not trusted."),
    (urllib3.exceptions.NameResolutionError, "dns", True, "The receiver's host name could not be resolved."),
    (urllib3.exceptions.NewConnectionError, "connection", True, "The receiver could not be reached."),
    (urllib3.exceptions.TimeoutError, "timeout", True, str(timed_out())),
    (TimeoutError, "timeout", True, str(timed_out())),
    (ssl.SSLError, "tls", True, "TLS with the receiver failed."),
    (ConnectionError, "connection", True, "The receiver broke the connection."),  # also RemoteDisconnected
    (IncompleteRead, "connection", True, "The answer's body was cut off."),
    (BadStatusLine, "protocol", True, "The answer is not HTTP."),
    (LineTooLong, "response_too_large", False, str(too_large())),
    (urllib3.exceptions.InvalidHeader, "protocol", True, "The answer's headers contradict each other."),
    (requests.exceptions.InvalidURL, "invalid_request", False, "The URL is not valid."),
    (ValueError, "invalid_request", False, "The request cannot be sent: its URL or headers are not valid."),
)


def _failure(error: BaseException) -> ExchangeError:
    """The failure in our codes; its own text is left out, since it quotes the URL."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ExchangeError):
            return link
    for kind, code, retryable, sentence in FAILURES:
        if any(isinstance(link, kind) for link in chain):
            return ExchangeError(code, sentence, retryable=retryable)
    if any(type(link) is HTTPException for link in chain):  # http.client's "got more than 100 headers"
        return too_large()
    return ExchangeError("protocol", "The answer does not keep to HTTP.", retryable=True)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
