from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.analysis.background import grounds_with_background, with_background
from otel_voiceload.analysis.cause import Grounds, Process, Work, explain
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


def test_a_cap_is_that_of_both_kinds_of_calls_and_processes_held_them_already() -> None:
    # Twenty servers, shared by calls: ours hold n of every n + 50 of them.
    def work(_: str) -> list[Work]:
        return [
            Work(i, n, 90, 90, 0, 0.0 if n < 50 else 1.0, 0.4, 20 * share, round(20 * share))
            for i, n in enumerate((25.0, 75.0, 150.0, 450.0))
            for share in [0.3 if n < 50 else n / (n + 50)]
        ]

    ours = Grounds(work=work, target=[Process(1, 75.0, 0.5, None)])
    both = grounds_with_background(ours, 50)

    assert grounds_with_background(ours, 0) is ours
    assert explain("llm", None, ours, {0}, {1, 2, 3})[0] == "unknown", "our share only grows"
    cause, (said, *_) = explain("llm", None, both, {0}, {1, 2, 3})
    assert (cause, said) == ("pool", "hard cap near 20 at once, from 125 calls on")
    assert both.target == [Process(1, 125.0, 0.5, None)]
