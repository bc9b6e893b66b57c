"""Whether a promise is broken already, while the load still runs: for ``--abort-on-fail``.

Judged by the very rule of the report, on what the callers told in the last seconds: a promise is
broken only when even the favourable bound of its confidence interval is on the wrong side, turns of
one call counted as the kin that they are. Asking the store instead would have its file closed each
time. So only what callers hear themselves is watched here, and components of which the agent tells
on the wire; the others, promises against a baseline and on a part of the run are judged at the end
as ever.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import numpy as np

from otel_voiceload.analysis.judge import Grounds, Measured, judge
from otel_voiceload.analysis.thresholds import Threshold, recorded
from otel_voiceload.conventions import COMPONENTS
from otel_voiceload.errors import UsageError
from otel_voiceload.model import Progress, Stage

WATCHED = ("turn_latency", "error_rate", "call_completion", "connect_success", *COMPONENTS)
LEAST_CALLS = 5  # fewer may all have met one and the same hiccup, which no interval knows
JUDGE_EVERY_S = 5.0  # a soak has a million turns to sort
_NATURAL_ENDS = ("completed", "transferred")
_NOT_CONNECTED = ("refused", "negotiation_failed")
_OURS = "aborted_by_us"


def watchable(thresholds: Mapping[str, Sequence[str]]) -> tuple[Threshold, ...]:
    """Those of a run's thresholds that can be judged while it runs.

    Raises:
        UsageError: none of them can.
    """
    found = tuple(
        each
        for each in recorded(thresholds)
        if each.metric in WATCHED and not each.selector and not each.relative_to_baseline
    )
    if not found:
        raise UsageError(
            "--abort-on-fail has nothing to watch; give a --threshold on one of "
            f"{', '.join(WATCHED)}, such as turn_latency:p95<2s"
        )
    return found


class LiveJudge:
    """Takes what the workers tell and says when a promise is broken.

    Over the whole run so far; for a profile that climbs until something breaks (``by_stage``) over
    the stage that runs, since its early levels would excuse the present one.
    """

    def __init__(
        self, thresholds: Sequence[Threshold], grace_s: float, *, by_stage: bool = False
    ) -> None:
        self._thresholds = thresholds
        self._by_stage = by_stage
        self._next_s = grace_s
        self._stage_index: int | None = None
        # Watched components of which nothing was told yet.
        self._untold = {each.metric for each in thresholds} & set(COMPONENTS)
        self._grace_s = grace_s
        self._forget()

    def take(self, progress: Progress, stage: Stage | None) -> None:
        """One second of one shard; a second in which we were late ourselves says nothing."""
        if self._by_stage and stage is not None and stage.index != self._stage_index:
            self._stage_index = stage.index
            self._forget()
        if progress.health.limited_by:
            return
        for call, seconds, unanswered in progress.turns:
            self._turn_calls.append(call)
            self._turn_seconds.append(seconds)
            self._turn_unanswered.append(unanswered)
        for name, told in progress.components.items():
            self._untold.discard(name)
            calls, seconds_of = self._components.setdefault(name, (array("d"), array("d")))
            calls.extend(call for call, _ in told)
            seconds_of.extend(taken_s for _, taken_s in told)
        for outcome, count in progress.calls_ended.items():
            if outcome != _OURS:
                connected = outcome not in _NOT_CONNECTED
                self._connected.extend([connected] * count)
                if connected:
                    self._completed.extend([outcome in _NATURAL_ENDS] * count)

    def untold(self, elapsed_s: float) -> tuple[str, ...]:
        """Components that can not be watched, once, when the grace is over: nothing tells of them
        on the wire."""
        if elapsed_s < self._grace_s:
            return ()
        names, self._untold = self._untold, set()
        return tuple(sorted(names))

    def broken(self, elapsed_s: float) -> str | None:
        """The first promise that is broken for certain, with its figures; looks now and then."""
        if elapsed_s < self._next_s:
            return None
        self._next_s = elapsed_s + JUDGE_EVERY_S
        grounds = Grounds(self._measured(), (), {}, packets=False, searches=False)
        for threshold in self._thresholds:
            measured = grounds.measured.get(threshold.metric)
            if measured is None or len(np.unique(measured.calls)) < LEAST_CALLS:
                continue
            judged = judge(threshold, grounds)
            if judged.verdict == "fail" and judged.observed is not None:
                return (
                    f"{threshold.metric}: {threshold.expression} is broken "
                    f"({_figure(judged.observed, threshold)} so far)"
                )
        return None

    def _forget(self) -> None:
        self._turn_calls, self._turn_seconds = array("d"), array("d")
        self._turn_unanswered = array("b")
        self._connected, self._completed = array("b"), array("b")
        self._components: dict[str, tuple[array[float], array[float]]] = {}

    def _measured(self) -> dict[str, Measured]:
        calls, seconds = np.array(self._turn_calls), np.array(self._turn_seconds)
        unanswered = np.array(self._turn_unanswered, dtype=float)
        return {
            "turn_latency": _rows(seconds, calls, unanswered),
            "error_rate": _rows(unanswered, calls),
            "call_completion": _each_call(self._completed),
            "connect_success": _each_call(self._connected),
            **{
                name: _rows(np.array(seconds_of), np.array(calls_of))
                for name, (calls_of, seconds_of) in self._components.items()
            },
        }


def _each_call(marks: array[int]) -> Measured:
    return _rows(np.array(marks, dtype=float), np.arange(len(marks), dtype=float))


def _rows(
    values: np.typing.NDArray[np.float64],
    calls: np.typing.NDArray[np.float64],
    censored: np.typing.NDArray[np.float64] | None = None,
) -> Measured:
    nothing = np.zeros(len(values))
    nowhere = np.full(len(values), "", dtype=np.str_)
    marks = nothing if censored is None else censored
    return Measured(values, marks, calls, nothing, nowhere, nowhere)


def _figure(value: float, threshold: Threshold) -> str:
    return f"{value:.2f} s" if threshold.unit == "s" else f"{value * 100:.1f} %"
