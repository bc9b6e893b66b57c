"""Time without account: not that of a turn of which a component's span never came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import Record, Stage, TurnRecord
from otel_voiceload.store.open import open_store
from tests.store.builder import batches_of, write_segment

RUN = "20270115T080004-lost"


def without_llm(record: Record) -> Record:
    if not isinstance(record, TurnRecord):
        return record
    return replace(record, components=tuple(c for c in record.components if c.component != "llm"))


@pytest.mark.parametrize(
    ("every", "known"), [(3, 2 / 3), (1, 1.0)], ids=["some_lost", "nobody_tells_of_it"]
)
def test_a_turn_that_lacks_what_others_have_leaves_nothing_to_account_for(
    every: int, known: float, tmp_path: Path
) -> None:
    callers = CallerModel()
    config = solve_plant("none", 12, callers.cycle(), seed=1)
    stages = [Stage(0, "baseline", 0.0, 60.0, 6, 6)]
    made = simulate(stages, config, callers, seed=1, run=SimulatedRun(run_id=RUN))
    records = [without_llm(each) if i % every == 0 else each for i, each in enumerate(made)]
    turns = [each for each in records if isinstance(each, TurnRecord)]
    with open_store(write_segment(tmp_path / "run.duckdb", batches_of(records, RUN))) as reading:
        reading.prepare(RUN)
        rows = reading.query("turn_samples", run_id=RUN)
        (ledger,) = reading.query("run_ledger", run_id=RUN)
    told = [row["unattributed_s"] for row in rows if row["unattributed_s"] is not None]
    assert ledger["answered"] == len(rows) == len(turns)
    assert len(told) / len(rows) == pytest.approx(known, abs=0.07)
    most_s = max(float(str(each)) for each in told)
    assert (most_s < 0.25) == (every > 1), "endpointing takes 0.2 s; the time of llm is not in it"
