"""A seeded stream of faults: which, when and for how long is decided by the seed."""

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil
import psycopg
import redis

from tests.chaos.fleet import Fleet, Member
from tests.chaos.receiver import FLAWS, Receiver
from tests.chaos.servers import Backing


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, from its first sign until all is as before."""

    kind: str
    begun_at: datetime
    ended_at: datetime


class Faults:
    """Does damage until stopped, and keeps a record of it."""

    def __init__(self, seed: int, backing: Backing, fleet: Fleet, receiver: Receiver, pause: float) -> None:
        self._chance = random.Random(f"faults {seed}")
        self._backing = backing
        self._fleet = fleet
        self._receiver = receiver
        self._pause = pause  # mean seconds between the beginnings of two faults
        self._stop = threading.Event()
        self._failures: list[Exception] = []
        self.record: list[Fault] = []
        self._kinds = self._possible()

    def run(self, seconds: float) -> None:
        """Do damage for so long, then wait until all of it is repaired. Raises what kept a fault from being done."""
        threads: list[threading.Thread] = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            kind = self._chance.choice(sorted(self._kinds))
            thread = threading.Thread(target=self._do, args=(kind, random.Random(self._chance.random())), name=kind)
            thread.start()
            threads.append(thread)
            if self._chance.random() < 0.8:  # else the next one comes on top of it
                thread.join()
            self._stop.wait(min(left, self._chance.uniform(0.5, 1.5) * self._pause))
            self._fleet.check_exits()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _possible(self) -> dict[str, Callable[[random.Random], None]]:
        kinds: dict[str, Callable[[random.Random], None]] = {
            "process killed": self._kill,
            "child killed": self._child_killed,
            "process ended": self._end,
            "process drained": self._drain,
            "process frozen": self._freeze,
            "sessions terminated": self._terminate,
            "connections exhausted": self._exhaust,
            "redis flushed": self._flush,
            "receivers down": self._receivers,
        }
        if self._backing.postgres is not None:
            kinds |= {"postgresql fast": self._fast, "postgresql immediate": self._immediate}
        if self._backing.redis is not None:
            kinds |= {"redis killed": self._redis_killed, "redis frozen": self._redis_frozen}
        return kinds

    def _do(self, kind: str, chance: random.Random) -> None:
        begun_at = datetime.now(UTC)
        try:
            self._kinds[kind](chance)
        except Exception as error:  # noqa: BLE001 - the top of a thread; run() raises it
            self._failures.append(error)
        self.record.append(Fault(kind, begun_at, datetime.now(UTC)))

    @contextlib.contextmanager
    def _one(self, chance: random.Random) -> Iterator[Member | None]:
        member = self._fleet.pick(chance)
        try:
            yield member
        finally:
            if member is not None:
                member.busy.release()

    def _kill(self, chance: random.Random) -> None:
        with self._one(chance) as member:
            self._ended(member, signal.SIGKILL, chance.uniform(0, 4))

    def _child_killed(self, chance: random.Random) -> None:
        """Kill one of a supervisor's processes, which is for the supervisor to mend."""
        supervised = next(member for member in self._fleet.members if member.engines > 1)
        with supervised.busy, contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(supervised.instance.pid).children()
            if children:
                chance.choice(children).kill()

    def _end(self, chance: random.Random) -> None:
        with self._one(chance) as member:
            self._ended(member, signal.SIGTERM, chance.uniform(0, 2))

    def _drain(self, chance: random.Random) -> None:
        """Take the engines of a process out of service, as whoever is on call does, and end it after a while."""
        with self._one(chance) as member:
            if member is not None and member.instance.process.poll() is None:
                with contextlib.suppress(psycopg.Error, psutil.NoSuchProcess):
                    family = psutil.Process(member.instance.pid)
                    pids = [family.pid, *(child.pid for child in family.children())]
                    with psycopg.connect(self._backing.database_url, connect_timeout=2) as conn:
                        conn.execute("SELECT ops.drain(worker_id) FROM ops.workers WHERE pid = ANY(%s)", [pids])
                time.sleep(chance.uniform(0, 5))
            self._ended(member, signal.SIGTERM, 0)

    def _ended(self, member: Member | None, number: signal.Signals, away: float) -> None:
        if member is None:
            return
        if member.instance.process.poll() is None:
            member.instance.send(number)
        member.instance.process.wait(60)
        time.sleep(away)
        self._fleet.restart(member)

    def _freeze(self, chance: random.Random) -> None:
        with self._one(chance) as member:
            if member is not None and member.instance.process.poll() is None:
                member.instance.send(signal.SIGSTOP)
                time.sleep(chance.uniform(1, 12))
                member.instance.send(signal.SIGCONT)

    def _fast(self, chance: random.Random) -> None:
        self._postgres(signal.SIGINT, chance.uniform(0, 4))

    def _immediate(self, chance: random.Random) -> None:
        self._postgres(signal.SIGQUIT, chance.uniform(0, 4))

    def _postgres(self, number: signal.Signals, away: float) -> None:
        assert self._backing.postgres is not None
        with _alone:
            self._backing.postgres.stop(number)
            time.sleep(away)
            self._backing.postgres.start()

    def _terminate(self, chance: random.Random) -> None:
        share = chance.choice((0.3, 1.0))
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._backing.database_url) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'scheduler-%%' AND random() < %s",
                [share],
            )

    def _exhaust(self, chance: random.Random) -> None:
        with contextlib.ExitStack() as held:
            with contextlib.suppress(psycopg.OperationalError):
                for _ in range(1000):
                    held.enter_context(psycopg.connect(self._backing.database_url, connect_timeout=2))
            time.sleep(chance.uniform(1, 4))

    def _flush(self, _chance: random.Random) -> None:
        with contextlib.suppress(redis.RedisError):
            client = redis.Redis(self._backing.redis_host, self._backing.redis_port, socket_timeout=1)
            client.flushall()

    def _redis_killed(self, chance: random.Random) -> None:
        assert self._backing.redis is not None
        with _alone:
            self._backing.redis.stop(signal.SIGKILL)
            time.sleep(chance.uniform(0.5, 6))
            self._backing.redis.start()

    def _redis_frozen(self, chance: random.Random) -> None:
        assert self._backing.redis is not None
        with _alone:
            self._backing.redis.freeze()
            time.sleep(chance.uniform(1, 6))
            self._backing.redis.thaw()

    def _receivers(self, chance: random.Random) -> None:
        self._receiver.mood = chance.choice((*FLAWS, "huge"))
        time.sleep(chance.uniform(1, 4))
        self._receiver.mood = None


_alone = threading.Lock()  # one server is away at a time: with both gone there is nothing to learn
