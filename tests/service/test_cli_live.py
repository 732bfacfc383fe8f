"""`python -m service live`, which the health check of the image runs."""

import socket

import pytest

from service import cli
from tests.service.receiver import OK, answering, receiver, status  # noqa: F401 - a fixture


@pytest.fixture
def closed():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def live(monkeypatch, capsys):
    """Runs the command for a service with these ports: gives its code and error output."""

    def command(server_port, metrics_port):
        monkeypatch.setenv("SERVER_HOST", "0.0.0.0")
        monkeypatch.setenv("SERVER_PORT", str(server_port))
        monkeypatch.setenv("METRICS_PORT", str(metrics_port))
        return cli.main(["live"]), capsys.readouterr().err

    return command


@pytest.fixture
def serving(receiver):  # noqa: F811 - the fixture
    """Starts a service that answers so: gives its port."""
    return lambda answer: receiver(answering(answer)).port


def test_a_service_that_answers_is_live(live, serving):
    assert live(serving(OK), 0) == (0, "")


def test_an_engine_is_live_by_its_metrics_port(live, serving, closed):
    assert live(closed, serving(OK)) == (0, "")


def test_a_service_without_a_port_is_not_live(live, closed):
    code, err = live(closed, 0)

    assert (code, err) == (1, f"port {closed}: [Errno 111] Connection refused\n")


def test_an_answer_other_than_200_is_not_live(live, serving):
    port = serving(status(500))

    assert live(port, 0) == (1, f"port {port}: status 500\n")


def test_a_server_that_breaks_off_is_not_live(live, serving):
    code, err = live(serving(b""), 0)

    assert (code, "Remote end closed" in err) == (1, True)
