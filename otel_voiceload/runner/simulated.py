"""A run against an agent that exists only as a file: ``sim:agent.yaml``, in virtual time.

The profile is asked on with what was found, exactly as in a live run, and everything goes through
the collector into the store, so analysis and report do not know the difference. There is no socket
to a target, no smoke call, no waiting and nothing that could be late: an hour of load is as long as
it takes to compute. Spans go out in large batches, each waited for: nothing is sampled or dropped.

The simulation is not told which run it plays, so that every draw follows from the seed and a call's
index: one seed and one plan give the same calls again. The run's own ids are put on afterwards.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from math import exp, log

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import Scenario, load_scenario, scenario_hash
from otel_voiceload.callers.speech import choices
from otel_voiceload.capacity.config import AgentConfig, load_agent_config
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.capacity.simulated_run import SimulatedRun, refuse_audible
from otel_voiceload.capacity.simulation import Simulation
from otel_voiceload.errors import OvlError, UsageError
from otel_voiceload.load.arrivals import Arrivals
from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    CallRecord,
    ClockAnchor,
    Health,
    RunRecord,
    Stage,
    StageRecord,
    TurnRecord,
)
from otel_voiceload.profiles import Findings, Measured, Profile
from otel_voiceload.runner import collector as collectors
from otel_voiceload.runner.again import recorded
from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.runner.generate import RunOutcome
from otel_voiceload.runner.measure import measure, unknown, words
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.play import outlook
from otel_voiceload.runner.prepare import outline
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.stage_log import StageLog
from otel_voiceload.runner.stop import RunControl, Running, StopRequests, heeding, terminable
from otel_voiceload.store.open import open_store
from otel_voiceload.telemetry.bulk import Bulk
from otel_voiceload.telemetry.context import new_run_id, run_trace_id
from otel_voiceload.telemetry.posting import HttpPoster

_CONNECT_S = 0.05


def play_simulated(plan: RunPlan, screen: Screen) -> RunOutcome:
    """The plan's load in virtual time; returns when everything is stored.

    Raises:
        UsageError, ConfigError: what was asked, or what the file says, can not be simulated.
        CollectorError: the collector did not start or did not take the spans.
    """
    assert plan.simulated is not None
    if plan.abort_grace_s is not None:
        raise UsageError("--abort-on-fail saves time, and a simulated run takes none; leave it out")
    config = load_agent_config(plan.simulated)
    refuse_audible(config)
    callers, scenario = caller_model(plan.scenarios)
    cycle_s = callers.cycle().mean_s(config)
    plan = replace(plan, turn_cycle_s=cycle_s)
    profile = outline(plan).profile
    run_id = new_run_id()
    running = Running(run_id, os.getpid(), time.time_ns(), plan.target, plan.tag)
    with (
        terminable(),
        RunControl(plan.store, running) as control,
        heeding(control.asked) as signals,
    ):
        collector = collectors.find_or_start(plan.store, plan.collector, plan.access)
        try:
            screen.say(f"run {run_id}: {profile.name} in virtual time")
            screen.say(outlook(profile))  # a line of its own: with the id it is over 80 wide
            began = time.monotonic()
            played = _Played(plan, profile, config, callers, scenario, run_id, collector, screen)
            outcome = played.play(signals)
            took_s = time.monotonic() - began
            measuring = ""
            if played.measured_s:
                measuring = f", {played.measured_s:.1f} s of it to measure between the levels"
            minutes = played.simulated_s / 60
            screen.say(f"{minutes:.1f} min of load simulated in {took_s:.1f} s{measuring}")
        finally:
            collector.stop()
    return outcome


def caller_model(names: Iterable[str]) -> tuple[CallerModel, Scenario]:
    """A caller who keeps the times of a scenario, and the scenario.

    Speech is as long as the clips that the scenario says, and a call as many turns as the way
    through it on which no edge with a condition is taken.

    Raises:
        UsageError: more than one scenario: a simulated caller has one way of talking.
        ConfigError: no such scenario.
    """
    texts = tuple(names)
    if len(texts) != 1:
        raise UsageError("a simulated run plays one scenario; give one --scenario")
    scenario = load_scenario(texts[0].partition("=")[0] if "=" in texts[0] else texts[0])
    pack = ClipPack.load(PCM16_16K)
    lengths_s: list[float] = []
    for node in scenario.nodes.values():
        if (say := node.say) is not None:
            clips = choices(pack, say.intent, scenario.voices, say.min_s, say.max_s)
            lengths_s += [clip.speech_s for clip in clips]
    return (
        CallerModel(
            speech=_lognormal(lengths_s),
            think=scenario.think,
            turns_per_call=_plain_turns(scenario),
            patience_s=scenario.patience,
            between_s=_CONNECT_S,
            think_least_s=scenario.reply_end_silence,
            greeting_wait_s=scenario.greeting.wait_s,
        ),
        scenario,
    )


def _lognormal(lengths_s: list[float]) -> Lognormal:
    """With the mean of these lengths, and their spread."""
    sigma = statistics.pstdev(log(each) for each in lengths_s)
    median_s = statistics.fmean(lengths_s) / exp(sigma**2 / 2)
    return Lognormal(median_s, median_s * exp(1.6448536 * sigma))


def _plain_turns(scenario: Scenario) -> int:
    at, turns = scenario.start, 0
    while scenario.nodes[at].end is None and turns < scenario.max_turns:
        turns += 1
        at = scenario.nodes[at].edges[-1].go
    return turns


class _Played:
    """One simulated run on its way into the store."""

    def __init__(
        self,
        plan: RunPlan,
        profile: Profile,
        config: AgentConfig,
        callers: CallerModel,
        scenario: Scenario,
        run_id: str,
        collector: CollectorHandle,
        screen: Screen,
    ) -> None:
        self._plan, self._profile, self._screen = plan, profile, screen
        self._collector = collector
        self._run_id = run_id
        self._scenario = scenario
        self._scenario_hash = scenario_hash(((scenario, 1.0),))
        self._clip_pack = ClipPack.load(PCM16_16K).pack_id
        self._log = StageLog()
        run = SimulatedRun(target=plan.target, profile=plan.profile_name, tag=plan.tag)
        self._start_mono_ns = run.start_mono_ns
        self._simulation = Simulation(
            config,
            callers,
            seed=plan.seed,
            run=run,
            most_held=plan.max_calls,
            most_calls=plan.request.total_calls,
        )
        self._arrivals = Arrivals(plan.seed)
        # Time is cut into seconds of the wall clock and parts of them: two runs of a seed alike.
        anchor = ClockAnchor(run.start_mono_ns, time.time_ns() // NS_PER_S * NS_PER_S)
        self._out = Bulk(run_id, anchor, HttpPoster(collector.endpoint))
        self.simulated_s = 0.0
        self.measured_s = 0.0  # of real time, between levels

    def play(self, signals: StopRequests) -> RunOutcome:
        self._out.send([self._record_of_run()])
        reason = self._offer(signals)
        if signals.look() or self._simulation.all_called:
            self._simulation.hang_up()  # what was planned beyond does not come any more
        else:
            self._simulation.finish()
        for stage in self._log.stages[self._log.closed : self._log.opened]:
            self._out.send([self._record_of_stage(stage, self.simulated_s)])
        self._out.send(self._taken())
        totals = self._out.finish(self._record_of_run(reason))
        stored = self._collector.store is not None
        return RunOutcome(self._run_id, reason, totals, signals.exit_code, stored_here=stored)

    def _offer(self, signals: StopRequests) -> str:
        """Second after second until the profile has no more; the reason to stop."""
        while True:
            if self._profile.needs_measure(self._findings):
                self._measure()
            more = self._profile.next_stages(self._findings)
            if not more:
                return self._profile.stop_reason(self._findings)
            self._extend(more)
            while self.simulated_s < self._log.end_s:
                if signals.look():
                    return signals.stop_reason
                if self._simulation.all_called:
                    return "target_reached"
                self._second()

    def _extend(self, more: tuple[Stage, ...]) -> None:
        self._log.add(more, self._simulation.natural_ends)
        self._simulation.extend(more)
        self._arrivals.extend(more)
        while (at_s := self._arrivals.next()[1]) < self._log.end_s:
            self._simulation.arrive(at_s)
            self._arrivals.take()
        for stage in more:
            if stage.note:
                self._screen.say(f"{stage.phase}, {stage.calls_to:g} calls: {stage.note}")

    def _second(self) -> None:
        """Up to one second of the load, its records and the heartbeat of a generator at rest."""
        log = self._log
        while log.opened < len(log.stages) and log.stages[log.opened].start_s <= self.simulated_s:
            self._out.send([self._record_of_stage(log.stages[log.opened], None)])
            log.opened += 1
        self.simulated_s = min(self.simulated_s + 1.0, log.end_s)
        self._simulation.run_to(self.simulated_s)
        health = at_rest(self._at_mono_ns(self.simulated_s), self._simulation.calls_held)
        log.heard(self.simulated_s, health)
        self._out.send([*self._taken(), health])
        self._close_stages()

    def _taken(self) -> list[TurnRecord | CallRecord]:
        return [replace(each, call=self._named(each.call)) for each in self._simulation.take()]

    def _named(self, call: CallIdentity) -> CallIdentity:
        # The second half is the call's index: what sorts by ids sorts two runs of a seed alike.
        trace = f"{run_trace_id(self._run_id)[:16]}{call.trace_id[16:]}"
        return replace(call, call_id=trace, trace_id=trace)

    def _close_stages(self) -> None:
        """Tell the ends of those that are over; at a stop, of the one that is not."""
        log = self._log
        while log.closed < log.opened and log.stages[log.closed].end_s <= self.simulated_s:
            stage = log.stages[log.closed]
            self._out.send([self._record_of_stage(stage, stage.end_s)])
            log.closed += 1

    def _measure(self) -> None:
        begun = time.monotonic()
        self._out.flush()
        measured = self._measured()
        self.measured_s += time.monotonic() - begun
        self._log.measured = replace(measured, stages=len(self._log.stages))
        self._screen.say(words(measured))

    def _measured(self) -> Measured:
        if self._collector.store is None:
            return unknown("the run is stored elsewhere")
        try:
            with open_store(self._collector.store) as reading:
                return measure(reading, self._run_id)
        except OvlError as error:
            return unknown(str(error))

    @property
    def _ends(self) -> Counter[str]:
        return Counter({self._scenario.name: self._simulation.natural_ends})

    @property
    def _findings(self) -> Findings:
        return self._log.findings(self._simulation.natural_ends, self._ends)

    def _record_of_stage(self, stage: Stage, end_s: float | None) -> StageRecord:
        end_ns = None if end_s is None else self._at_mono_ns(end_s)
        return StageRecord(stage, self._at_mono_ns(stage.start_s), end_ns)

    def _record_of_run(self, stop_reason: str | None = None) -> RunRecord:
        """The start's marker without a reason to stop, the whole with one."""
        plan = self._plan
        record = replace(
            self._simulation.run_record(stop_reason or ""),
            run_id=self._run_id,
            scenario_hash=self._scenario_hash,
            clip_pack=self._clip_pack,
            thresholds={metric: list(tests) for metric, tests in plan.thresholds.items()},
            peak_calls=plan.peak_calls,
            plan=recorded(plan),
        )
        return record if stop_reason is not None else replace(record, end_mono_ns=None)

    def _at_mono_ns(self, elapsed_s: float) -> int:
        return self._start_mono_ns + round(elapsed_s * NS_PER_S)


def at_rest(at_mono_ns: int, calls: int) -> Health:
    """A second of a generator that can not be late: it makes its own time."""
    return Health(
        shard_index=0,
        at_mono_ns=at_mono_ns,
        calls_active=calls,
        frames_due=0,
        frames_late=0,
        late_share=0.0,
        pacing_error_p99_s=0.0,
        loop_lag_p99_s=0.0,
        run_delay_share=0.0,
        cpu=0.0,
        late_starts=0,
        connect_pending=0,
    )
