"""`keys`: make, list and revoke API keys."""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from service import db, keys
from service.cli.environment import config
from service.instants import rfc3339
from service.keys import SCOPES, ApiKey
from service.tenant import RULE, tenant_of

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}  # seconds
MAX_DAYS = 36500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare create, list and revoke."""
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    create = actions.add_parser("create", help="make a key and print it, once")
    create.add_argument("--tenant", required=True, type=tenant, help="whose jobs it opens")
    scopes = "read: GET only; admin: the audit log and the signing secret too"
    create.add_argument("--scope", required=True, choices=SCOPES, help=scopes)
    create.add_argument("--name", required=True, type=_name, help="whose key it is, or what for")
    create.add_argument("--expires", type=_lifetime, metavar="90d", help="after so many m, h, d or w; default never")
    create.set_defaults(act=_create)
    listing = actions.add_parser("list", help="list keys, also expired and revoked ones")
    listing.add_argument("--tenant", type=tenant, help="only this tenant's")
    listing.set_defaults(act=_list)
    revoke = actions.add_parser("revoke", help="make a key useless, within seconds and for good")
    revoke.add_argument("id", type=_id, help="as list shows it")
    revoke.set_defaults(act=_revoke)


def run(arguments: argparse.Namespace) -> int:
    """Do it in the database that is set. Gives 1 when that fails, with the reason."""
    act: Callable[[Connection[Any], argparse.Namespace], int] = arguments.act
    try:
        with db.connect(config(), "admin") as conn:
            return act(conn, arguments)
    except psycopg.Error as error:
        print(f"The database refused: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def tenant(text: str) -> str:
    """The tenant that an argument names."""
    try:
        return tenant_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(RULE) from None


def _create(conn: Connection[Any], arguments: argparse.Namespace) -> int:
    key, secret = keys.create(conn, arguments.tenant, arguments.name, arguments.scope, arguments.expires)
    until = f"expires {rfc3339(key.expires_at)}" if key.expires_at else "never expires"
    print(
        f"Key {key.id} of tenant {key.tenant_id}, scope {key.scope}, {until}. It is shown this once:", file=sys.stderr
    )
    print(secret)
    return 0


def _list(conn: Connection[Any], arguments: argparse.Namespace) -> int:
    titles = ("id", "tenant", "name", "begins", "scope", "created", "expires", "last used", "revoked")
    rows = [titles, *(_row(key) for key in keys.page(conn, tenant_id=arguments.tenant))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _row(key: ApiKey) -> tuple[str, ...]:
    instants = (key.created_at, key.expires_at, key.last_used_at, key.revoked_at)
    return str(key.id), key.tenant_id, key.name, key.prefix, key.scope, *map(_minute, instants)


def _revoke(conn: Connection[Any], arguments: argparse.Namespace) -> int:
    key = keys.revoke(conn, id=arguments.id)
    if key is None:
        print(f"There is no key {arguments.id}.", file=sys.stderr)
        return 1
    print(f"Key {key.id} of tenant {key.tenant_id} is revoked.", file=sys.stderr)
    return 0


def _minute(at: datetime | None) -> str:
    return "-" if at is None else rfc3339(at.replace(second=0, microsecond=0)).replace(":00Z", "Z")


def _name(text: str) -> str:
    if not 1 <= len(text.strip()) <= 255 or not text.isprintable():
        raise argparse.ArgumentTypeError("must have 1 to 255 characters, without line breaks")
    return text.strip()


def _lifetime(text: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,8})([mhdw])", text)
    seconds = int(match[1]) * UNITS[match[2]] if match else 0
    if not 0 < seconds <= MAX_DAYS * UNITS["d"]:
        raise argparse.ArgumentTypeError(f"must be a number of m, h, d or w, such as 90d, and {MAX_DAYS} days at most")
    return seconds


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a UUID, as `keys list` shows it") from None
