from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otel_voiceload.analysis import verdict
from otel_voiceload.analysis.ceilings import Ceiling
from otel_voiceload.analysis.inflection import (
    ONE_LEVEL,
    THIN_TIMING,
    UNANSWERED,
    UNEVEN,
    UNEXPLAINED,
    Candidate,
    Finding,
    Inflections,
    Status,
)
from otel_voiceload.analysis.judge import Judged, Verdict
from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.analysis.validity import Validity
from otel_voiceload.errors import ExitCode

LLM = Candidate("llm", 46.2, (41.0, 52.4), "strong", (), "unknown", (), 1.0, 33.0, 0)
TURN = replace(LLM, component="turn")
BENT = Finding("found", 96.0, (LLM,), climb=(33.0, 96.0))
NO_LIMIT = Ceiling(None, None, None)
(THRESHOLD,) = parse("turn_latency: p95<2s")


def judged(result: Verdict, **more: Any) -> Judged:
    return replace(Judged(THRESHOLD, result), **more)


@pytest.mark.parametrize(
    ("results", "validity", "expected"),
    [
        (["pass", "pass"], "valid", "pass"),
        (["pass", "unknown"], "valid", "unknown"),
        (["fail", "unknown"], "degraded", "fail"),
        (["fail"], "inconclusive", "inconclusive"),
        ([], "valid", "unknown"),
        (["pass", "not_applicable"], "valid", "pass"),
    ],
)
def test_the_verdict_of_several_thresholds(
    results: list[Verdict], validity: Validity, expected: str
) -> None:
    assert verdict.decide([judged(each) for each in results], validity) == expected


def test_what_does_not_decide_does_not_count() -> None:
    assert verdict.decide([judged("fail", decides=False), judged("pass")], "valid") == "pass"


@pytest.mark.parametrize(
    ("validity", "deciding", "code"),
    [
        ("valid", [], ExitCode.OK),
        ("valid", ["pass"], ExitCode.OK),
        ("valid", ["pass", "fail"], ExitCode.FAILED),
        ("valid", ["unknown"], ExitCode.INCONCLUSIVE),
        ("valid", ["unknown", "fail"], ExitCode.FAILED),
        ("inconclusive", ["fail"], ExitCode.INCONCLUSIVE),
        ("degraded", ["pass", "not_applicable"], ExitCode.OK),
    ],
)
def test_the_exit_code(validity: Validity, deciding: list[Verdict], code: ExitCode) -> None:
    assert verdict.exit_code(validity, deciding) == code


@pytest.mark.parametrize(
    ("components", "turn", "says"),
    [
        (BENT, BENT, "llm bends first: full at 46 calls (95 %: 41 to 52); it climbs from about 33"),
        (
            Finding("not_reached", 96.0),
            Finding("not_reached", 96.0),
            "Nothing bent up to 96 calls.",
        ),
        (Finding("at_most", 96.0, (replace(LLM, calls=12.0),)), BENT, "full already at 12 calls"),
        (
            Finding("ambiguous", 96.0, (LLM, replace(LLM, component="tts"))),
            BENT,
            "llm and tts bent together from about 33 calls on.",
        ),
        (
            Finding("unobserved", 96.0),
            Finding("found", 96.0, (TURN,)),
            "The whole turn bends first: full at 46",
        ),
        (Finding("cannot_tell", None, reason="one level"), BENT, "can be told: one level."),
    ],
)
def test_the_sentence_says_what_was_found(components: Finding, turn: Finding, says: str) -> None:
    assert says in verdict.headline(Inflections(components, turn), "valid", [])


def test_a_run_that_can_not_be_judged_says_why_first() -> None:
    said = verdict.headline(Inflections(BENT, BENT), "inconclusive", ["no call was recorded"])
    assert said == "This run can not be judged: no call was recorded."


@pytest.mark.parametrize(
    ("components", "says"),
    [
        (BENT, "Relieve llm first"),
        (Finding("unobserved", 96.0), "OTEL_EXPORTER_OTLP_ENDPOINT"),
        (Finding("cannot_tell", 96.0, (LLM,), repeat_level=24), "Repeat the level of 24 calls"),
        (Finding("cannot_tell", 10.0, reason=f"{ONE_LEVEL}, 10 calls"), "Hold several levels"),
        (Finding("cannot_tell", 80.0, reason=f"{UNANSWERED} 2 calls"), "Find out why single calls"),
        (Finding("cannot_tell", 80.0, reason=f"{UNEVEN} 80 calls"), "-c 80 -d 10m"),
        (Finding("cannot_tell", 80.0, reason=UNEXPLAINED), "Look where the slow turns"),
        (Finding("cannot_tell", 80.0, reason="slow at the top"), "Go higher than 80 calls"),
        (Finding("cannot_tell", None), "Hold the load longer"),
        (Finding("not_reached", 96.0), "Go higher than 96"),
        (Finding("at_most", 96.0, (LLM,)), "Begin lower"),
        (Finding("ambiguous", 96.0, (LLM,)), "Relieve one of them"),
    ],
)
def test_there_is_always_one_thing_to_do_next(components: Finding, says: str) -> None:
    assert says in verdict.next_step(Inflections(components, BENT), "valid", [], NO_LIMIT)


@pytest.mark.parametrize(
    ("status", "validity"),
    [("cannot_tell", "valid"), ("at_most", "valid"), ("found", "inconclusive")],
)
def test_nothing_of_an_import_is_to_be_run_again(status: Status, validity: Validity) -> None:
    found = Inflections(Finding(status, 96.0, (LLM,)), BENT)
    step = verdict.next_step(found, validity, [], NO_LIMIT, imported=True)
    assert step.startswith("Import a recording with more calls")


def test_open_thresholds_ask_for_the_calls_that_would_decide_them() -> None:
    step = verdict.next_step(
        Inflections(BENT, BENT), "valid", [judged("unknown", needs_calls=120)], NO_LIMIT
    )
    assert step == "About 120 more calls would decide the open thresholds."


def test_one_more_call_is_one_call() -> None:
    open_still = [judged("unknown", needs_calls=1)]
    step = verdict.next_step(Inflections(BENT, BENT), "valid", open_still, NO_LIMIT)
    assert step == "About 1 more call would decide the open thresholds."


def test_a_baseline_run_asks_to_be_marked_as_one() -> None:
    level = Inflections(Finding("cannot_tell", 10.0), Finding("cannot_tell", 10.0))
    step = verdict.next_step(level, "valid", [], NO_LIMIT, baseline_run="20270115T080001-llm")
    assert "`ovl runs baseline 20270115T080001-llm`" in step


def test_timing_of_too_few_turns_asks_for_more_and_not_for_an_exporter() -> None:
    thin = Finding("cannot_tell", 4.0, reason=THIN_TIMING)
    found = Inflections(thin, Finding("found", 96.0, (TURN,)))

    assert "Hold the load longer" in verdict.next_step(found, "degraded", [], NO_LIMIT)
    assert "Which component it was can not be told" in verdict.headline(found, "degraded", [])


def test_what_rose_at_the_same_load_comes_before_what_can_not_be_told() -> None:
    level = Inflections(Finding("cannot_tell", 10.0, reason="one level"), Finding("cannot_tell", 1))
    rising = ("turn latency", "llm", "target memory")

    said = verdict.headline(level, "valid", [], rising)
    assert said == (
        "At the same load turn latency, llm and target memory rose. No inflection: one level."
    )
    step = verdict.next_step(level, "valid", [], NO_LIMIT, rising=rising[:1])
    assert step == "Find what grows in the target while the load stays: turn latency."


@pytest.mark.parametrize(
    ("peak", "says"),
    [(None, "Relieve llm first"), (60.0, "Relieve llm first"), (40.0, "Nothing for 40 calls")],
)
def test_what_the_expected_peak_does_not_need_is_not_asked_for(
    peak: float | None, says: str
) -> None:
    found = Inflections(BENT, BENT)
    assert says in verdict.next_step(found, "valid", [], NO_LIMIT, expected_peak=peak)


def test_a_promise_that_one_call_breaks_asks_for_no_more_load() -> None:
    steady = Finding("not_reached", 80.0)
    missed = Ceiling(0.0, (0.0, 1.0), "turn_latency: p50<800ms")
    step = verdict.next_step(Inflections(steady, steady), "valid", [], missed)
    assert "`turn_latency: p50<800ms` is missed at the lowest level" in step
