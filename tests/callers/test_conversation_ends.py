"""How calls end, and what callers make of the agent's messages; whole calls in virtual time."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from otel_voiceload.callers.actions import HangUp
from otel_voiceload.conventions import Component
from otel_voiceload.events import (
    AudioHeard,
    EndHeard,
    ErrorHeard,
    PongHeard,
    TimingHeard,
    TranscriptHeard,
    WireClosed,
)
from tests.callers.fakes import (
    ANSWER_S,
    CLOSE_ENOUGH,
    MS,
    T0,
    Planned,
    S,
    VirtualCall,
    answers,
    burst,
    scenario,
    silence,
    since,
    streamed,
    text,
    tone,
)

# --- ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed_s", "outcomes"),
    [
        (0.2, ["cut_off"]),  # in the middle of our words
        (0.8, ["cut_off"]),  # while we wait
        (1.4, ["answered"]),  # in the middle of the reply
        (2.3, ["answered"]),  # while we think
        (2.6, ["answered", "cut_off"]),
    ],
)
def test_a_connection_that_goes_away_drops_the_call(closed_s: float, outcomes: list[str]) -> None:
    call = VirtualCall(answer=answers())
    call.at(closed_s, WireClosed("connection_lost", "", 0))
    call.play()

    assert call.end == HangUp("dropped", None, "connection_lost")
    assert call.outcomes == outcomes
    assert call.turns[-1].speech_end_mono_ns <= T0 + round(closed_s * S)


def test_an_orderly_close_without_an_end_message_is_a_drop_too() -> None:
    call = VirtualCall()
    call.at(0.1, WireClosed(None, "", 0))
    assert call.play().end == HangUp("dropped", None, "closed_by_agent")


def test_a_drop_is_explained_by_the_error_before_it() -> None:
    call = VirtualCall()
    call.at(0.1, ErrorHeard("quota", "no more", 0))
    call.at(0.2, WireClosed(None, "", 0))
    call.play()
    assert call.end == HangUp("dropped", None, "quota")
    assert call.turns[0].error_type == "quota"


def test_a_reply_that_arrived_just_before_the_drop_counts_as_heard() -> None:
    def answer(turn: int) -> Planned:
        yield from burst(silence(0.3) + tone(2.0), ANSWER_S - 0.3)
        yield ANSWER_S - 0.25, WireClosed("connection_lost", "", 0)

    call = VirtualCall(answer=answer).play()
    assert call.outcomes == ["answered"]
    assert call.turns[0].response_latency_s == pytest.approx(0.51, abs=CLOSE_ENOUGH)


def test_a_fault_of_ours_is_not_the_targets() -> None:
    call = VirtualCall()
    call.at(0.1, WireClosed("internal", "", 0))
    assert call.play().end == HangUp("aborted_by_us", None, "internal")


@pytest.mark.parametrize(
    ("reason", "outcome", "end_reason"),
    [
        ("resolution", "completed", "resolution"),
        ("callback", "completed", "callback"),
        ("transfer", "transferred", "transfer"),
        ("hang_up", "completed", "hang_up"),
        ("bored", "completed", "hang_up"),
    ],
)
def test_the_agents_end_is_obeyed_when_its_last_words_were_played(
    reason: str, outcome: str, end_reason: str
) -> None:
    def answer(turn: int) -> Planned:
        yield from burst(tone(2.0), ANSWER_S)
        yield ANSWER_S + 0.001, EndHeard(reason, 0)
        yield ANSWER_S + 0.002, WireClosed(None, "", 0) if reason == "callback" else text("bye")

    call = VirtualCall(answer=answer).play()
    assert call.end == HangUp(outcome, end_reason, None)
    assert call.outcomes == ["answered"]
    if reason != "callback":  # there the agent closes too, and nobody waits for sound
        assert since(call.turns[0].last_audio_mono_ns) == pytest.approx(3.0, abs=CLOSE_ENOUGH)
        assert call.times(HangUp)[0] == pytest.approx(3.2, abs=0.04)


def test_an_end_that_overtakes_the_voice_waits_for_it() -> None:
    def answer(turn: int) -> Planned:
        yield from burst(silence(0.6) + tone(1.0), 0.1)
        yield 0.15, EndHeard("resolution", 0)

    call = VirtualCall(answer=answer).play()
    assert call.outcomes == ["answered"]
    assert call.turns[0].response_latency_s == pytest.approx(0.71, abs=CLOSE_ENOUGH)


def test_an_agent_that_ends_without_answering_has_hung_up_on_us() -> None:
    call = VirtualCall()
    call.at(0.2, EndHeard("hang_up", 0))
    call.play()
    assert call.end == HangUp("dropped", "hang_up", "agent_hung_up")
    assert call.outcomes == ["cut_off"]


def test_a_transfer_without_a_word_is_a_transfer() -> None:
    call = VirtualCall()
    call.at(1.0, EndHeard("transfer", 0))
    call.play()
    assert call.end == HangUp("transferred", "transfer", None)


def test_the_call_deadline_ends_the_call() -> None:
    call = VirtualCall(
        scenario(call_deadline=5, turn_deadline=5), lambda turn: streamed(tone(1.0), 0.5)
    ).play()
    assert call.end == HangUp("timed_out", "hang_up", "call_deadline")
    assert call.times(HangUp)[0] == pytest.approx(5.0, abs=0.02)
    assert call.outcomes[0] == "answered"


def test_a_reply_without_end_reaches_the_turn_deadline() -> None:
    call = VirtualCall(scenario(turn_deadline=4), lambda turn: streamed(tone(10.0), 0.5)).play()
    assert call.end == HangUp("timed_out", "hang_up", "turn_deadline")
    assert call.outcomes == ["answered"]
    assert call.times(HangUp)[0] == pytest.approx(1.0 + 4.0, abs=0.04)


def test_an_end_that_keeps_talking_is_bounded_by_the_call_deadline() -> None:
    call = VirtualCall(scenario(call_deadline=6, turn_deadline=6))
    call.at(0.6, EndHeard("resolution", 0))
    call.plan(streamed(tone(30.0), 0.5))
    call.play()
    assert call.end == HangUp("timed_out", "hang_up", "call_deadline")


def test_a_call_of_many_turns_ends_at_its_limit() -> None:
    loop = {"open": {"say": {"intent": "open", "max_s": 0.6}, "edges": [{"go": "open"}]}}
    call = VirtualCall(scenario(nodes=loop, max_turns=2), answers()).play()
    assert call.end == HangUp("completed", "hang_up", None)
    assert len(call.turns) == 2


# --- our own end --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_s", "when", "over_s", "outcomes"),
    [
        (0.2, "now", 0.2, ["cut_off"]),
        (0.2, "after_turn", 2.2, ["answered"]),  # our words, the answer, its end
        (0.8, "now", 0.8, ["cut_off"]),
        (0.8, "after_turn", 2.2, ["answered"]),
        (1.5, "now", 1.5, ["answered"]),
        (2.3, "after_turn", 2.3, ["answered"]),  # between two turns: at once
    ],
)
def test_we_hang_up_now_or_after_the_turn(
    at_s: float, when: Literal["now", "after_turn"], over_s: float, outcomes: list[str]
) -> None:
    call = VirtualCall(answer=answers()).play(until_s=at_s)
    call.take(call.conversation.hang_up(call.now, when))
    call.play()

    assert call.end == HangUp("aborted_by_us", "hang_up", None)
    assert call.times(HangUp)[0] == pytest.approx(over_s, abs=0.04)
    assert call.outcomes == outcomes


def test_hanging_up_before_the_first_word_leaves_no_turn() -> None:
    call = VirtualCall(scenario(greeting={"wait_s": 3})).play(until_s=1.0)
    call.take(call.conversation.hang_up(call.now))
    assert call.end == HangUp("aborted_by_us", "hang_up", None)
    assert call.turns == []
    assert call.conversation.hang_up(call.now) == ()


def test_patience_still_counts_against_the_target_while_we_are_leaving() -> None:
    call = VirtualCall().play(until_s=0.2)
    call.take(call.conversation.hang_up(call.now))
    call.play()
    assert call.end == HangUp("silent_agent", "hang_up", "no_voice")


def test_after_the_end_nothing_is_done_any_more() -> None:
    call = VirtualCall()
    call.at(0.1, WireClosed(None, "", 0))
    call.play()
    assert call.conversation.hear(AudioHeard(tone(0.1), call.now)) == ()
    assert call.conversation.due(call.now, call.now, call.turns[0].load) == ()


# --- what the agent tells -----------------------------------------------------------------------


def branching() -> dict[str, object]:
    say = {"intent": "open", "max_s": 0.6}
    return {
        "open": {
            "say": say,
            "edges": [
                {"heard": "transfer", "go": "gone"},
                {"longer": 2, "go": "later"},
                {"go": "done"},
            ],
        },
        "gone": {"end": "transfer"},
        "later": {"end": "callback"},
        "done": {"end": "resolution"},
    }


@pytest.mark.parametrize(
    ("seconds", "words", "end_reason"),
    [
        (1.0, [], "resolution"),
        (1.0, [text("Goodbye")], "resolution"),
        (1.0, [text("I will TRANSFER you")], "transfer"),
        (1.0, [text("I will tran", final=False), text("I will transfer", final=False)], "transfer"),
        (1.0, [text("transfer", final=False), text("Goodbye")], "resolution"),
        (1.0, [text("transfer me", role="caller")], "resolution"),  # what it heard of us
        (3.0, [], "callback"),  # without a transcript the length of the reply decides
    ],
)
def test_what_the_caller_does_next_depends_on_what_it_heard(
    seconds: float, words: list[TranscriptHeard], end_reason: str
) -> None:
    def answer(turn: int) -> Planned:
        yield from streamed(tone(seconds), ANSWER_S)
        for i, event in enumerate(words):
            yield ANSWER_S + seconds + 0.3 + i * 0.01, event  # after the voice, as many agents do

    call = VirtualCall(scenario(nodes=branching()), answer).play()
    assert call.end is not None
    assert call.end.end_reason == end_reason


def test_a_transcript_that_comes_while_we_speak_again_belongs_to_the_turn_before() -> None:
    call = VirtualCall(answer=answers())
    call.at(2.6, text("late words"))  # the second speech runs from 2.4 to 2.9 s
    call.play()
    assert [turn.heard_text for turn in call.turns] == ["late words", "", ""]
    assert since(call.turns[0].transcript_mono_ns) == pytest.approx(2.6)


def timing(
    component: Component, start: float, first: float | None, end: float, **more: object
) -> TimingHeard:
    fields: dict[str, Any] = {"turn": 9, "attempt": 0, "queue_s": 0.0, "status": "ok"} | more
    return TimingHeard(
        component=component, start_s=start, first_s=first, end_s=end, arrival_mono_ns=0, **fields
    )


def test_timings_are_put_on_our_clock_and_into_the_turn_that_had_begun() -> None:
    call = VirtualCall(answer=answers())
    call.at(0.01, PongHeard(60 * MS, 0))
    call.at(0.02, PongHeard(40 * MS, 0))  # the least one counts: start took 20 ms
    call.at(0.5, timing("tts", -0.3, -0.2, -0.1))  # of a greeting before the first turn
    call.at(0.9, timing("llm", 0.5, 0.7, 0.8, queue_s=0.1))
    call.at(2.7, timing("tts", 0.8, 0.95, 1.5))  # late: while the second turn is spoken
    call.at(3.2, timing("llm", 3.0, None, 3.1, status="rate_limited"))
    call.at(3.5, timing("llm", 3.3, 3.4, 3.45, attempt=1))
    call.at(3.6, timing("llm", 3.3, 3.4, 3.45, attempt=1))  # told twice
    call.play()

    def seen(turn: int) -> list[tuple[str, int, float | None, float | None, str | None]]:
        return [
            (c.component, c.attempt, since(c.start_mono_ns), since(c.first_mono_ns), c.error_type)
            for c in call.turns[turn].components
        ]

    assert seen(0) == [
        ("llm", 0, pytest.approx(0.52), pytest.approx(0.72), None),
        ("tts", 0, pytest.approx(0.82), pytest.approx(0.97), None),
    ]
    assert seen(1) == [
        ("llm", 0, pytest.approx(3.02), None, "rate_limited"),
        ("llm", 1, pytest.approx(3.32), pytest.approx(3.42), None),
    ]
    assert call.turns[0].components[0].queue_s == 0.1
    assert call.turns[1].components[1].retry_wait_s == pytest.approx(0.2)
    assert {c.source for turn in call.turns for c in turn.components} == {"in_band"}
    assert call.turns[0].rtt_s == pytest.approx(0.04)
