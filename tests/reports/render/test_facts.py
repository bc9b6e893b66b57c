from __future__ import annotations

import pytest

from otel_voiceload.reports.render import facts
from otel_voiceload.reports.report import Baseline, Headroom
from tests.reports.samples import demo_report


def test_a_killed_run_says_that_its_end_is_missing() -> None:
    report = demo_report()
    report["run"].update(shut_down=False, stop_reason="generator_limit")

    assert "the generator ended without a shutdown" in " ".join(facts.about_run(report))
    assert "the generator was the limit" in facts.about_run(report)


@pytest.mark.parametrize(
    ("headroom", "text"),
    [
        ({"expected_peak": None, "calls": None, "ratio": None}, "unknown: say what you expect"),
        ({"expected_peak": 40, "calls": None, "ratio": None}, "unknown at an expected peak of 40"),
        (
            {"expected_peak": 40, "calls": 3, "ratio": 0.075},
            "+3 calls (+8%) over an expected peak of 40, by the lower end of what is known: 43",
        ),
        ({"expected_peak": 60, "calls": -17, "ratio": -0.28}, "-17 calls (-28%)"),
        ({"expected_peak": 60, "calls": -0.2, "ratio": -0.003}, "+0 calls (+0%)"),
    ],
)
def test_headroom_has_a_sign_or_a_reason(headroom: Headroom, text: str) -> None:
    report = demo_report()
    report["headroom"] = headroom

    assert facts.about_headroom(report).startswith(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("tagged_run", "own baseline: the run r1"),
        ("profile_run", "own baseline: the baseline run r1"),
        ("own_levels", "own baseline: this run's levels up to 12 calls"),
        ("none", "own baseline: none"),
    ],
)
def test_the_baseline_is_named_for_what_it_is(kind: str, text: str) -> None:
    report = demo_report()
    base: Baseline = report["baseline"]
    base.update(kind=kind, run_id="r1")

    assert facts.about_baseline(report).startswith(text)


def test_lost_spans_are_counted_by_reason() -> None:
    report = demo_report()
    report["generator"]["spans_lost"] = {"queue_full": 12, "disk": 0}

    assert "lost queue_full 12" in facts.about_generator(report)[-1]
    assert "lost none" in facts.about_generator(demo_report())[-1]


def test_a_fix_says_what_it_buys_and_what_comes_next() -> None:
    report = demo_report()
    report["fixes"][0]["next_bottleneck"] = "tts at 110"

    assert facts.about_fixes(report)[0].endswith("then good for 92 (82-105) calls, next tts at 110")


def test_an_unknown_ceiling_is_not_a_number() -> None:
    slo, own, _ = facts.about_ceilings(demo_report())

    assert slo == "within the thresholds: unknown, limited by turn_latency p50<800ms"
    assert own == "within 2x own baseline: up to 49 (43-55) calls, limited by llm"


def test_a_back_end_of_the_users_own_has_its_own_count() -> None:
    report = demo_report()
    lost = {"spool_full": 3}
    report["generator"]["copy"] = {"ended": 9, "acknowledged": 4, "waiting": 2, "lost": lost}
    assert facts.about_generator(report)[-1] == (
        "your own back end got 4 of 9 spans, lost spool_full 3, 2 wait for the next run"
    )


def test_calls_of_levels_that_are_left_out_are_told_with_their_levels() -> None:
    report = demo_report()
    assert "not counted" not in " ".join(facts.about_calls(report))
    report["call_completion"]["left_out"] = [
        {"level": 48.0, "calls": 1},
        {"level": 96.0, "calls": 30},
    ]

    assert facts.about_calls(report)[2] == (
        "not counted: 31 calls (1 at 48 calls, 30 at 96 calls), the generator was the limit there"
    )


def test_an_import_says_nothing_of_connecting() -> None:
    report = demo_report()
    report["run"]["wire"] = "import"
    report["call_completion"]["connected"] = 2
    said = facts.about_calls(report)
    assert said[0].startswith("2 calls, completion ")
    assert said[-1].endswith("; connect unknown")


def test_why_turns_of_levels_and_of_the_run_differ_is_said() -> None:
    report = demo_report()
    (line,) = facts.about_counted(report)
    assert line.startswith("the levels count 417 of 498 turns: without their warm-up")

    report["turn_latency"]["samples"] = 417
    assert facts.about_counted(report) == []

    report["levels"][0]["excluded_why"] = "the generator was the limit"
    report["turn_latency"]["samples"] -= report["levels"][0]["turns"]
    assert facts.about_counted(report) == [], "neither has the turns of that level"


def test_a_peak_below_the_first_limit_needs_no_fix_and_the_report_says_why() -> None:
    report = demo_report()
    report["fixes"] = []
    assert facts.about_fixes(report) == []
    report["headroom"] = {"expected_peak": 40.0, "calls": 1.1, "ratio": 0.03}

    assert facts.about_fixes(report) == [
        "no component needs more capacity for 40 calls: llm, the first to be full, carries at"
        " least 41"
    ]


@pytest.mark.parametrize(
    ("now_s", "after_s", "saves_ms", "text"),
    [
        (1.5, (0.8, 0.8), (700.0, 700.0), "is 1.50 s and becomes 0.80 s (saves 700 ms)"),
        (5.4, (0.9, 1.3), (4072.0, 4535.0), "0.90 s to 1.30 s (saves 4,072 to 4,535 ms)"),
        (3.9, (0.7, 3.9), (0.0, 3197.0), "3.90 s (saves up to 3,197 ms, perhaps nothing)"),
        (8.0, (0.7, 0.7), (7300.0, 7300.0), "is >8 s and becomes 0.70 s (saves at least 7,300 ms)"),
        (8.0, (0.7, 8.0), (0.0, 7300.0), "becomes 0.70 s to >8 s (saves nothing for certain)"),
        (8.0, (8.0, 8.0), (0.0, 0.0), "stays >8 s"),
    ],
)
def test_what_a_fix_saves_per_turn_has_no_sign_to_be_misread(
    now_s: float, after_s: tuple[float, float], saves_ms: tuple[float, float], text: str
) -> None:
    fix = demo_report()["fixes"][0]
    fix["at_peak"] = {
        "calls": 100.0, "now_s": now_s, "after_s": after_s, "saves_ms": saves_ms, "deadline_s": 8.0
    }  # fmt: skip

    assert facts.fix_in_words(fix).endswith(text)


def test_a_threshold_that_is_short_is_named_before_a_component_that_is_not() -> None:
    report = demo_report()
    report["fixes"] = []
    report["ceiling"]["slo"] = {
        "calls": 35.0,
        "ci": (32.0, 40.0),
        "limited_by": "turn_latency: p95",
    }
    report["headroom"] = {"expected_peak": 40.0, "calls": -8.0, "ratio": -0.2}

    assert facts.about_headroom(report).endswith("what is known: 32 (turn_latency: p95)")
    (said,) = facts.about_fixes(report)
    assert said.startswith(
        "what is short at 40 calls is turn_latency: p95, not a component: llm, the first to be"
        " full, carries at least 41"
    )
    assert said.endswith("more capacity is not known to mend it")
