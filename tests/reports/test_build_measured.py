from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.reports.build_measured import RunSamples, read_samples
from otel_voiceload.store.open import open_store
from tests.store import records
from tests.store.builder import write_run


@pytest.fixture
def samples(tmp_path: Path) -> RunSamples:
    run = [
        *records.small_run(),
        records.call(records.identity(2), 2, 12, "completed"),
        records.call(records.identity(3), 2, 12, "refused", error_type="busy"),
        records.call(records.identity(4), 2, 12, "aborted_by_us"),
    ]
    with open_store(write_run(tmp_path / "run.duckdb", run, records.RUN)) as reading:
        return read_samples(reading, records.RUN, ["llm", "tts"])


def test_completion_counts_only_connected_calls_that_ended_without_us(samples: RunSamples) -> None:
    # abandoned and completed; refused was never connected, aborted_by_us is ours.
    assert sorted(samples.measured["call_completion"].values.tolist()) == [0.0, 1.0]


def test_connecting_is_apart_and_counts_every_attempt(samples: RunSamples) -> None:
    assert sorted(samples.measured["connect_success"].values.tolist()) == [0.0, 1.0, 1.0, 1.0]


def test_an_unanswered_turn_is_an_error_and_stands_with_its_deadline(samples: RunSamples) -> None:
    latency = samples.measured["turn_latency"]
    assert sorted(latency.values.tolist()) == [1.0, 8.0]
    assert latency.censored.sum() == 1
    assert sorted(samples.measured["error_rate"].values.tolist()) == [0.0, 1.0]


def test_a_component_that_is_asked_for_is_a_metric(samples: RunSamples) -> None:
    assert samples.measured["llm"].values.tolist() == pytest.approx([0.4])
    assert "tts" in samples.measured
    assert "stt" not in samples.measured


def test_a_byte_stream_has_no_packets(samples: RunSamples) -> None:
    assert not samples.packets
