from __future__ import annotations

from otel_voiceload.model import NS_PER_S, ClockAnchor, MachineUsage, Usage
from otel_voiceload.telemetry.resource_metrics import usage_metrics

ANCHOR = ClockAnchor(0, 1_000 * NS_PER_S)


def told(usage: Usage | MachineUsage) -> dict[str, list[float]]:
    return {
        metric.name: [point.as_double or float(point.as_int) for point in metric.gauge.data_points]
        for metric in usage_metrics(usage, ANCHOR)
    }


def test_a_process_has_a_point_for_each_figure_and_each_peer() -> None:
    usage = Usage("target", "target", 41, NS_PER_S, 0.25, 5_000, 12, 3, {"10.0.0.1:80": 2, "b": 1})

    assert told(usage) == {
        "voiceload.resource.cpu": [0.25],
        "voiceload.resource.memory": [5_000],
        "voiceload.resource.file_descriptors": [12],
        "voiceload.resource.threads": [3],
        "voiceload.resource.sockets": [2, 1],
    }
    points = [p for m in usage_metrics(usage, ANCHOR) for p in m.gauge.data_points]
    assert {point.time_unix_nano for point in points} == {1_001 * NS_PER_S}
    names = {each.key: each.value for each in points[-1].attributes}
    assert names["voiceload.resource.role"].string_value == "target"
    assert names["voiceload.resource.peer"].string_value == "b"
    assert names["process.pid"].int_value == 41


def test_what_is_not_known_of_the_machine_has_no_point() -> None:
    assert told(MachineUsage(0, None, None, 700)) == {"voiceload.resource.store": [700]}
    assert told(MachineUsage(0, None, None, None, 5, 6)) == {
        "voiceload.resource.memory.free": [5],
        "voiceload.resource.disk.free": [6],
    }
    assert told(MachineUsage(0, 10.0, 20.0, None)) == {
        "voiceload.resource.network.sent": [10.0],
        "voiceload.resource.network.received": [20.0],
    }
