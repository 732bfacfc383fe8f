"""Pause, resume and cancel in psql: the rules of the API, its races, and what the tick makes of a resumed job."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from service import claims, db, executions, jobs, upkeep
from service.executions import Ended
from service.lease import Lease
from service.ticker import Ticker
from service.vault import Vault
from tests.conftest import eventually
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
STATES = ("pending", "running", "retrying", "held")


@pytest.fixture
def ops(config):
    """A session of whoever is on call."""
    with psycopg.connect(config.database_conninfo, autocommit=True, row_factory=dict_row) as session:
        session.execute("SET ROLE scheduler_ops")
        yield session


@pytest.fixture
def ticker(engine_pool, config):
    return Ticker(engine_pool, Lease(config, "w"), MINUTE, lambda: None)


def call(session, text, *parameters):
    return session.execute(f"SELECT {text} AS result", parameters).fetchone()["result"]


def every_minute(make, **given):
    """A job that runs every minute, and has not since NOON of a day long past."""
    job = {"schedule": "60", "anchor_at": NOON - MINUTE, "next_run_at": NOON, "next_instant_at": NOON}
    return make.job(**(job | given))


def paused(make, ops, **given):
    job = every_minute(make, **given)
    call(ops, "ops.pause(%s)", job["id"])
    return job


def live(make, job, status):
    if status == "running":
        return make.running(make.worker(), job)
    return make.execution(job, status=status, retry_at=NOON if status == "retrying" else None)


def row_of(make, job):
    return make.row("SELECT * FROM jobs WHERE id = %s", job["id"])


def rows_of(make, job):
    return make.rows("SELECT id FROM execution_queue WHERE job_id = %s ORDER BY id", job["id"])


def audited(make):
    return [
        (row["action"], row["actor"]) for row in make.rows("SELECT action, actor FROM audit_log ORDER BY at") if row
    ]


def test_pause_holds_what_waits_and_keeps_what_it_swallows(make, ops):
    job = every_minute(make)
    made = {status: live(make, job, status)["id"] for status in STATES}

    count = call(ops, "ops.pause(%s)", job["id"])

    after = row_of(make, job)
    states = {row["id"]: row["status"] for row in make.rows("SELECT id, status FROM execution_queue")}
    assert (count, after["status"], after["next_run_at"], after["next_instant_at"]) == (1, "paused", None, NOON)
    assert [states[made[status]] for status in STATES] == ["held", "running", "held", "held"]
    assert audited(make)[-1] == ("job.pause", f"role:{ops.info.user}")


def test_either_way_of_pause_and_resume_leaves_the_same(make, ops, conn, ticker):
    ours, apis = every_minute(make), every_minute(make)
    [live(make, job, status) for job in (ours, apis) for status in STATES]

    call(ops, "ops.pause(%s)", ours["id"]), jobs.pause(conn, "t1", apis["id"])
    call(ops, "ops.resume(%s)", ours["id"]), jobs.resume(conn, "t1", apis["id"])
    ticker.tick()

    columns = "status, paused_at, next_run_at, next_instant_at, runs, version"
    assert len(make.rows(f"SELECT DISTINCT {columns} FROM jobs")) == 1
    for table in ("execution_queue", "execution_log"):
        states = make.rows(f"SELECT job_id, array_agg(status ORDER BY status) AS s FROM {table} GROUP BY job_id")
        assert [len(states), states[0]["s"]] == [2, states[1]["s"]]
    assert [action for action, _ in audited(make)[-4:]] == ["job.pause"] * 2 + ["job.resume"] * 2


def test_the_tick_plans_a_resumed_job_from_now_without_making_up(make, ops, ticker):
    job = paused(make, ops)

    call(ops, "ops.resume(%s)", job["id"])
    ticker.tick()

    after, skip = row_of(make, job), make.row("SELECT * FROM execution_log")
    assert make.rows("SELECT FROM execution_queue") == []
    assert (skip["status"], skip["error_code"], skip["scheduled_at"]) == ("skipped", "paused", NOON)
    assert after["next_run_at"] == after["next_instant_at"] == skip["skipped_until"] + MINUTE
    assert after["next_run_at"] > after["updated_at"]


def test_what_came_due_after_the_resume_runs_though_the_tick_is_late(make, ops, conn, ticker):
    job = paused(make, ops)
    call(ops, "ops.resume(%s)", job["id"])
    conn.execute("UPDATE jobs SET next_run_at = %s", [NOON + MINUTE / 2])  # nobody has ticked for long

    ticker.tick(now=NOON + 3 * MINUTE), ticker.tick(now=NOON + 3 * MINUTE)

    skips = "SELECT scheduled_at, skipped_until FROM execution_log WHERE error_code = 'paused'"
    assert make.row(skips) == {"scheduled_at": NOON, "skipped_until": NOON}
    ran = make.row("SELECT scheduled_at FROM execution_queue")["scheduled_at"]  # one, as misfire_policy says
    assert ran == NOON + 3 * MINUTE
    assert row_of(make, job)["next_run_at"] == NOON + 4 * MINUTE


def test_a_pause_that_swallowed_nothing_leaves_no_trace(make, ops, ticker):
    coming = make.row("SELECT date_trunc('minute', now()) + interval '10 min' AS at")["at"]
    job = paused(make, ops, schedule="600", anchor_at=coming - 10 * MINUTE, next_run_at=coming, next_instant_at=coming)

    call(ops, "ops.resume(%s)", job["id"])
    ticker.tick()

    assert (row_of(make, job)["next_run_at"], make.rows("SELECT FROM executions")) == (coming, [])


def test_resuming_twice_is_resuming_once(make, ops, ticker):
    job = paused(make, ops)

    counts = [call(ops, "ops.resume(%s)", job["id"]) for _ in "12"]
    ticker.tick(), ticker.tick()
    counts.append(call(ops, "ops.resume(%s)", job["id"]))

    assert counts == [1, 0, 0]
    assert [action for action, _ in audited(make)][-2:] == ["job.pause", "job.resume"]
    assert len(make.rows("SELECT FROM execution_log")) == 1


def test_what_was_held_goes_on_at_once_behind_its_tenants_line(make, ops):
    job = paused(make, ops)
    held = [live(make, job, "held")["id"] for _ in "12"]
    make.execution(make.job(), rank=7)

    call(ops, "ops.resume(%s)", job["id"])

    rows = make.rows("SELECT id, status, rank FROM execution_queue WHERE job_id = %s ORDER BY rank", job["id"])
    assert {row["id"] for row in rows} == set(held)
    assert [(row["status"], row["rank"]) for row in rows] == [("pending", 8), ("pending", 9)]


@pytest.mark.parametrize("has_run", [False, True])
def test_a_resumed_one_time_job_runs_unless_it_has(make, ops, ticker, engine_pool, has_run):
    at = {"schedule": NOON.isoformat(), "anchor_at": NOON - MINUTE, "next_run_at": NOON, "next_instant_at": NOON}
    job = make.job(type="one_time", **(at | dict.fromkeys(("next_run_at", "next_instant_at")) if has_run else at))
    if has_run:
        make.logged(job, "completed", scheduled_at=NOON)
    call(ops, "ops.pause(%s)", job["id"])

    call(ops, "ops.resume(%s)", job["id"])
    ticker.tick(), ticker.tick(), upkeep.settle(engine_pool)

    assert len(make.rows("SELECT FROM execution_queue")) == (0 if has_run else 1)
    assert row_of(make, job)["status"] == ("completed" if has_run else "active")


@pytest.mark.parametrize("ended", [{"max_runs": 3, "runs": 3}, {"end_at": NOON}])
def test_a_resumed_job_with_no_run_left_is_completed(make, ops, ticker, engine_pool, ended):
    job = paused(make, ops, next_run_at=None, next_instant_at=None, **ended)

    call(ops, "ops.resume(%s)", job["id"])
    ticker.tick(), upkeep.settle(engine_pool)

    assert row_of(make, job)["status"] == "completed"


def test_a_pause_before_the_tick_goes_on_where_the_first_one_began(make, ops, ticker):
    job = paused(make, ops)

    call(ops, "ops.resume(%s)", job["id"]), call(ops, "ops.pause(%s)", job["id"])

    after = row_of(make, job)
    assert (after["status"], after["next_instant_at"], after["resumed_from"]) == ("paused", NOON, None)
    assert ticker.tick() == 0


@pytest.mark.parametrize("changes", [{"priority": 7}, {"schedule": "120"}, {"max_runs": 5}])
def test_an_edit_before_the_tick_plans_the_job_and_makes_nothing_up(make, ops, conn, ticker, changes):
    job = paused(make, ops)
    call(ops, "ops.resume(%s)", job["id"])

    edited = jobs.update(conn, "t1", job["id"], changes, MINUTE, Vault(()))
    ticker.tick()

    assert edited.next_run_at > edited.updated_at
    assert [row["error_code"] for row in make.rows("SELECT error_code FROM executions")] == ["paused"]


def test_a_resumed_job_that_is_deleted_before_the_tick_stays_so(make, ops, conn, ticker):
    job = paused(make, ops)
    call(ops, "ops.resume(%s)", job["id"])

    jobs.delete(conn, "t1", job["id"])

    assert (ticker.tick(), row_of(make, job)["status"], make.rows("SELECT FROM execution_queue")) == (0, "deleted", [])


def test_a_schedule_that_cannot_be_read_is_planned_once_it_can(make, ops, conn, ticker):
    job = paused(make, ops, type="cron", schedule="* * * * *", timezone="Nowhere/Lost")
    call(ops, "ops.resume(%s)", job["id"])

    ticker.tick()
    put_off = row_of(make, job)
    conn.execute("UPDATE jobs SET timezone = 'UTC', next_run_at = now()")
    ticker.tick()

    assert put_off["next_run_at"] > put_off["updated_at"] + MINUTE
    assert [row["error_code"] for row in make.rows("SELECT error_code FROM executions")] == ["paused"]


def test_two_tickers_plan_a_resumed_job_once(make, ops, ticker):
    many = [paused(make, ops) for _ in range(20)]
    call(ops, "ops.resume(tenant => 't1')")

    with ThreadPoolExecutor() as threads:
        ticked = sum(threads.map(lambda _: ticker.tick(), range(4)))

    assert ticked == len(many)
    assert len(make.rows("SELECT FROM execution_log")) == len(many)
    assert make.rows("SELECT FROM jobs WHERE next_run_at <= now()") == []


def test_a_tenant_is_paused_and_resumed_as_a_whole(make, ops):
    (
        [every_minute(make) for _ in "123"],
        every_minute(make, tenant_id="t2"),
        every_minute(make, status="completed", next_run_at=None),
    )

    counts = [call(ops, f"ops.{act}(tenant => 't1')") for act in ("pause", "pause", "resume")]

    assert counts == [3, 0, 3]
    assert len(make.rows("SELECT FROM audit_log WHERE action = 'job.pause' AND tenant_id = 't1'")) == 3


def test_resume_since_leaves_what_was_paused_before(make, ops):
    paused(make, ops)
    since = make.row("SELECT now() AS at")["at"]
    flooding = paused(make, ops)

    assert call(ops, "ops.resume(tenant => 't1', since => %s)", since) == 1

    assert [row["id"] for row in make.rows("SELECT id FROM jobs WHERE status = 'active'")] == [flooding["id"]]


def test_resume_since_is_not_for_one_job(make, ops):
    job = paused(make, ops)

    with pytest.raises(psycopg.errors.InvalidParameterValue, match="since goes with a tenant"):
        call(ops, "ops.resume(%s, since => now() + interval '1 hour')", job["id"])

    assert row_of(make, job)["status"] == "paused"


def test_jobs_of_a_name_are_paused_where_a_deleted_one_had_it_too(make, ops):
    nightly = every_minute(make, name="nightly")
    make.job(name="nightly", status="deleted")
    ask = "SELECT ops.pause(job_id) FROM ops.jobs WHERE name = 'nightly'"

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="deleted") as refused:
        ops.execute(ask)
    ops.execute(ask + " AND status = 'active'")

    assert "none was changed: leave it out by status" in refused.value.diag.message_hint
    assert row_of(make, nightly)["status"] == "paused"


@pytest.mark.parametrize("act", ["pause", "resume"])
@pytest.mark.parametrize("status", ["completed", "deleted"])
def test_a_job_that_is_over_is_neither_paused_nor_resumed(make, ops, act, status):
    job = make.job(status=status)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=f"The job is {status}; only a"):
        call(ops, f"ops.{act}(%s)", job["id"])


@pytest.mark.parametrize("act", ["trigger", "pause", "resume", "cancel", "rerun", "drain"])
def test_what_is_not_there_is_refused_with_where_to_look(ops, act):
    with pytest.raises(psycopg.errors.NoDataFound, match="There is no such") as refused:
        call(ops, f"ops.{act}('00000000-0000-7000-8000-000000000000')")

    assert "ops." in refused.value.diag.message_hint


@pytest.mark.parametrize("act", ["trigger", "cancel", "rerun", "drain"])
def test_an_id_that_a_subquery_did_not_find_is_refused_likewise(ops, act):
    with pytest.raises(psycopg.errors.NoDataFound, match="There is no such") as refused:
        call(ops, f"ops.{act}((SELECT job_id FROM ops.jobs WHERE name = 'nihgtly'))")

    assert "ops." in refused.value.diag.message_hint


def test_failures_of_a_job_that_there_is_not_are_not_rerun(ops):
    with pytest.raises(psycopg.errors.NoDataFound, match="There is no such job"):
        ops.execute("SELECT * FROM ops.rerun_failed(gen_random_uuid(), now() - interval '1 hour')")


@pytest.mark.parametrize("act", ["pause", "resume"])
@pytest.mark.parametrize("which", ["", "gen_random_uuid(), 't1'"])
def test_pause_and_resume_ask_what_is_meant(ops, act, which):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="which job, or which tenant"):
        call(ops, f"ops.{act}({which})")


def test_a_tenant_that_has_no_jobs_is_a_typing_error(ops):
    with pytest.raises(psycopg.errors.NoDataFound, match="The tenant has no jobs: acne"):
        call(ops, "ops.pause(tenant => 'acne')")


def test_a_pause_withdraws_the_incident_of_a_watched_job(make, ops):
    alert = {"url": "http://h/", "after_failures": 1, "also_on_recovery": True, "if_late_by": 60}
    job = every_minute(make, alert=alert)
    make.conn.execute(
        "INSERT INTO job_incidents (job_id, tenant_id, kind, failures, opened_execution_id) "
        "VALUES (%s, 't1', 'late', 0, gen_random_uuid())",
        [job["id"]],
    )

    call(ops, "ops.pause(%s)", job["id"])

    assert make.row("SELECT outcome FROM job_incidents")["outcome"] == "withdrawn"


def test_a_claim_under_way_when_a_job_is_paused_runs_on(make, ops, engine_pool):
    job = every_minute(make)
    taken, waiting = make.execution(job, rank=1), make.execution(job, rank=2)
    with engine_pool.connection() as engine, ThreadPoolExecutor() as threads:
        with engine.transaction():
            claims.claim(engine, worker_id=make.worker(), limit=1)
            pausing = threads.submit(call, ops, "ops.pause(%s)", job["id"])
            eventually(lambda: make.rows("SELECT FROM pg_locks WHERE NOT granted"))
        pausing.result(10)

    states = {row["id"]: row["status"] for row in make.rows("SELECT id, status FROM execution_queue")}
    assert states == {taken["id"]: "running", waiting["id"]: "held"}


def test_a_pause_holds_what_is_being_let_go_by_the_end_of_its_predecessor(make, ops, engine_pool):
    waiting = make.execution(every_minute(make, overlap_policy="queue"), status="held", held_for="overlap")
    with engine_pool.connection() as engine, ThreadPoolExecutor() as threads:
        with engine.transaction():
            executions.let_go(engine)
            pausing = threads.submit(call, ops, "ops.pause(%s)", waiting["job_id"])
            eventually(lambda: pausing.done() or make.rows("SELECT FROM pg_locks WHERE NOT granted"))
        pausing.result(10)

    assert make.row("SELECT status, held_for FROM execution_queue") == {"status": "held", "held_for": None}


def test_a_pause_leaves_what_waits_for_its_predecessor_waiting_for_it(make, ops):
    job = every_minute(make, overlap_policy="queue")
    live(make, job, "running"), make.execution(job, status="held", held_for="overlap")

    call(ops, "ops.pause(%s)", job["id"])

    assert make.row("SELECT held_for FROM execution_queue WHERE status = 'held'") == {"held_for": "overlap"}


@pytest.mark.parametrize("status", STATES)
def test_cancel_ends_an_execution_in_any_live_state(make, ops, status):
    execution = live(make, every_minute(make), status)

    call(ops, "ops.cancel(%s)", execution["id"])

    row = make.row("SELECT id, status, error_code, attempt FROM execution_log")
    assert make.rows("SELECT FROM execution_queue") == []
    assert (row["id"], row["status"], row["error_code"]) == (execution["id"], "cancelled", "cancelled")
    assert make.row("SELECT cancelled, attempts FROM job_history") == {"cancelled": 1, "attempts": row["attempt"]}
    assert make.row("SELECT cancelled, last_status FROM job_totals") == {"cancelled": 1, "last_status": "cancelled"}
    entry = make.row("SELECT * FROM audit_log WHERE action = 'execution.cancel'")
    assert (entry["actor"], entry["before"]["status"]) == (f"role:{ops.info.user}", status)


def test_either_way_of_cancelling_leaves_the_same(make, ops, conn):
    worker = make.worker(host="h7")
    at = {"attempts": '[{"attempt": 1}]', "attempt": 2, "trace_id": "ab"}
    ours, apis = (make.running(worker, every_minute(make), scheduled_at=NOON, **at) for _ in "12")

    call(ops, "ops.cancel(%s)", ours["id"]), executions.cancel(conn, "t1", apis["id"])

    one, other = make.rows("SELECT * FROM execution_log")
    same = one.keys() - {"id", "job_id", "finished_at", "created_at", "duration_ms", "attempts", "started_at"}
    assert {key: one[key] for key in same} == {key: other[key] for key in same}
    assert [entry.keys() for entry in one["attempts"]] == [entry.keys() for entry in other["attempts"]]
    assert one["attempts"][1]["host"] == "h7"


def test_cancel_tells_whoever_calls_to_stop(make, ops, conn):
    running, pending = live(make, every_minute(make), "running"), live(make, every_minute(make), "pending")
    conn.execute("LISTEN scheduler_cancel")

    [call(ops, "ops.cancel(%s)", execution["id"]) for execution in (pending, running)]

    assert [note.payload for note in conn.notifies(timeout=2, stop_after=1)] == [str(running["id"])]


def test_cancel_lets_go_of_what_waited_for_it_and_completes_what_is_over(make, ops):
    queueing, over = make.job(overlap_policy="queue"), make.job(max_runs=1, runs=1)
    ending = [live(make, queueing, "running"), live(make, over, "pending")]
    waiting = make.execution(queueing, status="held", held_for="overlap", scheduled_at=NOON)

    [call(ops, "ops.cancel(%s)", execution["id"]) for execution in ending]

    assert make.row("SELECT id, status FROM execution_queue") == {"id": waiting["id"], "status": "pending"}
    assert row_of(make, over)["status"] == "completed"


def test_what_has_finished_is_not_cancelled(make, ops):
    done = make.logged(status="completed")

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="has finished: it is completed"):
        call(ops, "ops.cancel(%s)", done["id"])


def test_many_are_cancelled_and_what_has_finished_is_passed_over(make, ops):
    ending = [live(make, every_minute(make), status)["id"] for status in STATES]
    done = make.logged(status="completed")["id"]

    counts = [call(ops, "ops.cancel_all(%s)", ids) for ids in ([*ending, done, ending[0]], ending, [], None)]

    assert counts == [4, 0, 0, 0]
    assert len(make.rows("SELECT FROM execution_log WHERE status = 'cancelled'")) == 4
    entries = make.rows("SELECT entity_id, before FROM audit_log WHERE action = 'execution.cancel'")
    assert {(entry["entity_id"], entry["before"]["status"]) for entry in entries} == set(
        zip(ending, STATES, strict=True)
    )


def test_many_are_cancelled_and_counted_as_one_by_one(make, ops):
    one, other = every_minute(make), every_minute(make)
    [[live(make, job, status) for status in STATES] for job in (one, other)]
    ids = {job["id"]: [row["id"] for row in rows_of(make, job)] for job in (one, other)}

    call(ops, "ops.cancel_all(%s)", ids[one["id"]])
    [call(ops, "ops.cancel(%s)", id) for id in ids[other["id"]]]

    assert len(make.rows("SELECT DISTINCT cancelled, last_status FROM job_totals")) == 1
    assert make.rows("SELECT DISTINCT cancelled, attempts FROM job_history") == [{"cancelled": 4, "attempts": 1}]


def test_cancelling_many_waits_in_the_order_in_which_outcomes_are_recorded(make, ops, engine_pool):
    worker = make.worker()
    early, late = (make.running(worker, every_minute(make), scheduled_at=NOON + n * MINUTE)["id"] for n in (0, 1))
    with engine_pool.connection() as engine, ThreadPoolExecutor() as threads:
        with engine.transaction():
            executions.end(engine, [Ended(early, worker, 1, "completed")])
            cancelling = threads.submit(call, ops, "ops.cancel_all(%s)", [late, early])
            eventually(lambda: make.rows("SELECT FROM pg_locks WHERE NOT granted"))
            executions.end(engine, [Ended(late, worker, 1, "completed")])

        assert cancelling.result(10) == 0


ACTS = (
    "trigger('{0}')",
    "pause('{0}')",
    "resume('{0}')",
    "cancel('{1}')",
    "cancel_all('{{{1}}}')",
    "drain('{2}')",
    "rerun('{3}')",
    "rerun_failed('{0}', '-infinity')",
)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("usual", "limit"), [("0", "5s"), ("1min", "5s"), ("2s", "2s")])
def test_a_forgotten_begin_ends_before_the_service_has_waited_for_long(make, ops, act, usual, limit):
    job, setting = every_minute(make), "idle_in_transaction_session_timeout"
    ids = [job["id"], live(make, job, "pending")["id"], make.worker(), make.logged(job)["id"]]
    ops.execute(f"SET {setting} TO '{usual}'")

    with ops.transaction():
        call(ops, f"ops.{act.format(*ids)}")
        within = call(ops, f"current_setting('{setting}')")

    assert (within, call(ops, f"current_setting('{setting}')")) == (limit, usual)


def test_an_outcome_that_is_being_recorded_wins_over_a_cancel(make, ops, engine_pool):
    running = live(make, every_minute(make), "running")
    with engine_pool.connection() as engine, ThreadPoolExecutor() as threads:
        with engine.transaction():
            executions.end(engine, [Ended(running["id"], running["worker_id"], 1, "completed")])
            cancelling = threads.submit(call, ops, "ops.cancel(%s)", running["id"])
            eventually(lambda: make.rows("SELECT FROM pg_locks WHERE NOT granted"))
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="it is completed"):
            cancelling.result(10)

    assert [row["status"] for row in make.rows("SELECT status FROM execution_log")] == ["completed"]


def test_a_cancel_wins_over_an_outcome_that_comes_later(make, ops, engine_pool):
    running = live(make, every_minute(make), "running")
    call(ops, "ops.cancel(%s)", running["id"])

    with db.transaction(engine_pool) as engine:
        fenced = executions.end(engine, [Ended(running["id"], running["worker_id"], 1, "completed")])

    assert fenced == [running["id"]]
    assert [row["status"] for row in make.rows("SELECT status FROM execution_log")] == ["cancelled"]


def test_the_report_of_an_alert_is_cancelled_and_not_counted(make, ops):
    report = make.execution(every_minute(make), origin="alert")

    call(ops, "ops.cancel(%s)", report["id"])

    assert make.row("SELECT status, origin FROM execution_log") == {"status": "cancelled", "origin": "alert"}
    assert make.rows("SELECT FROM job_history") == make.rows("SELECT FROM job_totals") == []


def test_a_drain_is_asked_for_once_and_audited_beside_all_tenants(make, ops, conn):
    worker = make.worker(host="h9", pid=7)
    conn.execute("LISTEN scheduler_drain")

    said = {call(ops, "ops.drain(%s)", worker) for _ in "12"}

    assert said == {"process 7 on h9 is asked to drain"}
    assert [note.payload for note in conn.notifies(timeout=1)] == [str(worker)]
    assert make.row("SELECT state FROM ops.workers") == {"state": "asked to drain"}
    entry = make.row("SELECT * FROM audit_log")
    assert (entry["tenant_id"], entry["action"], entry["entity_id"]) == ("", "worker.drain", worker)
    assert (entry["actor"], entry["after"]) == (f"role:{ops.info.user}", {"host": "h9", "pid": 7})


def test_a_dead_worker_is_not_drained(make, ops):
    worker = make.worker(heartbeat_at=NOON)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="The worker is dead"):
        call(ops, "ops.drain(%s)", worker)


@pytest.mark.parametrize(("runs", "state"), [(True, "draining"), (False, "drained")])
def test_a_worker_is_drained_once_nothing_runs_in_its_name(make, runs, state):
    worker = make.worker(draining_at=NOON)
    if runs:
        make.running(worker)

    assert make.row("SELECT state FROM ops.workers") == {"state": state}
    assert make.row("SELECT workers, slots FROM service_state") == {"workers": 0, "slots": 0}
