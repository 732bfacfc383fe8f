"""Host names that are slow or impossible to look up, over both transports."""

import socket
import threading

import pytest

from service import curl, names
from service.call import open_transport
from service.egress import DENIED, egress_of, literal
from service.names import Name, Names, name_of
from tests.service.receiver import OK, SHORT, WAIT, Caller, OneCall, answering, ask, hanging, receiver, status, summary

__all__ = ["receiver"]  # a fixture
CLOSING = status(200, "Connection: close", body=b"ok")
HANGING = 40
REAL = socket.getaddrinfo


class Resolver:
    """Stands in for the system's: names that begin with hung hang, others have the addresses they are given."""

    def __init__(self):
        self.addresses = {}
        self.asked = []
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    def getaddrinfo(self, host, port, *args, **kwargs):
        if literal(host):
            return REAL(host, port, *args, **kwargs)
        self.asked.append(host)
        self.begun.release()
        if host.startswith("hung"):
            self.release.wait(60)
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses[host]]


@pytest.fixture
def resolver(monkeypatch):
    stand_in = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", stand_in.getaddrinfo)
    yield stand_in
    stand_in.release.set()


@pytest.fixture(params=["curl", "stock"])
def adapter(request):
    if request.param == "curl":
        pytest.importorskip("pycurl")
    return request.param


@pytest.fixture
def transport(adapter, resolver):
    faults = []
    opened = open_transport(HANGING + 1, lambda: faults.append(True), adapter)
    yield opened
    opened.close()
    assert faults == []


def test_lookups_that_hang_do_not_hold_up_the_call_of_another_name(transport, resolver, receiver):
    resolver.addresses["quick.test"] = ["127.0.0.1"]
    hung = [OneCall(ask(f"http://hung-{number}.test/", timeout=60)) for number in range(HANGING)]
    transport.submit(hung)
    assert all(resolver.begun.acquire(timeout=WAIT) for _ in hung)

    quick = OneCall(ask(f"http://quick.test:{receiver(answering(OK)).port}/"))
    transport.submit([quick])

    assert quick.over.wait(WAIT)
    assert summary(quick.outcome) == ("completed", None, False)
    assert not any(one.over.is_set() for one in hung)


def test_the_timeout_bounds_a_lookup(transport):
    hung = OneCall(ask("http://hung.test/", timeout=SHORT))
    transport.submit([hung])

    assert hung.over.wait(WAIT)
    assert summary(hung.outcome) == ("timeout", "timeout", True)
    assert hung.outcome.duration_ms >= SHORT * 900


def test_a_call_is_aborted_while_its_name_is_looked_up(transport, resolver, receiver):
    resolver.addresses["quick.test"] = ["127.0.0.1"]
    hung = OneCall(ask("http://hung.test/", timeout=60))
    transport.submit([hung])
    assert resolver.begun.acquire(timeout=WAIT)

    transport.abort(hung)
    assert hung.over.wait(WAIT)
    resolver.addresses["hung.test"] = ["127.0.0.1"]
    resolver.release.set()  # what the lookup finds is of no use any more

    after = OneCall(ask(f"http://quick.test:{receiver(answering(OK)).port}/"))
    transport.submit([after])
    assert after.over.wait(WAIT)
    assert (hung.outcome.status, after.outcome.status) == ("cancelled", "completed")


def test_closing_ends_calls_whose_name_is_looked_up(transport, resolver):
    hung = OneCall(ask("http://hung.test/", timeout=60))
    transport.submit([hung])
    assert resolver.begun.acquire(timeout=WAIT)

    transport.close()

    assert hung.over.wait(WAIT)
    assert hung.outcome.status == "cancelled"


@pytest.mark.parametrize("host", ["none.test", "a" * 64 + ".test"])
def test_a_name_without_an_address_is_worth_another_attempt(transport, host):
    one = OneCall(ask(f"http://{host}/"))
    transport.submit([one])

    assert one.over.wait(WAIT)
    assert summary(one.outcome) == ("failed", "dns", True)


def test_the_next_address_is_tried_where_one_refuses(transport, resolver, receiver):
    target = receiver(answering(OK))
    resolver.addresses["two.test"] = ["127.0.0.2", "127.0.0.1"]  # nothing listens at the first
    one = OneCall(ask(f"http://two.test:{target.port}/"))
    transport.submit([one])

    assert one.over.wait(WAIT)
    assert (one.outcome.status, target.requests[0].count(b"two.test")) == ("completed", 1)


def test_a_name_that_resolves_to_another_address_the_next_time_is_refused(adapter, resolver, monkeypatch, receiver):
    monkeypatch.setattr(names, "KNOWN_SECONDS", 0.0)
    target = receiver(answering(CLOSING, CLOSING))
    caller = Caller(adapter, egress=egress_of(DENIED, "", strict=False))
    codes = []
    for address in ("127.0.0.1", "169.254.169.254"):
        resolver.addresses["rebind.test"] = [address]
        codes.append(caller.call(ask(f"http://rebind.test:{target.port}/")).error_code)
    caller.close()

    assert codes == [None, "egress_denied"]


def test_libcurl_is_left_to_itself_with_a_name_that_has_just_answered(resolver, receiver):
    resolver.addresses["known.test"] = ["127.0.0.1"]
    caller = Caller("curl")
    url = f"http://known.test:{receiver(answering(CLOSING, CLOSING, CLOSING)).port}/"
    statuses = [caller.call(ask(url)).status for _ in range(3)]
    caller.close()

    assert (statuses, resolver.asked) == (["completed"] * 3, ["known.test"])


def test_what_a_lookup_took_is_no_part_of_a_later_calls_timeout(resolver, receiver, monkeypatch):
    told, tell = [], curl._set_timeout
    monkeypatch.setattr(curl, "_set_timeout", lambda easy, seconds: told.append(seconds) or tell(easy, seconds))
    resolver.addresses["slow.test"] = ["127.0.0.1"]
    caller = Caller("curl")
    url = f"http://slow.test:{receiver(answering(OK, OK)).port}/"
    [caller.call(ask(url, timeout=WAIT)) for _ in range(2)]
    caller.close()

    whole, rest, again = told
    assert rest < whole == again == WAIT


def test_no_more_names_are_looked_up_than_there_is_room_for(resolver, monkeypatch):
    monkeypatch.setattr(names, "LOOKUPS", 1)
    transport = open_transport(3, lambda: None, "curl")
    first, other = OneCall(ask("http://hung-1.test/", timeout=60)), OneCall(ask("http://hung-2.test/", timeout=60))
    transport.submit([first, other])

    assert other.over.wait(WAIT)
    transport.close()
    assert (summary(other.outcome), first.outcome.status) == (("failed", "dns", True), "cancelled")


def test_calls_of_one_name_share_a_lookup(resolver, receiver):
    target = receiver(hanging)
    transport = open_transport(3, lambda: None, "curl")
    calls = [OneCall(ask(f"http://hung.test:{target.port}/", timeout=60)) for _ in range(3)]
    transport.submit(calls)
    assert resolver.begun.acquire(timeout=WAIT)
    resolver.addresses["hung.test"] = ["127.0.0.1"]

    resolver.release.set()

    assert target.reached.wait(WAIT)
    transport.close()
    assert resolver.asked == ["hung.test"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example/x", Name("a.example", 80)),
        ("https://A.Example./", Name("a.example", 443)),
        ("https://a.example:8443/", Name("a.example", 8443)),
        *[(f"http://{host}/", None) for host in ("127.0.0.1", "[::1]", "0x7f.1", "localhost", "a.localhost")],
        ("http://a.example:99999/", None),
    ],
)
def test_only_names_are_looked_up(url, expected):
    assert name_of(url) == expected


def test_the_names_longest_unheard_of_are_forgotten(monkeypatch):
    monkeypatch.setattr(names, "KNOWN", 2)
    kept = Names(lambda: None)
    some = [Name(f"{number}.test", 80) for number in range(3)]
    for name in (some[0], some[1], some[0], some[2]):
        kept.answered(name)

    assert [kept.known(name) for name in some] == [True, False, True]
