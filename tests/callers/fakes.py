"""A small clip pack of tones, and a call that is played in virtual time.

Tones are as good as voices to the detector, and their first and last samples are exact.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from otel_voiceload.audio.clips import Clip, ClipPack, Role
from otel_voiceload.audio.encoding import FRAME_NS, PCM16_16K
from otel_voiceload.callers.actions import Action, HangUp, SendFrame, SpeechEnd, TurnFinished
from otel_voiceload.callers.conversation import Conversation
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.events import AudioHeard, TranscriptHeard, WireEvent
from otel_voiceload.model import CallIdentity, LoadContext, TurnRecord

S = 1_000_000_000
MS = 1_000_000
T0 = 700 * S  # when media is up
RATE = PCM16_16K.sample_rate
SAMPLES = PCM16_16K.frame_samples
LEAD = 160  # samples before the speech of every clip: half a frame
ANSWER_S = 0.5  # from the SpeechEnd action to the first frame of the answer
CLOSE_ENOUGH = 0.006  # what the detector may err on a clean start
CALL = CallIdentity(4, "c" * 32, "c" * 32, "d" * 16, "test", True)
LOAD = LoadContext("ramp", 2, 10, 3)


def tone(seconds: float) -> bytes:
    """A tone that starts and ends at its peak."""
    t = np.arange(round(seconds * RATE))
    return (9000 * np.cos(2 * np.pi * 200 * t / RATE)).astype("<i2").tobytes()


def faint(seconds: float) -> bytes:
    """A voice near the floor, of uneven loudness as voices are."""
    t = np.arange(round(seconds * RATE)) / RATE
    loudness = 60 + 250 * np.abs(np.cos(2 * np.pi * 9 * t))
    return (loudness * np.cos(2 * np.pi * 200 * t)).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def clip(clip_id: str, intent: str, seconds: float, voice: str, role: Role = "caller") -> Clip:
    """``LEAD`` samples of silence, the tone, and silence to the end of the frame."""
    speech = tone(seconds)
    end = LEAD + len(speech) // 2
    n_frames = -(-end // SAMPLES)
    data = (bytes(2 * LEAD) + speech).ljust(n_frames * PCM16_16K.frame_bytes, b"\0")
    return Clip(
        clip_id, role, intent, clip_id, voice, PCM16_16K, n_frames, LEAD, end, data,
        PCM16_16K.frame_bytes,
    )  # fmt: skip


def pack() -> ClipPack:
    clips = [
        clip(f"{intent}-{length}-{voice}", intent, length, voice)
        for intent in ("open", "detail", "confirm", "human")
        for length in (0.5, 1.0)
        for voice in ("ann", "bob")
    ]
    return ClipPack("fake", PCM16_16K, clips)


PACK = pack()


def scenario(**changes: Any) -> Scenario:
    """Three turns of half a second, no greeting, a fixed think time of 0.4 s."""
    say = {"max_s": 0.6}
    base: dict[str, Any] = {
        "name": "test",
        "think": {"median": 0.4, "p95": 0.4},
        "reply_end_silence": 0.2,
        "patience": 4,
        "turn_deadline": 20,
        "call_deadline": 60,
        "greeting": {"wait_s": 0},
        "nodes": {
            "open": {"say": say | {"intent": "open"}, "edges": [{"go": "detail"}]},
            "detail": {"say": say | {"intent": "detail"}, "edges": [{"go": "confirm"}]},
            "confirm": {"say": say | {"intent": "confirm"}, "edges": [{"go": "done"}]},
            "done": {"end": "resolution"},
        },
    }
    return Scenario.model_validate(base | changes)


Planned = Iterable[tuple[float, WireEvent]]  # seconds from now, and what arrives


def streamed(audio: bytes, after_s: float = 0.0) -> Planned:
    """Audio in real time, a frame each 20 ms."""
    size = PCM16_16K.frame_bytes
    for i in range(0, len(audio), size):
        yield after_s + i // size * 0.02, AudioHeard(audio[i : i + size], 0)


def burst(audio: bytes, after_s: float = 0.0) -> Planned:
    """All of it in one message."""
    yield after_s, AudioHeard(audio, 0)


def answers(seconds: float = 1.0, after_s: float = ANSWER_S) -> Callable[[int], Planned]:
    """Every turn is answered by a tone."""
    return lambda turn: streamed(tone(seconds), after_s)


def text(words: str, final: bool = True, role: str = "agent") -> TranscriptHeard:
    return TranscriptHeard(role, words, final, 0)


class VirtualCall:
    """Plays a conversation slot by slot; ``answer`` plans what arrives after each speech end."""

    def __init__(
        self,
        scenario_: Scenario | None = None,
        answer: Callable[[int], Planned] = lambda turn: (),
        pack_: ClipPack = PACK,
        seed: int = 1,
    ) -> None:
        self.conversation = Conversation(CALL, scenario_ or scenario(), pack_, seed, pack_.encoding)
        self.answer = answer
        self.now = T0
        self.actions: list[tuple[float, Action]] = []
        self.turns: list[TurnRecord] = []
        self.end: HangUp | None = None
        self.skip: Callable[[float], bool] = lambda at_s: False
        self.late_ns = 0  # by how much every slot runs late
        self._slot = 0
        self._speeches = 0
        self._planned: list[tuple[int, int, WireEvent]] = []
        self._order = itertools.count()
        self.conversation.media_up(T0)

    def plan(self, planned: Planned, from_ns: int | None = None) -> None:
        for after_s, event in planned:
            at = (self.now if from_ns is None else from_ns) + round(after_s * S)
            heapq.heappush(self._planned, (at, next(self._order), event))

    def at(self, at_s: float, event: WireEvent) -> None:
        """Something arrives so many seconds after media was up."""
        self.plan([(at_s, event)], T0)

    def play(self, until_s: float = 120.0) -> VirtualCall:
        """Go on until the call is over, or to that second."""
        while self.end is None and self._slot * 0.02 <= until_s:
            scheduled = T0 + self._slot * FRAME_NS
            self._slot += 1
            while self._planned and self._planned[0][0] <= scheduled:
                at, _, event = heapq.heappop(self._planned)
                self.now = at
                self.take(self.conversation.hear(arriving(event, at)))
            self.now = scheduled + self.late_ns
            if not self.skip((scheduled - T0) / S):
                self.take(self.conversation.due(scheduled, self.now, LOAD))
        return self

    def take(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            self.actions.append(((self.now - T0) / S, action))
            assert self.end is None, f"{action} after the end"
            if isinstance(action, TurnFinished):
                self.turns.append(action.record)
            elif isinstance(action, HangUp):
                self.end = action
            elif isinstance(action, SpeechEnd):
                self.plan(self.answer(self._speeches))
                self._speeches += 1

    def times(self, kind: type[Action]) -> list[float]:
        return [at for at, action in self.actions if isinstance(action, kind)]

    @property
    def outcomes(self) -> list[str]:
        return [turn.outcome for turn in self.turns]

    @property
    def spoken(self) -> list[tuple[float, bytes]]:
        """Frames sent that are not idle noise."""
        idle = {PACK.idle_frame(i) for i in range(50)}
        return [
            (at, action.data)
            for at, action in self.actions
            if isinstance(action, SendFrame) and action.data not in idle
        ]


def arriving(event: WireEvent, at: int) -> WireEvent:
    return replace(event, arrival_mono_ns=at)


def since(mono_ns: int | None) -> float | None:
    """Seconds after media was up."""
    return None if mono_ns is None else (mono_ns - T0) / S
