from __future__ import annotations

from otel_voiceload.analysis.ceilings import Ceiling
from otel_voiceload.analysis.headroom import headroom, safe_calls
from otel_voiceload.analysis.inflection import Candidate, Finding

LLM = Candidate(
    component="llm",
    calls=48.0,
    ci=(42.0, 55.0),
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
