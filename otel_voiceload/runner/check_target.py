"""Whether the target may be called and answers: the smoke call of a run, and nothing after it.

The call goes out as that of a plan for one call: a shortage of files for five hundred is told
elsewhere and must not hide whether anybody answers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from otel_voiceload.errors import Interrupted, TargetError, UsageError
from otel_voiceload.load import safety
from otel_voiceload.profiles import Request
from otel_voiceload.reports.readiness import Check
from otel_voiceload.runner.collector import is_collecting
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.play import running_collector
from otel_voiceload.runner.prepare import prepare
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.smoke import Seen, smoke
from otel_voiceload.transports import split_target

_TO_SEE_INSIDE: Final = "point its OTLP at the collector, or send timing messages"

Call = Callable[[RunPlan, Screen], Seen]


def target_checks(plan: RunPlan, peak_calls: int, screen: Screen, call: Call) -> list[Check]:
    """Raises Interrupted when somebody ended it, UsageError for words that can not be."""
    may = _allowed(plan, peak_calls)
    try:
        seen = call(_one_call(plan), screen)
    except (Interrupted, UsageError):
        raise
    except TargetError as error:
        return [may, _failed(error)]
    answered = "; ".join(line.strip().removeprefix("smoke call: ") for line in seen.lines[:2])
    return [may, Check("target", "smoke call", "done", answered), _inside(seen)]


def _failed(error: TargetError) -> Check:
    """The error's own words: what happened, and what to do where they say so."""
    what, _, to_do = str(error).partition("; no load was sent")
    found, _, also = what.partition("; ")
    next_ = also or to_do.lstrip(". ") or "see that it runs, and that its address is right"
    return Check("target", "smoke call", "failed", found, next_)


def _allowed(plan: RunPlan, peak_calls: int) -> Check:
    host = urlsplit(split_target(plan.target).url).hostname or ""
    try:
        safety.check_calls(peak_calls, plan.max_calls)
        safety.check_target(host, safety.allow_list(host, peak_calls, plan.allow))
    except (TargetError, UsageError) as error:
        what, _, to_do = str(error).rpartition("; ")
        return Check("target", "allowed", "failed", what or str(error), to_do if what else "")
    return Check("target", "allowed", "done", f"{peak_calls} calls to {host} are within the limits")


def _inside(seen: Seen) -> Check:
    """Without timing of its components the report can only speak of whole turns."""
    if seen.timed:
        return Check("target", "components", "done", f"timed in band: {', '.join(seen.timed)}")
    if seen.joined is None:
        found = "where the target's spans go can not be read from here"
        return Check("target", "components", "ask", found, "see that they reach the collector")
    if not seen.joined:
        found = "no timing of components came with the call: only whole turns can be judged"
        return Check("target", "components", "missing", found, _TO_SEE_INSIDE)
    return Check("target", "components", "done", f"{seen.joined} spans of its own joined the call")


def _one_call(plan: RunPlan) -> RunPlan:
    request = Request(calls=1, duration_s=60.0)
    return replace(plan, profile_name="custom", request=request, processes=1, abort_grace_s=None)


def smoke_call(plan: RunPlan, screen: Screen) -> Seen:
    """One call as ``ovl generate`` places it before its load, with a collector for its spans."""
    with _somewhere(plan) as placed, running_collector(placed, screen) as collector:
        screen.say("placing one call")
        return smoke(placed, prepare(placed), collector.spans_of_trace)


@contextmanager
def _somewhere(plan: RunPlan) -> Iterator[RunPlan]:
    """On a store that nobody collects into the call would leave a recording of nothing."""
    if plan.collector is not None or is_collecting(plan.store):
        yield plan
        return
    with tempfile.TemporaryDirectory(prefix="ovl-check-") as folder:
        yield replace(plan, store=Path(folder))
