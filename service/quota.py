"""How many jobs a tenant may have."""

from typing import Any

from psycopg import Connection

from service import jobs
from service.errors import QuotaExceeded


def check(conn: Connection[Any], tenant_id: str, limit: int) -> None:
    """Raise QuotaExceeded when a tenant has come to more jobs than `limit`, deleted ones apart.

    To be asked after they were added, in their transaction. Two that add at the same time may both pass.
    """
    every = {"key": None, "name_like": None, "status": None, "tag": None, "type": None}
    if jobs.count(conn, tenant_id=tenant_id, limit=limit + 1, **every) > limit:
        raise QuotaExceeded(f"The tenant would have more than {limit} jobs; delete some, or have the limit raised.")
