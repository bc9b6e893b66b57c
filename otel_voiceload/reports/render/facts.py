"""The sentences beside the tables, shared by all forms: run, calls, ceilings, generator."""

from __future__ import annotations

from math import isclose

from otel_voiceload.reports.build_whole import IMPORT
from otel_voiceload.reports.build_window import between
from otel_voiceload.reports.fix_types import Fix, FixAtPeak
from otel_voiceload.reports.render.phrases import (
    STOP_REASONS,
    UNKNOWN,
    at_calls,
    calls,
    counted,
    length,
    moment,
    number,
    percent,
    seconds,
    span_of,
)
from otel_voiceload.reports.report import Ceiling, Generator, Level, Report


def about_run(report: Report) -> list[str]:
    """What was run, and what of it limits how far the figures carry."""
    run = report["run"]
    name = f"{run['id']} ({run['tag']})" if run["tag"] else run["id"]
    seed = UNKNOWN if run["seed"] is None else str(run["seed"])
    lines = [
        f"{run['profile'] or UNKNOWN} run {name} against {run['target'] or UNKNOWN}",
        *about_window(report),
        f"{run['wire'] or UNKNOWN} wire, {length(run['started'], run['ended'])}, seed {seed},"
        f" started {moment(run['started'])}",
        *run["validity_reasons"],
    ]
    if others := run.get("background_calls"):
        lines.append(
            f"{others:g} calls were there already: every number of calls has them in it,"
            " and each is taken to ask what one of ours asks"
        )
    if not run["shut_down"]:
        lines.append(
            "the generator ended without a shutdown; the run's last seconds may be missing"
        )
    if run["stop_reason"] not in (None, "target_reached", "duration"):
        lines.append(STOP_REASONS[run["stop_reason"]])
    if run["co_located"]:
        lines.append("generator and target shared one machine")
    return lines


def about_window(report: Report) -> list[str]:
    """Which part of the run the report is of, and what of the rest counts all the same."""
    window = report["run"].get("window")
    if window is None:
        return []
    of = "the run" if window["run_s"] is None else f"the run ({span_of(window['run_s'])})"
    line = f"Of the window {between(window['since_s'], window['until_s'])} of {of}"
    if (up_to := window["unloaded_up_to"]) is not None:
        line += (
            f"; the run's levels up to {calls(up_to)} calls, outside of it, stand for the unloaded"
            " target"
        )
    return [
        f"{line}. Turns, levels and ends of calls are the window's; the generator, the ledger and"
        " `ovl query` tell of the whole run"
    ]


def about_ceilings(report: Report) -> list[str]:
    slo, own = report["ceiling"]["slo"], report["ceiling"]["degradation"]
    return [
        f"within the thresholds: {_ceiling(slo)}",
        f"within 2x own baseline: {_ceiling(own)}",
        about_baseline(report),
    ]


def _ceiling(ceiling: Ceiling) -> str:
    at = at_calls(ceiling["calls"], ceiling["ci"])
    text = UNKNOWN if ceiling["calls"] is None else f"up to {at} calls"
    return f"{text}, limited by {ceiling['limited_by']}" if ceiling["limited_by"] else text


def about_baseline(report: Report) -> str:
    base = report["baseline"]
    p95 = f"p95 {seconds(base['p95_s'])}, completion {percent(base['completion'])}"
    if base["kind"] == "tagged_run":
        return f"own baseline: the run {base['run_id'] or UNKNOWN}, {p95}"
    if base["kind"] == "profile_run":
        return f"own baseline: the baseline run {base['run_id'] or UNKNOWN}, {p95}"
    if base["kind"] == "own_levels":
        where = ", in the window or not" if "window" in report["run"] else ""
        up_to = f"{calls(base['up_to_calls'])} calls{where}"
        return f"own baseline: this run's levels up to {up_to}, {p95}"
    return "own baseline: none; tag a run with `ovl runs baseline RUN`"


def about_headroom(report: Report) -> str:
    headroom = report["headroom"]
    peak = headroom["expected_peak"]
    if peak is None:
        return "unknown: say what you expect with --expected-peak N"
    if headroom["calls"] is None:
        return f"unknown at an expected peak of {calls(peak)} calls: the ceiling is unknown"
    # Whole ones before the sign: a third of a call too few is none, and not -0.
    more = f"{round(headroom['calls']):+d} calls"
    ratio = "" if headroom["ratio"] is None else f" ({round(headroom['ratio'] * 100):+d}%)"
    lower = peak + headroom["calls"]
    names = _whose_end(report, lower)
    return (
        f"{more}{ratio} over an expected peak of {calls(peak)}, by the lower end of what is known:"
        f" {calls(lower)}{f' ({names})' if names else ''}"
    )


def _whose_end(report: Report, lower: float) -> str:
    """The ceiling or the component that has this lower end."""
    ends = [
        (each["limited_by"], _lower(each))
        for each in (report["ceiling"]["slo"], report["ceiling"]["degradation"])
        if each["limited_by"]
    ]
    ends += [
        (each["component"], each["ci"][0])
        for each in report["inflection"]["candidates"]
        if each["ci"] is not None
    ]
    return next((str(name) for name, end in ends if end is not None and isclose(end, lower)), "")


def _lower(ceiling: Ceiling) -> float | None:
    return ceiling["calls"] if ceiling["ci"] is None else ceiling["ci"][0]


def about_calls(report: Report) -> list[str]:
    done, greeting, connect = report["call_completion"], report["greeting"], report["connect"]
    outcomes = ", ".join(
        f"{name.replace('_', ' ')} {count}" for name, count in done["outcomes"].items() if count
    )
    drop = done["drop_points"]
    against = f" (baseline {percent(done['baseline_rate'])})" if drop is not None else ""
    turns = report["turn_latency"]
    p50, p95, p99 = (
        seconds(each, turns["censored_at_s"])
        for each in (turns["p50_s"], turns["p95_s"], turns["p99_s"])
    )
    count = f"{done['connected']} connected"
    connecting = (
        f"{percent(connect['success'])} of {connect['attempts']}, p95 {seconds(connect['p95_s'])}"
    )
    if report["run"]["wire"] == IMPORT:  # the calls that somebody recorded, and none that failed
        count, connecting = counted(done["connected"], "call"), UNKNOWN
    return [
        f"{count}, completion {percent(done['rate'])}{against}",
        outcomes or "no outcomes",
        *_left_out(report),
        f"turns p50 {p50}, p95 {p95}, p99 {p99} of {turns['samples']},"
        f" {turns['censored']} without an answer",
        f"greeting p50 {seconds(greeting['p50_s'])}, p95 {seconds(greeting['p95_s'])};"
        f" connect {connecting}",
    ]


def _left_out(report: Report) -> list[str]:
    """The calls that are in no other figure: unsaid, the outcomes would not add up to the run."""
    levels = report["call_completion"]["left_out"]
    if not levels:
        return []
    total = sum(each["calls"] for each in levels)
    where = ", ".join(f"{each['calls']} at {each['level']:g} calls" for each in levels)
    return [f"not counted: {counted(total, 'call')} ({where}), the generator was the limit there"]


def about_counted(report: Report) -> list[str]:
    """How many turns the levels count, where the whole run has others as well.

    Of levels at which the generator was the limit neither has any.
    """
    whole = report["turn_latency"]["samples"]
    held = sum(each["turns"] for each in report["levels"] if not _limited(each))
    if not report["levels"] or held == whole:
        return []
    return [
        f"the levels count {held} of {whole} turns: without their warm-up and the first turn of"
        " each call, which the figures of the whole run have"
    ]


def _limited(level: Level) -> bool:
    return (level["excluded_why"] or "").startswith("the generator")


def about_unattributed(report: Report) -> str:
    rest = report["unattributed"]
    if rest["p50_s"] is None and rest["p95_s"] is None:
        timed = any(each["role"] != "unobserved" for each in report["components"])
        return "unknown" if timed else "unknown: no component timing to subtract"
    return (
        f"p50 {seconds(rest['p50_s'])}, p95 {seconds(rest['p95_s'])},"
        f" {percent(rest['share'])} of the turn that no component accounts for"
    )


def about_whole_run(report: Report) -> list[str]:
    """The components over all turns, where no level says more of them."""
    return [
        f"{each['component']} p50 {seconds(each['p50_s'], each['open_from_s'])},"
        f" p95 {seconds(each['p95_s'], each['open_from_s'])}"
        f" of {counted(each['samples'], 'turn')}"
        for each in report.get("whole_run", [])
    ]


def about_generator(report: Report) -> list[str]:
    own = report["generator"]
    late = UNKNOWN if own["late_starts"] is None else str(own["late_starts"])
    lost = ", ".join(f"{reason} {count}" for reason, count in own["spans_lost"].items() if count)
    ended = UNKNOWN if own["spans_ended"] is None else str(own["spans_ended"])
    lost = lost or (UNKNOWN if own["spans_ended"] is None else "none")
    return [
        f"pacing error p99 {seconds(own['pacing_error_p99_s'])},"
        f" late frames {percent(own['late_share'])}, loop lag p99 {seconds(own['loop_lag_p99_s'])}",
        f"CPU {percent(own['cpu'])}, waiting for CPU {percent(own['run_delay_share'])},"
        f" late starts {late}, hearing bias {_bias(own)}",
        f"the limit for {percent(own['limited_share'])} of its time,"
        f" prompts said before {percent(own['prompt_repeat_ratio'])},"
        f" dispersion of turn starts {_dispersion(own)} (independent callers 1)",
        f"spans ended {ended}, stored {own['spans_stored']}, lost {lost}",
        *_copied(own),
    ]


def _copied(own: Generator) -> list[str]:
    copy = own["copy"]
    if copy is None:
        return []
    lost = ", ".join(f"{reason} {count}" for reason, count in copy["lost"].items() if count)
    waiting = f", {copy['waiting']} wait for the next run" if copy["waiting"] else ""
    return [
        f"your own back end got {copy['acknowledged']} of {copy['ended']} spans,"
        f" lost {lost or 'none'}{waiting}"
    ]


def _bias(own: Generator) -> str:
    spread = own["hearing_spread_s"]
    return seconds(own["hearing_bias_s"]) + (f" ±{seconds(spread)}" if spread is not None else "")


def _dispersion(own: Generator) -> str:
    value = own["turn_dispersion"]
    return UNKNOWN if value is None else number(value)


def about_cause(report: Report) -> list[str]:
    """Certainty, evidence and cause of each candidate, in the words of the analysis."""
    lines = []
    for candidate in report["inflection"]["candidates"]:
        lines.append(f"{candidate['component']}: {candidate['certainty']}")
        lines += candidate["evidence"]
        cause = candidate["cause"].replace("_", " ")
        why = "; ".join(candidate["cause_evidence"])
        lines.append(f"cause {cause}: {why}" if why else f"cause {cause}")
    return lines


def about_fixes(report: Report) -> list[str]:
    """In the order to do them; numbered where there are several."""
    lines = [fix_in_words(fix) for fix in report["fixes"]] or _nothing_to_fix(report)
    return lines if len(lines) < 2 else [f"{i}. {line}" for i, line in enumerate(lines, 1)]


def _nothing_to_fix(report: Report) -> list[str]:
    """Why there is no fix though a component bends: the expected peak lies below.

    A threshold may be broken there all the same, and the headroom be short of it: no component is
    full then, so more capacity is not promised to mend it.
    """
    headroom, found = report["headroom"], report["inflection"]
    peak = headroom["expected_peak"]
    first = next(iter(found["candidates"]), None)
    if peak is None or first is None or first["ci"] is None or first["ci"][0] < peak:
        return []
    if headroom["calls"] is not None and headroom["calls"] < 0:
        short = _whose_end(report, peak + headroom["calls"])
        onset = None if found["climb"] is None else found["climb"]["from"]
        climbs = ""
        if onset is not None and onset < peak:
            climbs = f", though latency climbs from about {calls(onset)} on"
        return [
            f"what is short at {calls(peak)} calls is {short or 'a threshold'}, not a component:"
            f" {first['component']}, the first to be full, carries at least {calls(first['ci'][0])}"
            f"{climbs}; more capacity is not known to mend it"
        ]
    return [
        f"no component needs more capacity for {calls(peak)} calls: {first['component']}, the first"
        f" to be full, carries at least {calls(first['ci'][0])}"
    ]


def fix_in_words(fix: Fix) -> str:
    parts = [fix["action"]]
    if fix["ceiling_after"] is not None:
        parts[0] += f": then good for {at_calls(fix['ceiling_after'], fix['ci'])} calls"
        then = fix["next_bottleneck"]
        if then is not None:
            parts[0] += f", {'again' if then == fix['component'] else 'next'} {then}"
    elif fix["ci"] is not None:
        low, high = fix["ci"]
        why = f"; where in between is not known: {fix['why']}" if fix["why"] else ""
        parts[0] += f": then good for at least {low:.0f} calls, up to {high:.0f}{why}"
    peak = fix["at_peak"]
    if peak is not None:
        parts.append(_at_peak(peak))
    return "; ".join(parts)


def _at_peak(peak: FixAtPeak) -> str:
    deadline_s = peak["deadline_s"]
    best, worst = (seconds(each, deadline_s) for each in peak["after_s"])
    after = best if best == worst else f"{best} to {worst}"
    now = seconds(peak["now_s"], deadline_s)
    turn = f"at {calls(peak['calls'])} calls the mean turn"
    if now == best == worst:
        return f"{turn} stays {now}"
    return f"{turn} is {now} and becomes {after} ({_saved(peak)})"


def _saved(peak: FixAtPeak) -> str:
    """A turn at the deadline would have taken longer still, so what it saves is a least value."""
    least, most = (f"{each:,.0f}" for each in peak["saves_ms"])
    deadline_s = peak["deadline_s"]
    if deadline_s is not None and peak["now_s"] >= deadline_s:
        return "saves nothing for certain" if least == "0" else f"saves at least {least} ms"
    if least == most:
        return f"saves {most} ms"
    if least == "0":
        return f"saves up to {most} ms, perhaps nothing"
    return f"saves {least} to {most} ms"
