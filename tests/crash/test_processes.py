"""Instances that are killed, frozen, drained or cut off while they work: nothing is lost, nothing counted twice."""

import signal
from datetime import timedelta

import psycopg
import pytest
import redis

from tests.conftest import eventually
from tests.crash.harness import Endpoint, instances


@pytest.fixture
def endpoint():
    receiver = Endpoint()
    yield receiver
    receiver.close()


def create(instance, endpoint, **fields):
    body = {"name": "job", "type": "interval", "schedule": "1", "endpoint": endpoint.url} | fields
    status, answer, _ = instance.request("POST", "/api/v1/jobs", body)
    assert status == 201, answer
    return answer["data"]["id"]


def once(instance, endpoint, **fields):
    return create(instance, endpoint, type="one_time", schedule="2026-01-01T00:00:00Z", **fields)


def holder(make, config):
    """Process id of the instance that holds the lease."""
    token = redis.Redis(host=config.redis_host, port=config.redis_port).get("scheduler:ticker")
    rows = make.rows("SELECT pid FROM workers WHERE id = %s", (token or b":").decode().partition(":")[0] or None)
    return rows[0]["pid"] if rows else None


def settle(make):
    """Stop everything that is due and wait until what was due has ended."""
    make.conn.execute("UPDATE jobs SET status = 'completed', next_run_at = NULL WHERE status = 'active'")
    eventually(lambda: make.rows("SELECT count(*) AS n FROM execution_queue")[0]["n"] == 0, 30)


def assert_whole(make):
    """Every instant of every job's grid is in the log exactly once, and history and totals agree with the log."""
    grids = make.rows(
        "SELECT job_id, count(*) AS rows, count(DISTINCT scheduled_at) AS instants, "
        "extract(EPOCH FROM max(scheduled_at) - min(scheduled_at))::int + 1 AS wanted "
        "FROM execution_log GROUP BY job_id"
    )
    assert [grid for grid in grids if not grid["rows"] == grid["instants"] == grid["wanted"]] == []
    in_log = make.row(
        "SELECT count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE status = 'failed') "
        "AS failed, count(*) AS total FROM execution_log"
    )
    for table in ("job_history", "job_totals"):
        counted = make.row(
            f"SELECT sum(completed) AS completed, sum(failed) AS failed, "
            f"sum(completed + failed + timeout + cancelled + skipped) AS total FROM {table}"
        )
        assert in_log == counted


def test_killing_the_ticker_and_a_busy_worker_loses_and_doubles_nothing(config, make, endpoint, tmp_path):
    with instances(config, tmp_path, count=2) as running:
        for _ in range(40):
            create(running[0], endpoint, max_retries=2, retry_delay=0)
        eventually(lambda: len(endpoint.calls) > 80, 20)
        leader = eventually(lambda: holder(make, config))
        victim = next(instance for instance in running if instance.pid == leader)
        victim.send(signal.SIGKILL)
        killed = len(endpoint.calls)
        eventually(lambda: len(endpoint.calls) > killed + 240, 30)
        settle(make)
    assert_whole(make)
    late = make.row("SELECT max(created_at - scheduled_at) AS late FROM execution_log")["late"]
    assert late < timedelta(seconds=5)  # two seconds until it shows, and a slow machine


def test_calls_of_a_killed_worker_are_made_again_with_the_same_id(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instances(config, tmp_path, count=1) as running:
        once(running[0], endpoint, max_retries=0)
        eventually(lambda: endpoint.calls)
        running[0].send(signal.SIGKILL)
        running[0].process.wait()
        endpoint.free.set()
        with instances(config, tmp_path, count=1):
            eventually(lambda: make.rows("SELECT FROM execution_log"), 20)
    row = make.row("SELECT * FROM execution_log")
    assert (row["status"], row["attempt"]) == ("completed", 2)
    assert [attempt["error_code"] for attempt in row["attempts"]] == ["worker_lost", None]
    assert [("1", str(row["id"])), ("2", str(row["id"]))] == [
        (call["x-scheduler-attempt"], call["idempotency-key"]) for call in endpoint.calls
    ]
    assert make.row("SELECT completed FROM job_totals")["completed"] == 1


def test_a_frozen_worker_that_thaws_records_nothing(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instances(config, tmp_path, count=1) as frozen:
        once(frozen[0], endpoint, max_retries=3)
        eventually(lambda: endpoint.calls)
        frozen[0].send(signal.SIGSTOP)
        with instances(config, tmp_path, count=1):
            eventually(lambda: len(endpoint.calls) == 2, 20)
            endpoint.free.set()
            eventually(lambda: make.rows("SELECT FROM execution_log"), 20)
            frozen[0].send(signal.SIGCONT)
            eventually(lambda: make.row("SELECT count(*) AS n FROM workers")["n"] == 2, 20)
    row = make.row("SELECT * FROM execution_log")
    assert (
        row["status"],
        row["attempt"],
        make.row("SELECT completed FROM job_totals")["completed"],
    ) == ("completed", 2, 1)


def test_sigterm_turns_ready_to_503_lets_calls_finish_and_exits_clean(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instances(config, tmp_path, SERVER_SHUTDOWN_TIMEOUT="15") as (instance,):
        once(instance, endpoint)
        eventually(lambda: endpoint.calls)
        instance.send(signal.SIGTERM)
        eventually(lambda: instance.request("GET", "/ready")[0] == 503)
        endpoint.free.set()
        assert instance.process.wait(20) == 0
    assert make.row("SELECT status FROM execution_log")["status"] == "completed"
    assert make.rows("SELECT FROM workers") == []


def test_what_a_drain_cannot_finish_goes_back_unspent(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instances(config, tmp_path, SERVER_SHUTDOWN_TIMEOUT="1") as (instance,):
        once(instance, endpoint, max_retries=0)
        eventually(lambda: endpoint.calls)
        assert instance.end() == 0
    row = make.row("SELECT * FROM execution_queue")
    assert (row["status"], row["attempt"], row["worker_id"]) == ("pending", 0, None)


def test_cancelling_through_one_instance_stops_the_call_of_another(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instances(config, tmp_path, role="engine"), instances(config, tmp_path, role="api") as (api,):
        once(api, endpoint, timeout=60)
        eventually(lambda: endpoint.calls, 20)
        execution = make.row("SELECT id FROM execution_queue")["id"]
        status, answer, _ = api.request("POST", f"/api/v1/executions/{execution}/cancel")
        assert (status, answer["data"]["status"]) == (200, "cancelled")
        eventually(lambda: make.row("SELECT busy FROM workers")["busy"] == 0, 5)
        assert api.request("POST", f"/api/v1/executions/{execution}/cancel")[0] == 409


def test_a_lost_database_is_503_meanwhile_and_nothing_is_lost(config, make, endpoint, tmp_path, cluster):
    name = make.conn.info.dbname
    with instances(config, tmp_path) as (instance,):
        for _ in range(5):
            create(instance, endpoint, max_retries=3, retry_delay=0)
        eventually(lambda: len(endpoint.calls) > 10, 20)
        with psycopg.connect(
            host=cluster.host, port=cluster.port, user=cluster.user, dbname="postgres", autocommit=True
        ) as admin:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE "
                "'scheduler-%%'",
                [name],
            )
            status, answer, headers = instance.request("GET", "/api/v1/jobs")
            assert (status, answer["success"], "Retry-After" in headers) == (503, False, True)
            assert instance.request("GET", "/ready")[0] == 503
            assert instance.request("GET", "/live")[0] == 200
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        before = len(endpoint.calls)
        eventually(lambda: len(endpoint.calls) > before + 15, 30)
        settle(make)
        assert instance.process.poll() is None
    assert_whole(make)


def test_without_redis_every_instance_may_tick_and_no_run_doubles(config, make, endpoint, tmp_path):
    with instances(config, tmp_path, count=2, REDIS_PORT="1") as running:
        for _ in range(20):
            create(running[1], endpoint)
        eventually(lambda: len(endpoint.calls) > 60, 30)
        health = running[0].request("GET", "/health")
        settle(make)
    assert (health[0], health[1]["status"]) == (200, "degraded")
    assert_whole(make)


def test_a_thousand_jobs_at_one_instant_all_complete(config, make, endpoint, tmp_path):
    with instances(config, tmp_path, SCHEDULER_WORKER_COUNT="50", LOG_LEVEL="WARNING"):
        make.conn.execute(
            "INSERT INTO jobs (tenant_id, name, type, schedule, timezone, endpoint, method, timeout_seconds, "
            "max_retries, retry_delay_seconds, priority, next_run_at) SELECT 't1', 'n', 'one_time', "
            "'2026-01-01T00:00:00Z', 'UTC', %s, 'POST', 30, 3, 1, 5, now() + interval '1 s' "
            "FROM generate_series(1, 1000)",
            [endpoint.url],
        )
        eventually(lambda: make.row("SELECT sum(completed) AS n FROM job_totals")["n"] == 1000, 60)
        eventually(lambda: make.row("SELECT count(*) AS n FROM jobs WHERE status = 'completed'")["n"] == 1000, 20)
    assert 1000 == len({call["idempotency-key"] for call in endpoint.calls}) == len(endpoint.calls)


def test_a_second_signal_ends_at_once(config, make, endpoint, tmp_path):
    endpoint.free.clear()
    with instances(config, tmp_path, SERVER_SHUTDOWN_TIMEOUT="60") as (instance,):
        once(instance, endpoint)
        eventually(lambda: endpoint.calls)
        instance.send(signal.SIGTERM)
        eventually(lambda: instance.request("GET", "/ready")[0] == 503)
        eventually(lambda: instance.send(signal.SIGTERM) or instance.process.poll() is not None)
        assert instance.process.poll() != 0  # long before the minute that the drain may take
