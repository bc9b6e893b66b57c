"""What the agent is started with: one configuration out of a file or a plant, and flags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from otel_voiceload.agent.voice import Voice
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.capacity.config import (
    SERVED,
    AgentConfig,
    ServedComponent,
    load_agent_config,
    parse_agent_config,
)
from otel_voiceload.capacity.durations import parse_duration_s
from otel_voiceload.capacity.faults import SIMULATED_ONLY
from otel_voiceload.capacity.knee import PLANT_REPLY, Knee, TurnCycle, expected_knee, solve_plant
from otel_voiceload.errors import ConfigError, UsageError

# Ordinary phone talk: with the default replies a turn every seven seconds.
DEFAULT_CYCLE = TurnCycle(speech_s=2.5, think_s=0.5)
# The end of speech is found at the next frame, and the reply's clip begins up to a frame before its
# first word: half a frame each on average.
WIRE_S = 0.02


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for; ``capacities`` and ``faults`` go on top of the rest."""

    config_file: Path | None = None
    plant: str | None = None  # "llm:48" or "none"
    cycle: TurnCycle = DEFAULT_CYCLE
    seed: int | None = None
    capacities: tuple[tuple[ServedComponent, int], ...] = ()
    faults: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        found = self.cycle.problems()
        if self.config_file is not None and self.plant is not None:
            found.append("a configuration file and a plant exclude each other; give one of them")
        return found


def settle(wishes: Wishes, pack: ClipPack) -> tuple[AgentConfig, Knee]:
    """The configuration to run, and where it will bend with calls of the wished turn cycle.

    Raises:
        UsageError: wishes that contradict each other, or a plant that can not be.
        ConfigError: the file is wrong.
    """
    if problems := wishes.problems():
        raise UsageError("; ".join(problems))
    if wishes.plant is not None:
        component, calls = parse_plant(wishes.plant)
        heard = _as_heard(wishes.cycle, pack, AgentConfig(reply=PLANT_REPLY))
        config = solve_plant(component, calls, heard)
    elif wishes.config_file is not None:
        config = load_agent_config(wishes.config_file)
    else:
        config = AgentConfig()
    data = config.model_dump()
    if wishes.seed is not None:
        data["seed"] = wishes.seed
    for name, capacity in wishes.capacities:
        data["components"][name]["capacity"] = capacity
    for name in SERVED:
        data["components"][name]["latency"] = config.components.named(name).latency
    data["reply"] = config.reply
    data["faults"] = [*data["faults"], *wishes.faults]
    config = parse_agent_config(data, str(wishes.config_file or "agent options"))
    if untold := [fault.name for fault in config.faults if fault.name in SIMULATED_ONLY]:
        raise ConfigError(
            f"fault {', '.join(untold)}: this agent's spans tell what happened; only sim:FILE can"
            " get the telling wrong on purpose"
        )
    return config, expected_knee(config, _as_heard(wishes.cycle, pack, config))


def _as_heard(cycle: TurnCycle, pack: ClipPack, config: AgentConfig) -> TurnCycle:
    """The cycle with the replies that are really spoken, and what the wire takes."""
    reply_s = cycle.reply_s
    if reply_s is None:
        reply_s = Voice(pack, config).mean_reply_s(config.reply)
    return replace(cycle, reply_s=reply_s, wire_s=cycle.wire_s or WIRE_S)


def parse_plant(text: str) -> tuple[str, int]:
    """``llm:48`` is the component and its calls; ``llm`` alone and ``none`` mean 48.

    Raises:
        UsageError: no such form.
    """
    component, _, calls = text.partition(":")
    try:
        return component, int(calls or 48)
    except ValueError:
        raise UsageError(f"can not plant '{text}'; write for example llm:48 or none") from None


def parse_cycle(text: str) -> TurnCycle:
    """``speech=1.2s,think=200ms``, and where they are known ``reply=``, ``between=``, ``wire=``.

    Raises:
        UsageError: an unknown name or no length of time.
    """
    known = ("speech", "think", "reply", "between", "wire")
    values = {}
    for piece in text.split(","):
        name, _, length = piece.strip().partition("=")
        if name not in known:
            raise UsageError(f"turn cycle '{text}': '{name}' is none of {', '.join(known)}")
        try:
            values[f"{name}_s"] = parse_duration_s(length)
        except ValueError as error:
            raise UsageError(f"turn cycle '{text}': {name}: {error}") from None
    return replace(DEFAULT_CYCLE, **values)
