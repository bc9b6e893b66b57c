"""What processes take, as OTLP gauges: a point a second for each process and figure.

Names of our own and not ``process.*``: those say what a process tells of itself, and a target that
sends them is believed beside what was seen from outside.
"""

from __future__ import annotations

from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint

from otel_voiceload.conventions import (
    METRIC_RESOURCE,
    PROCESS_PID,
    RESOURCE_PEER,
    RESOURCE_PROCESS,
    RESOURCE_ROLE,
)
from otel_voiceload.model import ClockAnchor, MachineUsage, Usage
from otel_voiceload.telemetry.otlp import attributes

MACHINE = "machine"


def usage_metrics(usage: Usage | MachineUsage, anchor: ClockAnchor) -> list[Metric]:
    """``voiceload.resource.*``; a figure that is not known has no point."""
    at_unix_ns = anchor.to_unix_ns(usage.at_mono_ns)
    about: dict[str, str | int]
    figures: dict[str, tuple[str, float | int | None]]
    if isinstance(usage, Usage):
        about = {
            RESOURCE_ROLE: usage.role,
            RESOURCE_PROCESS: usage.process,
            PROCESS_PID: usage.pid,
        }
        figures = {
            "cpu": ("1", usage.cpu),
            "memory": ("By", usage.rss_bytes),
            "file_descriptors": ("{file}", usage.fds),
            "file_descriptors.limit": ("{file}", usage.fds_limit),
            "threads": ("{thread}", usage.threads),
        }
    else:
        about = {RESOURCE_ROLE: "generator", RESOURCE_PROCESS: MACHINE}
        figures = {
            "network.sent": ("By/s", usage.sent_bytes_per_s),
            "network.received": ("By/s", usage.received_bytes_per_s),
            "store": ("By", usage.store_bytes),
            "memory.free": ("By", usage.memory_free_bytes),
            "disk.free": ("By", usage.disk_free_bytes),
        }

    def point(value: float | int, peer: str | None = None) -> NumberDataPoint:
        made = NumberDataPoint(
            time_unix_nano=at_unix_ns, attributes=attributes({**about, RESOURCE_PEER: peer})
        )
        if isinstance(value, float):
            made.as_double = value
        else:
            made.as_int = value
        return made

    found = [
        Metric(name=f"{METRIC_RESOURCE}{name}", unit=unit, gauge=Gauge(data_points=[point(value)]))
        for name, (unit, value) in figures.items()
        if value is not None
    ]
    if isinstance(usage, Usage) and usage.sockets:
        points = [point(count, peer) for peer, count in usage.sockets.items()]
        found.append(
            Metric(
                name=f"{METRIC_RESOURCE}sockets",
                unit="{connection}",
                gauge=Gauge(data_points=points),
            )
        )
    return found
