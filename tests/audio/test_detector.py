"""How far off the detector is, against clips whose speech positions are known to the sample.

The figures asserted here are the published ones. Noise is white, and ratios are those of the active
speech level to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.detector import Event, Offset, Onset, VoiceDetector, error_bound_ms
from otel_voiceload.audio.encoding import FRAME_NS, MULAW_8K, PCM16_16K, Encoding
from otel_voiceload.audio.g711 import decode, encode

MS = 1_000_000
SPEECH_DBFS = -21.0  # of every clip in the pack
IDLE_DBFS = -67.0
LEAD_S = 0.6
ENCODINGS = pytest.mark.parametrize("encoding", [PCM16_16K, MULAW_8K], ids=lambda e: e.name)


@dataclass(frozen=True, slots=True)
class Trial:
    onset_error_ms: float
    offset_error_ms: float
    bound_ms: float
    events: int


def noise(encoding: Encoding, seconds: float, dbfs: float, seed: int = 0) -> NDArray[np.float64]:
    count = round(encoding.sample_rate * seconds)
    return np.random.default_rng(seed).normal(0, 32_768 * 10 ** (dbfs / 20), count)


def tone(encoding: Encoding, seconds: float, peak: float = 8000.0) -> NDArray[np.float64]:
    at = np.arange(round(encoding.sample_rate * seconds)) / encoding.sample_rate
    return peak * np.sin(2 * np.pi * 440 * at)


def to_bytes(sound: NDArray[np.float64], encoding: Encoding) -> bytes:
    return encode(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16), encoding)


def hear(
    sound: NDArray[np.float64], encoding: Encoding, chunk_ms: int = 20, release_s: float = 0.3
) -> list[Event]:
    detector = VoiceDetector(encoding, release_s)
    data = to_bytes(sound, encoding)
    width = encoding.frame_bytes * chunk_ms // 20
    events: list[Event] = []
    for number, first in enumerate(range(0, len(data), width)):
        events += detector.feed(data[first : first + width], number * chunk_ms * MS)
    return events


@cache
def trials(encoding: Encoding, noise_dbfs: float) -> list[Trial]:
    """Every clip of the pack, each beginning at another place within a frame."""
    found = []
    rate = encoding.sample_rate
    for seed, clip in enumerate(ClipPack.load(encoding).clips):
        lead = round(LEAD_S * rate) + seed * 37 % encoding.frame_samples
        sound = np.concatenate([np.zeros(lead), decode(clip.data, encoding), np.zeros(rate // 2)])
        sound += noise(encoding, len(sound) / rate, noise_dbfs, seed)
        events = hear(sound, encoding)
        assert isinstance(events[0], Onset), clip.clip_id
        onset_ms = (lead + clip.speech_start_sample) / rate * 1000
        offset_ms = (lead + clip.speech_end_sample) / rate * 1000
        found.append(
            Trial(
                onset_error_ms=events[0].at_ns / MS - onset_ms,
                offset_error_ms=events[-1].at_ns / MS - offset_ms,
                bound_ms=events[0].error_bound_ms,
                events=len(events),
            )
        )
    return found


LINES = pytest.mark.parametrize(
    ("noise_dbfs", "line"),
    [(IDLE_DBFS, "clean"), (SPEECH_DBFS - 30, "30 dB"), (SPEECH_DBFS - 20, "20 dB")],
    ids=["clean", "30 dB", "20 dB"],
)
# Milliseconds: least, 5th percentile, 95th percentile, most.
STARTS = {
    "clean": (-10, -5, 0, 1),
    "30 dB": (-20, -5, 5, 90),
    "20 dB": (-20, -10, 40, 95),
}
ENDS = {"clean": (-1, 5), "30 dB": (-40, 5), "20 dB": (-140, 5)}


@ENCODINGS
@LINES
def test_a_start_is_found_within_the_published_error(
    encoding: Encoding, noise_dbfs: float, line: str
) -> None:
    found = trials(encoding, noise_dbfs)
    errors = [trial.onset_error_ms for trial in found]
    least, p5, p95, most = STARTS[line]
    assert least <= min(errors)
    assert p5 <= np.percentile(errors, 5)
    assert np.percentile(errors, 95) <= p95
    assert max(errors) <= most
    within = [abs(trial.onset_error_ms) <= trial.bound_ms for trial in found]
    assert np.mean(within) >= 0.95


@ENCODINGS
@LINES
def test_an_end_is_found_once_and_within_the_published_error(
    encoding: Encoding, noise_dbfs: float, line: str
) -> None:
    found = trials(encoding, noise_dbfs)
    p5, p95 = ENDS[line]
    assert {trial.events for trial in found} == {2}
    assert p5 <= np.percentile([trial.offset_error_ms for trial in found], 5)
    assert np.percentile([trial.offset_error_ms for trial in found], 95) <= p95


@ENCODINGS
def test_short_clips_stay_whole_with_a_short_release(encoding: Encoding) -> None:
    """The demo hears a reply's end after 0.2 s."""
    pack = ClipPack.load(encoding)
    for clip in (clip for clip in pack.clips if clip.speech_s < 1.5):
        quiet = np.zeros(encoding.sample_rate // 4)
        sound = np.concatenate([quiet, decode(clip.data, encoding), quiet])
        assert len(hear(sound, encoding, release_s=0.2)) == 2, clip.clip_id


@ENCODINGS
def test_an_idle_line_is_silent(encoding: Encoding) -> None:
    pack = ClipPack.load(encoding)
    detector = VoiceDetector(encoding)
    for i in range(500):
        assert detector.feed(pack.idle_frame(i), i * FRAME_NS) == ()
    assert detector.last_voiced_ns is None


@ENCODINGS
@pytest.mark.parametrize("dbfs", [-60, -50, -40, -30])
def test_hiss_that_begins_out_of_silence_is_no_voice(encoding: Encoding, dbfs: float) -> None:
    sound = np.concatenate([np.zeros(encoding.sample_rate), noise(encoding, 3.0, dbfs)])
    assert hear(sound, encoding) == []


@ENCODINGS
@pytest.mark.parametrize("dbfs", [-60, -50, -40])
def test_a_voice_ends_though_hiss_goes_on_after_it(encoding: Encoding, dbfs: float) -> None:
    clip = ClipPack.load(encoding).replies("ask")[2]
    speech = decode(clip.data, encoding).astype(float)
    sound = np.concatenate([np.zeros(encoding.sample_rate // 2), speech])
    sound = np.concatenate([sound, np.zeros(2 * encoding.sample_rate)])
    first = encoding.sample_rate // 2 + clip.speech_start_sample
    sound[first:] += noise(encoding, (len(sound) - first) / encoding.sample_rate, dbfs)
    onset, offset = hear(sound, encoding)
    assert isinstance(onset, Onset)
    assert onset.at_ns / MS == pytest.approx(first / encoding.sample_rate * 1000, abs=5)
    assert isinstance(offset, Offset)
    end_ms = 500 + clip.speech_end_sample / encoding.sample_rate * 1000
    assert offset.at_ns / MS == pytest.approx(end_ms, abs=140)


@ENCODINGS
def test_a_beep_is_a_voice_with_exact_edges(encoding: Encoding) -> None:
    """Agents under test and agents of tests say a tone; it is as even as noise but loud."""
    quiet = np.zeros(encoding.sample_rate)
    onset, offset = hear(np.concatenate([quiet, tone(encoding, 1.0), quiet]), encoding)
    assert onset.at_ns / MS == pytest.approx(1000, abs=0.5)
    assert offset.at_ns / MS == pytest.approx(2000, abs=0.5)


@ENCODINGS
def test_a_click_is_no_voice(encoding: Encoding) -> None:
    quiet = np.zeros(encoding.sample_rate // 2)
    sound = np.concatenate([quiet, tone(encoding, 0.01), quiet, tone(encoding, 0.01), quiet])
    assert hear(sound, encoding) == []


@ENCODINGS
@pytest.mark.parametrize("chunk_ms", [10, 20, 30, 100, 1000])
def test_the_length_of_messages_changes_nothing(encoding: Encoding, chunk_ms: int) -> None:
    clip = ClipPack.load(encoding).replies("check")[2]
    quiet = np.zeros(encoding.sample_rate // 2)
    sound = np.concatenate([quiet, decode(clip.data, encoding), quiet])
    onset, offset = hear(sound, encoding, chunk_ms)
    speech_ms = clip.speech_s * 1000
    start_ms = 500 + clip.speech_start_sample / encoding.sample_rate * 1000
    assert onset.at_ns / MS == pytest.approx(start_ms, abs=6)
    assert offset.at_ns / MS == pytest.approx(start_ms + speech_ms, abs=6)


@ENCODINGS
def test_an_agent_that_sends_only_when_it_speaks_is_heard(encoding: Encoding) -> None:
    """The very first sample of the stream is speech, and after it there is nothing at all."""
    detector = VoiceDetector(encoding)
    beep = to_bytes(tone(encoding, 0.5), encoding)
    (onset,) = detector.feed(beep, 7_000 * MS)
    assert onset.at_ns / MS == pytest.approx(7_000, abs=0.5)
    assert detector.voiced
    assert detector.silence(7_799 * MS) == ()
    (offset,) = detector.silence(7_801 * MS)
    assert offset.at_ns / MS == pytest.approx(7_500, abs=0.5)
    assert not detector.voiced
    (again,) = detector.feed(beep, 9_000 * MS)
    assert again.at_ns / MS == pytest.approx(9_000, abs=0.5)


@ENCODINGS
def test_a_hole_between_two_messages_is_silence(encoding: Encoding) -> None:
    detector = VoiceDetector(encoding)
    beep = to_bytes(tone(encoding, 0.5), encoding)
    events = [*detector.feed(beep, 0), *detector.feed(beep, 1_000 * MS)]
    assert [type(event) for event in events] == [Onset, Offset, Onset]
    assert [round(event.at_ns / MS) for event in events] == pytest.approx([0, 500, 1_000], abs=1)


@ENCODINGS
def test_a_hole_shorter_than_the_release_does_not_end_a_voice(encoding: Encoding) -> None:
    detector = VoiceDetector(encoding)
    beep = to_bytes(tone(encoding, 0.5), encoding)
    events = [
        *detector.feed(beep, 0),
        *detector.feed(beep, 700 * MS),
        *detector.silence(2_000 * MS),
    ]
    assert [round(event.at_ns / MS) for event in events] == pytest.approx([0, 1_200], abs=1)


def test_what_is_fed_too_early_follows_what_is_still_playing() -> None:
    detector = VoiceDetector(MULAW_8K)
    beep = to_bytes(tone(MULAW_8K, 0.5), MULAW_8K)
    detector.feed(beep, 0)
    detector.feed(beep, 100 * MS)
    (offset,) = detector.silence(2_000 * MS)
    assert offset.at_ns / MS == pytest.approx(1_000, abs=1)


def test_the_last_voiced_sample_is_known_while_the_voice_goes_on() -> None:
    detector = VoiceDetector(PCM16_16K)
    detector.feed(to_bytes(tone(PCM16_16K, 0.5), PCM16_16K), 0)
    assert detector.last_voiced_ns == pytest.approx(500 * MS, abs=MS)
    detector.silence(600 * MS)
    assert detector.voiced
    assert detector.last_voiced_ns == pytest.approx(500 * MS, abs=MS)


def test_a_voice_ends_in_a_silence_of_hours() -> None:
    detector = VoiceDetector(MULAW_8K)
    beep = to_bytes(tone(MULAW_8K, 0.5), MULAW_8K)
    events = [*detector.feed(beep, 0), *detector.feed(beep, 10_000_000 * MS)]
    assert [type(event) for event in events] == [Onset, Offset, Onset]
    assert events[2].at_ns / MS == pytest.approx(10_000_000, abs=0.5)


def test_a_torn_sample_and_an_empty_message_do_no_harm() -> None:
    detector = VoiceDetector(PCM16_16K)
    quiet = to_bytes(np.zeros(1600), PCM16_16K)
    assert detector.feed(quiet + b"\x01", 0) == ()
    assert detector.feed(b"", 100 * MS) == ()
    (onset,) = detector.feed(to_bytes(tone(PCM16_16K, 0.5), PCM16_16K), 100 * MS)
    assert onset.at_ns / MS == pytest.approx(100, abs=0.5)


@pytest.mark.parametrize(
    ("snr_db", "bound_ms"), [(60, 5), (35, 5), (32, 10), (27, 30), (12, 65), (9, 150), (-3, 150)]
)
def test_the_less_stands_out_the_wider_is_the_bound(snr_db: float, bound_ms: float) -> None:
    assert error_bound_ms(snr_db) == bound_ms
