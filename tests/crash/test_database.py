"""A database that crashes, and sessions that freeze while they hold locks."""

import contextlib
import os
import signal
from datetime import timedelta

import psycopg
import pytest

from service import db
from service.lease import Lease
from service.ticker import Ticker
from tests.conftest import eventually
from tests.crash.harness import Endpoint, instances
from tests.crash.test_processes import assert_whole, create, settle
from tests.factories import NOON, Factory


@pytest.fixture
def endpoint():
    receiver = Endpoint()
    yield receiver
    receiver.close()


def reconnected(config):
    return psycopg.connect(config.database_conninfo, autocommit=True, row_factory=psycopg.rows.dict_row)


def test_a_ticker_frozen_within_its_transaction_loses_its_locks(config, make, engine_pool):
    job = make.job(next_run_at=NOON)
    frozen = db.connect(config, "engine")
    frozen.execute("BEGIN")
    frozen.execute("SELECT FROM jobs WHERE id = %s FOR NO KEY UPDATE", [job["id"]])
    ticker = Ticker(engine_pool, Lease(config, "other"), timedelta(days=10000), lambda: None)

    assert ticker.tick() == 0
    eventually(ticker.tick, 10)

    assert make.row("SELECT count(*) AS n FROM execution_queue WHERE job_id = %s", job["id"])["n"] > 0
    with pytest.raises(psycopg.Error) as gone:
        frozen.execute("COMMIT")
    assert db.is_unavailable(gone.value)
    frozen.close()


def test_a_crash_of_postgresql_loses_and_doubles_nothing(config, make, endpoint, tmp_path):
    # As in production. Without it a crash takes back commits that were answered, an outcome's too.
    make.conn.execute(f"ALTER DATABASE {make.conn.info.dbname} SET synchronous_commit = on")
    with instances(config, tmp_path, count=2) as running:
        for _ in range(20):
            create(running[0], endpoint, max_retries=3, retry_delay=0)
        eventually(lambda: len(endpoint.calls) > 40, 20)
        (backend, *_) = make.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'scheduler-engine'")
        os.kill(backend["pid"], signal.SIGKILL)  # the postmaster ends all sessions and recovers, as after a crash
        before = len(endpoint.calls)
        eventually(lambda: len(endpoint.calls) > before + 60, 40)
        with contextlib.closing(eventually(lambda: reconnected(config))) as conn:
            settle(Factory(conn))
            assert_whole(Factory(conn))
        assert [instance.process.poll() for instance in running] == [None, None]
