"""What is known of a component that bent, on evidence made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from otel_voiceload.analysis.bend import Bend, bend_of
from otel_voiceload.analysis.cause import Grounds
from otel_voiceload.analysis.levels import Evidence
from tests.analysis.shapes import closed_loop, evidence, steady

CALLS = (12, 24, 48, 96)


def bent(seen: Evidence) -> Bend | None:
    return bend_of(seen, "llm", np.random.default_rng(1), Grounds())


def test_a_component_that_never_bends_has_none() -> None:
    assert bent(evidence(CALLS, {"llm": steady(CALLS, 0.5)})) is None


def test_a_full_one_is_a_candidate_and_is_located() -> None:
    llm = closed_loop(CALLS, 48)
    found = bent(evidence(CALLS, {"llm": llm}, returned=[(24, {"llm": llm[1]})]))
    assert found is not None
    assert found.candidate
    assert not found.full_at_first
    assert found.knee is not None
    assert found.knee.calls == pytest.approx(48, rel=0.05)
    assert found.back is not None
    assert found.back.recovered


def test_one_that_served_its_most_at_the_lowest_level_was_full_already() -> None:
    found = bent(evidence(CALLS, {"llm": closed_loop(CALLS, 10)}))
    assert found is not None
    assert found.full_at_first
    assert found.back is None
