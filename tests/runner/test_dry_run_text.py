from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

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
