"""`all`, `api`, `engine`: serve in a role until a signal."""

import argparse

from service.cli.environment import config
from service.instance import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that all roles share."""
    add_processes(parser)


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Declare --processes."""
    parser.add_argument(
        "--processes", metavar="N", help="engine processes under one supervisor (default: SCHEDULER_PROCESSES, or 1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve as the role that the command names."""
    return serve(config(SCHEDULER_PROCESSES=arguments.processes), arguments.command)
