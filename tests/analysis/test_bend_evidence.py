"""What was full beside the named component, on evidence made by hand."""

from __future__ import annotations

import pytest

from otel_voiceload.analysis import inflection
from tests.analysis.shapes import closed_loop, point, steady
from tests.analysis.test_inflection import run

CALLS = (12, 24, 48, 96, 192)
STT = closed_loop(CALLS, 48, unloaded_s=0.1)
RATE = STT[3].rate


@pytest.mark.parametrize(
    ("at_bend_s", "above_s", "names"),
    [
        (2.2, 0.2, ["stt", "llm"]),
        (0.4, 0.2, ["stt"]),
        (0.2, 0.2, ["stt"]),
    ],
    ids=["waits_as_well", "waits_little", "does_not_wait"],
)
def test_one_that_waits_as_much_at_the_bend_was_full_together_with_the_named_one(
    at_bend_s: float, above_s: float, names: list[str]
) -> None:
    """Both are full at 48 calls: at 96 they wait in either, at 192 nearly all wait in the first."""
    llm = [*steady(CALLS[:3], 0.2), point(at_bend_s, RATE), point(above_s, RATE)]
    found = inflection.find(run(CALLS, stt=STT, llm=llm))
    assert [each.component for each in found.components.candidates] == names
    assert found.components.status == ("found" if len(names) == 1 else "ambiguous")
    assert set(names) <= set(found.bends)
    for each in found.components.candidates:
        assert each.calls == pytest.approx(48, rel=0.1)
