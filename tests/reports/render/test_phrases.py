from __future__ import annotations

import pytest

from otel_voiceload.reports.render import phrases
from otel_voiceload.reports.report import Candidate, Status, ThresholdResult
from tests.reports.samples import demo_report


@pytest.mark.parametrize(
    ("value", "censored_at_s", "text"),
    [
        (None, None, "unknown"),
        (0.0, None, "0 s"),
        (0.0032, None, "3.2 ms"),
        (0.071, None, "71 ms"),
        (0.0999, None, "0.10 s"),
        (1.254, None, "1.25 s"),
        (12.34, None, "12.3 s"),
        (123.4, None, "123 s"),
        (7.9, 8.0, "7.90 s"),
        (8.0, 8.0, ">8 s"),
    ],
)
def test_seconds_read_as(value: float | None, censored_at_s: float | None, text: str) -> None:
    assert phrases.seconds(value, censored_at_s) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "?"),
        (0.0, "0.00"),
        (0.0003, "<1ms"),
        (0.0018, ".002"),
        (0.012, "0.01"),
        (3.81, "3.81"),
        (8.0, ">8"),
    ],
)
def test_seconds_in_a_column_are_four_wide(value: float | None, text: str) -> None:
    assert phrases.bare_seconds(value, 8.0) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "unknown"),
        (0.0, "0%"),
        (1.0, "100%"),
        (0.9611, "96.1%"),
        (0.021, "2.1%"),
        (0.0004, "0.04%"),
        (0.00001, "<0.01%"),
    ],
)
def test_ratios_read_as(ratio: float | None, text: str) -> None:
    assert phrases.percent(ratio) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "unknown"),
        (1.5, "s", "1.50 s"),
        (0.5, "ratio", "50%"),
        (0.039, "points", "3.9 points"),
        (1.8, "x", "1.80x"),
        (512.0, "", "512"),
    ],
)
def test_figures_have_their_own_unit(value: float | None, unit: str, text: str) -> None:
    assert phrases.figure(value, unit) == text


@pytest.mark.parametrize(
    ("ci", "text"),
    [
        (None, "unknown"),
        ((None, None), "unknown"),
        ((1.15, 1.33), "1.15 - 1.33 s"),
        ((0.09, 1.33), "90 ms - 1.33 s"),
        ((3.9, None), "over 3.90 s"),
        ((None, 2.0), "under 2.00 s"),
    ],
)
def test_bounds_say_which_end_is_open(
    ci: tuple[float | None, float | None] | None, text: str
) -> None:
    result = demo_report()["thresholds"][0]
    result["ci"] = ci

    assert phrases.bounds(result) == text


def result_of(**changes: object) -> ThresholdResult:
    result = demo_report()["thresholds"][0]
    result.update(changes)
    return result


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (result_of(verdict="pass"), "pass"),
        (
            result_of(verdict="unknown", needs_calls=310, why="too few"),
            "unknown, about 310 more calls would decide",
        ),
        (result_of(verdict="unknown", why="no baseline"), "unknown: no baseline"),
        (result_of(verdict="not_applicable", why="no packets"), "not applicable: no packets"),
    ],
)
def test_a_verdict_says_what_it_lacks(result: ThresholdResult, text: str) -> None:
    assert phrases.verdict_of(result) == text


def candidate(component: str, calls: float | None, ci: tuple[float, float] | None) -> Candidate:
    return {
        "component": component,
        "calls": calls,
        "ci": ci,
        "certainty": "",
        "evidence": [],
        "cause": "unknown",
        "cause_evidence": [],
    }


LLM = candidate("llm", 46.2, (41.1, 52.3))
STT = candidate("stt", 31.0, (28.0, 35.0))


@pytest.mark.parametrize(
    ("planted", "status", "candidates", "text"),
    [
        ("llm:48", "found", [LLM], "planted llm at 48, found 46 (41-52)"),
        ("llm:48", "found", [STT], "planted llm at 48, found stt at 31 (28-35)"),
        (
            "llm:48",
            "ambiguous",
            [LLM, STT],
            "planted llm at 48, found 46 (41-52) or stt at 31 (28-35)",
        ),
        (
            "llm:48",
            "at_most",
            [candidate("llm", 12.0, None)],
            "planted llm at 48, found at most 12",
        ),
        ("llm:48", "not_reached", [], "planted llm at 48, found nothing up to 96 calls"),
        ("llm:48", "cannot_tell", [], "planted llm at 48, could not tell"),
        ("none", "not_reached", [], "planted nothing, found nothing up to 96 calls"),
        ("none", "found", [LLM], "planted nothing, found llm at 46 (41-52)"),
    ],
)
def test_a_demo_says_what_was_planted_and_what_was_found(
    planted: str, status: Status, candidates: list[Candidate], text: str
) -> None:
    report = demo_report()
    report["run"]["planted"] = planted
    report["inflection"].update(status=status, candidates=candidates)

    assert phrases.planted_and_found(report) == text


def test_a_run_that_is_no_demo_says_nothing_of_planting() -> None:
    report = demo_report()
    del report["run"]["planted"]

    assert phrases.planted_and_found(report) is None


def test_a_threshold_decides_when_the_user_wrote_it_and_it_is_no_level_of_a_search() -> None:
    assert phrases.decides(result_of(written_by_user=True))
    assert not phrases.decides(result_of(written_by_user=False))
    assert not phrases.decides(result_of(written_by_user=True, decides=False))


@pytest.mark.parametrize(
    ("started", "ended", "text"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:52.4Z", "52 s"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:12:00Z", "12 min"),
        ("2026-11-23T10:00:00Z", "2026-11-23T11:30:00Z", "1 h 30 min"),
        ("2026-11-23T10:00:00Z", None, "length unknown"),
        ("yesterday", "today", "length unknown"),
    ],
)
def test_lengths_read_as(started: str, ended: str | None, text: str) -> None:
    assert phrases.length(started, ended) == text


def test_moments_are_told_in_utc() -> None:
    assert phrases.moment("2026-11-23T11:15:00+01:00") == "2026-11-23 10:15:00 UTC"
    assert phrases.moment(None) == "unknown"
