"""Rotation: seals stored secrets anew under the first key, a batch at a time, while the service runs."""

from dataclasses import dataclass, field
from uuid import UUID

from psycopg.types.json import Jsonb

from service import db, masks, signing, sql
from service.vault import SecretUnreadable, Vault, job_owner

BATCH = 200


@dataclass(frozen=True, slots=True)
class StaleJob:
    """A job's secrets as they are stored."""

    id: UUID
    tenant_id: str
    version: int
    headers: dict[str, str]
    sealed: str | None


@dataclass(frozen=True, slots=True)
class StaleSigning:
    """A tenant's signing secrets as they are stored."""

    tenant_id: str
    sealed: str
    previous_sealed: str | None


@dataclass(slots=True)
class Rotated:
    """What a rotation has come to."""

    resealed: int = 0
    unreadable: list[UUID] = field(default_factory=list)  # jobs whose secrets no key opens


_stale = sql.many("secrets.stale", row=StaleJob)
_reseal = sql.execute("secrets.reseal")
_stale_signing = sql.many("secrets.stale_signing", row=StaleSigning)
_reseal_signing = sql.execute("secrets.reseal_signing")
_mask_versions = sql.execute("secrets.mask_versions")


def rotate(pool: db.Pool, vault: Vault) -> Rotated:
    """Seal anew what is not sealed under the vault's first key. Running it again changes nothing.

    A job that is edited meanwhile is left alone: its edit has sealed it.
    """
    done, after = Rotated(), UUID(int=0)
    while batch := _batch(pool, vault, after):
        _seal_anew(pool, vault, batch, done)
        after = batch[-1].id
    return done


def rotate_signing(pool: db.Pool, vault: Vault) -> tuple[int, list[str]]:
    """As rotate(), for the signing secrets; gives how many, and the tenants whose secrets no key opens."""
    resealed, unreadable, after = 0, list[str](), ""
    while batch := _signing_batch(pool, vault, after):
        for row in batch:
            try:
                resealed += _seal_signing(pool, vault, row)
            except SecretUnreadable:
                unreadable.append(row.tenant_id)
        after = batch[-1].tenant_id
    return resealed, unreadable


def _signing_batch(pool: db.Pool, vault: Vault, after: str) -> list[StaleSigning]:
    with db.session(pool) as conn:
        return _stale_signing(conn, current=vault.current, after_tenant=after, limit=BATCH)


def _seal_signing(pool: db.Pool, vault: Vault, row: StaleSigning) -> int:
    owner = signing.owner(row.tenant_id)
    sealed, previous = (
        None if old is None else vault.seal(vault.open(old, owner), owner) for old in (row.sealed, row.previous_sealed)
    )
    with db.session(pool) as conn:
        return _reseal_signing(conn, tenant_id=row.tenant_id, old=row.sealed, sealed=sealed, previous_sealed=previous)


def _batch(pool: db.Pool, vault: Vault, after: UUID) -> list[StaleJob]:
    with db.session(pool) as conn:
        return _stale(conn, current=vault.current, after_id=after, limit=BATCH)


def _seal_anew(pool: db.Pool, vault: Vault, batch: list[StaleJob], done: Rotated) -> None:
    anew: list[tuple[StaleJob, dict[str, str], str]] = []
    for job in batch:
        try:
            anew.append((job, *_sealed_anew(vault, job)))
        except SecretUnreadable:
            done.unreadable.append(job.id)
    ids = [job.id for job, _, _ in anew]
    with db.transaction(pool) as conn:
        done.resealed += _reseal(
            conn,
            ids=ids,
            versions=[job.version for job, _, _ in anew],
            headers=[Jsonb(headers) for _, headers, _ in anew],
            sealed=[sealed for _, _, sealed in anew],
        )
        _mask_versions(conn, ids=ids)


def _sealed_anew(vault: Vault, job: StaleJob) -> tuple[dict[str, str], str]:
    owner = job_owner(job.tenant_id, job.id)
    opened = masks.Values() if job.sealed is None else masks.Values(**vault.open(job.sealed, owner))
    kept = masks.kept_of(job.headers, opened)
    return masks.mask_headers(job.headers), vault.seal({"headers": kept.headers, "payload": kept.payload}, owner)
