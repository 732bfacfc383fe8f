"""Log lines, key=value or JSON, one a unit of work, written at its end; and the list of events they tell of.

A line costs a few microseconds, as one is written for each attempt: it is made only when its level is wanted, and put
into a buffer that a thread of its own writes out many lines at a time. Warnings, errors and the end of the process
write it out at once; a kill -9 costs the lines of the last FLUSH_SECONDS, and those of attempts that have not been told
yet: mostly of the last 10 ms, and of the last second where the database does not answer.
"""

import atexit
import json
import logging
import re
import select
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

TICK = "tick.done"
ATTEMPT_FINISHED = "attempt.finished"
ATTEMPT_FENCED = "attempt.fenced"
OUTCOME_REFUSED = "outcome.refused"
CLAIM_ABORTED = "claim.aborted"
CLAIMS_RETURNED = "claim.returned"
EXECUTIONS_RESCUED = "executions.rescued"
WORKER_STARTED = "worker.started"
WORKER_BURIED = "worker.buried"
WORKER_DRAINED = "worker.drained"
WORKER_STANDS_DOWN = "worker.stands_down"
LEASE_TAKEN = "lease.taken"
LEASE_LOST = "lease.lost"
REDIS_DOWN = "redis.down"
REDIS_UP = "redis.up"
LISTEN_LOST = "listen.lost"
PARTITIONS_CHANGED = "partitions.changed"
AUDIT_PURGED = "audit.purged"
BREAKER_OPENED = "breaker.opened"
BREAKER_CLOSED = "breaker.closed"
ALERT_QUEUED = "alert.queued"
SCHEDULE_FAILED = "schedule.failed"
LOOP_FAILED = "loop.failed"
DATABASE_LOST = "database.lost"
SECRETS_IN_PLAIN = "secrets.in_plain"
SERVING = "service.serving"
DRAINING = "service.draining"
ORPHANED = "service.orphaned"
STOPPED = "service.stopped"
AFFINITY_CHOSEN = "affinity.chosen"
AFFINITY_REFUSED = "affinity.refused"
PROCESS_STARTED = "process.started"
PROCESS_DIED = "process.died"
PROCESS_ENDED = "process.ended"
REQUEST_DONE = "request.done"
REQUEST_FAILED = "request.failed"
LIBRARY = "library.message"

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
# An event's area is what stands before the dot: LOG_LEVEL=INFO,attempt=WARNING quiets the lines of attempts.
AREAS = frozenset(
    value.partition(".")[0] for name, value in list(globals().items()) if name.isupper() and type(value) is str
)
FLUSH_SECONDS = 0.02
BUFFER_LINES = 10_000  # past these a writer waits for the one who reads the lines
LIBRARIES = ("waitress", "psycopg", "opentelemetry")

DEBUG, INFO, WARNING, ERROR = LEVELS.values()
_NAMES = {number: name for name, number in LEVELS.items()}
_PLAIN = re.compile(r"[!#-<>-~]+").fullmatch  # ASCII that needs no quotes: no blank, quote or equals sign
_context: ContextVar[Mapping[str, object]] = ContextVar("log_context", default={})  # noqa: B039 - never changed


class _Thresholds(dict[str, int]):
    """The level from which on an event is told; worked out once an event."""

    def __init__(self, default: int, areas: Mapping[str, int]) -> None:
        self._default = default
        self._areas = areas

    def __missing__(self, event: str) -> int:
        self[event] = self._areas.get(event.partition(".")[0], self._default)
        return self[event]


class _Writer:
    """Writes lines to standard error, many at a time, in their order."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._started = False
        self._asleep = True

    def put(self, line: str, at_once: bool) -> None:
        """Take a line, to be written within FLUSH_SECONDS, or now."""
        self._lines.append(line)
        if at_once or not self._started or len(self._lines) > BUFFER_LINES:
            self.flush()
        elif self._asleep:
            self._asleep = False
            self._wake.set()

    def flush(self) -> None:
        """Write what is there; lines that find standard error closed are gone."""
        with self._writing:
            taken = [self._lines.popleft() for _ in range(len(self._lines))]
            for text in _writes(taken):
                if not sys.stderr.closed:
                    sys.stderr.write(text)
                    sys.stderr.flush()

    def start(self) -> None:
        """Start the thread; until then each line is written as it comes."""
        if not self._started:
            self._started = True
            atexit.register(self.flush)
            threading.Thread(target=self._run, name="log", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(FLUSH_SECONDS)  # for company
            self._wake.clear()
            self._asleep = True  # before the lines are taken: one that comes later wakes again
            self.flush()


def _writes(lines: list[str]) -> Iterator[str]:
    """The lines in as few pieces as a pipe takes whole: other processes of the instance write to it as well."""
    piece: list[str] = []
    size = 0
    for line in lines:
        length = len(line) if line.isascii() else len(line.encode())
        if piece and size + length > select.PIPE_BUF:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += length
    if piece:
        yield "".join(piece)


_writer = _Writer()
_thresholds = _Thresholds(WARNING, {})  # until the service says what it wants


def parse_level(text: str) -> tuple[int, dict[str, int]]:
    """The level, and the areas that have one of their own, of a LOG_LEVEL such as `INFO,attempt=WARNING`.

    Raises:
        ValueError: says what was expected.
    """
    default, areas = INFO, {}
    for part in text.split(","):
        area, equals, level = part.strip().rpartition("=")
        if level.upper() not in LEVELS or (equals and area not in AREAS):
            known = ", ".join(sorted(AREAS))
            raise ValueError(f"one of {', '.join(LEVELS)}, then <area>=<level> if need be, with areas {known}")
        if equals:
            areas[area] = LEVELS[level.upper()]
        else:
            default = LEVELS[level.upper()]
    return default, areas


def configure(level: str = "INFO", form: str = "text", process: str | None = None) -> None:
    """Log at this level (see parse_level) and in this form, `text` or `json`; libraries' warnings too.

    `process` is on every line, where an instance has several.
    """
    global _thresholds, _render, _process, _shown_process  # noqa: PLW0603 - one log a process
    _process, _shown_process = process, f" process={process}" if process else ""
    default, areas = parse_level(level)
    _thresholds = _Thresholds(default, areas)
    _render = _json_line if form == "json" else _text_line
    _writer.start()
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = [_Library()]
        logger.propagate = False
        logger.setLevel(areas.get("library", WARNING))
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a burst of requests is no news


class _Library(logging.Handler):
    """Libraries' own messages as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of a record."""
        fields: dict[str, object] = {"logger": record.name, "message": " ".join(record.getMessage().split())}
        exc = record.exc_info[1] if record.exc_info else None
        _tell(max(DEBUG, min(record.levelno, ERROR)) // 10 * 10, LIBRARY, fields, exc)


@contextmanager
def context(**fields: object) -> Iterator[None]:
    """Put these fields on every line that is told within the block, in this thread."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def debug(event: str, **fields: object) -> None:
    """Tell of something that is of interest only while one looks for trouble."""
    if _thresholds[event] <= DEBUG:
        _tell(DEBUG, event, fields)


def info(event: str, **fields: object) -> None:
    """Tell of something that went as it should."""
    if _thresholds[event] <= INFO:
        _tell(INFO, event, fields)


def warning(event: str, **fields: object) -> None:
    """Tell of something that went wrong and was dealt with."""
    if _thresholds[event] <= WARNING:
        _tell(WARNING, event, fields)


def error(event: str, exc: BaseException | None = None, **fields: object) -> None:
    """Tell of something that went wrong and needs a look, with the traceback of exc."""
    _tell(ERROR, event, fields, exc)


def flush() -> None:
    """Write out the lines told so far."""
    _writer.flush()


def _tell(level: int, event: str, fields: dict[str, object], exc: BaseException | None = None) -> None:
    if more := _context.get():
        fields = {**more, **fields}
    if exc is not None:
        fields["traceback"] = "".join(traceback.format_exception(exc)).rstrip()
    _writer.put(_render(level, event, fields), level > INFO)


_process: str | None = None
_shown_process = ""
_last_second = (0, "")


def _now() -> str:
    global _last_second  # noqa: PLW0603 - a cache; two threads that renew it at once write the same
    now = int(time.time() * 1000)
    second, text = _last_second
    if now // 1000 != second:
        second = now // 1000
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        _last_second = (second, text)
    return f"{text}.{now % 1000:03d}Z"


class _Thread(threading.local):
    """What the lines of a thread say of it."""

    def __init__(self) -> None:
        self.name = threading.current_thread().name
        self.shown = _value(self.name)


class Line:
    """The line of an event that is told very often: the same fields each time, none of whose values needs quotes."""

    def __init__(self, event: str, *names: str) -> None:
        self._event = event
        self._names = names
        self._patterns: dict[tuple[type, ...], str] = {}  # by the types of the values; there are few such sets

    def info_all(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Tell of each as info() does, with its values in the order of the names; those that are None are left out."""
        if _thresholds[self._event] > INFO:
            return
        if _render is not _text_line or _context.get():
            for row in rows:
                _tell(INFO, self._event, dict(zip(self._names, row, strict=True)))
            return
        head = _head(INFO, self._event)
        for row in rows:
            types = tuple(map(type, row))
            pattern = self._patterns.get(types) or self._pattern(types)
            _writer.put(head + pattern % row, at_once=False)

    def _pattern(self, types: tuple[type, ...]) -> str:
        shown = {float: " {}=%.1f", type(None): "%.0s"}  # of None, no character is shown
        parts = [shown.get(kind, " {}=%s").format(name) for name, kind in zip(self._names, types, strict=True)]
        self._patterns[types] = "".join(parts) + "\n"
        return self._patterns[types]


def _head(level: int, event: str) -> str:
    return f"time={_now()} level={_NAMES[level]}{_shown_process} thread={_thread.shown} event={event}"


def _text_line(level: int, event: str, fields: Mapping[str, object]) -> str:
    line = _head(level, event)
    for key, item in fields.items():
        kind = type(item)
        if kind is int or (kind is str and (item.isalnum() or _PLAIN(item))):  # type: ignore[attr-defined, call-overload]
            line += f" {key}={item}"
        elif kind is float:
            line += f" {key}={item:.1f}"
        elif item is not None:
            line += f" {key}={_value(item)}"
    return line + "\n"


def _json_line(level: int, event: str, fields: Mapping[str, object]) -> str:
    line: dict[str, object] = {"time": _now(), "level": _NAMES[level]}
    if _process is not None:
        line["process"] = _process
    line |= {"thread": _thread.name, "event": event}
    line |= {key: _shown(item) for key, item in fields.items() if item is not None}
    return json.dumps(line, default=str, separators=(",", ":")) + "\n"


def _shown(item: object) -> object:
    return round(item, 1) if isinstance(item, float) else item


def _value(item: object) -> str:
    if type(item) is UUID:  # half the time that str() takes
        text = item.hex
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    text = str(item)
    if text and text.isprintable() and not any(mark in text for mark in ' "='):
        return text
    return '"' + text.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


_thread = _Thread()
_render: Callable[[int, str, Mapping[str, object]], str] = _text_line
