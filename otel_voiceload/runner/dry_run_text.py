"""A forecast in words and as JSON: what `--dry-run` prints."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil

import orjson

from otel_voiceload.profiles.units import spoken
from otel_voiceload.reports.render.rows import to_text
from otel_voiceload.runner.dry_run import Forecast


def to_json(plan: Forecast) -> str:
    return orjson.dumps(asdict(plan), option=orjson.OPT_INDENT_2).decode()


def text(plan: Forecast) -> str:
    """The forecast for people."""
    stages = [
        (
            stage.index + 1,
            stage.phase,
            spoken(stage.start_s),
            spoken(stage.duration_s),
            stage.load,
            f"{stage.calls_begun:.0f}",
            f"{stage.turns:.0f}",
        )
        for stage in plan.stages
    ]
    promises = [
        (
            each.can,
            each.threshold,
            "yours" if each.written else "the method's",
            each.needs,
            each.expected,
        )
        for each in plan.thresholds
    ]
    facts = [
        ("calls", f"{plan.peak_calls} at once at most, about {plan.calls:.0f} in all"),
        (
            "turns",
            f"about {plan.turns:.0f}, {plan.turns_per_call:.1f} a call, "
            f"one in {plan.turn_cycle_s:.1f} s of a call",
        ),
        (
            "bandwidth",
            f"{plan.send_mbit_s:.2f} Mbit/s out and about {plan.receive_mbit_s:.2f} in "
            f"at the peak; {plan.kbit_s_per_call:.0f} kbit/s a call and direction",
        ),
        (
            "target",
            f"about {plan.traced_calls:.0f} calls ask it to record their trace: "
            f"some {plan.target_spans:,} spans",
        ),
        ("store", f"about {plan.own_spans:,} spans of ours, {_bytes(plan.disk_bytes)} with both"),
        (
            "machine",
            f"{_count(plan.workers, 'worker process', 'worker processes')}, "
            f"{plan.descriptors_per_worker} open files in each, {plan.ports} local ports, "
            f"{_bytes(plan.memory_bytes)} of memory at most",
        ),
    ]
    if plan.pace < 1:
        facts.insert(0, ("pace", _pace(plan)))
    width = max(len(name) for name, _ in facts)
    headings = ("stage", "phase", "start", "length", "load", "calls begun", "turns")
    parts = [
        f"{plan.profile} against {plan.target}, about {spoken(plan.duration_s)}",
        to_text(headings, stages),
        "\n".join(f"{name:<{width}}  {said}" for name, said in facts),
        to_text(("decidable", "threshold", "whose", "needs", "expected"), promises),
    ]
    if any(each.can == "perhaps" and each.needs for each in plan.thresholds):
        parts[-1] += (
            "\nperhaps: only if the turns of one call differ as much as those of several do"
        )
    if plan.refusals:
        parts.append("\n".join(f"would be refused: {each}" for each in plan.refusals))
    return "\n\n".join(part.rstrip("\n") for part in parts)


def _pace(plan: Forecast) -> str:
    if plan.duration_s <= 1.01 * plan.paced_s:
        return f"{plan.pace:g} of the written times"
    return (
        f"{plan.pace:g} would be {spoken(plan.paced_s)}, but no hold gets shorter than four turn "
        f"cycles ({plan.least_hold_s:.0f} s)"
    )


def _bytes(number: int) -> str:
    if number < 1e6:
        return f"{ceil(number / 1e3)} kB"
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
