from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.load.clock import Discipline
from otel_voiceload.profiles import Request
from otel_voiceload.runner.check import Answers, Asked, Means, check
from otel_voiceload.runner.check_machine import Machine
from otel_voiceload.runner.pacing_trial import Paced
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.smoke import Seen


def means(asked: list[tuple[str, int]]) -> Means:
    def pace(wire: str, calls: int) -> Paced:
        asked.append((wire, calls))
        return Paced(calls, 0.002, 0.0, 0.004, 0.1, None, ())

    machine = Machine(
        limits=lambda: (4096, 4096),
        ports=lambda: 28_000,
        memory_bytes=lambda: 8 * 10**9,
        disk_bytes=lambda place: 10**12,
        discipline=lambda: Discipline(True, 0.0, 0.001),
        pace=pace,
    )
    return Means(machine, lambda plan, shown: Seen(["smoke call: connected", "  2 of 2"], 3))


def test_machine_target_and_method_are_looked_at_and_told_in_this_order(tmp_path: Path) -> None:
    paced: list[tuple[str, int]] = []
    plan = RunPlan("ws://127.0.0.1:8765", "custom", Request(calls=90), tmp_path / "store")

    found = check(
        plan, Asked(Answers(autoscaling="none")), Screen(StringIO(), quiet=True), means(paced)
    )

    assert [each.name for each in found.checks] == [
        "open files", "local ports", "memory", "disk", "clock", "pacing",
        "allowed", "smoke call", "components",
        "baseline", "quotas", "autoscaling", "alert thresholds", "rollback contact",
        "scenario mix",
    ]  # fmt: skip
    assert (found.target, found.profile, found.peak_calls) == (plan.target, "custom", 90)
    assert paced == [("plain", 90)], "one worker for so few calls"
    assert found.ready
    assert not (tmp_path / "store").exists(), "a check leaves no store behind"


def test_a_target_in_a_file_needs_no_check(tmp_path: Path) -> None:
    plan = RunPlan("sim:agent.yaml", "custom", Request(calls=5), tmp_path)

    with pytest.raises(UsageError, match="ovl generate"):
        check(plan, Asked(), Screen(StringIO(), quiet=True), means([]))
