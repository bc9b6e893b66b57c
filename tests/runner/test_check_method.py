from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from otel_voiceload.errors import StoreError
from otel_voiceload.model import Record
from otel_voiceload.profiles import Request
from otel_voiceload.reports.readiness import Check
from otel_voiceload.runner.check_method import (
    NOT_ANSWERED,
    Answers,
    BaselineRun,
    Offered,
    find_baseline,
    method_checks,
)
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import Outline, outline
from otel_voiceload.store.open import open_store
from tests.store import records as hand
from tests.store.builder import batches_of, write_store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def load(*scenarios: str) -> Outline:
    names = scenarios or ("booking",)
    return outline(
        RunPlan("ws://127.0.0.1:1", "custom", Request(calls=2), Path("store"), scenarios=names)
    )


def checks(
    answers: Answers = NOT_ANSWERED,
    offered: Outline | None = None,
    thresholds: dict[str, list[str]] | None = None,
    limits: Path | None = None,
    baseline: Callable[[], BaselineRun | None] = lambda: None,
) -> dict[str, Check]:
    found = method_checks(
        answers, offered or load(), thresholds or {}, limits, baseline, lambda: NOW
    )
    return {check.name: check for check in found}


def test_of_a_plan_that_nobody_prepared_everything_is_open() -> None:
    assert {name: check.state for name, check in checks().items()} == {
        "baseline": "missing",
        "quotas": "missing",
        "autoscaling": "ask",
        "alert thresholds": "missing",
        "rollback contact": "ask",
        "scenario mix": "ask",
    }
    assert all(check.next for check in checks().values())


def test_what_people_answered_is_repeated() -> None:
    answers = Answers("none", "pager", "Ana, 112", "as last week", "", "500 rpm at the LLM")
    found = checks(answers)

    assert {check.state for name, check in found.items() if name != "baseline"} == {"done"}
    assert found["rollback contact"].found == "Ana, 112"
    assert found["scenario mix"].found == "booking 100%; as last week"
    assert found["quotas"].found == "500 rpm at the LLM"


def test_several_scenarios_are_a_mix_and_thresholds_are_alarms() -> None:
    two = load("booking=3", "audio_only")
    found = checks(offered=two, thresholds={"turn_latency": ["p95<2s", "p50<1s"]})

    assert found["scenario mix"].state == "done"
    assert found["scenario mix"].found.startswith("booking 75%, ")
    assert found["alert thresholds"].found == "2 thresholds on turn_latency"


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        ("limits: {llm: {requests_per_minute: 500}}", "done", "llm requests per minute"),
        ("limits: {}", "missing", "declares none"),
        ("limits: {llm: {requests: 5}}", "missing", "requests"),
        (None, "missing", "limits.yaml"),
    ],
)
def test_quotas_are_those_of_a_file_that_can_be_read(
    text: str | None, state: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "limits.yaml"
    if text is not None:
        path.write_text(text)

    found = checks(limits=path)["quotas"]

    assert found.state == state
    assert words in found.found


@pytest.mark.parametrize(("day", "age"), [(23, "today"), (22, "1 day old"), (2, "21 days old")])
def test_a_baseline_is_named_with_its_age(day: int, age: str) -> None:
    run = BaselineRun("20261102T080000-a", datetime(2026, 11, day, 8, tzinfo=UTC), "baseline")

    found = checks(baseline=lambda: run)["baseline"]

    assert (found.state, found.found) == ("done", f"run {run.run_id}, {age}")


def test_a_store_that_can_not_be_read_has_no_baseline_and_says_so() -> None:
    def broken() -> BaselineRun | None:
        raise StoreError("marks.json can not be read")

    found = checks(baseline=broken)["baseline"]

    assert found.state == "missing"
    assert "marks.json" in found.found


OFFERED = Offered("ws://127.0.0.1:1", "plain", "abc", "clips")


def other(target: str, run_id: str, **more: object) -> Record:
    offered = {
        "target": target,
        "wire": OFFERED.wire,
        "scenario_hash": OFFERED.scenario_hash,
        "clip_pack": OFFERED.clip_pack,
    }
    return hand.run(run_id=run_id, **{**offered, **more})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of each target: a baseline, a tagged ramp, a ramp, and a baseline cut short."""
    runs = {
        "20270115T080001-base": other("ws://127.0.0.1:1", "20270115T080001-base"),
        "20270115T080002-tag": other(
            "ws://127.0.0.1:2", "20270115T080002-tag", profile="ramp", tag="baseline"
        ),
        "20270115T080003-ramp": other("ws://127.0.0.1:3", "20270115T080003-ramp", profile="ramp"),
        "20270115T080004-cut": other("ws://127.0.0.1:4", "20270115T080004-cut", stop_reason="user"),
    }
    batches = [batch for run_id, made in runs.items() for batch in batches_of([made], run_id)]
    return write_store(tmp_path_factory.mktemp("runs"), [(batches, True)])


def test_a_baseline_is_a_run_of_the_very_same_calls(store: Path) -> None:
    mine = find_baseline(store, OFFERED)
    assert mine is not None
    assert (mine.run_id, mine.profile) == ("20270115T080001-base", "baseline")

    with open_store(store) as reading:

        def found(**others: str) -> list[object]:
            asked: dict[str, object] = {**asdict(OFFERED), **others, "marked": []}
            return [row["run_id"] for row in reading.query("baseline_for", **asked)]

        assert found(target="ws://127.0.0.1:2") == ["20270115T080002-tag"]
        assert found(target="ws://127.0.0.1:3") == []
        assert found(target="ws://127.0.0.1:4") == []
        assert found(scenario_hash="other") == []


def test_a_store_that_is_not_there_yet_has_none(tmp_path: Path) -> None:
    assert find_baseline(tmp_path / "nowhere", OFFERED) is None
