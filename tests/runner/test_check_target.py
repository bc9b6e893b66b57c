from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from otel_voiceload.errors import Interrupted, PreflightFailed, SmokeFailed, UsageError
from otel_voiceload.profiles import Request
from otel_voiceload.reports.readiness import Check
from otel_voiceload.runner import check_target
from otel_voiceload.runner.check_target import target_checks
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.smoke import Seen

TARGET = "ws://127.0.0.1:8765"
LINES = ["smoke call: connected in 12 ms, no greeting", "  turns answered 2 of 2", "  more"]


def plan(target: str = TARGET, calls: int = 50) -> RunPlan:
    return RunPlan(target, "ramp", Request(calls=calls), Path("store"))


def found(seen: Seen | Exception, target: str = TARGET, calls: int = 50) -> list[Check]:
    placed: list[RunPlan] = []

    def call(asked: RunPlan, _screen: Screen) -> Seen:
        placed.append(asked)
        if isinstance(seen, Exception):
            raise seen
        return seen

    checks = target_checks(plan(target, calls), calls, Screen(StringIO(), quiet=True), call)
    assert placed[0].request.calls == 1, "one call, whatever the plan is"
    return checks


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (Seen(LINES, 0, timed=("llm", "tts")), "done", "timed in band: llm, tts"),
        (Seen(LINES, 9), "done", "9 spans"),
        (Seen(LINES, 0), "missing", "only whole turns"),
        (Seen(LINES, None), "ask", "can not be read from here"),
    ],
)
def test_a_target_that_answers_is_asked_what_can_be_seen_of_it(
    seen: Seen, state: str, words: str
) -> None:
    may, called, inside = found(seen)

    assert (may.state, called.state) == ("done", "done")
    assert called.found == "connected in 12 ms, no greeting; turns answered 2 of 2"
    assert inside.state == state
    assert words in inside.found


@pytest.mark.parametrize(
    ("error", "words", "next_"),
    [
        (
            SmokeFailed("the smoke call to x failed: refused; no load was sent"),
            "the smoke call to x failed: refused",
            "see that it runs",
        ),
        (
            SmokeFailed("x never said anything; no load was sent. Does it hear 16 kHz PCM16?"),
            "x never said anything",
            "Does it hear 16 kHz PCM16?",
        ),
        (
            SmokeFailed(
                "the smoke call to x failed: gone; check that it listens; no load was sent"
            ),
            "the smoke call to x failed: gone",
            "check that it listens",
        ),
        (PreflightFailed("no file is left"), "no file is left", "see that it runs"),
    ],
)
def test_a_target_that_can_not_be_called_fails_with_its_reason(
    error: Exception, words: str, next_: str
) -> None:
    may, called = found(error)

    assert may.state == "done"
    assert (called.name, called.state, called.found) == ("smoke call", "failed", words)
    assert called.next.startswith(next_)


def test_more_calls_than_a_typed_target_gets_are_refused_beside_a_call_that_works() -> None:
    may, called, _ = found(Seen(LINES, 9), "ws://203.0.113.9:80", calls=50)

    assert (may.state, called.state) == ("failed", "done")
    assert "--allow 203.0.113.9" in may.next


@pytest.mark.parametrize("error", [Interrupted("stopped"), UsageError("no such scenario")])
def test_what_is_not_the_targets_fault_is_no_finding(error: Exception) -> None:
    with pytest.raises(type(error)):
        found(error)


@pytest.mark.parametrize("collects", [True, False])
def test_a_store_that_nobody_writes_to_is_left_alone(
    collects: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_target, "is_collecting", lambda store: collects)

    with check_target._somewhere(plan()) as placed:
        assert (placed.store == Path("store")) is collects
        assert collects or placed.store.is_dir()

    assert collects or not placed.store.exists()
