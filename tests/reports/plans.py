"""A run with two limits, llm at 24 calls and tts at 36, and plans of it."""

from __future__ import annotations

from pathlib import Path

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.reports.plan import PlanOptions, plan_without_run
from otel_voiceload.reports.plan_types import Plan
from tests.reports.samples import stages
from tests.store.builder import batches_of, write_store

TWO = "20270115T090001-two"
LLM, TTS = 24.0, 36.0
TTS_SERVERS = 6


def two_limits() -> AgentConfig:
    """llm solved as a plant is, tts by how long each of its six servers is held."""
    cycle = CallerModel().cycle()
    config = solve_plant("llm", round(LLM), cycle)
    tts = config.components.tts
    hold = TTS_SERVERS * cycle.mean_s(config) / TTS / tts.latency.mean_s
    held = tts.model_copy(update={"capacity": TTS_SERVERS, "hold": hold})
    parts = config.components.model_copy(update={"tts": held})
    return config.model_copy(update={"components": parts})


def two_limits_store(folder: Path) -> Path:
    run = SimulatedRun(run_id=TWO, profile="ramp", tag="two")
    records = simulate(stages(), two_limits(), CallerModel(), seed=1, run=run)
    write_store(folder, [(batches_of(records, TWO), True)], recording=f"{TWO}-rec")
    return folder


def declaring(**concurrent: float) -> PlanFile:
    return PlanFile({(name, "concurrent"): each for name, each in concurrent.items()})


def assumed(calls: int = 10_000, written: PlanFile | None = None) -> Plan:
    return plan_without_run(
        PlanOptions(target_calls=calls, written=written or PlanFile(), file="limits.yaml")
    )
