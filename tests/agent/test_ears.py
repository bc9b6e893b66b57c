"""The agent's own ears find the end of speech, and cut the speech out."""

import pytest

from otel_voiceload.agent.ears import Ears, SpeechEnded, SpeechStarted, speech_s
from otel_voiceload.audio.encoding import FRAME_NS, PCM16_16K
from tests.agent.world import PACK, caller, recognise

CLIP = caller("open")


def play(ears: Ears, frames: list[bytes], start_ns: int = 0) -> list[tuple[int, object]]:
    told = []
    for number, data in enumerate(frames):
        arrival_ns = start_ns + (number + 1) * FRAME_NS
        told += [(arrival_ns, event) for event in ears.hear(data, arrival_ns)]
    return told


def around(frames: list[bytes], before: int = 40, after: int = 40) -> list[bytes]:
    return (
        [PACK.idle_frame(i) for i in range(before)]
        + frames
        + [PACK.idle_frame(i) for i in range(after)]
    )


def frames_of(clip=CLIP) -> list[bytes]:
    return [clip.frame(i) for i in range(clip.n_frames)]


@pytest.mark.parametrize("endpointing_s", [0.1, 0.2, 0.5])
def test_a_speech_ends_after_the_endpointing_silence(endpointing_s: float) -> None:
    ears = Ears(PCM16_16K, endpointing_s)
    told = play(ears, around(frames_of()))
    assert [type(event) for _, event in told] == [SpeechStarted, SpeechEnded]
    heard_ns, ended = told[1]
    true_end_ns = 40 * FRAME_NS + PCM16_16K.sample_ns(CLIP.speech_end_sample)
    assert abs(ended.end_ns - true_end_ns) < 10_000_000
    assert endpointing_s <= (heard_ns - ended.end_ns) / 1e9 < endpointing_s + 0.03
    assert speech_s(ended) == pytest.approx(CLIP.speech_s, abs=0.02)


@pytest.mark.parametrize("intent", ["open", "detail", "confirm", "question", "thanks", "human"])
def test_the_cut_is_good_enough_to_be_recognised(intent: str) -> None:
    for clip in (caller(intent), caller(intent, shortest=False)):
        told = play(Ears(PCM16_16K, 0.2), around(frames_of(clip)))
        assert recognise(told[-1][1].data) == clip


def test_idle_noise_and_digital_silence_are_no_speech() -> None:
    ears = Ears(PCM16_16K, 0.2)
    assert play(ears, [PACK.idle_frame(i) for i in range(200)]) == []
    assert play(ears, [bytes(640)] * 200, start_ns=200 * FRAME_NS) == []


def test_frames_that_come_late_by_a_little_are_no_silence() -> None:
    ears = Ears(PCM16_16K, 0.1)
    told = []
    for number, data in enumerate(around(frames_of())):
        arrival_ns = (number + 1) * FRAME_NS + (number % 3) * 15_000_000
        told += ears.hear(data, arrival_ns)
    assert [type(event) for event in told] == [SpeechStarted, SpeechEnded]


def test_a_line_that_falls_mute_ends_the_speech() -> None:
    ears = Ears(PCM16_16K, 0.2)
    frames = around(frames_of(), after=0)[:-20]
    told = play(ears, frames)
    assert ears.voiced
    end_ns = len(frames) * FRAME_NS
    assert ears.nothing_until(end_ns + 40_000_000) == ()
    (ended,) = ears.nothing_until(end_ns + 260_000_000)
    assert isinstance(ended, SpeechEnded)
    assert not ears.voiced
    assert len(told) == 1


def test_half_a_speech_can_be_had_while_it_goes_on() -> None:
    ears = Ears(PCM16_16K, 0.2)
    play(ears, around(frames_of(), after=0)[:-20])
    so_far = ears.speech_so_far()
    assert 0.3 < speech_s(so_far) < CLIP.speech_s - 0.3
    assert len(so_far.data) >= speech_s(so_far) * 32_000


def test_an_endless_speech_is_heard_out_without_being_kept() -> None:
    ears = Ears(PCM16_16K, 0.2)
    clip = caller("open", shortest=False)
    frames = [clip.frame(i) for i in range(20, 60)] * 60  # 48 s without a pause
    told = play(ears, around(frames))
    ended = told[-1][1]
    assert isinstance(ended, SpeechEnded)
    assert len(ended.data) <= 1500 * 640


def test_messages_of_any_length_are_heard() -> None:
    ears = Ears(PCM16_16K, 0.2)
    sound = b"".join(around(frames_of()))
    told = []
    for first in range(0, len(sound), 1000):
        piece = sound[first : first + 1000]
        told += ears.hear(piece, (first + len(piece)) // 2 * 10**9 // 16_000)
    assert [type(event) for event in told] == [SpeechStarted, SpeechEnded]
    assert recognise(told[1].data) == CLIP
