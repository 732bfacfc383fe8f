"""The commands against a service that runs: what they print, and how they exit."""

import json
import os
import signal
import subprocess
import sys
from base64 import b64encode

import pytest

from tests.conftest import ROOT, eventually
from tests.crash.harness import Endpoint, Instance, instances

FILE = """
jobs:
  nightly:
    type: cron
    schedule: "0 2 * * *"
    timezone: Europe/Berlin
    endpoint: {url}
    headers: {{X-A: a}}
    retry_on: [503, timeout]
    start_at: 2099-12-01T09:00:00+01:00
  hourly:
    type: interval
    schedule: 3600
    endpoint: {url}
"""


@pytest.fixture
def endpoint():
    receiver = Endpoint()
    yield receiver
    receiver.close()


@pytest.fixture
def service(config, tmp_path):
    with instances(config, tmp_path) as running:
        yield running[0]


@pytest.fixture
def file(tmp_path, endpoint):
    path = tmp_path / "jobs.yaml"
    path.write_text(FILE.format(url=endpoint.url))
    return path


def command(service: Instance, *arguments: object) -> list[str]:
    """The command line, and the service's address for it."""
    where = ["--url", f"http://127.0.0.1:{service.port}"]
    return [sys.executable, "-m", "service", *map(str, arguments), *where]


def run(service: Instance, *arguments: object, text: str = "") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = subprocess.run(
        command(service, *arguments), cwd=ROOT, input=text, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def data(service: Instance, *arguments: object) -> object:
    """What a command that must succeed prints with --json."""
    code, out, err = run(service, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def create(service, endpoint, key="k", **fields):
    given = {"key": key, "name": key, "type": "interval", "schedule": "3600", "endpoint": endpoint.url} | fields
    return data(service, "jobs", "create", *(f"{name}={value}" for name, value in given.items()))


def test_apply_twice_changes_nothing_the_second_time(service, file):
    assert run(service, "apply", "-f", file)[::2] == (0, "2 created, 0 changed, 0 pruned, 0 unchanged\n")
    assert run(service, "apply", "-f", file)[::2] == (0, "0 created, 0 changed, 0 pruned, 2 unchanged\n")
    assert [job["version"] for job in data(service, "jobs", "list")] == [1, 1]


def test_diff_exits_with_1_while_something_differs_and_says_what(service, file):
    before = run(service, "diff", "-f", file)
    run(service, "apply", "-f", file)
    same = run(service, "diff", "-f", file)
    file.write_text(file.read_text().replace("3600", "60").replace("X-A", "X-B"))
    after = run(service, "diff", "-f", file)

    assert before[:2] == (1, "+ hourly\n+ nightly\n")
    assert same[:2] == (0, "")
    assert after[:2] == (
        1,
        '~ hourly\n    schedule: "3600" -> "60"\n'
        '~ nightly\n    headers.X-A: "a" -> (none)\n    headers.X-B: (none) -> "a"\n',
    )


def test_a_dry_run_sends_nothing(service, file, make):
    code, out, _ = run(service, "apply", "-f", file, "--dry-run")

    assert (code, out) == (0, "+ hourly\n+ nightly\n")
    assert make.rows("SELECT FROM jobs") == []


def test_what_the_file_no_longer_says_is_a_default_again(service, file):
    run(service, "apply", "-f", file)
    file.write_text(file.read_text().replace("timezone: Europe/Berlin", "max_retries: 9"))

    assert data(service, "apply", "-f", file)["changed"] == ["nightly"]
    job = data(service, "jobs", "show", "nightly")
    assert (job["timezone"], job["max_retries"]) == ("UTC", 9)


def test_prune_deletes_only_jobs_that_have_a_key_and_shows_them(service, file, endpoint):
    run(service, "apply", "-f", file)
    without = data(service, "jobs", "create", "name=n", "type=interval", "schedule=60", f"endpoint={endpoint.url}")
    create(service, endpoint, "extra")

    kept = run(service, "apply", "-f", file)
    shown = run(service, "apply", "-f", file, "--prune", "--dry-run")
    pruned = data(service, "apply", "-f", file, "--prune")

    assert (kept[1], shown[1]) == ("", "- extra\n")
    assert pruned["pruned"] == ["extra"]
    assert without["id"] in [job["id"] for job in data(service, "jobs", "list")]


def test_export_and_apply_change_nothing_and_defaults_are_left_out(service, file, tmp_path):
    run(service, "apply", "-f", file)
    exported = tmp_path / "exported.yaml"

    assert run(service, "export", "-o", exported)[0] == 0
    again = run(service, "apply", "-f", exported)

    assert "priority" not in exported.read_text()
    assert again[::2] == (0, "0 created, 0 changed, 0 pruned, 2 unchanged\n")
    assert (0, exported.read_text()) == run(service, "export")[:2]


def test_a_file_with_faults_is_refused_with_lines_before_anything_is_sent(service, file, make):
    file.write_text(file.read_text() + "    nope: 1\n    priority: 11\n")

    code, _, err = run(service, "apply", "-f", file)

    assert code == 2
    assert [f"{file}: line 15: hourly: nope", f"{file}: line 16: hourly: priority"] == [
        line[: line.index(" ", line.index("hourly: ") + 8)] for line in err.splitlines()
    ]
    assert make.rows("SELECT FROM jobs") == []


def test_the_api_s_refusal_names_the_fields_and_exits_with_3(service):
    code, out, err = run(service, "jobs", "create", "name=x", "type=cron", "nope=1")

    assert (code, out) == (3, "")
    assert {"  schedule is required", "  endpoint is required", "  nope is not a field of this request"} <= set(
        err.splitlines()
    )


def test_a_service_that_is_not_there_is_4_and_bad_arguments_are_2(service):
    service.end()

    assert run(service, "jobs", "list")[0] == 4
    assert run(service, "jobs", "list", "--nope")[0] == 2
    assert run(service, "jobs", "update", "k", "no-value")[0] == 2


def test_jobs_are_named_by_key_or_id(service, endpoint):
    job = create(service, endpoint)

    assert data(service, "jobs", "show", "k") == data(service, "jobs", "show", job["id"])
    assert data(service, "jobs", "update", "k", "priority=9", "tags=[a, b]")["tags"] == ["a", "b"]
    assert run(service, "jobs", "pause", "k")[:2] == (0, "k: paused\n")
    assert (0, f"{job['id']}: active\n") == run(service, "jobs", "resume", job["id"])[:2]
    assert run(service, "jobs", "delete", "k", "nobody")[:2] == (3, "k: deleted\n")


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 1)])
def test_trigger_waits_and_tells_by_its_exit_code_how_the_run_ended(service, endpoint, status, code):
    endpoint.status = status
    create(service, endpoint)

    assert run(service, "jobs", "trigger", "k", "--wait")[0] == code


def test_failed_executions_run_again_by_id_or_by_what_they_have_in_common(service, make, endpoint):
    job = make.job(tenant_id="00000000-0000-0000-0000-000000000000", key="k", endpoint=endpoint.url)
    rows = [make.logged(job) for _ in range(3)]

    assert "runs again as" in run(service, "executions", "rerun", rows[0]["id"])[1]
    assert run(service, "executions", "rerun", "--job", "k", "--dry-run")[:2] == (0, "2 would run again\n")
    assert run(service, "executions", "rerun", "--job", "k", "--status", "timeout")[:2] == (0, "0 run again\n")
    assert run(service, "executions", "rerun", "--job", "k", "--since", "2026-01-01T00:00:00Z")[1] == "2 run again\n"
    assert run(service, "executions", "rerun", rows[0]["id"], "--all")[0] == 2
    assert run(service, "executions", "rerun")[0] == 2


def test_executions_and_their_numbers_are_shown(service, endpoint):
    create(service, endpoint)
    run(service, "jobs", "trigger", "k", "--wait")

    (execution,) = data(service, "executions", "list", "--job", "k")
    assert execution["id"] in run(service, "executions", "list")[1]
    assert "ATTEMPT  STATUS" in run(service, "executions", "show", execution["id"])[1]
    assert run(service, "executions", "cancel", execution["id"])[0] == 3
    assert run(service, "history", "k")[1].splitlines()[1].split()[1:3] == ["k", "1"]
    assert data(service, "stats", "k")["finished"]["completed"] == 1
    assert len(data(service, "preview", "cron", "0 9 * * *", "--count", 3)["runs"]) == 3


def test_tail_tells_each_run_once_also_over_a_restart_and_ends_with_ctrl_c(config, endpoint, tmp_path, make):
    with instances(config, tmp_path) as running:
        create(running[0], endpoint, schedule="1")
        lines = tmp_path / "lines"
        tail = subprocess.Popen(
            command(running[0], "executions", "tail", "-f", "-n", 0, "--json"), cwd=ROOT, stdout=lines.open("w")
        )
        eventually(lambda: len(lines.read_text().splitlines()) > 2, 30)
        assert running[0].end() == 0
        running.append(Instance(config, tmp_path, port=running[0].port))
        eventually(running[1].ready, 20)
        before = len(lines.read_text().splitlines())
        eventually(lambda: len(lines.read_text().splitlines()) > before + 3, 40)
        tail.send_signal(signal.SIGINT)
        assert tail.wait(10) == 130
    told = [json.loads(line)["id"] for line in lines.read_text().splitlines()]
    known = [str(row["id"]) for row in make.rows("SELECT id FROM execution_log ORDER BY scheduled_at")]
    first = known.index(told[0])
    assert told == known[first : first + len(told)]


def test_output_cut_short_is_no_error(service, endpoint):
    create(service, endpoint)
    shell = " ".join(command(service, "jobs", "list")) + " | head -c 1; exit ${PIPESTATUS[0]}"

    done = subprocess.run(["bash", "-c", shell], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("K", "")


def test_secrets_leave_masked_and_stay_what_they_were(config, tmp_path, endpoint):
    exported = tmp_path / "exported.yaml"
    with instances(config, tmp_path, SECRETS_KEY=b64encode(bytes(32)).decode()) as (service,):
        hidden = ["headers={Authorization: Basic abcdefgh, X-Own: very-secret}", "secrets={headers: [X-Own]}"]
        timing = ["type=interval", "schedule=3600"]
        data(service, "jobs", "create", "key=k", "name=k", *timing, *hidden, f"endpoint={endpoint.url}")
        run(service, "export", "-o", exported)
        same = run(service, "diff", "-f", exported)
        exported.write_text(exported.read_text().replace("3600", "7200"))
        applied = data(service, "apply", "-f", exported)
        run(service, "jobs", "trigger", "k", "--wait")
    assert (same[:2], applied["changed"]) == ((0, ""), ["k"])
    assert ("abcdefgh" in exported.read_text(), "very-secret" in exported.read_text()) == (False, False)
    assert [(call["authorization"], call["x-own"]) for call in endpoint.calls] == [("Basic abcdefgh", "very-secret")]
