"""What the collector says of itself, as OTLP metrics into its own store.

It takes the same road as everybody's metrics, so that road is watched too. It speaks only after
somebody else has: a collector at rest writes nothing, and its segments stay empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    Metric,
)

from ovl_collector import __version__
from ovl_collector.errors import RequestRefused
from ovl_collector.receive import Receiver

SERVICE: Final = "ovl-collector"

# name, unit, key in the stats of the control endpoint
_GAUGES: Final = (
    ("ovl.collector.queue.size", "By", "queue_bytes"),
    ("ovl.collector.requests.active", "{request}", "requests_under_way"),
    ("ovl.collector.segments", "{segment}", "segments"),
)
_QUANTILES: Final = (("0.5", "commit_p50_s"), ("0.99", "commit_p99_s"), ("1", "commit_max_s"))
_ITEMS: Final = ("received", "stored", "rejected", "resent")


class SelfWatch:
    """Belongs to the event loop's thread."""

    def __init__(
        self,
        receiver: Receiver,
        stats: Callable[[], dict[str, Any]],
        *,
        unix_ns: Callable[[], int],
    ) -> None:
        self._receiver = receiver
        self._stats = stats
        self._unix_ns = unix_ns
        self._started_unix_ns = unix_ns()
        self.points = 0  # of its own that were stored
        self._own_requests = 0
        self._last_seen = 0

    async def speak(self) -> bool:
        """Stores one set of points when others were here since the last one."""
        stats = self._stats()
        seen = requests_of(stats) - self._own_requests
        if seen == self._last_seen:
            return False
        request = metrics_of(stats, self._started_unix_ns, self._unix_ns())
        body = request.SerializeToString()
        self._own_requests += 1  # stored or refused, it is counted
        try:
            with self._receiver.admission.reserve(len(body)) as reservation:
                await self._receiver.export("metrics", body, reservation, peer="self")
            self.points += _points(request)
        except RequestRefused as refused:
            self._receiver.count_refusal("metrics", refused)
        self._last_seen = seen
        return True


def _points(request: ExportMetricsServiceRequest) -> int:
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    return sum(len(each.sum.data_points) + len(each.gauge.data_points) for each in metrics)


def requests_of(stats: Mapping[str, Any]) -> int:
    """Requests that were answered in any way."""
    signals = stats["signals"].values()
    return sum(each["requests"] + sum(each["refused_requests"].values()) for each in signals)


def metrics_of(
    stats: Mapping[str, Any], started_unix_ns: int, now_unix_ns: int
) -> ExportMetricsServiceRequest:
    """The control endpoint's stats as OTLP; counters since the start of the process."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    for key, text in (("service.name", SERVICE), ("ovl.recording", stats["recording"])):
        group.resource.attributes.add(key=key).value.string_value = text
    scope = group.scope_metrics.add()
    scope.scope.name, scope.scope.version = "ovl_collector", __version__

    def point(metric: Metric, value: float, **attributes: str) -> None:
        data = metric.sum if metric.HasField("sum") else metric.gauge
        added = data.data_points.add(time_unix_nano=now_unix_ns)
        if isinstance(value, float):
            added.as_double = value
        else:
            added.as_int = value
        if metric.HasField("sum"):
            added.start_time_unix_nano = started_unix_ns
        for key, text in attributes.items():
            added.attributes.add(key=key).value.string_value = text

    def counter(name: str, unit: str) -> Metric:
        metric = scope.metrics.add(name=name, unit=unit)
        metric.sum.is_monotonic = True
        metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        return metric

    items = counter("ovl.collector.items", "{item}")
    refused = counter("ovl.collector.refused", "{request}")
    for signal, counts in stats["signals"].items():
        for outcome in _ITEMS:
            point(items, counts[outcome], signal=signal, outcome=outcome)
        for reason, count in counts["refused_requests"].items():
            point(refused, count, signal=signal, reason=reason)
    point(counter("ovl.collector.commits", "{commit}"), stats["commits"])
    for name, unit, key in _GAUGES:
        metric = scope.metrics.add(name=name, unit=unit)
        point(metric, stats[key])
    duration = scope.metrics.add(name="ovl.collector.commit.duration", unit="s")
    for quantile, key in _QUANTILES:
        if stats[key] is not None:
            point(duration, float(stats[key]), quantile=quantile)
    return request
