"""The caller's mind: walks the scenario's graph and picks the words, seeded per call.

The seed is the run's and the call's index, so a run that is made again says the same things, while
no two callers of a run are alike: forty callers saying one sentence at once would measure a cache.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final

from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.callers.scenario import Node, Scenario
from otel_voiceload.callers.speech import choices, choose

_TEXT_LIMIT: Final = (
    4096  # of the agent's text; patterns are searched in it, and it is a stranger's
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller noticed since its last word."""

    text: str = ""
    answered: bool = True
    reply_s: float = 0.0  # length of the reply's voice
    silence_s: float = 0.0  # since the caller's last word, when nobody answered


@dataclass(frozen=True, slots=True)
class Say:
    clip: Clip


@dataclass(frozen=True, slots=True)
class Hangup:
    """A natural end: one of ``END_REASONS``."""

    end_reason: str


class Brain:
    """One caller. ``first`` and then ``next`` after each turn."""

    def __init__(self, scenario: Scenario, pack: ClipPack, seed: int, call_index: int) -> None:
        self._scenario = scenario
        self._pack = pack
        self._rng = random.Random(f"{seed}:{call_index}")
        self._voice = self._rng.choice(scenario.voices or pack.voices("caller"))
        self._node = scenario.nodes[scenario.start]
        self._turns = 0

    def first(self) -> Say:
        """The opening words."""
        return self._say(self._node)

    def next(self, heard: Heard) -> Say | Hangup:
        """What to do after having heard this."""
        self._node = self._scenario.nodes[self._follow(heard)]
        if self._node.end is not None:
            return Hangup(self._node.end)
        if self._turns >= self._scenario.max_turns:
            return Hangup("hang_up")
        return self._say(self._node)

    def think_s(self) -> float:
        """Seconds until the next word, drawn anew for each."""
        return self._scenario.think.draw(self._rng)

    @property
    def patience_s(self) -> float:
        """How long this turn's answer is waited for."""
        silence = self._node.silence_s
        patience = self._scenario.patience
        return patience if silence is None else min(silence, patience)

    @property
    def has_words_for_silence(self) -> bool:
        """Whether an unanswered turn goes on with an edge instead of ending the call."""
        silence = self._node.silence_s
        return silence is not None and silence <= self._scenario.patience

    def _follow(self, heard: Heard) -> str:
        text = heard.text[-_TEXT_LIMIT:]
        for edge in self._node.edges:
            if edge.heard is not None:
                matched = heard.answered and re.search(edge.heard, text, re.IGNORECASE) is not None
            elif edge.longer is not None:
                matched = heard.answered and heard.reply_s >= edge.longer
            elif edge.silence is not None:
                matched = not heard.answered and heard.silence_s >= edge.silence
            else:
                matched = True
            if matched:
                return edge.go
        raise AssertionError("the last edge has no condition")  # held by the scenario's validator

    def _say(self, node: Node) -> Say:
        say = node.say
        assert say is not None
        clips = choices(self._pack, say.intent, self._scenario.voices, say.min_s, say.max_s)
        self._turns += 1
        return Say(choose(clips, self._voice, self._rng))
