"""A plan for people: on a terminal in 80 columns, and as Markdown."""

from __future__ import annotations

import textwrap
from typing import Final

from otel_voiceload.reports.plan_types import Plan
from otel_voiceload.reports.render import plan_words as words
from otel_voiceload.reports.render.facts import fix_in_words
from otel_voiceload.reports.render.markdown_parts import bullets, escape, section, table

WIDTH: Final = 80
_LABEL: Final = 11
_STRONG: Final = "1"
_VERDICTS: Final = {"short": "31", "tight": "33", "enough": "32"}
LIMIT_HEAD: Final = ("component", "calls", "95 %", "p50 alone", "rests on")
NEED_HEAD: Final = ("", "", "mean", "grant", "declared", "rests on")
INPUT_HEAD: Final = ("input", "value", "from")


def terminal(plan: Plan, *, color: bool = False) -> str:
    lines = _paragraph("PLAN", [plan["headline"]], strong=color)
    lines += _paragraph("from", [words.about_source(plan)])
    lines += _paragraph("note", plan["notes"])
    if plan["limits"]:
        lines += ["", _title("LIMITS, the calls at which each is full", color)]
        lines += _limits(plan)
    fixes = [fix_in_words(each) for each in plan["fixes"]]
    lines += ["", *_paragraph("fix", _numbered(fixes))] if fixes else []
    if plan["what_if"] is not None:
        title = f"WHAT IF {', '.join(plan['what_if']['changes'])}"
        lines += ["", _title(title, color)]
        lines += _paragraph("", words.about_what_if(plan["what_if"]))
    if plan["needs"]:
        lines += ["", *_needs(plan, color)]
    if plan["cost"] is not None:
        lines += ["", *_paragraph("cost", words.about_cost(plan))]
    lines += ["", _title("INPUTS, to be edited: ovl plan --print-assumptions", color)]
    for each in plan["inputs"]:
        name, value, where = words.about_input(each)
        lines += _hanging(f"  {name:<28}{value:>11}  ", where)
    return "\n".join(line.rstrip() for line in lines)


def markdown(plan: Plan) -> str:
    limits = [[escape(cell) for cell in words.limit_cells(each)] for each in plan["limits"]]
    needs = [
        [
            each["service"],
            escape(words.named(each)),
            words.amount(each["mean"], each["unit"]),
            words.amount(each["grant"], each["unit"]),
            words.declared(each),
            words.rests_on(each["sources"]),
        ]
        for each in plan["needs"]
    ]
    inputs = [[escape(cell) for cell in words.about_input(each)] for each in plan["inputs"]]
    made = plan["what_if"]
    changes = "" if made is None else ", ".join(made["changes"])
    blocks = [
        f"# {escape(plan['headline'])}",
        escape(words.about_source(plan)),
        bullets(plan["notes"]),
        *section("Limits", table(LIMIT_HEAD, limits) if limits else ""),
        *section("What to fix", bullets(_numbered([fix_in_words(e) for e in plan["fixes"]]))),
        *section(
            f"What if {escape(changes)}",
            "" if made is None else bullets(words.about_what_if(made)),
        ),
        *section(
            f"Needed for {plan['target_calls'] or 0:,} calls at once",
            table(NEED_HEAD, needs) if needs else "",
        ),
        *section("Cost", bullets(words.about_cost(plan))),
        *section("Inputs", table(INPUT_HEAD, inputs)),
    ]
    return "\n\n".join(block for block in blocks if block)


def _limits(plan: Plan) -> list[str]:
    lines = [f"  {'':<13}{'calls':>9}  {'95 %':<18}rests on"]
    for each in plan["limits"]:
        name, calls, interval, _, why = words.limit_cells(each)
        lines += _hanging(f"  {name:<13}{calls:>9}  {interval:<18}", why)
    return lines


def _needs(plan: Plan, color: bool) -> list[str]:
    calls = f"NEEDED for {plan['target_calls'] or 0:,} calls at once"
    head = f"{calls:<36}{'mean':>10}{'grant':>10} {'declared':<13}rests on"
    lines = [_title(head, color)]
    for each in plan["needs"]:
        mean, grant = (words.amount(each[key], each["unit"]) for key in ("mean", "grant"))
        left = f"  {each['service']:<10}{words.named(each):<26}{mean:>10}{grant:>10}"
        said = f"{words.declared(each):<13}"
        code = _VERDICTS.get(each["verdict"] or "")
        painted = f"\x1b[{code}m{said}\x1b[0m" if color and code else said
        lines.append(f"{left} {painted}{words.rests_on(each['sources'])}")
    longest = plan["longest_request_tokens"]
    notes = ["grant: enough for all but a thousandth of the time (`enough` below)"]
    if any(each["seen"] is not None for each in plan["needs"]):
        notes.append("what the run had at most stands in place of what it contradicts")
    if longest is not None:
        notes.append(f"the longest request of a call has {longest:,.0f} tokens of input")
    return [*lines, *_paragraph("", notes)]


def _numbered(lines: list[str]) -> list[str]:
    return lines if len(lines) < 2 else [f"{i}. {line}" for i, line in enumerate(lines, 1)]


def _title(text: str, color: bool) -> str:
    return f"  \x1b[{_STRONG}m{text}\x1b[0m" if color else f"  {text}"


def _hanging(left: str, text: str) -> list[str]:
    """Text beside a left side, and under itself where it is long."""
    first, *rest = textwrap.wrap(text, WIDTH - len(left), break_on_hyphens=False) or [""]
    return [left + first, *(" " * len(left) + line for line in rest)]


def _paragraph(label: str, parts: list[str], *, strong: bool = False) -> list[str]:
    wrapped = [
        line
        for part in parts
        for line in textwrap.wrap(part, WIDTH - _LABEL - 2, break_on_hyphens=False)
    ]
    margins = [f"  {label:<{_LABEL}}", *[" " * (_LABEL + 2)] * len(wrapped)]
    return [
        margin + (f"\x1b[{_STRONG}m{line}\x1b[0m" if strong else line)
        for margin, line in zip(margins, wrapped, strict=False)
    ]
