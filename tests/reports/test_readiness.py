from __future__ import annotations

import pytest

from otel_voiceload.errors import ExitCode
from otel_voiceload.reports.readiness import Check, Readiness, State


def found(*states: State, strict: bool = False) -> Readiness:
    checks = tuple(Check("method", f"point {n}", state, "so") for n, state in enumerate(states))
    return Readiness("ws://127.0.0.1:1", "custom", 5, checks, strict)


@pytest.mark.parametrize(
    ("states", "strict", "code", "headline"),
    [
        (("done", "done"), False, ExitCode.OK, "ready: all 2 points are done"),
        (("done", "done"), True, ExitCode.OK, "ready: all 2 points are done"),
        (("done", "ask"), False, ExitCode.OK, "ready; 1 of 2 points are open"),
        (("ask", "missing"), True, ExitCode.FAILED, "not ready: 2 of 2 points are open"),
        (
            ("ask", "failed"),
            True,
            ExitCode.TARGET,
            "not ready: point 1 failed; no load should be sent",
        ),
    ],
)
def test_what_failed_stops_a_load_and_what_is_open_only_where_that_was_asked(
    states: tuple[State, ...], strict: bool, code: ExitCode, headline: str
) -> None:
    readiness = found(*states, strict=strict)

    assert readiness.exit_code is code
    assert readiness.headline == headline
    assert readiness.ready is (code is ExitCode.OK)
