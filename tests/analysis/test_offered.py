from __future__ import annotations

import pytest

from otel_voiceload.analysis.offered import Offered, against
from otel_voiceload.conventions import LIMIT_REASONS


def test_a_load_that_was_offered_as_it_should_be_needs_no_word() -> None:
    assert against(Offered()) == ([], [], [])
    assert against(Offered(0.0, 0.0, "", True, 1.1, 400, 2000, 0.3)) == ([], [], [])


@pytest.mark.parametrize(
    ("offered", "weight", "says"),
    [
        (Offered(60, 0.6, "run_delay"), 0, "the limit for 60 % of the time"),
        (Offered(4, 0.05, "loop_lag, no_heartbeat"), 2, "4 s left out"),
        (Offered(0.2, 0.001, "loop_lag"), 2, "1 s left out"),
        (Offered(told=False), 1, "an older version's"),
        (Offered(dispersion=3.14, bins=100, turns=400), 1, "vary 3.1 times"),
        (Offered(dispersion=3.14, bins=100, turns=400), 1, "waves of 73 %"),
        (Offered(dispersion=2.1, bins=100, turns=6700), 2, "waves of 13 %"),
        (Offered(prompt_repeat_ratio=0.82), 2, "82 % of the turns repeat"),
    ],
)
def test_what_is_wrong_with_it_weighs_as_much_as_it_should(
    offered: Offered, weight: int, says: str
) -> None:
    told = against(offered)

    assert [len(lines) for lines in told] == [int(place == weight) for place in range(3)]
    assert says in told[weight][0]


def test_a_few_bins_prove_no_bursts() -> None:
    assert against(Offered(dispersion=3.0, bins=10, turns=40)) == ([], [], [])


@pytest.mark.parametrize("calls_per_bin", [4, 40, 400])
def test_the_same_waves_weigh_the_same_at_any_load(calls_per_bin: int) -> None:
    quarter = 0.25**2 * calls_per_bin**2
    offered = Offered(dispersion=1 + quarter / calls_per_bin, bins=60, turns=60 * calls_per_bin)

    assert offered.waves == pytest.approx(0.25)


def test_every_reason_has_its_words() -> None:
    every = Offered(limited_by=", ".join((*LIMIT_REASONS, "no_heartbeat")))

    assert not set(every.reasons.split(", ")) & {*LIMIT_REASONS, "no_heartbeat"}
