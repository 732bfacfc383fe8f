"""`signing rotate --tenant T`: give a tenant a signing secret, or another one."""

import argparse
import sys
from contextlib import closing

from service import db, signing
from service.cli.environment import config
from service.cli.keys import tenant
from service.errors import ServiceError
from service.vault import Vault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the one sub-command."""
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    rotate = actions.add_parser("rotate", help="make another secret; the one before stays valid for a day")
    rotate.add_argument("--tenant", required=True, type=tenant, help="whose calls are signed with it")


def run(arguments: argparse.Namespace) -> int:
    """Rotate, and print the secret, which is shown this once. Gives 1 when none could be made."""
    settings = config()
    try:
        with closing(db.open_pool(settings, "api", size=1)) as pool:
            with db.session(pool) as session:
                actor = f"role:{session.info.user}"  # not api: whoever runs this is logged in to the database
            with db.transaction(pool, arguments.tenant, actor) as conn:
                secret, _ = signing.rotate(conn, arguments.tenant, Vault(settings.secrets_keys))
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1
    print(secret)
    return 0
