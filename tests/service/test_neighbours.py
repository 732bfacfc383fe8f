"""Noisy neighbours: what one tenant does to a whole engine, as another one feels it."""

import pytest

from service import db, jobs
from service.engine import Engine
from tests.conftest import eventually
from tests.service.receiver import OK, answering, hanging, receiver  # noqa: F401 - a fixture

FLOOD = """
INSERT INTO execution_queue (id, job_id, tenant_id, scheduled_at, priority, rank)
SELECT
    execution_id_at(now(), gen_random_uuid()), j.id, j.tenant_id, now() - n * interval '1 ms', j.priority,
    last_rank(j.tenant_id, j.priority) + n
FROM jobs AS j, generate_series(1, 10000) AS n
WHERE j.id = %s
"""


@pytest.fixture
def engine(config):
    """An engine of four slots."""
    running = Engine(config, lambda: None)
    running.start()
    yield running
    running.drain()


@pytest.fixture
def flood(make, receiver):  # noqa: F811 - a fixture
    """Ten thousand executions of tenant t1 to an endpoint that hangs."""

    def send(**job):
        noisy = make.job(endpoint=f"http://127.0.0.1:{receiver(hanging).port}/", timeout_seconds=60, **job)
        make.conn.execute(FLOOD, [noisy["id"]])

    return send


@pytest.fixture
def quick(make, receiver, api_pool):  # noqa: F811 - a fixture
    """Triggers a job of tenant t2 to an endpoint that answers; gives how long its call took to begin, in seconds."""
    job = make.job(endpoint=f"http://127.0.0.1:{receiver(answering(OK)).port}/", tenant_id="t2")

    def run():
        with db.transaction(api_pool, tenant="t2") as conn:
            execution = jobs.trigger(conn, "t2", job["id"])
        (row,) = eventually(
            lambda: make.rows(
                "SELECT extract(epoch FROM started_at - scheduled_at) AS lag FROM execution_log WHERE id = %s",
                execution.id,
            )
        )
        return row["lag"]

    return run


@pytest.mark.parametrize("priority", [5, 10])
def test_a_flood_to_an_endpoint_that_hangs_delays_another_tenant_by_less_than_a_second(
    make, flood, quick, engine, priority
):
    flood(priority=priority)
    eventually(lambda: engine._dispatcher.busy >= 3)

    lags = [quick() for _ in range(5)]

    assert max(lags) < 1
    assert make.row("SELECT count(*) FROM execution_log WHERE tenant_id = 't1'")["count"] == 0


def test_a_flood_leaves_slots_to_other_tenants_even_when_none_is_there_yet(flood, engine, make):
    flood()

    eventually(lambda: engine._dispatcher.busy >= 3)

    rows = make.rows("SELECT tenant_id FROM execution_queue WHERE status = 'running'")
    assert len(rows) == 3
