from __future__ import annotations

import pytest

from otel_voiceload.reports.plan_types import PlanLimit, PlanOutcome
from otel_voiceload.reports.render import plan_words as words
from tests.reports.plans import assumed, declaring


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (20, "", "20"),
        (47.619, "/s", "47.6"),
        (85_714.3, "/min", "85,714"),
        (5_142_857, "/min", "5.14 M"),
        (205_285_714, "/min", "205 M"),
        (1.2e9, "/min", "1.20 G"),
        (5_120, "Mbit/s", "5.12 G"),
        (256, "Mbit/s", "256.00 M"),
    ],
)
def test_amounts_fit_a_column(value: float, unit: str, said: str) -> None:
    assert words.amount(value, unit) == said


def test_the_least_certain_source_stands_for_a_row() -> None:
    assert words.rests_on(["run", "assumption"]) == "assumed"
    assert words.rests_on(["run", "file"]) == "file"
    assert words.rests_on(["run"]) == "run"
    assert words.rests_on([]) == ""


def test_a_declared_limit_is_shown_with_its_verdict() -> None:
    needs = {each["what"]: each for each in assumed(100, declaring(llm=3.0))["needs"]}

    assert words.declared(needs["requests at once"]) == "3 short"
    assert words.declared(needs["channels"]) == ""


def limit(**more: object) -> PlanLimit:
    base: PlanLimit = {
        "component": "llm", "calls": 48.4, "ci": (42.0, 55.0), "basis": "measured", "why": "w",
        "at_least": None, "latency_p50_s": 0.5, "latency_p95_s": 0.7, "busy_s": 0.6,
    }  # fmt: skip
    return {**base, **more}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (limit(), ("llm", "48", "42 - 55", "0.50 s", "w")),
        (limit(ci=None), ("llm", "48", "no interval", "0.50 s", "w")),
        (
            limit(calls=None, ci=None, at_least=46.2, latency_p50_s=None),
            ("llm", "unknown", "at least 46", "unknown", "w"),
        ),
        (limit(calls=None, ci=None), ("llm", "unknown", "", "0.50 s", "w")),
    ],
)
def test_a_limit_in_cells(row: PlanLimit, cells: tuple[str, ...]) -> None:
    assert words.limit_cells(row) == cells


def test_before_and_after_in_words() -> None:
    before: PlanOutcome = {
        "first": [
            {"component": "llm", "calls": 49.0, "ci": (44.0, 55.0), "simulated": True, "why": ""}
        ],
        "carries": (44.0, 55.0), "unknown": ["stt"], "peak_p50_s": 1.6, "peak_p95_s": 8.0,
        "simulated_calls": 92, "scale": 1.0, "notes": ["so it is"],
    }  # fmt: skip
    after: PlanOutcome = {**before, "peak_p50_s": 0.8, "peak_p95_s": 1.0}
    after["first"] = [{**before["first"][0], "component": "tts", "ci": None, "simulated": False}]
    lines = words.about_what_if(
        {
            "changes": ["llm.capacity=2x"],
            "peak_calls": 60.0,
            "deadline_s": 8.0,
            "before": before,
            "after": after,
        }
    )

    assert lines == [
        "before: llm full at 49 (95 %: 44 to 55), simulated",
        "after: tts full at 49 (no interval: it rests on an assumption), by the law; for certain"
        " 44, and how many more is not known: no level told the limit of stt",
        "turns at 60 calls, simulated: p50 1.60 s -> 0.80 s, p95 >8 s -> 1.00 s",
        "so it is",
    ]


@pytest.mark.parametrize(
    ("value", "said"), [(None, "unknown"), (0.0416, "0.0416 EUR"), (6000.0, "6,000.00 EUR")]
)
def test_prices_in_the_users_currency(value: float | None, said: str) -> None:
    assert words.price(value, "EUR") == said


def test_an_input_says_where_it_comes_from() -> None:
    by_name = {each["name"]: each for each in assumed()["inputs"]}

    assert words.about_input(by_name["call.turns"]) == ("call.turns", "30", "assumed")
    assert words.about_input(by_name["stt.busy"]) == ("stt.busy", "2 s", "assumed: call.speech")
    measured = {**by_name["call.turns"], "source": "run", "where": "run r: ovl query call_shape"}
    assert words.about_input(measured)[2] == "ovl query call_shape"  # type: ignore[arg-type]
