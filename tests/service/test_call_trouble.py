"""The call against receivers that hang, drip, flood, break off or lie."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from service import curl
from service.call import Outcome
from service.transport import BODY_LIMIT
from tests.service.receiver import (
    CHUNKED,
    OK,
    SHORT,
    WAIT,
    Caller,
    Receiver,
    answering,
    ask,
    caller,
    deaf,
    dripping,
    flooding,
    hanging,
    listening,
    receiver,
    resetting,
    stalling,
    status,
    summary,
)

__all__ = ["caller", "receiver"]  # fixtures


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(hanging, id="hang"),
        pytest.param(stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), id="silence in body"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"), id="drip of headers"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), id="drip of body"),
        pytest.param(dripping(CHUNKED, b"1\r\nx\r\n"), id="chunks"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="endless 100"),
    ],
)
def test_the_timeout_bounds_the_whole_exchange(caller, receiver, act):
    target = receiver(act)

    outcome = caller.call(ask(target, timeout=SHORT))

    assert summary(outcome) == ("timeout", "timeout", True)
    assert SHORT * 900 <= outcome.duration_ms < 1000
    assert target.gone.wait(WAIT)  # the connection does not outlive the call


def test_the_timeout_bounds_connecting(caller):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as fillers:
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())

        outcome = caller.call(ask(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout=SHORT))

    assert summary(outcome) == ("timeout", "timeout", True)
    assert outcome.duration_ms < 1000


def test_the_timeout_bounds_the_tls_handshake(caller, receiver):
    target = receiver(listening)

    outcome = caller.call(ask(f"https://127.0.0.1:{target.port}/", timeout=SHORT))

    assert summary(outcome) == ("timeout", "timeout", True)
    assert outcome.duration_ms < 1000
    assert target.gone.wait(WAIT)


def test_the_timeout_bounds_sending(caller, receiver):
    target = receiver(deaf)

    outcome = caller.call(ask(target, method="POST", body=b"x" * 30_000_000, timeout=SHORT))

    assert summary(outcome) == ("timeout", "timeout", True)
    assert outcome.duration_ms < 1000


def test_an_endless_body_is_read_up_to_the_limit(caller, receiver):
    target = receiver(flooding)

    outcome = caller.call(ask(target))

    assert summary(outcome) == ("completed", None, False)
    assert (outcome.response_body, outcome.response_truncated) == ("x" * BODY_LIMIT, True)
    assert target.gone.wait(WAIT)


def test_a_body_of_50_mb_is_truncated(caller, receiver):
    target = receiver(answering(status(500, body=b"y" * 50_000_000)))

    outcome = caller.call(ask(target))

    assert summary(outcome) == ("failed", "http_status", True)
    assert (outcome.response_body, outcome.response_truncated) == ("y" * BODY_LIMIT, True)


def test_a_body_that_stalls_at_the_limit_completes_truncated(caller, receiver):
    target = receiver(stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"z" * BODY_LIMIT))

    outcome = caller.call(ask(target, timeout=SHORT))

    assert summary(outcome) == ("completed", None, False)
    assert outcome.response_truncated


@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(answering(b""), "connection", id="closed"),
        pytest.param(resetting(b""), "connection", id="reset"),
        pytest.param(resetting(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "connection", id="reset in body"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), "connection", id="cut off"),
        pytest.param(
            answering(CHUNKED + b"5\r\nab"),
            "connection",
            id="cut chunk",
        ),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\nX-A: b"), "connection", id="cut headers"),
        pytest.param(answering(b"HTTP/1.1 200 OK\r\n"), "connection", id="cut before headers"),
        pytest.param(answering(status(200, "Content-Length: 3")), "protocol", id="two lengths"),
        pytest.param(answering(b"\x16\x03\x01 garbage\r\n\r\n"), "protocol", id="garbage"),
        pytest.param(answering(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", id="another protocol"),
    ],
)
def test_a_broken_answer_is_worth_another_attempt(caller, receiver, act, code):
    target = receiver(act)

    outcome = caller.call(ask(target, method="POST", body=b"{}"))

    assert summary(outcome) == ("failed", code, True)
    assert (outcome.response_status, outcome.response_body) == (None, None)


def test_a_refused_connection_is_worth_another_attempt(caller):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    outcome = caller.call(ask(f"http://127.0.0.1:{port}/"))

    assert summary(outcome) == ("failed", "connection", True)


def test_an_unknown_host_is_worth_another_attempt(caller):
    outcome = caller.call(ask("http://nowhere.invalid/", timeout=30))

    assert summary(outcome) == ("failed", "dns", True)


@pytest.mark.parametrize("lines", [["X-Big: " + "a" * 50_000] * 2, ["X-Small: " + "a" * 700] * 99])
def test_headers_past_their_limit_fail_the_call(caller, receiver, lines):
    target = receiver(answering(status(200, *lines)))

    outcome = caller.call(ask(target))

    assert summary(outcome) == ("failed", "response_too_large", False)


def test_an_untrusted_certificate_fails_the_call(caller, receiver, tmp_path):
    context = _self_signed(tmp_path)

    def act(receiver: Receiver, sock: socket.socket) -> None:
        receiver.read(context.wrap_socket(sock, server_side=True))

    target = receiver(act)

    outcome = caller.call(ask(f"https://localhost:{target.port}/"))

    assert summary(outcome) == ("failed", "tls", False)
    assert target.requests == []


def test_libcurl_takes_up_the_tls_session_of_an_earlier_connection(receiver, tmp_path, monkeypatch):
    pytest.importorskip("pycurl")
    context, reused = _self_signed(tmp_path), []
    monkeypatch.setattr(curl.certifi, "where", lambda: str(tmp_path / "cert"))

    def act(receiver: Receiver, sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            reused.append(secured.session_reused)
            receiver.read(secured)
            secured.sendall(status(200, "Connection: close"))

    target, caller = receiver(act), Caller("curl")
    outcomes = [caller.call(ask(f"https://localhost:{target.port}/")) for _ in range(3)]
    caller.close()

    assert [summary(outcome) for outcome in outcomes] == [("completed", None, False)] * 3
    assert reused == [False, True, True]


def _self_signed(folder: Path) -> ssl.SSLContext:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key -out cert "
    command += "-addext subjectAltName=DNS:localhost"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def test_abort_ends_a_hanging_call(caller, receiver):
    target = receiver(hanging)
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(caller.call(ask(target, timeout=60))))
    thread.start()
    assert target.reached.wait(WAIT)

    started = time.monotonic()
    caller.abort()
    thread.join(WAIT)

    assert time.monotonic() - started < 0.2
    assert summary(outcomes[0]) == ("cancelled", "aborted", False)
    assert target.gone.wait(WAIT)


def test_abort_between_calls_hits_neither(caller, receiver):
    target = receiver(answering(OK, OK))

    before = caller.call(ask(target))
    caller.abort()
    after = caller.call(ask(target))

    assert (before.status, after.status) == ("completed", "completed")


def test_a_call_after_an_aborted_one_is_made(caller, receiver):
    hung, target = receiver(hanging), receiver(answering(OK))
    thread = threading.Thread(target=caller.call, args=(ask(hung),))
    thread.start()
    assert hung.reached.wait(WAIT)
    caller.abort()
    thread.join(WAIT)

    assert caller.call(ask(target)).status == "completed"


def test_a_kept_connection_closed_meanwhile_does_not_fail_the_call(caller, receiver):
    target = receiver(answering(OK))

    first = caller.call(ask(target))
    assert target.gone.wait(WAIT)
    second = caller.call(ask(target, method="POST", body=b"{}"))

    assert (first.status, second.status, target.connections) == ("completed", "completed", 2)


def test_a_kept_connection_closed_at_the_next_request_does_not_fail_the_call(caller, receiver):
    def act(receiver: Receiver, sock: socket.socket) -> None:
        receiver.read(sock)
        sock.sendall(OK)
        receiver.read(sock)

    target = receiver(act)

    first = caller.call(ask(target))
    second = caller.call(ask(target, method="POST", body=b"{}"))

    assert (first.status, second.status, target.connections) == ("completed", "completed", 2)
