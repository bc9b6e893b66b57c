from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from otel_voiceload.analysis.quota import QuotaWall, Seconds, find, series_of

RATE = 3  # requests a second


def seconds(
    refuses: Callable[[int], float],
    length: int = 300,
    level: Callable[[int], int] = lambda second: 0,
    rate: int = RATE,
    seed: int = 1,
) -> Seconds:
    """A component that refuses the share ``refuses`` of a second's requests."""
    rng = np.random.default_rng(seed)
    attempts = rng.poisson(rate, length)
    refused = np.array([rng.binomial(n, refuses(s)) for s, n in enumerate(attempts)])
    levels = np.array([level(second) for second in range(length)])
    return Seconds("llm", 0, levels, attempts, refused, {0: 60.0, 1: 120.0}, "rate_limited")


def walls(made: Seconds) -> list[QuotaWall]:
    return find([made])


def test_a_wall_at_a_constant_load_is_told_with_when_and_after_how_many_requests() -> None:
    made = seconds(lambda second: 0.9 if second >= 180 else 0.0)
    (wall,) = walls(made)

    assert (wall.kind, wall.component, wall.calls) == ("lasting", "llm", 60.0)
    assert wall.at_s == pytest.approx(180, abs=2)
    assert wall.requests == int(made.attempts[: int(wall.at_s)].sum())
    assert wall.last_minute == int(made.attempts[int(wall.at_s) - 60 : int(wall.at_s)].sum())
    assert wall.refused_share == pytest.approx(0.9, abs=0.05)
    assert wall.error_type == "rate_limited"


def test_walls_that_come_back_every_minute_are_one_quota_of_a_minute() -> None:
    made = seconds(lambda second: 0.95 if second % 60 >= 40 else 0.0)
    (wall,) = walls(made)

    assert (wall.kind, wall.walls) == ("recurring", 5)
    assert wall.period_s == pytest.approx(60, abs=2)
    assert wall.period_requests == pytest.approx(40 * RATE, rel=0.15)
    assert wall.at_s == pytest.approx(40, abs=2)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (seconds(lambda second: 0.0), "nothing was refused"),
        (seconds(lambda second: 0.5), "refused from the begin: a limit of the load"),
        (seconds(lambda second: 0.01), "stray refusals"),
        (seconds(lambda second: 0.12 if second >= 150 else 0.0), "a little is no wall"),
        (seconds(lambda second: 0.9 if 100 <= second < 130 else 0.0), "once, and over again"),
        (
            seconds(lambda second: 0.6 if second >= 150 else 0.0, level=lambda s: s // 150),
            "it came with the next level",
        ),
        (seconds(lambda second: 0.9 if second >= 5 else 0.0), "no time of calm before it"),
        (
            seconds(lambda second: 0.9 if second >= 180 else 0.0, level=lambda s: -1),
            "while the load was changed",
        ),
        (
            seconds(lambda s: 0.9 if s in range(60, 75) or s in range(90, 110) or s > 220 else 0),
            "at odd distances",
        ),
    ],
)
def test_other_refusals_are_no_wall(made: Seconds, why: str) -> None:
    assert walls(made) == [], why


def test_no_wall_is_seen_in_what_is_refused_by_chance_near_a_limit() -> None:
    def near_a_limit(seed: int) -> Seconds:
        rng = np.random.default_rng(seed)
        share = np.clip(np.cumsum(rng.normal(0, 0.02, 400)), 0, 0.4)
        return seconds(lambda second: float(share[second]), 400, seed=seed)

    found = [walls(near_a_limit(seed)) for seed in range(60)]

    assert sum(map(len, found)) <= 1, "a share that wanders looks like a wall now and then"


def test_hours_of_refusals_are_read_in_a_moment() -> None:
    assert walls(seconds(lambda second: 0.1, 30_000)) == []


def test_rows_of_the_query_are_filled_up_second_by_second() -> None:
    def row(second: int, level: int | None, refused: int) -> dict[str, object]:
        return {
            "component": "llm", "second": second, "level_no": level,
            "calls": None if level is None else 60.0, "attempts": 4, "refused": refused,
            "error_type": "429" if refused else None,
        }  # fmt: skip

    (made,) = series_of([row(2, None, 0), row(3, 0, 0), row(6, 0, 2), row(7, 1, 1)])

    assert made.first_second == 2
    assert made.attempts.tolist() == [4, 4, 0, 0, 4, 4]
    assert made.level.tolist() == [-1, 0, 0, 0, 0, 1]
    assert made.error_type == "429"
