"""Exchanges by libcurl: one thread drives all of them through the socket interface of curl_multi.

The waiting is ours (epoll), so another thread ends it with one write, and what an event costs does not depend on
how many exchanges hang. A handle goes from one exchange to the next, and is told only what differs.
"""

import contextlib
import math
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

import certifi

from service import log
from service.egress import ANYWHERE, Egress
from service.names import Name, Names, name_of
from service.transport import (
    BODY_LIMIT,
    HEADER_LIMIT,
    Answer,
    Exchange,
    ExchangeError,
    Prepared,
    Sending,
    Transport,
    aborted,
    egress_denied,
    timed_out,
    too_large,
)

try:
    import pycurl
except ImportError:  # stock.py takes over
    pycurl = None

HAS_CURL = pycurl is not None
READY_HANDLES = 64  # made before there is a call for them: a burst does not wait till they are
KEPT_CONNECTIONS = 64  # idle ones, beyond one for each slot; descriptors are few
DNS_SECONDS = 30  # a name is looked up anew after these
CLOSE_SECONDS = 2.0
EARLIEST_WAKE = 1.0  # seconds; libcurl is asked at least this often, should a timer ever go missing
NOT_RESOLVED = 6  # libcurl's number for a name without an address
STATUS_LINE = b"HTTP/"
EVENTS = select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP  # 31


class CurlAdapter(Transport):
    """The multi handle, its thread, and a free list of easy handles."""

    def __init__(self, slots: int, on_fault: Callable[[], None], rules: Egress = ANYWHERE) -> None:
        super().__init__(slots, on_fault, rules)
        self._waiting: deque[Exchange] = deque()
        self._aborts: deque[Exchange] = deque()
        self._closing = False
        self._asleep = False  # so that only the first to come writes to the eventfd
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._alarm, select.EPOLLIN)
        self._due: float | None = None  # monotonic instant at which libcurl wants its timeouts looked at
        self._watched: set[int] = set()  # what libcurl waits for; more may be registered, see _watch
        self._handles: list[_Handle] = []
        self._idle: list[_Handle] = []
        self._active: dict[Exchange, _Handle] = {}
        self._by_easy: dict[Any, _Handle] = {}
        self._names = Names(self._rouse)
        self._seeking: dict[_Handle, float] = {}  # active, but their name is looked up first; until when
        self._acts = [_curl_events(events) for events in range(EVENTS + 1)]
        self._wishes = {
            pycurl.POLL_IN: select.EPOLLIN,
            pycurl.POLL_OUT: select.EPOLLOUT,
            pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
        }
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, slots + KEPT_CONNECTIONS)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._idle += [self._new_handle() for _ in range(min(slots, READY_HANDLES))]
        self._thread = threading.Thread(target=self._run, name="calls", daemon=True)
        self._thread.start()

    def submit(self, exchanges: Sequence[Exchange]) -> None:
        """Take exchanges over."""
        self._waiting.extend(exchanges)
        self._rouse()

    def withdraw(self, exchange: Exchange) -> bool:
        """Give back an exchange that has not begun."""
        try:
            self._waiting.remove(exchange)
        except ValueError:
            return False
        return True

    def abort(self, exchange: Exchange) -> None:
        """End an exchange early."""
        self._aborts.append(exchange)
        self._rouse()

    def close(self) -> None:
        """Abort what is left and close all connections; waits CLOSE_SECONDS at most.

        libcurl waits for name lookups left behind by calls that ended early, as long as the resolver takes.
        """
        self._closing = True
        self._rouse()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)

    def _rouse(self) -> None:
        if self._asleep:
            self._asleep = False
            with contextlib.suppress(OSError):  # closed: there is nothing left to rouse it for
                os.eventfd_write(self._alarm, 1)

    def _run(self) -> None:
        try:
            while not self._closing:
                self._begin()
                self._wait()
                self._heed_names()
                self._finish()
            self._aborts.extend([*self._active, *self._waiting])
            self._heed_aborts()
        except Exception as error:  # noqa: BLE001 - the top of a thread
            log.error(log.LOOP_FAILED, error, loop=self._thread.name)
            self._on_fault()
        finally:
            self._release()

    def _release(self) -> None:
        self._multi.close()
        for handle in self._handles:
            handle.easy.close()
        self._epoll.close()
        os.close(self._alarm)

    def _begin(self) -> None:
        """Give free slots to exchanges that wait."""
        self._heed_aborts()
        while self._waiting and len(self._active) < self._slots:
            try:
                exchange = self._waiting.popleft()
            except IndexError:  # withdrawn meanwhile
                return
            handle = self._idle.pop() if self._idle else self._new_handle()
            try:
                handle.load(exchange.begin())
            except ExchangeError as error:
                self._idle.append(handle)
                exchange.end(error)
                continue
            handle.exchange = exchange
            self._active[exchange] = handle
            if handle.name is None or self._names.known(handle.name):
                self._multi.add_handle(handle.easy)
            else:
                self._seek(handle, handle.name)

    def _seek(self, handle: "_Handle", name: Name) -> None:
        """Have a name looked up before libcurl takes the exchange."""
        self._seeking[handle] = time.monotonic() + handle.timeout
        if not self._names.look_up(name):
            self._end(handle, CurlFailures.error(NOT_RESOLVED, "Too many host names are being looked up."))

    def _heed_names(self) -> None:
        """Go on with exchanges whose name was looked up, and end those whose time is over."""
        while self._names.waiting:
            name, addresses = self._names.take()
            for handle, until in [item for item in self._seeking.items() if item[0].name == name]:
                if addresses:
                    del self._seeking[handle]
                    handle.go_to(name, addresses, until - time.monotonic())
                    self._multi.add_handle(handle.easy)
                else:
                    self._end(handle, CurlFailures.error(NOT_RESOLVED, f"Could not resolve host: {name.host}"))
        if self._seeking:
            now = time.monotonic()
            for handle in [handle for handle, until in self._seeking.items() if until <= now]:
                self._end(handle, timed_out())

    def _new_handle(self) -> "_Handle":
        handle = _Handle(self._egress)
        self._handles.append(handle)
        self._by_easy[handle.easy] = handle
        return handle

    def _heed_aborts(self) -> None:
        while self._aborts:
            exchange = self._aborts.popleft()
            handle = self._active.get(exchange)
            if handle is not None:
                self._put_back(handle)  # of an unfinished exchange: closes its connection
                exchange.end(aborted())
            elif self.withdraw(exchange):
                exchange.end(aborted())

    def _put_back(self, handle: "_Handle") -> None:
        if self._seeking.pop(handle, None) is None:
            self._multi.remove_handle(handle.easy)
        del self._active[handle.exchange]
        self._idle.append(handle)

    def _wait(self) -> None:
        """Wait for a socket, the timer or another thread, and let libcurl act on it."""
        self._asleep = True
        ready = self._epoll.poll(self._patience())
        self._asleep = False
        act, watched, acts = self._multi.socket_action, self._watched, self._acts
        for fd, events in ready:
            if fd in watched:
                act(fd, acts[events & EVENTS])
            elif fd == self._alarm:
                os.eventfd_read(fd)
            else:
                self._forget(fd)
        if (self._due is not None and time.monotonic() >= self._due) or (self._active and not ready):
            self._due = None  # libcurl sets it anew where it wants more
            act(pycurl.SOCKET_TIMEOUT, 0)

    def _patience(self) -> float | None:
        # Asked after _asleep was set: who comes later than this look writes to the eventfd.
        if self._aborts or self._closing or self._names.waiting or (self._waiting and len(self._active) < self._slots):
            return 0
        if self._due is not None or self._seeking:
            due = min([*self._seeking.values(), math.inf if self._due is None else self._due])
            return min(max(due - time.monotonic(), 0), EARLIEST_WAKE)
        return EARLIEST_WAKE if self._active else None

    def _finish(self) -> None:
        """End the exchanges that libcurl is done with."""
        while True:
            left, done, failed = self._multi.info_read()
            for easy in done:
                self._end(self._by_easy[easy], None)
            for easy, number, message in failed:
                self._end(self._by_easy[easy], CurlFailures.error(number, message))
            if not left:
                return

    def _end(self, handle: "_Handle", failure: ExchangeError | None) -> None:
        exchange, result = handle.exchange, handle.result(failure)
        if handle.name is not None and failure is None:
            self._names.answered(handle.name)
        self._put_back(handle)
        exchange.end(result)

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        """libcurl's wish about a socket: what to wait for, or nothing any more.

        A socket that is not wanted stays registered: mostly its connection is kept, and wanted again by the next
        exchange. One that is closed leaves the epoll by itself, and its number may come back as another socket's.
        """
        wanted = self._wishes.get(what)
        if wanted is None:
            self._watched.discard(fd)
            return
        self._watched.add(fd)
        try:
            self._epoll.modify(fd, wanted)
        except FileNotFoundError:
            self._epoll.register(fd, wanted)

    def _forget(self, fd: int) -> None:
        """Wait no longer for a kept connection that its other end has closed; libcurl finds out by itself."""
        with contextlib.suppress(OSError):  # closed meanwhile
            self._epoll.unregister(fd)

    def _set_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


class _Handle:
    """An easy handle and what has arrived for the exchange that it carries."""

    __slots__ = (
        "_body",
        "_egress",
        "_lines",
        "_loaded",
        "_opened",
        "_refused",
        "_shortened",
        "_size",
        "easy",
        "exchange",
        "name",
    )

    def __init__(self, rules: Egress) -> None:
        self._egress = rules
        self._opened = False  # a connection to an address that may be called was begun
        self._refused: str | None = None  # the range of an address that was not
        self.exchange: Exchange = Exchange()
        self._loaded: Prepared | None = None
        self._shortened = False  # its timeout is not that of its request, since a lookup has taken of it
        self.name: Name | None = None  # what has to be looked up for its request
        self._lines: list[bytes] = []  # status and header lines; libcurl itself stops at 300 KB of them
        self._body: list[bytes] = []
        self._size = 0
        self.easy = pycurl.Curl()
        _set_constants(self.easy)
        self.easy.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        self.easy.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        self.easy.setopt(pycurl.WRITEFUNCTION, self._write)

    def load(self, sending: Sending) -> None:
        """Make ready for an exchange."""
        self._lines.clear()
        self._body.clear()
        self._size = 0
        self._opened, self._refused = False, None
        prepared = sending.prepared
        try:
            if prepared is not self._loaded or self._shortened:
                before, self._loaded = None if self._shortened else self._loaded, None
                _set_request(self.easy, prepared, before)
                self._loaded, self._shortened = prepared, False
                self.name = name_of(str(prepared.request.url))
            # One entry for many headers: libcurl sends it as it is, and each entry costs it about a microsecond.
            self.easy.setopt(pycurl.HTTPHEADER, [*prepared.lines, sending.head] if sending.head else prepared.lines)
        except pycurl.error as error:
            raise CurlFailures.error(error.args[0], "") from error

    @property
    def timeout(self) -> float:
        """Seconds that its exchange may take."""
        return self._loaded.timeout if self._loaded is not None else 0.0

    def go_to(self, name: Name, addresses: Sequence[str], timeout: float) -> None:
        """Tell libcurl what a lookup has found, and how many seconds are left."""
        listed = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
        self.easy.setopt(pycurl.RESOLVE, [f"+{name.host}:{name.port}:{listed}"])
        _set_timeout(self.easy, timeout)
        self._shortened = True

    def result(self, failure: ExchangeError | None) -> Answer | ExchangeError:
        """What has become of the exchange."""
        if failure is not None and self._refused is not None and not self._opened:
            return egress_denied(self._refused)
        head = b"".join(self._lines)
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        if len(head) > HEADER_LIMIT:
            return too_large()
        # A body that has reached the limit is read as far as it will be, whatever became of its rest.
        if failure is not None and self._size < BODY_LIMIT:
            return failure
        if not head.endswith(b"\r\n\r\n") and _cut_off(self._lines):
            return ExchangeError("connection", "The answer's headers were cut off.", retryable=True)
        truncated = self._size > BODY_LIMIT or failure is not None
        status = self.easy.getinfo(pycurl.RESPONSE_CODE)
        return Answer(status, partial(_fields, head), body, truncated=truncated)

    def _open(self, _purpose: int, target: Any) -> Any:
        """The socket of a new connection, to the very address it will connect to; none where that is denied."""
        url = str(self._loaded.request.url) if self._loaded is not None else ""
        refused = self._egress.refusal(target.addr[0], urlsplit(url).hostname or "")
        if refused is not None:
            self._refused = refused
            return pycurl.SOCKET_BAD
        self._opened = True
        return socket.socket(target.family, target.socktype, target.protocol)

    def _write(self, data: bytes) -> int | None:
        """Take a piece of the body; past the limit libcurl is made to stop and to close the connection."""
        self._size += len(data)
        self._body.append(data)
        return None if self._size <= BODY_LIMIT else 0


def _cut_off(lines: Sequence[bytes]) -> bool:
    """Whether the connection ended inside the headers, which libcurl takes for their end."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if line.startswith(STATUS_LINE):
            return True
    return True


def _fields(head: bytes) -> dict[str, str]:
    """The header fields by name in lower case, repeated ones joined as RFC 9110 section 5.3 allows.

    Those of interim answers (1xx) are dropped, and so are trailers.
    """
    fields: dict[str, str] = {}
    in_headers = True
    for line in head.split(b"\n"):
        if line.startswith(STATUS_LINE):
            fields.clear()
            in_headers = True
        elif not line.strip():
            in_headers = False
        elif in_headers:
            name, _, value = line.decode("latin-1").partition(":")
            key, value = name.strip().lower(), value.strip()
            fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


def _curl_events(events: int) -> int:
    """epoll's events in libcurl's words; a hang-up is readable, as there may be something left to read."""
    mask = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        mask |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        mask |= pycurl.CSELECT_OUT
    return mask | (pycurl.CSELECT_ERR if events & select.EPOLLERR else 0)


def _set_constants(easy: Any) -> None:
    """What every exchange may and may not do."""
    easy.setopt(pycurl.NOSIGNAL, 1)  # signals belong to the main thread
    easy.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    # Entries of several headers, as load() gives them, rely on HTTP/1.1: libcurl sends an entry as it is.
    easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    easy.setopt(pycurl.FOLLOWLOCATION, 0)
    easy.setopt(pycurl.PROXY, "")  # libcurl reads http_proxy and its kin otherwise
    easy.setopt(pycurl.CAINFO, certifi.where())
    easy.setopt(pycurl.SSL_VERIFYPEER, 1)
    easy.setopt(pycurl.SSL_VERIFYHOST, 2)
    easy.setopt(pycurl.PATH_AS_IS, 1)
    easy.setopt(pycurl.DNS_CACHE_TIMEOUT, DNS_SECONDS)


def _set_request(easy: Any, prepared: Prepared, before: Prepared | None) -> None:
    """The method, address, body and timeout, in place of those of the request before; None: whatever is set."""
    request, loaded = prepared.request, before and before.request
    if before is None or before.timeout != prepared.timeout:
        _set_timeout(easy, prepared.timeout)
    if loaded is None or loaded.url != request.url:
        easy.setopt(pycurl.URL, str(request.url).encode())
    if loaded is None or not (loaded.body and request.body):
        easy.setopt(pycurl.HTTPGET, 1)  # takes back a body or its absence
    if request.method == "HEAD":
        easy.setopt(pycurl.NOBODY, 1)
    elif request.body:
        easy.setopt(pycurl.POSTFIELDS, request.body)
    if loaded is None or loaded.method != request.method or not request.body:
        easy.setopt(pycurl.CUSTOMREQUEST, str(request.method))


def _set_timeout(easy: Any, seconds: float) -> None:
    milliseconds = max(1, math.ceil(seconds * 1000))  # 0 would mean none
    easy.setopt(pycurl.TIMEOUT_MS, milliseconds)
    easy.setopt(pycurl.CONNECTTIMEOUT_MS, milliseconds)  # its default is 300 s


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
        if code == "response_too_large":
            return too_large()
        return ExchangeError(code, message or f"The exchange failed (libcurl {number}).", retryable=retryable)
