"""Times at the end of what OTLP carries: every view stays readable, the exact time is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from otel_voiceload.store.catalogue import PUBLIC_VIEWS
from otel_voiceload.store.open import open_store
from otel_voiceload.telemetry.batches import Batch
from tests.store import records
from tests.store.builder import UNIX_NS, spans_batch
from tests.store.records import identity
from tests.test_views import AGENT, agent_llm, span, stored


@pytest.mark.parametrize("odd_ns", [2**63 - 1, 2**63, 2**64 - 1])
def test_no_time_that_otlp_can_carry_makes_a_view_unreadable(tmp_path: Path, odd_ns: int) -> None:
    odd = agent_llm(3.2, 0.4)
    odd.end_time_unix_nano = odd_ns
    lone = span("elsewhere", "e" * 32, 1.0, 2.0, {})  # joins no run
    lone.start_time_unix_nano = lone.end_time_unix_nano = odd_ns
    mark = span(
        "turn",
        identity().trace_id,
        9.0,
        9.5,
        {"session.id": identity().call_id, "voiceload.turn.index": 7},
    )
    mark.events.add(name="agent.audio.first", time_unix_nano=odd_ns)
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="odd")
    metric.gauge.data_points.add(time_unix_nano=odd_ns, start_time_unix_nano=odd_ns, as_double=1.0)
    path = stored(
        tmp_path,
        records.small_run(),
        spans_batch([odd, lone], AGENT),
        spans_batch([mark], {"service.name": "ovl-caller", "voiceload.run.id": records.RUN}),
        Batch("metrics", metrics.SerializeToString(), 1),
    )
    with open_store(path) as reading:
        for view in PUBLIC_VIEWS:
            assert reading.sql(f"select * from {view}").columns
        exact = (
            "select distinct end_time_unix_nano from otel_spans where service_name = 'ovl-agent'"
        )
        assert list(reading.sql(exact).rows) == [(odd_ns,)]
        far = "select metric_points.at > '2100-01-01' from metric_points where name = 'odd'"
        assert list(reading.sql(far).rows) == [(True,)]
        assert list(reading.sql("select max(end_time) > '2100-01-01' from otel_spans").rows) == [
            (True,)
        ]
        ((first_audio_ns,),) = reading.sql(
            "select first_audio_ns from turn_spans where turn_index = 7"
        ).rows
        assert first_audio_ns > UNIX_NS
