"""Hearing the caller: when a speech ended, and the sound of it, cut out of the stream.

The agent trusts its own ears only; a hint of the caller's would make its endpointing better than
any real agent's. Time runs on the sample clock: frames follow each other without holes, unless they
are off by more than ``RESYNC_NS``, since a few milliseconds of lateness in a frame are not silence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from otel_voiceload.audio.detector import Offset, Onset, VoiceDetector
from otel_voiceload.audio.encoding import FRAME_NS, NS_PER_S, Encoding

RESYNC_NS = 3 * FRAME_NS
_PRE_ROLL = 25  # frames kept while nobody speaks: an onset is dated back by up to a quarter second
_LONGEST = 1500  # frames of one speech, half a minute; the rest is heard but not kept
_MARGIN_NS = FRAME_NS  # cut this much around the speech


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    at_ns: int  # first voiced sample


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """``start_ns`` and ``end_ns``: first and last voiced sample; ``data`` lies around them."""

    data: bytes
    start_ns: int
    end_ns: int


Heard = SpeechStarted | SpeechEnded


class Ears:
    """One caller's stream, in the encoding of the wire."""

    def __init__(self, encoding: Encoding, endpointing_s: float) -> None:
        self.end_ns = 0  # when the newest sample was complete
        self._encoding = encoding
        self._frame_bytes = encoding.frame_bytes
        self._detector = VoiceDetector(encoding, release_s=endpointing_s)
        self._frames: deque[tuple[int, bytes]] = deque()  # (start, data)
        self._onset_ns = 0

    @property
    def voiced(self) -> bool:
        return self._detector.voiced

    def hear(self, data: bytes, arrival_ns: int) -> tuple[Heard, ...]:
        """Take in what arrived; its last sample was complete on arrival."""
        whole = len(data) == self._frame_bytes  # nearly always
        length_ns = FRAME_NS if whole else self._encoding.duration_ns(len(data))
        start_ns = arrival_ns - length_ns
        if start_ns - self.end_ns < RESYNC_NS:  # early ones too: they queue up
            start_ns = self.end_ns
        self.end_ns = start_ns + length_ns
        frames = self._frames
        if len(frames) < _LONGEST:
            frames.append((start_ns, data))
        if not self._detector.voiced:
            while len(frames) > _PRE_ROLL:
                frames.popleft()
        events = self._detector.feed(data, start_ns)
        return self._told(events) if events else ()

    def nothing_until(self, now_ns: int) -> tuple[Heard, ...]:
        """Take note that nothing arrived up to ``now_ns``: a muted line is a silence too."""
        if now_ns - self.end_ns < RESYNC_NS:
            return ()
        self.end_ns = now_ns
        return self._told(self._detector.silence(now_ns))

    def speech_so_far(self) -> SpeechEnded:
        """What was heard of a speech that still goes on."""
        return self._cut(self.end_ns)

    def _told(self, events: tuple[Onset | Offset, ...]) -> tuple[Heard, ...]:
        told: list[Heard] = []
        for event in events:
            if isinstance(event, Onset):
                self._onset_ns = event.at_ns
                told.append(SpeechStarted(event.at_ns))
            else:
                told.append(self._cut(event.at_ns))
        return tuple(told)

    def _cut(self, end_ns: int) -> SpeechEnded:
        first_ns, last_ns = self._onset_ns - _MARGIN_NS, end_ns + _MARGIN_NS
        cut = [
            data
            for start_ns, data in self._frames
            if start_ns < last_ns and start_ns + self._encoding.duration_ns(len(data)) > first_ns
        ]
        return SpeechEnded(b"".join(cut), self._onset_ns, end_ns)


def speech_s(speech: SpeechEnded) -> float:
    """Seconds from the first to the last voiced sample."""
    return (speech.end_ns - speech.start_ns) / NS_PER_S
