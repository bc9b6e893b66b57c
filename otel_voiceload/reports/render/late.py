"""Capacity that came late and quotas that ran out, in words, for every form of the report."""

from __future__ import annotations

from otel_voiceload.reports.render.phrases import calls, number, percent, seconds, span_of
from otel_voiceload.reports.report import Report
from otel_voiceload.reports.report_late import LateCapacity, QuotaWall, SpikeGap


def about_late(report: Report) -> list[str]:
    """The gap between climbing and jumping first, then each level at which capacity came late."""
    gap = report["spike_gap"]
    lines = [] if gap is None else [_gap(gap)]
    return [*lines, *(_late(each) for each in report["autoscaling"])]


def _gap(gap: SpikeGap) -> str:
    failed = f", {percent(gap['failed_share'])} without an answer" if gap["failed_share"] else ""
    smaller = "no smaller jump was tried"
    if gap["carried_jump"] is not None:
        smaller = f"a jump to {calls(gap['carried_jump'])} was carried"
    first = "; the jump came first" if gap["before_climb"] else ""
    after = gap["recovered_after_s"]
    late = "" if after is None else f"; well {_time(after)} into it: capacity arrives late"
    return (
        f"step by step it carried {calls(gap['climbed'])} calls, a jump to"
        f" {calls(gap['jumped'])} it did not (p95 {seconds(gap['p95_s'])} where"
        f" {seconds(gap['limit_s'])} is twice the baseline{failed}; {smaller}{first}){late}"
    )


def _late(late: LateCapacity) -> str:
    name = "the turn" if late["component"] == "turn" else late["component"]
    what = "jump to " if late["spike"] else ""
    return (
        f"{name} was worse at {what}{calls(late['calls'])} calls and recovered after"
        f" {_time(late['recovered_after_s'])} (to within {_time(late['resolution_s'])}):"
        f" {seconds(late['worse_s'])} until then, {seconds(late['after_s'])} after,"
        f" {seconds(late['usual_s'])} on the levels below"
    )


def about_quotas(report: Report) -> list[str]:
    return [_wall(each) for each in report["quota_walls"]]


def _wall(wall: QuotaWall) -> str:
    kind = f" ({wall['error_type']})" if wall["error_type"] else ""
    head = (
        f"{wall['component']} began to refuse{kind} {_time(wall['at_s'])} into the run,"
        f" at a constant {calls(wall['calls'])} calls:"
        f" {percent(wall['refused_share'])} of requests from then on"
    )
    if wall["kind"] == "recurring" and wall["period_s"] is not None:
        return (
            f"{head}; {wall['walls']} walls, one every {_time(wall['period_s'])}, after about"
            f" {wall['period_requests']} requests each: a quota of that period"
        )
    return (
        f"{head}, to the end of the level; it had taken {wall['requests']} requests by then,"
        f" {wall['last_minute']} of them in the last minute"
    )


def _time(seconds_: float) -> str:
    """A length; in seconds up to ten minutes, since levels and lags are compared by them."""
    if seconds_ < 10:
        return f"{number(seconds_)} s"
    return f"{seconds_:.0f} s" if seconds_ < 600 else span_of(seconds_)
