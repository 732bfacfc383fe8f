"""Two instances behind a balancer, restarted one after the other under load: nobody notices."""

import http.client
import json
import shutil
import signal
import threading
from collections import Counter

import pytest

from tests.conftest import ROOT, eventually
from tests.crash.balancer import HaProxy, SmallBalancer
from tests.crash.harness import Endpoint, Instance, instances
from tests.crash.test_processes import assert_whole, create, settle

CLIENTS = 4
JOB = {"name": "idle", "type": "interval", "schedule": "3600", "endpoint": "http://127.0.0.1:9/"}


@pytest.fixture
def endpoint():
    receiver = Endpoint()
    yield receiver
    receiver.close()


class Load:
    """Clients that keep their connections, create jobs and read them back; each request is sent once."""

    def __init__(self, port):
        self.port = port
        self.answers = Counter()
        self.failures = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self):
        self._ended.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self._ended.is_set():
            created = self._ask(client, 201, "POST", "/api/v1/jobs", json.dumps(JOB))
            if created:
                self._ask(client, 200, "GET", f"/api/v1/jobs/{created['data']['id']}")
                self._ask(client, 200, "GET", "/api/v1/jobs?page_size=5")

    def _ask(self, client, wanted, method, path, body=None):
        try:
            client.request(method, path, body, {"Content-Type": "application/json"})
            answer = client.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            client.close()
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        self.answers[answer.status] += 1
        if answer.status != wanted:
            self.failures.append(f"{method} {path}: {answer.status} {text[:200]!r}")
            return None
        return json.loads(text)


def restart(config, folder, running, number, balancer, load, **settings):
    """End one instance as an operator would, and start it anew on its port, with requests answered all the while."""
    eventually(lambda: balancer.up() == 2, 20)
    running[number].send(signal.SIGTERM)
    assert running[number].process.wait(40) == 0
    answered = load.answers.total()
    eventually(lambda: load.answers.total() > answered + 20)
    running[number] = Instance(config, folder, port=running[number].port, **settings)
    eventually(running[number].ready, 20)


def rolled(config, make, endpoint, folder, balancer_class, **settings):
    with instances(config, folder, count=2, **settings) as running:
        balancer = balancer_class([instance.port for instance in running], folder)
        try:
            for _ in range(5):
                create(running[0], endpoint)
            eventually(lambda: balancer.up() == 2, 20)
            load = Load(balancer.port)
            eventually(lambda: load.answers.total() > 50)
            for number in (0, 1):
                restart(config, folder, running, number, balancer, load, **settings)
            eventually(lambda: balancer.up() == 2, 20)
            load.end()
            settle(make)
        finally:
            balancer.close()
    return load


def test_a_rolling_restart_loses_no_request_and_no_run(config, make, endpoint, tmp_path):
    load = rolled(config, make, endpoint, tmp_path, SmallBalancer, SERVER_DRAIN_DELAY="1.5")

    assert load.failures == []
    assert make.row("SELECT count(*) AS n FROM jobs WHERE name = 'idle'")["n"] == load.answers[201] > 50
    assert_whole(make)


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="the small balancer stands in where HAProxy is not there")
def test_a_rolling_restart_behind_the_shipped_haproxy_loses_no_request_and_no_run(config, make, endpoint, tmp_path):
    shipped = 'SERVER_DRAIN_DELAY: "5"'
    assert shipped in (ROOT / "compose.yaml").read_text()

    load = rolled(config, make, endpoint, tmp_path, HaProxy, SERVER_DRAIN_DELAY="5")

    assert load.failures == []
    assert_whole(make)
