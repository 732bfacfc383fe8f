"""Exchanges many at once, over both transports: slots, order, aborts, and receivers that hang."""

import contextlib
import socket
import threading

import pytest
import requests
from hypothesis import given
from hypothesis.strategies import from_regex

from service import call
from service.call import Request, open_transport, prepare
from service.stock import StockAdapter
from service.transport import Exchange, Sending
from tests.conftest import eventually
from tests.service.receiver import OK, WAIT, OneCall, answering, ask, hanging, receiver, status, summary

__all__ = ["receiver"]  # a fixture
HANGING = 500


@pytest.fixture(params=["curl", "stock"])
def transports(request):
    """Opens transports for so many calls at once."""
    opened, faults = [], []

    def transport(slots):
        opened.append(open_transport(slots, lambda: faults.append(True), request.param))
        return opened[-1]

    transport.faults = faults
    yield transport
    [one.close() for one in opened]


@pytest.fixture
def black_hole():
    """A URL that connects and never answers: the kernel takes connections that nobody accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=HANGING + 50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


class Recorded(OneCall):
    """A call that tells when it began."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.began = threading.Event()

    def begin(self) -> Sending:
        self.began.set()
        return super().begin()


def test_the_stock_adapter_stands_in_where_pycurl_is_missing(monkeypatch, receiver):
    monkeypatch.setattr(call, "HAS_CURL", False)
    transport, one = open_transport(1, lambda: None), OneCall(ask(receiver(answering(OK))))
    transport.submit([one])

    assert one.over.wait(WAIT)
    transport.close()
    assert (type(transport), one.outcome.status) == (StockAdapter, "completed")


def test_calls_that_hang_do_not_hold_up_a_quick_one(transports, black_hole, receiver):
    transport, target = transports(HANGING + 1), receiver(answering(OK))
    hung = [Recorded(ask(black_hole, timeout=60)) for _ in range(HANGING)]
    transport.submit(hung)
    eventually(lambda: all(one.began.is_set() for one in hung))

    quick = OneCall(ask(target))
    transport.submit([quick])

    assert quick.over.wait(WAIT)
    assert (summary(quick.outcome), transports.faults) == (("completed", None, False), [])


def test_a_call_waits_for_a_free_slot(transports, receiver):
    transport, hung, target = transports(1), receiver(hanging), receiver(answering(OK))
    first, second = Recorded(ask(hung, timeout=60)), Recorded(ask(target))
    transport.submit([first, second])
    assert hung.reached.wait(WAIT)
    waited = not second.began.is_set()

    transport.abort(first)

    assert second.over.wait(WAIT)
    assert (waited, first.outcome.status, second.outcome.status) == (True, "cancelled", "completed")


def test_an_abort_ends_only_its_call(transports, receiver):
    transport, target, other = transports(3), receiver(hanging), receiver(hanging)
    kept, aborted = Recorded(ask(target, timeout=60)), Recorded(ask(other, timeout=60))
    transport.submit([kept, aborted])
    assert target.reached.wait(WAIT) and other.reached.wait(WAIT)

    transport.abort(aborted)

    assert aborted.over.wait(WAIT) and other.gone.wait(WAIT)
    assert not kept.over.is_set()


def test_what_waits_can_be_withdrawn_and_is_never_sent(transports, receiver):
    transport, hung, target = transports(1), receiver(hanging), receiver(answering(OK))
    first, waiting = Recorded(ask(hung, timeout=60)), Recorded(ask(target))
    transport.submit([first, waiting])
    assert first.began.wait(WAIT)

    withdrawn = [transport.withdraw(waiting), transport.withdraw(waiting), transport.withdraw(first)]
    transport.close()

    assert withdrawn == [True, False, False]
    assert (target.connections, waiting.over.is_set(), first.outcome.status) == (0, False, "cancelled")


def test_a_call_aborted_while_it_waits_is_never_sent(transports, receiver):
    transport, hung, target = transports(1), receiver(hanging), receiver(answering(OK))
    first, waiting = Recorded(ask(hung, timeout=60)), Recorded(ask(target))
    transport.submit([first, waiting])
    assert first.began.wait(WAIT)

    transport.abort(waiting)

    assert waiting.over.wait(WAIT)
    assert (waiting.outcome.status, waiting.began.is_set(), target.connections) == ("cancelled", False, 0)


def test_a_fault_is_told_and_not_swallowed(transports):
    transport = transports(2)

    transport.submit([Exchange()])  # which has nothing to send

    eventually(lambda: transports.faults == [True])


def test_a_session_of_requests_may_use_the_transport(transports, receiver):
    target = receiver(answering(status(200, "X-A: 1", "X-A: 2", "Set-Cookie: a=b", body=b'{"b": 1}')))
    session = requests.Session()
    session.mount("http://", transports(1))

    response = session.get(f"http://127.0.0.1:{target.port}/", timeout=WAIT)

    assert (response.ok, response.json(), response.headers["x-a"]) == (True, {"b": 1}, "1, 2")
    assert (list(response.iter_content(4)), dict(session.cookies)) == ([b'{"b"', b": 1}"], {})


def test_a_session_gets_an_exception_of_requests(transports, black_hole):
    session = requests.Session()
    session.mount("http://", transports(1))

    with pytest.raises(requests.RequestException):
        session.get(black_hole, timeout=0.1)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n", id="interim answers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n", id="trailers"),
    ],
)
def test_an_endless_row_of_headers_is_not_kept(receiver, start, drop):
    pytest.importorskip("pycurl")

    def act(server, sock):
        server.read(sock)
        sock.sendall(start)
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(drop * 1000)

    one = OneCall(ask(receiver(act), timeout=30))
    transport = open_transport(1, lambda: None, "curl")

    transport.submit([one])

    assert one.over.wait(WAIT)
    transport.close()
    assert summary(one.outcome) == ("failed", "response_too_large", False)


def test_a_kept_connection_that_its_receiver_closes_wakes_nobody_for_ever(receiver):
    pytest.importorskip("pycurl")
    target, transport = receiver(answering(OK)), open_transport(1, lambda: None, "curl")

    for _ in range(3):  # each on a connection of its own, mostly of the same number
        one = OneCall(ask(target))
        transport.submit([one])
        assert one.over.wait(WAIT)
        assert target.gone.wait(WAIT)
        eventually(lambda: transport._epoll.poll(0) == [])

    transport.close()
    assert target.connections == 3


def test_a_request_is_prepared_for_both_transports():
    ready = prepare(Request("POST", "http://127.0.0.1:9/a b", {"X-None": ""}, b"{}", 1.0))

    assert (ready.request.url, ready.request.headers["Content-Length"]) == ("http://127.0.0.1:9/a%20b", "2")
    assert {b"X-None;", b"Content-Type: application/json", b"Expect:"} <= set(ready.lines)


@given(from_regex(call.NORMAL_URL, fullmatch=True).filter(call.is_normal))
def test_a_normal_url_is_one_that_requests_leaves_as_it_is(url):
    request = requests.Request("POST", url).prepare()

    assert request.url == url


@pytest.mark.parametrize(("method", "body"), [("POST", b"{}"), ("PUT", b""), ("POST", None), ("GET", None)])
def test_a_request_has_the_headers_that_requests_would_give_it(method, body):
    headers = {
        "X-One": "1",
        "Authorization": "Basic eDp5",
        "content-type": "text/plain",
        "User-Agent": "u",
        "Accept": "*",
    }
    theirs = requests.Request(method, "http://127.0.0.1:9/", headers=headers, data=body).prepare()

    ours = prepare(Request(method, "http://127.0.0.1:9/", headers, body, 1.0)).request

    sent = {name: value.decode() if isinstance(value, bytes) else value for name, value in ours.headers.items()}
    assert {name.lower(): value for name, value in sent.items()} == dict(theirs.headers.lower_items())
    assert (ours.method, ours.url, ours.body) == (theirs.method, theirs.url, theirs.body or None)
