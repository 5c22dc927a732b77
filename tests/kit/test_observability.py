"""Logs, spans and metrics: what an operator sees, and what nobody should."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from midstage.kit import observability
from midstage.kit.settings import Settings

PASSWORD = "correct horse"


class SpoiltError(Exception):
    """Something that goes wrong within a span."""


@pytest.fixture
def err() -> Iterator[io.StringIO]:
    """Where the log lines go, and the logging of the run as it was, afterwards."""
    text = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield text
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(err: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in err.getvalue().splitlines()]


def test_each_line_is_json_with_the_request_and_the_brand(err: io.StringIO) -> None:
    observability.configure_logging(Settings(), stream=err)
    with observability.bound(request_id="r-1", brand=7):
        structlog.get_logger("midstage.orders").info("order placed", lines=5)
        logging.getLogger("some.library").warning("slow %s", "query")
    structlog.get_logger("midstage").info("later")
    ours, theirs, later = lines(err)
    assert ours | {"at": ""} == {
        "event": "order placed",
        "lines": 5,
        "request_id": "r-1",
        "brand": 7,
        "level": "info",
        "logger": "midstage.orders",
        "at": "",
    }
    assert (theirs["event"], theirs["request_id"], theirs["level"]) == ("slow query", "r-1", "warning")
    assert "request_id" not in later


def test_personal_and_secret_fields_are_masked_and_levels_are_kept(err: io.StringIO) -> None:
    observability.configure_logging(Settings(log_level="warning"), stream=err)
    log = structlog.get_logger("midstage")
    log.info("not shown", phone="13812345678")
    log.warning("code sent", phone="13812345678", phone_code="123456", token="t0.abc", name=3)
    (line,) = lines(err)
    assert line["phone"] == "138*****678"
    assert line["phone_code"] == line["token"] == line["name"] == "***"
    assert "13812345678" not in err.getvalue()
    assert "123456" not in err.getvalue()


def test_an_exception_is_one_line_without_the_values_of_variables(err: io.StringIO) -> None:
    observability.configure_logging(Settings(), stream=err)
    try:
        sign_in(PASSWORD)
    except SpoiltError:
        structlog.get_logger("midstage").exception("failed")
    (line,) = lines(err)
    assert "SpoiltError: length 13" in line["exception"]
    assert PASSWORD not in err.getvalue()


def sign_in(password: str) -> None:
    raise SpoiltError(f"length {len(password)}")


def test_spans_are_lines_of_otlp_json(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "spans.jsonl"
    observability.configure_tracing(Settings(otlp_file=str(path)))
    with observability.span("request", route="/orders", lines=5), pytest.raises(SpoiltError):
        fail_within_a_span()
    observability.stop_tracing()
    spans = {
        span["name"]: span
        for line in path.read_text().splitlines()
        for span in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    }
    request, statement = spans["request"], spans["statement"]
    assert statement["traceId"] == request["traceId"]
    assert statement["parentSpanId"] == request["spanId"]
    assert statement["status"] == {"code": 2, "message": "SpoiltError"}
    assert {"key": "lines", "value": {"intValue": "5"}} in request["attributes"]
    assert int(request["endTimeUnixNano"]) >= int(statement["endTimeUnixNano"])


def fail_within_a_span() -> None:
    with observability.span("statement"):
        raise SpoiltError


def test_without_a_file_there_are_no_spans_and_no_provider(tmp_path: Path) -> None:
    observability.configure_tracing(Settings())
    with observability.span("request"):
        pass
    assert not observability.tracing()
    assert list(tmp_path.iterdir()) == []


def test_processes_that_share_a_folder_are_added_up(tmp_path: Path) -> None:
    note = "from midstage.kit import observability as o; o.request_took('GET', '/x', 200, 0.1); "
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def python(code: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        ).stdout

    python(note)
    text = python(note + "print(o.metrics_text().decode())")
    assert 'midstage_request_seconds_count{method="GET",route="/x",status="200"} 2.0' in text


def test_metrics_are_text_that_prometheus_reads() -> None:
    observability.request_took("POST", "/v1/orders", 201, 0.012)
    observability.SUBSCRIBER_LAG.labels("loyalty").set(42)
    text = observability.metrics_text().decode()
    assert 'midstage_request_seconds_count{method="POST",route="/v1/orders",status="201"} 1.0' in text
    assert 'midstage_subscriber_lag_facts{subscriber="loyalty"} 42.0' in text
    assert "midstage_timers_overdue_seconds" in text
