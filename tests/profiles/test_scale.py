from __future__ import annotations

from otel_voiceload.profiles import Findings, Request
from otel_voiceload.profiles.scale import Options


def test_the_last_doublings_to_the_target_are_held() -> None:
    stages = Options.of(Request(calls=80)).next_stages(Findings()) or ()
    assert [(s.calls_to, s.duration_s) for s in stages] == [
        (10, 120),
        (20, 120),
        (40, 120),
        (80, 120),
    ]


def test_a_duration_is_that_of_the_whole_profile() -> None:
    stages = Options.of(Request(calls=80, duration_s=120, turn_cycle_s=2)).next_stages(Findings())
    assert stages is not None
    assert stages[-1].end_s == 120


def test_problems_are_told() -> None:
    assert len(Options(0).problems()) == 1
    assert len(Options(3, hold_s=0).problems()) == 1
