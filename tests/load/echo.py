"""A small agent for real calls on loopback: when a voice falls silent it speaks a clip."""

from __future__ import annotations

import time

from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.audio.detector import Offset, VoiceDetector
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.events import AudioHeard, CallStarted, CallStopped, WireClosed, WireEvent
from otel_voiceload.transports.wire import AgentWire, Sink

ENDPOINTING_S = 0.1

SCENARIO = Scenario.model_validate(
    {
        "name": "short",
        "think": {"median": "100ms", "p95": "150ms"},
        "reply_end_silence": "200ms",
        "greeting": {"wait_s": 0},
        "nodes": {
            "open": {"say": {"intent": "open", "max_s": 1.5}, "edges": [{"go": "done"}]},
            "done": {"end": "resolution"},
        },
    }
)


def shortest_reply() -> Clip:
    return min(ClipPack.load(PCM16_16K).replies(), key=lambda clip: clip.n_frames)


class EchoAgent:
    """The handler of a serving end. ``answers`` False makes it mute.

    ``begun_s`` and ``over_s`` have, on the monotonic clock, when each connection came and went.
    """

    def __init__(self, answers: bool = True) -> None:
        self.answers = answers
        self.started: list[CallStarted] = []
        self.headers: list[dict[str, str]] = []
        self.stopped = 0
        self.begun_s: list[float] = []
        self.over_s: list[float] = []
        self._reply = shortest_reply()

    def __call__(self, wire: AgentWire) -> Sink:
        self.begun_s.append(time.monotonic())
        detector = VoiceDetector(wire.encoding, release_s=ENDPOINTING_S)

        def hear(event: WireEvent) -> None:
            match event:
                case CallStarted():
                    self.started.append(event)
                    self.headers.append(dict(wire.headers))
                case AudioHeard(data, arrival_mono_ns):
                    for voice in detector.feed(data, arrival_mono_ns):
                        if self.answers and isinstance(voice, Offset):
                            wire.timing(0, "llm", 0, 0.9, 1.0, 1.1, 0.0, "ok")
                            wire.send(self._reply.data)
                case CallStopped():
                    self.stopped += 1
                case WireClosed():
                    self.over_s.append(time.monotonic())
                case _:
                    pass

        return hear
