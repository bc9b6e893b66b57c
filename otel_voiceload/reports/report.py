"""The Report: everything that is said of a run, in the shape of the JSON that others rely on.

The types below are the JSON report itself; ``docs/report.schema.json`` is generated from them and a
test keeps the two equal. Ratios are 0..1, latencies seconds, times ISO 8601 in UTC. None is
"not known", never zero.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from otel_voiceload.reports.build_split import Split
from otel_voiceload.reports.fix_types import Fix
from otel_voiceload.reports.report_late import LateCapacity, QuotaWall, SpikeGap
from otel_voiceload.reports.report_resources import CallCost as CallCost
from otel_voiceload.reports.report_resources import ResourceCeiling as ResourceCeiling
from otel_voiceload.reports.report_resources import ResourceLevel as ResourceLevel
from otel_voiceload.reports.report_resources import ResourceRole as ResourceRole
from otel_voiceload.reports.report_resources import Resources as Resources
from otel_voiceload.reports.report_within import LevelWithin

Verdict = Literal["pass", "fail", "unknown", "inconclusive"]
ThresholdVerdict = Literal["pass", "fail", "unknown", "not_applicable"]
Status = Literal["found", "at_most", "not_reached", "ambiguous", "cannot_tell", "unobserved"]
Role = Literal["bottleneck", "candidate", "follows", "healthy", "unobserved"]
Cause = Literal["provider_limit", "provider_slow", "own_cpu", "own_memory", "pool", "unknown"]
Validity = Literal["valid", "degraded", "inconclusive"]
DriftVerdict = Literal["rising", "falling", "steady", "unknown"]
StopReason = Literal[
    "target_reached", "quality_floor", "duration", "generator_limit", "user", "kill"
]


class Window(TypedDict):
    """The part of the run's time that a report is of; the seconds are after the run's start."""

    since: str | None
    until: str | None
    since_s: float | None
    until_s: float | None
    run_s: float | None  # how long the whole run was
    unloaded_up_to: float | None  # calls: levels outside that stand for the unloaded target


class Run(TypedDict):
    id: str
    tag: str
    started: str
    ended: str | None
    target: str
    wire: str
    profile: str
    seed: int | None
    stop_reason: StopReason | None
    validity: Validity
    validity_reasons: list[str]
    co_located: bool | None
    background_calls: NotRequired[float]  # there already: every number of calls has them in it
    planted: NotRequired[str]  # of a demo: "llm:48"
    window: NotRequired[Window]  # where the report is of a part of the run's time
    shut_down: bool  # False: the generator was killed and the run has no end of its own


class Candidate(TypedDict):
    component: str
    calls: float | None  # N*, the saturation point
    ci: tuple[float, float] | None
    certainty: str
    evidence: list[str]
    cause: Cause
    cause_evidence: list[str]


Climb = TypedDict("Climb", {"from": float | None, "to": float | None})


class Inflection(TypedDict):
    status: Status
    candidates: list[Candidate]
    tested_up_to: float | None
    repeat_level: float | None
    climb: Climb | None


class FirstInflection(TypedDict):
    component: str
    concurrency: float
    ci: tuple[float, float]
    time: str | None


class CurvePoint(TypedDict):
    concurrency: float
    samples: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    error_rate: float
    open_from_s: float | None  # percentiles of so much or more are at least that


class ComponentReport(TypedDict):
    component: str
    role: Role
    source: str | None
    samples: int
    baseline_p95_s: float | None
    peak_p95_s: float | None
    saturation_calls: float | None
    curve: list[CurvePoint]


class LevelComponent(TypedDict):
    component: str
    samples: int
    p50_s: float | None
    p95_s: float | None
    error_rate: float
    open_from_s: float | None


class WholeRun(TypedDict):
    """A component over all turns of the run that it was timed in."""

    component: str
    samples: int
    p50_s: float | None
    p95_s: float | None
    open_from_s: float | None


class Level(TypedDict):
    level: float
    stage_index: int | None  # None: a run without stages, cut into quarter octaves of calls
    phase: str
    calls_asked: float
    calls_held: float | None
    turns: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    no_response: int
    completion: float | None
    error_rate: float | None
    valid: bool
    excluded_why: str | None
    components: list[LevelComponent]  # none where the level does not count
    again: NotRequired[bool]  # held before, also where that lies outside of a window


class Phase(TypedDict):
    """A phase by its name, over all of its stages."""

    phase: str
    started: str | None
    ended: str | None
    stages: int
    calls_from: float | None  # the least and the most that was asked for; None in the open model
    calls_to: float | None
    per_s_to: float | None  # open model: the most calls that were begun per second
    calls: int  # begun in it
    turns: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    completion: float | None
    error_rate: float | None
    starts_dropped: int  # arrivals that found all of --max-calls held
    note: str  # where a load came from that nobody wrote down
    verdict: ThresholdVerdict | None  # of the thresholds with {phase:...}; the worst of them


class Spike(TypedDict):
    """A jump that was not spread over a turn cycle."""

    stage_index: int
    phase: str
    started: str | None
    calls_before: float
    calls_asked: float
    calls_reached: int
    jump_s: float | None  # until 95 % of the calls asked for had media; None: they never had
    schedule_delay_p95_s: float | None  # between a call's schedule and its start: our own part
    connect_attempts: int
    connect_failures: int
    connect_p50_s: float | None
    connect_p95_s: float | None
    queued: int  # requests of components that had to wait
    rejected: int  # requests and calls
    dropped: int  # calls
    p95_before_s: float | None
    p95_s: float | None
    p95_after_s: float | None
    recovery_s: float | None  # from its end; None: not seen within watched_s
    recovery_ci: tuple[float, float | None] | None  # 95 %; open above: not over within watched_s
    recovery_resolution_s: float | None
    watched_s: float | None
    limited_share: float | None  # of its time, in which the generator was the limit


class Unattributed(TypedDict):
    p50_s: float | None
    p95_s: float | None
    share: float | None  # of the mean turn latency


class Latency(TypedDict):
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    samples: int
    censored: int
    censored_at_s: float | None  # a percentile at or above this is printed as ">8 s"


class Connect(TypedDict):
    attempts: int
    success: float | None
    p50_s: float | None
    p95_s: float | None


class LeftOut(TypedDict):
    """Calls that ended at a level at which the generator was the limit: no evidence."""

    level: float
    calls: int


class CallCompletion(TypedDict):
    connected: int
    natural_end: int
    rate: float | None
    baseline_rate: float | None
    drop_points: float | None
    outcomes: dict[str, int]
    left_out: list[LeftOut]  # in none of the others


class MediaFigure(TypedDict):
    p95: float | None
    pooled: float | None
    streams: int


class Ceiling(TypedDict):
    calls: float | None
    ci: tuple[float, float] | None
    limited_by: str | None


class Ceilings(TypedDict):
    slo: Ceiling
    degradation: Ceiling


class Headroom(TypedDict):
    expected_peak: float | None
    calls: float | None  # lower end of the ceiling's interval minus the expected peak
    ratio: float | None


class ThresholdResult(TypedDict):
    metric: str
    expression: str
    observed: float | None
    at_least: NotRequired[bool]  # it lies among what was never seen to end
    ci: tuple[float | None, float | None] | None
    unit: str
    verdict: ThresholdVerdict
    needs_calls: int | None
    written_by_user: bool
    why: str | None
    # A search for the limit is judged at the expected peak, else level by level without deciding.
    judged_at: NotRequired[float | None]  # calls; None is the whole run
    levels_broken: NotRequired[list[float]]
    decides: NotRequired[bool]  # whether it counts for the verdict and the exit code


class Drift(TypedDict):
    """What one figure did over the longest hold of a soak, by the medians of its blocks."""

    metric: str  # turn_latency, no_response, llm, target_memory, generator_fds, ...
    unit: str  # of level and limit: s, ratio, By, cores, 1
    verdict: DriftVerdict
    calls: float  # held meanwhile
    hold_s: float
    level: float | None
    per_hour: float | None
    ci: tuple[float, float] | None  # of per_hour, 95 %
    limit: float | None  # where it runs out
    limit_of: str | None  # whose limit that is: promised, open files, memory, disk
    exhausted_in_s: float | None  # from the end of the hold, when it goes towards a limit
    exhausted_at_least_s: float | None
    why: str  # what is not known, and what would tell


class CopyLedger(TypedDict):
    """Spans for the user's own back end; ended = acknowledged + waiting + lost."""

    ended: int
    acknowledged: int
    waiting: int  # on disk, for the next run
    lost: dict[str, int]


class Generator(TypedDict):
    pacing_error_p99_s: float | None
    late_share: float | None
    run_delay_share: float | None
    loop_lag_p99_s: float | None
    cpu: float | None
    late_starts: int | None
    limited_share: float | None  # of its time, in which it was the limit
    limited_by: str  # reasons, the most frequent first
    turn_dispersion: float | None  # of turn starts; 1 is what independent callers give
    prompt_repeat_ratio: float | None  # turns said before in this run, with all that led to them
    hearing_bias_s: float | None
    hearing_spread_s: float | None
    spans_ended: int | None
    spans_stored: int
    spans_lost: dict[str, int]
    copy: CopyLedger | None  # None: there was no such back end


class Baseline(TypedDict):
    """What "own baseline" stands for in this report, named as such.

    A tagged run was chosen by somebody; a profile's run is the latest sound one of ``-p baseline``.
    """

    kind: Literal["tagged_run", "profile_run", "own_levels", "none"]
    run_id: str | None
    up_to_calls: float | None
    p95_s: float | None
    completion: float | None


class Report(TypedDict):
    schema_version: Literal[1]
    run: Run
    verdict: Verdict
    headline: str  # the sentence a person reads first
    inflection: Inflection
    first_inflection: FirstInflection | None
    turn_inflection: Inflection
    components: list[ComponentReport]
    levels: list[Level]
    unattributed: Unattributed
    turn_latency: Latency
    greeting: Latency
    connect: Connect
    call_completion: CallCompletion
    jitter: MediaFigure
    packet_loss: MediaFigure
    baseline: Baseline
    ceiling: Ceilings
    headroom: Headroom
    fixes: list[Fix]
    within_calls: list[LevelWithin]
    phases: list[Phase]
    spikes: list[Spike]
    spike_gap: SpikeGap | None
    drift: list[Drift]
    autoscaling: list[LateCapacity]
    quota_walls: list[QuotaWall]
    thresholds: list[ThresholdResult]
    generator: Generator
    resources: Resources
    whole_run: NotRequired[list[WholeRun]]  # where no level counts
    by: NotRequired[Split]  # as asked for with --by
    next_step: str  # what to do now, one line
