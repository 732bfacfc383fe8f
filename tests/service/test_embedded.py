"""The embedded servers: they start, keep their data, stand side by side, and outlive nobody."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from opentelemetry.sdk.trace import sampling

from service import embedded

RUN = """
import sys, time
from pathlib import Path
from service import embedded
with embedded.servers(Path(sys.argv[1]), durable=False) as servers:
    print(servers.database_url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not tmp_path, whose parents another pytest closes to the user that PostgreSQL runs as for root."""
    with embedded.scratch_folder() as folder:
        yield folder


@pytest.fixture
def other_run(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that holds servers in data_dir, and its database's URL."""
    command = (sys.executable, "-c", RUN, str(data_dir))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()
    with embedded.servers(data_dir, durable=False):
        pass  # ends what the killed one left


def test_both_servers_answer(data_dir: Path) -> None:
    with embedded.servers(data_dir, durable=False) as servers:
        with psycopg.connect(servers.database_url) as conn:
            row = conn.execute("SELECT current_user, current_database()").fetchone()
        with redis.Redis(host=servers.redis_host, port=servers.redis_port) as client:
            answer = client.ping()

    assert row == ("scheduler", "scheduler")
    assert answer is True


@pytest.mark.parametrize(("needed", "where"), [(0, "memory"), (1 << 60, "temporary")])
def test_scratch_data_is_in_memory_where_that_has_room(
    needed: int, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("memory", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(embedded, "MEMORY", tmp_path / "memory")
    monkeypatch.setattr(embedded, "MEMORY_BYTES", needed)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    with embedded.scratch_folder() as folder:
        assert folder.parent == tmp_path / where

    assert not folder.exists()


def test_a_system_without_a_folder_in_memory_has_scratch_data_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MEMORY", tmp_path / "missing")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with embedded.scratch_folder() as folder:
        assert folder.parent == tmp_path


def test_data_survives_a_restart(data_dir: Path) -> None:
    with (
        embedded.servers(data_dir, durable=False) as servers,
        psycopg.connect(servers.database_url, autocommit=True) as conn,
    ):
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    with embedded.servers(data_dir, durable=False) as servers, psycopg.connect(servers.database_url) as conn:
        row = conn.execute("SELECT answer FROM kept").fetchone()

    assert row == (42,)


def test_two_folders_have_servers_side_by_side(data_dir: Path) -> None:
    with (
        embedded.servers(data_dir / "a", durable=False) as a,
        embedded.servers(data_dir / "b", durable=False) as b,
    ):
        assert a.database_url != b.database_url
        assert a.redis_port != b.redis_port


def test_a_long_path_is_no_obstacle(data_dir: Path) -> None:
    deep = data_dir / ("d" * 100) / ("e" * 100)

    with embedded.servers(deep, durable=False) as servers, psycopg.connect(servers.database_url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_belongs_to_one_run(data_dir: Path, other_run: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = other_run

    with (
        pytest.raises(embedded.EmbeddedError, match=f"in use by process {process.pid}"),
        embedded.servers(data_dir),
    ):
        pass


def test_what_a_killed_run_left_is_taken_over(data_dir: Path, other_run: tuple[subprocess.Popen[str], str]) -> None:
    process, old_url = other_run
    with psycopg.connect(old_url, autocommit=True) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    process.kill()
    process.wait()

    with embedded.servers(data_dir, durable=False) as servers, psycopg.connect(servers.database_url) as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert old_url != servers.database_url
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(old_url)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_process_behind(
    number: signal.Signals, other_run: tuple[subprocess.Popen[str], str]
) -> None:
    process, _ = other_run
    children = psutil.Process(process.pid).children(recursive=True)

    os.killpg(process.pid, number)
    process.wait(timeout=30)

    assert len(children) > 2
    assert [child for child in children if child.is_running()] == []


def test_a_named_database_keeps_the_servers_off() -> None:
    with embedded.home_environment({"POSTGRES_HOST": "db.example"}) as environ:
        assert environ["POSTGRES_HOST"] == "db.example"
        assert "DATABASE_URL" not in environ


def test_what_only_the_env_file_says_of_tracing_reaches_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OTEL_TRACES_SAMPLER=always_off\nOTEL_SERVICE_NAME=file\n")
    given = {"POSTGRES_HOST": "db.example", "OTEL_SERVICE_NAME": "given"}
    monkeypatch.setattr(os, "environ", given)

    with embedded.home_environment(given) as settings:
        embedded.for_libraries(settings, given)

    assert (sampling._get_from_env_or_default(), given["OTEL_SERVICE_NAME"]) == (sampling.ALWAYS_OFF, "given")


def test_a_run_at_home_gets_servers(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data_dir)

    with embedded.home_environment({"HOME": "/"}) as environ:
        url = environ["DATABASE_URL"]
        psycopg.connect(url).close()

    assert environ["HOME"] == "/"
    assert environ["SECRETS_KEY"] == (data_dir / ".data" / "secrets.key").read_text()
    assert f"{url}\n" == (data_dir / ".data" / "database_url").read_text()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
