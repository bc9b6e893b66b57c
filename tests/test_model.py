"""The few values that compute something."""

from __future__ import annotations

import dataclasses

import pytest

from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    ClockAnchor,
    LoadContext,
    Stage,
    TurnRecord,
)


@pytest.mark.parametrize(
    ("elapsed_s", "calls"),
    [(0, 10), (5, 10), (10, 30), (15, 50), (99, 50)],
    ids=["before", "at the start", "half way", "at the end", "after"],
)
def test_a_stage_is_a_straight_piece_of_load(elapsed_s: float, calls: float) -> None:
    stage = Stage(1, "ramp", start_s=5, duration_s=10, calls_from=10, calls_to=50)

    assert stage.calls_at(elapsed_s) == calls
    assert stage.end_s == 15


def test_a_stage_without_length_is_a_step() -> None:
    stage = Stage(0, "spike", start_s=5, duration_s=0, calls_from=10, calls_to=50)

    assert stage.calls_at(5) == 50


def test_an_anchor_carries_monotonic_time_to_wall_time() -> None:
    anchor = ClockAnchor(mono_ns=7 * NS_PER_S, unix_ns=1_800_000_000 * NS_PER_S)

    assert anchor.to_unix_ns(10 * NS_PER_S) == 1_800_000_003 * NS_PER_S
    assert anchor.to_unix_ns(6 * NS_PER_S) == 1_799_999_999 * NS_PER_S


def turn(first_audio_mono_ns: int | None) -> TurnRecord:
    return TurnRecord(
        call=CallIdentity(0, "c", "0" * 32, "0" * 16, "demo", sampled=True),
        load=LoadContext("ramp", 0, 1, 1),
        turn_index=0,
        outcome="answered",
        clip_id="open-1",
        speech_start_mono_ns=0,
        speech_end_mono_ns=2 * NS_PER_S,
        first_byte_mono_ns=None,
        first_audio_mono_ns=first_audio_mono_ns,
        last_audio_mono_ns=None,
        transcript_mono_ns=None,
        deadline_s=10,
        send_delay_s=0,
        rtt_s=None,
        heard_text="",
        components=(),
    )


@pytest.mark.parametrize(
    ("first_audio_mono_ns", "latency_s"),
    [(2_750_000_000, 0.75), (1_500_000_000, -0.5), (None, None)],
    ids=["answered", "talked over the caller", "nobody answered"],
)
def test_latency_runs_from_the_last_speech_sample(
    first_audio_mono_ns: int | None, latency_s: float | None
) -> None:
    assert turn(first_audio_mono_ns).response_latency_s == latency_s


def test_a_record_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        turn(None).turn_index = 3  # type: ignore[misc]  # frozen, which is the point
