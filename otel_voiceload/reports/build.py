"""One Report from one run: asks the named queries, has the numbers judged, puts it all together.

The order matters only at the top: whether a run is fit to be judged comes before what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from otel_voiceload.analysis import (
    ceilings,
    fixes,
    headroom,
    inflection,
    judge,
    thresholds,
    validity,
    verdict,
)
from otel_voiceload.analysis.background import grounds_with_background
from otel_voiceload.analysis.levels import Evidence
from otel_voiceload.analysis.outside import with_levels
from otel_voiceload.analysis.thresholds import Threshold
from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.errors import ExitCode, StoreError, UsageError
from otel_voiceload.reports import (
    build_drift,
    build_late,
    build_resources,
    build_split,
    build_whole,
    said,
)
from otel_voiceload.reports import build_figures as figures
from otel_voiceload.reports import build_findings as findings
from otel_voiceload.reports import build_phases as phases
from otel_voiceload.reports.build_causes import grounds
from otel_voiceload.reports.build_measured import read_samples
from otel_voiceload.reports.build_window import Outside, evidence_of, read_outside
from otel_voiceload.reports.build_within import within_calls
from otel_voiceload.reports.plan_model import mean_turn_s, read_model
from otel_voiceload.reports.report import CopyLedger, LeftOut, Report, Run, StopReason
from otel_voiceload.reports.soundness import Soundness
from otel_voiceload.store.reading import Reading

STOP_REASONS = (
    "target_reached",
    "quality_floor",
    "duration",
    "generator_limit",
    "user",
    "kill",
)


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What the reader of a report may ask for beyond what the run recorded."""

    thresholds: tuple[Threshold, ...] = ()  # added to those that the run was started with
    expected_peak: float | None = None  # calls
    component: str | None = None  # show only this one
    since_ns: int | None = None  # unix time
    until_ns: int | None = None
    baselines: tuple[str, ...] = ()  # runs marked as such after the fact, beside those so tagged
    declared: PlanFile = field(default_factory=PlanFile)  # limits of providers, for the fixes
    declared_in: str = ""  # the name of that file
    background_calls: float = 0.0  # that were on the target already
    by: str | None = None  # an attribute to split latency by

    @property
    def window_ns(self) -> tuple[int | None, int | None]:
        return self.since_ns, self.until_ns

    def problems(self) -> list[str]:
        found = []
        if self.expected_peak is not None and self.expected_peak <= 0:
            found.append(f"an expected peak of {self.expected_peak:g} calls: use 1 or more")
        if self.background_calls < 0:
            found.append(f"{self.background_calls:g} background calls: use 0 or more")
        if None not in (self.since_ns, self.until_ns) and not (
            cast(int, self.since_ns) < cast(int, self.until_ns)
        ):
            found.append("the time window ends before it begins")
        return found


def build_report(reading: Reading, run_id: str, options: ReportOptions | None = None) -> Report:
    """The whole report of a run.

    Raises UsageError for options that make no sense, StoreError when the run is not there.
    """
    return examine(reading, run_id, options).report


def examine(reading: Reading, run_id: str, options: ReportOptions | None = None) -> Examined:
    """As ``build_report``, with the evidence beside the report."""
    options = options or ReportOptions()
    if problems := options.problems():
        raise UsageError(f"Can not report: {'; '.join(problems)}.")
    tagged = reading.query("baseline_run", of_run=run_id, marked=list(options.baselines))
    base_id = str(tagged[0]["run_id"]) if tagged else None
    chosen = bool(tagged and tagged[0]["chosen"])
    reading.prepare(*([run_id] if base_id is None else [run_id, base_id]))
    rows = reading.query("run_facts", run_id=run_id)
    if not rows:
        raise StoreError(f"The store {reading.path} has no run {run_id!r}.")
    return _Builder(reading, run_id, rows[0], base_id, chosen, options).examined()


@dataclass(frozen=True, slots=True)
class Examined:
    """A report and what it was made of, for those who calculate on."""

    report: Report
    found: inflection.Inflections
    evidence: Evidence


def exit_code(report: Report) -> ExitCode:
    """What the shell should see for a run that ended by itself."""
    deciding = [
        each["verdict"]
        for each in report["thresholds"]
        if each["written_by_user"] and each.get("decides", True)
    ]
    return verdict.exit_code(report["run"]["validity"], deciding)


class _Builder:
    """Holds what several sections of one report share."""

    def __init__(
        self,
        reading: Reading,
        run_id: str,
        facts: Mapping[str, object],
        base_id: str | None,
        base_chosen: bool,
        options: ReportOptions,
    ) -> None:
        self._reading = reading
        self._run_id = run_id
        self._facts = facts
        self._options = options
        self._written = (*self._recorded_thresholds(), *options.thresholds)
        parts = {each.metric for each in self._written}
        background = options.background_calls
        self._outside: Outside | None = None
        if options.window_ns != (None, None):
            self._outside = read_outside(
                reading, run_id, base_id, facts, parts, options.window_ns, background
            )
            reading.prepare(run_id, since_ns=options.since_ns, until_ns=options.until_ns)
        outside = self._outside
        window = None if outside is None else outside.window
        self._again = window.again if window else frozenset[int]()
        self._sound = sound = Soundness(reading, run_id, facts, window)
        self._samples = read_samples(reading, run_id, parts, *options.window_ns)
        inside = evidence_of(reading, run_id, background, window.returned if window else ())
        # Where the window begins above the unloaded levels, those of the whole run stand for them.
        self._stand_ins = outside.stand_ins(inside, background) if outside else ()
        self._evidence = inside
        if outside is not None and self._stand_ins:
            self._evidence = with_levels(inside, outside.evidence, self._stand_ins)
        self._found = inflection.find(
            self._evidence,
            grounds_with_background(grounds(reading, run_id, facts), options.background_calls),
            timed={str(row["component"]) for row in sound.sources},
        )
        if outside is not None:
            base, up_to = dict(outside.base), outside.base_up_to
        elif base_id is None:
            base, up_to = figures.own_baseline(self._samples, inside.rising, background)
        else:
            base, up_to = dict(read_samples(reading, base_id, parts).measured), None
        self._baseline = figures.baseline(base, base_id, up_to, base_chosen)
        if base_id is None and all(level.asked <= (up_to or 0) for level in inside.rising):
            base = {}  # nothing lies above the baseline levels: they would be held to themselves
        self._grounds = judge.Grounds(
            measured=self._samples.measured,
            levels=inside.rising,
            baseline=base,
            packets=self._samples.packets,
            searches=self._facts.get("profile") in verdict.SEARCHES,
            expected_peak=self._expected_peak,
            wire_known=not self._imported,
            no_baseline=judge.NOT_ABOVE if self._baseline["kind"] == "own_levels" else judge.NONE,
        )

    def examined(self) -> Examined:
        return Examined(self.report(), self._found, self._evidence)

    def report(self) -> Report:
        state, reasons = self._sound.judged()
        written, judged = self._judged()
        # A promise on one phase says nothing of how many calls hold, so it is no ceiling either.
        whole = [(each, by_user) for each, by_user in judged if not each.threshold.selector]
        safe = [each for each, by_user in whole if by_user] or [each for each, _ in whole]
        # How many calls hold is asked from the unloaded levels on, wherever they lie.
        promised_on = self._grounds
        if self._outside is not None and self._stand_ins:
            promised_on = self._outside.beside(self._grounds, self._stand_ins, self._evidence)
        slo = ceilings.slo([each.threshold for each in safe], promised_on)
        own = ceilings.degradation(promised_on)
        promised = headroom.safe_calls(self._found.components, slo, own)
        room = headroom.headroom(self._expected_peak, promised)
        samples, found = self._samples, self._found
        background = self._options.background_calls
        curve = findings.in_calls_of_both(
            self._reading.query("component_curve", run_id=self._run_id), background
        )
        drift = build_drift.drifts(
            self._reading,
            self._run_id,
            self._written,
            cast("int | None", self._facts["machine_memory_bytes"]),
        )
        rising = build_drift.rising(drift)
        late = build_late.late(self._reading, self._run_id, self._facts, self._baseline["p95_s"])
        report: Report = {
            "schema_version": 1,
            "run": self._run(state, reasons),
            "verdict": verdict.decide(written or [each for each, _ in judged], state),
            "headline": verdict.headline(
                found, state, reasons, rising, "run" if self._outside is None else "window"
            ),
            "inflection": findings.inflection(found.components),
            "first_inflection": findings.first_inflection(found.components),
            "turn_inflection": findings.inflection(found.turn),
            "components": findings.components(
                found, curve, self._sound.sources, self._options.component
            ),
            "levels": findings.levels(
                findings.in_calls_of_both(self._sound.levels, background), curve, self._again
            ),
            "unattributed": figures.unattributed(samples),
            "turn_latency": figures.latency(samples.measured["turn_latency"]),
            "greeting": figures.latency(samples.measured["greeting"]),
            "connect": figures.connect(samples),
            "call_completion": figures.completion(
                samples, self._baseline["completion"], self._left_out()
            ),
            "jitter": figures.jitter(samples),
            "packet_loss": figures.packet_loss(samples),
            "baseline": self._baseline,
            "ceiling": {
                "slo": {"calls": slo.calls, "ci": slo.ci, "limited_by": slo.limited_by},
                "degradation": {"calls": own.calls, "ci": own.ci, "limited_by": own.limited_by},
            },
            "headroom": {
                "expected_peak": room.expected_peak,
                "calls": room.calls,
                "ratio": room.ratio,
            },
            "fixes": findings.fixes(self._fixes()),
            "within_calls": within_calls(self._reading, self._run_id, background, self._again),
            "phases": phases.phases(
                self._reading.query("phase_table", run_id=self._run_id), samples, judged
            ),
            "spikes": late.spikes,
            "spike_gap": late.spike_gap,
            "drift": drift,
            "autoscaling": late.autoscaling,
            "quota_walls": late.quota_walls,
            "thresholds": findings.thresholds(judged),
            "generator": figures.generator(
                self._sound.health,
                self._sound.starts,
                cast("float | None", self._facts["hearing_bias_s"]),
                cast("float | None", self._facts["hearing_spread_s"]),
                cast("int | None", self._facts["spans_ended"]),
                cast(int, self._sound.ledger["spans_stored"]),
                self._sound.lost_or_waiting(),
                self._copy(),
            ),
            "resources": build_resources.resources(self._reading, self._run_id, self._facts),
            "next_step": self._of_window()
            or verdict.next_step(
                found,
                state,
                written,
                slo,
                self._unmarked_baseline(),
                rising,
                self._imported,
                self._expected_peak,
            ),
        }
        if not curve:
            names = (each["component"] for each in report["components"])
            timed = [name for name in names if name != "unattributed"]  # it has a part of its own
            report["whole_run"] = build_whole.whole_run(
                self._reading, self._run_id, timed, *self._options.window_ns
            )
        if self._imported:
            build_whole.without_guesses(report, cast(int, self._sound.ledger["spans_of_target"]))
        if self._options.by is not None:
            report["by"] = build_split.split(
                self._reading, self._run_id, self._options.by, background
            )
        return report

    def _left_out(self) -> list[LeftOut]:
        rows = self._reading.query("calls_left_out", run_id=self._run_id)
        return findings.left_out(findings.in_calls_of_both(rows, self._options.background_calls))

    def _fixes(self) -> tuple[fixes.Fix, ...]:
        options, peak = self._options, self._expected_peak
        if not self._found.components.candidates and options.declared == PlanFile():
            return ()
        made = read_model(
            self._reading, self._run_id, self._found, self._evidence, options.declared,
            options.declared_in,
        )  # fmt: skip
        now_s = None if peak is None else mean_turn_s(self._evidence, peak)
        return fixes.in_order(self._found.components, made.model, peak, now_s)

    @property
    def _imported(self) -> bool:
        return self._facts["wire"] == build_whole.IMPORT

    @property
    def _expected_peak(self) -> float | None:
        """As the reader says, else as the run was started with."""
        asked = self._options.expected_peak
        return cast("float | None", self._facts["peak_calls"]) if asked is None else asked

    def _copy(self) -> CopyLedger | None:
        return said.copy_ledger(self._facts["copy"])

    def _unmarked_baseline(self) -> str | None:
        """The run when it was made to be a baseline and, by the rule of baseline_run, is none."""
        facts = self._facts
        marked = self._run_id in self._options.baselines or facts["tag"] == "baseline"
        ended = facts["stop_reason"] not in ("user", "kill", "generator_limit")
        is_one = marked or (facts["validity"] == "valid" and ended)
        return self._run_id if facts["profile"] == "baseline" and not is_one else None

    def _of_window(self) -> str | None:
        """The next step where the window is why little is known."""
        if self._outside is None:
            return None
        turns = cast(int, self._sound.ledger["turns"])
        return self._outside.window.next_step(turns, self._found.components)

    def _judged(self) -> tuple[list[judge.Judged], list[tuple[judge.Judged, bool]]]:
        """The user's thresholds judged, and all of them with whether the user wrote them."""
        written = self._written
        names = {each.name for each in written}
        rest = [each for each in thresholds.defaults() if each.name not in names]
        if not self._has_phase("spike"):
            rest = [each for each in rest if not each.selector]
        of_user = [judge.judge(each, self._grounds) for each in written]
        of_method = [self._judge_own(each) for each in rest]
        return of_user, [(each, True) for each in of_user] + [(each, False) for each in of_method]

    def _judge_own(self, threshold: Threshold) -> judge.Judged:
        """One of the method's own; without a baseline nobody asked for it to be compared."""
        judged = judge.judge(threshold, self._grounds)
        if threshold.relative_to_baseline and not self._grounds.baseline:
            return replace(judged, decides=False)
        return judged

    def _recorded_thresholds(self) -> tuple[Threshold, ...]:
        return thresholds.recorded(said.thresholds(self._facts["thresholds"]))

    def _has_phase(self, phase: str) -> bool:
        return any(row["phase"] == phase for row in self._sound.levels)

    def _run(self, state: validity.Validity, reasons: list[str]) -> Run:
        facts = self._facts
        stop = facts["stop_reason"]
        run: Run = {
            "id": self._run_id,
            "tag": str(facts["tag"] or ""),
            "started": findings.iso(facts["started"]) or "",
            "ended": findings.iso(facts["ended"]),
            "target": str(facts["target"] or ""),
            "wire": str(facts["wire"] or ""),
            "profile": str(facts["profile"] or ""),
            "seed": cast("int | None", facts["seed"]),
            "stop_reason": cast(StopReason, stop) if stop in STOP_REASONS else None,
            "validity": state,
            "validity_reasons": reasons,
            "co_located": cast("bool | None", facts["co_located"]),
            "shut_down": bool(facts["shut_down"]),
        }
        if self._options.background_calls:
            run["background_calls"] = self._options.background_calls
        if facts["planted"]:
            run["planted"] = str(facts["planted"])
        if self._outside is not None:
            run["window"] = self._outside.window.told(self._stand_ins)
        return run
