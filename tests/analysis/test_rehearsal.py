"""One small ramp is simulated for all of these: some tenths of a second."""

from __future__ import annotations

import pytest

from otel_voiceload.analysis.rehearsal import Rehearsed, evidence_of, rehearse
from otel_voiceload.capacity.fitted import fit
from otel_voiceload.capacity.measures import FittedCalls, FittedPart
from otel_voiceload.capacity.simulate import simulate
from otel_voiceload.model import Stage

CALLS = FittedCalls(cycle_s=3.0, unloaded_s=0.8, speech_s=1.0, reply_s=0.8, turns=6.0)
PARTS = {
    "stt": FittedPart(0.05, 0.08, 0.05),
    "llm": FittedPart(0.5, 0.65, 0.5, turns_per_s=8.0),
    "tts": FittedPart(0.05, 0.08, 0.05),
}


@pytest.fixture(scope="module")
def played() -> Rehearsed:
    config, callers = fit(PARTS, CALLS)
    return rehearse(config, callers, 24.0, peak=40.0)


def test_the_planted_limit_is_found_by_the_analysis_of_a_run(played: Rehearsed) -> None:
    finding = played.found.components

    assert finding.status == "found"
    (llm,) = finding.candidates
    assert llm.component == "llm"
    assert llm.calls == pytest.approx(24, rel=0.1)  # 8 turns a second, a turn every 3 s
    assert llm.ci is not None
    assert llm.ci[0] < 24 < llm.ci[1]


def test_latency_is_told_at_the_calls_asked_about(played: Rehearsed) -> None:
    assert played.peak is not None
    p50_s, p95_s = played.peak

    # 40 calls on what 24 fill: 0.8 s, and two thirds of a cycle more.
    assert p50_s == pytest.approx(2.8, rel=0.2)
    assert p95_s >= p50_s
    assert played.calls_simulated == 46


def test_the_cells_say_what_was_played(played: Rehearsed) -> None:
    lowest, point = played.evidence.series("llm")[0]

    assert lowest.calls == pytest.approx(4, abs=0.3)
    assert point.mean_s == pytest.approx(0.5, rel=0.1)
    assert point.errors == 0
    assert set(played.evidence.components()) == {"stt", "llm", "tts"}


def test_without_load_there_is_no_evidence() -> None:
    config, callers = fit(PARTS, CALLS)
    stages = [Stage(0, "ramp", 0.0, 9.0, 0, 0)]

    evidence = evidence_of(simulate(stages, config, callers), stages, 3.0)
    assert evidence.components() == ()
