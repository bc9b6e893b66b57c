"""What a plan would come to, with nothing started and nobody connected to: ``--dry-run``.

Estimates stand on the scenario's mean turn cycle with an unloaded agent, so a target that becomes
slow gives fewer turns than are told here. Whether a threshold can be decided at all is asked of the
same rule that will judge it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal
from urllib.parse import urlsplit

from otel_voiceload.analysis import bounds, thresholds
from otel_voiceload.analysis.judge import PACKET_METRICS
from otel_voiceload.analysis.thresholds import Threshold
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.errors import ExitCode, OvlError, TargetRefused, UsageError
from otel_voiceload.load import resources, safety
from otel_voiceload.profiles import make, planned
from otel_voiceload.profiles.levels import CYCLES_PER_HOLD
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import BYTE_STREAMS, Outline, outline
from otel_voiceload.transports import split_target

# Spans of ours: a turn with its network and component spans, a call with connect, media and start.
_OWN_PER_TURN, _OWN_PER_CALL = 7, 4
# Of an instrumented agent, by what such agents send: one per component and the turn, and the call.
_TARGET_PER_TURN, _TARGET_PER_CALL = 5, 2
_STORED_BYTES_PER_SPAN = 130  # measured, indexes and segment headers included
_STORED_BYTES_PER_S = 900  # health of a worker, once a second
_FRAMES_PER_S = 50
_PACKET_BYTES = 52  # IP, TCP and its time stamps, for each frame
_WS_BYTES = 8  # header and mask
_JSON_BYTES = 110  # what stands around the audio of a JSON message
_AGENT_TALKS = 0.5  # share of a call

# Turns of one call resemble each other; the bounds' own rule never takes the turns of a call for
# less than half an independent one.
_LEAST_WORTH_PER_CALL = 0.5


Can = Literal["yes", "perhaps", "no"]


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """``calls`` is what is held on average, ``calls_seen`` how many different ones that are."""

    index: int
    phase: str
    start_s: float
    duration_s: float
    load: str
    calls: float
    calls_begun: float
    calls_seen: float
    turns: float


@dataclass(frozen=True, slots=True)
class Decidable:
    """``needs`` counts independent turns (or calls, for what a call has once); None: any number.

    perhaps: there are as many turns, and enough only if those of one call differ.
    """

    threshold: str
    written: bool
    can: Can
    needs: int | None
    expected: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """A plan in numbers. Bandwidths are of the peak, both for all calls together.

    ``paced_s`` is what ``--pace`` alone would make of the plan's length, ``least_hold_s`` the hold
    below which it makes none shorter.
    """

    target: str
    profile: str
    stages: tuple[PlannedStage, ...]
    duration_s: float
    pace: float
    paced_s: float
    least_hold_s: float
    turn_cycle_s: float
    turns_per_call: float
    peak_calls: int
    calls: float
    turns: float
    workers: int
    kbit_s_per_call: float
    send_mbit_s: float
    receive_mbit_s: float
    own_spans: int
    traced_calls: float
    target_spans: int
    disk_bytes: int
    memory_bytes: int
    descriptors_per_worker: int
    ports: int
    thresholds: tuple[Decidable, ...]
    refusals: tuple[str, ...]
    exit_code: ExitCode


def forecast(plan: RunPlan) -> Forecast:
    """Raises UsageError when what was asked for can not be."""
    if plan.simulated is not None:
        raise UsageError(f"{plan.target} is simulated in seconds; leave out --dry-run and see")
    load = outline(plan)
    per_call = _turns_per_call(load.scenarios)
    call_s = per_call * load.turn_cycle_s
    stages = _stages(load, call_s, plan.max_calls)
    peak = load.profile.peak_calls
    workers = plan.worker_count(peak)
    calls = round(sum(s.calls_begun for s in stages), 1)
    turns = round(sum(s.turns for s in stages), 1)
    duration_s = stages[-1].start_s + stages[-1].duration_s
    traced = round(calls * plan.sample_ratio, 1)
    own = round(turns * _OWN_PER_TURN + calls * _OWN_PER_CALL + 2 * len(stages) + 2)
    theirs = round(traced * (per_call * _TARGET_PER_TURN + _TARGET_PER_CALL))
    one_way_kbit_s = _kbit_s(plan, load)
    memory = safety.memory_needed_bytes(peak, workers)
    descriptors = safety.descriptors_needed(-(-peak // workers))
    refused = tuple(_refusals(plan, peak, memory, descriptors))
    return Forecast(
        target=plan.target,
        profile=load.profile.name,
        stages=stages,
        duration_s=duration_s,
        pace=plan.request.pace,
        paced_s=_paced_s(plan, load, duration_s),
        least_hold_s=round(CYCLES_PER_HOLD * load.turn_cycle_s, 1),
        turn_cycle_s=round(load.turn_cycle_s, 2),
        turns_per_call=per_call,
        peak_calls=peak,
        calls=calls,
        turns=turns,
        workers=workers,
        kbit_s_per_call=one_way_kbit_s,
        send_mbit_s=round(peak * one_way_kbit_s / 1000, 2),
        receive_mbit_s=round(peak * one_way_kbit_s * _AGENT_TALKS / 1000, 2),
        own_spans=own,
        traced_calls=traced,
        target_spans=theirs,
        disk_bytes=round(
            (own + theirs) * _STORED_BYTES_PER_SPAN + duration_s * workers * _STORED_BYTES_PER_S
        ),
        memory_bytes=memory,
        descriptors_per_worker=descriptors,
        ports=peak,
        thresholds=_decidable(plan, load, stages),
        refusals=tuple(str(error) for error in refused),
        exit_code=refused[0].exit_code if refused else ExitCode.OK,
    )


def _paced_s(plan: RunPlan, load: Outline, duration_s: float) -> float:
    if plan.request.pace >= 1:
        return duration_s
    whole = make(plan.profile_name, replace(load.request, pace=1.0))
    return round(planned(whole)[-1].end_s * plan.request.pace, 1)


def _turns_per_call(scenarios: Sequence[tuple[Scenario, float]]) -> float:
    total = sum(weight for _, weight in scenarios)
    return sum(_plain_turns(scenario) * weight for scenario, weight in scenarios) / total


def _plain_turns(scenario: Scenario) -> int:
    """Turns along the edges without a condition, as with an agent that gives no transcript."""
    node, turns = scenario.nodes[scenario.start], 0
    while node.end is None and turns < scenario.max_turns:
        turns += 1
        node = scenario.nodes[node.edges[-1].go]
    return turns


def _stages(load: Outline, call_s: float, max_calls: int) -> tuple[PlannedStage, ...]:
    found: list[PlannedStage] = []
    before = 0.0
    for stage in planned(load.profile):
        if stage.arrivals is not None:
            per_s = (stage.per_s_from + stage.per_s_to) / 2
            begun = per_s * stage.duration_s
            held = min(per_s * call_s, max_calls)  # Little: as many as begin while one lasts
            words, before = f"{_range(stage.per_s_from, stage.per_s_to)}/s", held
        else:
            held = (stage.calls_from + stage.calls_to) / 2
            risen = max(0.0, stage.calls_to - min(before, stage.calls_from))
            begun = risen + held * stage.duration_s / call_s
            words, before = _calls(stage.calls_from, stage.calls_to), stage.calls_to
        found.append(
            PlannedStage(
                index=stage.index,
                phase=stage.phase,
                start_s=stage.start_s,
                duration_s=stage.duration_s,
                load=words,
                calls=held,
                calls_begun=round(begun, 1),
                calls_seen=round(held * (1 + stage.duration_s / call_s), 1),
                turns=round(held * stage.duration_s / load.turn_cycle_s, 1),
            )
        )
    return tuple(found)


def _calls(low: float, high: float) -> str:
    return "1 call" if low == high == 1 else f"{_range(low, high)} calls"


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _kbit_s(plan: RunPlan, load: Outline) -> float:
    """One direction of one call on the wire, headers included."""
    frame = load.encoding.frame_bytes
    if split_target(plan.target).transport != "plain":
        frame = ceil(frame / 3) * 4 + _JSON_BYTES  # base64 in JSON
    return (frame + _WS_BYTES + _PACKET_BYTES) * _FRAMES_PER_S * 8 / 1000


def _refusals(plan: RunPlan, peak: int, memory: int, descriptors: int) -> Sequence[OvlError]:
    """What the run would be refused for, as far as it can be known without asking anybody."""
    host = urlsplit(split_target(plan.target).url).hostname or ""
    checks: tuple[Callable[[], object], ...] = (
        lambda: safety.check_calls(peak, plan.max_calls),
        lambda: _check_host(host, peak, plan.allow),
        lambda: safety.ensure_descriptors(descriptors, write=lambda limits: None),
        lambda: safety.ensure_ports(peak, resources.ephemeral_ports()),
        lambda: safety.ensure_memory(memory, resources.available_memory_bytes()),
    )
    found = []
    for check in checks:
        try:
            check()
        except OvlError as error:
            found.append(error)
    return found


def _check_host(host: str, peak: int, allowed: Sequence[str]) -> None:
    """By the address where one was typed; a name is only looked for among those allowed."""
    if safety.is_address(host):
        safety.check_target(
            host, safety.allow_list(host, peak, allowed, _nowhere), lambda _: [host]
        )
    elif host != "localhost" and peak > safety.TYPED_TARGET_CALLS and not allowed:
        raise TargetRefused(
            f"{peak} calls are more than the {safety.TYPED_TARGET_CALLS} that a typed target gets; "
            f"--allow {host} permits them"
        )


def _nowhere(host: str) -> tuple[str, ...]:
    """Nobody is asked: a name among those allowed adds nothing to what was typed as an address."""
    return (host,) if safety.is_address(host) else ()


def _decidable(
    plan: RunPlan, load: Outline, stages: Sequence[PlannedStage]
) -> tuple[Decidable, ...]:
    written = thresholds.recorded(plan.thresholds)
    names = {each.name for each in written}
    rest = [each for each in thresholds.defaults() if each.name not in names]
    if not any(stage.phase == "spike" for stage in stages):
        rest = [each for each in rest if not each.selector]
    judged = [(each, True) for each in written] + [(each, False) for each in rest]
    packets = urlsplit(split_target(plan.target).url).scheme not in BYTE_STREAMS
    searches = load.profile.seeks_limit
    return tuple(_decide(each, own, stages, searches, packets) for each, own in judged)


def _decide(
    threshold: Threshold,
    written: bool,
    stages: Sequence[PlannedStage],
    searches: bool,
    packets: bool,
) -> Decidable:
    phases = [value for key, value in threshold.selector if key == "phase"]
    counted = [stage for stage in stages if not phases or stage.phase in phases]
    of_calls = threshold.metric in _PER_CALL
    calls, turns, at = sum(s.calls_begun for s in counted), sum(s.turns for s in counted), ""
    if searches and len(counted) > 1:  # judged level by level: the highest is what is asked about
        top = max(counted, key=lambda stage: stage.calls)
        calls, turns, at = top.calls_seen, top.turns, f" at {top.load}"

    def said(can: Can, needs: int | None = None, why: str = "") -> Decidable:
        expected = f"{calls:.0f} calls" if of_calls else f"{turns:.0f} turns of {calls:.0f} calls"
        name = f"{threshold.name}: {threshold.expression}"
        return Decidable(name, written, can, needs, why or expected + at)

    if threshold.metric in PACKET_METRICS and not packets:
        return said("no", why="this wire is a byte stream and has no packets")
    if threshold.metric.startswith("target_"):
        return said("perhaps", why="when the target's own figures are known")
    needs = _needs(threshold)
    if needs is None:
        return said("yes")
    if (calls if of_calls else turns) < needs:
        return said("no", needs)
    surely = calls if of_calls else min(turns, calls * _LEAST_WORTH_PER_CALL)
    return said("yes" if surely >= needs else "perhaps", needs)


_PER_CALL = (
    "call_completion",
    "connect_success",
    "connect_time",
    "greeting",
    "jitter",
    "packet_loss",
)


def _needs(threshold: Threshold) -> int | None:
    """The least number of independent values that can show that it holds."""
    if threshold.quantile is not None:
        share = threshold.quantile
        return bounds.least_to_bound(share if threshold.wants_less else 1 - share)
    if threshold.kind == "ratio" and threshold.statistic == "rate":
        return bounds.least_to_bound_rate(
            1 - threshold.limit if threshold.wants_less else threshold.limit
        )
    return None
