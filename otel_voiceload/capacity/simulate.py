"""A load test in virtual time: the agent's own pipeline, callers that only keep time, no audio.

The components are the very objects the live agent runs, driven by an event list instead of a clock,
so what the simulator says about a configuration the live agent does too. It serves the tests of the
analysis, which need many runs with a known truth, and targets that exist only as a file (``sim:``).
Stages may be added while it plays, so a profile that goes by what was found can be asked on.

Every place ("slot") of the offered load is one caller after another. A slot opens when the asked
number of calls passes it and closes when the number falls below it; its call then hangs up after
the turn it is in. Slots that open at the same moment are spread over one turn cycle, since callers
in step make a false early knee.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.capacity.simulated_run import SimulatedRun, refuse_audible
from otel_voiceload.capacity.simulation import Simulation
from otel_voiceload.model import (
    NS_PER_S,
    CallRecord,
    RunRecord,
    Stage,
    StageRecord,
    TurnRecord,
)

__all__ = ["CallerModel", "SimulatedRecord", "SimulatedRun", "simulate"]

SimulatedRecord = TurnRecord | CallRecord | StageRecord | RunRecord


def simulate(
    stages: Sequence[Stage],
    config: AgentConfig,
    callers: CallerModel | None = None,
    *,
    seed: int = 1,
    run: SimulatedRun | None = None,
    arrivals: Iterable[float] = (),
) -> list[SimulatedRecord]:
    """All records of one run: turns and calls in order of their end, then stages and the run.

    ``arrivals`` are the seconds since the first stage's start at which calls of open stages begin.

    Raises:
        ConfigError: the configuration has a fault that needs real audio to be seen.
    """
    refuse_audible(config)
    simulation = Simulation(config, callers or CallerModel(), seed=seed, run=run or SimulatedRun())
    simulation.extend(stages)
    for at_s in arrivals:
        simulation.arrive(at_s)
    simulation.finish()
    records: list[SimulatedRecord] = list(simulation.take())
    start_ns = simulation.run.start_mono_ns
    for stage in stages:
        ends = (start_ns + round(at_s * NS_PER_S) for at_s in (stage.start_s, stage.end_s))
        records.append(StageRecord(stage, *ends))
    records.append(simulation.run_record())
    return records
