"""`secrets rotate`: seal stored secrets anew under the first key of SECRETS_KEY."""

import argparse
import sys
from contextlib import closing

from service import db
from service.cli.environment import config
from service.config import ConfigError
from service.errors import ServiceError
from service.rotation import rotate, rotate_signing
from service.vault import Vault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the one sub-command."""
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    actions.add_parser("rotate", help="seal anew what another key, or none, has sealed; safe while the service runs")


def run(arguments: argparse.Namespace) -> int:
    """Rotate, and tell how it went. Gives 1 when some secrets cannot be read, or the database."""
    settings = config()
    if not settings.secrets_key:
        raise ConfigError("SECRETS_KEY: expected the new key, and after a comma the one that it replaces")
    try:
        with closing(db.open_pool(settings, "engine", size=1)) as pool:
            done = rotate(pool, Vault(settings.secrets_keys))
            signing, lost = rotate_signing(pool, Vault(settings.secrets_keys))
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{done.resealed} jobs and {signing} signing secrets sealed anew, {len(done.unreadable + lost)} unreadable")
    for tenant in lost:
        print(f"{tenant}: no key of SECRETS_KEY opens its signing secret; make another one", file=sys.stderr)
    for id in done.unreadable:
        print(f"{id}: no key of SECRETS_KEY opens its secrets; send them anew", file=sys.stderr)
    return 1 if done.unreadable or lost else 0
