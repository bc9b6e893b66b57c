"""What a plan is calculated from: each number with where it came from.

What the user wrote in the plan file wins, then what the run measured, then an assumption of ours.
The three are never mixed up: a plan prints the source beside every number, and an assumption is
called one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final, Literal

Source = Literal["file", "run", "assumption"]
Number = float | str


@dataclass(frozen=True, slots=True)
class Known:
    """One input as it may stand in the plan file."""

    name: str
    default: Number | None  # None: follows from others
    unit: str  # s, or "" for a plain number
    help: str


KNOWN: Final = (
    Known("call.turns", 30.0, "", "turns of a call"),
    Known("call.turn_cycle", 7.0, "s", "from one end of the caller's speech to the next"),
    Known("call.length", None, "s", "turns x turn cycle"),
    Known("call.speech", 2.0, "s", "the caller speaks, per turn"),
    Known("call.reply", 3.0, "s", "the agent speaks, per turn"),
    Known("stt.requests_per_turn", 1.0, "", ""),
    Known("stt.busy", None, "s", "a request holds a stream: as long as the caller speaks"),
    Known("llm.requests_per_turn", 1.0, "", "with tools it is more"),
    Known("llm.busy", 1.5, "s", "a request holds a place: to its last token"),
    Known("llm.system_prompt_tokens", 1000.0, "", "sent again with every request"),
    Known("llm.user_tokens", 30.0, "", "what the caller says, per turn"),
    Known("llm.reply_tokens", 60.0, "", "what the agent says, per turn"),
    Known("llm.history_turns", "all", "", "turns that are sent again: all, or so many"),
    Known("tts.requests_per_turn", 1.0, "", "more where it is asked sentence by sentence"),
    Known("tts.busy", None, "s", "a request holds a stream: as long as the agent speaks"),
    Known("tts.characters", 240.0, "", "of a reply"),
    Known("wire", "plain", "", "plain (PCM16, 16 kHz), twilio or g711_rtp"),
    Known("enough", 0.999, "", "of the time is what is granted to suffice"),
    Known("generator.calls_per_core", None, "", "plain 500, twilio 250: docs/running-big.md"),
    Known("generator.cores_per_machine", 8.0, "", ""),
)
_CALLS_PER_CORE: Final = {"plain": 500.0, "twilio": 250.0, "g711_rtp": 600.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of a run and the query that shows it; ``error`` is its standard error."""

    value: Number
    query: str
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Input:
    name: str
    value: Number
    unit: str
    source: Source
    where: str  # "ovl query call_shape", "limits.yaml", "call.turns x call.turn_cycle"
    help: str = ""
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    items: Mapping[str, Input]

    def number(self, name: str) -> float:
        value = self.items[name].value
        assert isinstance(value, float | int), name
        return float(value)

    def text(self, name: str) -> str:
        return str(self.items[name].value)

    def source(self, name: str) -> Source:
        return self.items[name].source

    def relative_error(self, name: str) -> float | None:
        """Standard error over value; None where nothing was measured."""
        error = self.items[name].error
        return None if error is None else error / self.number(name)

    @property
    def history_turns(self) -> int | None:
        value = self.items["llm.history_turns"].value
        return None if value == "all" else int(value)


def settle(
    written: Mapping[str, Number], file: str, measured: Mapping[str, Measured], run_id: str = ""
) -> Inputs:
    """Every known input. ``file`` is the name of the plan file, ``run_id`` that of the run."""
    found: dict[str, Input] = {}
    for known in KNOWN:
        name = known.name
        if name in written:
            value = written[name]
            made = Input(name, value, known.unit, "file", file, known.help)
        elif name in measured:
            seen = measured[name]
            where = f"run {run_id}: ovl query {seen.query}"
            made = Input(name, seen.value, known.unit, "run", where, known.help, seen.error)
        elif known.default is not None:
            made = Input(name, known.default, known.unit, "assumption", "", known.help)
        else:
            made = _derived(known, found)
        found[name] = made
    return Inputs(found)


# What follows from other inputs while nobody says otherwise, and from which.
_FOLLOWS: Final = {
    "call.length": ("call.turns", "call.turn_cycle"),
    "stt.busy": ("call.speech",),
    "tts.busy": ("call.reply",),
}


def _derived(known: Known, found: Mapping[str, Input]) -> Input:
    """It is as well known as the least known input that it follows from."""
    parents = _FOLLOWS.get(known.name, ())
    if not parents:
        wire = str(found["wire"].value)
        density = _CALLS_PER_CORE[wire]
        return Input(known.name, density, known.unit, "assumption", f"wire {wire}", known.help)
    value = prod(float(found[name].value) for name in parents)
    sources = [found[name].source for name in parents]
    source = max(sources, key=("run", "file", "assumption").index)
    where = " x ".join(parents)
    return Input(known.name, value, known.unit, source, where, known.help)
