"""Balancers before the instances of a test: a small one that is always there, and HAProxy as compose.yaml has it."""

import contextlib
import itertools
import re
import socket
import subprocess
import textwrap
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ROOT, eventually
from tests.crash.harness import free_port

CHECK_SECONDS = 0.2
FALL = 2  # failed checks before an instance gets no more connections; one good one brings it back


class SmallBalancer:
    """Deals TCP connections out in turn to the instances whose /ready says 200; a refused one goes to the next."""

    def __init__(self, ports: Sequence[int], _folder: Path) -> None:
        self._fails = dict.fromkeys(ports, FALL)
        self._turns = itertools.cycle(ports)
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        for port in ports:
            threading.Thread(target=self._check, args=[port], daemon=True).start()
        threading.Thread(target=self._accept, daemon=True).start()

    def up(self) -> int:
        """How many instances it deals out to."""
        return sum(fails < FALL for fails in self._fails.values())

    def close(self) -> None:
        """Stop dealing."""
        self._ended.set()
        self._listener.close()

    def _check(self, port: int) -> None:
        while not self._ended.wait(CHECK_SECONDS):
            self._fails[port] = 0 if is_ready(port) else self._fails[port] + 1

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # when it is closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._join, args=[client], daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        with client:
            for port in itertools.islice(self._turns, 2 * len(self._fails)):
                if self._fails[port] >= FALL:
                    continue
                with contextlib.suppress(ConnectionRefusedError):
                    server = socket.create_connection(("127.0.0.1", port), timeout=30)
                    threading.Thread(target=_pump, args=[server, client], daemon=True).start()
                    _pump(client, server)
                    return


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until the source ends, then tell the sink so."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


class HaProxy:
    """HAProxy with the configuration of compose.yaml, save for addresses."""

    def __init__(self, ports: Sequence[int], folder: Path) -> None:
        self.port = free_port()
        self._statistics = free_port()
        path = folder / "haproxy.cfg"
        path.write_text(self._configuration(ports))
        self._log = (folder / "haproxy.log").open("wb")
        self._process = subprocess.Popen(["haproxy", "-db", "-f", path], stdout=self._log, stderr=self._log)
        eventually(lambda: self.up() is not None)

    def _configuration(self, ports: Sequence[int]) -> str:
        shipped = textwrap.dedent((ROOT / "compose.yaml").read_text().partition("content: |\n")[2])
        text = re.sub(r"resolvers compose\n(?: +.*\n)+", "", shipped)
        text = text.replace(" resolvers compose init-addr last,libc,none", "").replace(
            "bind :5003", f"bind 127.0.0.1:{self.port}"
        )
        for number, port in enumerate(ports, 1):
            text = text.replace(f"scheduler-{number}:5003", f"127.0.0.1:{port}")
        return (
            f"{text}\nfrontend statistics\n    bind 127.0.0.1:{self._statistics}\n    stats enable\n    stats uri /\n"
        )

    def up(self) -> int | None:
        """How many instances it deals out to; None while it cannot be asked."""
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._statistics}/;csv") as page:
            return len(re.findall(r"^instances,scheduler-\d,.*,UP,", page.read().decode(), re.MULTILINE))
        return None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._log.close()


def is_ready(port: int) -> bool:
    """Whether /ready says 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False
