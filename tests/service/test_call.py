"""The call against small real servers: what is sent, and how an answer is judged."""

from datetime import UTC, datetime
from itertools import product

import pytest

from service.transport import BODY_LIMIT
from tests.service.receiver import (
    CHUNKED,
    OK,
    SHORT,
    WAIT,
    Caller,
    answering,
    ask,
    caller,
    hanging,
    header,
    keeping,
    receiver,
    status,
    summary,
)

__all__ = ["caller", "receiver"]  # fixtures


def test_a_2xx_answer_completes_the_call(caller, receiver):
    target = receiver(answering(OK))

    outcome = caller.call(ask(target))

    assert summary(outcome) == ("completed", None, False)
    assert (outcome.response_status, outcome.response_body, outcome.error) == (200, "ok", None)
    assert 0 < outcome.duration_ms < WAIT * 1000


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (201, ("completed", None, False)),
        (204, ("completed", None, False)),
        (304, ("failed", "http_status", False)),
        (400, ("failed", "http_status", False)),
        (401, ("failed", "http_status", False)),
        (404, ("failed", "http_status", False)),
        (408, ("failed", "http_status", True)),
        (425, ("failed", "http_status", True)),
        (429, ("failed", "http_status", True)),
        (500, ("failed", "http_status", True)),
        (503, ("failed", "http_status", True)),
        (599, ("failed", "http_status", True)),
    ],
)
def test_the_status_decides(caller, receiver, code, expected):
    target = receiver(answering(status(code)))

    outcome = caller.call(ask(target))

    assert expected == summary(outcome)
    assert outcome.response_status == code


@pytest.mark.parametrize("location", ["/elsewhere", "http://[not-a-host", "ftp://x/"])
def test_a_redirect_is_not_followed(caller, receiver, location):
    target = receiver(answering(status(302, f"Location: {location}"), OK))

    outcome = caller.call(ask(target))

    assert summary(outcome) == ("failed", "http_status", False)
    assert len(target.requests) == 1


def test_a_body_of_exactly_the_limit_is_whole(caller, receiver):
    target = receiver(answering(status(200, body=b"z" * BODY_LIMIT), OK))

    outcomes = [caller.call(ask(target)), caller.call(ask(target))]

    assert [(outcome.response_body, outcome.response_truncated) for outcome in outcomes] == [
        ("z" * BODY_LIMIT, False),
        ("ok", False),
    ]
    assert target.connections == 1


def test_a_connection_is_used_again(caller, receiver):
    target = receiver(answering(OK, OK, OK))

    outcomes = [caller.call(ask(target)).status for _ in range(3)]

    assert outcomes == ["completed"] * 3
    assert target.connections == 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        (["Retry-After: 7"], 7.0),
        (["Retry-After: 0"], 0.0),
        (["Retry-After: " + "9" * 5000], 3600.0),
        (["Retry-After: soon"], None),
        (["Retry-After: -5"], None),
        (["Retry-After: Wed, 21 Oct 2015 07:28:30 GMT"], None),
        (["Retry-After: Wed, 21 Oct 2015 07:28:30 GMT", "Date: Wed, 21 Oct 2015 07:28:00 GMT"], 30.0),
        (["Retry-After: Wed, 21 Oct 2015 07:28:30 GMT", "Date: Wed, 21 Oct 2015 09:00:00 GMT"], 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_measured_against_the_answers(caller, receiver, headers, expected):
    target = receiver(answering(status(503, *headers)))

    outcome = caller.call(ask(target))

    assert expected == outcome.retry_after


@pytest.mark.parametrize("date", ["Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:30 -0000"])
def test_retry_after_is_left_a_date_where_the_answer_has_none(caller, receiver, date):
    target = receiver(answering(status(503, f"Retry-After: {date}")))

    outcome = caller.call(ask(target))

    assert datetime(2015, 10, 21, 7, 28, 30, tzinfo=UTC) == outcome.retry_not_before


def test_a_get_sends_no_body_and_no_content_type(caller, receiver):
    target = receiver(answering(OK))

    caller.call(ask(target))

    head = target.requests[0]
    assert head.startswith(b"GET /hook HTTP/1.1\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert _names(head) == ["accept", "host", "user-agent"]


def _names(request: bytes) -> list[str]:
    """The header names sent, less those in which the two adapters may differ."""
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    names = {line.partition(b":")[0].decode().lower() for line in lines}
    return sorted(names - {"connection", "accept-encoding"})


def test_a_post_without_a_body_says_so(caller, receiver):
    target = receiver(answering(OK))

    caller.call(ask(target, method="POST"))

    assert _names(target.requests[0]) == ["accept", "content-length", "host", "user-agent"]
    assert header(target.requests[0], b"content-length") == b"0"


SHAPES = [
    ("GET", None),
    ("HEAD", b"x"),
    ("POST", b"{}"),
    ("POST", None),
    ("DELETE", None),
    ("PATCH", b"[1]"),
    ("GET", b"0"),
]


def test_nothing_of_a_call_is_left_in_the_next_one(caller, receiver):
    target = receiver(keeping)
    asked = [shape for pair in product(SHAPES, repeat=2) for shape in pair]

    for number, (method, body) in enumerate(asked):
        url = f"http://127.0.0.1:{target.port}/{number // 3}"
        assert caller.call(ask(url, method=method, body=body)).status == "completed"

    came = [(request.partition(b" HTTP")[0].decode(), request.partition(b"\r\n\r\n")[2]) for request in target.requests]
    assert came == [
        (f"{method} /{number // 3}", b"" if method == "HEAD" else body or b"")
        for number, (method, body) in enumerate(asked)
    ]
    assert target.connections == 1


def test_the_timeout_of_a_call_is_its_own(caller, receiver):
    quick, hung = receiver(keeping), receiver(hanging)

    caller.call(ask(quick, timeout=WAIT * 10))
    outcome = caller.call(ask(hung, timeout=SHORT))

    assert outcome.status == "timeout"
    assert outcome.duration_ms < WAIT * 1000


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_a_large_body_is_sent_at_once(caller, receiver, method):
    target = receiver(answering(OK))

    outcome = caller.call(ask(target, method=method, body=b"b" * 3_000_000))

    head, _, body = target.requests[0].partition(b"\r\n\r\n")
    assert outcome.status == "completed"
    assert (head.split()[0], body) == (method.encode(), b"b" * 3_000_000)
    assert header(head, b"expect") is None
    assert header(head, b"content-type") == b"application/json"


def test_own_headers_win_and_may_be_any_text(caller, receiver):
    target = receiver(answering(OK))
    own = {"user-agent": "Mine", "Content-Type": "text/plain", "X-Name": "Zoë", "X-None": "", "Host": "other"}

    caller.call(ask(target, method="POST", body=b"hi", headers=own | {"Content-Length": "999"}))

    head = target.requests[0]
    sent = [header(head, name) for name in (b"user-agent", b"content-type", b"x-name", b"x-none", b"host")]
    assert sent == [b"Mine", b"text/plain", "Zoë".encode(), b"", b"other"]
    assert head.lower().count(b"content-type:") == head.lower().count(b"user-agent:") == 1
    assert header(head, b"content-length") == b"2"


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"X-A": "b\r\nX-C: d"}},
        {"headers": {"X-A": "b\0"}},
        {"headers": {"X-A": "\ud800"}},
        {"headers": {"X-A\n": "b"}},
        {"headers": {"": "b"}},
        {"headers": {"X Ä": "b"}},
        {"method": "GET /x"},
        {"method": "CONNECT"},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"url": "ftp://user:secret@host/"},
        {"url": "http://user:secret@"},
        {"url": "http://user:secret@host:99999999/"},
        {"url": "http://user:secret@[::zz]/"},
        {"url": "file:///etc/passwd"},
        {"url": ""},
    ],
)
def test_what_cannot_be_sent_is_refused(caller, receiver, changes):
    target = receiver(answering(OK))

    outcome = caller.call(ask(target, **changes))

    assert summary(outcome) == ("failed", "invalid_request", False)
    assert outcome.error is not None
    assert "secret" not in outcome.error
    assert target.connections == 0


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nold", "old", id="HTTP/1.0"),
        pytest.param(status(200, body=b"a\0b"), "a\N{REPLACEMENT CHARACTER}b", id="NUL"),
        pytest.param(status(200, body=b"a\xed\xa0\x80"), "a" + "\N{REPLACEMENT CHARACTER}" * 3, id="surrogate"),
        pytest.param(
            status(200, "Content-Encoding: gzip", body=b"\x1f\x8bjunk"),
            "\x1f\N{REPLACEMENT CHARACTER}junk",
            id="gzip unasked",
        ),
        pytest.param(
            CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n",
            "abcde",
            id="chunked with trailer",
        ),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "ok", id="interim answer"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", "", id="204"),
    ],
)
def test_an_unusual_answer_is_read(caller, receiver, answer, text):
    target = receiver(answering(answer))

    outcome = caller.call(ask(target))

    assert (outcome.status, outcome.response_body) == ("completed", text)


def test_a_head_answer_has_no_body_whatever_its_length_says(caller, receiver):
    target = receiver(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", OK))

    outcomes = [caller.call(ask(target, method="HEAD", body=b"x")), caller.call(ask(target))]

    assert [outcome.response_body for outcome in outcomes] == ["", "ok"]
    assert target.connections == 1


def test_cookies_are_not_kept(caller, receiver):
    target = receiver(answering(status(200, "Set-Cookie: a=b; Path=/"), OK))

    caller.call(ask(target))
    caller.call(ask(target))

    assert header(target.requests[1], b"cookie") is None


def test_a_proxy_in_the_environment_is_not_used(receiver, monkeypatch):
    target = receiver(answering(OK, OK))
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    statuses = [Caller(adapter).call(ask(target)).status for adapter in (None, "stock")]

    assert statuses == ["completed", "completed"]
