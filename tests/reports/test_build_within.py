"""Latency inside calls: of runs whose turns are written by hand, so that every figure is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.model import Record
from otel_voiceload.reports.build_within import within_calls
from otel_voiceload.reports.report_within import LevelWithin
from otel_voiceload.store.open import open_store
from tests.store import records
from tests.store.builder import write_run


def run_of(calls: int, turns: int, step_s: float) -> list[Record]:
    """Calls beside each other, every turn of which takes ``step_s`` longer than the one before."""
    made: list[Record] = [records.run(), records.stage(200.0, calls=calls)]
    for index in range(1, calls + 1):
        who = records.identity(index)
        made.append(records.call_start(who, 1))
        for number in range(turns):
            ends = 10 + 8 * number + 0.1 * index
            made.append(records.turn(who, number, ends, ends + 1 + step_s * number))
        made.append(records.call(who, 1, 190))
    return made


def found_in(tmp_path: Path, run: list[Record]) -> list[LevelWithin]:
    with open_store(write_run(tmp_path / "run.duckdb", run, records.RUN)) as reading:
        reading.prepare(records.RUN)
        return within_calls(reading, records.RUN, background=100.0)


def test_turns_are_put_together_by_doubling_and_answers_that_grow_show(tmp_path: Path) -> None:
    (level,) = found_in(tmp_path, run_of(8, 16, 0.1))

    assert (level["level"], level["again"]) == (108.0, False)
    numbers = [(each["turn_from"], each["turn_to"]) for each in level["by_number"]]
    assert numbers[-2:] == [(5, 8), (9, 16)]
    last = level["by_number"][-1]
    assert last["samples"] == 64
    assert last["p50_s"] == pytest.approx(2.15)
    spread = level["spread"]
    assert spread is not None
    assert spread["calls"] == 8
    assert spread["within_s"] is not None
    assert spread["within_s"] > 0.3
    assert spread["between_s"] == pytest.approx(0, abs=1e-6)


def test_too_few_turns_and_calls_give_no_figure(tmp_path: Path) -> None:
    (level,) = found_in(tmp_path, run_of(1, 16, 0.1))

    few = [each for each in level["by_number"] if each["samples"] < 6]
    assert few
    assert {each["p50_s"] for each in few} == {None}
    assert level["spread"] is not None
    assert level["spread"]["calls"] == 1
    assert (level["spread"]["between_s"], level["spread"]["ratio_p50"]) == (None, None)


def test_a_run_without_turns_has_none(tmp_path: Path) -> None:
    assert found_in(tmp_path, [records.run(), records.stage()]) == []
