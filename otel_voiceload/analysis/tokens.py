"""Tokens that one call sends to a language model and gets back, summed over its turns.

A model remembers nothing, so each request carries the system prompt and what was said before: the
input grows by a turn's words with every turn, and its sum over a call with the square of the turns.
A history that is cut to the last turns stops growing there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True)
class Talk:
    """Tokens of the parts of one conversation; ``history_turns`` None: all that was said."""

    system_prompt: float
    user: float  # per turn
    reply: float  # per turn
    requests_per_turn: float = 1.0
    history_turns: int | None = None


@dataclass(frozen=True, slots=True)
class CallTokens:
    """Of one whole call; ``longest_request`` is the input of its last one."""

    input: float
    output: float
    longest_request: float

    @property
    def both(self) -> float:
        return self.input + self.output


def tokens_of_call(talk: Talk, turns: float) -> CallTokens:
    """``turns`` is a mean and may lie between two whole numbers; 1 or more."""
    whole = floor(turns)
    low = _input(talk, whole)
    share = turns - whole
    summed = low if not share else low + share * (_input(talk, whole + 1) - low)
    return CallTokens(
        input=summed * talk.requests_per_turn,
        output=turns * talk.reply * talk.requests_per_turn,
        longest_request=_request(talk, whole + (1 if share else 0)),
    )


def _request(talk: Talk, turn: int) -> float:
    """Input of the request in this turn, the first being 1."""
    said_before = turn - 1 if talk.history_turns is None else min(turn - 1, talk.history_turns)
    return talk.system_prompt + talk.user + said_before * (talk.user + talk.reply)


def _input(talk: Talk, turns: int) -> float:
    """The sum of ``_request`` over the turns 1 to ``turns``."""
    kept = turns if talk.history_turns is None else min(turns, talk.history_turns + 1)
    before = kept * (kept - 1) / 2  # 0 + 1 + ... while the history still grows
    if talk.history_turns is not None:
        before += (turns - kept) * talk.history_turns
    return turns * (talk.system_prompt + talk.user) + before * (talk.user + talk.reply)
