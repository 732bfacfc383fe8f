"""The HTTP server of a process: listens, serves a WSGI app with waitress, and stops without losing a request."""

import errno
import json
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask

BODY_LIMIT = 16 * 1024 * 1024  # bytes read of a request before the API, whose own limit is lower, can refuse it
HEADER_LIMIT = 64 * 1024  # bytes of a request's line and headers
BACKLOG = 1024  # connections the kernel keeps while none is accepted
CONNECTIONS = 1000  # open at once; a balancer keeps some of them idle
# An idle connection is kept for longer than a balancer keeps one, so that it is always the balancer that closes it:
# a request sent on a connection that is being closed would be lost.
IDLE_SECONDS = 120
LOOK_SECONDS = 0.05
# What is told of requests that do not reach the app, by status: code and message, as the API words its own.
REFUSALS = {
    400: ("MALFORMED_REQUEST", "The request is not valid HTTP."),
    413: ("PAYLOAD_TOO_LARGE", f"The request body must have at most {BODY_LIMIT // 1024**2} MiB, to the API 1 MiB."),
    431: ("HEADERS_TOO_LARGE", f"The request line and headers must have at most {HEADER_LIMIT // 1024} KiB together."),
    501: ("NOT_IMPLEMENTED", "Of transfer encodings only chunked is supported."),
}
FAULT = ("INTERNAL_ERROR", "The request could not be served; the log tells why.")


def listen(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address that the host name stands for.

    Raises:
        OSError: an address is not of this machine, or its port is taken.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [_listen(family, address) for family, *_, address in found if _usable(family)]


def _usable(family: int) -> bool:
    return family == socket.AF_INET or (family == socket.AF_INET6 and socket.has_ipv6)


def _listen(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class WebServer:
    """Serves an app on listening sockets: run() in one thread, finish() and then stop() from another one."""

    def __init__(self, app: Any, sockets: Sequence[socket.socket], threads: int, draining: threading.Event) -> None:
        self._map: dict[int, Any] = {}
        self._stopped = threading.Event()
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(threads)
        adjustments = Adjustments(
            sockets=list(sockets),
            threads=threads,
            ident="scheduler-service",
            max_request_header_size=HEADER_LIMIT,
            max_request_body_size=BODY_LIMIT,
            channel_timeout=IDLE_SECONDS,
            connection_limit=CONNECTIONS,
            backlog=BACKLOG,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=False,  # service.proxies sees to them
        )
        self._use_poll = hasattr(select, "poll")
        self._servers = [self._server(app, listener, adjustments, draining) for listener in sockets]
        self.port: int = sockets[0].getsockname()[1]

    def _server(self, app: Any, listener: socket.socket, adjustments: Any, draining: threading.Event) -> Any:
        server = _Server(
            app,
            self._map,
            True,
            listener,
            dispatcher=self._dispatcher,
            adj=adjustments,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            bind_socket=False,
        )
        server.draining = draining
        return server

    def run(self) -> None:
        """Serve until stop() is called."""
        try:
            while not self._stopped.is_set():
                wasyncore.loop(timeout=1, map=self._map, use_poll=self._use_poll, count=1)
        finally:
            self._dispatcher.shutdown()
            wasyncore.close_all(self._map)

    def finish(self, seconds: float) -> None:
        """Accept no more connections, answer the requests under way, and close each connection when it is idle.

        Returns when that is done, or after so many seconds.
        """
        self._in_loop(self._stop_listening)
        deadline = time.monotonic() + seconds
        while any(server.active_channels for server in self._servers) and time.monotonic() < deadline:
            self._in_loop(self._close_idle)
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Make run() return, whatever is under way; from any thread or signal handler."""
        if not self._stopped.is_set():  # or the trigger may be closed by now
            self._stopped.set()
            self._servers[0].pull_trigger()

    def _in_loop(self, act: Callable[[], None]) -> None:
        """Have the serving thread do it, which alone may touch connections."""
        self._servers[0].trigger.pull_trigger(act)

    def _stop_listening(self) -> None:
        for server in self._servers:
            wasyncore.dispatcher.close(server)

    def _close_idle(self) -> None:
        for server in self._servers:
            for channel in list(server.active_channels.values()):
                if _is_idle(channel):
                    channel.handle_close()


class _Task(WSGITask):
    """Answers a request; while the process drains, the connection is closed after it, and the client told so."""

    def build_response_header(self) -> bytes:
        server: Any = self.channel.server
        request: Any = self.request
        if server.draining.is_set():
            request.headers["CONNECTION"] = "close"
        header: bytes = super().build_response_header()
        return header


class _Refusal(ErrorTask):
    """Answers a request that does not reach the app, in the API's envelope."""

    def execute(self) -> None:
        request: Any = self.request
        error, headers = request.error, cast(list[tuple[str, str]], self.response_headers)
        code, message = REFUSALS.get(error.code, FAULT)
        answer = {"success": False, "error": {"code": code, "message": message}, "traceId": secrets.token_hex(16)}
        body = json.dumps(answer).encode()
        self.status = f"{error.code} {error.reason}"
        headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    task_class = _Task
    error_task_class = _Refusal


class _Server(TcpWSGIServer):
    channel_class = _Channel
    draining: threading.Event


def _is_idle(channel: Any) -> bool:
    """Whether nothing of a request or an answer is on its way on a connection."""
    if channel.requests or channel.request is not None or channel.total_outbufs_len:
        return False
    try:
        return not channel.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNRESET)
