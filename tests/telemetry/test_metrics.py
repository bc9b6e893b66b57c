from dataclasses import replace

from otel_voiceload.telemetry.metrics import metrics_of

from . import records
from .records import SCOPE, UNIX_NS, ms


def test_a_second_of_health_becomes_one_gauge_per_figure() -> None:
    points = {}
    *figures, limited = metrics_of(records.health(), SCOPE.anchor)
    assert limited.name == "voiceload.generator.limited"
    for metric in figures:
        (point,) = metric.gauge.data_points
        assert point.time_unix_nano == UNIX_NS + ms(3000)
        assert [(item.key, item.value.int_value) for item in point.attributes] == [
            ("voiceload.shard.index", 1)
        ]
        points[metric.name] = getattr(point, point.WhichOneof("value"))
    assert points == {
        "voiceload.calls.active": 12,
        "voiceload.generator.frames_due": 600,
        "voiceload.generator.frames_late": 3,
        "voiceload.generator.late_share": 0.005,
        "voiceload.generator.pacing_error_p99_s": 0.002,
        "voiceload.generator.pacing_error_p999_s": 0.0,
        "voiceload.generator.loop_lag_p99_s": 0.001,
        "voiceload.generator.run_delay_share": 0.02,
        "voiceload.generator.cpu": 0.2,
        "voiceload.generator.late_starts": 0,
        "voiceload.generator.connect_pending": 1,
        "voiceload.generator.dropped_starts": 0,
        "voiceload.generator.sent_bytes_per_s": 0.0,
        "voiceload.generator.received_bytes_per_s": 0.0,
        "voiceload.generator.frames_over_5_ms": 0,
        "voiceload.generator.frames_over_10_ms": 0,
    }


def test_whether_the_generator_was_the_limit_is_told_reason_by_reason() -> None:
    late = replace(records.health(), limited_by=("late_frames", "run_delay"))
    limited = metrics_of(late, SCOPE.anchor)[-1]
    points = [
        (point.as_int, {item.key: item.value.string_value for item in point.attributes})
        for point in limited.gauge.data_points
    ]
    assert [(value, told["voiceload.generator.limited_by"]) for value, told in points] == [
        (0, "pacing_error"),
        (1, "late_frames"),
        (0, "loop_lag"),
        (1, "run_delay"),
    ]
    assert all("voiceload.shard.index" in told for _, told in points)
