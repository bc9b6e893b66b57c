"""Clips are recognised as the reference agent hears them: cut out by its own detector."""

from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.audio.detector import Offset, Onset, VoiceDetector
from otel_voiceload.audio.encoding import FRAME_NS, MULAW_8K, PCM16_16K, Encoding
from otel_voiceload.audio.fingerprint import Fingerprints
from otel_voiceload.audio.g711 import decode, encode

SPEECH_DBFS = -21.0  # of every clip in the pack
ENCODINGS = pytest.mark.parametrize("encoding", [PCM16_16K, MULAW_8K], ids=lambda e: e.name)


@pytest.fixture(scope="module")
def known() -> dict[Encoding, Fingerprints]:
    return {encoding: Fingerprints(ClipPack.load(encoding)) for encoding in (PCM16_16K, MULAW_8K)}


def on_a_line(clip: Clip, noise_dbfs: float, seed: int) -> bytes:
    """The clip with 0.4 s of line before and after it, in noise, whole frames."""
    encoding = clip.encoding
    rng = np.random.default_rng(seed)
    quiet = np.zeros(encoding.sample_rate * 2 // 5)
    sound = np.concatenate([quiet, decode(clip.data, encoding).astype(float), quiet])
    sound = sound[int(rng.integers(encoding.frame_samples)) :]
    sound = sound[: len(sound) // encoding.frame_samples * encoding.frame_samples]
    sound += rng.normal(0, 32_768 * 10 ** (noise_dbfs / 20), len(sound))
    return encode(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16), encoding)


def cut_out(sound: bytes, encoding: Encoding) -> bytes:
    """The utterance between the first onset and the first offset that the detector gives."""
    detector = VoiceDetector(encoding)
    start_ns = end_ns = 0
    for number, first in enumerate(range(0, len(sound), encoding.frame_bytes)):
        frame = sound[first : first + encoding.frame_bytes]
        for event in detector.feed(frame, number * FRAME_NS):
            if isinstance(event, Onset):
                start_ns = event.at_ns
            if isinstance(event, Offset):
                end_ns = event.at_ns
        if end_ns:
            break
    start, end = (round(at * encoding.sample_rate / 1e9) for at in (start_ns, end_ns))
    return sound[start * encoding.bytes_per_sample : end * encoding.bytes_per_sample]


@ENCODINGS
@pytest.mark.parametrize(
    ("noise_dbfs", "wrong_clips", "wrong_intents"),
    [(-67.0, 0, 0), (SPEECH_DBFS - 20.0, 3, 0)],
    ids=["clean", "20 dB"],
)
def test_every_caller_clip_is_recognised(
    known: dict[Encoding, Fingerprints],
    encoding: Encoding,
    noise_dbfs: float,
    wrong_clips: int,
    wrong_intents: int,
) -> None:
    """In noise one or two in 240 are taken for the same words in another voice."""
    clips = ClipPack.load(encoding).callers()
    found = [
        known[encoding].match(cut_out(on_a_line(clip, noise_dbfs, seed), encoding))
        for seed, clip in enumerate(clips)
    ]
    pairs = list(zip(clips, found, strict=True))
    assert sum(m is None or m.clip is not c for c, m in pairs) <= wrong_clips
    assert sum(m is None or m.clip.intent != c.intent for c, m in pairs) <= wrong_intents


@ENCODINGS
def test_a_rough_cut_is_enough(known: dict[Encoding, Fingerprints], encoding: Encoding) -> None:
    rng = np.random.default_rng(7)
    rate, width = encoding.sample_rate, encoding.bytes_per_sample
    lead = rate * 2 // 5
    for clip in ClipPack.load(encoding).callers()[::4]:
        quiet = encode(rng.normal(0, 14, lead).astype(np.int16), encoding)
        early, late = rng.integers(-60, 61, 2) * rate // 1000
        start = lead + clip.speech_start_sample + int(early)
        end = lead + clip.speech_end_sample + int(late)
        match = known[encoding].match((quiet + clip.data + quiet)[start * width : end * width])
        assert match is not None
        assert match.clip is clip


@ENCODINGS
def test_what_the_agent_itself_says_is_no_caller_clip(
    known: dict[Encoding, Fingerprints], encoding: Encoding
) -> None:
    for clip in ClipPack.load(encoding).replies():
        assert known[encoding].match(clip.data) is None, clip.text


@ENCODINGS
@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.2, 3.4, 30.0])
@pytest.mark.parametrize("rms", [0, 14, 400, 4000], ids=lambda r: f"rms {r}")
def test_silence_and_noise_are_nothing(
    known: dict[Encoding, Fingerprints], encoding: Encoding, seconds: float, rms: int
) -> None:
    noise = np.random.default_rng(8).normal(0, rms, round(encoding.sample_rate * seconds))
    assert known[encoding].match(encode(noise.astype(np.int16), encoding)) is None


@ENCODINGS
def test_an_idle_line_is_nothing(known: dict[Encoding, Fingerprints], encoding: Encoding) -> None:
    pack = ClipPack.load(encoding)
    assert known[encoding].match(b"".join(pack.idle_frame(i) for i in range(60))) is None


@ENCODINGS
def test_a_clip_that_plays_backwards_is_nothing(
    known: dict[Encoding, Fingerprints], encoding: Encoding
) -> None:
    for clip in ClipPack.load(encoding).callers()[::12]:
        backwards = encode(decode(clip.data, encoding)[::-1].copy(), encoding)
        assert known[encoding].match(backwards) is None, clip.clip_id


def test_the_agents_replies_can_be_known_too() -> None:
    pack = ClipPack.load(MULAW_8K)
    replies = Fingerprints(pack, role="agent")
    for clip in pack.replies():
        match = replies.match(clip.data)
        assert match is not None
        assert match.clip is clip
