"""From a plan to a stored run: collector, smoke call, load, and the last spans of the target."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from otel_voiceload.loading import ended_at_once
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Profile, planned
from otel_voiceload.profiles.units import spoken
from otel_voiceload.runner import collector as collectors
from otel_voiceload.runner import fleet
from otel_voiceload.runner.calibrate import calibrating
from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.runner.generate import Run, RunOutcome
from otel_voiceload.runner.measure import starter
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import Prepared, prepare, with_agent
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.smoke import smoke
from otel_voiceload.runner.stop import RunControl, Running, terminable
from otel_voiceload.runner.usage import watching
from otel_voiceload.store.spooled import SPOOL
from otel_voiceload.telemetry.environ import copy_from_environ
from otel_voiceload.telemetry.exporter import Totals

NOTEWORTHY_S = 1.0  # a collector that answers 503 for a moment is no outage


def play(plan: RunPlan, screen: Screen) -> RunOutcome:
    """One smoke call, then the load; returns when everything is stored.

    Raises:
        UsageError: what was asked can not be; nothing was started.
        TargetError: the target may not or could not be called; no load was sent.
        CollectorError: the collector did not start, or ended before it was told to.
        Interrupted: stopped before the load.
    """
    with ended_at_once():
        prepared = prepare(plan)
    with (
        terminable(),
        calibrating(prepared.wire) as hearing,
        running_collector(plan, screen) as collector,
        announced(plan, prepared, screen) as stop_asked,
    ):
        screen.say("placing one call first")
        seen = smoke(plan, prepared, collector.spans_of_trace, stop_asked)
        for text in seen.lines:
            screen.say(text)
        # A target whose spans did not come after the smoke call sends none: nothing to wait for.
        linger = seen.joined != 0
        if seen.agent_s is not None:
            prepared = with_agent(prepared, plan, seen.agent_s)
        prepared = replace(prepared, hearing=hearing())
        return offer(plan, prepared, collector, screen, stop_asked, linger=linger)


def offer(
    plan: RunPlan,
    prepared: Prepared,
    collector: CollectorHandle,
    screen: Screen,
    stop_asked: Callable[[], bool],
    *,
    linger: bool,
) -> RunOutcome:
    """The load alone. ``linger``: wait for spans that the target still holds back."""
    started = fleet.start(plan, prepared, collector)
    run = Run(
        plan,
        prepared,
        screen,
        started,
        stop_asked=stop_asked,
        usage=watching(plan, started.pids, collector.pid, collector.store).due,
        measuring=starter(collector.store, prepared.run_id),
    )
    screen.say(f"run {prepared.run_id}: {prepared.profile.name}, {outlook(prepared.profile)}")
    with screen:
        outcome = run.play()
    for words in outcome.internal_errors:
        screen.say(f"internal error in a worker: {words}")
    if outcome.totals is None:
        screen.say("the telemetry process died: the run has no end in the store")
    else:
        for words in deliveries(outcome.totals, collector.http, plan.store):
            screen.say(words)
    if linger and outcome.interrupted is None:
        screen.say("waiting for the target's last spans")
        collector.linger()
    return replace(outcome, stored_here=collector.store is not None)


def deliveries(totals: Totals, url: str, store: Path) -> list[str]:
    """What is to be said of spans that did not get away as they should; mostly nothing."""
    said = []
    if totals.away_s >= NOTEWORTHY_S:
        lost = sum(totals.lost.values())
        said.append(
            f"the collector was away for {totals.away_s:.0f} s: up to "
            f"{totals.spool_peak_bytes / 2**20:.1f} MiB were spooled, {lost} spans lost"
        )
    if totals.spooled:
        said.append(
            f"{totals.spooled} spans of this run are not delivered to {url}: they wait in "
            f"{store / SPOOL}; ovl collect, or the next run on this store, delivers them"
        )
    copy = totals.copy
    if copy is not None and (copy.lost or copy.spooled):
        reasons = ", ".join(f"{count} {reason}" for reason, count in copy.lost.items())
        said.append(
            f"your own back end got {copy.acknowledged} of {copy.ended} spans: "
            f"{reasons or 'none'} lost, {copy.spooled} wait for the next run with the same address"
        )
    return said


def outlook(profile: Profile) -> str:
    """Levels, peak and length, such as ``9 levels up to 40 calls, about 3 min``."""
    stages = planned(profile)
    shortest, longest = (
        spoken(each[-1].end_s) for each in (planned(profile, natural_ends=10**9), stages)
    )
    lasts = f"about {longest}"
    if shortest != longest:
        lasts = f"{shortest} at least, {longest} at most"
    return f"{_load(profile, stages)}, {lasts}"


def _load(profile: Profile, stages: Sequence[Stage]) -> str:
    calls = f"{profile.peak_calls} call" + ("s" if profile.peak_calls != 1 else "")
    if stages[0].arrivals is not None:
        fastest = max(max(stage.per_s_from, stage.per_s_to) for stage in stages)
        return f"calls begun at up to {fastest:g}/s, {calls} held at most"
    levels = len({stage.calls_to for stage in stages})
    if phases := len({stage.phase for stage in stages}) - 1:
        return f"{phases + 1} phases, up to {calls}"
    if any(stage.calls_from != stage.calls_to for stage in stages):
        return f"{len(stages)} stages, up to {calls}" if len(stages) > 1 else f"up to {calls}"
    return f"{levels} levels up to {calls}" if levels > 1 else calls


@contextmanager
def announced(plan: RunPlan, prepared: Prepared, screen: Screen) -> Iterator[Callable[[], bool]]:
    """`ovl stop` finds the run for as long as the block lasts; what it asks is what is given."""
    running = Running(prepared.run_id, os.getpid(), time.time_ns(), plan.target, plan.tag)
    with RunControl(plan.store, running) as control:
        screen.say(f"stop it: Ctrl-C, ovl stop, or touch {control.stop_file}")
        yield control.asked


@contextmanager
def running_collector(plan: RunPlan, screen: Screen) -> Iterator[CollectorHandle]:
    """A collector for as long as the block runs; its endpoint is said for the target's sake."""
    collector = collectors.find_or_start(plan.store, plan.collector, plan.access)
    if collector.child is not None:
        screen.say(f"point your agent at it: OTEL_EXPORTER_OTLP_ENDPOINT={collector.http}")
    else:
        screen.say(f"using the collector at {collector.http}")
    try:
        copy = copy_from_environ(os.environ, (*collector.endpoint.urls.values(), collector.http))
        others = {} if copy is None else {copy.endpoint.place: copy.endpoint}
        for words in collector.deliver_leftovers(plan.store, others):
            screen.say(words)
        yield collector
    finally:
        collector.stop()
