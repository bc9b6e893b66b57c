from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.profiles import Ceiling, Request
from otel_voiceload.runner.again import recorded, same_again
from otel_voiceload.runner.plan import RunPlan

PLAN = RunPlan(
    target="ws://127.0.0.1:8765",
    profile_name="custom",
    request=Request(stages=("1m:20", "hold:1m:20"), pace=0.5, scenarios=("demo",)),
    store=Path("store"),
    scenarios=("demo", "booking=2"),
    seed=7,
    headers={"Authorization": "Bearer secret"},
    params={"pin": "1234"},
    max_calls=30,
    thresholds={"turn_latency": ["p95<2s"]},
    peak_calls=12.0,
)
NEW = RunPlan(
    "ws://127.0.0.1:9999",
    "custom",
    Request(),
    Path("other"),
    headers={"Authorization": "Bearer another"},
    params={"pin": "9"},
    tag="second",
)


def test_a_run_made_again_has_the_same_load_against_the_target_that_is_named_now() -> None:
    made = same_again(NEW, recorded(PLAN), "one")
    request = replace(PLAN.request, scenarios=())
    assert made == replace(
        PLAN,
        target=NEW.target,
        store=NEW.store,
        headers=NEW.headers,
        params=NEW.params,
        tag="second",
        request=request,
    )


def test_a_plan_is_kept_without_secrets_and_without_what_is_found_anew() -> None:
    kept = recorded(replace(PLAN, request=Request(ceiling=Ceiling(20, "run x"))))
    assert "secret" not in kept
    assert "1234" not in kept
    assert "ceiling" not in kept
    assert "Authorization" in kept


def test_secrets_that_a_run_had_are_asked_for_by_name() -> None:
    with pytest.raises(UsageError, match="-H Authorization"):
        same_again(replace(NEW, headers={}), recorded(PLAN), "one")
    with pytest.raises(UsageError, match="--param pin"):
        same_again(replace(NEW, params={}), recorded(PLAN), "one")


@pytest.mark.parametrize("text", [None, "", '{"version": 99}'])
def test_a_run_without_a_plan_that_is_understood_can_not_be_made_again(text: str | None) -> None:
    with pytest.raises(UsageError, match="run one"):
        same_again(NEW, text, "one")


def test_a_profile_file_has_to_be_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("phases: [{name: a, calls: 3}]")
    kept = recorded(replace(PLAN, profile_name=str(path), request=Request()))
    assert same_again(NEW, kept, "one").profile_name == str(path)
    path.write_text("phases: [{name: a, calls: 4}]")
    with pytest.raises(UsageError, match="is not what run one"):
        same_again(NEW, kept, "one")
