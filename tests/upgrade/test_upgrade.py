"""From the release before to this one, under traffic: the migrations run beside the old code, then the new takes over.

release-1.0.0.tar.xz holds service/ and sql/ of that release, so that the test needs no history of the repository. When
a release is cut, it takes the place of the archive: git archive <tag> service sql | xz -9e
"""

import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from service import migrate
from service.config import Config
from tests.conftest import ROOT, eventually
from tests.crash.harness import Endpoint, Instance
from tests.upgrade.traffic import TENANT, Traffic

HERE = Path(__file__).parent
PLAIN = ("--no-dump-schema", "--migrations-dir", "sql/migrations", "up")
ARCHIVE = HERE / "release-1.0.0.tar.xz"


@pytest.fixture(scope="session")
def old_release(tmp_path_factory) -> Path:
    """The folder of the release before."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def old(cluster, config, old_release):
    """Settings of a service whose database is of the release before."""
    where = {"host": cluster.host, "port": cluster.port, "user": cluster.user}
    with psycopg.connect(make_conninfo(**where, dbname="postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE upgraded")
        url = f"postgres://{cluster.user}@{cluster.host}:{cluster.port}/upgraded?sslmode=disable"
        settings = replace(config, database_url=url)
        migrate_with(old_release, settings)
        yield settings
        admin.execute("DROP DATABASE upgraded WITH (FORCE)")


@pytest.fixture
def session(old: Config):
    """The owner's session in that database."""
    with psycopg.connect(old.database_url, autocommit=True, row_factory=dict_row) as conn:
        yield conn


@pytest.fixture
def endpoint():
    receiver = Endpoint()
    yield receiver
    receiver.close()


def migrate_with(tree: Path, settings: Config) -> None:
    """Run the migrations of a tree of the code, as a deployment does."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "migrate"],
        cwd=tree,
        env={"DATABASE_URL": settings.database_url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def dbmate_up(settings: Config) -> None:
    """Run the migrations of this tree with nothing but dbmate."""
    subprocess.run(
        (Path(sys.executable).with_name("dbmate"), "--url", settings.database_url, *PLAIN),
        cwd=ROOT,
        capture_output=True,
        check=True,
    )


def service_up(settings: Config) -> None:
    """Run the migrations of this tree with `python -m service migrate`."""
    migrate_with(ROOT, settings)


def empty(settings: Config) -> None:
    """Put the database back to where it holds nothing."""
    with psycopg.connect(settings.database_url, dbname="postgres", autocommit=True) as admin:
        admin.execute("DROP DATABASE upgraded")
        admin.execute("CREATE DATABASE upgraded")


@pytest.mark.parametrize("up", [dbmate_up, service_up])
@pytest.mark.parametrize("begin", [empty, lambda settings: None], ids=["empty", "older"])
def test_every_way_up_ends_at_the_same_schema(old, servers, begin, up, tmp_path):
    begin(old)

    up(old)

    migrate.dump_schema(old.database_url, tmp_path / "schema.sql", servers.postgres_bin)
    assert (ROOT / "schema.sql").read_text() == (tmp_path / "schema.sql").read_text()


def fill(session, endpoint):
    session.execute("SELECT set_config('upgrade.endpoint', %s, FALSE)", [endpoint.url])
    session.execute((HERE / "data.sql").read_text())


def untouched(session):
    """What the release before wrote about jobs and runs that have ended, in its own columns."""
    past = "WHERE finished_at < date_trunc('day', now()) + interval '1 min' AND tenant_id LIKE 'old-%'"
    log = session.execute(
        "SELECT id, job_id, tenant_id, scheduled_at, created_at, started_at, finished_at, skipped_until, duration_ms, "
        "attempt, job_version, skipped_count, response_status, priority, response_truncated, status, origin, "
        f"error_code, error, response_body, trace_id, attempts FROM execution_log {past} ORDER BY id"
    ).fetchall()
    jobs = session.execute(
        "SELECT id, tenant_id, name, description, type, schedule, timezone, anchor_at, endpoint, method, headers, "
        "payload, timeout_seconds, max_retries, retry_delay_seconds, priority, tags, metadata, status, start_at, "
        "end_at, max_runs, runs, jitter_seconds, misfire_policy, misfire_limit, start_deadline_seconds, "
        "overlap_policy, retry_backoff, retry_max_delay_seconds, retry_on, paused_at, version, created_at "
        "FROM jobs WHERE tenant_id LIKE 'old-%' ORDER BY id"
    ).fetchall()
    return log, jobs


def settle(session):
    """Stop what is due, let go of nothing else, and wait until all that can end has ended."""
    session.execute("UPDATE jobs SET status = 'completed', next_run_at = NULL WHERE status = 'active'")
    eventually(lambda: session.execute("SELECT FROM execution_queue WHERE status <> 'held'").fetchall() == [], 60)


def start(config, folder, tree, count=2):
    running = [Instance(config, folder, tree=tree, LOG_LEVEL="WARNING") for _ in range(count)]
    for instance in running:
        eventually(instance.ready, 60)
    return running


def counted(session, where="TRUE"):
    """Finished executions by outcome, as log, history and totals count them."""
    columns = ("completed", "failed", "timeout", "cancelled", "skipped")
    log = Counter(row["status"] for row in session.execute(f"SELECT status FROM execution_log WHERE {where}"))
    sums = [
        session.execute("SELECT " + ", ".join(f"sum({c})::int AS {c}" for c in columns) + f" FROM {table}").fetchone()
        for table in ("job_history", "job_totals")
    ]
    return [{column: log[column] for column in columns}, *sums]


def test_old_code_serves_through_the_migrations_and_new_code_takes_over(old, old_release, session, endpoint, tmp_path):
    fill(session, endpoint)
    before = untouched(session)
    running = start(old, tmp_path, old_release)
    targets = list(running)
    traffic = Traffic(targets, endpoint.url)
    try:
        with traffic.flowing():
            traffic.goes_on()
            migrate_with(ROOT, old)
            traffic.goes_on()  # the old code on the new schema
            running += start(old, tmp_path, ROOT)
            targets[:] = running
            traffic.goes_on()  # both
            targets[:] = running[2:]
            assert [instance.end() for instance in running[:2]] == [0, 0]
            traffic.goes_on()  # the new alone
        settle(session)
    finally:
        for instance in running:
            instance.kill()
    assert traffic.refused == []
    assert_no_run_is_lost_or_doubled(session, endpoint, traffic)
    assert before == untouched(session)
    assert migrate.expected_version() == session.execute("SELECT max(version) FROM schema_migrations").fetchone()["max"]


def test_an_old_engine_makes_up_for_no_hour_of_a_job_that_psql_resumes(old, old_release, session, endpoint, tmp_path):
    fill(session, endpoint)
    migrate_with(ROOT, old)
    (job,) = session.execute("SELECT id FROM jobs WHERE tenant_id = 'steady' LIMIT 1").fetchone().values()
    session.execute("SELECT ops.pause(%s)", [job])
    session.execute("UPDATE jobs SET next_instant_at = now() - interval '1 hour', schedule = '30' WHERE id = %s", [job])
    session.execute("SELECT ops.resume(%s)", [job])
    since = session.execute("SELECT now() AS at").fetchone()["at"]

    running = Instance(old, tmp_path, "engine", tree=old_release, LOG_LEVEL="WARNING")
    planned = "SELECT FROM jobs WHERE id = %s AND next_run_at > now() AND next_instant_at = next_run_at"
    try:
        eventually(lambda: session.execute(planned, [job]).fetchall())
    finally:
        running.kill()

    made = session.execute("SELECT FROM executions WHERE job_id = %s AND created_at > %s", [job, since]).fetchall()
    assert len(made) <= 2  # that of the resume, and perhaps one whose time has come since


def assert_no_run_is_lost_or_doubled(session, endpoint, traffic):
    """Each instant once in the log, each promised run in the log, each run called once, and every count agrees."""
    grids = session.execute(
        "SELECT job_id, count(*) AS rows, count(DISTINCT scheduled_at) AS instants, "
        "extract(EPOCH FROM max(scheduled_at) - min(scheduled_at))::int + 1 AS wanted "
        "FROM execution_log WHERE tenant_id = 'steady' AND status = 'completed' GROUP BY job_id"
    ).fetchall()
    assert len(grids) == 20
    assert [grid for grid in grids if not grid["rows"] == grid["instants"] == grid["wanted"]] == []
    kept = {str(row["id"]) for row in session.execute("SELECT id FROM execution_log WHERE tenant_id = %s", [TENANT])}
    assert kept == set(traffic.triggered)
    calls = Counter(call["idempotency-key"] for call in endpoint.calls)
    assert {run: count for run, count in calls.items() if count > 1} == {}
    log, history, totals = counted(session)
    assert log == history == totals
    live = session.execute("SELECT status, count(*) FROM execution_queue GROUP BY status").fetchall()
    assert live == [{"status": "held", "count": 10}]
