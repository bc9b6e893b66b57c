from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, log, sqrt

import pytest

from otel_voiceload.analysis import whatif
from otel_voiceload.analysis.changes import apply, parse_change
from otel_voiceload.analysis.fixes import in_order
from otel_voiceload.analysis.inflection import Candidate, Finding, Inflections, Status
from otel_voiceload.analysis.levels import Evidence
from otel_voiceload.analysis.rehearsal import Rehearsed
from otel_voiceload.analysis.saturation import Cap, Model
from otel_voiceload.analysis.whatif import WhatIf, play, what_if
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.fitted import FittedCalls
from otel_voiceload.capacity.simulated_call import CallerModel
from tests.analysis.plans import CYCLE_S, model

CALLS = FittedCalls(cycle_s=4.0, unloaded_s=0.9, speech_s=1.2, reply_s=1.0, turns=5.0)


def made(base: Model, changes: Sequence[str], peak: float | None = None) -> WhatIf:
    found = what_if(base, CALLS, [parse_change(each) for each in changes], peak)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def doubled() -> WhatIf:
    return made(model(20.0, tts=29.0, stt=400.0), ["llm.capacity=2x"], 34.0)


def test_the_model_bends_where_the_run_did(doubled: WhatIf) -> None:
    (before,) = doubled.before.first

    assert before.component == "llm"
    assert before.calls == pytest.approx(20, rel=0.12)


def test_the_second_limit_is_next_and_lies_where_it_was_declared(doubled: WhatIf) -> None:
    (after,) = doubled.after.first

    assert (after.component, after.simulated) == ("tts", True)
    assert after.calls == pytest.approx(29, rel=0.12)
    assert after.ci is not None
    assert after.ci[0] < 29 < after.ci[1]
    assert doubled.after.unknown == ()
    assert doubled.after.carries is not None
    low, high = doubled.after.carries
    assert after.ci[0] < low <= 29 <= high < after.ci[1], "the law alone is surer than a ramp"


def test_the_latency_at_the_peak_is_better_afterwards(doubled: WhatIf) -> None:
    assert doubled.before.peak is not None
    assert doubled.after.peak is not None
    assert doubled.after.peak[0] < doubled.before.peak[0]


def finding(status: Status, component: str, calls: float) -> Finding:
    one = Candidate(
        component=component,
        calls=calls,
        ci=(0.9 * calls, 1.1 * calls),
        certainty="likely",
        standing="strong",
        evidence=(),
        cause="unknown",
        cause_evidence=(),
        kappa=1.0,
        onset_calls=calls,
        onset_ns=0,
    )
    return Finding(status, 2 * calls, () if status == "not_reached" else (one,))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Status, str], list[float]]:
    """In place of a simulated ramp: what it is told to find, where it was expected."""

    def tell(status: Status = "found", component: str = "llm") -> list[float]:
        asked: list[float] = []

        def rehearse(
            config: AgentConfig, callers: CallerModel, expected: float, peak: float | None = None
        ) -> Rehearsed:
            asked.append(expected)
            found = finding(status, component, expected)
            seen = None if peak is None else (1.0, 2.0)
            return Rehearsed(Inflections(found, found), Evidence((), (), {}, {}), seen, 38)

        monkeypatch.setattr(whatif, "rehearse", rehearse)
        return asked

    return tell


Played = Callable[..., list[float]]


def test_unknown_limits_make_the_next_one_an_upper_bound(at_once: Played) -> None:
    at_once()
    after = made(model(20.0, carried=19.0), ["llm.capacity=2x"]).after

    assert after.first[0].component == "llm"
    assert after.unknown == ("stt", "tts")
    assert after.carries == (19.0, pytest.approx(40 * 1.1))
    assert after.first[0].ci is not None
    assert after.first[0].ci[1] == pytest.approx(
        40 * exp(sqrt(2) * log(1.1))
    )  # both errors of 10 %


def test_a_plan_and_the_fixes_beside_it_quote_the_same_bounds(at_once: Played) -> None:
    at_once()
    bent = model(20.0, carried=19.0)
    (fix,) = in_order(finding("found", "llm", 20.0), bent)

    assert fix.action.endswith("twice as much")
    assert fix.ci == pytest.approx(made(bent, ["llm.capacity=2x"]).after.carries)


def test_many_calls_are_played_at_a_smaller_scale(at_once: Played) -> None:
    asked = at_once()
    found = play(model(16_000.0), CALLS)

    assert asked == [pytest.approx(160)]
    assert found.scale == pytest.approx(100)
    assert found.first[0].calls == pytest.approx(16_000)
    assert any("times 100" in note for note in found.notes)


def test_a_limit_that_is_not_played_still_comes_first(at_once: Played) -> None:
    at_once()
    lines = {"sip": (Cap("calls", 15.0, "declared", "channels 15 in limits.yaml"),)}
    (first,) = play(model(20.0, more=lines), CALLS).first

    assert (first.component, first.calls, first.simulated) == ("sip", 15.0, False)


def test_a_component_that_the_simulator_does_not_know_counts_by_the_law(at_once: Played) -> None:
    at_once()
    rag = {"rag": (Cap("turns_per_s", 15 / CYCLE_S, "measured", "seen"),)}
    before = play(model(20.0, more=rag), CALLS, 18.0)
    after = play(apply(model(20.0, more=rag), [parse_change("rag.capacity=2x")]), CALLS, 18.0)

    assert [(each.component, round(each.calls), each.simulated) for each in before.first] == [
        ("rag", 15, False)
    ]
    assert before.peak is None, "turns would wait for it at 18 calls, and in the simulation did not"
    assert [(each.component, each.simulated) for each in after.first] == [("llm", True)]
    assert after.peak == (1.0, 2.0)


def test_streams_are_calls_and_make_no_turn_wait(at_once: Played) -> None:
    """A stream is open for a whole call: 15 of stt keep the 16th call out and slow nobody down."""
    asked = at_once()
    streams = {"stt": (Cap("calls", 15.0, "declared", "streams 15 in limits.yaml"),)}
    found = play(model(20.0, more=streams), CALLS, 30.0)

    assert [(each.component, each.calls, each.simulated) for each in found.first] == [
        ("stt", 15.0, False)
    ]
    assert asked == [20.0], "the ramp is played around what turns wait for"
    assert found.peak == (1.0, 2.0)


def test_only_lines_that_are_limited_are_not_played_at_all() -> None:
    lines = {"sip": (Cap("calls", 15.0, "declared", "channels"),)}
    found = play(model(None, more=lines), CALLS)

    assert found.first[0].component == "sip"
    assert found.simulated_calls == 0


def test_a_limit_close_behind_is_named_beside_the_first(at_once: Played) -> None:
    at_once()
    found = play(model(20.0, tts=21.0, stt=90.0), CALLS)

    assert "tts is full at nearly as many calls and may come first" in found.notes


def test_a_peak_far_off_is_not_played_and_says_so(at_once: Played) -> None:
    at_once()
    found = play(model(20.0), CALLS, 5000.0)

    assert found.peak is None
    assert any("5000 calls are too far from 20" in note for note in found.notes)
    assert play(model(20.0), CALLS, 30.0).peak == (1.0, 2.0)


def test_where_nothing_is_known_there_is_nothing_to_play() -> None:
    assert what_if(model(None), CALLS, [parse_change("llm.capacity=2x")]) is None


def test_a_ramp_that_can_not_tell_leaves_it_to_the_law(at_once: Played) -> None:
    at_once("not_reached")
    found = play(model(20.0), CALLS)

    assert (found.first[0].component, found.first[0].simulated) == ("llm", False)
    assert any("nothing bent up to 40 calls" in note for note in found.notes)


def test_what_rests_on_an_assumption_gets_no_interval(at_once: Played) -> None:
    at_once(component="tts")
    assumed = replace(model(None, tts=20.0), cycle_error=None)

    assert play(assumed, CALLS).first[0].ci is None
