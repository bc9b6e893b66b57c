"""The agent's spans carry the names of the contract and obey the caller's sampled flag."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import SpanKind, StatusCode

from otel_voiceload.agent.tracing import Tracing
from otel_voiceload.capacity.pipeline import AttemptOver, TurnKey
from otel_voiceload.model import NS_PER_S, ClockAnchor
from tests.agent.test_call import one_turn
from tests.agent.world import FLAT, PARENT, SAMPLED, TRACE, UNIX_NS, UNSAMPLED, World

UNBOUNDED_S = 9.0  # the exporter by itself tries for ten seconds


def test_each_attempt_is_a_span_in_the_callers_trace() -> None:
    world = World()
    one_turn(world.call("the call"))
    spans = {span.name: span for span in world.spans.get_finished_spans()}
    assert list(spans) == ["endpointing", "stt", "llm", "tts"]
    for name, span in spans.items():
        assert f"{span.context.trace_id:032x}" == TRACE
        assert f"{span.parent.span_id:016x}" == PARENT
        assert span.kind is SpanKind.INTERNAL
        assert span.resource.attributes["service.name"] == "ovl-agent"
        assert span.instrumentation_scope.name == "otel_voiceload"
        assert span.attributes["session.id"] == "the call"
        assert span.attributes["voiceload.turn.index"] == 0
        assert span.attributes["voiceload.component.name"] == name
        assert span.attributes["voiceload.component.attempt"] == 0
        assert span.attributes["voiceload.component.source"] == "target_trace"
        assert span.status.status_code is StatusCode.UNSET
    llm = spans["llm"]
    assert llm.attributes["voiceload.component.latency"] == pytest.approx(0.2)
    assert llm.attributes["voiceload.component.busy"] == pytest.approx(0.2)
    assert llm.attributes["voiceload.component.queue"] == 0.0
    assert llm.end_time - llm.start_time == 200_000_000
    assert llm.start_time == spans["stt"].end_time


def test_spans_and_in_band_timing_tell_the_same_times() -> None:
    world = World()
    line = world.call()  # starts at the anchor of the wall clock
    one_turn(line)
    in_band = {v[1]: (v[3], v[5]) for v in line.wire.all("timing")}
    for span in world.spans.get_finished_spans():
        times = [(at_ns - UNIX_NS) / NS_PER_S for at_ns in (span.start_time, span.end_time)]
        assert times == pytest.approx(in_band[span.name], abs=1e-6)


def test_a_failed_attempt_has_its_error() -> None:
    busy = {**FLAT["stt"], "capacity": 1, "over_capacity": "reject", "retries": 1,
            "retry_after": "100ms", "latency": {"median": 60, "p95": 60}}  # fmt: skip
    world = World(components=FLAT | {"stt": busy})
    one_turn(world.call("hog"), after_s=0.5)
    one_turn(world.call("line"))
    failed = [s for s in world.spans.get_finished_spans() if s.name == "stt"]
    assert [s.attributes["voiceload.component.attempt"] for s in failed] == [0, 1]
    for span in failed:
        assert span.attributes["error.type"] == "rate_limited"
        assert span.status.status_code is StatusCode.ERROR
    assert failed[1].attributes["voiceload.component.retry_wait"] >= 0.1


def test_the_greeting_is_work_of_no_turn() -> None:
    world = World(greeting=True)
    world.call().quiet(1)
    (span,) = world.spans.get_finished_spans()
    assert span.name == "tts"
    assert "voiceload.turn.index" not in span.attributes


@pytest.mark.parametrize(
    ("traceparent", "spans"), [(SAMPLED, 4), (UNSAMPLED, 0), (None, 4), ("garbage", 4)]
)
def test_only_the_callers_flag_decides_what_is_recorded(
    traceparent: str | None, spans: int
) -> None:
    world = World()
    one_turn(world.call(traceparent=traceparent))
    assert len(world.spans.get_finished_spans()) == spans


def test_without_an_endpoint_there_is_no_trace_at_all() -> None:
    tracing = Tracing.to_endpoint(ClockAnchor(0, 0), None)
    assert tracing.call("call", SAMPLED) is None
    tracing.close()


class Receiver(BaseHTTPRequestHandler):
    """An OTLP/HTTP receiver that keeps what it got."""

    got: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the screen of a test."""


def test_spans_reach_an_otlp_receiver_before_the_agent_is_gone() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}/"
        tracing = Tracing.to_endpoint(ClockAnchor(0, UNIX_NS), endpoint)
        trace = tracing.call("call", SAMPLED)
        assert trace is not None
        trace.attempt(AttemptOver(TurnKey("call", 0), "llm", 0, 0, 0, 1, 2, "ok", 0))
        tracing.close()
        server.shutdown()
    ((path, body),) = Receiver.got
    assert path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    (span,) = resource.scope_spans[0].spans
    assert (span.name, span.trace_id.hex(), span.end_time_unix_nano) == ("llm", TRACE, UNIX_NS + 2)


def test_closing_does_not_wait_for_a_collector_that_is_gone() -> None:
    tracing = Tracing.to_endpoint(ClockAnchor(0, UNIX_NS), "http://127.0.0.1:9")
    trace = tracing.call("call", SAMPLED)
    assert trace is not None
    trace.attempt(AttemptOver(TurnKey("call", 0), "llm", 0, 0, 0, 1, 2, "ok", 0))
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < UNBOUNDED_S
