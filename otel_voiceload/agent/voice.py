"""What the agent says: the intent that answers the caller's, and the clip of the drawn length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.draws import draw_reply_s, uniform
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.errors import ConfigError

ANSWERS: Final = {
    "open": "ask",
    "detail": "check",
    "confirm": "done",
    "question": "answer",
    "thanks": "done",
    "human": "transfer",
}
GREETING: Final = "greet"
NOT_UNDERSTOOD: Final = "ask"
_SHORT_S: Final = 1.2  # what is said to a caller who was not understood, at most
_POINTS: Final = 200  # of the distribution, for its mean


@dataclass(frozen=True, slots=True)
class Understood:
    """What the caller said, as far as the agent could tell; ``clip`` None: not understood."""

    clip: Clip | None

    @property
    def reply_intent(self) -> str:
        if self.clip is None:
            return NOT_UNDERSTOOD
        return ANSWERS.get(self.clip.intent, NOT_UNDERSTOOD)


class Voice:
    """The agent's replies, one voice per call; the same call always hears the same."""

    def __init__(self, pack: ClipPack, config: AgentConfig) -> None:
        """
        Raises:
            ConfigError: the pack lacks a reply that this agent may need.
        """
        self._config = config
        self._voices = pack.voices("agent")
        self._clips = {
            (intent, voice): pack.replies(intent, voice)
            for intent in (*sorted(set(ANSWERS.values())), GREETING)
            for voice in self._voices
        }
        if not self._clips or not all(self._clips.values()):
            raise ConfigError(
                f"clip pack {pack.pack_id} does not hold a reply of every intent in every voice; "
                "make it again with make clips"
            )

    def reply(self, understood: Understood, call_id: str, turn: int) -> Clip:
        """The answer to what was said, of the length that is drawn for this turn."""
        length_s = draw_reply_s(self._config, self._config.seed, call_id, turn)
        if understood.clip is None:
            length_s = min(length_s, _SHORT_S)
        return self._nearest(understood.reply_intent, call_id, length_s)

    def wrong_reply(self, understood: Understood, call_id: str, turn: int) -> Clip:
        """An answer to something else, of the same drawn length."""
        others = sorted(set(ANSWERS.values()) - {understood.reply_intent, "transfer"})
        share = uniform(self._config.seed, call_id, turn, "wrong intent")
        length_s = draw_reply_s(self._config, self._config.seed, call_id, turn)
        return self._nearest(others[int(share * len(others))], call_id, length_s)

    def greeting(self, call_id: str) -> Clip:
        return self._nearest(GREETING, call_id, draw_reply_s(self._config, 0, call_id, -1))

    def mean_reply_s(self, reply: Lognormal) -> float:
        """Mean spoken length over the draws of ``reply``, given which clips there are.

        Clips are few and graded, so the mean of what is heard is not the mean of what was drawn.
        """
        draws = [reply.quantile((point + 0.5) / _POINTS) for point in range(_POINTS)]
        kinds = [
            clips
            for (intent, _), clips in self._clips.items()
            if intent in ("ask", "check", "done")
        ]
        return sum(_mean(nearest(clips, draw).speech_s for draw in draws) for clips in kinds) / len(
            kinds
        )

    def _nearest(self, intent: str, call_id: str, length_s: float) -> Clip:
        share = uniform(self._config.seed, call_id, "voice")
        return nearest(self._clips[intent, self._voices[int(share * len(self._voices))]], length_s)


def nearest(clips: tuple[Clip, ...], length_s: float) -> Clip:
    """The clip whose speech is closest to ``length_s``."""
    return min(clips, key=lambda clip: abs(clip.speech_s - length_s))


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
