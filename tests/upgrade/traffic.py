"""Clients that use the whole API without pause and remember every answer that they should not have got."""

import contextlib
import itertools
import threading
from collections.abc import Iterator

from tests.conftest import eventually
from tests.crash.harness import Instance

TENANT = "busy"
CONFLICT = 409  # a client may be too late, for example to pause a job that has just completed


class Traffic:
    """Sends requests to the instances in `targets`, which may change, until stopped."""

    def __init__(self, targets: list[Instance], endpoint: str) -> None:
        self.targets = targets
        self.endpoint = endpoint
        self.refused: list[tuple[str, str, int, object]] = []
        self.sent = 0
        self.triggered: list[str] = []  # ids of the executions that were promised
        self._stop = threading.Event()
        self._turn = itertools.count()

    def send(self, method: str, path: str, expected: int, body: object = None) -> dict:
        """The answer's data, empty when it was not the expected one."""
        target = self.targets[next(self._turn) % len(self.targets)]
        try:
            status, answer, _ = target.request(method, f"/api/v1{path}", body, **{"X-Tenant-ID": TENANT})
        except OSError as error:
            status, answer = 0, str(error)
        self.sent += 1
        if status not in (expected, CONFLICT):
            self.refused.append((method, path, status, answer))
        return (answer or {}).get("data") or {} if status == expected else {}

    def goes_on(self, rounds: int = 6) -> None:
        """Wait until clients have made some more rounds, or one was refused."""
        passed = len(self.triggered) + rounds
        eventually(lambda: self.refused or len(self.triggered) >= passed, 90)

    def round(self) -> None:
        """One client's tour of the API."""
        yearly = {"name": "busy", "type": "cron", "schedule": "0 0 1 1 *", "endpoint": self.endpoint}
        job = self.send("POST", "/jobs", 201, yearly).get("id")
        if job is None:
            return
        self.send("GET", f"/jobs/{job}", 200)
        self.send("PATCH", f"/jobs/{job}", 200, {"priority": 7, "payload": {"a": 1}})
        execution = self.send("POST", f"/jobs/{job}/trigger", 202)
        self.triggered += [execution["id"]] if execution else []
        self.send("POST", f"/jobs/{job}/pause", 200)
        self.send("POST", f"/jobs/{job}/resume", 200)
        for path in (
            f"/jobs/{job}/executions",
            f"/jobs/{job}/history",
            f"/jobs/{job}/upcoming",
            "/jobs",
            "/jobs/stats",
        ):
            self.send("GET", path, 200)
        for path in ("/executions?status=completed", "/executions/stats", "/history", "/history/stats"):
            self.send("GET", path, 200)
        self.send("DELETE", f"/jobs/{job}", 204)

    def _until_stopped(self) -> None:
        while not self._stop.is_set():
            self.round()

    @contextlib.contextmanager
    def flowing(self, clients: int = 3) -> Iterator[None]:
        """Keep that many clients at it while the block runs."""
        threads = [threading.Thread(target=self._until_stopped, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)
