"""What clients and those on call do meanwhile: pause, resume, trigger, edit and cancel.

The former through whichever instance answers, the latter in psql.
"""

import random
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString

import psycopg

from tests.chaos.fleet import ATTEMPTS, Fleet
from tests.chaos.plans import Planned


class Operator:
    """A client that goes on until stopped. Everything it does is decided by the seed."""

    def __init__(self, seed: int, fleet: Fleet, planned: Sequence[Planned], database_url: str) -> None:
        self._chance = random.Random(f"operator {seed}")
        self._fleet = fleet
        self._database_url = database_url
        self._planned = planned
        self._pausable = [
            job for job in planned if not job.jitter and "max_runs" not in job.body and job.body["type"] != "one_time"
        ]
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="operator")
        self.triggered: set[str] = set()
        self.acts = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the act under way; raises what kept one from being done."""
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._chance.uniform(0.05, 0.4)):
                self._chance.choice((self._pause, self._trigger, self._trigger, self._edit, self._cancel))()
                self.acts += 1
        except Exception as error:  # noqa: BLE001 - the top of a thread; stop() raises it
            self._failure = error

    def _pause(self) -> None:
        """Pause a job for a moment. Until an answer has come nobody knows when it took effect."""
        job = self._chance.choice(self._pausable)
        since = datetime.now(UTC)
        done = self._act(job, "pause")
        paused_at = datetime.now(UTC)
        job.blurred.append((since, paused_at))
        if not done:  # completed by now
            return
        self._stop.wait(self._chance.uniform(0.5, 4))
        resumed_at = datetime.now(UTC)
        self._act(job, "resume")
        job.paused.append((paused_at, resumed_at))
        job.blurred.append((resumed_at, datetime.now(UTC)))

    def _trigger(self) -> None:
        job = self._chance.choice(self._planned)
        key = f"chaos-{self._chance.getrandbits(64):x}"
        status, answer = self._fleet.ask("POST", f"/api/v1/jobs/{job.id}/trigger", job.tenant, key=key)
        if status == 202:
            self.triggered.add(answer["data"]["id"])

    def _edit(self) -> None:
        job = self._chance.choice(self._planned)
        body = {"name": f"edited {self._chance.randint(0, 99)}", "priority": self._chance.randint(1, 10)}
        self._fleet.ask("PATCH", f"/api/v1/jobs/{job.id}", job.tenant, body)

    def _cancel(self) -> None:
        tenant = self._chance.choice([job.tenant for job in self._planned])
        path = f"/api/v1/executions?status={self._chance.choice(('pending', 'running', 'retrying'))}&page_size=5"
        _, answer = self._fleet.ask("GET", path, tenant)
        for execution in (answer.get("data") or [])[:1]:
            if self._chance.random() < 0.5:
                self._order("SELECT ops.cancel(%s)", execution["id"])
            else:
                self._fleet.ask("POST", f"/api/v1/executions/{execution['id']}/cancel", tenant)

    def _act(self, job: Planned, act: str) -> bool:
        """Pause or resume a job. Returns False when it is completed."""
        if self._chance.random() < 0.5:
            return self._order(ORDERS[act], job.id)
        status, _ = self._fleet.ask("POST", f"/api/v1/jobs/{job.id}/{act}", job.tenant)
        return bool(status < 400)

    def _order(self, order: LiteralString, id: str) -> bool:
        """Do something in psql, again until there is an answer. Returns False when it is refused."""
        for _ in range(ATTEMPTS):
            try:
                with psycopg.connect(self._database_url, connect_timeout=5) as conn:
                    conn.execute("SET ROLE scheduler_ops")
                    conn.execute(order, [id])
            except psycopg.errors.ObjectNotInPrerequisiteState:
                return False
            except psycopg.OperationalError:
                threading.Event().wait(0.3)
            else:
                return True
        raise RuntimeError(f"{order}: no answer after {ATTEMPTS} attempts")


ORDERS: dict[str, LiteralString] = {"pause": "SELECT ops.pause(%s)", "resume": "SELECT ops.resume(%s)"}
