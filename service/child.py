"""One process under a supervisor: `python -m service.child <role> …`, started by service.supervisor only."""

import argparse
import os
import socket
import sys

from prometheus_client import values


def main() -> int:
    """Serve as the supervisor said. Returns the exit code."""
    given = _arguments()
    # The name and not the process id: one that is started anew goes on counting in the files of its predecessor,
    # so no counter falls and no file is left behind. To be done before any metric is made.
    values.ValueClass = values.MultiProcessValue(lambda: given.name)  # type: ignore[no-untyped-call]
    from service import log, metrics
    from service.config import Config
    from service.server import serve_on

    config = Config.from_env(os.environ)
    log.configure(config.log_level, config.log_format, process=given.name)
    metrics.PROCESSES.labels(given.role).set(1)
    if given.again:
        metrics.RESTARTS.labels(given.role).inc()
    sockets = [socket.socket(fileno=number) for number in given.socket]
    return serve_on(sockets, config, given.role, given.lifeline, given.place)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m service.child")
    parser.add_argument("role", choices=["api", "engine", "probe"])
    parser.add_argument("--name", required=True, help="unique under its supervisor; metrics are kept by it")
    parser.add_argument("--lifeline", type=int, required=True, help="file descriptor that ends with the supervisor")
    parser.add_argument("--socket", type=int, action="append", default=[], help="file descriptor to serve on")
    parser.add_argument("--place", type=int, help="that of its neighbours differs by one")
    parser.add_argument("--again", action="store_true", help="its predecessor died")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
