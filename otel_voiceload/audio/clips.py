"""Clips: recorded speech whose first and last sample of speech are known.

The caller's end of speech, from which every latency counts, is read from here and from the time
a frame was sent; no detector errs on that side. The pack is stored once, as G.711 at 8 kHz, and
turned into the wire's encoding when it is loaded: 5 MB in the wheel instead of 20. A process keeps
one pack per encoding; load it before forking workers and they share the memory.

A pack is a folder with the sound of all clips in one file and a manifest. ``tools/build_clips.py``
makes the bundled one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np

from otel_voiceload.audio.encoding import MULAW_8K, Encoding
from otel_voiceload.audio.g711 import decode_mulaw, encode
from otel_voiceload.audio.resample import resample
from otel_voiceload.errors import ConfigError

Role = Literal["caller", "agent"]

BUNDLED: Final = Path(__file__).with_name("clip_pack")
AUDIO_FILE: Final = "audio.mulaw.8k.bin"
MANIFEST_FILE: Final = "manifest.json"
FORMAT: Final = 1

# A line that is not used is never digitally silent: recognisers and comfort noise trip over zeros.
IDLE_FRAMES: Final = 50
IDLE_DBFS: Final = -67.5  # root mean square against a full scale of 32 768
IDLE_SEED: Final = 20


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance in one voice, a whole number of 20 ms frames.

    Positions are samples of ``encoding``, counted from the clip's first one; the one at
    ``speech_end_sample`` follows the last sample of speech. At most one frame of silence is on
    either side.
    """

    clip_id: str
    role: Role
    intent: str
    text: str
    voice: str
    encoding: Encoding
    n_frames: int
    speech_start_sample: int
    speech_end_sample: int
    data: bytes = field(repr=False)
    frame_bytes: int = field(repr=False)

    def frame(self, i: int) -> bytes:
        """Frame ``i`` of ``0 .. n_frames - 1``; past the end there are no bytes."""
        start = i * self.frame_bytes
        return self.data[start : start + self.frame_bytes]

    @property
    def speech_s(self) -> float:
        """Seconds from the first to the last sample of speech."""
        return (self.speech_end_sample - self.speech_start_sample) / self.encoding.sample_rate


class ClipPack:
    """All clips of one folder in one encoding, read only."""

    def __init__(self, pack_id: str, encoding: Encoding, clips: Sequence[Clip]) -> None:
        self.pack_id = pack_id  # the same for every encoding of one folder
        self.encoding = encoding
        self.clips = tuple(clips)
        self._by_id = {clip.clip_id: clip for clip in self.clips}
        self._idle = idle_frames(encoding)

    @classmethod
    def load(cls, encoding: Encoding, folder: Path | None = None) -> ClipPack:
        """The pack of ``folder`` (the bundled one by default); ConfigError when it is not one."""
        return _load(encoding, folder or BUNDLED)

    def clip(self, clip_id: str) -> Clip:
        """The clip of that id; ConfigError when the pack has none."""
        try:
            return self._by_id[clip_id]
        except KeyError:
            raise ConfigError(f"clip pack {self.pack_id} has no clip {clip_id!r}") from None

    def callers(self, intent: str | None = None, voice: str | None = None) -> tuple[Clip, ...]:
        """What callers say, in the order of the pack; none when nothing fits."""
        return self._select("caller", intent, voice)

    def replies(self, intent: str | None = None, voice: str | None = None) -> tuple[Clip, ...]:
        """What the reference agent says, in the order of the pack; none when nothing fits."""
        return self._select("agent", intent, voice)

    def voices(self, role: Role) -> tuple[str, ...]:
        """Names of the voices of one role, in the order of the pack."""
        return tuple(dict.fromkeys(clip.voice for clip in self.clips if clip.role == role))

    def idle_frame(self, i: int) -> bytes:
        """A frame of faint noise; ``i`` counts up as the call goes on."""
        return self._idle[i % IDLE_FRAMES]

    def _select(self, role: Role, intent: str | None, voice: str | None) -> tuple[Clip, ...]:
        return tuple(
            clip
            for clip in self.clips
            if clip.role == role
            and (intent is None or clip.intent == intent)
            and (voice is None or clip.voice == voice)
        )


def idle_frames(encoding: Encoding) -> tuple[bytes, ...]:
    """Fifty frames of faint noise at -65 to -70 dBFS, the same ones in every process."""
    shape = (IDLE_FRAMES, encoding.frame_samples)
    noise = np.random.default_rng(IDLE_SEED).normal(0, 32_768 * 10 ** (IDLE_DBFS / 20), shape)
    return tuple(encode(np.rint(frame).astype(np.int16), encoding) for frame in noise)


@lru_cache(maxsize=4)
def _load(encoding: Encoding, folder: Path) -> ClipPack:
    try:
        text = (folder / MANIFEST_FILE).read_bytes()
        sound = (folder / AUDIO_FILE).read_bytes()
        manifest = cast("dict[str, Any]", json.loads(text))  # checked by the lookups below
        if manifest["format"] != FORMAT:
            raise ConfigError(
                f"clip pack {folder}: format {manifest['format']} is not known here;"
                " upgrade otel-voiceload or make the pack again"
            )
        if hashlib.sha256(sound).hexdigest() != manifest["sha256"]:
            raise ConfigError(f"clip pack {folder}: {AUDIO_FILE} is damaged; install it again")
        clips = [_clip(row, sound, encoding) for row in manifest["clips"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder} is not a clip pack: {error!r}") from error
    return ClipPack(hashlib.sha256(text).hexdigest()[:12], encoding, clips)


def _clip(row: dict[str, Any], sound: bytes, encoding: Encoding) -> Clip:
    stored_frame = MULAW_8K.frame_bytes
    start = row["first_frame"] * stored_frame
    stored = sound[start : start + row["n_frames"] * stored_frame]
    data = stored
    if encoding != MULAW_8K:
        samples = resample(decode_mulaw(stored), MULAW_8K.sample_rate, encoding.sample_rate)
        data = encode(samples, encoding)
    rate, stored_rate = encoding.sample_rate, MULAW_8K.sample_rate
    return Clip(
        clip_id=row["clip_id"],
        role=row["role"],
        intent=row["intent"],
        text=row["text"],
        voice=row["voice"],
        encoding=encoding,
        n_frames=row["n_frames"],
        speech_start_sample=row["speech_start_sample"] * rate // stored_rate,
        speech_end_sample=row["speech_end_sample"] * rate // stored_rate,
        data=data,
        frame_bytes=encoding.frame_bytes,
    )
