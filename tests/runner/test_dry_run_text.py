from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.profiles import Request
from otel_voiceload.runner.dry_run import forecast
from otel_voiceload.runner.dry_run_text import text, to_json
from otel_voiceload.runner.plan import RunPlan

PLAN = RunPlan("ws://127.0.0.1:9", "custom", Request(calls=10, duration_s=600), Path("store"))


def test_people_read_stages_figures_and_what_can_be_decided() -> None:
    shown = text(forecast(replace(PLAN, max_calls=5)))

    assert shown.splitlines()[0] == "custom against ws://127.0.0.1:9, about 10 min"
    for words in ("10 at once at most", "Mbit/s out", "open files", "turn_latency: p99<4s"):
        assert words in shown
    assert shown.splitlines()[-1].startswith("would be refused: the plan holds up to 10 calls")


def test_scripts_read_the_same_as_json() -> None:
    told = json.loads(to_json(forecast(PLAN)))

    assert told["stages"][0]["turns"] == told["turns"]
    assert {"can", "needs", "expected", "threshold", "written"} == set(told["thresholds"][0])
    assert told["exit_code"] == 0


@pytest.mark.parametrize(
    ("pace", "words"),
    [
        (1.0, None),
        (0.5, "0.5 of the written times"),
        (0.01, "0.01 would be 6 s, but no hold gets shorter than four turn cycles ("),
    ],
)
def test_a_pace_that_meets_the_shortest_hold_is_said(pace: float, words: str | None) -> None:
    shown = text(forecast(replace(PLAN, request=replace(PLAN.request, pace=pace))))
    said = [line for line in shown.splitlines() if line.startswith("pace")]

    assert len(said) == (words is not None)
    assert words is None or words in said[0]
