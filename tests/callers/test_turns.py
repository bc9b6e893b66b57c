"""A turn in the making: its outcome, its text, and in-band timings on the caller's clock."""

from __future__ import annotations

from typing import Any

import pytest

from otel_voiceload.audio.detector import Onset
from otel_voiceload.callers.turns import AgentClock, OpenTurn, components
from otel_voiceload.conventions import TURN_OUTCOMES
from otel_voiceload.events import TimingHeard, TranscriptHeard
from tests.callers.fakes import CALL, LOAD, MS, T0, S

ONSET = Onset(T0 + S, 40.0, 5.0)


def turn() -> OpenTurn:
    return OpenTurn(0, "clip", LOAD, T0, 8.0)


def clock() -> AgentClock:
    found = AgentClock()
    found.start_sent_mono_ns = T0
    return found


@pytest.mark.parametrize(
    ("answered", "interrupted", "unanswered", "outcome"),
    [
        (True, False, False, "answered"),
        (True, True, False, "interrupted"),
        (False, False, True, "no_response"),
        (False, True, True, "no_response"),
        (False, False, False, "cut_off"),
    ],
)
def test_the_outcome_follows_from_what_happened(
    answered: bool, interrupted: bool, unanswered: bool, outcome: str
) -> None:
    made = turn()
    made.answer = ONSET if answered else None
    made.interrupted, made.unanswered = interrupted, unanswered
    assert made.outcome == outcome
    assert outcome in TURN_OUTCOMES


def test_final_texts_are_joined_and_win_over_partial_ones() -> None:
    made = turn()
    made.add_transcript(TranscriptHeard("agent", "Which", False, T0 + 1))
    assert made.heard_text == "Which"
    made.add_transcript(TranscriptHeard("agent", "Which day?", True, T0 + 2))
    made.add_transcript(TranscriptHeard("agent", "Any?", True, T0 + 3))
    assert made.heard_text == "Which day? Any?"
    assert made.transcript_mono_ns == T0 + 1


def test_a_turn_that_was_cut_before_its_words_has_them_end_now() -> None:
    record = turn().record(CALL, T0 + 3 * MS, clock())
    assert record.speech_start_mono_ns == T0
    assert record.speech_end_mono_ns == T0 + 3 * MS
    assert record.outcome == "cut_off"


def test_the_reply_lasts_from_its_first_to_its_last_voiced_sample() -> None:
    made = turn()
    assert made.reply_s == 0.0
    made.answer, made.last_audio_mono_ns = ONSET, T0 + 3 * S
    assert made.reply_s == 2.0


def test_the_agents_clock_starts_half_the_least_round_trip_after_start_was_sent() -> None:
    agents = clock()
    assert agents.origin_mono_ns == T0
    for rtt_ms in (50, 30, 90):
        agents.pong(rtt_ms * MS)
    assert agents.origin_mono_ns == T0 + 15 * MS
    assert agents.rtt_s == pytest.approx(0.09)


def timing(start_s: float, first_s: float | None, end_s: float, **more: Any) -> TimingHeard:
    fields: dict[str, Any] = {"component": "llm", "attempt": 0, "status": "ok"} | more
    return TimingHeard(
        turn=0, start_s=start_s, first_s=first_s, end_s=end_s, queue_s=0.0,
        arrival_mono_ns=0, **fields,
    )  # fmt: skip


@pytest.mark.parametrize(("first_s", "settled_s"), [(2.5, 2.5), (None, 3.0)])
def test_an_attempt_settles_with_its_first_result_or_its_end(
    first_s: float | None, settled_s: float
) -> None:
    settled = clock().settled_mono_ns(timing(0.0, first_s, 3.0))
    assert settled == T0 + round(settled_s * S)


def test_retries_wait_between_attempts_and_a_new_request_does_not() -> None:
    found = components(
        [
            timing(3.0, 3.5, 4.0, attempt=2),
            timing(1.0, None, 1.2, attempt=0, status="rate_limited"),
            timing(2.0, None, 2.5, attempt=1, status="timeout"),
            timing(6.0, 6.5, 7.0, attempt=0),  # a second request within the turn
            timing(0.5, 0.6, 0.7, component="stt"),
        ],
        T0,
    )
    seen = [(c.component, c.attempt, c.error_type, round(c.retry_wait_s, 3)) for c in found]
    assert seen == [
        ("llm", 0, "rate_limited", 0.0),
        ("llm", 1, "timeout", 0.8),
        ("llm", 2, None, 0.5),
        ("llm", 3, None, 0.0),  # its own number: spans are told apart by it
        ("stt", 0, None, 0.0),
    ]


def test_an_attempt_that_is_told_twice_counts_once_with_its_later_words() -> None:
    found = components([timing(1.0, 1.5, 1.6), timing(1.0, 1.5, 2.0)], T0)
    assert [c.end_mono_ns for c in found] == [T0 + 2 * S]
