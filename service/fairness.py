"""Fairness: how many of a process's slots one tenant may fill, so that calls that hang leave room for the others'.

All tenants share the slots, but the last fifth is for those that have no call here, or whose calls end quickly: they
make room again at once. And where several tenants are at work, the very last slot is for one that has no call here.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from service.worker import Attempt

KEPT = 5  # one slot in so many
QUICK_SECONDS = 0.25
WEIGHT = 0.1  # of the newest call in a tenant's mean
TENANTS = 4096  # whose means are kept
COMPANY_SECONDS = 600.0  # a tenant is alone when no other had a call for so long


@dataclass(frozen=True, slots=True)
class Tier:
    """How full a process may be by claims that leave the executions of some tenants."""

    limit: int  # calls at once
    passed_tenants: list[str]
    more: bool = False  # another follows, for those that this one has no room for


class Shares:
    """What tenants may fill of the slots."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._means: OrderedDict[str, float] = OrderedDict()  # seconds of a tenant's calls, the newest weighing most
        self._latest: str | None = None
        self._company_at = float("-inf")

    def ended(self, tenant_id: str, seconds: float) -> None:
        """Learn from a call that has ended."""
        mean = self._means.get(tenant_id, seconds)
        self._means[tenant_id] = mean + WEIGHT * (seconds - mean)
        self._means.move_to_end(tenant_id)
        if len(self._means) > TENANTS:
            self._means.popitem(last=False)
        if tenant_id != self._latest:
            self._company_at = float("-inf") if self._latest is None else time.monotonic()
            self._latest = tenant_id

    def tiers(self, attempts: Iterable[Attempt], ahead: int) -> Iterator[Tier]:
        """What may be claimed, one after the other, given what is being called; the first is open to all tenants.

        Each looks at the attempts anew, since what was claimed for one counts in the next.

        Args:
            attempts: the calls of this process, claimed and not over, the oldest first.
            ahead: executions to claim beyond the free slots.
        """
        room = self._slots + ahead
        kept = self._slots // KEPT or (1 if self._slots > 1 else 0)
        last = min(kept, 1) if time.monotonic() - self._company_at < COMPANY_SECONDS else 0
        if not self._slow(attempts, kept) and (ahead or (self._known_quick(self._latest) and not last)):
            yield Tier(room - last, [])
            return
        yield Tier(self._slots - kept, [], more=True)
        yield Tier(room - last, self._slow(attempts, kept))
        if last:
            yield Tier(room, list({attempt.claimed.tenant_id for attempt in list(attempts)}))

    def _known_quick(self, tenant_id: str | None) -> bool:
        return tenant_id is not None and self._means.get(tenant_id, QUICK_SECONDS) < QUICK_SECONDS

    def _slow(self, attempts: Iterable[Attempt], kept: int) -> list[str]:
        """Tenants whose calls are not known to end quickly, or some of which do not."""
        before = time.monotonic() - QUICK_SECONDS
        running = list(attempts)
        old = Counter(attempt.claimed.tenant_id for attempt in takewhile(lambda one: one.since < before, running))
        return [
            tenant_id
            for tenant_id in {attempt.claimed.tenant_id for attempt in running}
            if not self._known_quick(tenant_id) or old[tenant_id] >= max(kept, 1)
        ]
