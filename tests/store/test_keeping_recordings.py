"""Which recordings a report reads: a store grows, and a run is in one or two of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_voiceload.store.keeping import Kept
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.batches import Batch
from tests.reports.samples import PLANTED, QUIET, demo_store
from tests.store.builder import write_store

FIRST, SECOND, AGENT = f"{PLANTED}-rec", f"{QUIET}-rec", "of-an-agent"
QUERIES = ("run_facts", "run_ledger", "level_table", "level_cells", "component_curve")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings with a run each."""
    return demo_store(tmp_path_factory.mktemp("grown"))


@pytest.fixture
def reading(store: Path) -> Iterator[Reading]:
    with open_store(store) as opened:
        yield opened


def read(reading: Reading) -> list[object]:
    """The recordings whose spans are looked at."""
    found = reading._connection.execute("select distinct recording_id from raw_spans order by all")
    return [row[0] for row in found.fetchall()]


def runs_in(reading: Reading, view: str) -> list[object]:
    rows = reading._connection.execute(f"select distinct run_id from {view} order by all")
    return [row[0] for row in rows.fetchall()]


def test_only_those_that_may_hold_the_run(reading: Reading) -> None:
    kept = Kept(reading._connection)
    kept.ask_about([PLANTED, QUIET])
    kept.ensure("calls")
    kept.read_only(QUIET)
    assert read(reading) == [SECOND]
    kept.ensure("stages")
    assert runs_in(reading, "stages") == [PLANTED, QUIET], "what is kept is of all asked runs"
    kept.ask_about([PLANTED])
    kept.ensure("calls")
    assert read(reading) == [FIRST]
    kept.ensure("trace_runs")
    assert runs_in(reading, "trace_runs") == [PLANTED, QUIET], "which runs there are"
    kept.ask_all()
    assert read(reading) == [FIRST, SECOND]


def test_those_of_which_a_trace_says_whose_the_spans_are_are_read_for_every_run(
    tmp_path: Path,
) -> None:
    folder = demo_store(tmp_path)
    with open_store(folder) as reading:
        ((trace_id,),) = reading.sql(
            f"select trace_id from calls where run_id = '{QUIET}' order by all limit 1"
        ).rows
    own = ExportTraceServiceRequest()
    own.resource_spans.add().scope_spans.add().spans.add(
        trace_id=bytes.fromhex(str(trace_id)), span_id=b"12345678", name="own"
    )
    write_store(folder, [([Batch("traces", own.SerializeToString(), 1)], True)], recording=AGENT)
    with open_store(folder) as reading:
        before = reading.query("run_ledger", run_id=PLANTED)[0]["spans_of_target"]
        assert read(reading) == [FIRST, AGENT]
        after = reading.query("run_ledger", run_id=QUIET)[0]["spans_of_target"]
        assert read(reading) == [SECOND, AGENT]
        assert (before, after) == (0, 1)


def test_a_run_reads_the_same_alone_and_among_others(store: Path) -> None:
    found = []
    for path in (store / "recordings" / SECOND / "segment-0001.duckdb", store):
        with open_store(path) as reading:
            found.append([reading.query(name, run_id=QUIET) for name in QUERIES])
    assert found[0] == found[1]
    assert all(found[0])
