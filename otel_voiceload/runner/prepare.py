"""Everything that can be known to be wrong before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from otel_voiceload.analysis.judge import PACKET_METRICS
from otel_voiceload.analysis.thresholds import Threshold, components_meant
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K, Encoding
from otel_voiceload.callers.scenario import Scenario, load_scenario, scenario_hash
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.errors import CeilingUnknown, UsageError
from otel_voiceload.load import resources, safety
from otel_voiceload.load.plan import WorkerConfig
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Profile, Request, planned
from otel_voiceload.profiles import make as make_profile
from otel_voiceload.runner.calibrate import HearingError
from otel_voiceload.runner.live_judge import watchable
from otel_voiceload.runner.measure import earlier_ceiling
from otel_voiceload.runner.plan import SIMULATED, Again, RunPlan
from otel_voiceload.telemetry.context import new_run_id
from otel_voiceload.transports import load as load_transport
from otel_voiceload.transports import split_target

# What an unloaded agent adds to a caller's own part of a turn: it notices the end, thinks, answers.
AGENT_SHARE_S = 4.0
BYTE_STREAMS = ("ws", "wss")


@dataclass(frozen=True, slots=True)
class Outline:
    """What would be offered, before anything of this machine or the target is looked at.

    ``request`` is the plan's with what it left open: what the profile was made of.
    """

    scenarios: tuple[tuple[Scenario, float], ...]
    encoding: Encoding
    turn_cycle_s: float
    profile: Profile
    request: Request


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan that was checked, with all that its processes need."""

    run_id: str
    wire: str
    profile: Profile
    request: Request
    scenarios: tuple[tuple[Scenario, float], ...]
    scenario_hash: str
    clip_pack: str
    worker: WorkerConfig
    hearing: HearingError | None = None  # of this machine, once it was measured


def prepare(plan: RunPlan) -> Prepared:
    """Check a plan against this machine and its own words.

    Raises:
        UsageError: what was asked for can not be.
        TargetRefused: more calls to another host than a typed target gets.
        PreflightFailed: too few file descriptors or local ports, or too little memory.
        TargetError: the target's name does not resolve.
    """
    if plan.abort_grace_s is not None:
        watchable(plan.thresholds)
    target = split_target(plan.target)
    load = outline(plan)
    scenarios, profile, pack = load.scenarios, load.profile, ClipPack.load(load.encoding)
    peak_calls = profile.peak_calls
    safety.check_calls(peak_calls, plan.max_calls)
    host = urlsplit(target.url).hostname or ""
    worker = WorkerConfig(
        run_id=new_run_id(),
        target=plan.target,
        scenarios=scenarios,
        seed=plan.seed,
        turn_cycle_s=load.turn_cycle_s,
        headers=plan.headers,
        params=plan.params,
        tls_ca=plan.tls_ca,
        tls_insecure=plan.tls_insecure,
        trace_sample=plan.sample_ratio,
        max_connect_rate=plan.max_connect_rate,
        max_calls=plan.max_calls,
        total_calls=plan.request.total_calls,
        encoding=load.encoding,
    )
    if problems := worker.problems():
        raise UsageError("; ".join(problems))
    allow = safety.allow_list(host, peak_calls, plan.allow)
    safety.check_target(host, allow)
    workers = plan.worker_count(peak_calls)
    safety.ensure_descriptors(safety.descriptors_needed(-(-peak_calls // workers)))
    safety.ensure_ports(peak_calls, resources.ephemeral_ports())
    needed = safety.memory_needed_bytes(peak_calls, workers)
    safety.ensure_memory(needed, resources.available_memory_bytes())
    _same_voices(plan.again, scenario_hash(scenarios), pack.pack_id)
    return Prepared(
        run_id=worker.run_id,
        wire=target.transport,
        profile=profile,
        request=load.request,
        scenarios=scenarios,
        scenario_hash=scenario_hash(scenarios),
        clip_pack=pack.pack_id,
        worker=replace(worker, allow=allow),
    )


def _same_voices(again: Again | None, scenarios: str, pack: str) -> None:
    if again is None:
        return
    for what, then, now in (
        ("scenarios are", again.scenario_hash, scenarios),
        ("clip pack is", again.clip_pack, pack),
    ):
        if then != now:
            raise UsageError(
                f"the {what} not what run {again.run_id} was made with: the two could not be"
                " compared; start a new run without --again"
            )


def stages(plan: RunPlan) -> tuple[Stage, ...]:
    """What would be offered, without asking whether this machine or the target can bear it.

    Raises:
        UsageError: what was asked for can not be.
    """
    return planned(outline(plan).profile)


def outline(plan: RunPlan) -> Outline:
    """The load of a plan, by its own words alone.

    Raises:
        UsageError: what was asked for can not be.
    """
    encoding = _encoding(plan)
    scenarios = tuple(_weighted(text) for text in plan.scenarios)
    cycle_s = plan.turn_cycle_s or _mean_cycle_s(scenarios, ClipPack.load(encoding))
    return Outline(scenarios, encoding, cycle_s, *_profile(plan, cycle_s, scenarios))


def _encoding(plan: RunPlan) -> Encoding:
    if plan.simulated is not None:
        return PCM16_16K  # nobody hears it; its clips are as long as any other's
    return load_transport(split_target(plan.target).scheme).ENCODING  # a missing extra is said


def with_agent(prepared: Prepared, plan: RunPlan, agent_s: float) -> Prepared:
    """The same for an agent whose part of a turn was heard, where it had to be supposed so far.

    Holds are counted in turn cycles, so an agent that answers in a moment is not held for as long
    as one that talks.
    """
    if plan.turn_cycle_s is not None:
        return prepared
    cycle_s = prepared.worker.turn_cycle_s - AGENT_SHARE_S + agent_s
    request = replace(prepared.request, turn_cycle_s=cycle_s)
    return replace(
        prepared,
        profile=make_profile(plan.profile_name, request),
        request=request,
        worker=replace(prepared.worker, turn_cycle_s=cycle_s),
    )


def refuse_unmeasurable(thresholds: Iterable[Threshold], target: str) -> None:
    """A promise that this wire can not be held to is a slip when it was typed for this run.

    Raises:
        UsageError: one is on packets, and the wire is a byte stream; or on a component that no
            simulated agent has.
    """
    simulated = target.startswith(SIMULATED)
    thresholds = tuple(thresholds)
    if simulated and (others := sorted(components_meant(thresholds))):
        raise UsageError(
            f"--threshold on an unknown metric {others[0]!r}: {target} is simulated, and has no"
            f" other components than {', '.join(COMPONENTS)}"
        )
    if not simulated and urlsplit(split_target(target).url).scheme not in BYTE_STREAMS:
        return
    for each in thresholds:
        if each.metric in PACKET_METRICS:
            raise UsageError(
                f"--threshold {each.name}: {each.expression} can not be judged: {target} "
                f"{'is simulated' if simulated else 'is a byte stream'} and has no packets; "
                f"use {'turn_latency' if simulated else 'audio_gap'}"
            )


def _profile(
    plan: RunPlan, cycle_s: float, scenarios: Sequence[tuple[Scenario, float]]
) -> tuple[Profile, Request]:
    """The profile, and the request that it was made of: with a ceiling where it asked for one."""
    request = replace(
        plan.request,
        turn_cycle_s=cycle_s,
        max_calls=plan.max_calls,
        scenarios=tuple(scenario.name for scenario, _ in scenarios),
    )
    try:
        profile = make_profile(plan.profile_name, request)
    except CeilingUnknown as error:
        ceiling = earlier_ceiling(plan.store, plan.target)
        if ceiling.calls is None:
            raise UsageError(f"{error} ({ceiling.source})") from None
        request = replace(request, ceiling=ceiling)
        profile = make_profile(plan.profile_name, request)
    if problems := profile.problems():
        raise UsageError("; ".join(problems))
    return profile, request


def _weighted(text: str) -> tuple[Scenario, float]:
    """``booking`` or ``booking=3``: a name or file, and how often it is played beside others."""
    name, equals, weight = text.rpartition("=")
    if not equals:
        return load_scenario(text), 1.0
    try:
        return load_scenario(name), float(weight)
    except ValueError:
        raise UsageError(f"--scenario {text!r}: {weight!r} is no weight; write NAME=2") from None


def _mean_cycle_s(scenarios: Sequence[tuple[Scenario, float]], pack: ClipPack) -> float:
    total = sum(weight for _, weight in scenarios)
    parts = [(scenario.turn_cycle(pack), weight) for scenario, weight in scenarios]
    own_s = sum((part.speech_s + part.think_s) * weight for part, weight in parts) / total
    return own_s + AGENT_SHARE_S
