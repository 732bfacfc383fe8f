"""OpenTelemetry spans for requests, statements, ticks and calls; off by default, and then as good as free."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer

from service.config import Config

CALL_SPANS_A_SECOND = 100.0  # recorded; a span costs half as much as a call. OTEL_TRACES_SAMPLER, where set, decides
LOWEST_BITS = 1 << 64 | 1  # of a trace id and a span id, one behind the other
EXPORT_SECONDS = 2  # a collector that does not answer is given up on; spans are dropped, nothing waits

_tracer: Tracer | None = None
_provider: TracerProvider | None = None


def configure(config: Config, version: str) -> None:
    """Start exporting spans by OTLP over HTTP when the settings ask for it."""
    global _tracer, _provider, _calls  # noqa: PLW0603 - one tracer a process, as OpenTelemetry has it
    if not config.tracing_enabled:
        return
    resource = Resource({"service.name": "scheduler-service", "service.version": version})
    resource = resource.merge(OTELResourceDetector().detect())  # OTEL_SERVICE_NAME and the like win
    endpoint = f"{config.otlp_endpoint.rstrip('/')}/v1/traces"
    _provider = TracerProvider(resource=resource)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)))
    _tracer = _provider.get_tracer("scheduler")
    _calls = _Rate(None if config.traces_sampler else CALL_SPANS_A_SECOND)


def shutdown() -> None:
    """Export what is left, for a moment at most."""
    if _provider is not None:
        _provider.force_flush(EXPORT_SECONDS * 1000)
        _provider.shutdown()


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, traceparent: str | None = None) -> Iterator[Span]:
    """A span around a block, child of the current one or of the traceparent given; an inert one when tracing is off."""
    if _tracer is None:
        yield INVALID_SPAN
        return
    context = _context_of(traceparent) if traceparent else None
    with _tracer.start_as_current_span(name, kind=kind, context=context) as current:
        yield current


def trace_of(current: Span) -> tuple[str, str]:
    """Trace id (32 hex digits) and traceparent header of a span; fresh random ones when tracing is off.

    Source: W3C Trace Context, section 3.2.
    """
    context = current.get_span_context()
    if context.is_valid:
        return (
            f"{context.trace_id:032x}",
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}",
        )
    return _fresh()


def _fresh() -> tuple[str, str]:
    # Not os.urandom, which is a system call for each; the generator is seeded anew in a forked process. The lowest
    # bits are set, as ids of zeros are not valid.
    digits = (random.getrandbits(192) | LOWEST_BITS).to_bytes(24, "big").hex()  # half the time that a format takes
    trace_id = digits[:32]
    return trace_id, f"00-{trace_id}-{digits[32:]}-00"


class CallTrace:
    """The trace of one call: its id, the traceparent the receiver gets, and its span where it is recorded."""

    __slots__ = ("_span", "parent", "trace_id")

    def __init__(self, span: Span | None) -> None:
        self._span = span
        self.trace_id, self.parent = _fresh() if span is None else trace_of(span)

    def end(self, status: str) -> None:
        """End the span, saying how the call ended."""
        if self._span is not None:
            self._span.set_attribute("scheduler.outcome", status)
            self._span.end()


def begin_call(execution_id: str) -> CallTrace:
    """The trace of a call that begins now; its span is the root, whatever span is current."""
    if _tracer is None or not _calls.admits():
        return CallTrace(None)
    attributes = {"scheduler.execution_id": execution_id}
    return CallTrace(_tracer.start_span("call", Context(), SpanKind.CLIENT, attributes))


class _Rate:
    """Admits so many a second, and in a burst; None admits all."""

    def __init__(self, a_second: float | None) -> None:
        self._rate = a_second
        self._left = a_second or 0.0
        self._at = time.monotonic()

    def admits(self) -> bool:
        """Whether one more may be."""
        if self._rate is None:
            return True
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * self._rate, self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


_calls = _Rate(CALL_SPANS_A_SECOND)


def _context_of(traceparent: str) -> Context:
    _, trace_id, span_id, flags = traceparent.split("-")
    remote = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote))
