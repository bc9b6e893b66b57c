"""Lengths of time are read as people write them."""

import pytest

from otel_voiceload.capacity.durations import duration_s, parse_duration_s
from otel_voiceload.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("350ms", 0.35),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1m 5s", 65.0),
        ("2.5s", 2.5),
        ("250us", 0.00025),
        ("0s", 0.0),
        (3, 3.0),
    ],
)
def test_a_written_length_is_seconds(text: str | float, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "fast", "5 parsecs", "-5s", "5ms!", -1, True, 1e999])
def test_anything_else_is_refused_with_an_example(text: str | float) -> None:
    with pytest.raises(ValueError, match="not a length of time"):
        parse_duration_s(text)


def test_on_a_command_line_a_bare_number_is_seconds_and_what_is_no_length_a_usage_error() -> None:
    assert [duration_s(t) for t in ("500ms", "10m", "1h30m", "45")] == [0.5, 600, 5400, 45]
    with pytest.raises(UsageError, match="10 minutes"):
        duration_s("10 minutes")
