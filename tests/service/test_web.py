"""A server that stops loses no request."""

import http.client
import json
import socket
import threading

import pytest

from service.web import WebServer, listen
from tests.conftest import eventually


class Served:
    """A server whose app holds its answers back while `free` is not set."""

    def __init__(self):
        self.free = threading.Event()
        self.entered = threading.Event()
        self.draining = threading.Event()
        self.free.set()
        self.web = WebServer(self.app, listen("127.0.0.1", 0), 2, self.draining)
        threading.Thread(target=self.web.run, daemon=True).start()

    def app(self, environ, start_response):
        self.entered.set()
        self.free.wait(10)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]

    def connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=10)
        connection.connect()
        return connection

    def in_background(self, act):
        results = []
        threading.Thread(target=lambda: results.append(act()), daemon=True).start()
        return results


@pytest.fixture
def served():
    server = Served()
    yield server
    server.free.set()
    server.web.finish(2)
    server.web.stop()


def ask(connection):
    connection.request("GET", "/")
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.getheader("Connection")


def test_connections_are_kept_until_the_process_drains_and_then_closed_after_an_answer(served):
    connection = served.connection()

    assert ask(connection) == (200, b"done", None)
    served.draining.set()
    assert ask(connection) == (200, b"done", "close")


REFUSED = [
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 65_536 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX : x\r\n\r\n", 400, "MALFORMED_REQUEST"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "MALFORMED_REQUEST"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413, "PAYLOAD_TOO_LARGE"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "NOT_IMPLEMENTED"),
]


@pytest.mark.parametrize(("request_bytes", "status", "code"), REFUSED)
def test_what_does_not_reach_the_app_is_answered_in_the_envelope(served, request_bytes, status, code):
    connection = served.connection()
    connection.sock.sendall(request_bytes)

    answer = http.client.HTTPResponse(connection.sock)
    answer.begin()

    body = json.loads(answer.read())
    assert (answer.status, answer.getheader("Content-Type")) == (status, "application/json")
    assert (body["success"], body["error"]["code"], len(body["traceId"])) == (False, code, 32)
    assert not served.entered.is_set()


def test_headers_may_have_a_little_less_than_64_kib(served):
    connection = served.connection()
    connection.request("GET", "/", headers={"X": "x" * 65_000})

    assert connection.getresponse().status == 200


def test_finishing_waits_for_the_request_under_way(served):
    served.free.clear()
    answers = served.in_background(lambda: ask(served.connection()))
    assert served.entered.wait(5)

    finished = served.in_background(lambda: served.web.finish(10) or "finished")
    eventually(lambda: refused(served.web.port))
    assert finished == []
    served.free.set()

    eventually(lambda: finished and answers)
    assert [answer[:2] for answer in answers] == [(200, b"done")]


def test_finishing_waits_for_a_request_that_is_half_sent(served):
    client = served.connection().sock
    client.sendall(b"GET / HTTP/1.1\r\nHost: ")
    eventually(lambda: reading(served))

    finished = served.in_background(lambda: served.web.finish(10) or "finished")
    eventually(lambda: refused(served.web.port))
    client.sendall(b"x\r\n\r\n")

    assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    eventually(lambda: finished)


def test_finishing_closes_idle_connections_and_gives_up_at_its_deadline(served):
    idle, stuck = served.connection(), served.connection()
    ask(idle)
    stuck.sock.sendall(b"GET / HT")
    eventually(lambda: reading(served))

    served.web.finish(0.3)

    assert idle.sock.recv(1) == b""
    stuck.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        stuck.sock.recv(1)


def test_a_name_with_several_addresses_is_listened_to_on_each():
    listeners = listen("localhost", 0)

    families = {listener.family for listener in listeners}
    [listener.close() for listener in listeners]
    assert socket.AF_INET in families
    assert families <= {socket.AF_INET, socket.AF_INET6}


def reading(served):
    """Whether the server has part of a request."""
    return any(channel.request for server in served.web._servers for channel in list(server.active_channels.values()))


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionError:
        return True
    return False
