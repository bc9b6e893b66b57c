"""The caller's voice: ground truth on the sample clock, and the choice of clips."""

from __future__ import annotations

import random

import pytest

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import FRAME_NS, PCM16_16K
from otel_voiceload.callers.speech import Speaking, choices, choose
from otel_voiceload.errors import ConfigError
from tests.callers.fakes import PACK, SAMPLES, T0, clip

SAMPLE_NS = 62_500  # at 16 kHz


def test_a_sample_was_captured_so_long_before_its_frame_as_samples_follow_it() -> None:
    spoken = clip("x", "open", 0.5, "ann")
    speaking = Speaking(spoken)
    sent = [speaking.take(T0 + i * FRAME_NS) for i in range(spoken.n_frames)]

    assert b"".join(sent) == spoken.data
    assert speaking.done
    assert speaking.start_mono_ns == T0 - (SAMPLES - spoken.speech_start_sample) * SAMPLE_NS
    last, within = divmod(spoken.speech_end_sample - 1, SAMPLES)
    left = SAMPLES - within - 1
    assert speaking.end_mono_ns == T0 + last * FRAME_NS - left * SAMPLE_NS
    length = speaking.end_mono_ns - speaking.start_mono_ns
    assert length == round(spoken.speech_s * 1e9)


@pytest.mark.parametrize("end", [SAMPLES * 3, SAMPLES * 3 + 1, SAMPLES * 4 - 1])
def test_the_end_lies_in_the_frame_of_the_last_sample(end: int) -> None:
    from dataclasses import replace

    spoken = replace(clip("x", "open", 0.5, "ann"), speech_end_sample=end)
    speaking = Speaking(spoken)
    for i in range(spoken.n_frames):
        speaking.take(T0 + i * FRAME_NS)
    # The end of sample number end - 1, had the first sample been captured at T0 - 20 ms.
    assert speaking.end_mono_ns == T0 - FRAME_NS + end * SAMPLE_NS


def test_nothing_is_known_before_it_was_sent() -> None:
    speaking = Speaking(clip("x", "open", 0.5, "ann"))
    assert (speaking.start_mono_ns, speaking.end_mono_ns, speaking.done) == (None, None, False)
    speaking.take(T0)
    assert speaking.start_mono_ns is not None
    assert speaking.end_mono_ns is None


def test_the_end_follows_the_frame_that_really_carried_it() -> None:
    speaking = Speaking(clip("x", "open", 0.5, "ann"))
    for i in range(26):
        speaking.take(T0 + i * FRAME_NS + (500_000_000 if i > 10 else 0))
    assert speaking.end_mono_ns == T0 + 25 * FRAME_NS + 500_000_000 - 160 * SAMPLE_NS


def test_clips_are_chosen_by_intent_length_and_voice() -> None:
    found = choices(PACK, "open", ("bob",), 0.8, 2.0)
    assert [c.clip_id for c in found] == ["open-1.0-bob"]
    assert len(choices(PACK, "open", (), 0.0, 60.0)) == 4


@pytest.mark.parametrize(
    ("intent", "voices", "min_s"), [("sing", (), 0.0), ("open", ("eve",), 0.0), ("open", (), 9.0)]
)
def test_nothing_that_fits_names_what_there_is(
    intent: str, voices: tuple[str, ...], min_s: float
) -> None:
    with pytest.raises(ConfigError, match=r"intents are confirm, detail, human, open"):
        choices(PACK, intent, voices, min_s, 60.0)


def test_a_caller_keeps_its_voice_and_borrows_one_if_it_must() -> None:
    rng = random.Random(1)
    every = choices(PACK, "open", (), 0.0, 60.0)
    assert {choose(every, "ann", rng).voice for _ in range(20)} == {"ann"}
    assert {choose(every, "eve", rng).voice for _ in range(20)} == {"ann", "bob"}


def test_the_bundled_pack_keeps_speech_inside_its_frames() -> None:
    for spoken in ClipPack.load(PCM16_16K).callers():
        speaking = Speaking(spoken)
        while not speaking.done:
            speaking.take(T0)
        assert speaking.start_mono_ns is not None, spoken.clip_id
        assert speaking.end_mono_ns is not None, spoken.clip_id
