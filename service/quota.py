"""How many jobs a tenant may have."""

import threading
from collections import OrderedDict
from typing import Any

from psycopg import Connection

from service import jobs
from service.errors import QuotaExceeded

TENANTS = 10_000  # whose leave is remembered; that of the one that was counted longest ago is forgotten
LEAVE = 1000  # jobs that a count lets a process add uncounted, at most
LEAVE_SECONDS = 60.0  # for which it does
SHARE = 10  # a count lets a process add one in so many of those still free, so that others may add as well
_EVERY = {"key": None, "name_like": None, "status": None, "tag": None, "type": None}


class JobQuota:
    """Refuses jobs beyond a tenant's limit, deleted ones apart.

    Counting takes longer the more jobs there are, some 40 ms for 100,000: too long for each new one. So a count also
    gives leave to add some uncounted, fewer the nearer the limit is. Next to it every job is counted. Requests that are
    served at the same time, or more than ten processes, may still go beyond it by a little.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._leave: OrderedDict[str, tuple[int, float]] = OrderedDict()  # by tenant: how many, until when
        self._lock = threading.Lock()

    def check(self, conn: Connection[Any], tenant_id: str, added: int, now: float) -> None:
        """To be asked after jobs were added, in their transaction, at a monotonic instant in seconds.

        Raises:
            QuotaExceeded: the tenant would have too many jobs.
        """
        if not self._spend(tenant_id, added, now):
            free = self._limit - jobs.count(conn, tenant_id=tenant_id, limit=self._limit + 1, **_EVERY)
            if free < 0:
                raise QuotaExceeded(
                    f"The tenant would have more than {self._limit} jobs; delete some, or have the limit raised."
                )
            self._give(tenant_id, min(free // SHARE, LEAVE), now + LEAVE_SECONDS)

    def _spend(self, tenant_id: str, added: int, now: float) -> bool:
        with self._lock:
            left, until = self._leave.get(tenant_id, (0, now))
            if added > left or now >= until:
                return False
            self._leave[tenant_id] = (left - added, until)
            return True

    def _give(self, tenant_id: str, number: int, until: float) -> None:
        with self._lock:
            self._leave[tenant_id] = (number, until)
            self._leave.move_to_end(tenant_id)
            if len(self._leave) > TENANTS:
                self._leave.popitem(last=False)
