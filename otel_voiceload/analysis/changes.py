"""What-if changes as people write them, ``llm.capacity=2x`` or ``stt.latency=80ms``, applied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final, Literal

from otel_voiceload.analysis.saturation import SERVED, Cap, Model
from otel_voiceload.capacity.durations import parse_duration_s
from otel_voiceload.errors import UsageError

What = Literal["capacity", "latency"]
WHATS: Final[tuple[What, ...]] = ("capacity", "latency")
_HOW_LONG: Final = "give assumptions: {}: busy in a --limits file, or use a factor"
_HOW: Final = "write for example llm.capacity=2x, llm.capacity=16 or stt.latency=80ms"


@dataclass(frozen=True, slots=True)
class Change:
    """``relative``: ``value`` is a factor; else requests at once, or the median in seconds."""

    component: str
    what: What
    value: float
    relative: bool
    text: str  # as it was written


def parse_change(text: str) -> Change:
    """Raises UsageError with what is known, when it is no change that can be made."""
    name, equals, written = text.partition("=")
    component, dot, what = name.strip().partition(".")
    if not equals or not dot or not written.strip():
        raise UsageError(f"--set {text!r} is not understood: {_HOW}")
    named = next((each for each in WHATS if each == what), None)
    if named is None:
        raise UsageError(f"--set {text!r}: {component} has no {what!r}{_known(what, WHATS)}")
    words = written.strip()
    relative = words.endswith("x")
    value = _number(words.removesuffix("x"), named, relative, text)
    if not 0 < value < math.inf:
        raise UsageError(f"--set {text!r}: give more than zero, and no infinity; {_HOW}")
    return Change(component, named, value, relative, text.strip())


def refuse_unknown(model: Model, changes: Sequence[Change]) -> None:
    """Raises UsageError for a change of a component that the run has not."""
    known = list(dict.fromkeys([*SERVED, *sorted(model.work), *sorted(model.caps)]))
    for each in changes:
        if each.component not in known:
            raise UsageError(
                f"--set {each.text!r}: no component {each.component!r}"
                f"{_known(each.component, known)}"
            )


def apply(model: Model, changes: Sequence[Change]) -> Model:
    """The model with these changes, one after the other.

    Raises:
        UsageError: a change of something that neither the run nor the plan file tells.
    """
    for change in changes:
        made = _capacity(model, change) if change.what == "capacity" else _latency(model, change)
        model = made
    return model


def _number(words: str, what: What, relative: bool, text: str) -> float:
    try:
        if what == "latency" and not relative:
            return parse_duration_s(words)
        return float(words)
    except ValueError:
        raise UsageError(f"--set {text!r}: {words!r} is no number; {_HOW}") from None


def _known(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def _capacity(model: Model, change: Change) -> Model:
    name = change.component
    caps = model.caps.get(name, ())
    if not change.relative:
        if name not in model.work:
            raise UsageError(
                f"--set {change.text!r}: how long a request holds {name} is not known;"
                f" {_HOW_LONG.format(name) if name in SERVED else 'use a factor'}"
            )
        # Requests at once is one of possibly several limits; a measured one is replaced by it.
        kept = tuple(cap for cap in caps if cap.kind != "servers" and cap.basis == "declared")
        made = Cap("servers", change.value, "set", f"set to {change.value:g} requests at once")
        return _with(model, name, (*kept, made))
    if not caps:
        how = (
            "declare its limit with --limits" if name in SERVED else "a run in which it bends tells"
        )
        note = f"what {name} can carry is not known, so {change.text} changes nothing here: {how}"
        return replace(model, notes=(*model.notes, note))
    made_caps = tuple(
        replace(cap, value=cap.value * change.value, why=f"{cap.why}, times {change.value:g}")
        for cap in caps
    )
    return _with(model, name, made_caps)


def _latency(model: Model, change: Change) -> Model:
    name = change.component
    work = model.work.get(name)
    if work is None:
        raise UsageError(f"--set {change.text!r}: the run has no timing of {name} to change")
    factor = change.value if change.relative else change.value / work.p50_s
    saved_s = work.latency_s * (factor - 1)
    note = (
        f"{name} holds its servers {factor:.2g} times as long as before: true where its latency is"
        " work, not where a provider counts requests per minute"
    )
    return replace(
        model,
        work={**model.work, name: work.times(factor)},
        cycle_s=model.cycle_s + saved_s,
        unloaded_s=model.unloaded_s + saved_s,
        notes=(*model.notes, note),
    )


def _with(model: Model, name: str, caps: tuple[Cap, ...]) -> Model:
    return replace(model, caps={**model.caps, name: caps})
