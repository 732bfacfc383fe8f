"""Command line: `python -m service [role]`, settings from the environment and .env."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from dotenv import dotenv_values

from service import __version__
from service.config import Config, ConfigError
from service.server import serve

COMMANDS = {
    "all": "serve the API and run the engine (the default)",
    "api": "serve the API only",
    "engine": "run the engine only: tick, claim, call",
    "home": "as all, with PostgreSQL and Redis of its own unless a database is set",
    "migrate": "apply pending migrations",
    "openapi": "print the OpenAPI document",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 2 for settings the service cannot work with."""
    parser = argparse.ArgumentParser(prog="python -m service", description="Scheduler Service")
    parser.add_argument("--version", action="version", version=__version__)
    listing = "; ".join(f"{name}: {text}" for name, text in COMMANDS.items())
    parser.add_argument("command", nargs="?", default="all", choices=COMMANDS, help=listing)
    command = parser.parse_args(arguments).command
    try:
        return _run(command)
    except ConfigError as error:
        print(f"The service cannot start with these settings:\n{error}", file=sys.stderr)  # noqa: T201
        return 2


def _run(command: str) -> int:
    if command == "openapi":
        from service.api.openapi import document_text

        print(document_text())  # noqa: T201
        return 0
    if command == "home":
        return _home()
    config = Config.from_env(_environment())
    if command == "migrate":
        return _migrate(config)
    return serve(config, command)


def _home() -> int:
    from service.embedded import EmbeddedError, home_environment

    try:
        with home_environment(os.environ) as settings:
            config = Config.from_env(settings)
            return _migrate(config) or serve(config, "all")
    except EmbeddedError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1


def _migrate(config: Config) -> int:
    from service.migrate import MigrationError, migrate_up

    try:
        print(migrate_up(config.database_conninfo), end="", file=sys.stderr)  # noqa: T201
    except MigrationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _environment() -> Mapping[str, str]:
    return {name: value or "" for name, value in dotenv_values(".env").items()} | dict(os.environ)


if __name__ == "__main__":
    sys.exit(main())
