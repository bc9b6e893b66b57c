"""Components over a whole run, and what of an import is not said."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from otel_voiceload.reports.build_whole import whole_run, without_guesses
from otel_voiceload.store.reading import Arrays, Reading
from tests.reports.samples import demo_report

CUT_OFF_S = 0.7
TIMED = {"stt": [0.1, 0.2, 0.3], "llm": [], "tts": [0.5, 0.6, CUT_OFF_S]}


class Told:
    """A reading that knows the latencies of components, and what it was asked."""

    def arrays(self, name: str, **asked: object) -> Arrays:
        assert name == "component_samples"
        assert (asked["run_id"], asked["since_ns"], asked["until_ns"]) == ("run-a", 5, None)
        seconds = np.array(TIMED[str(asked["component"])], float)
        return {
            "latency_s": seconds,
            "call": np.arange(len(seconds)),
            "cut_off": seconds == CUT_OFF_S,
        }


def test_a_component_has_the_percentiles_of_all_its_turns_and_none_without_any() -> None:
    stt, tts = whole_run(cast(Reading, Told()), "run-a", TIMED, since_ns=5)
    assert (stt["component"], stt["samples"], stt["p50_s"]) == ("stt", 3, 0.2)
    assert stt["p95_s"] == pytest.approx(0.29)
    assert stt["open_from_s"] is None
    assert (tts["p50_s"], tts["p95_s"]) == (0.6, pytest.approx(0.69))
    assert tts["open_from_s"] == tts["p95_s"]


def test_an_import_says_nothing_of_connecting_and_counts_the_targets_spans() -> None:
    report = demo_report()
    stored = report["generator"]["spans_stored"]
    without_guesses(report, 32)
    assert report["connect"]["success"] is None
    assert report["generator"]["spans_stored"] == stored + 32
