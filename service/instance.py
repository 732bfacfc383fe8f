"""An instance of the service: one process, or several under a supervisor."""

import socket

from service import log, web
from service.config import Config, ConfigError
from service.supervisor import supervise


def serve(config: Config, role: str = "all") -> int:
    """Serve as `role` until SIGTERM or SIGINT, then drain; in several processes where the settings say so.

    Returns the exit code: 1 when a part of the engine broke.
    """
    log.configure(config.log_level, config.log_format)
    sockets = open_sockets(config, role)
    if config.processes > 1 and role != "api":
        return supervise(config, role, sockets)
    from service.server import serve_on  # which imports all that a supervisor has its children import

    return serve_on(sockets, config, role)


def open_sockets(config: Config, role: str) -> list[socket.socket]:
    """The sockets a role listens on: those of the API, or of an engine's metrics where METRICS_PORT is set.

    Raises:
        ConfigError: the address is not of this machine, or the port is taken.
    """
    name, port = ("METRICS_PORT", config.metrics_port) if role == "engine" else ("SERVER_PORT", config.server_port)
    if role == "engine" and port == 0:
        return []
    try:
        return web.listen(config.server_host, port)
    except OSError as error:
        where = f"SERVER_HOST={config.server_host} {name}={port}"
        raise ConfigError(f"{where}: expected an address of this machine and a free port ({error})") from error
