from otel_voiceload.telemetry.metrics import metrics_of

from . import records
from .records import SCOPE, UNIX_NS, ms


def test_a_second_of_health_becomes_one_gauge_per_figure() -> None:
    points = {}
    for metric in metrics_of(records.health(), SCOPE.anchor):
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
        "voiceload.generator.loop_lag_p99_s": 0.001,
        "voiceload.generator.run_delay_share": 0.02,
        "voiceload.generator.cpu": 0.2,
        "voiceload.generator.late_starts": 0,
        "voiceload.generator.connect_pending": 1,
    }
        "voiceload.generator.dropped_starts": 0,
