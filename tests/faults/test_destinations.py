"""Destinations that answer in every wrong way: what they owe is delivered, kept or named."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.posting import Endpoint
from tests.faults.destinations import Destination
from tests.faults.rounds import IS_FULL
from tests.faults.telling import Telling, expected

CALLS = 25
WAIT_S = 90.0
in_full = pytest.mark.skipif(not IS_FULL, reason="plays for seconds: make faults")


def test_one_that_pushes_back_gets_everything_once_it_takes_it(tmp_path: Path) -> None:
    with Destination(503, "1") as destination, Telling(destination.url, tmp_path) as told:
        assert destination.first.wait(WAIT_S), "nobody asked"
        told.wait_for(2 * CALLS)
        assert not destination.copies
        destination.mended.set()
        totals = told.end()
    assert totals.away_s > 0
    ended = expected(told.calls).total()
    assert totals == Totals(ended, ended)
    assert set(destination.copies.values()) == {1}
    assert len(destination.copies) == ended


@in_full
def test_one_that_refuses_for_good_costs_a_named_loss_and_no_retries(tmp_path: Path) -> None:
    with Destination(400) as destination, Telling(destination.url, tmp_path) as told:
        told.wait_for(CALLS)
        totals = told.end()
    ended = expected(told.calls).total()
    assert totals == Totals(ended, 0, {"http_400": ended})
    assert destination.asked <= 2 + ended // 100, "refused batches were sent again"


@in_full
def test_one_that_never_answers_holds_up_neither_the_run_nor_its_end(tmp_path: Path) -> None:
    with (
        Destination(0) as destination,
        Telling(destination.url, tmp_path, flush_s=0.5) as told,
    ):
        assert destination.first.wait(WAIT_S), "nobody asked"
        told.wait_for(CALLS)
        totals = told.end()
    assert totals == Totals(expected(told.calls).total(), 0, spooled=expected(told.calls).total())


@in_full
def test_a_copy_that_is_refused_or_away_costs_the_run_nothing(tmp_path: Path) -> None:
    with (
        Destination(200) as main,
        Destination(503) as other,
        Telling(
            main.url, tmp_path, flush_s=2.0, copy=Endpoint({"traces": f"{other.url}/v1/traces"})
        ) as told,
    ):
        assert other.first.wait(WAIT_S), "nobody asked"
        told.wait_for(CALLS)
        totals = told.end()
    ended = expected(told.calls).total()
    assert totals == Totals(ended, ended, copy=Totals(ended, 0, spooled=ended))
    assert [path.name for path in told.spool.iterdir()] == ["copy"]
