from __future__ import annotations

import pytest

from otel_voiceload.analysis.at_once import at_once, within


@pytest.mark.parametrize(
    ("callers", "share", "enough", "most"),
    [
        (2, 0.5, 0.24, 0),  # none of both: a quarter of the time
        (2, 0.5, 0.70, 1),
        (2, 0.5, 0.76, 2),
        (10, 1.0, 0.999, 10),
        (10, 2.5, 0.999, 25),  # several requests of each caller, all the time
        (10, 0.0, 0.999, 0),
        (0, 0.5, 0.999, 0),
    ],
)
def test_so_many_at_most_are_at_work(callers: int, share: float, enough: float, most: int) -> None:
    assert at_once(callers, share, enough) == most


@pytest.mark.parametrize(
    ("mean", "enough", "most"),
    [(1.0, 0.36, 0), (1.0, 0.70, 1), (1.0, 0.90, 2), (0.0, 0.999, 0)],
)
def test_so_many_at_most_begin(mean: float, enough: float, most: int) -> None:
    assert within(mean, enough) == most


def test_many_callers_are_near_the_normal_law() -> None:
    # 10,000 x 0.3 +- 3.09 x sqrt(10,000 x 0.3 x 0.7) = 3,142; of a million a minute 1,003,090.
    assert abs(at_once(10_000, 0.3, 0.999) - 3142) <= 2
    assert abs(within(1_000_000, 0.999) - 1_003_090) <= 5
    assert 300_000 < at_once(1_000_000, 0.3, 0.999) < 302_000
