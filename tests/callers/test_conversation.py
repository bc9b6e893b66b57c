"""Whole calls in virtual time: every way in which a turn and a call can go."""

from __future__ import annotations

import pytest

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.actions import HangUp, Ping, SendFrame, SpeechEnd, TurnFinished
from otel_voiceload.callers.scenario import load_scenario
from otel_voiceload.events import ClearHeard
from tests.callers.fakes import (
    ANSWER_S,
    CLOSE_ENOUGH,
    MS,
    Planned,
    S,
    VirtualCall,
    answers,
    burst,
    faint,
    scenario,
    silence,
    since,
    streamed,
    tone,
)

# --- the usual call ----------------------------------------------------------------------------


def test_a_call_of_three_turns_ends_naturally() -> None:
    call = VirtualCall(answer=answers()).play()

    assert call.end == HangUp("completed", "resolution", None)
    assert call.outcomes == ["answered"] * 3
    assert [turn.turn_index for turn in call.turns] == [0, 1, 2]
    assert [turn.clip_id[:-8] for turn in call.turns] == ["open", "detail", "confirm"]
    conversation = call.conversation
    assert (conversation.outcome, conversation.end_reason) == ("completed", "resolution")
    assert (conversation.error_type, conversation.turn_count) == (None, 3)
    assert conversation.greeting_latency_s is None


def test_latency_runs_from_the_last_sample_sent_to_the_first_voiced_one_played() -> None:
    turn = VirtualCall(answer=answers()).play().turns[0]

    # Frame 25 of the clip goes out at 0.50 s; its last half is silence behind the speech.
    assert since(turn.speech_start_mono_ns) == pytest.approx(-0.010)
    assert since(turn.speech_end_mono_ns) == pytest.approx(0.490)
    assert since(turn.first_audio_mono_ns) == pytest.approx(0.50 + ANSWER_S, abs=CLOSE_ENOUGH)
    assert turn.response_latency_s == pytest.approx(0.51, abs=CLOSE_ENOUGH)
    assert since(turn.first_byte_mono_ns) == pytest.approx(0.50 + ANSWER_S)
    assert since(turn.last_audio_mono_ns) == pytest.approx(2.0, abs=CLOSE_ENOUGH)
    assert turn.send_delay_s == 0.0
    assert turn.audio_gap_s == 0.0
    assert turn.deadline_s == 4.0
    assert turn.snr_db is not None
    assert turn.snr_db > 30
    assert turn.onset_error_bound_ms == 5.0


def test_the_next_turn_begins_when_the_think_time_after_the_last_voiced_sample_is_over() -> None:
    call = VirtualCall(answer=answers()).play()

    first, second = call.turns[:2]
    assert first.last_audio_mono_ns is not None
    begins = second.speech_start_mono_ns + 10 * MS  # handed over with its frame
    waited = (begins - first.last_audio_mono_ns) / S
    assert 0.4 <= waited <= 0.4 + 0.020 + CLOSE_ENOUGH


def test_a_frame_goes_out_in_every_slot_idle_noise_between_the_words() -> None:
    call = VirtualCall(answer=answers()).play()

    sent = [action for _, action in call.actions if isinstance(action, SendFrame)]
    assert len(sent) == round(call.times(HangUp)[0] / 0.02)
    assert all(len(frame.data) == PCM16_16K.frame_bytes for frame in sent)
    assert all(any(frame.data) for frame in sent)
    assert len(call.spoken) == 3 * 26


def test_each_turn_pings_at_its_start_and_tells_the_end_of_speech() -> None:
    call = VirtualCall(answer=answers()).play()

    kinds = [type(action) for _, action in call.actions if not isinstance(action, SendFrame)]
    assert kinds == [
        *(Ping, SpeechEnd),
        *(Ping, SpeechEnd, TurnFinished),
        *(Ping, SpeechEnd, TurnFinished),
        *(TurnFinished, HangUp),
    ]


def test_the_turn_carries_the_load_of_its_beginning() -> None:
    turn = VirtualCall(answer=answers()).play().turns[0]
    assert (turn.load.phase, turn.load.stage_index, turn.call.call_index) == ("ramp", 2, 4)


# --- nobody answers ----------------------------------------------------------------------------


def test_patience_that_runs_out_abandons_the_call() -> None:
    call = VirtualCall(answer=lambda turn: () if turn == 1 else answers()(turn)).play()

    assert call.end == HangUp("abandoned", "hang_up", "no_response")
    assert call.outcomes == ["answered", "no_response"]
    lost = call.turns[1]
    assert (lost.first_audio_mono_ns, lost.response_latency_s) == (None, None)
    waited = call.times(HangUp)[0] - (since(lost.speech_end_mono_ns) or 0)
    assert waited == pytest.approx(lost.deadline_s, abs=0.02)


@pytest.mark.parametrize("sound", [None, silence(60.0)])
def test_an_agent_that_never_has_a_voice_is_silent(sound: bytes | None) -> None:
    call = VirtualCall()
    if sound:
        call.plan(streamed(sound))
    call.play()

    assert call.end == HangUp("silent_agent", "hang_up", "no_voice")
    assert call.outcomes == ["no_response"]
    assert (call.turns[0].first_byte_mono_ns is not None) == (sound is not None)


def test_a_scenario_with_words_for_silence_asks_again() -> None:
    nodes = {
        "open": {
            "say": {"intent": "open", "max_s": 0.6},
            "edges": [{"silence": 2, "go": "again"}, {"go": "done"}],
        },
        "again": {"say": {"intent": "human", "max_s": 0.6}, "edges": [{"go": "done"}]},
        "done": {"end": "callback"},
    }
    call = VirtualCall(
        scenario(nodes=nodes), lambda turn: answers()(turn) if turn == 1 else ()
    ).play()

    assert call.end == HangUp("completed", "callback", None)
    assert call.outcomes == ["no_response", "answered"]
    assert [turn.deadline_s for turn in call.turns] == [2.0, 4.0]
    assert call.turns[1].clip_id.startswith("human")
    assert call.turns[1].send_delay_s < 0.02


# --- who speaks first ---------------------------------------------------------------------------


def test_a_greeting_is_heard_out_and_timed() -> None:
    call = VirtualCall(scenario(greeting={"wait_s": 3}), answers())
    call.plan(streamed(silence(0.1) + tone(0.8) + silence(0.3), after_s=0.7))
    call.play()

    assert call.conversation.greeting_latency_s == pytest.approx(0.8, abs=CLOSE_ENOUGH)
    first_word = call.spoken[0][0]
    assert 1.6 + 0.4 <= first_word <= 1.6 + 0.4 + 0.03
    assert call.outcomes == ["answered"] * 3


def test_without_a_greeting_the_caller_begins_after_waiting() -> None:
    call = VirtualCall(scenario(greeting={"wait_s": 3}), answers()).play()

    assert call.spoken[0][0] == pytest.approx(3.0)
    assert call.conversation.greeting_latency_s is None
    assert call.turns[0].send_delay_s == 0.0
    assert call.end == HangUp("completed", "resolution", None)


def test_a_greeting_in_one_burst_is_not_over_before_it_was_played() -> None:
    call = VirtualCall(scenario(greeting={"wait_s": 3}), answers())
    call.plan(burst(tone(2.5), after_s=0.5))
    call.play()

    assert call.conversation.greeting_latency_s == pytest.approx(0.5, abs=CLOSE_ENOUGH)
    assert call.spoken[0][0] == pytest.approx(3.0 + 0.4, abs=0.03)


def test_a_greeting_that_never_ends_times_out() -> None:
    call = VirtualCall(scenario(greeting={"wait_s": 3}))
    call.plan(streamed(tone(30.0)))
    call.play()

    assert call.end == HangUp("timed_out", "hang_up", "turn_deadline")
    assert call.turns == []


# --- both speak ---------------------------------------------------------------------------------


def test_an_agent_that_cuts_in_makes_the_turn_interrupted_with_negative_latency() -> None:
    call = VirtualCall(answer=lambda turn: answers()(turn) if turn else ())
    call.plan(streamed(tone(1.5), after_s=0.3))
    call.play()

    first = call.turns[0]
    assert call.outcomes == ["interrupted", "answered", "answered"]
    assert first.response_latency_s == pytest.approx(0.3 - 0.49, abs=CLOSE_ENOUGH)
    assert since(first.last_audio_mono_ns) == pytest.approx(1.8, abs=CLOSE_ENOUGH)
    assert call.end == HangUp("completed", "resolution", None)


def test_a_word_in_between_is_an_interruption_but_no_answer() -> None:
    long_clip = {"say": {"intent": "open", "min_s": 0.9}, "edges": [{"go": "done"}]}
    call = VirtualCall(
        scenario(nodes={"open": long_clip, "done": {"end": "resolution"}}), answers(after_s=0.5)
    )
    call.plan(streamed(tone(0.2), after_s=0.2))
    call.play()

    turn = call.turns[0]
    assert turn.outcome == "interrupted"
    assert turn.response_latency_s == pytest.approx(0.51, abs=CLOSE_ENOUGH)


def test_a_faint_voice_that_is_found_late_is_dated_back_over_our_last_word() -> None:
    call = VirtualCall(answer=lambda turn: ())
    call.plan(streamed(faint(2.0), after_s=0.475))  # believed after 40 ms; we end at 0.49 s
    call.play(until_s=5.0)
    call.take(call.conversation.hang_up(call.now, "now"))

    assert call.outcomes[0] == "interrupted"
    assert call.turns[0].response_latency_s == pytest.approx(-0.015, abs=0.01)


def test_an_interruption_that_is_found_to_be_over_after_our_last_word_is_no_answer() -> None:
    call = VirtualCall(answer=lambda turn: ())
    call.plan(streamed(tone(0.2), after_s=0.2))  # ends at 0.4 s, known at 0.6 s; we end at 0.49 s
    call.play()

    assert call.outcomes == ["no_response"]
    assert call.end == HangUp("abandoned", "hang_up", "no_response")
    assert call.times(HangUp)[0] == pytest.approx(4.49, abs=0.02)


def test_an_agent_that_goes_on_after_a_pause_is_heard_out_again() -> None:
    pause = tone(0.5) + silence(0.4) + tone(0.5)  # 0.4 s is over the 0.2 s that end a reply
    call = VirtualCall(answer=lambda turn: streamed(pause, ANSWER_S)).play()

    assert call.outcomes == ["answered"] * 3
    first = call.turns[0]
    assert since(first.last_audio_mono_ns) == pytest.approx(1.0 + 1.4, abs=CLOSE_ENOUGH)
    assert call.spoken[26][0] >= 2.4 + 0.4


# --- playout ------------------------------------------------------------------------------------


def test_a_reply_in_one_burst_is_not_over_before_it_was_played() -> None:
    call = VirtualCall(answer=lambda turn: burst(tone(3.0), ANSWER_S)).play()

    first, second = call.turns[:2]
    assert first.response_latency_s == pytest.approx(0.51, abs=CLOSE_ENOUGH)
    assert since(first.last_audio_mono_ns) == pytest.approx(4.0, abs=CLOSE_ENOUGH)
    assert since(second.speech_start_mono_ns) == pytest.approx(4.4, abs=0.03)


def test_cleared_audio_was_never_heard() -> None:
    def answer(turn: int) -> Planned:
        yield from burst(tone(3.0), ANSWER_S)
        yield ANSWER_S + 1.0, ClearHeard(0)

    first = VirtualCall(answer=answer).play().turns[0]
    assert since(first.last_audio_mono_ns) == pytest.approx(2.0, abs=0.025)


def test_a_hole_in_the_reply_is_counted_as_a_gap() -> None:
    def answer(turn: int) -> Planned:
        yield from streamed(tone(0.5), 0.5)
        yield from streamed(tone(0.5), 1.13)  # 0.13 s late, less than ends a reply

    first = VirtualCall(answer=answer).play().turns[0]
    assert first.audio_gap_s == pytest.approx(0.13, abs=0.001)
    assert since(first.last_audio_mono_ns) == pytest.approx(0.5 + 1.63, abs=CLOSE_ENOUGH)


# --- our own lateness ---------------------------------------------------------------------------


def test_a_skipped_slot_delays_the_words_and_moves_the_ground_truth_with_them() -> None:
    call = VirtualCall(answer=answers())
    call.skip = lambda at_s: 0.1 <= at_s < 0.2  # five slots in the middle of the speech
    call.play()

    first = call.turns[0]
    assert since(first.speech_start_mono_ns) == pytest.approx(-0.010)
    assert since(first.speech_end_mono_ns) == pytest.approx(0.590)
    assert first.response_latency_s == pytest.approx(0.51, abs=CLOSE_ENOUGH)
    assert len(call.spoken[:26]) == 26
    assert first.send_delay_s == 0.0


def test_slots_skipped_when_the_turn_was_due_are_its_send_delay() -> None:
    call = VirtualCall(answer=answers())
    call.skip = lambda at_s: at_s < 0.06
    call.play()
    assert [turn.send_delay_s for turn in call.turns] == [pytest.approx(0.06), 0.0, 0.0]


def test_a_late_slot_is_send_delay_and_counts_from_the_real_send_time() -> None:
    call = VirtualCall(answer=answers())
    call.late_ns = 7 * MS
    call.play()

    first = call.turns[0]
    assert first.send_delay_s == pytest.approx(0.007)
    assert since(first.speech_end_mono_ns) == pytest.approx(0.497)


# --- the real pack ------------------------------------------------------------------------------


def test_the_demo_is_played_with_real_speech() -> None:
    pack = ClipPack.load(PCM16_16K)
    reply = next(clip for clip in pack.replies("ask") if clip.speech_s < 1.0)
    onset_s = reply.speech_start_sample / PCM16_16K.sample_rate
    call = VirtualCall(
        load_scenario("demo"), lambda turn: streamed(reply.data, ANSWER_S), pack, seed=5
    ).play()

    assert call.end == HangUp("completed", "resolution", None)
    assert call.outcomes == ["answered"] * 4
    for turn in call.turns:
        clip = pack.clip(turn.clip_id)
        spoken_s = (turn.speech_end_mono_ns - turn.speech_start_mono_ns) / S
        assert spoken_s == pytest.approx(clip.speech_s, abs=1e-6)
        assert turn.first_audio_mono_ns is not None
        # The answer's first frame arrives ANSWER_S after the slot that carried our last sample.
        frame = (clip.speech_end_sample - 1) // PCM16_16K.frame_samples
        behind_s = ((frame + 1) * PCM16_16K.frame_samples - clip.speech_end_sample) / 16_000
        assert turn.response_latency_s == pytest.approx(ANSWER_S + behind_s + onset_s, abs=0.006)
