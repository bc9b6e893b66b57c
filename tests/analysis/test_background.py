from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.analysis.background import with_background
from otel_voiceload.analysis.levels import Cycles, Evidence, Level, Point


def level(calls: float) -> Level:
    return Level(
        numbers=(int(calls),),
        calls=calls,
        asked=calls,
        kind="held",
        phase="ramp",
        stage_index=int(calls),
        start_s=0.0,
        start_ns=0,
        limited=False,
        blocks=((int(calls), 0),),
        seconds=(60.0,),
    )


def point(rate: float) -> Point:
    return Point(100, 0.2, 0.01, 0, (60 * rate,), rate, rate)


def evidence(rates: dict[float, float]) -> Evidence:
    levels = [level(calls) for calls in rates]
    points = {"llm": dict(zip(levels, map(point, rates.values()), strict=True))}
    cycles = {each: Cycles(np.array([1.0]), np.array([7.0])) for each in levels}
    return Evidence(tuple(levels), (), points, cycles, points)


def test_without_others_the_evidence_is_what_it_was() -> None:
    alone = evidence({10: 1.0})
    assert with_background(alone, 0) is alone


@pytest.mark.parametrize("others", [10.0, 50.0])
def test_the_plateau_of_a_full_component_is_seen_though_our_share_of_it_grows(
    others: float,
) -> None:
    # Ten a second in all, shared by calls: ours get n of every n + N.
    ours = evidence({n: 10 * n / (n + others) for n in (60.0, 120.0, 240.0)})

    both = with_background(ours, others)

    assert [each.calls for each in both.rising] == [60 + others, 120 + others, 240 + others]
    assert [each.asked for each in both.rising] == [60 + others, 120 + others, 240 + others]
    for each in both.rising:
        seen = both.points["llm"][each]
        assert seen.rate == pytest.approx(10)
        assert seen.ended_rate == pytest.approx(10)
        assert sum(seen.finished) == pytest.approx(600)
        assert seen.turns == 100  # what was measured stays ours
        assert both.with_first["llm"][each].rate == pytest.approx(10)
        assert each in both.cycles
