"""The verdict: one word, one sentence, the next step and the exit code.

The word follows from the thresholds that decide, the sentence from what bent. The exit code is what
a pipeline sees: thresholds that the user wrote, and whether the run could be judged at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from otel_voiceload.analysis import judge
from otel_voiceload.analysis.ceilings import Ceiling
from otel_voiceload.analysis.inflection import (
    ONE_LEVEL,
    THIN_TIMING,
    UNANSWERED,
    UNEVEN,
    UNEXPLAINED,
    Candidate,
    Finding,
    Inflections,
)
from otel_voiceload.analysis.judge import Judged
from otel_voiceload.analysis.validity import Validity
from otel_voiceload.errors import ExitCode

Verdict = Literal["pass", "fail", "unknown", "inconclusive"]

CLIMBS_EARLIER: Final = 0.97  # of N*: nearer to it, where latency begins to climb says no more

# Profiles that climb until something breaks.
SEARCHES = ("ramp", "spike", "scale", "five-phase", "demo")


def decide(judged: Sequence[Judged], validity: Validity) -> Verdict:
    """The verdict of the thresholds given: the user's where there are any, else the method's."""
    if validity == "inconclusive":
        return "inconclusive"
    deciding = [each for each in judged if each.decides and each.verdict != "not_applicable"]
    if any(each.verdict == "fail" for each in deciding):
        return "fail"
    if not deciding or any(each.verdict == "unknown" for each in deciding):
        return "unknown"
    return "pass"


def exit_code(validity: Validity, deciding: Sequence[judge.Verdict]) -> ExitCode:
    """Exit code of a run that ended by itself.

    ``deciding`` are the verdicts of the thresholds that the user wrote, those of a search without
    an expected peak left out. An interruption, an internal error and an unreachable target come
    before, from elsewhere.
    """
    if validity == "inconclusive":
        return ExitCode.INCONCLUSIVE
    if "fail" in deciding:
        return ExitCode.FAILED
    return ExitCode.INCONCLUSIVE if "unknown" in deciding else ExitCode.OK


def headline(
    found: Inflections,
    validity: Validity,
    reasons: Sequence[str],
    rising: Sequence[str] = (),
    what: str = "run",
) -> str:
    """The sentence a person reads first.

    ``rising`` is what rose over a hold at the same load, in words; ``what`` is judged.
    """
    if validity == "inconclusive":
        return f"This {what} can not be judged: {reasons[0]}."
    finding, turn = found.components, found.turn
    match finding.status:
        case "found":
            return _sentence(finding.candidates[0], finding)
        case "at_most":
            first = finding.candidates[0]
            return f"{_name(first)} is full already at {_calls(first.calls)} calls or fewer."
        case "not_reached":
            return f"Nothing bent up to {_calls(finding.tested_up_to)} calls."
        case "ambiguous":
            names = " and ".join(_name(each) for each in finding.candidates)
            at = min(each.onset_calls for each in finding.candidates)
            return f"{names} bent together from about {_calls(at)} calls on."
        case "unobserved":
            return f"{_of_turn(turn)} Which component it was stays unobserved."
        case "cannot_tell":
            if finding.candidates:
                names = " and ".join(_name(each) for each in finding.candidates)
                return f"{names} slowed down, but it can not be told why: {finding.reason}."
            if finding.reason == THIN_TIMING and turn.status in ("found", "at_most"):
                return f"{_of_turn(turn)} Which component it was can not be told: {THIN_TIMING}."
            if rising:
                return f"At the same load {_listed(rising)} rose. No inflection: {finding.reason}."
            return f"No inflection can be told: {finding.reason}."


_WANTS_MORE_LOAD: Final = ("cannot_tell", "not_reached", "at_most")
_MORE_TO_IMPORT: Final = (
    "Import a recording with more calls and turns, also at once; `ovl doctor` says whether the"
    " spans of this one hold."
)


def next_step(
    found: Inflections,
    validity: Validity,
    written: Sequence[Judged],
    slo: Ceiling,
    baseline_run: str | None = None,
    rising: Sequence[str] = (),
    imported: bool = False,
    expected_peak: float | None = None,
) -> str:
    """One thing to do now; ``written`` are the user's own thresholds.

    ``baseline_run`` is the run's id when it was made to be a baseline and is none yet, ``rising``
    what rose over a hold at the same load. Of an import nothing can be run again.
    """
    finding = found.components
    if imported and (validity == "inconclusive" or finding.status in _WANTS_MORE_LOAD):
        return _MORE_TO_IMPORT
    if validity == "inconclusive":
        return "Run it again with the reasons above removed: the same `ovl generate` once more."
    if baseline_run is not None:
        return f"Mark it for later runs to be compared with: `ovl runs baseline {baseline_run}`."
    if finding.status == "unobserved":
        return (
            "To see the components, point the target's OTLP exporter at the collector"
            " (OTEL_EXPORTER_OTLP_ENDPOINT) or, on the plain wire, send `timing` messages."
        )
    if finding.status == "cannot_tell":
        if rising and not finding.candidates:
            return f"Find what grows in the target while the load stays: {_listed(rising)}."
        if finding.repeat_level is not None:
            return f"Repeat the level of {finding.repeat_level:.0f} calls after the peak."
        if finding.reason.startswith(UNANSWERED):
            return "Find out why single calls get no answer, then repeat: `ovl check TARGET`."
        if finding.reason.startswith(ONE_LEVEL):
            return "Hold several levels of load: `ovl generate TARGET -p ramp`."
        if finding.reason.startswith(UNEVEN):
            calls = _calls(finding.tested_up_to)
            return f"Hold it for longer: `ovl generate TARGET -c {calls} -d 10m`."
        if finding.reason == UNEXPLAINED:
            return "Look where the slow turns spend their time: `ovl report` draws some of them."
        if finding.tested_up_to is not None and finding.reason != THIN_TIMING:
            return f"Go higher than {_calls(finding.tested_up_to)} calls to find the limit."
        return "Hold the load longer, or with more calls: `ovl generate TARGET -c 10 -d 5m`."
    if finding.status == "ambiguous":
        return "Relieve one of them and repeat the run: what bends next tells which came first."
    if finding.status == "not_reached" and slo.calls == 0 and slo.limited_by is not None:
        return f"Not a load problem: `{slo.limited_by}` is missed at the lowest level already."
    if finding.status == "not_reached":
        return f"Go higher than {_calls(finding.tested_up_to)} calls to find the limit."
    if finding.status == "at_most":
        return "Begin lower, to see the target unloaded: `ovl generate TARGET -c 1 -d 1m`."
    undecided = max((each.needs_calls or 0 for each in written if each.decides), default=0)
    if undecided:
        more = "1 more call" if undecided == 1 else f"{undecided} more calls"
        return f"About {more} would decide the open thresholds."
    if written and slo.calls == 0 and slo.limited_by is not None:
        return f"Not only a load problem: `{slo.limited_by}` is missed at the lowest level too."
    name = finding.candidates[0].component
    if name == "unattributed":
        return "Look inside the agent's own process: no component's timing explains the wait."
    sure = finding.candidates[0].ci
    if expected_peak is not None and sure is not None and sure[0] >= expected_peak:
        return f"Nothing for {_calls(expected_peak)} calls; for more, relieve {name} first."
    return f"Relieve {name} first, then repeat the run to see what bends next."


def _sentence(first: Candidate, finding: Finding) -> str:
    interval = "" if first.ci is None else f" (95 %: {first.ci[0]:.0f} to {first.ci[1]:.0f})"
    climb = ""
    if finding.climb is not None and first.calls is not None:
        start = finding.climb[0]
        if start < CLIMBS_EARLIER * first.calls:
            climb = f"; it climbs from about {start:.0f} on"
    return f"{_name(first)} bends first: full at {_calls(first.calls)} calls{interval}{climb}."


def _of_turn(turn: Finding) -> str:
    match turn.status:
        case "found":
            return _sentence(turn.candidates[0], turn)
        case "at_most":
            return f"The whole turn is slow already at {_calls(turn.candidates[0].calls)} calls."
        case "not_reached":
            return f"The turn did not bend up to {_calls(turn.tested_up_to)} calls."
        case _:
            return f"Where the turn bends can not be told: {turn.reason}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _name(candidate: Candidate) -> str:
    names = {"turn": "The whole turn", "unattributed": "Time that no component explains"}
    return names.get(candidate.component, candidate.component)


def _calls(calls: float | None) -> str:
    return "an unknown number of" if calls is None else f"{calls:.0f}"
