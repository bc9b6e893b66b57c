"""What speaks for a bend, in sentences: its own figures, and what slowed down beside it."""

from __future__ import annotations

from collections.abc import Sequence

from otel_voiceload.analysis.bend import Bend
from otel_voiceload.analysis.cause import UNATTRIBUTED
from otel_voiceload.analysis.levels import Evidence, Point
from otel_voiceload.analysis.onset import base_of, is_slow

AS_MANY = 0.5  # of the calls that wait in the named one


def evidence_of(bend: Bend, worst: Point) -> list[str]:
    onset, knee, back = bend.onset, bend.knee, bend.back
    level = bend.series[onset.index][0]
    lines = [
        f"{took(onset.base.mean_s)} on average unloaded, {took(worst.mean_s)} at worst,"
        f" slower from the level of {level.named:.0f} calls on"
    ]
    if onset.by_errors:
        lines[0] = f"errors from the level of {level.named:.0f} calls on"
    if not onset.by_errors:
        lines.append(f"of every extra call {min(onset.kappa, 1.0):.0%} waits in it")
    if knee is not None:
        lines.append(
            f"serves at most {knee.rate:.1f} turns/s; an unloaded call asks every"
            f" {knee.cycle_s:.1f} s"
        )
    if back is None:
        lines.append("no level below the bend was repeated afterwards, or too shortly to tell")
    elif back.recovered:
        lines.append(
            f"well again when the load returned to {back.asked:.0f} calls ({took(back.after_s)})"
        )
    return lines


def beside(bends: Sequence[Bend], named: Sequence[Bend]) -> list[str]:
    """What else slowed down: victims, in which hardly anything waits, and those that bent later."""
    names = {bend.component for bend in named} | {UNATTRIBUTED}
    culprits = " or ".join(bend.component for bend in named)
    lines = []
    for bend in bends:
        if bend.component in names:
            continue
        onset = bend.onset
        if bend.candidate:
            lines.append(f"{bend.component} bends too, from {onset.calls:.0f} calls on")
            continue
        worst_s = max(point.mean_s for _, point in bend.series[onset.index :])
        lines.append(
            f"{bend.component} slows with it ({took(onset.base.mean_s)} to {took(worst_s)}), though"
            f" only {max(0.0, onset.kappa):.0%} of every extra call waits there: it may share a"
            f" machine with {culprits}"
        )
    return lines


def twins(evidence: Evidence, bends: Sequence[Bend], first: Bend) -> list[str]:
    """What held up as many calls at the level of the bend and fewer above it.

    Of two that are full together one lets ever fewer through to the other, or holds ever more of
    the calls, so that above the bend the other looks well. Relieving either alone buys little.
    """
    if first.component in ("turn", UNATTRIBUTED) or first.onset.by_errors:
        return []
    level, point = first.series[first.onset.index]
    waits = point.ended_rate * (point.mean_s - first.onset.base.mean_s)
    bent = {bend.component for bend in bends if bend.candidate}
    names = []
    for name in evidence.components():
        series = evidence.series(name)
        index = next((i for i, (each, _) in enumerate(series) if each is level), 0)
        if name in bent or name == UNATTRIBUTED or not 0 < index < len(series) - 1:
            continue
        base, seen, above = base_of(series, index), series[index][1], series[index + 1][1]
        as_many = seen.ended_rate * (seen.mean_s - base.mean_s) >= AS_MANY * waits
        if is_slow(seen, base) and as_many and above.mean_s < seen.mean_s:
            names.append(name)
    return names


def took(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
