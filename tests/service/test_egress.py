"""Where calls may go, however the way there is written, on both transports."""

import pytest

from service.config import Config, ConfigError
from service.egress import DENIED, egress_of
from tests.service.receiver import OK, Caller, answering, ask, receiver, status  # noqa: F401 - a fixture

LOOPBACK = egress_of("127.0.0.0/8,::1/128", "", strict=False)


@pytest.fixture(params=["curl", "stock"])
def calls(request):
    """Makes callers under rules."""
    made = []

    def under(rules):
        made.append(Caller(request.param, egress=rules))
        return made[-1]

    yield under
    [caller.close() for caller in made]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "LOCALHOST", "2130706433", "0x7f000001", "017700000001", "0x7f.1", "127.1",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"],
)  # fmt: skip
def test_no_spelling_leads_to_a_denied_address(calls, receiver, host):  # noqa: F811 - a fixture
    target = receiver(answering(OK))

    outcome = calls(LOOPBACK).call(ask(f"http://{host}:{target.port}/"))

    assert (outcome.status, outcome.error_code, outcome.retryable) == ("failed", "egress_denied", False)
    assert target.connections == 0


def test_the_error_names_the_range_alone(calls):
    outcome = calls(LOOPBACK).call(ask("http://localhost:9/"))

    assert outcome.error in [
        f"The receiver's address is in {range}, which calls must not go to." for range in ("127.0.0.0/8", "::1/128")
    ]


@pytest.mark.parametrize("allow", ["127.0.0.0/30", "localhost", "LocalHost.", "other,127.0.0.1"])
def test_what_is_excepted_is_called(calls, receiver, allow):  # noqa: F811 - a fixture
    target = receiver(answering(OK))
    rules = egress_of("127.0.0.0/8", allow, strict=False)

    assert calls(rules).call(ask(f"http://localhost:{target.port}/")).status == "completed"


def test_a_redirect_is_not_followed(calls, receiver):  # noqa: F811 - a fixture
    target = receiver(answering(status(302, "Location: http://169.254.169.254/latest/meta-data")))

    outcome = calls(egress_of(DENIED, "", strict=False)).call(ask(target))

    assert (outcome.response_status, outcome.error_code) == (302, "http_status")


def test_the_name_stays_in_the_host_header(calls, receiver):  # noqa: F811 - a fixture
    target = receiver(answering(OK))

    calls(egress_of(DENIED, "", strict=False)).call(ask(f"http://localhost:{target.port}/"))

    assert f"host: localhost:{target.port}\r\n".encode() in target.requests[0].lower()


@pytest.mark.parametrize(
    ("address", "strict", "denied"),
    [
        ("169.254.169.254", False, "169.254.0.0/16"), ("fe80::1%eth0", False, "fe80::/10"),
        ("fd00:ec2::254", False, "fd00:ec2::254/128"), ("100.100.100.200", False, "100.100.100.200/32"),
        ("0.0.0.0", False, "0.0.0.0/8"), ("::", False, "::/128"), ("255.255.255.255", False, "240.0.0.0/4"),
        ("224.0.0.1", False, "224.0.0.0/4"), ("ff02::1", False, "ff00::/8"),
        ("::ffff:169.254.169.254", False, "169.254.0.0/16"), ("64:ff9b::a9fe:a9fe", False, "169.254.0.0/16"),
        ("64:ff9b:1::a9fe:a9fe", False, "169.254.0.0/16"), ("2002:a9fe:a9fe::1", False, "169.254.0.0/16"),
        ("2001:0:4136:e378:8000:63bf:5601:5601", False, "169.254.0.0/16"),
        ("127.0.0.1", False, None), ("10.1.2.3", False, None), ("::1", False, None), ("8.8.8.8", True, None),
        ("127.0.0.1", True, "127.0.0.0/8"), ("10.1.2.3", True, "10.0.0.0/8"), ("172.31.0.1", True, "172.16.0.0/12"),
        ("192.168.0.1", True, "192.168.0.0/16"), ("100.64.0.1", True, "100.64.0.0/10"), ("::1", True, "::1/128"),
        ("fd12::1", True, "fc00::/7"), ("::ffff:10.0.0.1", True, "10.0.0.0/8"), ("2606:4700::1111", True, None),
    ],
)  # fmt: skip
def test_ranges(address, strict, denied):
    assert denied == egress_of(DENIED, "", strict=strict).refusal(address, "name")


@pytest.mark.parametrize("given", [{"EGRESS_DENY": "10.0.0.0/33"}, {"EGRESS_ALLOW": "a b"}, {"EGRESS_ALLOW": "10.1/8"}])
def test_bad_rules_stop_the_start(given):
    with pytest.raises(ConfigError, match=next(iter(given))):
        Config.from_env(given)


def test_credentials_in_a_url_are_not_sent(calls, receiver):  # noqa: F811 - a fixture
    target = receiver(answering(OK))

    outcome = calls(LOOPBACK).call(ask(f"http://user:secret@127.0.0.1:{target.port}/"))

    assert (outcome.error_code, target.connections) == ("invalid_request", 0)
    assert "secret" not in outcome.error
