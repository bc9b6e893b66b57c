"""The method's checklist: what has to be known before a load, so that its figures mean something.

What the store or the configuration knows is looked up there. The rest is a question to people, and
their answers stand in the configuration file, where the next run finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from otel_voiceload.callers.scenario import scenario_hash
from otel_voiceload.capacity.declared import load_plan_file
from otel_voiceload.errors import OvlError
from otel_voiceload.reports.marks import read_marks
from otel_voiceload.reports.readiness import Check
from otel_voiceload.runner.prepare import Outline
from otel_voiceload.store.open import open_store

SECTION: Final = "check:"  # of the configuration file


@dataclass(frozen=True, slots=True)
class Answers:
    """What people answered; empty where nobody did."""

    autoscaling: str = ""
    alerts: str = ""
    rollback_contact: str = ""
    scenario_mix: str = ""
    clock: str = ""
    quotas: str = ""


NOT_ANSWERED: Final = Answers()


@dataclass(frozen=True, slots=True)
class BaselineRun:
    run_id: str
    started: datetime
    profile: str


@dataclass(frozen=True, slots=True)
class Offered:
    """What of a plan has to be equal for two runs to be compared."""

    target: str
    wire: str
    scenario_hash: str
    clip_pack: str

    @classmethod
    def of(cls, target: str, wire: str, load: Outline, clip_pack: str) -> Offered:
        return cls(target, wire, scenario_hash(load.scenarios), clip_pack)


def find_baseline(store: Path, offered: Offered) -> BaselineRun | None:
    """What a run of this plan would be compared with; None when the store has none."""
    if not (store / "recordings").is_dir():
        return None
    with open_store(store) as reading:
        rows = reading.query(
            "baseline_for",
            target=offered.target,
            wire=offered.wire,
            scenario_hash=offered.scenario_hash,
            clip_pack=offered.clip_pack,
            marked=list(read_marks(store).baselines),
        )
    for row in rows:
        started = row["started"]
        if isinstance(started, datetime):
            return BaselineRun(str(row["run_id"]), started, str(row["profile"] or ""))
    return None


def method_checks(
    answers: Answers,
    load: Outline,
    thresholds: Mapping[str, Sequence[str]],
    limits: Path | None,
    baseline: Callable[[], BaselineRun | None],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Check]:
    """In the order in which one would go through them."""
    return [
        _baseline(baseline, now),
        _quotas(limits, answers.quotas),
        _answered(
            "autoscaling",
            answers.autoscaling,
            "how the target scales, and how long that takes, is not noted",
            f"write autoscaling: none, or what it does, under {SECTION} in ovl.yaml",
        ),
        _alerts(thresholds, answers.alerts),
        _answered(
            "rollback contact",
            answers.rollback_contact,
            "nobody is named who can stop or roll back the target",
            f"write rollback_contact: NAME, NUMBER under {SECTION} in ovl.yaml",
        ),
        _scenario_mix(load, answers.scenario_mix),
    ]


def _answered(name: str, answer: str, found: str, next_: str) -> Check:
    if answer:
        return Check("method", name, "done", answer)
    return Check("method", name, "ask", found, next_)


def _baseline(find: Callable[[], BaselineRun | None], now: Callable[[], datetime]) -> Check:
    next_ = "ovl generate TARGET -p baseline"
    try:
        found = find()
    except OvlError as error:
        return Check("method", "baseline", "missing", f"the store can not be read: {error}", next_)
    if found is None:
        said = "the store has none of this target, wire, scenario and clips"
        return Check("method", "baseline", "missing", said, next_)
    days = (now() - found.started.replace(tzinfo=UTC)).days
    age = "today" if days < 1 else "1 day old" if days == 1 else f"{days} days old"
    return Check("method", "baseline", "done", f"run {found.run_id}, {age}")


def _quotas(limits: Path | None, answer: str) -> Check:
    name = "quotas"
    if limits is not None:
        try:
            declared = load_plan_file(limits).limits
        except OvlError as error:
            return Check("method", name, "missing", str(error), "correct --limits, or the file")
        if not declared:
            found = f"{limits} declares none: every limit would be taken for unknown"
            return Check("method", name, "missing", found, "write what the providers grant")
        shown = ", ".join(f"{part} {key.replace('_', ' ')}" for part, key in declared)
        return Check("method", name, "done", f"{limits}: {shown}")
    if answer:
        return Check("method", name, "done", answer)
    found = "what the providers grant (requests, tokens, streams) is not declared"
    return Check("method", name, "missing", found, "give a file with --limits")


def _alerts(thresholds: Mapping[str, Sequence[str]], answer: str) -> Check:
    count = sum(len(tests) for tests in thresholds.values())
    written = f"{count} threshold{'s' if count != 1 else ''} on {', '.join(thresholds)}"
    said = [part for part in (answer, written if count else "") if part]
    if said:
        return Check("method", "alert thresholds", "done", "; ".join(said))
    found = "no threshold of your own: only the method's are shown, and they decide nothing"
    next_ = "write thresholds: in ovl.yaml, or --threshold"
    return Check("method", "alert thresholds", "missing", found, next_)


def _scenario_mix(load: Outline, answer: str) -> Check:
    total = sum(weight for _, weight in load.scenarios)
    mix = ", ".join(f"{scenario.name} {weight / total:.0%}" for scenario, weight in load.scenarios)
    if answer:
        return Check("method", "scenario mix", "done", f"{mix}; {answer}")
    if len(load.scenarios) > 1:
        return Check("method", "scenario mix", "done", mix)
    said = f"one scenario only, {load.scenarios[0][0].name}: do all callers ask for that?"
    next_ = f"give --scenario several times with weights, or say so: scenario_mix under {SECTION}"
    return Check("method", "scenario mix", "ask", said, next_)
