"""The caller's voice: which clip is said, and when its speech starts and ends on the wire.

The speech positions of a clip are known to the sample, so the end of speech is ground truth and no
detector's guess. Sample ``k`` of a frame with ``N`` samples that was handed over at ``s`` counts as
captured at ``s - (N - k) / rate``: a real microphone has a frame only once its last sample is in.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

from otel_voiceload.audio.clips import IDLE_FRAMES, Clip, ClipPack
from otel_voiceload.callers.actions import SendFrame
from otel_voiceload.errors import ConfigError


@lru_cache(maxsize=256)  # every turn of every call asks, and a scenario has a handful of answers
def choices(
    pack: ClipPack, intent: str, voices: tuple[str, ...], min_s: float, max_s: float
) -> tuple[Clip, ...]:
    """The clips that fit; never empty.

    Raises:
        ConfigError: nothing in the pack fits.
    """
    of_intent = pack.callers(intent)
    fitting = tuple(
        clip
        for clip in of_intent
        if min_s <= clip.speech_s <= max_s and (not voices or clip.voice in voices)
    )
    if not fitting:
        known = sorted({clip.intent for clip in pack.callers()})
        raise ConfigError(
            f"clip pack {pack.pack_id} has nothing for intent {intent!r} between {min_s:g} and "
            f"{max_s:g} s in voices {', '.join(voices) or 'any'}; intents are {', '.join(known)}"
        )
    return fitting


def choose(clips: Sequence[Clip], voice: str, rng: random.Random) -> Clip:
    """One of ``clips``, in the caller's own voice where there is one."""
    own = [clip for clip in clips if clip.voice == voice]
    return rng.choice(own or clips)


@lru_cache(maxsize=4)
def said_by_nobody(pack: ClipPack) -> tuple[tuple[SendFrame], ...]:
    """What is done in a slot in which nothing is said, for each frame of an idle line."""
    return tuple((SendFrame(pack.idle_frame(i)),) for i in range(IDLE_FRAMES))


class Speaking:
    """A clip on its way out, frame by frame.

    The cursor moves by frames sent, not by time: a slot that was skipped delays the rest of the
    speech, and its end is counted from the frame that really carried it.
    """

    __slots__ = ("_end_frame", "_next", "_start_frame", "clip", "end_mono_ns", "start_mono_ns")

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.start_mono_ns: int | None = None  # set when the frame with that sample is sent
        self.end_mono_ns: int | None = None
        self._next = 0
        samples = clip.encoding.frame_samples
        self._start_frame = clip.speech_start_sample // samples
        self._end_frame = (clip.speech_end_sample - 1) // samples

    @property
    def done(self) -> bool:
        """Every frame was handed over; a last one may follow the end of speech."""
        return self._next >= self.clip.n_frames

    @property
    def in_mid_speech(self) -> bool:
        """The next frame holds neither the start nor the end of the speech."""
        return self._start_frame < self._next < self._end_frame

    def take(self, now_mono_ns: int) -> bytes:
        """The next frame, handed over now."""
        index = self._next
        self._next = index + 1
        if index == self._start_frame:
            self.start_mono_ns = self._captured(index, self.clip.speech_start_sample, now_mono_ns)
        if index == self._end_frame:
            self.end_mono_ns = self._captured(index, self.clip.speech_end_sample, now_mono_ns)
        return self.clip.frame(index)

    def _captured(self, frame: int, sample: int, handed_over_mono_ns: int) -> int:
        encoding = self.clip.encoding
        left = (frame + 1) * encoding.frame_samples - sample
        return handed_over_mono_ns - encoding.sample_ns(left)
