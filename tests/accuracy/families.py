"""Runs with a known truth: what is planted, under which load, drawn from one seed.

The truth is the operational law on the drawn plan, before anything is simulated: capacity over what
one call asks of it. Everything else is drawn too: lengths, spreads, server counts, how the caller
speaks, how far beyond the knee the load goes.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import Final

from otel_voiceload.capacity.config import SERVED, AgentConfig, ServedComponent, parse_agent_config
from otel_voiceload.capacity.knee import expected_knee
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.capacity.simulate import SimulatedRecord, SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.load.arrivals import Arrivals
from otel_voiceload.model import Stage

LIMITED: Final = (
    "fifo", "ps", "cap429", "rate429", "autoscale", "noisy", "nested", "cold", "tie",
    "shared", "impatient", "lost", "sampled", "skewed",
)  # fmt: skip
FREE: Final = ("none", "none_cold", "leak", "incident")
PROFILES: Final = (
    "step", "step_short", "step4", "linear", "geometric", "up_down", "spiked", "open",
)  # fmt: skip
# Two names are an answer where two components really are at fault, or share what is.
TWO_ALLOWED: Final = ("tie", "shared", "noisy")
EITHER: Final = ("tie", "shared")  # and in these each of the two is right
_LEAST_SERVERS = 3
_AUTOSCALE_ADDS = 2.0  # times the capacity that was there at first


@dataclass(frozen=True, slots=True)
class Scene:
    """One run to be: its truth is ``calls`` at ``component``, or nothing where that is None."""

    family: str
    profile: str
    seed: int
    config: AgentConfig
    callers: CallerModel
    stages: tuple[Stage, ...]
    component: ServedComponent | None
    also: ServedComponent | None  # the second name that is no mistake: see TWO_ALLOWED
    calls: float | None

    def play(self, run: SimulatedRun) -> list[SimulatedRecord]:
        """The run's records."""
        calls = Arrivals(self.seed)
        calls.extend(self.stages)
        arrivals = []
        while (at_s := calls.next()[1]) < self.stages[-1].end_s:
            arrivals.append(at_s)
            calls.take()
        return simulate(
            self.stages, self.config, self.callers, seed=self.seed, run=run, arrivals=arrivals
        )


def draw(family: str, profile: str, seed: int) -> Scene:
    """The scene of these three, always the same."""
    rng = random.Random(f"{family}:{profile}:{seed}")
    callers = CallerModel(
        speech=_spread(rng, 1.0, 2.2, 1.1, 1.5),
        think=_spread(rng, 0.3, 0.9, 1.2, 1.8),
        turns_per_call=rng.randint(3, 8),
        patience_s=rng.uniform(3.0, 5.0) if family == "impatient" else rng.choice((10.0, 20.0)),
    )
    parts: dict[str, dict[str, object]] = {}
    for name, low_s, high_s in (("stt", 0.08, 0.25), ("llm", 0.25, 0.8), ("tts", 0.08, 0.3)):
        latency = _spread(rng, low_s, high_s, 1.3, 2.0)
        parts[name] = {"latency": latency, "hold": rng.uniform(1.0, 2.5), "capacity": 10_000}
    data: dict[str, object] = {
        "seed": seed,
        "greeting": False,
        "endpointing": rng.uniform(0.1, 0.4),
        "reply": _spread(rng, 1.2, 3.0, 1.3, 2.0),
        "components": parts,
        "faults": [],
    }
    first: ServedComponent = rng.choice(SERVED)
    second: ServedComponent = rng.choice([name for name in SERVED if name != first])
    wanted = rng.uniform(20.0, 70.0)
    limited = family in LIMITED
    _set_capacities(rng, data, callers, first, wanted, limited=limited)
    if family == "tie":
        _set_servers(data, callers, second, _knees(data, callers)[first])
    if family == "shared":
        _set_shared(data, callers, first, second, wanted)
    data["faults"] = _faults(rng, family, data, first, second)
    if family == "ps":
        # Its first token is what slows; of work that goes on long after it little would be seen
        # within a level.
        parts[first] |= {"over_capacity": "share", "hold": min(parts[first]["hold"], 2.5)}
        _set_latency(data, callers, first, wanted)
    if family == "cap429":
        parts[first] |= {"over_capacity": "reject", "retry_after": rng.uniform(0.4, 1.2)}
    if family == "rate429":
        rate = wanted / _cycle_s(data, callers)
        parts[first] |= {"rate": rate, "retry_after": rng.uniform(0.4, 1.2)}
        parts[first]["capacity"] = 10_000
    config = parse_agent_config(data, "drawn")
    calls = _truth(config, callers, family, first) if limited else None
    top = (calls or wanted) / rng.uniform(0.2, 0.65)
    return Scene(
        family=family,
        profile=profile,
        seed=seed,
        config=config,
        callers=callers,
        stages=stages_of(profile, top, callers.turns_per_call * _cycle_s(data, callers)),
        component=first if limited else None,
        also=second if family in TWO_ALLOWED else None,
        calls=calls,
    )


def stages_of(profile: str, top: float, call_s: float) -> tuple[Stage, ...]:
    """A load up to ``top`` calls of ``call_s`` each.

    Those that our own ramps are like come back to an earlier level; the others show what can be
    told without: a ramp that goes straight down again, and calls that arrive by themselves.
    """
    if profile == "linear":
        back = max(2, round(top / 4))
        climb = Stage(0, "ramp", 0.0, 240.0, 0.0, round(top))
        return climb, Stage(1, "ramp", 240.0, 40.0, back, back)
    if profile == "up_down":
        climb = Stage(0, "ramp", 0.0, 240.0, 0.0, round(top))
        return climb, Stage(1, "ramp", 240.0, 80.0, round(top), 0.0)
    if profile == "open":
        return (Stage(0, "ramp", 0.0, 240.0, 0, 0, arrivals="poisson", per_s_to=top / call_s),)
    if profile == "spiked":
        return _spiked(top)
    ratio, count, hold_s = {
        "step": (2.0, 6, 40.0),
        "step_short": (2.0, 6, 20.0),
        "step4": (2.0, 4, 40.0),
        "geometric": (math.sqrt(2.0), 11, 24.0),
    }[profile]
    levels = [max(2, round(top / ratio**step)) for step in reversed(range(count))]
    levels = sorted(set(levels))
    if profile == "geometric":
        return _geometric(levels, hold_s)
    levels.append(levels[max(0, len(levels) - 3)])
    return tuple(
        Stage(index, "ramp", index * hold_s, hold_s, calls, calls)
        for index, calls in enumerate(levels)
    )


def _spiked(top: float) -> tuple[Stage, ...]:
    """Steps, with a crowd of ``top`` calls for some seconds before half of them is reached."""
    half, low = round(top / 2), max(2, round(top / 4))
    lowest = sorted({max(2, round(top / part)) for part in (32, 16, 8)})
    levels = [*lowest, low, round(top), low, half, round(top), low]
    stages: list[Stage] = []
    for index, calls in enumerate(levels):
        start_s = stages[-1].end_s if stages else 0.0
        if index == len(lowest) + 1:
            stages.append(Stage(index, "spike", start_s, 8.0, calls, calls, at_once=True))
        else:
            stages.append(Stage(index, "ramp", start_s, 30.0, calls, calls))
    return tuple(stages)


def _geometric(levels: list[int], hold_s: float) -> tuple[Stage, ...]:
    """Straight pieces between the levels, which is a ramp by a constant factor per second."""
    pieces = [
        Stage(index, "ramp", index * hold_s, hold_s, low, high)
        for index, (low, high) in enumerate(itertools.pairwise(levels))
    ]
    back, end_s = levels[len(levels) // 2], len(pieces) * hold_s
    return (*pieces, Stage(len(pieces), "ramp", end_s, 40.0, back, back))


def _spread(
    rng: random.Random, low_s: float, high_s: float, least: float, most: float
) -> Lognormal:
    median_s = math.exp(rng.uniform(math.log(low_s), math.log(high_s)))
    return Lognormal(median_s, median_s * rng.uniform(least, most))


def _cycle_s(data: dict[str, object], callers: CallerModel) -> float:
    return callers.cycle().mean_s(parse_agent_config(data, "drawn"))


def _knees(data: dict[str, object], callers: CallerModel) -> dict[ServedComponent, float]:
    return expected_knee(parse_agent_config(data, "drawn"), callers.cycle()).per_component


def _set_capacities(
    rng: random.Random,
    data: dict[str, object],
    callers: CallerModel,
    first: ServedComponent,
    wanted: float,
    *,
    limited: bool,
) -> None:
    """Servers for ``wanted`` calls where the limit is, and for well more everywhere else."""
    for name in SERVED:
        here = limited and name == first
        most = wanted / 0.2
        _set_servers(data, callers, name, wanted if here else most * rng.uniform(2.0, 5.0))


def _set_servers(
    data: dict[str, object], callers: CallerModel, name: ServedComponent, wanted: float
) -> None:
    """Whole servers; where that would be too few of them, each answer holds its server longer."""
    parts = data["components"]
    assert isinstance(parts, dict)
    part = parts[name]
    busy_s = part["latency"].mean_s * part["hold"]
    cycle_s = _cycle_s(data, callers)
    servers = max(_LEAST_SERVERS, round(wanted * busy_s / cycle_s))
    hold = servers * cycle_s / wanted / part["latency"].mean_s
    part |= {"capacity": servers, "hold": max(1.0, hold)}


def _set_latency(
    data: dict[str, object], callers: CallerModel, name: ServedComponent, wanted: float
) -> None:
    """Servers that fit an answer of its own length."""
    parts = data["components"]
    assert isinstance(parts, dict)
    busy_s = parts[name]["latency"].mean_s * parts[name]["hold"]
    parts[name]["capacity"] = max(2, round(wanted * busy_s / _cycle_s(data, callers)))


def _set_shared(
    data: dict[str, object],
    callers: CallerModel,
    first: ServedComponent,
    second: ServedComponent,
    wanted: float,
) -> None:
    """Servers of the first that fit both."""
    parts = data["components"]
    assert isinstance(parts, dict)
    busy_s = sum(parts[name]["latency"].mean_s * parts[name]["hold"] for name in (first, second))
    parts[first]["capacity"] = max(_LEAST_SERVERS, round(wanted * busy_s / _cycle_s(data, callers)))


def _faults(
    rng: random.Random,
    family: str,
    data: dict[str, object],
    first: ServedComponent,
    second: ServedComponent,
) -> list[dict[str, object]]:
    parts = data["components"]
    assert isinstance(parts, dict)
    cold = {"name": "cold", "component": rng.choice(SERVED), "extra": rng.uniform(0.3, 1.0)}
    match family:
        case "autoscale":
            most = parts[first]["capacity"]
            start = max(1, round(most / _AUTOSCALE_ADDS))
            parts[first]["capacity"] = start
            return [
                {
                    "name": "autoscale",
                    "component": first,
                    "add": most - start or 1,
                    "lag": rng.uniform(3.0, 8.0),
                    "max_capacity": most,
                }
            ]
        case "noisy":
            factor = rng.uniform(0.5, 1.5)
            return [{"name": "noisy", "component": first, "victim": second, "factor": factor}]
        case "shared":
            return [{"name": "shared_quota", "component": first, "other": second}]
        case "sampled":
            return [{"name": "sampled", "share": rng.uniform(0.3, 0.7)}]
        case "nested":
            return [{"name": "nested", "component": "tts"}, {"name": "nested", "component": "llm"}]
        case "cold" | "none_cold":
            return [cold]
        case "lost":
            return [{"name": "lost_spans", "share": rng.uniform(0.05, 0.3)}]
        case "skewed":
            ahead = rng.uniform(0.01, 0.05)
            return [{"name": "clock_skew", "component": rng.choice(SERVED), "ahead": ahead}]
        case "leak":
            per_minute = rng.uniform(0.1, 0.5)
            return [{"name": "leak", "component": first, "per_minute": per_minute}]
        case "incident":
            return [
                {
                    "name": "incident",
                    "component": first,
                    "at": rng.uniform(60.0, 160.0),
                    "lasting": rng.uniform(4.0, 9.0),
                    "factor": rng.uniform(3.0, 6.0),
                }
            ]
        case _:
            return []


def _truth(config: AgentConfig, callers: CallerModel, family: str, first: ServedComponent) -> float:
    part = config.components.named(first)
    cycle_s, busy_s = callers.cycle().mean_s(config), part.busy_mean_s
    capacity = part.capacity
    if family == "shared":
        return expected_knee(config, callers.cycle()).per_component[first]
    if family == "autoscale":
        (scale,) = (fault for fault in config.faults if fault.name == "autoscale")
        capacity = scale.max_capacity
    if family == "cold":
        (cold,) = (fault for fault in config.faults if fault.name == "cold")
        extra_s = cold.extra / callers.turns_per_call
        cycle_s += extra_s
        if cold.component == first:
            busy_s += extra_s * part.hold
    if part.rate is not None:
        return part.rate * cycle_s
    return capacity * cycle_s / busy_s
