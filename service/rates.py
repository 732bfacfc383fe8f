"""How often a tenant may ask: a bucket of tokens for each, in this process's memory."""

import math
import threading
from collections import OrderedDict

from service.errors import TooManyRequests

BURST_SECONDS = 2.0  # what may come at once: the requests of so many seconds
TENANTS = 10_000  # remembered; the one that has been quiet longest is forgotten, which fills its bucket


class RateLimit:
    """Counts requests by tenant against a rate; 0 means none.

    Kept as one instant a tenant: the one at which its bucket will be full again, moved on by each request.
    Source: ITU-T I.371, generic cell rate algorithm.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._burst = max(BURST_SECONDS, self._interval)
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, tenant: str, now: float) -> None:
        """Count a request at `now`, a monotonic instant in seconds. Raises TooManyRequests when it is too early."""
        if not self._interval:
            return
        with self._lock:
            full_at = max(self._full_at.get(tenant, now), now) + self._interval
            wait = full_at - now - self._burst
            if wait > 1e-9:
                raise TooManyRequests(math.ceil(wait))
            self._full_at[tenant] = full_at
            self._full_at.move_to_end(tenant)
            if len(self._full_at) > TENANTS:
                self._full_at.popitem(last=False)
