"""The caller's ear: when each piece of the agent's audio plays, and the voice that is in it.

Agents on a WebSocket push whole replies faster than real time, so arrival says little. What counts
is playout: a piece plays when it has arrived and the one before it has ended,
``play = max(arrival, end of the previous)``, with no jitter buffer. The detector is fed as the
audio plays and not as it arrives: a reply that came in one burst is not over before it was heard,
and what the agent asks to drop (``clear``) was never heard at all.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from otel_voiceload.audio.detector import Event, VoiceDetector
from otel_voiceload.audio.encoding import FRAME_NS, Encoding

_NEVER_NS: Final = 1 << 62
_HOLE_NS: Final = FRAME_NS  # a shorter pause between two pieces is their jitter, not an underrun


class Hearing:
    """One direction of one call. Methods return what the detector found, in playout order."""

    def __init__(self, encoding: Encoding, release_s: float) -> None:
        self._encoding = encoding
        self._frame_bytes = encoding.frame_bytes
        self._detector = VoiceDetector(encoding, release_s)
        self._waiting: deque[tuple[bytes, int]] = deque()  # audio and when it starts to play
        self._holes: list[tuple[int, int]] = []  # end and length of underruns within a voice
        self.playing_until_ns = 0  # when everything that has arrived will have played
        self.due_ns = _NEVER_NS  # before it, ``advance`` has nothing to do

    @property
    def voiced(self) -> bool:
        return self._detector.voiced

    @property
    def last_voiced_ns(self) -> int | None:
        return self._detector.last_voiced_ns

    def hear(self, data: bytes, arrival_ns: int) -> tuple[Event, ...]:
        """Take audio of any length that arrived now."""
        end = self.playing_until_ns
        if arrival_ns >= end and len(data) == self._frame_bytes and not self._waiting:
            # The usual case: an agent that sends in real time.
            if arrival_ns - end > _HOLE_NS and self._detector.voiced:
                self._holes.append((arrival_ns, arrival_ns - end))
            self.playing_until_ns = end = arrival_ns + FRAME_NS
            found = self._detector.feed(data, arrival_ns)
            self.due_ns = end + 1 if self._detector.voiced else _NEVER_NS
            return found
        events = self.advance(arrival_ns)
        play = max(arrival_ns, end)
        if play - end > _HOLE_NS and self._detector.voiced:
            self._holes.append((play, play - end))
        self._waiting.append((data, play))
        whole = len(data) == self._frame_bytes
        self.playing_until_ns = play + (
            FRAME_NS if whole else self._encoding.duration_ns(len(data))
        )
        self.due_ns = self._waiting[0][1]
        return events + self.advance(arrival_ns) if self.due_ns <= arrival_ns else events

    def advance(self, now_ns: int) -> tuple[Event, ...]:
        """Play what is due until now, a frame at a time."""
        if now_ns < self.due_ns:
            return ()
        waiting = self._waiting
        events: tuple[Event, ...] = ()
        if not waiting:
            events = self._detector.silence(now_ns)
        while waiting and waiting[0][1] <= now_ns:
            data, play = waiting.popleft()
            if len(data) > self._frame_bytes:
                frames = (now_ns - play) // FRAME_NS + 1
                cut = frames * self._frame_bytes
                if cut < len(data):
                    waiting.appendleft((data[cut:], play + frames * FRAME_NS))
                    data = data[:cut]
            events += self._detector.feed(data, play)
        self._see_due()
        return events

    def clear(self, now_ns: int) -> tuple[Event, ...]:
        """Drop what was not played yet."""
        events = self.advance(now_ns)
        if self._waiting:
            self.playing_until_ns = self._waiting[0][1]
            self._waiting.clear()
            self._see_due()
        return events

    def drain(self) -> tuple[Event, ...]:
        """Play the rest as if time had passed; for a connection that is gone."""
        return self.advance(self.playing_until_ns) if self._waiting else ()

    def _see_due(self) -> None:
        if self._waiting:
            self.due_ns = self._waiting[0][1]
        else:  # a voice that nothing follows comes to its end in silence
            self.due_ns = self.playing_until_ns + 1 if self._detector.voiced else _NEVER_NS

    def take_gap_s(self, from_ns: int, until_ns: int) -> float:
        """Seconds of underrun within a voice between two instants; forgets all holes."""
        total = sum(length for end, length in self._holes if from_ns < end <= until_ns)
        self._holes.clear()
        return total / 1e9
