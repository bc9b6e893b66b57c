"""Work that callers did not wait for: how long it would have taken is only known from below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import Stage
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.render import grid, phrases
from otel_voiceload.store.open import open_store
from tests.store.builder import batches_of, write_segment

RUN = "20270115T080003-cut"
FEW, MANY = 8, 56
HELD_S = 60.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text to speech is full at 16 calls: of 56, many hang up while it works."""
    callers = CallerModel()
    config = solve_plant("tts", 16, callers.cycle(), seed=1)
    stages = [
        Stage(index, "ramp", HELD_S * index, HELD_S, calls, calls)
        for index, calls in enumerate((FEW, MANY))
    ]
    records = simulate(stages, config, callers, seed=1, run=SimulatedRun(run_id=RUN))
    return write_segment(tmp_path_factory.mktemp("cut") / "run.duckdb", batches_of(records, RUN))


def asked(store: Path, name: str, **parameters: object) -> list[dict[str, Any]]:
    with open_store(store) as reading:
        reading.prepare(RUN)
        return reading.query(name, run_id=RUN, **parameters)


def test_percentiles_among_it_are_open_and_the_others_are_not(store: Path) -> None:
    rows = asked(store, "component_curve")
    curve = {(row["component"], row["concurrency"]): row for row in rows}
    rows = asked(store, "component_samples", component="tts")
    top = [row for row in rows if row["level_no"] == 1]
    done = [row["latency_s"] for row in top if not row["cut_off"]]
    cut = [row["latency_s"] for row in top if row["cut_off"]]
    assert 0.05 * len(top) < len(cut) < 0.5 * len(top), "nothing is tested here"

    tts = curve["tts", MANY]
    assert tts["samples"] == len(top)
    ranked = sorted(done) + [np.inf] * len(cut)
    middle = np.interp(0.5 * (len(ranked) - 1), range(len(ranked)), ranked)
    assert tts["p50_s"] == pytest.approx(middle), "what was cut off ranks above what was done"
    assert tts["p95_s"] == pytest.approx(max(np.quantile(done + cut, 0.95), middle))
    assert tts["open_from_s"] == tts["p95_s"]
    for other in (("tts", FEW), ("stt", MANY), ("llm", MANY)):
        assert curve[other]["open_from_s"] is None


def test_no_threshold_is_held_by_it(store: Path) -> None:
    """Callers waited eight seconds at most, so nobody saw work of nine."""
    options = ReportOptions(thresholds=parse("tts: p95<9s"), expected_peak=MANY)
    with open_store(store) as reading:
        report = build_report(reading, RUN, options)
    (tts,) = [each for each in report["thresholds"] if each["metric"] == "tts"]
    assert (tts["verdict"], tts["judged_at"], tts["at_least"]) == ("unknown", MANY, True)
    assert phrases.observed(tts, None).startswith(">")
    table = grid.build(report)
    rows = [row for row in table.rows if isinstance(row, grid.LevelRow)]
    cell = rows[-1].cells[table.columns.index("tts")]
    assert cell.p95.startswith(">")
    assert not cell.p50.startswith(">")
