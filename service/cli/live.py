"""`live`: ask the service in this environment whether it serves, as the health check of a container does."""

import argparse
import http.client
import sys

from service.cli.environment import config

DEADLINE = 2.0  # seconds for an answer
ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(arguments: argparse.Namespace) -> int:
    """Gives 0 when /live is answered with 200 on SERVER_PORT or, as an engine has it, on METRICS_PORT; else 1."""
    settings = config()
    host = "localhost" if settings.server_host in ANY_ADDRESS else settings.server_host
    troubles = [_trouble(host, port) for port in (settings.server_port, settings.metrics_port) if port]
    if None in troubles:
        return 0
    print(*troubles, sep="\n", file=sys.stderr)
    return 1


def _trouble(host: str, port: int) -> str | None:
    """What keeps the service on this port from being live, or None when nothing does."""
    connection = http.client.HTTPConnection(host, port, timeout=DEADLINE)
    try:
        connection.request("GET", "/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"port {port}: {error or type(error).__name__}"
    finally:
        connection.close()
    return None if status == http.client.OK else f"port {port}: status {status}"
