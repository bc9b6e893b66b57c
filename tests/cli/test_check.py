"""``ovl check`` as a shell sees it: what it hands over, the forms, and the codes it leaves with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_voiceload.reports.readiness import Check, Readiness
from otel_voiceload.runner import check as checking
from otel_voiceload.runner.check import Asked
from otel_voiceload.runner.plan import RunPlan
from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]
TARGET = "ws://127.0.0.1:8765"
DONE = Check("machine", "memory", "done", "enough")
ASK = Check("method", "autoscaling", "ask", "not noted", "write it down")
BAD = Check("target", "smoke call", "failed", "refused")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunPlan, Asked]]:
    """What the command handed over; ``found`` decides what it gets back."""
    seen: list[tuple[RunPlan, Asked]] = []

    def check(plan: RunPlan, words: Asked, screen: object) -> Readiness:
        seen.append((plan, words))
        return Readiness(plan.target, plan.profile_name, 10, tuple(FOUND), words.strict)

    monkeypatch.setattr(checking, "check", check)
    monkeypatch.chdir("/")
    return seen


FOUND: list[Check] = []


@pytest.mark.parametrize(
    ("checks", "words", "code"),
    [
        ([DONE], (), 0),
        ([DONE, ASK], (), 0),
        ([DONE, ASK], ("--strict",), 99),
        ([ASK, BAD], ("--strict",), 3),
        ([BAD], (), 3),
    ],
)
def test_the_code_says_whether_a_load_may_begin(
    checks: list[Check],
    words: tuple[str, ...],
    code: int,
    asked: list[tuple[RunPlan, Asked]],
    tmp_path: Path,
    capsys: Capture,
) -> None:
    FOUND[:] = checks

    assert ovl(capsys, tmp_path, "check", TARGET, *words).code == code


def test_every_form_is_written(
    asked: list[tuple[RunPlan, Asked]], tmp_path: Path, capsys: Capture
) -> None:
    FOUND[:] = [DONE, ASK]

    def said(form: str) -> tuple[str, str]:
        ended = ovl(capsys, tmp_path, "check", TARGET, "-f", form)
        return ended.out, ended.err

    assert said("text")[0].startswith(f"{TARGET}: ready; 1 of 2 points are open")
    assert json.loads(said("json")[0])["ready"] is True
    assert said("md")[0].startswith("# ")
    assert said("junit")[0].startswith("<?xml")
    summary, commands = said("github")
    assert summary.startswith("# ")
    assert "::warning title=autoscaling%3A ask::not noted; write it down" in commands
    assert ovl(capsys, tmp_path, "check", TARGET, "-f", "csv").code == 2


def test_the_sections_of_the_verbs_that_it_prepares_count_as_well(
    asked: list[tuple[RunPlan, Asked]], tmp_path: Path, capsys: Capture
) -> None:
    FOUND[:] = [DONE]
    config = tmp_path / "ovl.yaml"
    config.write_text(
        "generate: {calls: 40, max-calls: 60, duration: 5m, tag: nightly}\n"
        "plan: {limits: quotas.yaml}\n"
        "check: {autoscaling: none, rollback_contact: 'Ana, 112', duration: 2m}\n"
        "thresholds: {turn_latency: [p95<2s]}\n"
    )

    ovl(capsys, tmp_path, "check", TARGET, "--config", str(config), "--max-calls", "50")

    plan, words = asked[0]
    assert (plan.request.calls, plan.request.duration_s, plan.max_calls) == (40, 120.0, 50)
    assert plan.thresholds == {"turn_latency": ["p95<2s"]}
    assert words.limits == Path("quotas.yaml")
    assert (words.answers.autoscaling, words.answers.rollback_contact) == ("none", "Ana, 112")
