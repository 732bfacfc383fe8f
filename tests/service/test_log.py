"""Log lines as those who search them find them."""

import json
import logging
import re
import subprocess
import sys
import threading
from uuid import UUID

import pytest

from service import log
from service.log import parse_level


@pytest.fixture
def told(capsys):
    """Configures the log, and gives the lines told since."""

    def lines():
        log.flush()
        return capsys.readouterr().err.splitlines()

    yield lines
    log.flush()
    log.configure("WARNING")


def test_a_line_is_key_value_with_time_level_thread_and_event(told):
    log.configure()

    log.info(log.ATTEMPT_FINISHED, execution_id=UUID(int=7), attempt=2, status="timeout", ms=12.34, error_code=None)

    (line,) = told()
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=INFO thread=MainThread event=attempt.finished "
        r"execution_id=00000000-0000-0000-0000-000000000007 attempt=2 status=timeout ms=12.3",
        line,
    )


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("fields", [{}, {"request_id": "r1"}])
def test_a_line_of_fixed_fields_is_the_same_as_any_other(told, form, fields):
    log.configure(form=form)
    with log.context(**fields):
        log.Line(log.ATTEMPT_FINISHED, "attempt", "status", "error_code", "ms").info_all(
            [(2, "timeout", None, 12.34), (3, "a%sb", "dns", 5.0), (4, "timeout", None, 0.06)]
        )
        log.info(log.ATTEMPT_FINISHED, attempt=2, status="timeout", error_code=None, ms=12.34)
        log.info(log.ATTEMPT_FINISHED, attempt=3, status="a%sb", error_code="dns", ms=5.0)
        log.info(log.ATTEMPT_FINISHED, attempt=4, status="timeout", error_code=None, ms=0.06)

    lines = [re.sub(r"\d\d\.\d{3}Z", "", line) for line in told()]
    assert lines[:3] == lines[3:]
    assert len(lines) == 6


def test_a_line_of_fixed_fields_is_told_at_its_areas_level(told):
    log.configure("INFO,attempt=WARNING")

    log.Line(log.ATTEMPT_FINISHED, "attempt").info_all([(2,)])

    assert told() == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ('a"b=c', '"a\\"b=c"'),
        ("one\ntwo\u2028", '"one\\ntwo\\u2028"'),
        ("käse", "käse"),
        (True, "True"),
    ],
)
def test_a_value_stays_on_its_line_whatever_it_holds(told, value, shown):
    log.configure()

    log.info(log.TICK, field=value)

    assert told()[0].partition(" field=")[2] == shown


def test_json_lines_hold_the_same_fields(told):
    log.configure("INFO", "json")

    log.info(log.TICK, id=UUID(int=7), note='a "b"\n', ms=1.26, none=None)

    line = json.loads(told()[0])
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "thread": "MainThread",
        "event": "tick.done",
        "id": str(UUID(int=7)),
        "note": 'a "b"\n',
        "ms": 1.3,
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_and_its_traceback_are_one_line(told, form):
    log.configure("ERROR", form)

    log.error(log.LOOP_FAILED, ValueError("broken\nhere"), loop="tick")

    (line,) = told()
    assert "ValueError: broken\\nhere" in line


def test_lines_within_a_context_carry_its_fields_and_others_do_not(told):
    log.configure()

    with log.context(request_id="r1"), log.context(trace_id="t1"):
        log.info(log.TICK)
        threading.Thread(target=log.info, args=[log.DRAINING]).start()
    log.info(log.STOPPED)

    assert [re.findall(r"_id=(\w+)", line) for line in told()] == [["r1", "t1"], [], []]


def test_an_area_may_have_a_level_of_its_own(told):
    log.configure("WARNING,tick=DEBUG,attempt=ERROR")

    log.debug(log.TICK)
    log.info(log.STOPPED)
    log.warning(log.ATTEMPT_FENCED)
    log.error(log.LOOP_FAILED)

    assert [re.search(r" event=\S+", line)[0] for line in told()] == [" event=tick.done", " event=loop.failed"]


@pytest.mark.parametrize("text", ["LOUD", "INFO,nothing=DEBUG", "tick=", "INFO,,", "tick=INFO=DEBUG"])
def test_a_level_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="one of DEBUG, INFO, WARNING, ERROR"):
        parse_level(text)


def test_what_libraries_tell_is_a_line_too(told):
    log.configure("INFO", "json")

    logging.getLogger("psycopg.pool").warning("error connecting\nin %s", "pool")

    line = json.loads(told()[0])
    assert (line["event"], line["logger"], line["level"]) == ("library.message", "psycopg.pool", "WARNING")
    assert line["message"] == "error connecting in pool"


def test_lines_of_many_threads_are_all_there_whole_at_exit():
    program = (
        "import threading\nfrom service import log\nlog.configure()\n"
        "tell = lambda: [log.info(log.TICK, number=n) for n in range(500)]\n"
        "[threading.Thread(target=tell, name='teller').start() for _ in range(4)]"
    )

    ended = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, check=True)

    lines = ended.stderr.splitlines()
    assert len(lines) == 2000
    assert [
        line for line in lines if not re.fullmatch(r"time=\S+ level=INFO thread=\S+ event=\S+ number=\d+", line)
    ] == []
