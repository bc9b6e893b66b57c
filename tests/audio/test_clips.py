"""The bundled pack holds what the scenarios count on, in both encodings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from otel_voiceload.audio.clips import (
    AUDIO_FILE,
    BUNDLED,
    IDLE_FRAMES,
    MANIFEST_FILE,
    ClipPack,
)
from otel_voiceload.audio.encoding import MULAW_8K, PCM16_16K, Encoding
from otel_voiceload.audio.g711 import decode
from otel_voiceload.errors import ConfigError

ENCODINGS = [PCM16_16K, MULAW_8K]
PROMPTS = {"open": 8, "detail": 8, "confirm": 8, "question": 6, "thanks": 6, "human": 4}
REPLIES = {
    "greet": (0.8, 2.5),
    "ask": (0.8, 1.2, 3, 6),
    "check": (0.8, 1.2, 3, 6),
    "answer": (0.8, 1.2, 3, 6),
    "done": (0.8, 1.2, 3, 6),
    "transfer": (0.8, 2.5),
}
SOURCE = Path(__file__).parents[2] / "tools" / "clips.yaml"


@pytest.fixture(scope="module")
def pack() -> ClipPack:
    return ClipPack.load(PCM16_16K)


def test_every_prompt_is_there_in_six_voices(pack: ClipPack) -> None:
    assert len(pack.voices("caller")) == 6
    for voice in pack.voices("caller"):
        counts = {intent: len(pack.callers(intent, voice)) for intent in PROMPTS}
        assert counts == PROMPTS, voice


def test_every_intent_has_three_short_prompts_in_every_voice(pack: ClipPack) -> None:
    for voice in pack.voices("caller"):
        for intent in PROMPTS:
            short = [c for c in pack.callers(intent, voice) if 1.0 <= c.speech_s <= 1.4]
            assert len(short) >= 3, (intent, voice)


def test_replies_have_graded_lengths_in_two_voices(pack: ClipPack) -> None:
    assert len(pack.voices("agent")) == 2
    for voice in pack.voices("agent"):
        for intent, lengths in REPLIES.items():
            spoken = [clip.speech_s for clip in pack.replies(intent, voice)]
            assert spoken == pytest.approx(lengths, rel=0.12), (intent, voice)


def test_the_agents_intents_are_told_apart_by_their_keywords(pack: ClipPack) -> None:
    keywords = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))["keywords"]
    for clip in pack.replies():
        said = {intent for intent, word in keywords.items() if has(word, clip.text)}
        assert said == {clip.intent}, clip.text


def has(word: str, text: str) -> bool:
    return re.search(rf"\b{word}\b", text, re.IGNORECASE) is not None


def test_the_pack_says_what_its_source_asks_for(pack: ClipPack) -> None:
    source = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    wanted = {
        (role, voice, intent, text)
        for role in ("caller", "agent")
        for voice in source["voices"][role]
        for intent, prompts in source[role].items()
        for _, text in prompts
    }
    assert {(c.role, c.voice, c.intent, c.text) for c in pack.clips} == wanted


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.name)
def test_a_clip_is_whole_frames_with_less_than_one_of_silence_on_either_side(
    encoding: Encoding,
) -> None:
    for clip in ClipPack.load(encoding).clips:
        n_samples = encoding.samples(len(clip.data))
        assert len(clip.data) == clip.n_frames * encoding.frame_bytes, clip.clip_id
        assert 0 <= clip.speech_start_sample < encoding.frame_samples, clip.clip_id
        assert 0 <= n_samples - clip.speech_end_sample < encoding.frame_samples, clip.clip_id


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.name)
def test_speech_stands_out_of_the_noise_inside_its_positions_only(encoding: Encoding) -> None:
    for clip in ClipPack.load(encoding).clips:
        samples = np.abs(decode(clip.data, encoding).astype(int))
        edge = encoding.sample_rate // 1000  # the resampling filter rings for about a millisecond
        before = samples[: max(0, clip.speech_start_sample - edge)]
        after = samples[clip.speech_end_sample + edge :]
        assert before.max(initial=0) < 100, clip.clip_id
        assert after.max(initial=0) < 100, clip.clip_id
        assert samples.max() > 10_000, clip.clip_id


def test_no_pause_inside_a_short_clip_is_taken_for_its_end() -> None:
    manifest = json.loads((BUNDLED / MANIFEST_FILE).read_text(encoding="utf-8"))
    for row in manifest["clips"]:
        seconds = (row["speech_end_sample"] - row["speech_start_sample"]) / 8000
        assert row["longest_pause_ms"] <= (150 if seconds < 1.6 else 200), row["clip_id"]


def test_frames_follow_each_other_and_stop_at_the_end(pack: ClipPack) -> None:
    clip = pack.callers("open")[0]
    assert b"".join(clip.frame(i) for i in range(clip.n_frames)) == clip.data
    assert clip.frame(clip.n_frames) == b""


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda e: e.name)
def test_an_idle_line_is_faint_noise_and_never_zeros(encoding: Encoding) -> None:
    pack = ClipPack.load(encoding)
    for i in range(IDLE_FRAMES):
        frame = pack.idle_frame(i)
        samples = decode(frame, encoding).astype(float)
        level = 10 * np.log10((samples**2).mean() / 32_768**2)
        assert len(frame) == encoding.frame_bytes
        assert -70 <= level <= -65, i
    assert pack.idle_frame(IDLE_FRAMES) == pack.idle_frame(0)
    assert pack.idle_frame(0) != pack.idle_frame(1)


def test_both_encodings_are_one_pack(pack: ClipPack) -> None:
    narrow = ClipPack.load(MULAW_8K)
    assert narrow.pack_id == pack.pack_id
    for clip in pack.clips:
        same = narrow.clip(clip.clip_id)
        assert same.speech_s == clip.speech_s
        assert same.speech_start_sample * 2 == clip.speech_start_sample


def test_a_process_keeps_one_pack_per_encoding(pack: ClipPack) -> None:
    assert ClipPack.load(PCM16_16K) is pack


def test_an_unknown_clip_is_named(pack: ClipPack) -> None:
    with pytest.raises(ConfigError, match="no clip 'hum-01'"):
        pack.clip("hum-01")


def test_a_folder_that_is_no_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a clip pack"):
        ClipPack.load(MULAW_8K, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99}, "format 99 is not known"), ({"sha256": "0"}, "is damaged")],
)
def test_a_pack_of_the_future_or_a_damaged_one_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    manifest = {"format": 1, "sha256": "", "clips": []} | change
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / AUDIO_FILE).write_bytes(b"\xff" * 160)
    with pytest.raises(ConfigError, match=message):
        ClipPack.load(MULAW_8K, tmp_path)
