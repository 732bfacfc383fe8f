"""Signing: headers by which a receiver knows that a call is the scheduler's, and one secret a tenant behind them.

Source: Standard Webhooks, section "Signature scheme".
"""

import base64
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from service import audit, sql
from service.errors import Conflict
from service.vault import Vault

PREFIX = "whsec_"
SECRET_BYTES = 32
OVERLAP_SECONDS = 24 * 3600  # the secret before goes on being valid


@dataclass(frozen=True, slots=True)
class SigningState:
    """What is shown of a tenant's secret once it has been made."""

    rotated_at: datetime
    previous_until: datetime | None  # until then calls carry a signature by the secret before, too


state = sql.maybe("signing.get", row=SigningState)
_rotate = sql.one("signing.rotate", row=SigningState)
_remove = sql.execute("signing.remove")


def rotate(conn: Connection[Any], tenant_id: str, vault: Vault) -> tuple[str, SigningState]:
    """Give a tenant a secret, or another one; it is shown here and never again.

    Raises:
        Conflict: there is no key to keep it under.
    """
    if not vault.has_key:
        raise Conflict("A signing secret cannot be kept: this service has no SECRETS_KEY to encrypt it with.")
    secret = PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()
    sealed = vault.seal(secret, owner(tenant_id))
    made = _rotate(conn, tenant_id=tenant_id, sealed=sealed, overlap_seconds=OVERLAP_SECONDS)
    audit.record(conn, tenant_id, "signing.rotate", None)
    return secret, made


def remove(conn: Connection[Any], tenant_id: str) -> None:
    """Stop signing a tenant's calls."""
    if _remove(conn, tenant_id=tenant_id):
        audit.record(conn, tenant_id, "signing.remove", None)


def owner(tenant_id: str) -> str:
    """The owner that a tenant's signing secret is sealed for."""
    return f"signing\0{tenant_id}"


def key_of(secret: str) -> bytes:
    """The bytes that a secret signs with."""
    return base64.b64decode(secret.removeprefix(PREFIX))


def headers(keys: Sequence[bytes], id: str, timestamp: int, body: bytes) -> list[tuple[str, str]]:
    """The headers of a signed call: one signature for each secret that is valid."""
    signed = f"{id}.{timestamp}.".encode() + body
    signatures = [f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys]
    return [
        ("webhook-id", id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(signatures)),
    ]
