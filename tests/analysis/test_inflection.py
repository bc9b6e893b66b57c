"""Statuses by hand-made evidence, and the whole way on the demo's own statistics for some seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.analysis import inflection
from otel_voiceload.analysis.cause import Grounds
from otel_voiceload.analysis.levels import Evidence, Point
from otel_voiceload.store.open import open_store
from tests.accuracy.demo_statistics import PLANTED_CALLS, inflections, write_demo
from tests.analysis.shapes import closed_loop, evidence, point, steady

CALLS = (12, 24, 48, 96)
SEED = 501


def run(
    calls: Sequence[float], returned: float | None = 24, **components: Sequence[Point]
) -> Evidence:
    """A run whose turn is the sum of its components; well again at ``returned`` if given."""
    turn = [
        point(
            sum(each[index].mean_s for each in components.values()), components["llm"][index].rate
        )
        for index in range(len(calls))
    ]
    series: Mapping[str, Sequence[Point]] = {"turn": turn, **components}
    back = []
    if returned is not None:
        at = list(calls).index(returned)
        back = [(returned, {name: each[at] for name, each in series.items()})]
    return evidence(calls, series, returned=back)


def find(seen: Evidence) -> inflection.Finding:
    return inflection.find(seen).components


FULL_LLM = closed_loop(CALLS, 48)
STEADY = steady(CALLS, 0.06)
LEAK_S = (0.5, 0.54, 0.6, 0.62)


def test_found_with_number_interval_and_evidence() -> None:
    found = inflection.find(run(CALLS, stt=STEADY, llm=FULL_LLM))
    finding = found.components
    assert finding.status == "found"
    (first,) = finding.candidates
    assert first.component == "llm"
    assert first.calls == pytest.approx(48, rel=0.05)
    assert first.ci is not None
    assert first.ci[0] < 48 < first.ci[1]
    assert first.standing == "strong"
    assert any("returned to 24 calls" in line for line in first.evidence)
    assert found.turn.status == "found"
    assert finding.tested_up_to == 96


def test_not_reached_says_up_to_where() -> None:
    finding = find(run(CALLS, stt=STEADY, llm=steady(CALLS, 0.5)))
    assert finding.status == "not_reached"
    assert finding.tested_up_to == 96
    assert finding.candidates == ()


@pytest.mark.parametrize(
    ("back", "repeat", "says"),
    [(None, 20, "repeat 20 calls"), (20, None, "more calls would tell its limit")],
)
def test_what_is_slow_at_the_top_level_alone_is_not_nothing(
    back: float | None, repeat: float | None, says: str
) -> None:
    """Seen at 20 and 160 calls on a limit of 150: too few extra calls were parked to name it."""
    calls = (20, 160)
    llm = (point(0.20, 2.9), point(1.20, 20.0))
    found = inflection.find(run(calls, back, stt=steady(calls, 0.06), llm=llm))
    for finding in (found.components, found.turn):
        assert (finding.status, finding.repeat_level) == ("cannot_tell", repeat)
        assert says in finding.reason
    assert "llm took 1.20 s at the highest level, 160 calls, and 200 ms before" in (
        found.components.reason
    )


def test_at_most_when_the_lowest_level_was_full_already() -> None:
    calls = (60, 120, 240)
    seen = run(calls, None, stt=steady(calls, 0.06), llm=closed_loop(calls, 48))
    finding = find(seen)
    assert finding.status == "at_most"
    assert finding.candidates[0].ci == (0.0, 60)
    assert finding.candidates[0].calls is not None
    assert finding.candidates[0].calls <= 60


def test_ambiguous_when_two_bend_together() -> None:
    half = [point(0.5 + (each.mean_s - 0.5) / 2, each.rate) for each in FULL_LLM]
    finding = find(run(CALLS, stt=half, llm=half))
    assert finding.status == "ambiguous"
    assert {each.component for each in finding.candidates} == {"stt", "llm"}


def test_one_that_parks_far_more_calls_than_the_other_is_named_alone() -> None:
    little = [point(0.1 + (each.mean_s - 0.5) / 4, each.rate) for each in FULL_LLM]
    finding = find(run(CALLS, tts=little, llm=FULL_LLM))
    assert [each.component for each in finding.candidates] == ["llm"]


def test_cannot_tell_when_it_stays_slow_after_the_load_is_gone() -> None:
    slow = (24.0, {"llm": point(2.0, 8), "turn": point(2.1, 8), "stt": point(0.06, 8)})
    seen = evidence(CALLS, {"turn": FULL_LLM, "stt": STEADY, "llm": FULL_LLM}, returned=[slow])
    finding = find(seen)
    assert finding.status == "cannot_tell"
    assert finding.repeat_level == 24
    assert "still slow" in finding.reason


def test_cannot_tell_when_the_last_level_slowed_a_little_and_none_was_repeated() -> None:
    late = closed_loop(CALLS, 85)
    finding = find(run(CALLS, None, stt=STEADY, llm=late))
    assert finding.status == "cannot_tell"
    assert finding.repeat_level == 48
    assert find(run(CALLS, 24, stt=STEADY, llm=late)).status == "found"


def test_slow_when_the_load_was_back_is_told_though_nothing_bent() -> None:
    """A leak: slower by the minute, at no level by enough to be a bend."""
    llm = [point(seconds, calls / 3.0) for seconds, calls in zip(LEAK_S, CALLS, strict=True)]
    turn = [point(each.mean_s + 0.1, each.rate) for each in llm]
    leaked = {"turn": point(0.9, 8.0), "llm": point(0.8, 8.0)}
    finding = find(evidence(CALLS, {"turn": turn, "llm": llm}, returned=[(24, leaked)]))
    assert finding.status == "cannot_tell"
    assert finding.reason.startswith("llm was still slow when the load was back at 24 calls")


def test_a_top_level_that_is_slow_now_and_then_is_not_nothing() -> None:
    """Capacity came late there: half of its time took seconds, so the blocks lie far apart."""
    uneven = replace(point(2.2, 30.0), error_s=0.8)
    series = [*steady(CALLS[:3], 0.5), uneven]
    finding = find(evidence(CALLS, {"turn": series, "llm": series}))
    assert finding.status == "cannot_tell"
    assert finding.reason.startswith("turns were slow now and then at 96 calls")


def test_unobserved_without_component_timing_but_the_turn_is_judged() -> None:
    seen = run(CALLS, llm=FULL_LLM)
    only_turn = Evidence(seen.rising, seen.returned, {"turn": seen.points["turn"]}, seen.cycles)
    found = inflection.find(only_turn)
    assert found.components.status == "unobserved"
    assert found.turn.status == "found"
    assert found.turn.candidates[0].component == "turn"


def test_timing_too_thin_to_compare_is_not_called_unobserved() -> None:
    seen = run(CALLS, llm=FULL_LLM)
    only_turn = Evidence(seen.rising, seen.returned, {"turn": seen.points["turn"]}, seen.cycles)

    thin = inflection.find(only_turn, timed={"llm"}).components

    assert (thin.status, thin.reason) == ("cannot_tell", inflection.THIN_TIMING)
    assert inflection.find(only_turn, timed={"network"}).components.status == "unobserved"


def test_a_turn_that_bends_without_any_component_bending_is_not_blamed_on_one() -> None:
    seen = evidence(CALLS, {"turn": FULL_LLM, "llm": steady(CALLS, 0.5)})
    finding = find(seen)
    assert finding.status == "cannot_tell"
    assert "no single component" in finding.reason


@pytest.mark.parametrize(
    ("calls", "says"),
    [((), "no level of load"), ((10,), "only one level of load, 10 calls")],
)
def test_too_few_levels_are_said_and_never_a_number(calls: tuple[float, ...], says: str) -> None:
    finding = find(run(calls, None, llm=steady(calls, 0.5)))
    assert finding.status == "cannot_tell"
    assert says in finding.reason
    assert finding.candidates == ()


def test_all_turns_failed_is_said_and_never_a_number() -> None:
    failed = [point(8.0, 0.0, errors=60) for _ in CALLS]
    found = inflection.find(evidence(CALLS, {"turn": failed, "llm": failed}))
    assert found.components.status == "cannot_tell"
    assert "most turns had no answer already at 12 calls" in found.components.reason


def test_refusals_are_named_as_the_providers_limit() -> None:
    seen = run(CALLS, stt=STEADY, llm=FULL_LLM)
    grounds = Grounds(failures={"llm": {"rate_limited": 40}})
    (first,) = inflection.find(seen, grounds).components.candidates
    assert first.cause == "provider_limit"


@pytest.mark.parametrize("component", ["stt", "llm", "tts", "none"])
def test_the_demos_statistics(tmp_path: Path, component: str) -> None:
    """A seed of each; `make accuracy` plays more."""
    path = write_demo(tmp_path / "run.duckdb", component, SEED)
    with open_store(path) as reading:
        finding = inflections(reading, f"{component}-{SEED}").components
    if component == "none":
        assert finding.status == "not_reached"
        return
    assert finding.status == "found"
    assert finding.candidates[0].component == component
    assert finding.candidates[0].calls == pytest.approx(PLANTED_CALLS, rel=0.2)


def test_what_no_component_accounts_for_is_not_named_beside_one_that_is_full() -> None:
    seen = run(CALLS, stt=STEADY, llm=FULL_LLM, unattributed=FULL_LLM)
    found = inflection.find(seen).components
    assert [each.component for each in found.candidates] == ["llm"]


def test_a_victim_is_told_beside_the_culprit_and_is_no_candidate() -> None:
    """Its own time triples, but with few calls in it: the pressure comes from elsewhere."""
    victim = [
        point(0.1 if calls < 48 else 0.3, each.rate)
        for calls, each in zip(CALLS, FULL_LLM, strict=True)
    ]
    (first,) = find(run(CALLS, tts=victim, llm=FULL_LLM)).candidates
    assert first.component == "llm"
    (said,) = [line for line in first.evidence if "tts" in line]
    assert said.startswith("tts slows with it (100 ms to 300 ms), though only")
    assert said.endswith("it may share a machine with llm")


def test_one_that_bends_later_is_told_beside_the_first() -> None:
    calls = (12, 24, 48, 96, 192)
    late = steady(calls, 0.5)
    late[4] = point(4.0, late[4].rate)
    (first,) = find(run(calls, tts=late, llm=closed_loop(calls, 40))).candidates
    assert first.component == "llm"
    assert any(line.startswith("tts bends too, from ") for line in first.evidence)
