"""Small real servers for the tests of the call, and what each does to its caller."""

import contextlib
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.call import Outcome, Request, judge, open_transport, prepare
from service.claims import ClaimedExecution
from service.egress import ANYWHERE, Egress
from service.executions import Ended
from service.transport import Answer, Exchange, ExchangeError, Sending
from service.vault import Vault
from service.worker import Attempt, Requests

WAIT = 5.0  # deadline of everything that should happen at once, s
SHORT = 0.3  # timeout of calls that are to run into it, s
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Act = Callable[["Receiver", socket.socket], None]


class Receiver:
    """A server on a free port; each connection runs `act` in a thread of its own."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.requests: list[bytes] = []  # head and body as they came
        self.connections = 0
        self.gone = threading.Event()  # set when a connection has ended
        self.reached = threading.Event()  # set when a request has been read
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                self.open.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            self.act(self, sock)
        self.gone.set()

    def read(self, sock: socket.socket) -> bytes:
        """One request: its head, and as much body as its Content-Length says."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.some(sock)
        head, _, body = data.partition(b"\r\n\r\n")
        length = header(head, b"content-length")
        while len(body) < int(length or 0):
            body += self.some(sock)
        self.requests.append(head + b"\r\n\r\n" + body)
        self.reached.set()
        return self.requests[-1]

    def some(self, sock: socket.socket) -> bytes:
        data = sock.recv(65536)
        if not data:
            raise ConnectionError
        return data

    def close(self) -> None:
        self.listener.close()
        for sock in self.open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return None


def answering(*answers: bytes) -> Act:
    """Read a request and send an answer, once per answer, then close."""

    def act(receiver: Receiver, sock: socket.socket) -> None:
        for answer in answers:
            receiver.read(sock)
            sock.sendall(answer)

    return act


def keeping(receiver: Receiver, sock: socket.socket) -> None:
    """Answer every request of a connection."""
    while True:
        request = receiver.read(sock)
        sock.sendall(OK.removesuffix(b"ok") if request.startswith(b"HEAD") else OK)


def dripping(start: bytes, drop: bytes) -> Act:
    """Send start, then drop every 20 ms until the connection is gone."""

    def act(receiver: Receiver, sock: socket.socket) -> None:
        receiver.read(sock)
        sock.sendall(start)
        while not receiver.gone.wait(0.02):
            sock.sendall(drop)

    return act


def flooding(receiver: Receiver, sock: socket.socket) -> None:
    receiver.read(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        sock.sendall(b"x" * 65536)


def stalling(start: bytes) -> Act:
    """Send start, then nothing, until the connection is gone."""

    def act(receiver: Receiver, sock: socket.socket) -> None:
        receiver.read(sock)
        sock.sendall(start)
        receiver.some(sock)

    return act


hanging = stalling(b"")


def listening(receiver: Receiver, sock: socket.socket) -> None:
    """Read whatever comes and say nothing."""
    while receiver.some(sock):
        pass


def deaf(receiver: Receiver, sock: socket.socket) -> None:
    """Neither read nor answer."""
    receiver.gone.wait(WAIT)


class Counting:
    """A behaviour that counts the calls under way and holds each until it is let go."""

    def __init__(self) -> None:
        self.lock, self.go = threading.Lock(), threading.Event()
        self.now = self.most = self.total = 0

    def __call__(self, receiver: Receiver, sock: socket.socket) -> None:
        """Serve one call."""
        receiver.read(sock)
        self._add(1)
        self.go.wait(10)
        self._add(-1)
        sock.sendall(OK.replace(b"Content-Length", b"Connection: close\r\nContent-Length"))

    def _add(self, number: int) -> None:
        with self.lock:
            self.now += number
            self.total += max(number, 0)
            self.most = max(self.most, self.now)


def resetting(start: bytes) -> Act:
    def act(receiver: Receiver, sock: socket.socket) -> None:
        receiver.read(sock)
        sock.sendall(start)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {code} Reason", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def ask(target: Receiver | str, **changes: Any) -> Request:
    url = target if isinstance(target, str) else f"http://127.0.0.1:{target.port}/hook"
    values: dict[str, Any] = {"method": "GET", "url": url, "headers": {}, "body": None, "timeout": WAIT}
    return Request(**values | changes)


def summary(outcome: Outcome) -> tuple[str, str | None, bool]:
    return outcome.status, outcome.error_code, outcome.retryable


class OneCall(Exchange):
    """An exchange that is waited for."""

    def __init__(self, request: Request) -> None:
        self.request, self.over = request, threading.Event()
        self.started, self.outcome = time.monotonic(), None

    def begin(self) -> Sending:
        self.started = time.monotonic()
        return Sending(prepare(self.request))

    def end(self, result: Answer | ExchangeError) -> None:
        self.outcome = judge(result, (time.monotonic() - self.started) * 1000)
        self.over.set()


class Caller:
    """Makes calls, one at a time, over connections it keeps."""

    def __init__(self, adapter: str | None = None, vault: Vault | None = None, egress: Egress = ANYWHERE) -> None:
        self.requests = Requests(vault or Vault())
        self.faults: list[bool] = []
        self.transport = open_transport(1, lambda: self.faults.append(True), adapter, egress)
        self.last: Exchange | None = None

    def call(self, request: Request) -> Outcome:
        one = self.last = OneCall(request)
        self.transport.submit([one])
        assert one.over.wait(60)
        return one.outcome

    def perform(self, claimed: ClaimedExecution) -> Ended | None:
        ended: queue.SimpleQueue[Ended | None] = queue.SimpleQueue()
        self.transport.submit([Attempt(claimed, self.requests, lambda _, how: ended.put(how))])
        return ended.get(timeout=60)

    def abort(self) -> None:
        """Stop the call under way, or nothing."""
        self.transport.abort(self.last)

    def close(self) -> None:
        self.transport.close()
        assert self.faults == []


@pytest.fixture(params=["curl", "stock"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    if request.param == "curl":
        pytest.importorskip("pycurl")
    caller = Caller(adapter=request.param)
    yield caller
    caller.close()


@pytest.fixture
def receiver() -> Iterator[Callable[[Act], Receiver]]:
    started: list[Receiver] = []

    def start(act: Act) -> Receiver:
        started.append(Receiver(act))
        return started[-1]

    yield start
    for one in started:
        one.close()
