"""Where a configuration bends: the number of calls at which a component's servers are all busy.

The operational law of a closed loop: each call asks once per turn cycle and holds a server for
``busy``, so N calls keep N x busy / cycle servers occupied, and the component is full at
N* = servers x cycle / busy. The law needs no assumption on the spread of the times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from otel_voiceload.capacity.config import SERVED, AgentConfig, ServedComponent
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.errors import UsageError

# The plant's own shape: slow enough to be seen on a loaded laptop, quick enough for many turns.
PLANT_MEDIAN_S = 0.5
PLANT_SPREAD = 1.4  # p95 / median
PLANT_MIN_SERVERS = 6  # fewer and the latency climbs long before N*: at 0.35 of it with one server
PLANT_MAX_MEDIAN_S = 2.0
PLANT_REPLY = Lognormal(0.8, 1.2)
_AMPLE = 8  # how many times the planted knee the other components carry
_AMPLE_LATENCY = {
    "stt": Lognormal(0.060, 0.090),
    "llm": Lognormal(0.120, 0.180),
    "tts": Lognormal(0.060, 0.090),
}


@dataclass(frozen=True, slots=True)
class TurnCycle:
    """Mean seconds of one turn that are not the agent's own work.

    ``think_s`` runs from the reply's last sample to the caller's next word. ``reply_s`` None means
    the mean of the configuration's ``reply``. ``between_s`` is what hanging up and calling again
    costs, per turn; ``wire_s`` what framing and scheduling cost, per turn.
    """

    speech_s: float
    think_s: float
    reply_s: float | None = None
    between_s: float = 0.0
    wire_s: float = 0.0

    def problems(self) -> list[str]:
        names = ("speech_s", "think_s", "reply_s", "between_s", "wire_s")
        return [
            f"{name} {value} must be zero or more seconds"
            for name in names
            if (value := getattr(self, name)) is not None and not 0 <= value < math.inf
        ]

    def mean_s(self, config: AgentConfig) -> float:
        """One whole turn of an unloaded call, from the caller's first word to the next one."""
        return self._without_work_s(config) + sum(
            config.components.named(name).latency.mean_s for name in SERVED
        )

    def _without_work_s(self, config: AgentConfig) -> float:
        reply_s = config.reply.mean_s if self.reply_s is None else self.reply_s
        caller_s = self.speech_s + self.think_s + self.between_s + self.wire_s
        return caller_s + reply_s + config.endpointing + 2 * config.network.delay


@dataclass(frozen=True, slots=True)
class Knee:
    """The component that is full first, and each one's own saturation point in calls."""

    component: ServedComponent
    calls: float
    per_component: dict[ServedComponent, float]
    cycle_s: float

    def text(self) -> str:
        """One line for people: who bends at how many calls, and the others."""
        others = ", ".join(
            f"{name} {calls:.0f}"
            for name, calls in self.per_component.items()
            if name != self.component
        )
        return (
            f"{self.component} is full at {self.calls:.0f} calls, with a turn every "
            f"{self.cycle_s:.1f} s; alone the others would be at {others}"
        )


def expected_knee(config: AgentConfig, cycle: TurnCycle) -> Knee:
    """N* of each component for calls of this turn cycle, and the smallest."""
    cycle_s = cycle.mean_s(config)
    per_component = {name: cycle_s * _turns_per_s(config, name) for name in SERVED}
    first = min(SERVED, key=lambda name: per_component[name])
    return Knee(first, per_component[first], per_component, cycle_s)


def _turns_per_s(config: AgentConfig, name: ServedComponent) -> float:
    """What its servers carry, with whoever asks them too."""
    whose = config.servers_of(name)
    part = config.components.named(whose)
    askers = [each for each in SERVED if config.servers_of(each) == whose]
    busy_s = sum(config.components.named(each).busy_mean_s for each in askers)
    return min(part.capacity / busy_s, (part.rate or math.inf) / len(askers))


def solve_plant(
    component: ServedComponent | str,
    calls: int,
    cycle: TurnCycle,
    *,
    reply: Lognormal = PLANT_REPLY,
    seed: int = 1,
) -> AgentConfig:
    """An agent whose ``component`` is full at ``calls``; ``none`` gives ample servers everywhere.

    Whole servers and the latency are solved together: the server count nearest to a median of half
    a second, then the latency that makes N* exact.

    Raises:
        UsageError: an unknown component, or so few calls that the latency would be absurd.
    """
    if component != "none" and component not in SERVED:
        known = ", ".join((*SERVED, "none"))
        raise UsageError(f"can not plant a limit in '{component}'; plant one of {known}")
    if calls < 1:
        raise UsageError(f"can not plant a limit at {calls} calls; ask for 1 or more")
    if problems := cycle.problems():
        raise UsageError(f"turn cycle: {'; '.join(problems)}")
    parts: dict[str, dict[str, object]] = {
        name: {"latency": latency, "capacity": 10_000} for name, latency in _AMPLE_LATENCY.items()
    }
    data = {"seed": seed, "greeting": False, "reply": reply, "components": parts}
    draft = AgentConfig.model_validate(data)
    draft_cycle_s = cycle.mean_s(draft)
    for name in SERVED:
        demand = calls * draft.components.named(name).busy_mean_s / draft_cycle_s
        parts[name]["capacity"] = max(64, math.ceil(_AMPLE * demand))
    if component != "none":
        rest_s = draft_cycle_s - _AMPLE_LATENCY[component].mean_s
        servers, latency = _servers_and_latency(component, calls, rest_s)
        parts[component] = {"latency": latency, "capacity": servers, "over_capacity": "queue"}
    return AgentConfig.model_validate(data)


def _servers_and_latency(component: str, calls: int, rest_s: float) -> tuple[int, Lognormal]:
    """``rest_s`` is the turn cycle without this component. From c x (rest + m) / m = calls."""
    shape = Lognormal(PLANT_MEDIAN_S, PLANT_MEDIAN_S * PLANT_SPREAD)
    per_median = shape.mean_s / shape.median_s
    wanted = calls * shape.mean_s / (rest_s + shape.mean_s)
    servers = max(PLANT_MIN_SERVERS, round(wanted))
    mean_s = rest_s * servers / (calls - servers) if calls > servers else math.inf
    median_s = mean_s / per_median
    if median_s > PLANT_MAX_MEDIAN_S:
        slowest_s = PLANT_MAX_MEDIAN_S * per_median
        least = math.ceil(PLANT_MIN_SERVERS * (rest_s + slowest_s) / slowest_s)
        raise UsageError(
            f"can not plant {component} at {calls} calls: a plant has {PLANT_MIN_SERVERS} servers "
            f"or more, since fewer are slow long before they are full, and a median of "
            f"{PLANT_MAX_MEDIAN_S:g} s at most, in a turn of {rest_s:.1f} s without it; plant it "
            f"at {least} calls or more, or give ovl agent a shorter --cycle, or a "
            f"--{component}-capacity without --plant"
        )
    return servers, Lognormal(median_s, median_s * PLANT_SPREAD)
