from __future__ import annotations

import itertools

import pytest

from otel_voiceload.load.arrivals import Arrivals
from otel_voiceload.load.pacing import NEVER_S
from otel_voiceload.model import Arrivals as Kind
from otel_voiceload.model import Stage


def stages(kind: Kind, *rows: tuple[float, float, float]) -> tuple[Stage, ...]:
    """(seconds, calls per second at first, and at last), one after the other."""
    made: list[Stage] = []
    for index, (lasts_s, first, last) in enumerate(rows):
        start_s = made[-1].end_s if made else 0.0
        made.append(
            Stage(index, "p", start_s, lasts_s, 0, 0, None, kind, per_s_from=first, per_s_to=last)
        )
    return tuple(made)


def times(arrivals: Arrivals) -> list[tuple[int, float]]:
    found = []
    while (arrival := arrivals.next())[1] < NEVER_S:
        found.append(arrival)
        arrivals.take()
    return found


def played(seed: int, offered: tuple[Stage, ...], index: int = 0, count: int = 1) -> list[float]:
    arrivals = Arrivals(seed, index, count)
    arrivals.extend(offered)
    return [at_s for _, at_s in times(arrivals)]


def test_constant_arrivals_are_as_many_as_offered_and_evenly_spread() -> None:
    assert played(1, stages("constant", (2, 2, 2))) == pytest.approx([0.25, 0.75, 1.25, 1.75])
    assert len(played(1, stages("constant", (10, 5, 5), (10, 0, 0), (10, 1, 1)))) == 60


def test_a_rate_that_climbs_brings_them_closer_together() -> None:
    # 0.1 t^2 calls by t: the i-th at sqrt(10 (i + 0.5)).
    assert played(1, stages("constant", (10, 0, 2)))[:3] == pytest.approx([2.236, 3.873, 5], 1e-3)


def test_a_rate_that_falls_to_nothing_ends_by_itself() -> None:
    falling = played(1, stages("constant", (10, 2, 0)))
    assert len(falling) == 10
    assert falling == sorted(falling)
    assert falling[-1] < 10


def test_poisson_arrivals_are_those_of_the_seed_and_about_as_many_as_offered() -> None:
    offered = stages("poisson", (200, 5, 5))
    assert played(1, offered) == played(1, offered)
    assert played(1, offered) != played(2, offered)
    gaps = [late - early for early, late in itertools.pairwise(played(1, offered))]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.2, rel=0.1)
    assert spread == pytest.approx(mean, rel=0.15), "an exponential's spread is its mean"


@pytest.mark.parametrize("kind", ["poisson", "constant"])
@pytest.mark.parametrize("count", [2, 3])
def test_shards_share_one_sequence_by_index_without_a_word(kind: Kind, count: int) -> None:
    offered = stages(kind, (20, 4, 4), (10, 1, 9))
    parts = []
    for index in range(count):
        arrivals = Arrivals(7, index, count)
        arrivals.extend(offered)
        parts.append(times(arrivals))
    whole = Arrivals(7)
    whole.extend(offered)
    assert sorted(itertools.chain(*parts)) == times(whole)
    assert all(i % count == shard for shard, part in enumerate(parts) for i, _ in part)


@pytest.mark.parametrize("kind", ["poisson", "constant"])
def test_stages_that_are_added_go_on_with_the_sequence(kind: Kind) -> None:
    offered = stages(kind, (10, 3, 3), (10, 6, 6))
    arrivals = Arrivals(3)
    arrivals.extend(offered[:1])
    first = times(arrivals)
    assert arrivals.next()[1] == NEVER_S
    arrivals.extend(offered[1:])
    assert [at_s for _, at_s in (*first, *times(arrivals))] == played(3, offered)


def test_without_stages_nothing_arrives() -> None:
    assert Arrivals(1).next()[1] == NEVER_S
