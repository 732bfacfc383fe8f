"""The service as processes of its own, and a receiver that remembers what it was sent."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from service.config import Config
from tests.conftest import ROOT, eventually


class Instance:
    """One process of the service."""

    def __init__(
        self,
        config: Config,
        folder: Path,
        role: str = "all",
        *,
        port: int | None = None,
        tree: Path = ROOT,
        **settings: str,
    ) -> None:
        self.port = port or free_port()
        self.log = folder / f"{role.split()[0]}-{self.port}.log"
        environment = os.environ | {
            "DATABASE_URL": config.database_url,
            "REDIS_HOST": config.redis_host,
            "REDIS_PORT": str(config.redis_port),
            "SERVER_HOST": "127.0.0.1",
            "SERVER_PORT": str(self.port),
            "SERVER_SHUTDOWN_TIMEOUT": "2",
            "SERVER_DRAIN_DELAY": "0",
            "TMPDIR": str(folder),  # what a supervisor that is killed leaves behind goes with the test
            "SCHEDULER_HEARTBEAT_SECONDS": "1",
            **settings,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", *role.split()], cwd=tree, env=environment, stderr=self.log.open("ab")
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ready(self) -> bool:
        """Whether /ready answers 200."""
        with contextlib.suppress(OSError):
            return self.request("GET", "/ready")[0] == 200
        return False

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, decoded body and headers of one request to this instance."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null"), error.headers

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        if self.process.poll() is None:
            self.send(signal.SIGKILL)
            self.process.wait(10)

    def text(self, path: str) -> str:
        """The body of a page that is no JSON."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=15) as answer:
            body: bytes = answer.read()
            return body.decode()

    def end(self) -> int:
        """Ask it to drain and wait; gives the exit code."""
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Endpoint:
    """An HTTP receiver; `hang` makes calls wait until it is cleared, `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.calls: list[dict[str, str]] = []  # headers of each call, lower case
        self.free = threading.Event()
        self.free.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                endpoint.calls.append({name.lower(): value for name, value in self.headers.items()})
                endpoint.free.wait(60)
                with contextlib.suppress(OSError):
                    self.send_response(endpoint.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: Any) -> None:
                """A caller that hung up is what these tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop it, letting go of every call."""
        self.free.set()
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def instances(
    config: Config, folder: Path, count: int = 1, role: str = "all", **settings: str
) -> Iterator[list[Instance]]:
    """That many instances, ready; ended when the block ends. More may be appended."""
    running = [Instance(config, folder, role, **settings) for _ in range(count)]
    try:
        for instance in running:
            if role != "engine":
                eventually(instance.ready, 20)
        yield running
    finally:
        for instance in running:
            instance.kill()


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
