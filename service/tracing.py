"""OpenTelemetry spans for requests, statements, ticks and calls; off by default, and then as good as free."""

import os
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

EXPORT_SECONDS = 2  # a collector that does not answer is given up on; spans are dropped, nothing waits

_tracer: Tracer | None = None
_provider: TracerProvider | None = None


def configure(config: Config, version: str) -> None:
    """Start exporting spans by OTLP over HTTP when the settings ask for it."""
    global _tracer, _provider  # noqa: PLW0603 - one tracer a process, as OpenTelemetry has it
    if not config.tracing_enabled:
        return
    resource = Resource({"service.name": "scheduler-service", "service.version": version})
    resource = resource.merge(OTELResourceDetector().detect())  # OTEL_SERVICE_NAME and the like win
    endpoint = f"{config.otlp_endpoint.rstrip('/')}/v1/traces"
    _provider = TracerProvider(resource=resource)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)))
    _tracer = _provider.get_tracer("scheduler")


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
    random = os.urandom(24).hex()
    return random[:32], f"00-{random[:32]}-{random[32:]}-00"


def _context_of(traceparent: str) -> Context:
    _, trace_id, span_id, flags = traceparent.split("-")
    remote = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote))
