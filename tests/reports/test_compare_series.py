from __future__ import annotations

import pytest

from otel_voiceload.reports.compare_series import KINDS, figures, knee, name_of
from tests.reports.compared import LEVELS, a_run


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("p95", "turn_latency p95"),
        ("llm", "llm p95"),
        ("greeting", "greeting p95"),
        ("turn_latency p50", "turn_latency p50"),
        ("knee", "knee"),
        ("speed", None),
    ],
)
def test_a_figure_has_a_short_name_and_a_full_one(said: str, name: str | None) -> None:
    assert name_of(said) == name


def test_every_figure_is_there_and_what_was_not_measured_is_nothing() -> None:
    found = figures(a_run("a", 1), frozenset(LEVELS), whole=True)
    assert set(found) == set(KINDS)
    assert found["stt p95"] is None
    turn, llm = found["turn_latency p95"], found["llm p95"]
    assert turn is not None
    assert llm is not None
    assert turn.value == pytest.approx(llm.value + 0.4)


def test_a_knee_that_was_not_reached_is_a_least_number_of_calls() -> None:
    at = knee(a_run("a", 1, bends=None).report["inflection"])
    assert at is not None
    assert (at.value, at.at_least) == (96.0, True)
    found = knee(a_run("a", 1, bends=("llm", 60.0)).report["inflection"])
    assert found is not None
    assert (found.value, found.at_least, 0 < found.spread < 0.1) == (60.0, False, True)


def test_a_promise_that_was_broken_from_the_first_level_is_a_largest_number() -> None:
    run = a_run("a", 1)
    run.report["ceiling"]["slo"] = {"calls": 0.0, "ci": (0.0, 6.0), "limited_by": "p95<1ms"}
    ceiling = figures(run, None, whole=True, only=["ceiling"])["ceiling"]
    assert ceiling is not None
    assert (ceiling.value, ceiling.at_most) == (6.0, True)
