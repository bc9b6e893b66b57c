"""Components that tell of their work by another clock than the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import ComponentRecord, Stage, TurnRecord
from otel_voiceload.reports.build import build_report
from otel_voiceload.reports.doctor import examined
from otel_voiceload.reports.render import terminal
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.store.builder import batches_of, write_store

NS_PER_S = 1_000_000_000
SKEWS = {  # of llm's clock, in seconds, by run
    "20270115T080010-ok": 0.0,
    "20270115T080011-little": 0.05,
    "20270115T080012-ahead": 3.0,
    "20270115T080013-behind": -3.0,
}
OK, LITTLE, AHEAD, BEHIND = SKEWS


def moved(record: object, by_s: float) -> object:
    if not isinstance(record, TurnRecord):
        return record
    parts = tuple(
        _moved(each, round(by_s * NS_PER_S)) if each.component == "llm" else each
        for each in record.components
    )
    return replace(record, components=parts)


def _moved(work: ComponentRecord, by_ns: int) -> ComponentRecord:
    first_ns = work.first_mono_ns
    return replace(
        work,
        start_mono_ns=work.start_mono_ns + by_ns,
        first_mono_ns=None if first_ns is None else first_ns + by_ns,
        end_mono_ns=work.end_mono_ns + by_ns,
    )


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    folder = tmp_path_factory.mktemp("skewed")
    callers = CallerModel()
    config = solve_plant("none", 12, callers.cycle(), seed=1)
    stages = [Stage(0, "ramp", 0.0, 25.0, 6, 6)]
    for run, skew_s in SKEWS.items():
        told = simulate(stages, config, callers, seed=1, run=SimulatedRun(run_id=run))
        records: list[Any] = [moved(each, skew_s) for each in told]
        write_store(folder, [(batches_of(records, run), True)], recording=f"{run}-rec")
    with open_store(folder) as opened:
        yield opened


def clocks(reading: Reading, run: str) -> dict[str, tuple[object, ...]]:
    return {str(row[1]): row[2:] for row in examined(reading, run).rows if row[0] == "clocks"}


@pytest.mark.parametrize(("run", "says"), [(AHEAD, "ahead"), (BEHIND, "behind")])
def test_the_doctor_says_whose_clock_is_off_and_by_how_much(
    reading: Reading, run: str, says: str
) -> None:
    checked, faulty, verdict, found, left_out = clocks(reading, run)["llm from simulated"]
    assert checked == faulty
    assert verdict == "fail"
    assert str(found).startswith(f"its clock is {says} by 2.")
    assert left_out == "unattributed time: it is unknown"
    assert examined(reading, run).failed


@pytest.mark.parametrize("run", [OK, LITTLE])
def test_what_overlaps_a_little_is_no_other_clock(reading: Reading, run: str) -> None:
    assert {row[2] for row in clocks(reading, run).values()} == {"ok"}


def test_parts_of_a_turn_are_never_more_than_the_turn(reading: Reading) -> None:
    rest = [
        figure["unattributed_s"]
        for run in (OK, AHEAD, BEHIND)
        for figure in reading.query("turn_samples", run_id=run)
    ]
    known = [each is not None for each in rest]
    assert any(known[: len(rest) // 3])
    assert not any(known[-len(rest) // 2 :])
    report = build_report(reading, AHEAD)
    assert report["unattributed"] == {"p50_s": None, "p95_s": None, "share": None}
    reasons = report["run"]["validity_reasons"]
    assert any(each.startswith("the clock of llm (simulated) is 2.") for each in reasons)
    assert report["run"]["validity"] == "degraded"
    assert "unattributed unknown" in terminal.render(report)
    llm = next(each for each in report["components"] if each["component"] == "llm")
    assert llm["baseline_p95_s"] is not None, "its own time needs no clock in common"
