from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.reports.exhibits import Exhibits, gather
from otel_voiceload.store.open import open_store
from tests.reports.samples import PLANTED


@pytest.fixture(scope="module")
def exhibits(store: Path) -> Exhibits:
    with open_store(store) as reading:
        return gather(reading, PLANTED, 24.0)


def test_the_shares_of_each_level_add_up_to_the_turn(exhibits: Exhibits) -> None:
    totals: dict[int, float] = {}
    for row in exhibits.turn_share:
        totals[row["level_no"]] = totals.get(row["level_no"], 0) + (row["share"] or 0)

    assert list(totals) == [0, 1, 2, 3, 4]
    assert all(total == pytest.approx(1) for total in totals.values())


def test_the_parts_of_the_mean_turn_add_up_to_its_latency(store: Path, exhibits: Exhibits) -> None:
    with open_store(store) as reading:
        rows = reading.sql(
            "select level_no, avg(response_latency_s) as mean_s from turns t join slot_levels s"
            " on s.run_id = t.run_id and s.slot = t.start_ns // 250000000"
            f" where t.run_id = '{PLANTED}' and s.counts and outcome = 'answered' and not first"
            " group by level_no order by level_no"
        ).dicts()
    means: dict[int, float] = {}
    for row in exhibits.turn_share:
        means[row["level_no"]] = means.get(row["level_no"], 0) + (row["mean_s"] or 0)

    assert list(means.values()) == pytest.approx([row["mean_s"] for row in rows])


def test_the_planted_component_takes_over_the_turn_past_its_limit(exhibits: Exhibits) -> None:
    llm = {
        row["level_no"]: row["share"] or 0
        for row in exhibits.turn_share
        if row["component"] == "llm"
    }

    assert llm[3] > llm[0] + 0.15


def test_the_timeline_has_two_points_per_stage_and_what_was_held(exhibits: Exhibits) -> None:
    asked = [row["calls"] for row in exhibits.stage_timeline if row["series"] == "asked"]
    held = [row for row in exhibits.stage_timeline if row["series"] == "held"]

    assert asked == [6, 6, 12, 12, 24, 24, 48, 48, 12, 12]
    assert max(row["calls"] for row in held) == 48
    assert len(held) <= 400


def test_the_four_turns_are_the_best_two_medians_and_the_worst(exhibits: Exhibits) -> None:
    turns = {row["exemplar"]: row for row in exhibits.exemplar_turns}

    assert list(turns) == ["best", "baseline_median", "past_knee_median", "worst"]
    latencies = [turn["latency_s"] for turn in turns.values()]
    assert latencies == sorted(latencies)
    assert (turns["past_knee_median"]["calls"] or 0) >= 24


def test_the_pieces_of_a_turn_lie_within_it(exhibits: Exhibits) -> None:
    assert [
        row
        for row in exhibits.exemplar_turns
        if (row["start_s"] or 0) < 0 or (row["end_s"] or 0) > row["latency_s"] + 1e-6
    ] == []


def test_without_a_bend_the_third_turn_comes_from_the_highest_level(store: Path) -> None:
    with open_store(store) as reading:
        names = {row["exemplar"] for row in gather(reading, PLANTED).exemplar_turns}

    assert "top_level_median" in names
    assert "past_knee_median" not in names
