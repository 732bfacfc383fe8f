"""Log lines as key=value, one a unit of work, written at its end; and the list of events they tell of."""

import logging
import sys

TICK = "tick.done"
ATTEMPT_FINISHED = "attempt.finished"
ATTEMPT_FENCED = "attempt.fenced"
OUTCOME_REFUSED = "outcome.refused"
CLAIM_ABORTED = "claim.aborted"
EXECUTIONS_RESCUED = "executions.rescued"
WORKER_STARTED = "worker.started"
WORKER_BURIED = "worker.buried"
WORKER_DRAINED = "worker.drained"
LEASE_TAKEN = "lease.taken"
LEASE_LOST = "lease.lost"
REDIS_DOWN = "redis.down"
REDIS_UP = "redis.up"
LISTEN_LOST = "listen.lost"
PARTITIONS_CHANGED = "partitions.changed"
SCHEDULE_FAILED = "schedule.failed"
LOOP_FAILED = "loop.failed"
DATABASE_LOST = "database.lost"
SERVING = "service.serving"
DRAINING = "service.draining"
STOPPED = "service.stopped"
REQUEST_FAILED = "request.failed"
LIBRARY = "library.message"

_logger = logging.getLogger("scheduler")


def configure(level: str = "INFO") -> None:
    """Send the service's lines to standard error, each with time, level and thread."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s level=%(levelname)s thread=%(threadName)s %(message)s"))
    handler.formatter.default_msec_format = "%s.%03d"  # type: ignore[union-attr]
    _logger.handlers = [handler]
    _logger.propagate = False
    _logger.setLevel(level)
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(_Foreign("%(asctime)s level=%(levelname)s thread=%(threadName)s %(message)s"))
    for name in ("waitress", "psycopg", "opentelemetry"):
        logging.getLogger(name).handlers = [foreign]
        logging.getLogger(name).propagate = False
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a burst of requests is no news


class _Foreign(logging.Formatter):
    """Libraries' own messages as one key=value line each."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        text = _line(LIBRARY, {"logger": record.name, "message": " ".join(record.getMessage().split())})
        shown = logging.makeLogRecord(record.__dict__ | {"msg": text, "args": ()})
        return super().format(shown)


def info(event: str, **fields: object) -> None:
    """Tell of something that went as it should."""
    _logger.info(_line(event, fields))


def warning(event: str, **fields: object) -> None:
    """Tell of something that went wrong and was dealt with."""
    _logger.warning(_line(event, fields))


def error(event: str, exc: BaseException | None = None, **fields: object) -> None:
    """Tell of something that went wrong and needs a look, with the traceback of exc."""
    _logger.error(_line(event, fields), exc_info=exc)


def _line(event: str, fields: dict[str, object]) -> str:
    return " ".join([f"event={event}", *(f"{key}={_value(item)}" for key, item in fields.items())])


def _value(item: object) -> str:
    text = f"{item:.1f}" if isinstance(item, float) else str(item)
    if text and text.isprintable() and not any(mark in text for mark in ' "='):
        return text
    return '"' + text.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'
