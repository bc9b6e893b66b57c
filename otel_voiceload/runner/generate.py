"""A run: stages offered to the workers, the profile asked how to go on, the end told truthfully.

The runner keeps no figures for the report. What it knows, which stage was asked when and why the
run ended, goes through telemetry into the store like everything else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from otel_voiceload.errors import ExitCode
from otel_voiceload.load.messages import Extend, Finish, HangUpAll
from otel_voiceload.load.resources import memory_bytes, usable_cores
from otel_voiceload.model import (
    NS_PER_S,
    Progress,
    Record,
    RunRecord,
    Stage,
    StageRecord,
)
from otel_voiceload.profiles import Findings
from otel_voiceload.runner.again import recorded
from otel_voiceload.runner.fleet import Fleet
from otel_voiceload.runner.live_judge import LiveJudge, watchable
from otel_voiceload.runner.measure import Measuring, Nowhere, words
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import Prepared
from otel_voiceload.runner.screen import Screen, Tally
from otel_voiceload.runner.stage_log import StageLog
from otel_voiceload.runner.stop import StopRequests, heeding
from otel_voiceload.telemetry.exporter import Totals

LEAD_S = 0.4  # from Begin to the first call, so that all workers have heard it
ASK_AHEAD_S = 0.3  # before the last stage ends: later, the workers would hold it a moment too long
FINISH_GRACE_S = 10.0
HANG_UP_S = 4.0  # all calls are down within five seconds of Ctrl-C
FAREWELL_S = 3.0  # for the workers' last records, once their calls are down
TELEMETRY_TIMEOUT_S = 30.0
HURRIED_S = 5.0  # the same, after a second Ctrl-C
_POLL_S = 0.1


Usages = Callable[[int, tuple[float, float] | None], Iterable[Record]]
"""(now_mono_ns, bytes per second of the calls) -> what the processes took, once a second."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended; its figures are in the store. ``totals`` None: telemetry died.

    ``stored_here`` False: in the store of a collector elsewhere, where nothing can be read.
    """

    run_id: str
    stop_reason: str
    totals: Totals | None
    interrupted: ExitCode | None
    internal_errors: tuple[str, ...] = ()
    stored_here: bool = True
    broken: str = ""  # the promise that ended the run before its time


class Run:
    """One run from the first stage to the last word of telemetry."""

    def __init__(
        self,
        plan: RunPlan,
        prepared: Prepared,
        screen: Screen,
        fleet: Fleet,
        clock: Callable[[], int] = time.monotonic_ns,
        stop_asked: Callable[[], bool] = lambda: False,
        measuring: Callable[[], Measuring] = lambda: Nowhere("nothing is measured here"),
        usage: Usages = lambda now_mono_ns, traffic: (),
    ) -> None:
        self._plan = plan
        self._prepared = prepared
        self._screen = screen
        self._fleet = fleet
        self._clock = clock
        self._stop_asked = stop_asked
        self._usage = usage
        self._tally = Tally()
        self._log = StageLog()
        self._begin_measuring = measuring
        self._measuring: Measuring | None = None
        self._start_mono_ns = 0
        self._judge: LiveJudge | None = None
        self._broken = ""
        self._losses_said = 0
        if plan.abort_grace_s is not None:
            self._judge = LiveJudge(
                watchable(plan.thresholds),
                plan.abort_grace_s,
                by_stage=prepared.profile.seeks_limit,
            )

    def play(self) -> RunOutcome:
        with heeding(self._stop_asked) as signals:
            try:
                self._fleet.wait_ready()
                stop_reason = self._offer(signals)
                self._wind_down(signals)
                self._fleet.cut_off()
                self._say_losses()
            except BaseException:
                self._fleet.close(None, 1.0)
                raise
            finally:
                self._end_measuring()
            timeout_s = TELEMETRY_TIMEOUT_S if signals.count < 2 else HURRIED_S
            totals = self._fleet.close(self._last_word(stop_reason), timeout_s)
        errors = [f.first_internal_error for f in self._fleet.finished if f.internal_errors]
        return RunOutcome(
            self._prepared.run_id,
            stop_reason,
            totals,
            signals.exit_code,
            tuple(errors),
            broken=self._broken,
        )

    def _offer(self, signals: StopRequests) -> str:
        """Stage after stage until the profile has no more; the reason to stop."""
        self._start_mono_ns = self._clock() + int(LEAD_S * NS_PER_S)
        self._fleet.record(self._run_record())
        self._log.add(self._prepared.profile.next_stages(Findings()) or ())
        self._fleet.begin(tuple(self._log.stages), self._start_mono_ns)
        asked_last = False
        while True:
            elapsed_s = self._watch()
            if signals.look():
                return signals.stop_reason
            if self._fleet.done or not self._fleet.telemetry_alive:
                return "kill"  # nobody calls any more, or nobody would ever know what was heard
            if self._judge is not None and self._is_broken(self._judge, elapsed_s):
                return "quality_floor"
            if self._all_called:
                return "target_reached"
            if not asked_last and elapsed_s >= self._log.end_s - ASK_AHEAD_S:
                asked_last = not self._go_on()
            if asked_last and elapsed_s >= self._log.end_s:
                return self._prepared.profile.stop_reason(self._findings)

    def _is_broken(self, judge: LiveJudge, elapsed_s: float) -> bool:
        for name in judge.untold(elapsed_s):
            self._screen.say(f"{name}: nothing on the wire tells of it; judged at the end")
        why = judge.broken(elapsed_s)
        if why is not None:
            self._broken = why
            self._screen.say(f"aborting: {why}")
        return why is not None

    def _go_on(self) -> bool:
        """Hand out the stages that follow; False when there are none.

        A profile that wants to know more first is given time: the last level is held a little
        longer, again and again, until the measurement is there or its time is over.
        """
        profile, ends = self._prepared.profile, self._natural_ends
        if self._measuring is None and profile.needs_measure(self._findings):
            self._screen.say("measuring the run so far")
            self._measuring = self._begin_measuring()
        if self._measuring is not None:
            measured = self._measuring.poll()
            if measured is None:
                self._fleet.tell(Extend((self._log.hold(ends),)))
                return True
            self._end_measuring()
            self._log.measured = replace(measured, stages=len(self._log.stages))
            self._screen.say(words(measured))
        more = profile.next_stages(self._findings)
        if not more:
            return False
        self._log.add(more, ends)
        self._fleet.tell(Extend(more))
        self._say_notes(more)
        return True

    def _end_measuring(self) -> None:
        if self._measuring is not None:
            self._measuring.close()
            self._measuring = None

    def _say_notes(self, stages: Iterable[Stage]) -> None:
        for stage in stages:
            if stage.note:
                self._screen.say(f"{stage.phase}, {stage.calls_to:g} calls: {stage.note}")

    @property
    def _findings(self) -> Findings:
        return self._log.findings(self._natural_ends, self._tally.natural_ends)

    @property
    def _all_called(self) -> bool:
        """Whether all calls that were asked for have begun, or found no place, and are over."""
        total = self._plan.request.total_calls
        tally = self._tally
        if total is None or tally.calls_started + tally.starts_dropped < total:
            return False
        return sum(tally.ended.values()) >= tally.calls_started

    def _watch(self) -> float:
        """Hear the workers, announce stages, show; seconds since the first stage."""
        for message in self._fleet.poll(_POLL_S):
            if isinstance(message, Progress):
                self._take(message)
        self._fleet.drop_silent()
        self._say_losses()
        for record in self._usage(self._clock(), self._tally.traffic):
            self._fleet.record(record)
        elapsed_s = self._elapsed_s()
        self._announce(elapsed_s)
        self._screen.show(self._tally, self._log.at(elapsed_s), elapsed_s)
        return elapsed_s

    def _say_losses(self) -> None:
        """A lost shard's part of the load is nobody else's: what is offered is less from here."""
        losses, size = self._fleet.losses, self._fleet.size
        for number, loss in enumerate(losses[self._losses_said :], self._losses_said + 1):
            at_s = (loss.at_mono_ns - self._start_mono_ns) / NS_PER_S
            self._screen.say(
                f"worker {loss.shard_index + 1} of {size} lost {at_s:.1f} s into the load; "
                f"offered load {(size - number) / size * 100:.1f} %"
            )
            self._log.lost(at_s, 1 / size)
            self._tally.forget(loss.shard_index)
        self._losses_said = len(losses)

    def _take(self, progress: Progress) -> None:
        self._tally.add(progress, self._clock() / NS_PER_S)
        at_s = (progress.health.at_mono_ns - self._start_mono_ns) / NS_PER_S
        begun, failed_here = progress.calls_started, progress.calls_failed_here
        stage = self._log.heard(at_s, progress.health, begun, failed_here)
        if self._judge is not None:
            self._judge.take(progress, stage)

    def _announce(self, elapsed_s: float) -> None:
        """Stage markers and stage spans, each once, at the times that were asked for."""
        log = self._log
        while log.closed < log.opened and log.stages[log.closed].end_s <= elapsed_s:
            self._record_stage(log.stages[log.closed], log.stages[log.closed].end_s)
            log.closed += 1
        while log.opened < len(log.stages) and log.stages[log.opened].start_s <= elapsed_s:
            self._record_stage(log.stages[log.opened], None)
            log.opened += 1

    def _record_stage(self, stage: Stage, end_s: float | None) -> None:
        end_ns = None if end_s is None else self._at_mono_ns(end_s)
        self._fleet.record(StageRecord(stage, self._at_mono_ns(stage.start_s), end_ns))

    def _wind_down(self, signals: StopRequests) -> None:
        """Every call comes to its end: after its turn, or within seconds when told to stop."""
        elapsed_s = self._elapsed_s()
        self._announce(elapsed_s)
        for stage in self._log.stages[self._log.closed : self._log.opened]:
            self._record_stage(stage, min(stage.end_s, elapsed_s))
        heeded = signals.count  # signals that came together are one: wrappers send copies
        grace_s = self._hang_up(signals) if heeded else self._finish()
        deadline_ns = self._in_ns(grace_s + FAREWELL_S)
        while not self._fleet.done and self._clock() < deadline_ns:
            for message in self._fleet.poll(_POLL_S):
                if isinstance(message, Progress):
                    self._tally.add(message, self._clock() / NS_PER_S)
            signals.look()
            if signals.count > heeded:
                if heeded:
                    return
                heeded = signals.count
                deadline_ns = self._in_ns(self._hang_up(signals) + FAREWELL_S)

    def _finish(self) -> float:
        self._fleet.tell(Finish(FINISH_GRACE_S))
        return FINISH_GRACE_S

    def _hang_up(self, signals: StopRequests) -> float:
        at_once = "" if signals.terminated else "; a second Ctrl-C ends it at once"
        self._screen.say(f"stopping ({signals.how}): hanging up{at_once}")
        self._fleet.tell(HangUpAll(self._in_ns(HANG_UP_S)))
        return HANG_UP_S

    def _run_record(self) -> RunRecord:
        plan, prepared = self._plan, self._prepared
        hearing = prepared.hearing
        return RunRecord(
            run_id=prepared.run_id,
            target=plan.target,
            wire=prepared.wire,
            profile=plan.profile_name,
            seed=plan.seed,
            tag=plan.tag,
            scenario_hash=prepared.scenario_hash,
            clip_pack=prepared.clip_pack,
            co_located=plan.local,
            thresholds={metric: list(tests) for metric, tests in plan.thresholds.items()},
            start_mono_ns=self._start_mono_ns,
            planted=plan.planted,
            hearing_bias_s=None if hearing is None else hearing.bias_s,
            hearing_spread_s=None if hearing is None else hearing.spread_s,
            peak_calls=plan.peak_calls,
            plan=recorded(plan),
            shards=self._fleet.size,
            machine_cores=usable_cores(),
            machine_memory_bytes=memory_bytes(),
        )

    def _last_word(self, stop_reason: str) -> RunRecord:
        return replace(
            self._run_record(),
            end_mono_ns=self._clock(),
            stop_reason=stop_reason,
            starts_dropped=self._tally.starts_dropped,
            shards_lost=self._fleet.losses,
        )

    @property
    def _natural_ends(self) -> int:
        return self._tally.natural_ends.total()

    def _elapsed_s(self) -> float:
        return (self._clock() - self._start_mono_ns) / NS_PER_S

    def _in_ns(self, seconds: float) -> int:
        return self._clock() + int(seconds * NS_PER_S)

    def _at_mono_ns(self, elapsed_s: float) -> int:
        return self._start_mono_ns + int(elapsed_s * NS_PER_S)
