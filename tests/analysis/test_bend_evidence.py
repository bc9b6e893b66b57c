"""What is told beside the named component, on evidence made by hand."""

from __future__ import annotations

import pytest

from otel_voiceload.analysis import inflection
from tests.analysis.shapes import closed_loop, point, steady
from tests.analysis.test_inflection import run

CALLS = (12, 24, 48, 96, 192)
STT = closed_loop(CALLS, 48, unloaded_s=0.1)
RATE = STT[3].rate


@pytest.mark.parametrize(
    ("at_bend_s", "above_s", "told"),
    [(2.2, 0.2, True), (0.4, 0.2, False), (0.2, 0.2, False), (2.2, 4.0, False)],
    ids=["waits_there_alone", "waits_little", "does_not_wait", "goes_on"],
)
def test_one_that_waits_at_the_bend_and_not_above_it_is_told_beside(
    at_bend_s: float, above_s: float, told: bool
) -> None:
    """Both are full at 48 calls: at 96 they wait in either, at 192 nearly all wait in the first."""
    llm = [*steady(CALLS[:3], 0.2), point(at_bend_s, RATE), point(above_s, RATE)]
    finding = inflection.find(run(CALLS, stt=STT, llm=llm)).components
    assert finding.candidates[0].component == "stt"
    lines = [line for each in finding.candidates for line in each.evidence]
    said = [line for line in lines if line.startswith("llm waited as well at 96 calls")]
    assert bool(said) == told
    if told:
        assert finding.status == "found"
        assert "(200 ms to 2.20 s) and less above, where stt lets fewer through" in said[0]
