"""A scenario: the graph of what a caller says, as users write it in YAML.

A node says one clip of an intent; its edges choose the next node by what was heard. The edges are
tried in order and the last one has no condition, so that a caller always knows how to go on: an
agent without transcripts is talked to along these last edges, and by the length of its replies.

    nodes:
      open:
        say: {intent: open, max_s: 2}
        edges:
          - {heard: "which day|what time", go: detail}
          - {longer: 4s, go: human}
          - {silence: 5s, go: open}
          - {go: confirm}
      done: {end: resolution}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.callers.speech import choices
from otel_voiceload.capacity.fields import Seconds, Spread
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.errors import ConfigError

FOLDER: Final = Path(__file__).with_name("scenarios")
MAX_BYTES: Final = 256 * 1024

End = Literal["resolution", "transfer", "callback"]


class _FromFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Utterance(_FromFile):
    """Any clip of an intent whose speech lasts between ``min_s`` and ``max_s``."""

    intent: str
    min_s: Seconds = 0.0
    max_s: Seconds = 60.0


class Edge(_FromFile):
    """Where to go, and at most one condition.

    ``heard``: a regular expression found anywhere in the agent's text, whatever the case.
    ``longer``: the reply's voice lasted at least this long. ``silence``: no voice for this long
    after the caller's last word; without such an edge, and beyond ``patience``, callers hang up.
    """

    go: str
    heard: str | None = None
    longer: Seconds | None = None
    silence: Seconds | None = None

    @model_validator(mode="after")
    def _one_condition_that_compiles(self) -> Self:
        if sum(c is not None for c in (self.heard, self.longer, self.silence)) > 1:
            raise ValueError("an edge has one condition; write one edge for each")
        if self.heard is not None:
            try:
                re.compile(self.heard)
            except re.error as error:
                raise ValueError(
                    f"heard {self.heard!r} is no regular expression: {error}"
                ) from None
        return self

    @property
    def always(self) -> bool:
        return self.heard is None and self.longer is None and self.silence is None


class Node(_FromFile):
    """Either says something and goes on, or ends the call."""

    say: Utterance | None = None
    edges: tuple[Edge, ...] = ()
    end: End | None = None

    @model_validator(mode="after")
    def _says_or_ends(self) -> Self:
        if (self.say is None) == (self.end is None):
            raise ValueError("a node has either say or end")
        if self.end is not None and self.edges:
            raise ValueError("a node with end has no edges")
        if self.say is not None and (not self.edges or not self.edges[-1].always):
            raise ValueError("the last edge must have no condition: {go: NODE}")
        if any(edge.always for edge in self.edges[:-1]):
            raise ValueError("an edge without a condition comes last")
        return self

    @property
    def silence_s(self) -> float | None:
        """The shortest silence that an edge waits for."""
        return min((e.silence for e in self.edges if e.silence is not None), default=None)


class Greeting(_FromFile):
    """How long the caller waits for the agent to speak first; zero: the caller begins."""

    wait_s: Seconds = 3.0


class Scenario(_FromFile):
    """A kind of caller. The call starts at the first node of the file."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")
    description: str = ""
    voices: tuple[str, ...] = ()  # none: any voice of the pack
    nodes: dict[str, Node] = Field(min_length=1)
    think: Spread = Lognormal(0.6, 1.2)  # from the reply's last voiced sample to the next word
    reply_end_silence: Seconds = Field(default=0.7, ge=0.05, le=5)
    patience: Seconds = Field(default=8.0, gt=0)
    turn_deadline: Seconds = 60.0  # from the caller's last word to the end of the reply
    call_deadline: Seconds = 600.0
    max_turns: int = Field(default=20, ge=1)
    greeting: Greeting = Greeting()

    @model_validator(mode="after")
    def _graph_holds_together(self) -> Self:
        targets = {edge.go for node in self.nodes.values() for edge in node.edges}
        if unknown := sorted(targets - set(self.nodes)):
            raise ValueError(f"edges go to {', '.join(unknown)}, which is no node")
        if self.nodes[self.start].end is not None:
            raise ValueError("the first node ends the call; it must say something")
        if self.turn_deadline < self.patience or self.call_deadline < self.turn_deadline:
            raise ValueError("patience <= turn_deadline <= call_deadline must hold")
        return self

    @property
    def start(self) -> str:
        return next(iter(self.nodes))

    def turn_cycle(self, pack: ClipPack) -> TurnCycleEstimate:
        """The caller's mean part of a turn, over the nodes that speak, each counted once.

        Raises:
            ConfigError: the pack has no clip for a node.
        """
        lengths = []
        for node in self.nodes.values():
            if node.say is not None:
                say = node.say
                clips = choices(pack, say.intent, self.voices, say.min_s, say.max_s)
                lengths.append(sum(clip.speech_s for clip in clips) / len(clips))
        return TurnCycleEstimate(sum(lengths) / len(lengths), self.think.mean_s)


@dataclass(frozen=True, slots=True)
class TurnCycleEstimate:
    """Mean seconds that the caller takes of a turn."""

    speech_s: float
    think_s: float


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A bundled scenario by name, or one of the user's files.

    Raises:
        ConfigError: there is none, or it can not be what a scenario is.
    """
    path = FOLDER / f"{name_or_path}.yaml"
    if not _is_bundled(str(name_or_path)):
        path = Path(name_or_path)
        if not path.is_file():
            raise ConfigError(
                f"{name_or_path}: no such scenario; name a YAML file or one of "
                f"{', '.join(bundled())}"
            )
    try:
        return Scenario.model_validate(_read(path))
    except ValidationError as error:
        faults = "; ".join(_fault(item["loc"], item["msg"]) for item in error.errors())
        raise ConfigError(f"{path}: {faults}") from None


def bundled() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def scenario_hash(scenarios: Sequence[tuple[Scenario, float]]) -> str:
    """Twelve hex digits of a weighted mix; runs of equal hash can be compared."""
    mix = sorted(
        (json.dumps(s.model_dump(mode="json", exclude={"description"})), weight)
        for s, weight in scenarios
    )
    return hashlib.sha256(json.dumps(mix).encode()).hexdigest()[:12]


def _is_bundled(name: str) -> bool:
    return name in bundled()


class _NoAliases(yaml.SafeLoader):
    """YAML without aliases: a file of 256 bytes full of them unfolds to fifty megabytes."""

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        # The published types know neither None nor an index that is a node; PyYAML passes both.
        return super().compose_node(parent, index)  # type: ignore[arg-type]


def _read(path: Path) -> object:
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{path}: over {MAX_BYTES} bytes is no scenario; name another file")
        return yaml.load(data, Loader=_NoAliases)  # derived from SafeLoader
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a readable YAML file") from None
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        problem = " ".join((getattr(error, "problem", None) or str(error)).split())
        raise ConfigError(f"{path}: not YAML{line}: {problem}; correct the file") from None


def _fault(place: tuple[int | str, ...], message: str) -> str:
    words = message.removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in place)}: {words}" if place else words
