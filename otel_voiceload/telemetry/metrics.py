"""Generator health to OTLP gauges: once a second and shard, whether we kept our own promises.

Gauges and not histograms: each point is already the second's own figure, and the store keeps every
point, so an interval in which the generator was the limit can be cut out by its time.
"""

from __future__ import annotations

from dataclasses import fields

from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint

from otel_voiceload.conventions import (
    LIMIT_REASONS,
    LIMITED_BY,
    METRIC_CALLS_ACTIVE,
    METRIC_GENERATOR,
    METRIC_LIMITED,
    SHARD_INDEX,
)
from otel_voiceload.model import ClockAnchor, Health
from otel_voiceload.telemetry.otlp import attributes

_NOT_A_FIGURE = ("shard_index", "at_mono_ns", "calls_active", "limited_by")
_UNITS = {
    "frames_due": "{frame}",
    "frames_late": "{frame}",
    "late_share": "1",
    "pacing_error_p99_s": "s",
    "pacing_error_p999_s": "s",
    "loop_lag_p99_s": "s",
    "run_delay_share": "1",
    "cpu": "1",
    "late_starts": "{call}",
    "connect_pending": "{call}",
    "dropped_starts": "{call}",
    "sent_bytes_per_s": "By/s",
    "received_bytes_per_s": "By/s",
    "frames_over_5_ms": "{frame}",
    "frames_over_10_ms": "{frame}",
}


def metrics_of(health: Health, anchor: ClockAnchor) -> list[Metric]:
    """``voiceload.calls.active``, and ``voiceload.generator.<field>`` for each other figure.

    ``voiceload.generator.limited`` has a point for each reason, 0 as long as it does not hold, so
    that a dashboard's line comes down again.
    """
    at_unix_ns = anchor.to_unix_ns(health.at_mono_ns)

    def point(value: int | float, reason: str | None = None) -> NumberDataPoint:
        about = {SHARD_INDEX: health.shard_index, LIMITED_BY: reason}
        made = NumberDataPoint(time_unix_nano=at_unix_ns, attributes=attributes(about))
        if isinstance(value, float):
            made.as_double = value
        else:
            made.as_int = value
        return made

    def gauge(name: str, unit: str, *points: NumberDataPoint) -> Metric:
        return Metric(name=name, unit=unit, gauge=Gauge(data_points=points))

    figures = [field.name for field in fields(health) if field.name not in _NOT_A_FIGURE]
    return [
        gauge(METRIC_CALLS_ACTIVE, "{call}", point(health.calls_active)),
        *(
            gauge(f"{METRIC_GENERATOR}{name}", _UNITS[name], point(getattr(health, name)))
            for name in figures
        ),
        gauge(
            METRIC_LIMITED,
            "1",
            *(point(int(each in health.limited_by), each) for each in LIMIT_REASONS),
        ),
    ]
