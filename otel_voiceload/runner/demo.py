"""The demo: a limit planted in the bundled agent, and whether the method finds it.

Everything in it is what a user's own run is made of: real audio in real time over a real socket,
the agent in a process of its own, its spans over OTLP to the collector. Only the plant is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from otel_voiceload.agent.settings import Wishes, settle
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import load_scenario
from otel_voiceload.errors import ExitCode
from otel_voiceload.loading import ended_at_once
from otel_voiceload.profiles import Request
from otel_voiceload.reports.report import Report
from otel_voiceload.runner import children
from otel_voiceload.runner.calibrate import calibrating
from otel_voiceload.runner.generate import RunOutcome
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.play import announced, offer, running_collector
from otel_voiceload.runner.prepare import prepare
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.stop import terminable

SCENARIO = "demo"
MAX_CALLS = 100
_GENERATOR_LIMIT = "the generator was the limit"  # as queries/views/levels.sql says it


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """``plant`` is ``llm:48``, another component, or ``none``."""

    plant: str
    seconds: float
    seed: int
    store: Path


def play_demo(demo: DemoPlan, screen: Screen) -> RunOutcome:
    """Plant, call, and leave the run in the store.

    Raises:
        UsageError: a plant or a length that can not be.
    """
    with ended_at_once():
        pack = ClipPack.load(PCM16_16K)
        cycle = load_scenario(SCENARIO).turn_cycle(pack)
        # A plant or a length that can not be is said before anything is started.
        settle(Wishes(plant=demo.plant), pack)
        plan = RunPlan(
            target="ws://127.0.0.1",
            profile_name="demo",
            request=Request(duration_s=demo.seconds),
            store=demo.store,
            scenarios=(SCENARIO,),
            collector="embedded",
            seed=demo.seed,
            tag="",
            max_calls=MAX_CALLS,
            planted=demo.plant,
        )
        wire = prepare(plan).wire
    with (
        terminable(),
        calibrating(wire) as hearing,
        running_collector(plan, screen) as collector,
    ):
        words = ["--plant", demo.plant, "--seed", str(demo.seed), "--otlp", collector.http]
        words += ["--cycle", f"speech={cycle.speech_s:.3f}s,think={cycle.think_s:.3f}s"]
        agent = children.start("agent", "otel_voiceload.agent.serve", words, {})
        try:
            knee = agent.ready["knee"]
            assert isinstance(knee, dict)
            full, alone, others = str(knee["text"]).partition("; ")
            screen.say(f"planted {demo.plant}: {full}")
            if alone:  # a line of its own: 80 columns hold no more
                screen.say(f"  {others}")
            target, cycle_s = str(agent.ready["url"]), float(knee["cycle_s"])
            plan = replace(plan, target=target, turn_cycle_s=cycle_s)
            prepared = replace(prepare(plan), hearing=hearing())
            with announced(plan, prepared, screen) as stop_asked:
                outcome = offer(plan, prepared, collector, screen, stop_asked, linger=False)
        finally:
            agent.stop()  # which sends its last spans
    return outcome


def verdict(plant: str, report: Report) -> ExitCode:
    """0 when what was found is what was planted, 99 when not, 4 when the data can not say."""
    if report["run"]["validity"] == "inconclusive":
        return ExitCode.INCONCLUSIVE
    found = report["inflection"]
    component = plant.partition(":")[0]
    if component == "none":
        return ExitCode.OK if found["status"] == "not_reached" else ExitCode.FAILED
    named = [candidate["component"] for candidate in found["candidates"]]
    if found["status"] == "found" and named == [component]:
        return ExitCode.OK
    if not named and _was_the_limit_above(float(plant.partition(":")[2] or 0), report):
        return ExitCode.INCONCLUSIVE
    return ExitCode.FAILED


def _was_the_limit_above(planted_calls: float, report: Report) -> bool:
    """Whether this machine could not hold a level that would have shown the plant."""
    return any(
        level["calls_asked"] > planted_calls and level["excluded_why"] == _GENERATOR_LIMIT
        for level in report["levels"]
    )
