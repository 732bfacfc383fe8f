"""An HTTP receiver that records every request and, asked to, misbehaves in the ways receivers do."""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HUGE_BYTES = 50_000_000
PIECE = b"x" * 65536
FLAWS = ("error", "busy", "reset", "garbage", "hang", "drip")
ABRUPT = struct.pack("ii", 1, 0)  # SO_LINGER: close by reset


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    at: datetime
    execution_id: str
    job_id: str
    attempt: int
    act: str


class Receiver:
    """Serves on a thread of its own. A path names the act: /ok, /flaky, /slow, or one of ACTS."""

    def __init__(self, seed: int) -> None:
        self.requests: list[Received] = []
        self.mood: str | None = None  # when set, what every /ok does instead
        self.seed = seed
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self, self._loop), "127.0.0.1", 0, backlog=1024)
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever, name="receiver", daemon=True)
        self._thread.start()

    def act_of(self, path: str, execution_id: str, attempt: int) -> str:
        """What a request gets; of a flaky path it hangs on seed, execution and attempt, so a seed repeats it."""
        act = path.strip("/")
        if act == "ok":
            return self.mood or "ok"
        if act == "flaky":
            chance = random.Random(f"{self.seed} {execution_id} {attempt}")
            return chance.choice(FLAWS) if chance.random() < 0.4 else "ok"
        return act

    def close(self) -> None:
        """Stop serving; open connections are dropped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._server.close()


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered as its act says."""

    def __init__(self, receiver: Receiver, loop: asyncio.AbstractEventLoop) -> None:
        self._receiver = receiver
        self._loop = loop
        self._buffer = b""
        self._left = 0  # bytes of a huge answer still to be sent
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            length = int(headers.get("content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._request(line.split()[1], headers)

    def _request(self, path: str, headers: dict[str, str]) -> None:
        execution_id, attempt = headers["x-scheduler-execution-id"], int(headers["x-scheduler-attempt"])
        act = self._receiver.act_of(path, execution_id, attempt)
        self._receiver.requests.append(
            Received(datetime.now(UTC), execution_id, headers["x-scheduler-job-id"], attempt, act)
        )
        ACTS[act](self)

    def ok(self) -> None:
        """Answer at once."""
        if not self._transport.is_closing():
            self._transport.write(OK)

    def slow(self) -> None:
        """Answer after a while."""
        self._loop.call_later(random.uniform(0.1, 1.5), self.ok)

    def hang(self) -> None:
        """Say nothing at all."""

    def error(self) -> None:
        """Fail in a way that can be retried."""
        self._transport.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

    def busy(self) -> None:
        """Ask for a retry in a second."""
        self._transport.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")

    def reset(self) -> None:
        """Break the connection."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
        self._transport.abort()

    def garbage(self) -> None:
        """Answer what is no HTTP."""
        self._transport.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        self._transport.close()

    def drip(self) -> None:
        """Promise a body and send a byte of it now and then."""
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        self._drop()

    def _drop(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b".")
            self._loop.call_later(0.2, self._drop)

    def huge(self) -> None:
        """Send 50 MB, or as much as is taken."""
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE_BYTES)
        self._left = HUGE_BYTES
        self._pour()

    def _pour(self) -> None:
        while self._left > 0 and not self._paused and not self._transport.is_closing():
            self._transport.write(PIECE[: self._left])
            self._left -= len(PIECE)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pour()


ACTS: dict[str, Callable[[_Connection], None]] = {
    act.__name__: act
    for act in (
        _Connection.ok,
        _Connection.slow,
        _Connection.hang,
        _Connection.error,
        _Connection.busy,
        _Connection.reset,
        _Connection.garbage,
        _Connection.drip,
        _Connection.huge,
    )
}
