"""Marks against the caller's own hearing, on made-up time."""

from __future__ import annotations

from otel_voiceload.audio.encoding import MULAW_8K
from otel_voiceload.callers.hearing import Hearing
from otel_voiceload.transports.playout import Playout

MS = 1_000_000
FRAME = b"\xff" * MULAW_8K.frame_bytes


def test_a_mark_is_due_when_the_audio_before_it_has_played() -> None:
    playout = Playout(MULAW_8K)
    playout.heard(5 * len(FRAME), 1000 * MS)
    playout.mark("a", 1001 * MS)
    playout.heard(len(FRAME), 1002 * MS)
    playout.mark("b", 1002 * MS)
    playout.mark("c", 1002 * MS)

    assert playout.waiting
    assert playout.played(1099 * MS) == []
    assert playout.played(1100 * MS) == ["a"]
    assert playout.played(1200 * MS) == ["b", "c"]
    assert not playout.waiting


def test_a_mark_behind_silence_is_due_at_once() -> None:
    playout = Playout(MULAW_8K)
    playout.heard(len(FRAME), 0)
    playout.mark("late", 500 * MS)
    assert playout.played(500 * MS) == ["late"]


def test_what_is_dropped_gives_its_marks_back_and_takes_no_time() -> None:
    playout = Playout(MULAW_8K)
    playout.heard(50 * len(FRAME), 0)
    playout.mark("a", 0)
    playout.heard(50 * len(FRAME), 0)
    playout.mark("b", 0)

    assert playout.clear(100 * MS) == ["a", "b"]
    assert playout.clear(100 * MS) == []
    playout.heard(len(FRAME), 200 * MS)
    playout.mark("c", 200 * MS)
    assert playout.played(220 * MS) == ["c"]


def test_a_clear_behind_the_end_of_all_audio_moves_nothing_forward() -> None:
    playout = Playout(MULAW_8K)
    playout.heard(len(FRAME), 0)
    playout.clear(900 * MS)
    playout.heard(len(FRAME), 900 * MS)
    playout.mark("a", 900 * MS)
    assert playout.played(920 * MS) == ["a"]


def test_marks_keep_the_clock_by_which_the_caller_hears() -> None:
    arrivals = [0, 1, 2, 70, 71, 400, 401, 420]  # ms: bursts, a stall, real time
    playout, hearing = Playout(MULAW_8K), Hearing(MULAW_8K, 0.2)
    for number, at in enumerate(arrivals):
        piece = FRAME * (1 + number % 3)
        playout.heard(len(piece), at * MS)
        playout.mark(str(number), at * MS)
        hearing.hear(piece, at * MS)
        before = hearing.playing_until_ns - 1
        assert playout.played(before) == []
        assert playout.played(before + 1) == [str(number)]
