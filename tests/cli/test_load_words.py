from __future__ import annotations

from typing import Any

import pytest

from otel_voiceload.cli.load_words import LoadWords, refuse_beside_again
from otel_voiceload.errors import UsageError
from otel_voiceload.profiles import Request


def words(**changes: Any) -> LoadWords:
    plain: dict[str, Any] = {
        "profile": None,
        "calls": None,
        "rate": None,
        "arrivals": "poisson",
        "total_calls": None,
        "duration": None,
        "stages": (),
        "pace": 1.0,
        "until_knee": False,
    }
    return LoadWords(**plain | changes)


FILE = {"calls": 20, "profile": "ramp", "rate": 3.0, "stages": ("1m:5",), "duration": "10m"}


@pytest.mark.parametrize(
    ("typed", "name", "request_"),
    [
        ("stage", "custom", Request(stages=("1m:5",))),
        ("stage calls", "custom", Request(stages=("1m:5",), calls=20)),
        ("rate", "custom", Request(rate_per_s=3.0, duration_s=600)),
        ("calls", "ramp", Request(calls=20, duration_s=600)),
        ("profile", "ramp", Request(calls=20, duration_s=600)),
    ],
)
def test_what_was_typed_is_not_mixed_with_another_kind_of_load_from_a_file(
    typed: str, name: str, request_: Request
) -> None:
    assert words(**FILE).resolve(frozenset(typed.split())) == (name, request_)


def test_a_search_for_the_knee_is_a_ramp_unless_another_profile_is_named() -> None:
    assert words(until_knee=True).resolve(frozenset())[0] == "ramp"
    named = words(until_knee=True, profile="five-phase").resolve(frozenset())
    assert named == ("five-phase", Request(until_knee=True))


def test_a_run_that_is_made_again_brings_its_own_load() -> None:
    refuse_beside_again(frozenset({"tag", "header", "store"}))
    with pytest.raises(UsageError, match="--max-calls"):
        refuse_beside_again(frozenset({"tag", "max_calls"}))
