"""What every worker is told of the run, and the calls that follow from it.

All of it follows from the run's id, its seed and a call's index: which scenario a call plays, its
ids, whether the target is told to record it. So the shards need no word with one another, and a run
that is made again makes the same calls.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from otel_voiceload import transports
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K, Encoding
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.load.call import Call, CallSetup
from otel_voiceload.load.safety import AllowList
from otel_voiceload.model import LoadContext, Record
from otel_voiceload.telemetry.context import call_identity, in_ratio, trace_id
from otel_voiceload.transports.ticker import FrameTicker
from otel_voiceload.transports.wire import CallOptions, Transport


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """All that a worker needs; equal for all shards but for ``shard_index``.

    ``turn_cycle_s`` is the scenarios' mean turn cycle, over which the starts of a step are spread.
    ``encoding`` is the wire's, so that its clips are loaded before the first call.
    """

    run_id: str
    target: str  # as typed; its scheme picks the transport
    scenarios: tuple[tuple[Scenario, float], ...]  # with weights
    seed: int
    turn_cycle_s: float
    allow: AllowList = field(default_factory=AllowList)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls_ca: Path | None = None
    tls_insecure: bool = False
    connect_timeout_s: float = 10.0
    trace_sample: float = 1.0
    max_connect_rate: float = 50.0  # per second, all shards together
    max_calls: int | None = None  # held at once by the open model, all shards together
    total_calls: int | None = None  # begun in all
    encoding: Encoding = PCM16_16K
    shard_index: int = 0
    shard_count: int = 1

    def problems(self) -> list[str]:
        found = call_options(self).problems()
        if not self.scenarios or min(weight for _, weight in self.scenarios) <= 0:
            found.append("no scenario to play; name one with --scenario and a weight above zero")
        if not 0 <= self.trace_sample <= 1:
            found.append(f"--trace-sample {self.trace_sample:g} is no ratio; give 0 to 1")
        if self.max_connect_rate <= 0:
            found.append(f"--max-connect-rate {self.max_connect_rate:g} lets no call begin")
        return found


def transport_of(config: WorkerConfig) -> Transport:
    """Raises UsageError when no transport speaks the target's scheme."""
    return transports.load(transports.split_target(config.target).scheme)


def call_options(config: WorkerConfig) -> CallOptions:
    """How the transport is to reach the target."""
    return transport_of(config).Options(
        url=transports.split_target(config.target).url,
        headers=config.headers,
        tls_ca=config.tls_ca,
        tls_insecure=config.tls_insecure,
        connect_timeout_s=config.connect_timeout_s,
        params=config.params,
        allow_address=config.allow,
    )


def scenario_of(config: WorkerConfig, call_index: int) -> Scenario:
    """Which scenario a call plays: drawn by its index, so a run that is repeated draws the same."""
    if len(config.scenarios) == 1:
        return config.scenarios[0][0]
    rng = random.Random(f"{config.seed}:scenario:{call_index}")
    scenarios = [scenario for scenario, _ in config.scenarios]
    return rng.choices(scenarios, [weight for _, weight in config.scenarios])[0]


def call_setup(
    config: WorkerConfig,
    ticker: FrameTicker,
    emit: Callable[[Record], None],
    load: Callable[[], LoadContext],
    failed: Callable[[BaseException], None],
) -> CallSetup:
    """What all calls of one process share; also for the single call before a load."""
    return CallSetup(
        transport=transport_of(config),
        options=call_options(config),
        pack=ClipPack.load,
        seed=config.seed,
        ticker=ticker,
        emit=emit,
        load=load,
        failed=failed,
    )


def new_call(
    config: WorkerConfig,
    setup: CallSetup,
    call_index: int,
    scheduled_mono_ns: int,
    on_over: Callable[[Call], None] | None = None,
) -> Call:
    """Call ``call_index`` of the run, not running yet."""
    sampled = in_ratio(trace_id(config.run_id, call_index), config.trace_sample)
    scenario = scenario_of(config, call_index)
    identity = call_identity(config.run_id, call_index, scenario.name, sampled)
    return Call(setup, identity, scenario, scheduled_mono_ns, on_over)
