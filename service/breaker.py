"""When not to call a host: after too many failures in a row (a breaker), or with too many calls under way (a limit).

Both only decide; service/gate.py acts on it. A breaker is of one tenant and one host, so what one tenant's endpoint,
path or credentials do costs no other tenant a call.

    closed --`threshold` failures in a row--> open --a probe is answered--> closed
"""

import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from service import egress

FAILURES = frozenset({"timeout", "connection", "dns", "tls", "protocol"})  # error codes of calls without an answer
ANSWERS = frozenset(
    {None, "http_status", "response_too_large"}
)  # of calls with one; the others say nothing of the host
TRACKED = 10_000  # hosts whose failures are counted, or whose calls are measured
LEAST_DELAY, LONGEST_DELAY = 0.1, 60.0  # s
FIRST_GUESS = 0.1  # s a call takes, before one has ended
WEIGHT = 0.1  # of the newest call in a host's mean


class Key(NamedTuple):
    """What a breaker is for."""

    tenant_id: str
    host: str  # as host_of() has it


@lru_cache(maxsize=TRACKED)
def host_of(endpoint: str) -> str:
    """Name and port of a URL, in one spelling; an endpoint that is no URL stands for itself."""
    try:
        host, port = egress.authority(endpoint)
    except ValueError:
        return endpoint
    return f"{host or endpoint}:{port}"


class Breakers:
    """The breakers as one process knows them. Safe from every thread; opens none when the threshold is 0."""

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._lock = threading.Lock()
        self._failing: dict[Key, int] = {}  # failures in a row
        self.open: frozenset[Key] = frozenset()
        self._opening: dict[Key, int] = {}  # changes nobody else knows of yet
        self._closing: set[Key] = set()

    @property
    def quiet(self) -> bool:
        """Whether there is nothing that an answer would change."""
        return not self._failing and not self.open

    def failed(self, key: Key) -> bool:
        """Count a call without an answer. Returns whether it opens the breaker."""
        if not self._threshold or key in self.open:
            return False
        with self._lock:
            count = self._failing.pop(key, 0) + 1
            if count < self._threshold:
                self._failing[key] = count
                if len(self._failing) > TRACKED:
                    del self._failing[next(iter(self._failing))]
                return False
            self._opening[key] = count
            self._closing.discard(key)
            self.open |= {key}
            return True

    def answered(self, key: Key) -> bool:
        """Take note of an answer, whatever it says. Returns whether it closes the breaker."""
        with self._lock:
            self._failing.pop(key, None)
            if key not in self.open:
                return False
            self._opening.pop(key, None)
            self._closing.add(key)
            self.open -= {key}
            return True

    def changes(self) -> tuple[dict[Key, int], set[Key]]:
        """What has been opened here, after how many failures, and closed, and is not told yet."""
        with self._lock:
            return dict(self._opening), set(self._closing)

    def told(self, opened: Iterable[Key], closed: Iterable[Key]) -> None:
        """Those changes are known to all."""
        with self._lock:
            for key in opened:
                self._opening.pop(key, None)
            self._closing.difference_update(closed)

    def learn(self, open_keys: Iterable[Key]) -> None:
        """Take over which are open, save for what has changed here since."""
        if self._threshold:
            with self._lock:
                self.open = frozenset((set(open_keys) - self._closing) | self._opening.keys())


class HostLimit:
    """How many calls of one process may be under way to one host, and when to come back for what is too many.

    What is put off is spread as quickly as calls to that host have ended lately: it comes when there is room, instead
    of being claimed in vain again and again. Time is monotonic and given, in seconds.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._means: dict[str, float] = {}  # seconds of a call
        self._next: dict[str, float] = {}  # when the next one put off may come

    def ended(self, host: str, seconds: float) -> None:
        """Learn from a call that has ended."""
        mean = self._means.pop(host, seconds)
        self._means[host] = mean + WEIGHT * (seconds - mean)
        _bound(self._means)

    def delay(self, host: str, now: float) -> float:
        """Seconds until another execution that is too many should come back."""
        earliest, latest = now + LEAST_DELAY, now + LONGEST_DELAY
        at = min(max(self._next.pop(host, earliest), earliest), latest)
        self._next[host] = at + self._means.get(host, FIRST_GUESS) / self.limit
        _bound(self._next)
        return at - now


def _bound(known: dict[str, float]) -> None:
    if len(known) > TRACKED:
        del known[next(iter(known))]
