"""The thresholds in a few words: the heading above their rows, and the badge of a page.

One word for all of them is what a pipeline needs (``verdict`` in the JSON), and it reads wrongly
above rows that say something else: a search for the limit is not decided as a whole, and of four
rows that fail and one that is open, it is known that four fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_voiceload.reports.render.phrases import decides
from otel_voiceload.reports.report import Report, ThresholdResult, Verdict

OWN: Final = "the method's own"
_WORST_FIRST: Final[tuple[Verdict, ...]] = ("fail", "unknown", "pass")


@dataclass(frozen=True, slots=True)
class Judgement:
    """``text`` is what is known, ``tone`` the verdict that it is coloured by."""

    text: str
    tone: Verdict


def judgement(report: Report) -> Judgement:
    """What the rows come to: the user's first, where there are any."""
    results = report["thresholds"]
    if report["verdict"] == "inconclusive":
        return Judgement("inconclusive", "inconclusive")
    if not results:
        return Judgement("none were judged", "unknown")
    yours = [each for each in results if each["written_by_user"]]
    own = [each for each in results if not each["written_by_user"]]
    if not yours:
        said = _summary(own)
        return Judgement(f"{said.text}, {OWN}", said.tone)
    said = _summary(yours)
    beside = f"; {OWN} {_summary(own).text}" if own else ""
    return Judgement(f"{said.text}{beside}", said.tone)


def about_deciding(report: Report) -> list[str]:
    """What of the rows sets no exit code, and what would."""
    results = report["thresholds"]
    yours = [each for each in results if each["written_by_user"]]
    lines = []
    if results and not yours:
        lines.append(f"{OWN} thresholds never set the exit code")
    if any(not decides(each) for each in yours):
        lines.append(
            "a search for the limit marks the levels that broke and decides nothing by them:"
            " --expected-peak N names the load to be decided at"
        )
    return lines


def _summary(results: Sequence[ThresholdResult]) -> Judgement:
    counts = Counter[str](each["verdict"] for each in results)
    worst = next((each for each in _WORST_FIRST if counts[each]), None)
    if worst is None:
        return Judgement("not applicable", "unknown")
    if worst == "fail" and counts["unknown"]:
        return Judgement(f"fail ({counts['unknown']} unknown)", worst)
    if worst == "unknown" and counts["pass"]:
        return Judgement(f"unknown ({counts['pass']} pass)", worst)
    return Judgement(worst, worst)
