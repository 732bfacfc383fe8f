"""`all`, `api`, `engine`: serve in a role until a signal."""

import argparse

from service.cli.environment import config
from service.server import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that all roles share."""


def run(arguments: argparse.Namespace) -> int:
    """Serve as the role that the command names."""
    return serve(config(), arguments.command)
