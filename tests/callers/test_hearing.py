"""The playout clock: when what arrived is heard."""

from __future__ import annotations

import pytest

from otel_voiceload.audio.detector import Event, Offset, Onset
from otel_voiceload.audio.encoding import MULAW_8K, PCM16_16K
from otel_voiceload.audio.g711 import encode_mulaw
from otel_voiceload.callers.hearing import Hearing
from tests.callers.fakes import CLOSE_ENOUGH, MS, T0, S, silence, since, tone

FRAME = PCM16_16K.frame_bytes


class Listener:
    """A hearing whose clock is moved by hand, 20 ms at a time."""

    def __init__(self, hearing: Hearing | None = None) -> None:
        self.hearing = hearing or Hearing(PCM16_16K, 0.2)
        self.events: list[Event] = []
        self.now_ms = 0

    def until(self, ms: int) -> Listener:
        while self.now_ms < ms:
            self.now_ms = min(self.now_ms + 20, ms)
            self.events += self.hearing.advance(T0 + self.now_ms * MS)
        return self

    def hear(self, data: bytes, at_ms: int) -> Listener:
        self.until(at_ms)
        self.events += self.hearing.hear(data, T0 + at_ms * MS)
        return self

    @property
    def heard(self) -> list[tuple[str, float]]:
        return [(type(e).__name__, round(since(e.at_ns) or 0.0, 2)) for e in self.events]


@pytest.mark.parametrize(
    ("arrivals", "playing_until_ms"),
    [
        ([(0, 20)], 20),
        ([(0, 20), (20, 20), (40, 20)], 60),
        ([(0, 20), (15, 20), (40, 20)], 60),  # early: waits for the one before it
        ([(0, 20), (33, 20), (40, 20)], 73),  # late: the next one is pushed back
        ([(0, 3000)], 3000),  # a burst
        ([(0, 1000), (10, 20), (2000, 20)], 2020),
        ([(0, 7)], 7),  # any length
    ],
)
def test_a_piece_plays_when_it_is_there_and_the_one_before_has_ended(
    arrivals: list[tuple[int, int]], playing_until_ms: int
) -> None:
    listener = Listener()
    for at_ms, length_ms in arrivals:
        listener.hear(silence(length_ms / 1000), at_ms)
    assert listener.hearing.playing_until_ns == T0 + playing_until_ms * MS


def test_a_burst_is_noticed_as_it_plays() -> None:
    listener = Listener().hear(silence(1.0) + tone(0.5), 0)

    assert listener.heard == []
    assert listener.until(990).heard == []
    listener.until(1100)
    assert listener.heard == [("Onset", 1.0)]
    listener.until(1600)
    assert listener.hearing.voiced
    listener.until(1800)
    assert listener.heard == [("Onset", 1.0), ("Offset", 1.5)]


def test_silence_after_the_last_piece_ends_the_voice_too() -> None:
    listener = Listener()
    for i in range(25):
        listener.hear(tone(0.5)[i * FRAME : (i + 1) * FRAME], i * 20)
    listener.until(800)
    onset, offset = listener.events
    assert isinstance(onset, Onset)
    assert isinstance(offset, Offset)
    assert since(offset.at_ns) == pytest.approx(0.5, abs=CLOSE_ENOUGH)


def test_what_is_cleared_is_not_heard_and_what_comes_next_plays_at_once() -> None:
    listener = Listener().hear(silence(0.5) + tone(2.0), 0).until(300)
    listener.events += listener.hearing.clear(T0 + 300 * MS)
    assert listener.hearing.playing_until_ns <= T0 + 320 * MS
    listener.hear(tone(0.5), 400).until(1500)
    assert listener.heard == [("Onset", 0.4), ("Offset", 0.9)]


def test_clearing_nothing_is_harmless() -> None:
    hearing = Hearing(PCM16_16K, 0.2)
    assert hearing.clear(T0) == ()
    assert hearing.playing_until_ns == 0


def test_draining_plays_what_had_arrived_when_the_connection_went() -> None:
    listener = Listener().hear(silence(0.5) + tone(2.0), 0)
    events = listener.hearing.drain()
    assert [type(e) for e in events] == [Onset]
    assert since(events[0].at_ns) == pytest.approx(0.5, abs=CLOSE_ENOUGH)
    assert since(listener.hearing.last_voiced_ns) == pytest.approx(2.5, abs=CLOSE_ENOUGH)
    assert listener.hearing.drain() == ()


@pytest.mark.parametrize(
    ("second_at_ms", "gap_s"),
    [
        (500, 0.0),
        (515, 0.0),  # jitter of one frame is no underrun
        (540, 0.04),
        (650, 0.15),
        (900, 0.0),  # over the release: another voice, not a hole in this one
    ],
)
def test_a_hole_within_a_voice_is_an_underrun(second_at_ms: int, gap_s: float) -> None:
    listener = Listener().hear(tone(0.5), 0).hear(tone(0.5), second_at_ms).until(3000)
    hearing = listener.hearing
    assert hearing.take_gap_s(T0, T0 + 3 * S) == pytest.approx(gap_s)
    assert hearing.take_gap_s(T0, T0 + 3 * S) == 0.0


def test_only_holes_of_the_asked_stretch_count() -> None:
    listener = Listener().hear(tone(0.5), 0).hear(tone(0.5), 600).until(3000)
    assert listener.hearing.take_gap_s(T0 + 700 * MS, T0 + 3 * S) == 0.0


def test_another_encoding_is_heard_as_well() -> None:
    import numpy as np

    samples = np.frombuffer(tone(0.5), "<i2")[::2]
    listener = Listener(Hearing(MULAW_8K, 0.2)).hear(encode_mulaw(samples), 100).until(1000)
    assert listener.heard == [("Onset", 0.1), ("Offset", 0.6)]
