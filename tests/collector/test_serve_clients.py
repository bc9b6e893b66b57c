"""The real Python exporters where not all is well: a full disk for a while, and logs."""

from __future__ import annotations

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ovl_collector.manifest import read_manifest

from .processes import WAIT_S, Served
from .stores import query

SPANS = 500


def ended_spans(service: str) -> tuple[ReadableSpan, ...]:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("tests")
    for number in range(SPANS):
        tracer.start_span(f"{service} {number}").end()
    return kept.get_finished_spans()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others need Linux")
def test_real_exporters_wait_for_a_full_disk_and_every_span_is_stored_once(tmp_path: Path) -> None:
    with Served(tmp_path / "store") as served, ThreadPoolExecutor(2) as threads:

        def limit(size: int) -> None:
            resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, -1))

        def refused() -> int:
            traces = served.control("GET", "/control/stats")["signals"].get("traces", {})
            return sum(traces.get("refused_requests", {}).values())

        exporters = (
            HttpSpans(f"{served.http}/v1/traces"),
            GrpcSpans(served.grpc, insecure=True),
        )
        limit(1000)
        begun = time.monotonic()
        under_way = [
            threads.submit(exporter.export, ended_spans(type(exporter).__module__))
            for exporter in exporters
        ]
        while refused() < len(exporters):
            assert time.monotonic() - begun < WAIT_S, "the fault did not fire"
            time.sleep(0.05)
        limit(-1)
        results = [each.result(WAIT_S) for each in under_way]
        code, errors = served.stop()

    assert results == [SpanExportResult.SUCCESS] * len(exporters)
    assert code == 0
    assert "storing again" in errors
    paths = [served.folder / entry.file for entry in read_manifest(served.folder).segments]
    found = [row for path in paths for row in query(path, "select name from spans")]
    assert len(found) == len(set(found)) == SPANS * len(exporters)


def test_real_log_exporters_are_told_that_logs_are_not_taken(tmp_path: Path) -> None:
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK lacks the type
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    provider.get_logger("tests").emit(body="a line")
    records = list(kept.get_finished_logs())
    with Served(tmp_path / "store") as served:
        over_http = HttpLogs(f"{served.http}/v1/logs").export(records)
        over_grpc = GrpcLogs(served.grpc, insecure=True).export(records)
        assert served.stop()[0] == 0

    assert len(records) == 1
    assert (over_http, over_grpc) == (LogRecordExportResult.FAILURE,) * 2
