"""Whether what was found is what was planted."""

from typing import Any, cast

import pytest

from otel_voiceload.errors import ExitCode
from otel_voiceload.reports.report import Report
from otel_voiceload.runner.demo import verdict


def report(
    status: str, *components: str, validity: str = "valid", limited_at: int | None = None
) -> Report:
    levels = [
        {
            "calls_asked": n,
            "excluded_why": "the generator was the limit" if n == limited_at else None,
        }
        for n in (24, 48, 96)
    ]
    found: dict[str, Any] = {
        "levels": levels,
        "run": {"validity": validity},
        "inflection": {
            "status": status,
            "candidates": [{"component": component} for component in components],
        },
    }
    return cast(Report, found)


@pytest.mark.parametrize(
    ("plant", "found", "code"),
    [
        ("llm:48", report("found", "llm"), ExitCode.OK),
        ("llm", report("found", "llm"), ExitCode.OK),
        ("llm:48", report("found", "tts"), ExitCode.FAILED),
        ("llm:48", report("ambiguous", "llm", "tts"), ExitCode.FAILED),
        ("llm:48", report("not_reached"), ExitCode.FAILED),
        ("llm:48", report("at_most", "llm"), ExitCode.FAILED),
        ("llm:48", report("not_reached", limited_at=24), ExitCode.FAILED),
        ("llm:48", report("not_reached", limited_at=96), ExitCode.INCONCLUSIVE),
        ("llm:48", report("found", "tts", limited_at=96), ExitCode.FAILED),
        ("none", report("not_reached"), ExitCode.OK),
        ("none", report("found", "llm"), ExitCode.FAILED),
        ("none", report("cannot_tell"), ExitCode.FAILED),
        ("llm:48", report("found", "llm", validity="inconclusive"), ExitCode.INCONCLUSIVE),
    ],
)
def test_only_the_planted_component_alone_is_right(
    plant: str, found: Report, code: ExitCode
) -> None:
    assert verdict(plant, found) == code
