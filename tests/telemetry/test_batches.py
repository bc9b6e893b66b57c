from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.telemetry.batches import Batcher, resource


def batcher() -> Batcher:
    resources = [
        resource("run", shard, 2, {"service.name": "x", "env": "ci"}) for shard in (0, None)
    ]
    return Batcher(resources, max_spans=4, max_wait_s=0.5)


def values(made: Resource) -> dict[str, object]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in made.attributes}


def test_a_resource_says_whose_spans_these_are_and_keeps_the_users_additions() -> None:
    shard, runner = (values(resource("run", index, 2, {"env": "ci"})) for index in (1, None))
    assert shard["service.name"] == "ovl-caller"
    assert shard["voiceload.run.id"] == "run"
    assert (shard["voiceload.shard.index"], shard["voiceload.shard.count"]) == (1, 2)
    assert shard["env"] == "ci"
    assert "voiceload.shard.index" not in runner


def test_additions_can_not_replace_what_is_ours() -> None:
    assert values(resource("run", 0, 1, {"service.name": "mine"}))["service.name"] == "ovl-caller"


def test_a_batch_goes_out_when_it_is_full_or_old() -> None:
    held = batcher()
    assert held.wait_s(0.0) is None
    held.add(0, [Span(name="a")], [], now_s=10.0)
    assert held.wait_s(10.2) == 10.0 + 0.5 - 10.2
    assert held.wait_s(11.0) == 0.0
    held.add(1, [Span(name="b")] * 3, [], now_s=10.3)
    assert held.wait_s(10.3) == 0.0
    held.take()
    assert held.wait_s(99.0) is None


def test_spans_of_several_sources_share_a_request_of_bounded_size() -> None:
    held = batcher()
    held.add(0, [Span(name=f"a{i}") for i in range(3)], [], 0.0)
    held.add(1, [Span(name=f"b{i}") for i in range(3)], [], 0.0)
    sent = []
    for batch in held.take():
        request = ExportTraceServiceRequest.FromString(batch.body)
        names = [s.name for r in request.resource_spans for p in r.scope_spans for s in p.spans]
        assert len(names) == batch.items
        assert request.resource_spans[0].scope_spans[0].scope.name == "otel_voiceload"
        sent.append((names, len(request.resource_spans)))
    assert sent == [(["a0", "a1", "a2", "b0"], 2), (["b1", "b2"], 1)]


def test_metrics_are_a_request_of_their_own() -> None:
    held = batcher()
    held.add(0, [], [Metric(name="m"), Metric(name="n")], 0.0)
    (batch,) = held.take()
    request = ExportMetricsServiceRequest.FromString(batch.body)
    assert (batch.signal, batch.items) == ("metrics", 2)
    assert [m.name for m in request.resource_metrics[0].scope_metrics[0].metrics] == ["m", "n"]
