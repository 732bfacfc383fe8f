"""Many jobs at once, by the rules of the single acts: create a list; pause, resume or delete those that match."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection

from service import jobs, notify
from service.errors import KeyTaken, Problem, ValidationFailed
from service.rows import Job
from service.vault import Vault

COUNTED = 10_000  # jobs that match are counted up to here
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Act:
    """What can be done to many jobs."""

    statuses: tuple[str, ...]  # of the jobs that it changes
    apply: Callable[[Connection[Any], Sequence[Job]], None]  # to jobs that are locked


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act did, or would do."""

    matched: int  # jobs that it changes, counted up to COUNTED
    changed: int
    sample: list[Job]  # as they were


PAUSE = Act(("active",), jobs.pause_all)
RESUME = Act(("paused",), jobs.resume_all)
DELETE = Act(("active", "paused", "completed"), jobs.delete_all)


def of_item(index: int, error: ValidationFailed) -> list[Problem]:
    """The problems of one item of the list, with fields named jobs.<index>.<field>."""
    return [replace(item, field=f"jobs.{index}.{item.field}") for item in error.problems]


def create(conn: Connection[Any], tenant_id: str, definitions: Sequence[Mapping[str, Any]], vault: Vault) -> list[Job]:
    """Add jobs, all or none; gives them in the order of their definitions.

    Raises:
        ValidationFailed: the schedules of some are not valid, their bounds leave no run, or their secrets cannot be
            kept.
        KeyTaken: other jobs have the keys of some. The fields of both are named jobs.<index>.<field>.
    """
    at, wanted, problems = jobs.now(conn), list[jobs.NewJob](), list[Problem]()
    for index, definition in enumerate(definitions):
        try:
            wanted.append(jobs.prepare(tenant_id, definition, at, vault))
        except ValidationFailed as error:
            problems += of_item(index, error)
    if problems:
        raise ValidationFailed(problems)
    # In the order of keys, so that two who create the same ones do not wait for each other in a circle.
    by_key = sorted(range(len(wanted)), key=lambda index: wanted[index].definition.key or "")
    taken = [index for index in by_key if not jobs.add(conn, tenant_id, wanted[index])]
    if taken:
        raise KeyTaken(*(f"jobs.{index}.key" for index in sorted(taken)))
    notify.jobs(conn)
    return jobs.read(conn, tenant_id=tenant_id, ids=[new.id for new in wanted])


def change(
    conn: Connection[Any], tenant_id: str, act: Act, filters: Mapping[str, object], limit: int, *, dry_run: bool
) -> Outcome:
    """Apply an act to the jobs that match, `limit` of them at most; none in a dry run.

    Args:
        filters: ids, status, type, name_like and tag; None for any.

    Raises:
        ValidationFailed: the schedule of a job to be resumed cannot be read any more.
    """
    which: dict[str, Any] = {"tenant_id": tenant_id, "statuses": list(act.statuses)}
    matched = [place.id for place in jobs.matching(conn, **which, **filters, limit=COUNTED)]
    if dry_run:
        return Outcome(len(matched), 0, jobs.read(conn, tenant_id=tenant_id, ids=matched[:SHOWN]))
    locked = jobs.lock_all(conn, **which, ids=matched[:limit])
    found = jobs.read(conn, tenant_id=tenant_id, ids=[place.id for place in locked])
    if found:
        act.apply(conn, found)
    return Outcome(len(matched), len(found), found[:SHOWN])
