from __future__ import annotations

from dataclasses import replace

from otel_voiceload.analysis.ceilings import Ceiling
from otel_voiceload.analysis.headroom import fixes, headroom, safe_calls
from otel_voiceload.analysis.inflection import Candidate, Finding

LLM = Candidate("llm", 48.0, (42.0, 55.0), "strong", (), "unknown", (), 1.0, 50.0, 0)
FOUND = Finding("found", 96.0, (LLM,))
NOTHING = Ceiling(None, None, None)


def test_the_lower_end_of_the_lowest_limit_is_what_can_be_promised() -> None:
    assert safe_calls(FOUND, NOTHING, NOTHING) == 42
    assert safe_calls(FOUND, Ceiling(30, (24, 48), "x"), NOTHING) == 24
    assert safe_calls(Finding("not_reached", 96.0), Ceiling(96, None, None), NOTHING) == 96
    assert safe_calls(Finding("cannot_tell", 96.0), NOTHING, NOTHING) is None


def test_headroom_is_what_is_left_over_the_expected_peak() -> None:
    room = headroom(30, 42)
    assert room.calls == 12
    assert room.ratio is not None
    assert round(room.ratio, 2) == 0.40
    assert headroom(None, 42).calls is None
    assert headroom(30, None).calls is None
    short = headroom(84, 42).calls
    assert short == -42


def test_a_fix_is_bounded_and_not_predicted() -> None:
    (fix,) = fixes(FOUND)
    assert fix.component == "llm"
    assert fix.ci == (42, 110)
    assert "42 to 110" in fix.action


def test_a_refusing_provider_is_asked_for_more() -> None:
    (fix,) = fixes(Finding("found", 96.0, (replace(LLM, cause="provider_limit"),)))
    assert "raise the provider's limit for llm" in fix.action


def test_among_several_nobody_gets_a_number() -> None:
    tts = replace(LLM, component="tts")
    found = fixes(Finding("ambiguous", 96.0, (LLM, tts)))
    assert [each.ci for each in found] == [None, None]
    assert all("one of several" in each.action for each in found)


def test_nothing_found_nothing_to_fix() -> None:
    assert fixes(Finding("not_reached", 96.0)) == ()
    assert fixes(Finding("cannot_tell", 96.0, (LLM,))) == ()
