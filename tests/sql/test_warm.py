"""What a fresh session has done before it is lent."""

import pytest

from service import db
from service.warm import warm

NAMES = ("tick.next_due", "tick.due_jobs", "tick.materialize", "work.claimed_ranks", "work.claim", "work.finish")


@pytest.fixture
def prepared(config):
    pool = db.open_pool(config, "engine", size=1, warm=warm)
    with pool.connection() as conn:
        yield "\n".join(statement for (statement,) in conn.execute("SELECT statement FROM pg_prepared_statements"))
    pool.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_session_of_the_engine_has_run_each_statement_on_the_way_of_a_run(prepared, name):
    assert f"-- {name}\n" in prepared
