"""Capacity that comes late, on simulated runs: how often it is found, and told where there is none.

``python -m tests.accuracy.late_capacity`` plays fifty seeds of each story and prints a table; the
tests of the default run play a few.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from otel_voiceload.capacity.config import AgentConfig, parse_agent_config
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import Stage
from otel_voiceload.reports.build_late import autoscaling, quota_walls
from otel_voiceload.reports.report_late import LateCapacity, QuotaWall
from tests.accuracy import families
from tests.accuracy.quick_store import QuickStore

RUN = "20270115T080000-late"
SEEDS = 50
PLAIN = (
    "fifo", "ps", "cap429", "rate429", "noisy", "cold", "tie", "none", "none_cold", "leak",
    "incident",
)  # fmt: skip


@cache
def store() -> QuickStore:
    return QuickStore()


def held(*levels: tuple[int, float]) -> tuple[Stage, ...]:
    """Levels of so many calls and seconds."""
    stages, start_s = [], 0.0
    for index, (calls, lasts_s) in enumerate(levels):
        stages.append(Stage(index, "ramp", start_s, lasts_s, calls, calls))
        start_s += lasts_s
    return tuple(stages)


def scaling(seed: int) -> tuple[tuple[Stage, ...], AgentConfig, float, float]:
    """Stages, agent, the calls at which its servers run out, and how long it takes to add some."""
    rng = random.Random(seed)
    lag_s = rng.uniform(40.0, 120.0)
    servers = rng.randint(5, 9)
    config = parse_agent_config(
        {
            "seed": seed,
            "components": {
                "stt": {"latency": {"median": "100ms", "p95": "170ms"}, "capacity": 500},
                "llm": {
                    "latency": {"median": "350ms", "p95": "550ms"},
                    "hold": 2.0,
                    "capacity": servers,
                },
                "tts": {"latency": {"median": "120ms", "p95": "200ms"}, "capacity": 500},
            },
            "greeting": False,
            "faults": [
                {
                    "name": "autoscale",
                    "component": "llm",
                    "add": 4 * servers,
                    "lag": lag_s,
                    "max_capacity": 5 * servers,
                }
            ],
        },
        "drawn",
    )
    knee = servers * 7.0 / 0.75
    low, over = round(0.3 * knee), round(rng.uniform(1.4, 2.0) * knee)
    return held((low, 120), (2 * low, 120), (over, 4 * lag_s + 60)), config, over, lag_s


def late(stages: Sequence[Stage], config: AgentConfig, seed: int) -> list[LateCapacity]:
    records = simulate(stages, config, CallerModel(), seed=seed, run=SimulatedRun(run_id=RUN))
    with store().open(records, RUN) as reading:
        return autoscaling(reading, RUN)


def plain(family: str, profile: str, seed: int) -> tuple[list[LateCapacity], list[QuotaWall]]:
    """What is told of a run in which capacity is there from the begin and no quota runs out."""
    scene = families.draw(family, profile, seed)
    run = replace(SimulatedRun(), run_id=RUN)
    records = simulate(scene.stages, scene.config, scene.callers, seed=seed, run=run)
    with store().open(records, RUN) as reading:
        return autoscaling(reading, RUN), quota_walls(reading, RUN, None)


def main(say: Callable[[str], None] = print) -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    found = near = named = 0
    for seed in range(seeds):
        stages, config, calls, lag_s = scaling(seed)
        told = [each for each in late(stages, config, seed) if each["calls"] == calls]
        found += bool(told)
        named += any(each["component"] == "llm" for each in told)
        near += any(
            lag_s <= each["recovered_after_s"] + each["resolution_s"] <= 2 * lag_s + 60
            for each in told
        )
    say(f"autoscale: {found}/{seeds} found, {named} name it, {near} in the time it took")
    for family in PLAIN:
        wrong_late = wrong_walls = runs = 0
        for profile in families.PROFILES:
            for seed in range(max(1, seeds // len(families.PROFILES))):
                told_late, walls = plain(family, profile, 7000 + seed)
                wrong_late += bool(told_late)
                wrong_walls += bool(walls)
                runs += 1
        say(f"{family}: {wrong_late}/{runs} told late capacity, {wrong_walls}/{runs} a quota wall")


if __name__ == "__main__":
    main()
