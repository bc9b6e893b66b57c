"""Export requests as a load test's spans are, each unlike the one before, at hardly any cost.

A request is built once with protobuf and then patched in place: ids, times and latencies are other
bytes every time, so that neither a decoder's memos nor compression see the same span twice. A turn
is eight spans with eight attributes each: three of components, whose attributes have columns of
their own, and five of an agent's other instrumentation. One of the eight has an event and one a
link.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.collector.requests import T0, key_values

SPANS = 512
_TURN = 8  # spans
_TURNS = SPANS // _TURN
_CALLS = 5_000  # calls under way, of which every batch holds other turns
_SECOND_NS = 10**9
_RESOURCE = {
    "service.name": "ovl-agent",
    "service.version": "1.4.2",
    "service.instance.id": "f2a9c0de",
    "voiceload.run.id": "2f1e4a55c0ffee",
    "host.name": "bench",
    "process.pid": 4242,
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": "1.45.2",
}
_COMPONENTS = ("stt", "llm", "tts")
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the marks stand in a body, and which mark stands there; a mark may stand often."""

    at: npt.NDArray[np.int64]
    which: npt.NDArray[np.int64]

    @classmethod
    def find(cls, body: bytes, marks: list[bytes]) -> _Places:
        starts, which = [], []
        for number, mark in enumerate(marks):
            start = body.find(mark)
            while start >= 0:
                starts.append(start)
                which.append(number)
                start = body.find(mark, start + 1)
        at = np.array(starts)[:, None] + np.arange(len(marks[0]))
        return cls(at, np.array(which))

    def put(self, body: Bytes, values: Bytes) -> None:
        body[self.at] = values[self.which]


class Payload:
    """``fresh()`` gives the bytes of a request that nobody has sent before."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = chance = np.random.default_rng(seed)
        self._call_ids = chance.integers(0, 256, (_CALLS, 16), dtype=np.uint8)
        hex_ids = self._call_ids.tobytes().hex().encode()
        self._sessions = np.frombuffer(hex_ids, np.uint8).reshape(_CALLS, 32)
        marks = _Marks(
            traces=[chance.bytes(16) for _ in range(_TURNS)],
            spans=[chance.bytes(8) for _ in range(SPANS)],
        )
        body = marks.request().SerializeToString()
        self._body = np.frombuffer(body, np.uint8).copy()
        self._traces = _Places.find(body, marks.traces)
        self._sessions_at = _Places.find(body, [_session(turn).encode() for turn in range(_TURNS)])
        self._spans = _Places.find(body, marks.spans)
        self._begins = _Places.find(body, [struct.pack("<Q", _begin(n)) for n in range(SPANS)])
        self._ends = _Places.find(body, [struct.pack("<Q", _end(n)) for n in range(SPANS)])
        self._latencies = _Places.find(body, [struct.pack("<d", _latency(n)) for n in range(SPANS)])
        self._now_unix_ns = T0

    @property
    def size(self) -> int:
        return int(self._body.size)

    def fresh(self) -> bytes:
        chance, body = self._chance, self._body
        calls = chance.integers(0, _CALLS, _TURNS)
        self._traces.put(body, self._call_ids[calls])
        self._sessions_at.put(body, self._sessions[calls])
        self._spans.put(body, chance.integers(1, 256, (SPANS, 8), dtype=np.uint8))
        self._now_unix_ns += 5_000_000
        begins = self._now_unix_ns + chance.integers(0, _SECOND_NS, SPANS)
        seconds = chance.lognormal(-0.7, 0.4, SPANS)
        self._begins.put(body, _raw(begins))
        self._ends.put(body, _raw(begins + (seconds * 1e9).astype(np.int64)))
        self._latencies.put(body, _raw(seconds))
        return body.tobytes()


@dataclass(frozen=True, slots=True)
class _Marks:
    traces: list[bytes]
    spans: list[bytes]

    def request(self) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        group.resource.attributes.extend(key_values(_RESOURCE))
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = "otel_voiceload", "0.2"
        for number in range(SPANS):
            self._fill(scope.spans.add(), number)
        return request

    def _fill(self, span: Any, number: int) -> None:  # Any: protobuf's generated message
        turn, part = divmod(number, _TURN)
        root = self.spans[turn * _TURN]
        span.trace_id, span.span_id = self.traces[turn], self.spans[number]
        span.parent_span_id = root if part else b""
        span.kind = 2 if part == 0 else 3
        span.start_time_unix_nano, span.end_time_unix_nano = _begin(number), _end(number)
        if part < len(_COMPONENTS):
            span.name = _COMPONENTS[part]
            attributes = _component(turn, _COMPONENTS[part], _latency(number))
        else:
            span.name = ("chat", "retrieve", "tool.call", "synthesize", "playback")[part - 3]
            attributes = _instrumented(turn, part, _latency(number))
        span.attributes.extend(key_values(attributes))
        if part == 3:
            event = span.events.add(time_unix_nano=_begin(number), name="gen_ai.first_token")
            event.attributes.extend(key_values({"tokens": 1, "cached": False}))
        if part == 4:
            link = span.links.add(trace_id=self.traces[turn], span_id=root)
            link.attributes.extend(key_values({"reason": "follows"}))


def _session(turn: int) -> str:
    return f"session-of-turn-{turn:016d}"


def _begin(number: int) -> int:
    return T0 + 1 + number


def _end(number: int) -> int:
    return T0 + _SECOND_NS + 1 + number


def _latency(number: int) -> float:
    return 12345.0 + number / 4096


def _raw(values: npt.NDArray[np.generic]) -> Bytes:
    return values.view(np.uint8).reshape(len(values), 8)


def _component(turn: int, component: str, latency_s: float) -> dict[str, Any]:
    return {
        "session.id": _session(turn),
        "voiceload.turn.index": turn % 12,
        "voiceload.component.name": component,
        "voiceload.component.attempt": 1,
        "voiceload.component.latency": latency_s,
        "voiceload.component.busy": 0.25,
        "voiceload.component.queue": 0.0,
        "voiceload.component.source": "target_trace",
    }


def _instrumented(turn: int, part: int, latency_s: float) -> dict[str, Any]:
    return {
        "session.id": _session(turn),
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-mini",
        "gen_ai.usage.input_tokens": 500 + turn,
        "gen_ai.usage.output_tokens": 40 + part,
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "models.internal",
        "app.latency": latency_s,
    }
