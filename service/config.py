"""Settings: one frozen dataclass read once from the environment; nothing else reads os.environ."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service import log
from service.egress import DENIED, Egress, egress_of
from service.proxies import parse_networks
from service.vault import parse_keys
from service.zone import zone_names


class ConfigError(ValueError):
    """Some variables have values the service cannot work with; the message has a line for each."""


def _text(raw: str) -> str:
    return raw


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and low <= int(raw) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(raw)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            number = float(raw)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise ValueError(f"a number of seconds from {low:g} to {high:g}")
        return number

    return parse


def _flag(raw: str) -> bool:
    if raw.lower() not in ("true", "false", "1", "0"):
        raise ValueError("true or false")
    return raw.lower() in ("true", "1")


def _zone(raw: str) -> str:
    if raw not in zone_names():
        raise ValueError("an IANA time zone such as UTC or Europe/Berlin")
    return raw


def _ssl_mode(raw: str) -> str:
    modes = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
    if raw not in modes:
        raise ValueError("one of " + ", ".join(modes))
    return raw


def _log_level(raw: str) -> str:
    log.parse_level(raw)
    return raw.upper() if "=" not in raw else raw


def _log_format(raw: str) -> str:
    if raw not in ("text", "json"):
        raise ValueError("text (key=value) or json")
    return raw


def _proxies(raw: str) -> str:
    try:
        parse_networks(raw)
    except ValueError as error:
        raise ValueError(f"addresses and networks such as 127.0.0.1, 10.0.0.0/8 ({error})") from error
    return raw


def _database_url(raw: str) -> str:
    try:
        known = raw.startswith(("postgres://", "postgresql://")) and conninfo_to_dict(raw) is not None
    except ProgrammingError:
        known = False
    if not known:
        raise ValueError("a PostgreSQL URL such as postgres://user:password@host:5432/database")
    return raw


def _networks(raw: str) -> str:
    try:
        egress_of(raw, "", strict=False)
    except ValueError as error:
        raise ValueError(f"addresses and networks such as 169.254.0.0/16,fe80::/10 ({error})") from error
    return raw


def _exceptions(raw: str) -> str:
    try:
        egress_of("", raw, strict=False)
    except ValueError as error:
        raise ValueError(f"addresses, networks and host names such as 10.1.2.3,hooks.internal ({error})") from error
    return raw


def _keys(raw: str) -> str:
    parse_keys(raw)
    return raw


def _http_url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http or https URL such as http://localhost:4318")
    return raw


def _setting(name: str, default: Any, parse: Callable[[str], Any] = _text, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"name": name, "parse": parse})


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, with their variable, default and range. repr() hides the secret ones."""

    server_host: str = _setting("SERVER_HOST", "0.0.0.0")  # noqa: S104 - address to listen on
    server_port: int = _setting("SERVER_PORT", 5003, _whole(0, 65535))  # 0 takes a free port
    shutdown_timeout: float = _setting("SERVER_SHUTDOWN_TIMEOUT", 30.0, _seconds(0, 3600))  # for calls in flight
    drain_delay: float = _setting("SERVER_DRAIN_DELAY", 5.0, _seconds(0, 300))  # /ready says no, the port answers, s
    trusted_proxies: str = _setting("TRUSTED_PROXIES", "", _proxies)  # as proxies.parse_networks reads it
    metrics_port: int = _setting("METRICS_PORT", 0, _whole(0, 65535))  # of an engine without API; 0 serves none
    server_threads: int = _setting("SERVER_THREADS", 8, _whole(1, 256))  # API requests served at once
    database_url: str = _setting("DATABASE_URL", "", _database_url, secret=True)  # wins over POSTGRES_*
    postgres_host: str = _setting("POSTGRES_HOST", "localhost")
    postgres_port: int = _setting("POSTGRES_PORT", 5432, _whole(1, 65535))
    postgres_user: str = _setting("POSTGRES_USER", "scheduler")
    postgres_password: str = _setting("POSTGRES_PASSWORD", "", secret=True)
    postgres_db: str = _setting("POSTGRES_DB", "scheduler")
    postgres_ssl_mode: str = _setting("POSTGRES_SSL_MODE", "prefer", _ssl_mode)
    redis_host: str = _setting("REDIS_HOST", "localhost")
    redis_port: int = _setting("REDIS_PORT", 6379, _whole(1, 65535))
    redis_password: str = _setting("REDIS_PASSWORD", "", secret=True)
    redis_db: int = _setting("REDIS_DB", 0, _whole(0, 1023))
    processes: int = _setting("SCHEDULER_PROCESSES", 1, _whole(1, 64))  # engine processes of this instance
    cpu_affinity: bool = _setting("SCHEDULER_CPU_AFFINITY", True, _flag)  # keep a process on one core
    worker_count: int = _setting("SCHEDULER_WORKER_COUNT", 10, _whole(1, 1000))  # calls at once in this process
    max_retries: int = _setting("SCHEDULER_MAX_RETRIES", 3, _whole(0, 100))  # default of jobs
    retry_delay: int = _setting("SCHEDULER_RETRY_DELAY_SECONDS", 60, _whole(0, 86400))  # default of jobs, s
    lock_ttl: float = _setting("SCHEDULER_LOCK_TTL_SECONDS", 300.0, _seconds(1, 86400))  # ticker lease, s
    heartbeat: float = _setting("SCHEDULER_HEARTBEAT_SECONDS", 5.0, _seconds(0.1, 300))  # worker heartbeat, s
    misfire_after: float = _setting("SCHEDULER_MISFIRE_SECONDS", 60.0, _seconds(5, 86400))  # later is a misfire
    breaker_failures: int = _setting("SCHEDULER_BREAKER_FAILURES", 50, _whole(0, 1_000_000))  # in a row; 0: never opens
    breaker_probe: float = _setting("SCHEDULER_BREAKER_PROBE_SECONDS", 5.0, _seconds(0.1, 3600))  # to the first probe
    host_limit: int = _setting("SCHEDULER_HOST_LIMIT", 0, _whole(0, 1000))  # calls at once to a host; 0: no limit
    cleanup_days: int = _setting("SCHEDULER_CLEANUP_DAYS", 30, _whole(1, 3650))  # days the log is kept
    cleanup_failed_days: int = _setting("SCHEDULER_CLEANUP_FAILED_DAYS", 0, _whole(0, 3650))  # 0: cleanup_days
    audit_days: int = _setting("SCHEDULER_AUDIT_DAYS", 365, _whole(1, 36500))  # days the audit log is kept
    timezone: str = _setting("SCHEDULER_TIMEZONE", "UTC", _zone)  # default of jobs
    secrets_key: str = _setting("SECRETS_KEY", "", _keys, secret=True)  # one or more with commas; the first encrypts
    egress_deny: str = _setting("EGRESS_DENY", DENIED, _networks)  # addresses that calls must not go to
    egress_allow: str = _setting("EGRESS_ALLOW", "", _exceptions)  # addresses, networks and names that may be called
    egress_strict: bool = _setting("EGRESS_STRICT", False, _flag)  # deny private and loopback ranges too
    tenant_required: bool = _setting("TENANT_REQUIRED", False, _flag)  # refuse requests without X-Tenant-ID
    rate_limit: float = _setting("API_RATE_LIMIT", 0.0, _seconds(0, 100000))  # requests a second of a tenant; 0: any
    max_jobs: int = _setting("SCHEDULER_MAX_JOBS_PER_TENANT", 100000, _whole(1, 100000000))  # not deleted ones
    auth_required: bool = _setting("AUTH_REQUIRED", False, _flag)  # refuse requests without an API key
    log_level: str = _setting("LOG_LEVEL", "INFO", _log_level)  # as log.parse_level reads it
    log_format: str = _setting("LOG_FORMAT", "text", _log_format)
    tracing_enabled: bool = _setting("TRACING_ENABLED", False, _flag)
    otlp_endpoint: str = _setting("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", _http_url)
    traces_sampler: str = _setting("OTEL_TRACES_SAMPLER", "")  # a standard sampler's name; unset: see tracing.py

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Read the settings; an empty variable counts as unset.

        Raises:
            ConfigError: names every variable with a bad value and what was expected.
        """
        values: dict[str, Any] = {}
        faults: list[str] = []
        for item in fields(cls):
            raw = environ.get(item.metadata["name"], "")
            if not raw:
                continue
            try:
                values[item.name] = item.metadata["parse"](raw)
            except ValueError as error:
                shown = "(hidden)" if not item.repr else repr(raw)
                faults.append(f"{item.metadata['name']}={shown}: expected {error}")
        config = cls(**values)
        if config.failed_days < config.cleanup_days:
            faults.append(
                f"SCHEDULER_CLEANUP_FAILED_DAYS={config.failed_days}: "
                f"expected no fewer than SCHEDULER_CLEANUP_DAYS, which is {config.cleanup_days}"
            )
        if faults:
            raise ConfigError("\n".join(faults))
        return config

    def environment(self) -> dict[str, str]:
        """The variables that from_env() reads these settings from."""
        return {item.metadata["name"]: str(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def variables(cls) -> list[str]:
        """Names of all variables, in the order of the fields."""
        return [item.metadata["name"] for item in fields(cls)]

    @property
    def failed_days(self) -> int:
        """Days that failed and timed out executions are kept."""
        return self.cleanup_failed_days or self.cleanup_days

    @property
    def egress(self) -> Egress:
        """Which addresses calls may connect to."""
        return egress_of(self.egress_deny, self.egress_allow, strict=self.egress_strict)

    @property
    def secrets_keys(self) -> tuple[bytes, ...]:
        """The keys of SECRETS_KEY."""
        return parse_keys(self.secrets_key) if self.secrets_key else ()

    @property
    def database_conninfo(self) -> str:
        """The libpq connection string; holds the password, so it is never logged."""
        if self.database_url:
            return self.database_url
        return make_conninfo(
            host=self.postgres_host,
            port=self.postgres_port,
            user=self.postgres_user,
            password=self.postgres_password or None,
            dbname=self.postgres_db,
            sslmode=self.postgres_ssl_mode,
        )
