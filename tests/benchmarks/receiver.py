"""A receiver that costs next to nothing: one process, one epoll loop, a fixed 200 on kept connections.

What arrives can be remembered: the moment and the request's head, which names the execution and its instant.
Control goes by the same port: GET /-/count, /-/dump, and /-/reset?record=1&delay=0.05&hang=1.
"""

import contextlib
import json
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
CONTROL = b"GET /-/"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SCHEDULED_AT = re.compile(rb"\r\nx-scheduler-scheduled-at: *([^\r]+)", re.IGNORECASE)
EXECUTION_ID = re.compile(rb"\r\nx-scheduler-execution-id: *([^\r]+)", re.IGNORECASE)
READ = 65_536  # less than malloc would ask the kernel for anew at each read


class Loop:
    """The server; its options are what /-/reset sets."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.epoll = select.epoll()
        self.epoll.register(self.listener.fileno(), select.EPOLLIN)
        self.open: dict[int, socket.socket] = {}
        self.rest: dict[int, bytes] = {}  # the beginning of a request whose end has not come
        self.late: deque[tuple[float, socket.socket]] = deque()  # answers put off, the earliest first
        self.reset({})

    def reset(self, options: dict[str, str]) -> None:
        """Forget what came, and set the options."""
        self.count = 0
        self.calls: list[tuple[float, bytes]] = []
        self.record = options.get("record") == "1"
        self.delay = float(options.get("delay", 0))
        self.hang = options.get("hang") == "1"

    def run(self) -> None:
        """Serve until a signal ends the process."""
        listening = self.listener.fileno()
        while True:
            for fd, _ in self.epoll.poll(self._until_answer()):
                if fd == listening:
                    self._accept()
                else:
                    self._read(fd)
            while self.late and self.late[0][0] <= time.monotonic():
                self._send(self.late.popleft()[1], ANSWER)

    def _until_answer(self) -> float:
        return max(self.late[0][0] - time.monotonic(), 0) if self.late else -1

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = self.listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.open[sock.fileno()] = sock
                self.epoll.register(sock.fileno(), select.EPOLLIN)

    def _read(self, fd: int) -> None:
        sock = self.open[fd]
        try:
            data = sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.epoll.unregister(fd)
            self.rest.pop(fd, None)
            self.open.pop(fd).close()
            return
        if fd in self.rest:
            data = self.rest.pop(fd) + data
        rest = self._requests(sock, data)
        if rest:
            self.rest[fd] = rest

    def _requests(self, sock: socket.socket, data: bytes) -> bytes:
        """Answer every whole request; gives what is left over."""
        while (end := data.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(data, 0, end)
            after = end + 4 + (int(length[1]) if length else 0)
            if len(data) < after:
                break
            self._request(sock, data[:end])
            data = data[after:]
        return data

    def _request(self, sock: socket.socket, head: bytes) -> None:
        if head.startswith(CONTROL):
            self._send(sock, self._control(head))
            return
        self.count += 1
        if self.record:
            self.calls.append((time.time(), head))
        if self.hang:
            return
        if self.delay:
            self.late.append((time.monotonic() + self.delay, sock))
        else:
            self._send(sock, ANSWER)

    def _control(self, head: bytes) -> bytes:
        target = urlsplit(head.split(b" ", 2)[1].decode())
        if target.path == "/-/reset":
            self.reset(dict(parse_qsl(target.query)))
        found = [_call(at, call) for at, call in self.calls] if target.path == "/-/dump" else self.count
        body = json.dumps(found).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def _send(self, sock: socket.socket, answer: bytes) -> None:
        try:
            sent = sock.send(answer)
            if sent < len(answer):  # only a dump is ever larger than the socket's buffer
                sock.setblocking(True)
                sock.sendall(answer[sent:])
                sock.setblocking(False)
        except OSError:
            return  # hung up; the next read closes it


def _call(at: float, head: bytes) -> tuple[float, str | None, str | None]:
    instant, execution = SCHEDULED_AT.search(head), EXECUTION_ID.search(head)
    return at, instant and instant[1].decode(), execution and execution[1].decode()


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver running as a process of its own."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """What jobs call."""
        return f"http://127.0.0.1:{self.port}/hook"

    def reset(self, **options: Any) -> None:
        """Forget what came; options as in the module's docstring."""
        self._ask("reset?" + "&".join(f"{name}={value}" for name, value in options.items()))

    def count(self) -> int:
        """Calls since the last reset."""
        count: int = self._ask("count")
        return count

    def calls(self) -> list[tuple[float, str, str]]:
        """Arrival (seconds of the epoch), X-Scheduler-Scheduled-At and X-Scheduler-Execution-Id of each call."""
        return [(at, instant, execution) for at, instant, execution in self._ask("dump")]

    def _ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/{what}", timeout=60) as answer:
            return json.load(answer)


@contextlib.contextmanager
def running() -> Iterator[Receiver]:
    """A receiver while the block runs."""
    process = subprocess.Popen((sys.executable, "-m", __name__), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield Receiver(int(process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    loop = Loop()
    print(loop.port, flush=True)
    loop.run()
