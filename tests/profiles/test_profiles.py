from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.errors import CeilingUnknown, UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import (
    Ceiling,
    Findings,
    Measured,
    Profile,
    Request,
    StageFinding,
    known,
    load,
    make,
    planned,
)

CEILING = Ceiling(40, "measured in a test")


def played(profile: Profile, ends_per_stage: int = 10, limited: bool = False) -> list[Stage]:
    """Every stage of a run in which each brings some natural ends."""
    stages: list[Stage] = []
    for _ in range(1000):
        findings = Findings(
            tuple(StageFinding(stage, limited) for stage in stages),
            ends_per_stage * len(stages),
            measured=Measured(len(stages), "not_reached", ceiling=40.0),
        )
        more = profile.next_stages(findings)
        if more is None:
            return stages
        stages += more
    raise AssertionError("the profile never ends")


def test_profiles_are_found_by_their_files() -> None:
    assert {"baseline", "custom", "demo", "five-phase", "ramp"} <= set(known())
    assert not {"file", "levels", "search", "sequence", "units", "__init__"} & set(known())


def test_a_profile_that_waits_for_ends_is_planned_for_as_long_as_it_would_wait() -> None:
    baseline = load("baseline").of(Request())

    assert planned(baseline)[-1].end_s == 900
    assert planned(baseline, natural_ends=1000)[-1].end_s == 100


def test_a_name_that_ends_like_a_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("phases: [{name: calm, calls: 3, duration: 90s}]")

    assert [(s.phase, s.duration_s) for s in planned(make(str(path), Request()))] == [("calm", 90)]
    assert make("ramp", Request(calls=8)).peak_calls == 8


@pytest.mark.parametrize(
    ("name", "request_"),
    [("ramp", Request(rate_per_s=2)), ("scale", Request(until_knee=True))],
)
def test_what_a_profile_does_not_take_is_refused(name: str, request_: Request) -> None:
    with pytest.raises(UsageError, match="--"):
        make(name, request_)


@pytest.mark.parametrize("name", ["spike", "soak"])
def test_a_load_that_follows_from_a_ceiling_asks_for_one(name: str) -> None:
    with pytest.raises(CeilingUnknown, match="--calls"):
        load(name).of(Request())
    with pytest.raises(CeilingUnknown, match="never tested"):
        load(name).of(Request(ceiling=Ceiling(None, "never tested")))
    assert load(name).of(Request(calls=3)).problems() == []


def test_a_share_of_a_ceiling_says_where_it_is_from_and_one_that_is_unknown_why() -> None:
    assert CEILING.share(0.75, 10) == (30, "75% of the ceiling of 40 calls (measured in a test)")
    assert Ceiling(0.4, "x").share(0.5, 10)[0] == 1
    assert Ceiling(None, "it hung").share(0.75, 10) == (
        10,
        "10 calls, since no ceiling is known: it hung",
    )


def test_a_share_that_is_held_down_says_so() -> None:
    words = "75% of the ceiling of 40 calls (measured in a test)"
    assert CEILING.share(0.75, 10, most=30) == (30, words)
    assert CEILING.share(0.75, 10, most=20) == (20, f"{words}, held down to 20 calls")
    assert Ceiling(None, "it hung").share(0.75, 10, most=5)[0] == 5


def test_an_unknown_profile_is_told_with_the_known_ones() -> None:
    names = "baseline, custom, five-phase, ramp, scale, soak, spike"
    with pytest.raises(UsageError, match=f"'rmap'; known are {names}, or a file"):
        load("rmap")


@pytest.mark.parametrize("name", known())
@pytest.mark.parametrize("pace", [0.01, 1.0, 2.0])
@pytest.mark.parametrize("limited", [False, True])
def test_every_profile_offers_stages_without_gaps_up_to_its_peak_and_ends(
    name: str, pace: float, limited: bool
) -> None:
    profile = load(name).of(
        Request(pace=max(pace, 0.5) if name == "demo" else pace, ceiling=CEILING)
    )
    assert profile.name == name
    assert profile.problems() == []
    stages = played(profile, limited=limited)
    assert stages[0].start_s == 0.0
    for index, stage in enumerate(stages):
        assert stage.index == index
        assert stage.duration_s > 0
        assert 0 <= stage.calls_from <= profile.peak_calls
        assert 0 <= stage.calls_to <= profile.peak_calls
        if index:
            assert stage.start_s == pytest.approx(stages[index - 1].end_s)
    assert max(stage.calls_to for stage in stages) == profile.peak_calls


# The demo's lengths are those of its own short turns.
@pytest.mark.parametrize("name", [name for name in known() if name != "demo"])
def test_no_level_is_held_for_less_than_four_turn_cycles_however_fast_the_pace(name: str) -> None:
    profile = load(name).of(Request(pace=0.001, turn_cycle_s=5.0, ceiling=CEILING))
    stages = played(profile, ends_per_stage=100)
    assert min(stage.duration_s for stage in stages) == pytest.approx(20.0)


@pytest.mark.parametrize(
    "name", ["baseline", "ramp", "demo", "spike", "soak", "scale", "five-phase"]
)
def test_profiles_with_stages_of_their_own_take_none(name: str) -> None:
    with pytest.raises(UsageError, match="own"):
        load(name).of(Request(stages=("1m:5",)))
