"""Settings as they are read from the environment."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from service.config import Config, ConfigError

BAD = {
    "SERVER_PORT": "65536",
    "SERVER_SHUTDOWN_TIMEOUT": "soon",
    "POSTGRES_PORT": "0",
    "POSTGRES_SSL_MODE": "maybe",
    "SCHEDULER_WORKER_COUNT": "-1",
    "SCHEDULER_MAX_RETRIES": "1.5",
    "SCHEDULER_HEARTBEAT_SECONDS": "nan",
    "SCHEDULER_MISFIRE_SECONDS": "inf",
    "SCHEDULER_TIMEZONE": "Mars/Olympus",
    "TENANT_REQUIRED": "perhaps",
    "LOG_LEVEL": "INFO,nonsense=DEBUG",
    "LOG_FORMAT": "xml",
    "TRUSTED_PROXIES": "10.0.0.1/8",
    "SERVER_DRAIN_DELAY": "301",
    "METRICS_PORT": "-1",
    "SCHEDULER_PROCESSES": "0",
    "SCHEDULER_CPU_AFFINITY": "core 3",
}


def test_every_bad_value_is_reported_by_name_in_one_go():
    with pytest.raises(ConfigError) as caught:
        Config.from_env(BAD)

    lines = str(caught.value).splitlines()
    assert sorted(BAD) == sorted(line.partition("=")[0] for line in lines)
    assert "SERVER_PORT='65536': expected a whole number from 0 to 65535" in lines


def test_failures_are_kept_as_long_as_the_rest_unless_told_longer_and_never_shorter():
    days = {"SCHEDULER_CLEANUP_DAYS": "40"}

    assert Config.from_env(days).failed_days == 40
    assert Config.from_env(days | {"SCHEDULER_CLEANUP_FAILED_DAYS": "90"}).failed_days == 90
    with pytest.raises(ConfigError, match=r"SCHEDULER_CLEANUP_FAILED_DAYS=39: expected no fewer than .* is 40"):
        Config.from_env(days | {"SCHEDULER_CLEANUP_FAILED_DAYS": "39"})


@pytest.mark.parametrize("zone", ["../etc/passwd", "America", "/etc/localtime", "\0"])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(ConfigError, match="SCHEDULER_TIMEZONE"):
        Config.from_env({"SCHEDULER_TIMEZONE": zone})


def test_a_bad_secret_is_reported_without_its_value():
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"DATABASE_URL": "hunter2 is no URL"})

    assert "DATABASE_URL=(hidden): expected a PostgreSQL URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_repr_hides_the_secrets():
    secrets = {name: f"postgres://u:{name}@h/d" for name in ("DATABASE_URL", "POSTGRES_PASSWORD", "REDIS_PASSWORD")}

    shown = repr(Config.from_env(secrets))

    assert "server_port=5003" in shown
    assert [name for name in secrets if name in shown] == []


def test_an_empty_variable_counts_as_unset():
    assert Config.from_env(dict.fromkeys(Config.variables(), "")) == Config()


def test_values_are_read_into_their_types():
    read = Config.from_env({"SERVER_PORT": "80", "TENANT_REQUIRED": "TRUE", "LOG_LEVEL": "debug"})

    assert (read.server_port, read.tenant_required, read.log_level) == (80, True, "DEBUG")


def test_settings_survive_being_made_an_environment():
    given = {
        "SERVER_PORT": "80",
        "TENANT_REQUIRED": "true",
        "SERVER_DRAIN_DELAY": "0.5",
        "DATABASE_URL": "postgres://h",
        "SECRETS_KEY": "A" * 43 + "=," + "B" * 42 + "A=",
    }

    assert Config.from_env(Config().environment()) == Config()
    assert Config.from_env(Config.from_env(given).environment()) == Config.from_env(given)


def test_parts_make_the_connection_string_whatever_they_hold():
    given = {"POSTGRES_HOST": "h", "POSTGRES_PASSWORD": "a b'\\@/", "POSTGRES_SSL_MODE": "require"}

    parts = conninfo_to_dict(Config.from_env(given).database_conninfo)

    assert (parts["host"], parts["password"], parts["sslmode"]) == ("h", "a b'\\@/", "require")


def test_database_url_wins_over_the_parts():
    given = {"DATABASE_URL": "postgres://u@h:1/d", "POSTGRES_HOST": "other"}

    assert Config.from_env(given).database_conninfo == given["DATABASE_URL"]


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_documents_name_every_variable(document):
    words = set(Path(document).read_text().replace("`", " ").replace("=", " ").split())

    assert [name for name in Config.variables() if name not in words] == []
