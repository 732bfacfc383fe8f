"""LISTEN: turns notifications into wake-ups. Without it everything still happens, up to a second later."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from service import db, log
from service.config import Config

CHANNELS = ("scheduler_work", "scheduler_jobs", "scheduler_cancel", "scheduler_breakers", "scheduler_drain")
WAIT_SECONDS = 1.0
RECONNECT_SECONDS = 1.0


class Listener:
    """Holds a session of its own that listens; each notification calls its channel's handler with the payload."""

    def __init__(self, config: Config, handlers: dict[str, Callable[[str], None]]) -> None:
        self._config = config
        self._handlers = handlers
        self._conn: Connection[Any] | None = None
        self._lost = False

    def run_once(self) -> float:
        """Wait up to a second for notifications and deal them out. Returns 0, or the wait before reconnecting."""
        try:
            if self._conn is None:
                self._conn = self._connect()
                self._lost = False
            for note in self._conn.notifies(timeout=WAIT_SECONDS, stop_after=1):
                self._handlers[note.channel](note.payload)
        except psycopg.OperationalError as error:
            if not self._lost:  # told once an outage
                log.warning(log.LISTEN_LOST, error=error)
            self._lost = True
            self.close()
            return RECONNECT_SECONDS
        return 0.0

    def close(self) -> None:
        """Close the session."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _connect(self) -> Connection[Any]:
        conn = db.connect(self._config, "engine")
        for channel in CHANNELS:
            conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        for channel in ("scheduler_work", "scheduler_jobs", "scheduler_breakers"):
            self._handlers[channel]("")  # what was sent while nobody listened is looked for now
        return conn


def uuid_handler(act: Callable[[UUID], None]) -> Callable[[str], None]:
    """A handler that reads the payload as a UUID; anything else on the channel is not ours and is left alone."""

    def handle(payload: str) -> None:
        try:
            id = UUID(payload)
        except ValueError:
            log.warning(log.LISTEN_LOST, note="a payload that is no id")
            return
        act(id)

    return handle
