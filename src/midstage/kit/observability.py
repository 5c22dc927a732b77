"""What an operator sees: logs, spans, metrics. Nothing of it leaves the machine unless the operator fetches it.

Logs are JSON lines on standard error, each with the request id and the brand that are bound at that moment. Spans are
appended to a file in the OTLP JSON form when `otlp_file` is set, else they cost next to nothing. Metrics are read as
text; where several processes serve one port, PROMETHEUS_MULTIPROC_DIR (set before they start) adds them up.
"""

import logging
import os
import sys
import threading
from collections.abc import Generator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, cast

import msgspec
import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode, Tracer
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
)

from midstage.kit.audit import masked
from midstage.kit.settings import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

# A field of a log line with such a name holds a person or a secret; it is masked whoever wrote it.
PERSONAL = frozenset({"phone", "mobile", "email", "name", "address", "openid", "unionid", "identifier", "login"})
SECRET = frozenset({"password", "token", "secret", "phone_code", "authorization", "cookie", "api_key", "key_secret"})

REGISTRY = CollectorRegistry()

_LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REQUESTS = Histogram(
    "midstage_request_seconds",
    "How long requests took, by route template, method and status.",
    ("method", "route", "status"),
    buckets=_LATENCY_S,
    registry=REGISTRY,
)
REFUSALS = Counter("midstage_refusals", "Refusals that were answered, by code.", ("code",), registry=REGISTRY)
SUBSCRIBER_LAG = Gauge(
    "midstage_subscriber_lag_facts",
    "Facts of the brand that is furthest behind, by subscriber.",
    ("subscriber",),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
FACTS_ASIDE = Gauge(
    "midstage_facts_aside",
    "Facts that a subscriber could not do yet or gave up on.",
    ("subscriber",),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
FACTS_DELIVERED = Counter(
    "midstage_facts_delivered", "Facts that reached a subscriber.", ("subscriber",), registry=REGISTRY
)
JOBS = Counter("midstage_jobs", "Jobs that were run, by outcome.", ("name", "outcome"), registry=REGISTRY)
JOB_SECONDS = Histogram(
    "midstage_job_seconds",
    "How long jobs took.",
    ("name",),
    buckets=(0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0),
    registry=REGISTRY,
)
TIMERS = Counter("midstage_timers", "Timers that were run, by outcome.", ("kind", "outcome"), registry=REGISTRY)
TIMERS_OVERDUE_S = Gauge(
    "midstage_timers_overdue_seconds",
    "How late the oldest due timer is.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NOISY = ("httpx", "httpcore", "asyncio", "pgqueuer")
EventDict = MutableMapping[str, Any]


# --- logs


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send all log lines of this process, ours and the libraries', through one pipe: standard error, or `stream`."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        _mask,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: structlog.typing.Processor = structlog.dev.ConsoleRenderer(colors=False)
    if settings.log_format == "json":
        last = structlog.processors.JSONRenderer(serializer=_to_json)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[settings.log_level])
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


@contextmanager
def bound(**fields: Any) -> Generator[None]:
    """Put fields (request_id, brand, …) on every log line within the block."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def bind(**fields: Any) -> None:
    """Put fields on every later log line of this task."""
    structlog.contextvars.bind_contextvars(**fields)


def _mask(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for name in event.keys() & PERSONAL:
        value = event[name]
        event[name] = masked(value) if isinstance(value, str) else "***"
    for name in event.keys() & SECRET:
        event[name] = "***"
    return event


def _to_json(event: Any, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


# --- spans


class _FileExporter(SpanExporter):
    """Appends spans as lines of OTLP JSON, the form that a collector's file receiver reads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One write a line with O_APPEND: lines of several processes never mix.
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        line = msgspec.json.encode(_otlp(spans)) + b"\n"
        with self._lock:
            os.write(self._file, line)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        with self._lock:
            os.close(self._file)


class _Tracing:
    provider: TracerProvider | None = None
    tracer: Tracer | None = None


def configure_tracing(settings: Settings, *, service: str = "midstage") -> None:
    """Append spans to `settings.otlp_file`; without it, none are made."""
    stop_tracing()
    if not settings.otlp_file:
        return
    provider = TracerProvider(resource=Resource({"service.name": service, "process.pid": os.getpid()}))
    provider.add_span_processor(BatchSpanProcessor(_FileExporter(Path(settings.otlp_file))))
    _Tracing.provider = provider
    _Tracing.tracer = provider.get_tracer("midstage")


def stop_tracing() -> None:
    """Write what is still waiting, and stop."""
    if _Tracing.provider is not None:
        _Tracing.provider.shutdown()
    _Tracing.provider = _Tracing.tracer = None


@contextmanager
def span(name: str, **attributes: Any) -> Generator[None]:
    """A span around the block, within the one that is open; an exception marks it and goes on."""
    tracer = _Tracing.tracer
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(name, attributes=attributes, set_status_on_exception=False) as current:
        try:
            yield
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _otlp(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    resource: Any = spans[0].resource.attributes if spans else None
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource or {})},
                "scopeSpans": [{"scope": {"name": "midstage"}, "spans": [_otlp_span(one) for one in spans]}],
            }
        ]
    }


def _otlp_span(one: ReadableSpan) -> dict[str, Any]:
    context = one.get_span_context()
    line: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}" if context else "",
        "spanId": f"{context.span_id:016x}" if context else "",
        "name": one.name,
        "kind": one.kind.value + 1,
        "startTimeUnixNano": str(one.start_time or 0),
        "endTimeUnixNano": str(one.end_time or 0),
        "attributes": _attributes(one.attributes or {}),
        "status": {"code": one.status.status_code.value},
    }
    if one.parent is not None:
        line["parentSpanId"] = f"{one.parent.span_id:016x}"
    if one.status.description:
        line["status"]["message"] = one.status.description
    return line


def _attributes(values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in cast("dict[str, Any]", values).items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}


def tracing() -> bool:
    """Whether spans are kept."""
    return _Tracing.provider is not None


# --- metrics


def metrics_text() -> bytes:
    """All metrics in Prometheus' text form, of all processes where they share a folder."""
    if _MULTIPROCESS not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)
    return generate_latest(together)


def serve_metrics(host: str, port: int) -> None:
    """Answer Prometheus in a thread of this process, as one does that has no HTTP of its own."""
    start_http_server(port, addr=host, registry=REGISTRY)


def request_took(method: str, route: str, status: int, seconds: float) -> None:
    """Note one request. `route` is the template (`/orders/{order_id}`), never the path itself."""
    REQUESTS.labels(method, route, str(status)).observe(seconds)


def process_ended(pid: int) -> None:
    """Forget the gauges of a process that is gone (only where processes share a folder)."""
    if _MULTIPROCESS in os.environ:
        cast("Any", multiprocess).mark_process_dead(pid)
