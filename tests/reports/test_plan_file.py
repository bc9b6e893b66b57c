from __future__ import annotations

from pathlib import Path

from otel_voiceload.analysis.inputs import KNOWN, Measured, settle
from otel_voiceload.capacity.declared import load_plan_file
from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.reports import plan_rows as rows
from otel_voiceload.reports.plan_file import as_yaml


def written(tmp_path: Path, text: str) -> PlanFile:
    path = tmp_path / "limits.yaml"
    path.write_text(text, encoding="utf-8")
    return load_plan_file(path)


def test_the_file_gives_back_the_assumptions_it_was_made_of(tmp_path: Path) -> None:
    inputs = settle({"llm.user_tokens": 45.0, "wire": "twilio"}, "limits.yaml", {})
    read = written(tmp_path, as_yaml(rows.inputs(inputs), {}))
    again = settle(read.assumptions, "limits.yaml", {})

    assert {name: each.value for name, each in again.items.items()} == {
        name: each.value for name, each in inputs.items.items()
    }
    assert read.limits == {}


def test_declared_limits_are_kept(tmp_path: Path) -> None:
    limits = {
        ("llm", "concurrent"): 48.0,
        ("llm", "tokens_per_minute"): 1_234_567.0,
        ("sip", "calls_per_second"): 0.5,
    }

    assert written(tmp_path, as_yaml(rows.inputs(settle({}, "", {})), limits)).limits == limits


def test_what_was_measured_stays_the_runs_and_is_not_frozen_into_the_file(tmp_path: Path) -> None:
    inputs = settle({}, "", {"call.turn_cycle": Measured(2.5, "turn_cycles")}, "friday")
    text = as_yaml(rows.inputs(inputs), {})

    assert "    # turn_cycle: 2.5s" in text
    assert "run friday: ovl query turn_cycles" in text
    assert "call.turn_cycle" not in written(tmp_path, text).assumptions


def test_every_line_may_lose_its_comment_sign(tmp_path: Path) -> None:
    text = as_yaml(rows.inputs(settle({}, "", {})), {})
    open_lines = "\n".join(
        line.replace("# ", "", 1) if line.startswith("    # ") else line
        for line in text.splitlines()
    )
    read = written(tmp_path, open_lines)

    assert read.limits["stt", "streams"] == 100
    assert read.assumptions.keys() == {known.name for known in KNOWN}
