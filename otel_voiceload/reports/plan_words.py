"""A plan in one sentence: what it comes to, or why the run can not tell."""

from __future__ import annotations

from collections.abc import Sequence

from otel_voiceload.analysis.changes import Change
from otel_voiceload.analysis.saturation import Model
from otel_voiceload.reports.plan_types import Plan, PlanNeed, PlanNext, PlanWhatIf
from otel_voiceload.reports.report import Report


def headline(plan: Plan) -> str:
    """The sentence a person reads first."""
    if plan["undecided"] is not None:
        return plan["undecided"]
    if plan["what_if"] is not None:
        return _of_change(plan["what_if"])
    if plan["target_calls"] is not None:
        lacking = [each for each in plan["needs"] if each["verdict"] in ("short", "tight")]
        declared = [_need(each) for each in lacking if each["seen"] is None]
        seen = [_need(each) for each in lacking if each["seen"] is not None]
        said = f"What {plan['target_calls']:,} calls at once ask for."
        said += f" Declared and not enough: {'; '.join(declared)}." if declared else ""
        return said + (f" Measured and not enough: {'; '.join(seen)}." if seen else "")
    return "" if plan["run"] is None else plan["run"]["headline"]


def _need(need: PlanNeed) -> str:
    return f"{need['service']} {need['what']}"


def _of_change(made: PlanWhatIf) -> str:
    after, before = made["after"], made["before"]
    changes = " and ".join(made["changes"])
    was = " or ".join(f"{each['component']} at {each['calls']:.0f}" for each in before["first"])
    instead = f" (without it: {was})" if was else ""
    names = " or ".join(
        f"{each['component']} at {each['calls']:.0f} calls{_interval(each)}"
        for each in after["first"]
    )
    if after["carries"] is None:
        return f"With {changes} no limit is known."
    if not after["unknown"]:
        return f"With {changes} the next to bend is {names}{instead}."
    low, high = after["carries"]
    unknown = " and ".join(after["unknown"])
    one = len(after["unknown"]) == 1
    first = "whose limit is not known, comes" if one else "whose limits are not known, come"
    return (
        f"With {changes} it carries at least {low:.0f} calls and up to {high:.0f}: {names},"
        f" unless {unknown}, {first} first{instead}."
    )


def _interval(limit: PlanNext) -> str:
    ci, how = limit["ci"], "simulated, " if limit["simulated"] else ""
    return "" if ci is None else f" ({how}95 %: {ci[0]:.0f} to {ci[1]:.0f})"


def undecided_by(report: Report, model: Model, changes: Sequence[Change]) -> str | None:
    """Why this run can not answer what was asked; None when it can."""
    if report["run"]["validity"] == "inconclusive":
        reason = (report["run"]["validity_reasons"] or ["no reason is recorded"])[0]
        return f"Nothing can be planned from this run: {reason}. Use another run."
    if model.fulls() or any(not each.relative for each in changes):
        return None
    return nothing_known(report)


def nothing_known(report: Report) -> str:
    found = report["inflection"]
    if found["status"] == "unobserved":
        why = "The run has no component timing, so it does not tell which component is the limit"
        return f"{why}: send the target's spans to the collector, or declare limits (--limits)."
    if found["status"] == "not_reached":
        tested = found["tested_up_to"] or 0.0
        return (
            f"Nothing bent up to {tested:.0f} calls, so no limit is known that could be changed:"
            " hold more calls, or declare limits (--limits)."
        )
    if found["status"] == "at_most":
        name = found["candidates"][0]["component"]
        return f"{name} was full at the lowest level already: hold fewer calls first."
    return f"No limit is known from this run. {report['headline']}"
