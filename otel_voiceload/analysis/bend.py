"""A component that bent: its onset, where it is full, and whether it recovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_voiceload.analysis import cause as causes
from otel_voiceload.analysis.knee import Knee, locate
from otel_voiceload.analysis.levels import Evidence, Level, Point
from otel_voiceload.analysis.onset import FULL, Onset, find_onset, is_candidate
from otel_voiceload.analysis.recovery import Return, returned


@dataclass(frozen=True, slots=True)
class Bend:
    """A component that bent: everything known of it before anybody is chosen."""

    component: str
    series: tuple[tuple[Level, Point], ...]
    onset: Onset
    candidate: bool
    knee: Knee | None
    back: Return | None
    full_at_first: bool


def bend_of(
    evidence: Evidence,
    component: str,
    rng: np.random.Generator,
    grounds: causes.Grounds,
    up_to: Level | None = None,
) -> Bend | None:
    """None where it did not bend, or at no level that lasted. Levels beyond ``up_to`` do not tell
    whether it bends, only what it served."""
    series = evidence.series(component)
    known = [each for each in series if up_to is None or each[0].calls <= up_to.calls]
    onset = find_onset(known)
    if onset is None:
        return None
    bent = {number for level, _ in series[onset.index :] for number in level.numbers}
    served_per_s = causes.served_per_s(component, grounds, bent)
    knee = locate(evidence, component, onset, rng, served_per_s)
    full_at_first = (
        knee is not None
        and onset.index == 1
        and not onset.by_errors
        and series[0][1].rate >= (1 - FULL) * knee.rate
    )
    return Bend(
        component=component,
        series=series,
        onset=onset,
        candidate=is_candidate(known, onset),
        knee=knee,
        back=returned(evidence, component, onset.index),
        full_at_first=full_at_first,
    )
