"""A wall clock that is set while a run goes on: no duration moves and no span runs backwards."""

from __future__ import annotations

import time

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.model import NS_PER_S, ClockAnchor, Record
from otel_voiceload.telemetry.otlp import RunScope
from otel_voiceload.telemetry.process import Telemetry, TelemetryConfig
from otel_voiceload.telemetry.spans import spans_of
from tests.telemetry import records
from tests.telemetry.test_process import ENDPOINT, Stored, lane

HOUR_NS = 3600 * NS_PER_S


class WallClock:
    """``time.time`` and ``time.time_ns`` of a machine whose clock somebody sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real_ns = time.time_ns
        self.offset_ns = 0
        self.asked = 0
        monkeypatch.setattr(time, "time_ns", self.time_ns)
        monkeypatch.setattr(time, "time", lambda: self.time_ns() / NS_PER_S)

    def time_ns(self) -> int:
        self.asked += 1
        return self._real_ns() + self.offset_ns


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 2 * NS_PER_S, -2 * NS_PER_S])
def test_a_step_of_the_wall_clock_moves_no_span(
    monkeypatch: pytest.MonkeyPatch, step_ns: int
) -> None:
    wall = WallClock(monkeypatch)
    anchor = ClockAnchor(mono_ns=0, unix_ns=time.time_ns())
    stored = Stored()
    telemetry = Telemetry(config(anchor), lane(stored))
    told: list[Record] = [records.run(), records.stage(), records.turn(), records.call()]
    telemetry.take(0, told[:3], 0.0)
    before_ns = time.time_ns()
    wall.offset_ns = step_ns
    assert abs(time.time_ns() - before_ns - step_ns) < NS_PER_S, "the clock was not set"
    telemetry.take(0, told[3:], 1.0)
    telemetry.finish(2.0)

    wanted = [
        span for record in told for span in spans_of(record, RunScope(records.RUN_ID, anchor))
    ]
    assert sorted(map(times, stored.spans)) == sorted(map(times, wanted))
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in stored.spans)


def times(span: Span) -> tuple[str, int, int]:
    return span.name, span.start_time_unix_nano, span.end_time_unix_nano


def config(anchor: ClockAnchor) -> TelemetryConfig:
    return TelemetryConfig(records.RUN_ID, anchor, ENDPOINT, source_shards=(0,), flush_s=1.0)
