"""Retry delays, what is retried, and previews: the parts of policy.py that no tick decides."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.policy import Backoff, PreviewRun, is_retryable, preview, retry_delay, retry_on_problem
from tests.service.test_policy import HOUR, NOON, make_plan

# Retries


@pytest.mark.parametrize(
    ("backoff", "attempt", "retry_after", "delay"),
    [
        (Backoff("fixed", 60), 1, None, 60),
        (Backoff("fixed", 60), 9, None, 60),
        (Backoff("fixed", 7200), 1, None, 7200),
        (Backoff("fixed", 60), 1, 30, 60),
        (Backoff("fixed", 60), 1, 90, 90),
        (Backoff("fixed", 60), 1, 1e9, 3600),
        (Backoff("exponential", 10, 300), 1, 120, 120),
        (Backoff("fixed", 0), 1, None, 0),
    ],
)
def test_the_longer_of_own_delay_and_retry_after_is_waited(
    backoff: Backoff, attempt: int, retry_after: float | None, delay: float
) -> None:
    assert delay == retry_delay(attempt, backoff, retry_after, "some-execution")


@pytest.mark.parametrize(
    ("backoff", "attempt", "ceiling"),
    [
        (Backoff("exponential", 10), 1, 10),
        (Backoff("exponential", 10), 4, 80),
        (Backoff("exponential", 10), 100_000, 3600),
        (Backoff("exponential", 7200), 3, 7200),
        (Backoff("exponential", 10, 50), 4, 50),
        (Backoff("exponential", 10, 86_400), 12, 20_480),
    ],
)
def test_exponential_delay_doubles_to_its_cap_and_spreads_over_its_upper_half(
    backoff: Backoff, attempt: int, ceiling: float
) -> None:
    found = [retry_delay(attempt, backoff, None, f"execution-{n}") for n in range(200)]

    assert found == [retry_delay(attempt, backoff, None, f"execution-{n}") for n in range(200)]
    assert ceiling / 2 <= min(found) < ceiling * 0.55
    assert ceiling * 0.95 < max(found) <= ceiling


@pytest.mark.parametrize(
    ("ending", "retry_on", "default", "retryable"),
    [
        (("failed", "http_status", 503), None, True, True),
        (("failed", "http_status", 404), None, False, False),
        (("failed", "http_status", 503), ["503"], True, True),
        (("failed", "http_status", 503), ["5xx"], True, True),
        (("failed", "http_status", 503), ["4xx", "timeout", "connection"], True, False),
        (("failed", "http_status", 404), ["404"], False, True),
        (("failed", "http_status", 404), [], False, False),
        (("failed", "http_status", 408), ["timeout"], True, False),
        (("timeout", "timeout", None), ["timeout"], True, True),
        (("timeout", "timeout", None), ["5xx", "connection"], True, False),
        (("failed", "connection", None), ["connection"], True, True),
        (("failed", "dns", None), ["connection"], True, True),
        (("failed", "protocol", None), ["connection"], True, True),
        (("failed", "tls", None), ["connection"], True, True),
        (("failed", "tls", None), ["connection"], False, False),
        (("failed", "dns", None), ["5xx", "timeout"], True, False),
        (("failed", "invalid_request", None), ["connection", "5xx"], False, False),
        (("completed", None, 200), ["2xx", "200"], False, False),
        (("cancelled", "aborted", None), ["connection"], False, False),
    ],
)
def test_retry_on_overrides_the_calls_own_verdict(
    ending: tuple[str, str | None, int | None], retry_on: list[str] | None, default: bool, retryable: bool
) -> None:
    assert retryable == is_retryable(*ending, retry_on, default)


@pytest.mark.parametrize("item", ["300", "404", "503", "599", "3xx", "4xx", "5xx", "timeout", "connection"])
def test_retry_on_takes_codes_classes_and_words(item: str) -> None:
    assert retry_on_problem(item) is None


@pytest.mark.parametrize("item", ["200", "2xx", "600", "5XX", "50", "5xxx", "", "dns", "٥٠٣", "503\n", 503, None, True])
def test_retry_on_refuses_the_rest_and_says_what_is_right(item: object) -> None:
    assert '"5xx", "timeout" or "connection"' in (retry_on_problem(item) or "")


# Preview


def test_preview_shows_local_times_and_what_a_clock_change_does() -> None:
    plan = make_plan("cron", "0 30 2 * * *", "America/New_York")

    found = preview(plan, datetime(2026, 3, 7, tzinfo=UTC), 2)

    night = datetime(2026, 3, 8, 7, tzinfo=UTC)
    note = "moved from 02:30, which the clock skipped"
    day_before = datetime(2026, 3, 7, 7, 30, tzinfo=UTC)
    assert [
        PreviewRun(day_before, "2026-03-07T02:30:00-05:00", None),
        PreviewRun(night, "2026-03-08T03:00:00-04:00", note),
    ] == found


@pytest.mark.parametrize(
    ("type_", "text", "local"),
    [
        ("cron", "TZ=Asia/Tokyo 0 0 22 * * *", "2026-01-15T22:00:00+09:00"),
        ("cron", "TZ=Asia/Tokyo @every 1h", "2026-01-15T21:59:00+09:00"),
        ("interval", "3600", "2026-01-15T13:59:00+01:00"),
        ("one_time", "2026-01-15T12:34:56.5Z", "2026-01-15T13:34:56.500000+01:00"),
    ],
)
def test_preview_speaks_in_the_zone_of_the_schedule(type_: str, text: str, local: str) -> None:
    found = preview(make_plan(type_, text, "Europe/Berlin"), NOON, 1)

    assert [local, None] == [found[0].local, found[0].note]


def test_preview_without_a_job_shows_jitter() -> None:
    plan = replace(make_plan("cron", "@hourly", jitter=HOUR), job_id=None)

    one, two = preview(plan, NOON, 2)

    assert NOON + HOUR < one.at < NOON + 2 * HOUR < two.at
    assert datetime.fromisoformat(one.local) == one.at


def test_preview_at_the_end_of_time_falls_back_to_utc() -> None:
    plan = make_plan("one_time", "9999-12-31T23:00:00Z", "Pacific/Kiritimati")

    assert [run.local for run in preview(plan, NOON, 1)] == ["9999-12-31T23:00:00+00:00"]
