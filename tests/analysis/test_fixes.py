from __future__ import annotations

from dataclasses import replace
from math import isclose

from otel_voiceload.analysis.fixes import in_order
from otel_voiceload.analysis.inflection import Candidate, Finding
from otel_voiceload.analysis.saturation import Cap
from tests.analysis.plans import model

LLM = Candidate(
    component="llm",
    calls=48.0,
    ci=(43.2, 52.8),
    certainty="likely",
    standing="strong",
    evidence=(),
    cause="unknown",
    cause_evidence=(),
    kappa=1.0,
    onset_calls=50.0,
    onset_ns=0,
)
FOUND = Finding("found", 96.0, (LLM,))


def test_from_latency_alone_there_are_bounds_and_the_reason_for_them() -> None:
    (fix,) = in_order(FOUND, model(48.0))

    assert (fix.component, fix.basis, fix.ceiling_after, fix.next_bottleneck) == (
        "llm", "bounds", None, None,
    )  # fmt: skip
    assert fix.ci is not None
    assert [round(each, 1) for each in fix.ci] == [46.0, 105.6]
    assert fix.why == "stt and tts carried 46 calls without bending and never met more"
    assert "give llm more capacity, twice as much" in fix.action


def test_with_every_limit_known_the_fixes_follow_one_another() -> None:
    first, second, third = in_order(FOUND, model(48.0, tts=70.0, stt=200.0))

    assert (first.component, first.next_bottleneck, first.basis) == ("llm", "tts", "limits")
    assert isclose(first.ceiling_after or 0, 70)
    assert (
        first.action == "give llm more capacity, 1.5 times as much (7.2 to 10.5 requests at once)"
    )
    assert (second.component, second.next_bottleneck) == ("tts", "stt")
    assert isclose(second.ceiling_after or 0, 200)
    assert (third.component, third.next_bottleneck) == ("stt", "stt")  # doubled, it is first again
    assert isclose(third.ceiling_after or 0, 400)


def test_with_one_limit_unknown_the_next_known_one_is_the_upper_bound() -> None:
    fix, *rest = in_order(FOUND, model(48.0, tts=70.0))

    assert rest == []
    assert (fix.basis, fix.next_bottleneck) == ("bounds", None)
    assert fix.ci is not None
    assert fix.ci[0] == 46, "so many were carried"
    assert 70 < fix.ci[1] < 73
    assert fix.why == "stt carried 46 calls without bending and never met more"


def test_nobody_is_told_to_fix_what_the_expected_peak_does_not_need() -> None:
    known = model(48.0, tts=70.0, stt=200.0)

    assert in_order(FOUND, known, 43.0) == (), "the lower end of llm's interval carries it"
    assert [fix.component for fix in in_order(FOUND, known, 44.0)] == ["llm"]
    assert [fix.component for fix in in_order(FOUND, known, 60.0)] == ["llm"]
    assert [fix.component for fix in in_order(FOUND, known, 100.0)] == ["llm", "tts"]


def test_at_the_expected_peak_it_is_milliseconds_too() -> None:
    # 96 calls on what 48 fill wait a cycle of 4 s; on what 96 fill, nobody waits.
    (fix,) = in_order(FOUND, model(48.0), 96.0)

    assert fix.at_peak is not None
    assert isclose(fix.at_peak.now_s, 4.9)
    best, worst = fix.at_peak.after_s
    assert isclose(best, 0.9)
    assert worst == fix.at_peak.now_s  # another limit may lie right behind
    assert [round(each) for each in fix.at_peak.saves_ms] == [0, 4000]


def test_a_measured_latency_at_the_peak_stands_before_the_law() -> None:
    known = model(48.0, tts=70.0, stt=200.0)
    fix, _ = in_order(FOUND, known, 140.0, 6.2)[:2]

    assert fix.at_peak is not None
    assert fix.at_peak.now_s == 6.2
    # 140 calls on 70: a cycle more, and a little for how well 70 is known.
    assert fix.at_peak.after_s[0] < 4.9 < fix.at_peak.after_s[1] < 5.3


def test_a_refusing_provider_is_asked_for_more() -> None:
    refused = Finding("found", 96.0, (replace(LLM, cause="provider_limit"),))

    assert "raise the provider's limit for llm" in in_order(refused, model(48.0))[0].action


def test_among_several_nobody_gets_a_number() -> None:
    both = Finding("ambiguous", 96.0, (LLM, replace(LLM, component="tts")))
    found = in_order(both, model(48.0, tts=48.0))

    assert [each.ci for each in found] == [None, None]
    assert all("one of several" in each.action for each in found)


def test_what_was_full_from_the_first_level_on_has_a_name_and_no_number() -> None:
    (fix,) = in_order(Finding("at_most", 96.0, (LLM,)), model(None))

    assert (fix.component, fix.ci, fix.ceiling_after) == ("llm", None, None)


def test_time_that_nobody_explains_is_looked_for_in_the_agent() -> None:
    rest = Finding("found", 96.0, (replace(LLM, component="unattributed"),))

    assert "agent's own process" in in_order(rest, None)[0].action


def test_nothing_found_and_nothing_declared_nothing_to_fix() -> None:
    assert in_order(Finding("not_reached", 96.0), model(None)) == ()
    assert in_order(Finding("cannot_tell", 96.0, (LLM,)), model(None)) == ()


def test_declared_limits_have_an_order_though_nothing_bent() -> None:
    found = in_order(Finding("not_reached", 40.0), model(60.0, tts=70.0, stt=200.0))

    assert [fix.component for fix in found] == ["llm", "tts", "stt"]


def test_what_keeps_calls_from_beginning_makes_no_turn_slower() -> None:
    lines = {"sip": (Cap("calls", 20.0, "declared", "calls per second 1 in limits.yaml"),)}
    known = replace(model(48.0, tts=70.0, stt=200.0, more=lines), patience_s=4.0)
    sip, llm, tts = in_order(FOUND, known, 140.0, 3.9)

    assert (sip.component, sip.at_peak) == ("sip", None)
    assert llm.at_peak is not None
    assert (llm.at_peak.now_s, llm.at_peak.deadline_s) == (3.9, 4.0), (
        "the first that turns wait for"
    )
    assert tts.at_peak is not None
    assert tts.at_peak.now_s == 4.0, "nobody waits longer"
