"""A plan's figures in words, the same on a terminal and in Markdown."""

from __future__ import annotations

from typing import Final

from otel_voiceload.reports.plan_types import (
    Plan,
    PlanInput,
    PlanLimit,
    PlanNeed,
    PlanOutcome,
    PlanWhatIf,
)
from otel_voiceload.reports.render.phrases import UNKNOWN, number, seconds

SOURCES: Final = {"run": "run", "file": "file", "assumption": "assumed"}


def about_source(plan: Plan) -> str:
    run = plan["run"]
    if run is None:
        return "no run, your file and assumptions alone: name a RUN to use what it measured"
    return f"run {run['id']} against {run['target']} ({run['validity']})"


def amount(value: float, unit: str = "") -> str:
    """``12,345``, ``1.23 M``, ``5.12 G``: wide enough to compare, short enough for a column."""
    if unit == "Mbit/s":
        return f"{value / 1000:.2f} G" if value >= 1000 else f"{value:.2f} M"
    if abs(value) >= 999_500:
        scaled, sign = (value / 1e9, "G") if abs(value) >= 999_500_000 else (value / 1e6, "M")
        return f"{number(scaled)} {sign}"
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return number(value)


def named(need: PlanNeed) -> str:
    """What is needed, with its unit where the number does not carry it."""
    return f"{need['what']}, bit/s" if need["unit"] == "Mbit/s" else need["what"]


def rests_on(sources: list[str]) -> str:
    """``run``, ``file``, ``assumed``; the least certain one stands for all."""
    order = ("assumption", "file", "run")
    return next((SOURCES[each] for each in order if each in sources), "")


def declared(need: PlanNeed) -> str:
    if need["declared"] is None:
        return ""
    there = need["declared"] if need["seen"] is None else need["seen"]
    return f"{amount(there, need['unit'])} {need['verdict'] or ''}".strip()


def limit_cells(limit: PlanLimit) -> tuple[str, str, str, str, str]:
    """Component, calls, interval, p50 and why."""
    ci = limit["ci"]
    calls = UNKNOWN if limit["calls"] is None else amount(round(limit["calls"]))
    if ci is not None:
        interval = f"{ci[0]:,.0f} - {ci[1]:,.0f}"
    elif limit["at_least"] is not None:
        interval = f"at least {limit['at_least']:,.0f}"
    else:
        interval = "" if limit["calls"] is None else "no interval"
    return limit["component"], calls, interval, seconds(limit["latency_p50_s"]), limit["why"]


def about_what_if(made: PlanWhatIf) -> list[str]:
    lines = [f"before: {_outcome(made['before'])}"]
    lines += [f"after: {_outcome(made['after'])}{_for_certain(made['after'])}"]
    peak = made["peak_calls"]
    before, after = made["before"], made["after"]
    if peak is not None and before["peak_p50_s"] is not None and after["peak_p50_s"] is not None:
        deadline_s = made["deadline_s"]
        p50 = _change(before["peak_p50_s"], after["peak_p50_s"], deadline_s)
        p95 = _change(before["peak_p95_s"], after["peak_p95_s"], deadline_s)
        lines.append(f"turns at {peak:.0f} calls, simulated: p50 {p50}, p95 {p95}")
    notes = dict.fromkeys([*before["notes"], *after["notes"]])
    return [*lines, *notes]


def _change(before_s: float | None, after_s: float | None, deadline_s: float | None) -> str:
    return f"{seconds(before_s, deadline_s)} -> {seconds(after_s, deadline_s)}"


def _outcome(made: PlanOutcome) -> str:
    parts = []
    for each in made["first"]:
        ci = each["ci"]
        interval = "no interval: it rests on an assumption"
        if ci is not None:
            interval = f"95 %: {ci[0]:.0f} to {ci[1]:.0f}"
        how = "simulated" if each["simulated"] else "by the law"
        parts.append(f"{each['component']} full at {each['calls']:.0f} ({interval}), {how}")
    return " or ".join(parts) or "no limit is known"


def _for_certain(made: PlanOutcome) -> str:
    """Of a change only: what was measured is not in doubt for limits that it never met."""
    carries = made["carries"]
    if not made["unknown"] or carries is None:
        return ""
    names = " and ".join(made["unknown"])
    limit = "limit" if len(made["unknown"]) == 1 else "limits"
    return (
        f"; for certain {carries[0]:.0f}, and how many more is not known: no level told the"
        f" {limit} of {names}"
    )


def about_input(each: PlanInput) -> tuple[str, str, str]:
    """Name, value and where it comes from."""
    value = each["value"]
    said = value if isinstance(value, str) else f"{value:,.4g}" if value < 10_000 else amount(value)
    where = SOURCES[each["source"]]
    return each["name"], f"{said} {each['unit']}".strip(), _where(each, where)


def _where(each: PlanInput, source: str) -> str:
    if not each["where"]:
        return source
    if each["source"] == "run":
        return each["where"].rpartition(": ")[2]  # the query: the run stands above
    return f"{source}: {each['where']}"


def about_cost(plan: Plan) -> list[str]:
    bill = plan["cost"]
    if bill is None:
        return []
    money = bill["currency"]
    rows = [
        f"{each['service']} {each['what']}: {amount(each['amount_per_hour'])} {each['unit']} in an"
        f" hour, {price(each['per_hour'], money)}"
        for each in bill["rows"]
    ]
    whole = f"{price(bill['per_hour'], money)} an hour, {price(bill['per_call'], money)} a call"
    total = f"together {whole}, {price(bill['per_call_minute'], money)} a minute of call"
    if bill["unpriced"]:
        total += f"; without {', '.join(bill['unpriced'])}, whose price is unknown"
    return [*rows, total]


def price(value: float | None, currency: str) -> str:
    if value is None:
        return UNKNOWN
    if value and abs(value) < 0.995:
        return f"{value:.4f} {currency}"
    return f"{value:,.2f} {currency}"
