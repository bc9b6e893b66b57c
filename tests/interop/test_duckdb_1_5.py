"""DuckDB 1.5 as a reader: the command lines that people have open what is written here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.reports.copies import write
from otel_voiceload.telemetry.posting import HttpPoster, collector_endpoint
from tests.collector.processes import FREE, Served
from tests.reports.samples import stages
from tests.store.builder import batches_of

VERSION = "1.5.5"
RUN = "20270115T080001-llm"

ASK = """
import json, sys
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
json_bytes, = connection.execute(
    "select sum(length(attributes::varchar)) from " + sys.argv[2]
).fetchone()
spans, = connection.execute("select count(*) from " + sys.argv[2]).fetchone()
print(json.dumps([duckdb.__version__, spans, int(json_bytes)]))
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the older DuckDB, which a process puts before ours."""
    if os.environ.get("INTEROP") != "1":
        pytest.skip("installs an older DuckDB; run by make interop")
    folder = tmp_path_factory.mktemp("duckdb")
    words = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *words, f"duckdb=={VERSION}"], check=True)
    return folder


def ask(older: Path, file: Path, table: str) -> tuple[str, int, int]:
    """Its version, the spans it counts and the characters of their attributes."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(file), table],
        env={**os.environ, "PYTHONPATH": str(older)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    version, spans, characters = json.loads(done.stdout)
    return version, spans, characters


def collected(store: Path) -> int:
    """A simulated run through a real collector; the spans it acknowledged."""
    callers = CallerModel()
    config = solve_plant("llm", 24, callers.cycle(), seed=1)
    records = simulate(stages(), config, callers, seed=1, run=SimulatedRun(run_id=RUN))
    batches = batches_of(records, RUN)
    with Served(store, *FREE) as served:
        poster = HttpPoster(collector_endpoint(served.http))
        answers = [poster.post(batch, 10.0) for batch in batches]
        poster.close()
        assert served.stop() == (0, "")
    assert not any(answer.retry or answer.rejected for answer in answers)
    return sum(batch.items for batch in batches if batch.signal == "traces")


def test_a_sealed_segment_and_an_exported_run_open_in_duckdb_1_5(
    older: Path, tmp_path: Path
) -> None:
    sent = collected(tmp_path / "store")
    (segment,) = sorted((tmp_path / "store").glob("recordings/*/segment-*.duckdb"))
    exported = tmp_path / "run.duckdb"
    write(tmp_path / "store", RUN, exported, "duckdb", "turns")

    from_segment = ask(older, segment, "spans")
    from_export = ask(older, exported, "spans")

    assert from_segment == from_export
    assert from_segment[:2] == (VERSION, sent)
    assert from_segment[2] > 0
