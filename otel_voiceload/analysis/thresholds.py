"""Thresholds in k6's words: `turn_latency: p95<2s`, `turn_latency{phase:spike}: p95<2x baseline`.

A limit names its unit, since a bare number means milliseconds to one reader and seconds to the
next. What is written here is judged elsewhere; a misspelt metric is found before any load is sent.

A metric that is none of ours is the latency of a component of that name, such as `rag`. Which there
are is known of a run and of a simulated agent; before anything was called a name is taken as it is,
unless it looks like one of ours.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from otel_voiceload.errors import UsageError

Kind = Literal["seconds", "ratio", "number"]
Unit = Literal["s", "ratio", "points", "x", "number"]
Components = Callable[[], Collection[str]]  # asked only when a metric is none of ours

METRICS: Mapping[str, Kind] = {
    "turn_latency": "seconds",
    "greeting": "seconds",
    "stt": "seconds",
    "llm": "seconds",
    "tts": "seconds",
    "network": "seconds",
    "connect_time": "seconds",
    "barge_in_stop": "seconds",
    "audio_gap": "seconds",
    "talk_over": "seconds",
    "jitter": "seconds",
    "packet_loss": "ratio",
    "call_completion": "ratio",
    "connect_success": "ratio",
    "error_rate": "ratio",
    "interruption_rate": "ratio",
    "task_success": "ratio",
    "expected_phrases": "ratio",
    "wer": "ratio",
    "target_cpu": "ratio",
    "target_memory": "number",
    "target_fds": "number",
    "target_gc": "ratio",
}
SELECTORS = ("phase", "level", "scenario")
PHASES = (
    "baseline",
    "ramp",
    "spike",
    "soak",
    "scale",
)  # of the method; profiles of users have others

DEFAULTS_TEXT: Mapping[str, Sequence[str]] = {
    "turn_latency": ("p50<800ms", "p95<2s", "p99<4s"),
    "turn_latency{phase:spike}": ("p95<2x baseline",),
    "call_completion": ("rate>95%", "drop<5pp"),
    "jitter": ("p95<30ms",),
    "packet_loss": ("p95<0.5%",),
}

_WHOLE = re.compile(
    r"^\s*(?P<metric>[a-z_]\w*)\b\s*(?:\{(?P<selector>[^}]*)\})?[\s:]+(?P<rest>.+)$"
)
_TEST = re.compile(
    r"^\s*(?P<statistic>p\(?\d+(?:\.\d+)?\)?|avg|mean|med|median|min|max|rate|drop|value)"
    r"\s*(?P<op><=|>=|<|>)\s*(?P<number>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>ms|s|%|pp|x(?:\s*baseline)?|MB|GB)?\s*$"
)
_SAME_STATISTIC = {"mean": "avg", "median": "p50", "med": "p50"}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One promise. ``limit`` is in seconds, a ratio or points of 0..1, or times the baseline."""

    metric: str
    selector: tuple[tuple[str, str], ...]
    statistic: str  # "p95", "avg", "min", "max", "rate", "drop", "value"
    op: str  # "<", "<=", ">", ">="
    limit: float
    unit: Unit
    relative_to_baseline: bool
    expression: str  # as written, without the metric

    @property
    def name(self) -> str:
        """The metric with its selector, as in a configuration file's key."""
        if not self.selector:
            return self.metric
        return f"{self.metric}{{{','.join(f'{key}:{value}' for key, value in self.selector)}}}"

    @property
    def kind(self) -> Kind:
        return METRICS.get(self.metric, "seconds")

    @property
    def quantile(self) -> float | None:
        """0.95 of p95; None for other statistics."""
        return float(self.statistic[1:]) / 100 if self.statistic.startswith("p") else None

    @property
    def wants_less(self) -> bool:
        return self.op.startswith("<")

    def holds(self, value: float, limit: float) -> bool:
        match self.op:
            case "<":
                return value < limit
            case "<=":
                return value <= limit
            case ">":
                return value > limit
            case _:
                return value >= limit


def parse(text: str, components: Components | None = None) -> tuple[Threshold, ...]:
    """Thresholds of one expression, several when it lists tests as in ``m: [p50<1s, p95<2s]``.

    ``components`` are those of the run; None: there is none yet. Raises UsageError that says what
    is not understood.
    """
    found = _WHOLE.match(text)
    if found is None:
        raise UsageError(f"The threshold {text!r} is not like `turn_latency: p95<2s`.")
    key = found["metric"] + (f"{{{found['selector']}}}" if found["selector"] else "")
    tests = found["rest"].strip().removeprefix("[").removesuffix("]").split(",")
    return tuple(
        _parse_one(key, test.strip().strip("'\""), components) for test in tests if test.strip()
    )


def from_mapping(
    written: Mapping[str, Sequence[str]], components: Components | None = None
) -> tuple[Threshold, ...]:
    """Thresholds of a configuration file or of the method: metric -> list of tests."""
    return tuple(
        _parse_one(key, test, components) for key, tests in written.items() for test in tests
    )


def recorded(written: Mapping[str, Sequence[str]]) -> tuple[Threshold, ...]:
    """Those that a run's plan holds: its names were looked at when somebody wrote them."""
    return from_mapping(written, lambda: [key.partition("{")[0].strip() for key in written])


def components_meant(thresholds: Iterable[Threshold]) -> set[str]:
    """Components of other names than ours, which a target may tell of or not."""
    return {each.metric for each in thresholds} - set(METRICS)


def defaults() -> tuple[Threshold, ...]:
    """The method's own: shown in every report, never setting the exit code."""
    return from_mapping(DEFAULTS_TEXT)


def to_mapping(thresholds: Sequence[Threshold]) -> dict[str, list[str]]:
    """The form in which a run records what its user wrote."""
    written: dict[str, list[str]] = {}
    for each in thresholds:
        written.setdefault(each.name, []).append(each.expression)
    return written


def _parse_one(key: str, test: str, components: Components | None) -> Threshold:
    whole = f"{key}: {test}"
    name = re.match(r"^\s*(\w+)\s*(?:\{([^}]*)\})?\s*$", key)
    if name is None:
        raise UsageError(f"The threshold {whole!r} does not begin with a metric.")
    metric = name[1]
    if metric not in METRICS:
        _look_for(whole, metric, components)
    found = _TEST.match(test)
    if found is None:
        raise UsageError(
            f"The threshold {whole!r} is not understood: write a statistic, a sign and a limit with"
            " its unit, as in `p95<2s`, `rate>95%`, `drop<5pp` or `p95<2x baseline`."
        )
    statistic = found["statistic"].replace("(", "").replace(")", "")
    statistic = _SAME_STATISTIC.get(statistic, statistic)
    if statistic.startswith("p") and not 0 < float(statistic[1:]) < 100:
        raise UsageError(f"The threshold {whole!r} asks for {statistic}: use p1 to p99.99.")
    limit, unit = _limit(
        whole, METRICS.get(metric, "seconds"), statistic, float(found["number"]), found["unit"]
    )
    return Threshold(
        metric=metric,
        selector=_selector(whole, name[2]),
        statistic=statistic,
        op=found["op"],
        limit=limit,
        unit=unit,
        relative_to_baseline=unit == "x" or statistic == "drop",
        expression=test.strip(),
    )


def _look_for(whole: str, metric: str, components: Components | None) -> None:
    """UsageError when no component can be meant; before there is a run, one that has our names."""
    there = sorted(components()) if components is not None else []
    if metric in there:
        return
    near = difflib.get_close_matches(metric, [*METRICS, *there], n=1)
    if components is None and not near:
        return
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(METRICS))}."
    of_run = f" The components of the run are {', '.join(there)}." if there else ""
    raise UsageError(f"The threshold {whole!r} is on an unknown metric {metric!r}: {hint}{of_run}")


def _limit(
    whole: str, kind: Kind, statistic: str, number: float, unit: str | None
) -> tuple[float, Unit]:
    if unit is not None and unit.startswith("x"):
        return number, "x"
    if statistic == "drop":
        if kind == "ratio" and unit in ("pp", "%"):
            return number / 100, "points"
        raise UsageError(f"The threshold {whole!r}: a drop is in points of a rate, as in drop<5pp.")
    if kind == "seconds" and statistic != "rate":
        if unit == "ms":
            return number / 1000, "s"
        if unit == "s":
            return number, "s"
        raise UsageError(f"The threshold {whole!r} needs a unit: ms or s (or x baseline).")
    if kind == "ratio" and unit in ("%", None):
        return (number / 100 if unit == "%" else number), "ratio"
    if kind == "number" and unit in ("MB", "GB", None):
        return number * {"MB": 1e6, "GB": 1e9, None: 1.0}[unit], "number"
    raise UsageError(f"The threshold {whole!r}: {statistic} of this metric has no unit {unit!r}.")


def _selector(whole: str, text: str | None) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    pairs = []
    for part in text.split(","):
        key, colon, value = part.partition(":")
        if not colon or key.strip() not in SELECTORS:
            raise UsageError(
                f"The threshold {whole!r} selects by {part.strip()!r}:"
                f" use {', '.join(f'{each}:VALUE' for each in SELECTORS)}."
            )
        pairs.append((key.strip(), value.strip()))
    return tuple(pairs)
