"""API keys: making, revoking and recognizing them."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from psycopg import Connection

from service import db, sql

Scope = Literal["read", "write", "admin"]  # each includes those before it
SCOPES: tuple[Scope, ...] = get_args(Scope)
MARK = "sched_"  # a key is this and 256 random bits, so that scanners for leaked secrets can tell it
PREFIX_LENGTH = len(MARK) + 6
CACHE_SECONDS = 2.0  # a revoked or expired key may open doors for so long
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the command line shows it."""

    id: UUID
    tenant_id: str
    name: str
    prefix: str  # its first characters
    scope: Scope
    created_at: datetime
    expires_at: datetime | None  # None: never
    revoked_at: datetime | None
    last_used_at: datetime | None  # to the minute; None: never


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key that is good now."""

    id: UUID
    tenant_id: str
    scope: Scope
    hash: bytes

    def allows(self, scope: Scope) -> bool:
        """Whether the key may be used where `scope` is asked for."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


_find = sql.maybe("keys.find", row=FoundKey)
_create = sql.one("keys.create", row=ApiKey)
page = sql.many("keys.list", row=ApiKey)
revoke = sql.maybe("keys.revoke", row=ApiKey)


def create(
    conn: Connection[Any], tenant_id: str, name: str, scope: Scope, lifetime_seconds: float | None
) -> tuple[ApiKey, str]:
    """Make a key. Gives it and its secret, which is kept nowhere and cannot be shown again."""
    secret = MARK + secrets.token_urlsafe(32)
    made = _create(
        conn,
        tenant_id=tenant_id,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        hash=digest(secret),
        scope=scope,
        lifetime_seconds=lifetime_seconds,
    )
    return made, secret


def digest(secret: str) -> bytes:
    """What the database keeps of a key. A fast hash is right for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).digest()


class Keyring:
    """Recognizes keys. Good ones are remembered for CACHE_SECONDS, so most requests ask no database."""

    def __init__(self, pool: db.Pool) -> None:
        self._pool = pool
        self._known: dict[bytes, tuple[FoundKey, float]] = {}  # by hash; until when (monotonic)

    def find(self, secret: str) -> FoundKey | None:
        """The key, if it is good; None says nothing about why it is not.

        Raises: Unavailable when the database is out of reach.
        """
        hash = digest(secret)
        known, until = self._known.get(hash, (None, 0.0))
        if known is not None and time.monotonic() < until:
            return known
        asked_at = time.monotonic()
        with db.transaction(self._pool) as conn:
            found = _find(conn, hash=hash)
        # The index has compared already, byte by byte; what counts is a comparison that takes the same time always.
        if found is None or not hmac.compare_digest(found.hash, hash):
            self._known.pop(hash, None)
            return None
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[hash] = found, asked_at + CACHE_SECONDS
        return found
