"""The clip pack, made from tools/clips.yaml with espeak-ng.

A build tool and no part of the package: espeak-ng is GPL-3, so it runs as a command of its own that
is given text and gives sound, and what ships is the sound. Running this again gives other bytes
(espeak-ng is not deterministic), therefore the pack is checked in and known by its content.

The speech positions written to the manifest are the ground truth of every latency that the product
reports. They are measured on the clean signal, 40 dB below its peak, and the sound outside of them
is cut away, so that speech starts and ends sharply there. Only then comes the faint noise.

    python tools/build_clips.py [--only CLIP_ID_PREFIX]
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import subprocess
import sys
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import yaml
from numpy.typing import NDArray

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from otel_voiceload.audio.clips import AUDIO_FILE, BUNDLED, FORMAT, MANIFEST_FILE  # noqa: E402
from otel_voiceload.audio.encoding import MULAW_8K  # noqa: E402
from otel_voiceload.audio.g711 import encode_mulaw  # noqa: E402
from otel_voiceload.audio.resample import resample  # noqa: E402

Sound = NDArray[np.float64]

RATE: Final = MULAW_8K.sample_rate
LEAD_SAMPLES: Final = 80  # 10 ms of silence before the speech
EDGE: Final = 0.01  # speech is where the signal is above -40 dB of its peak
ACTIVE_LEVEL: Final = 10 ** (-21 / 20)  # full scale = 1; the loudness of speech on a phone line
PEAK_LEVEL: Final = 10 ** (-1 / 20)
NOISE_LEVEL: Final = 10 ** (-68 / 20)
CELL: Final = 40  # samples, 5 ms
PAUSE_DEPTH_DB: Final = 30.0  # cells this far below the loudest one belong to a pause
LENGTH_TOLERANCE: Final = 0.06
WPM_RANGE: Final = (110, 320)


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to make."""

    clip_id: str
    role: str
    intent: str
    text: str
    voice: str
    espeak: str
    pitch: int
    seconds: float
    longest_pause_ms: int


@dataclass(frozen=True, slots=True)
class Made:
    """One clip: frame-aligned mu-law, and what is known about it."""

    job: Job
    data: bytes
    start: int
    end: int
    wpm: int
    longest_pause_ms: int


def jobs(source: Path) -> Iterator[Job]:
    """Every prompt in every voice of its role, in the order of the file."""
    spec = yaml.safe_load(source.read_text(encoding="utf-8"))
    for role in ("caller", "agent"):
        for intent, prompts in spec[role].items():
            for number, (seconds, text) in enumerate(prompts, start=1):
                length = "short" if seconds <= spec["short_up_to_s"] else "long"
                for voice, how in spec["voices"][role].items():
                    yield Job(
                        clip_id=f"{intent}-{number:02d}-{voice}",
                        role=role,
                        intent=intent,
                        text=text,
                        voice=voice,
                        espeak=how["espeak"],
                        pitch=how["pitch"],
                        seconds=seconds * how["pace"],
                        longest_pause_ms=spec["longest_pause_ms"][length],
                    )


def synthesise(job: Job, wpm: int) -> Sound:
    """What espeak-ng says, at 8 kHz."""
    command = [
        "espeak-ng",
        "-z",
        "--stdout",
        "-v",
        job.espeak,
        "-p",
        str(job.pitch),
        "-s",
        str(wpm),
    ]
    done = subprocess.run([*command, job.text], capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise SystemExit(f"{job.clip_id}: espeak-ng gave nothing: {done.stderr.decode().strip()}")
    with wave.open(io.BytesIO(done.stdout)) as file:
        rate = file.getframerate()
    # A WAV written to a pipe carries no true length; the samples start after 44 bytes.
    samples = np.frombuffer(done.stdout[44:], dtype="<i2")
    return resample(samples, rate, RATE).astype(np.float64) / 32_768


def trim(sound: Sound) -> Sound:
    """``sound`` from its first to its last sample above the edge level."""
    loud = np.flatnonzero(np.abs(sound) >= EDGE * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def pauses(sound: Sound) -> list[tuple[int, int]]:
    """Stretches of quiet cells as (first, end) in samples."""
    cells = sound[: len(sound) // CELL * CELL].reshape(-1, CELL)
    level = 10 * np.log10((cells**2).mean(axis=1) + 1e-12)
    quiet = np.concatenate(([0], level < level.max() - PAUSE_DEPTH_DB, [0])).astype(int)
    turns = np.flatnonzero(np.diff(quiet))
    return [(int(a) * CELL, int(b) * CELL) for a, b in zip(turns[::2], turns[1::2], strict=True)]


def shorten_pauses(sound: Sound, longest: int) -> Sound:
    """``sound`` with the middle taken out of every pause of more than ``longest`` samples."""
    kept: list[Sound] = []
    done = 0
    for first, end in pauses(sound):
        if end - first > longest:
            kept.append(sound[done : first + longest // 2])
            done = end - (longest - longest // 2)
    return np.concatenate([*kept, sound[done:]])


def level(sound: Sound) -> Sound:
    """``sound`` at the common loudness, its rare peaks bent and not cut."""
    cells = sound[: len(sound) // CELL * CELL].reshape(-1, CELL)
    power = (cells**2).mean(axis=1)
    active = power[power > power.max() / 10 ** (PAUSE_DEPTH_DB / 10)]
    louder = sound * (ACTIVE_LEVEL / np.sqrt(active.mean()))
    return np.asarray(PEAK_LEVEL * np.tanh(louder / PEAK_LEVEL))


def speech(job: Job) -> tuple[Sound, int]:
    """The trimmed speech and the rate at which it lasts as long as asked."""
    wpm = 180
    for _ in range(6):
        sound = level(trim(synthesise(job, wpm)))
        sound = trim(shorten_pauses(sound, job.longest_pause_ms * RATE // 1000))
        off = len(sound) / RATE / job.seconds
        if abs(off - 1) <= LENGTH_TOLERANCE / 3:
            break
        wpm = min(max(round(wpm * off), WPM_RANGE[0]), WPM_RANGE[1])
    if abs(off - 1) > LENGTH_TOLERANCE:
        raise SystemExit(
            f"{job.clip_id}: {len(sound) / RATE:.2f} s at {wpm} words a minute, {job.seconds:.2f} s"
            " asked; change the text or the length in tools/clips.yaml"
        )
    return sound, wpm


def make(job: Job) -> Made:
    """One clip: silence, speech, silence up to a whole frame, faint noise under all of it."""
    sound, wpm = speech(job)
    n_frames = -(-(LEAD_SAMPLES + len(sound)) // MULAW_8K.frame_samples)
    clip = np.zeros(n_frames * MULAW_8K.frame_samples)
    clip[LEAD_SAMPLES : LEAD_SAMPLES + len(sound)] = sound
    seed = int.from_bytes(hashlib.sha256(job.clip_id.encode()).digest()[:8])
    clip += np.random.default_rng(seed).normal(0, NOISE_LEVEL, len(clip))
    longest = max((end - first for first, end in pauses(sound)), default=0)
    return Made(
        job=job,
        data=encode_mulaw(np.clip(np.rint(clip * 32_768), -32_768, 32_767).astype(np.int16)),
        start=LEAD_SAMPLES,
        end=LEAD_SAMPLES + len(sound),
        wpm=wpm,
        longest_pause_ms=longest * 1000 // RATE,
    )


def manifest(clips: list[Made], audio: bytes, maker: str) -> str:
    """The manifest's text, one clip per line so that a change can be read."""
    head = {
        "format": FORMAT,
        "made_with": maker,
        "encoding": MULAW_8K.name,
        "sample_rate": RATE,
        "sha256": hashlib.sha256(audio).hexdigest(),
    }
    rows = []
    first_frame = 0
    for clip in clips:
        n_frames = len(clip.data) // MULAW_8K.frame_bytes
        row = {
            "clip_id": clip.job.clip_id,
            "role": clip.job.role,
            "intent": clip.job.intent,
            "text": clip.job.text,
            "voice": clip.job.voice,
            "wpm": clip.wpm,
            "first_frame": first_frame,
            "n_frames": n_frames,
            "speech_start_sample": clip.start,
            "speech_end_sample": clip.end,
            "longest_pause_ms": clip.longest_pause_ms,
            "sha256": hashlib.sha256(clip.data).hexdigest(),
        }
        rows.append(json.dumps(row))
        first_frame += n_frames
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    return "{\n" + "\n".join(lines) + '\n  "clips": [\n    ' + ",\n    ".join(rows) + "\n  ]\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the bundled clip pack with espeak-ng.")
    parser.add_argument("--only", default="", help="make clips of this prefix and write nothing")
    only = parser.parse_args().only
    maker = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True)
    wanted = [
        job for job in jobs(Path(__file__).with_name("clips.yaml")) if job.clip_id.startswith(only)
    ]
    with ThreadPoolExecutor(2) as pool:
        clips = list(pool.map(make, wanted))
    audio = b"".join(clip.data for clip in clips)
    print(f"{len(clips)} clips, {len(audio) / RATE:.0f} s, {len(audio) / 1e6:.1f} MB")
    if only:
        for clip in clips:
            print(f"{clip.job.clip_id}: {(clip.end - clip.start) / RATE:.2f} s at {clip.wpm} wpm")
        return
    BUNDLED.mkdir(exist_ok=True)
    (BUNDLED / AUDIO_FILE).write_bytes(audio)
    text = manifest(clips, audio, maker.stdout.strip().split("  Data")[0])
    (BUNDLED / MANIFEST_FILE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
