"""The service's processes of a run: killed, frozen and ended by faults, and started again; and a client of them."""

import contextlib
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from service.config import Config
from tests.conftest import eventually
from tests.crash.harness import Instance

ROLES = (("all", 1), ("all", 2), ("engine", 1), ("api", 1))  # role, engine processes (2: under a supervisor)
SETTINGS = {
    "SCHEDULER_WORKER_COUNT": "30",
    "SCHEDULER_LOCK_TTL_SECONDS": "60",
    "SERVER_SHUTDOWN_TIMEOUT": "4",
    "LOG_LEVEL": "WARNING",
}
ATTEMPTS = 60  # of one request to the API before the run is given up


@dataclass(slots=True)
class Member:
    """One place in the fleet and the process that fills it now."""

    role: str
    engines: int
    instance: Instance
    busy: threading.Lock  # held by the fault that has it


class Fleet:
    """The members, and what their API has answered."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self.answers: Counter[str] = Counter()  # by status, or the kind of failure
        self.broken: list[str] = []  # answers that no client may ever get
        self.own_exits: list[str] = []  # processes that ended unasked
        self.members = [Member(role, count, self._launch(role, count), threading.Lock()) for role, count in ROLES]

    def wait_ready(self) -> None:
        """Wait until every API is ready."""
        for member in self.members:
            if member.role != "engine":
                eventually(member.instance.ready, 60)

    def pick(self, chance: random.Random) -> Member | None:
        """A running member that no other fault has; its lock is held then. None: all are taken."""
        for member in chance.sample(self.members, len(self.members)):
            if member.busy.acquire(blocking=False):
                return member
        return None

    def restart(self, member: Member) -> None:
        """Fill the place anew; its process has ended."""
        member.instance = self._launch(member.role, member.engines)

    def check_exits(self) -> None:
        """Note and replace members that ended though no fault had them."""
        for member in self.members:
            if member.busy.acquire(blocking=False):
                code = member.instance.process.poll()
                if code is not None:
                    self.own_exits.append(f"{member.role} exit {code}: {member.instance.log.read_text()[-300:]}")
                    self.restart(member)
                member.busy.release()

    def ask(self, method: str, path: str, tenant: str, body: Any = None, key: str | None = None) -> Any:
        """One request, sent to whichever instance answers. Returns (status, body).

        It is sent again until there is an answer other than 503, so it may take effect more than once; with an
        idempotency key it must not.
        """
        headers = {"X-Tenant-ID": tenant} | ({"Idempotency-Key": key} if key else {})
        for attempt in range(ATTEMPTS):
            member = self._serving(attempt)
            try:
                url = f"http://127.0.0.1:{member.instance.port}{path}"
                answer = requests.request(method, url, json=body, headers=headers, timeout=8)
            except requests.RequestException as error:
                self.answers[type(error).__name__] += 1
                threading.Event().wait(0.3)
                continue
            self.answers[str(answer.status_code)] += 1
            if answer.status_code == 500 or answer.status_code > 503:
                self.broken.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            if answer.status_code < 500:
                return answer.status_code, answer.json() if answer.content else None
            threading.Event().wait(0.3)
        raise RuntimeError(f"{method} {path}: no answer after {ATTEMPTS} attempts")

    def close(self) -> list[int]:
        """Drain all; gives their exit codes."""
        for member in self.members:
            if member.instance.process.poll() is None:
                member.instance.send(signal.SIGCONT)
                member.instance.send(signal.SIGTERM)
        return [member.instance.process.wait(60) for member in self.members]

    def kill(self) -> None:
        """End what still runs, without ceremony."""
        for member in self.members:
            if member.instance.process.poll() is None:
                member.instance.send(signal.SIGKILL)
                member.instance.process.wait(10)

    def _serving(self, attempt: int) -> Member:
        apis = [member for member in self.members if member.role != "engine"]
        return apis[(attempt + threading.get_ident()) % len(apis)]

    def _launch(self, role: str, engines: int) -> Instance:
        return Instance(self._config, self._folder, role, SCHEDULER_PROCESSES=str(engines), **SETTINGS)


@contextlib.contextmanager
def fleet(config: Config, folder: Path) -> Iterator[Fleet]:
    """A fleet that is ready; nothing of it is left when the block ends."""
    running = Fleet(config, folder)
    try:
        running.wait_ready()
        yield running
    finally:
        running.kill()
