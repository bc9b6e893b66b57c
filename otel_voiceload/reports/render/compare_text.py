"""A comparison for people: on a terminal in 80 columns, and as Markdown for a pull request."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from otel_voiceload.reports.compare import (
    UNDECIDED,
    ComparedLevel,
    ComparedMetric,
    ComparedRun,
    Comparison,
    Interval,
    is_tolerated,
)
from otel_voiceload.reports.render.markdown_parts import bullets, escape, section, table
from otel_voiceload.reports.render.phrases import UNKNOWN, calls, counted, number, percent, seconds

WIDTH: Final = 80
_LABEL: Final = 11
_WIDTHS: Final = (9, 10, 9, 18)  # base, run, change, bounds: leaves 16 for "worse, tolerated"
_TONES: Final = {
    "worse": "31",
    "fail": "31",
    "better": "32",
    "pass": "32",
    "unclear": "2",
    "unknown": "33",
}
NAMES: Final = {
    "turn_latency p50": "turn p50",
    "turn_latency p95": "turn p95",
    "turn_latency p99": "turn p99",
    "error_rate": "unanswered",
    "knee": "knee, calls",
    "ceiling": "ceiling, calls",
    "own_ceiling": "2x own, calls",
}
HEAD: Final = ("", "base", "run", "change", "95% bounds", "verdict")


def terminal(made: Comparison, *, color: bool = False) -> str:
    lines = [*_paragraph(made["verdict"].upper(), [made["headline"]], made["verdict"], color)]
    lines += _paragraph("base", [_side(made["base"])])
    lines += _paragraph("run", [_side(made["run"])])
    lines += _paragraph("NOT ALIKE", made["not_the_same"], "worse", color)
    lines += _paragraph("because", made["explanation"])
    lines += ["", _line(HEAD)]
    for metric in made["metrics"]:
        name, *cells, verdict = row(metric)
        lines.append(_line((name, *cells)) + "  " + _painted(verdict, _tone(metric), color))
    if made["levels"]:
        lines += ["", _line(("turn p95 at", "base", "run", "change", "95% bounds", ""))]
        for level in made["levels"]:
            *cells, verdict = level_row(level)
            lines.append(_line(cells) + "  " + _painted(verdict, level["judged"], color))
    lines += ["", *_paragraph("levels", [about_levels(made)])]
    lines += _paragraph("gates", about_gates(made))
    lines += _paragraph("next", [made["next_step"]])
    return "\n".join(line.rstrip() for line in lines)


def markdown(made: Comparison) -> str:
    blocks = [
        f"# {escape(made['headline'])}",
        f"**{made['verdict'].upper()}**",
        bullets([f"base: {_side(made['base'])}", f"run: {_side(made['run'])}"]),
        *section("Not the same on both sides", bullets(made["not_the_same"])),
        *section("Why", bullets(made["explanation"])),
        table(
            ["figure", *HEAD[1:]],
            [[escape(cell) for cell in row(metric)] for metric in made["metrics"]],
        ),
        *section(
            "Turn p95 by calls held",
            table(
                ["calls", *HEAD[1:]],
                [[escape(cell) for cell in level_row(each)] for each in made["levels"]],
            )
            if made["levels"]
            else "",
        ),
        bullets([about_levels(made), *about_gates(made)]),
        *section("Next", escape(made["next_step"])),
    ]
    return "\n\n".join(block for block in blocks if block)


def row(metric: ComparedMetric) -> tuple[str, ...]:
    """Name, base, run, change, bounds, and the gate's verdict or whether it changed."""
    said = verdict_of(metric)
    return (
        NAMES.get(metric["metric"], metric["metric"]),
        _figure(metric["base"], metric["kind"], metric["base_open"]),
        _figure(metric["run"], metric["kind"], metric["run_open"]),
        _change(metric["change"], metric["kind"]),
        _bounds(metric["ci"], metric["kind"]),
        said,
    )


def level_row(level: ComparedLevel) -> tuple[str, ...]:
    return (
        f"{calls(level['calls'])} calls",
        _figure(level["base_p95_s"], "seconds", level["base_open"]),
        _figure(level["run_p95_s"], "seconds", level["run_open"]),
        _change(level["change"], "seconds"),
        _bounds(level["ci"], "seconds"),
        level["judged"],
    )


def verdict_of(metric: ComparedMetric) -> str:
    if is_tolerated(metric):
        return "worse, tolerated"
    if metric["verdict"] in ("pass", "fail"):
        return str(metric["verdict"])
    if metric["verdict"] == "unknown":
        return "undecided" if metric["why"] == UNDECIDED else "unknown"
    return "" if metric["judged"] == "unknown" else metric["judged"]


def about_levels(made: Comparison) -> str:
    if not made["levels_compared"]:
        return "none was held on both sides"
    held = ", ".join(calls(each) for each in made["levels_compared"])
    text = f"compared at {held} calls, each counting the same"
    if made["levels_left_out"]:
        text += f"; left out: {', '.join(calls(each) for each in made['levels_left_out'])}"
    return text


def about_gates(made: Comparison) -> list[str]:
    """What was tolerated, and what nobody can say and why."""
    gated = [each for each in made["metrics"] if each["tolerated"] is not None]
    limits = [f"{each['metric']} {limit(each)}" for each in gated]
    told = [f"tolerated: {', '.join(limits)}"]
    for why in dict.fromkeys(each["why"] for each in gated if each["why"]):
        names = ", ".join(each["metric"] for each in gated if each["why"] == why)
        told.append(f"unknown: {names}: {why}")
    return told


def limit(metric: ComparedMetric) -> str:
    """``+10%``, ``-5 points``."""
    tolerated = metric["tolerated"] or 0.0
    match metric["kind"]:
        case "seconds":
            return f"+{tolerated * 100:g}%"
        case "calls":
            return f"-{tolerated * 100:g}%"
        case "completion":
            return f"-{tolerated * 100:g} points"
        case "errors":
            return f"+{tolerated * 100:g} points"


def difference(metric: ComparedMetric) -> str:
    """One sentence: both figures, the change and its bounds."""
    _, base, run, change, bounds, _ = row(metric)
    return f"{base} -> {run}, {change} (95% bounds {bounds}), tolerated {limit(metric)}"


def _figure(value: float | None, kind: str, open_end: str) -> str:
    if value is None:
        return UNKNOWN
    said = percent(value)
    if kind == "seconds" and open_end == "at_least":
        return f">{value:.3g} s"  # at the deadline, as the report of the run says it
    if kind == "seconds":
        said = seconds(value)
    elif kind == "calls":
        said = calls(value)
    return {"": "", "at_least": ">", "at_most": "at most "}[open_end] + said


def _change(value: float | None, kind: str) -> str:
    if value is None:
        return ""
    if kind in ("seconds", "calls"):
        return f"{number(value)}x" if value >= 3 else f"{_no_minus((value - 1) * 100):+.1f}%"
    points = _no_minus(value * 100)
    return f"{points:+.1f} pp" if abs(points) < 99.95 else f"{points:+.0f} pp"


def _no_minus(value: float) -> float:
    """Nothing at one decimal is +0.0: -0.0 reads like a slip."""
    return value if abs(value) >= 0.05 else 0.0


def _bounds(ci: Interval | None, kind: str) -> str:
    if ci is None:
        return ""
    low, high = (None if each is None else _change(each, kind) for each in ci)
    if low is None and high is None:
        return "open"
    if low is None:
        return f"under {high}"
    if high is None:
        return f"over {low}"
    return f"{str(low).removesuffix(' pp')} to {high}"  # the unit once is enough


def _side(runs: Sequence[ComparedRun]) -> str:
    ids = ", ".join(each["id"] for each in runs)
    tags = ", ".join(dict.fromkeys(each["tag"] for each in runs if each["tag"]))
    return f"{counted(len(runs), 'run')}{f' ({tags})' if tags else ''}: {ids}"


def _tone(metric: ComparedMetric) -> str:
    return metric["verdict"] or metric["judged"]


def _line(cells: Sequence[str]) -> str:
    line = f"  {cells[0]:<14}"
    end = len(line)
    for cell, width in zip(cells[1:5], _WIDTHS, strict=True):
        end += width  # where a cell is too wide, the next ones give way
        line += " " + cell.rjust(end - len(line) - 1)
    return line


def _paragraph(
    label: str, parts: Sequence[str], tone: str = "unclear", color: bool = False
) -> list[str]:
    wrapped = [
        line
        for part in parts
        for line in textwrap.wrap(part, WIDTH - _LABEL - 2, break_on_hyphens=False) or [""]
    ]
    margins = [f"  {label:<{_LABEL}}", *[" " * (_LABEL + 2)] * len(wrapped)]
    first = margins[0] if tone == "unclear" else _painted(margins[0], tone, color)
    return [(first if place == 0 else margins[place]) + line for place, line in enumerate(wrapped)]


def _painted(text: str, tone: str, color: bool) -> str:
    return f"\x1b[{_TONES[tone]}m{text}\x1b[0m" if color else text
