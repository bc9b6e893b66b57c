from __future__ import annotations

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.profiles.units import Load, parse_load, spoken


@pytest.mark.parametrize(
    ("text", "load"),
    [
        ("200", Load(200)),
        ("2.5", Load(2.5)),
        ("5x", Load(5, "steady")),
        (" 80% ", Load(0.8, "ceiling")),
        ("2.5/s", Load(2.5, "per_s")),
    ],
)
def test_loads_are_calls_multiples_or_shares(text: str, load: Load) -> None:
    assert parse_load(text) == load
    assert str(load) == text.strip()


@pytest.mark.parametrize("text", ["", "x", "-5", "5 calls", "5xx", "%", "1e3"])
def test_what_is_no_load_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(UsageError, match="200, 5x or 80%"):
        parse_load(text)


def test_a_relative_load_needs_what_it_is_relative_to() -> None:
    assert parse_load("5x").calls(steady=20) == 100
    assert parse_load("80%").calls(ceiling=50) == 40
    assert parse_load("7").calls() == 7
    with pytest.raises(UsageError, match="5/s is a rate"):
        parse_load("5/s").calls(steady=20)
    with pytest.raises(UsageError, match="steady level"):
        parse_load("5x").calls(ceiling=50)
    with pytest.raises(UsageError, match="measured ceiling"):
        parse_load("80%").calls(steady=50)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.6, "5 s"), (90, "90 s"), (170, "3 min"), (900, "15 min"), (5400, "1.5 h"), (36000, "10 h")],
)
def test_lengths_are_said_in_two_digits(seconds: float, text: str) -> None:
    assert spoken(seconds) == text
