from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.errors import CeilingUnknown, ConfigError, UsageError
from otel_voiceload.profiles import Ceiling, Findings, Measured, Profile, Request, StageFinding
from otel_voiceload.profiles.file import read

WHOLE = """
phases:
  - name: warm-up
    stages: ["1m:10", "hold:2m:10"]
  - {name: search, profile: ramp, calls: 5, duration: 10m}
  - name: rush
    calls: 2
    stages: ["hold:1m:1x", "hold:30s:5x", "hold:1m:1x"]
    at_once: true
  - {name: night, stages: ["hold:2h:80%"]}
"""


def profile(tmp_path: Path, text: str, request: Request | None = None) -> Profile:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return read(path, request or Request())


def test_phases_of_a_file_become_stages_with_their_names(tmp_path: Path) -> None:
    options = profile(tmp_path, WHOLE)
    assert options.problems() == []
    findings = Findings()
    while more := options.next_stages(findings):
        stages = (*findings.stages, *map(StageFinding, more))
        findings = Findings(stages, measured=Measured(len(stages), "found", ceiling=5.0))
    shape = [(f.stage.phase, f.stage.duration_s, f.stage.calls_to) for f in findings.stages]
    assert shape[:2] == [("warm-up", 60, 10), ("warm-up", 120, 10)]
    assert [calls for phase, _, calls in shape if phase == "search"] == [1, 2, 3, 4, 5, 3]
    assert shape[-4:] == [("rush", 60, 2), ("rush", 30, 10), ("rush", 60, 2), ("night", 7200, 4)]
    assert findings.stages[-3].stage.at_once


def test_a_search_is_measured_before_a_share_of_its_ceiling_is_held(tmp_path: Path) -> None:
    options = profile(
        tmp_path,
        "phases: [{name: up, profile: ramp, calls: 3}, {name: night, stages: ['hold:1m:80%']}]",
    )
    stages = tuple(map(StageFinding, options.next_stages(Findings()) or ()))
    assert options.needs_measure(Findings(stages))
    assert not options.needs_measure(Findings(stages, measured=Measured(len(stages), "found")))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("phases: 3", "line 1, phases"),
        ("phases:\n  - name: a\n    profile: rmap\n", "line 3, phases.0.profile"),
        ("phases:\n  - name: a\n    calls: 3\n  - name: b\n    cals: 3\n", "line 5, phases.1.cals"),
        ("phases:\n  - {name: a, calls: 3}\n  - {name: a, calls: 4}\n", "line 1, the file: two ph"),
        ("phases:\n  - name: a\n", "line 2, phases.0: it asks for no load"),
        ("phases:\n  - {name: a, duration: soon, calls: 3}", "line 2, phases.0.duration"),
        (
            "phases:\n  - name: a\n    stages:\n      - 1m:10\n      - hold:10m\n",
            "mine.yaml, line 5, phases.0.stages.1: stage 'hold:10m' is not DURATION:CALLS",
        ),
        ('phases: [{name: a, stages: ["soon:5"]}]', "line 1, phases.0.stages.0: stage 'soon:5': "),
        ("phases:\n  - name: a\n    stages: [hold:1m:5x]", "line 2, phases.0: .*5x .* give calls"),
        (
            "phases:\n  - {name: a, stages: [hold:1m:5]}\n  - {name: b, stages: [1m:5, 1m:5/s]}",
            "line 3, phases.1: stages ask for calls held or for calls per second",
        ),
        ("phases: [", "is not YAML"),
        ("", "phases"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_line_and_field(
    tmp_path: Path, text: str, where: str
) -> None:
    with pytest.raises(ConfigError, match=where):
        profile(tmp_path, text)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can not read"):
        read(tmp_path / "none.yaml", Request())


def test_a_share_before_anything_was_measured_asks_for_an_earlier_ceiling(tmp_path: Path) -> None:
    text = "phases: [{name: night, profile: soak}]"
    with pytest.raises(CeilingUnknown, match="night"):
        profile(tmp_path, text)
    options = profile(tmp_path, text, Request(ceiling=Ceiling(20, "run x")))
    assert [stage.calls_to for stage in options.next_stages(Findings()) or ()] == [15]


def test_the_peak_of_what_is_still_to_be_measured_is_the_cap(tmp_path: Path) -> None:
    assert profile(tmp_path, WHOLE, Request(max_calls=60)).peak_calls == 48
    assert profile(tmp_path, "phases: [{name: a, rate: 2}]", Request(max_calls=60)).peak_calls == 60


def test_calls_held_and_calls_per_second_are_not_one_run(tmp_path: Path) -> None:
    mixed = profile(tmp_path, "phases: [{name: a, calls: 3}, {name: b, rate: 2}]")
    assert any("one run is either" in text for text in mixed.problems())


@pytest.mark.parametrize(
    "request_", [Request(calls=3), Request(duration_s=3), Request(stages=("1m:3",))]
)
def test_the_command_line_does_not_mix_with_a_file(tmp_path: Path, request_: Request) -> None:
    with pytest.raises(UsageError, match="own"):
        profile(tmp_path, WHOLE, request_)
