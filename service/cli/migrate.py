"""`migrate`: bring the database's schema up to what this code is written for."""

import argparse
import sys

from service.cli.environment import config
from service.config import Config
from service.migrate import MigrationError, migrate_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(arguments: argparse.Namespace) -> int:
    """Apply what is pending. Gives 1 when dbmate failed, with what it said."""
    return migrate(config())


def migrate(config: Config) -> int:
    """Apply what is pending to the database of `config`; gives the exit code."""
    try:
        print(migrate_up(config.database_conninfo), end="", file=sys.stderr)
    except MigrationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
