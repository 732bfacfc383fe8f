"""Warm-up of a session: what stands between a due run and its outcome is run once before it matters.

The first time in a session that a statement runs, the server reads its catalogs, compiles functions and parses it: up
to 20 ms for each of these, and the runs that found a fresh session were late by as much.
"""

from typing import Any
from uuid import UUID

from psycopg import Connection

from service import claims, executions, ticker

NOBODY = UUID(int=0)


def warm(conn: Connection[Any]) -> None:
    """Run each of the statements with nothing to do."""
    ticker.warm(conn)
    claims.claimed_ranks(conn)
    claims.claim(conn, worker_id=NOBODY, limit=0)
    executions.end(conn, [])
