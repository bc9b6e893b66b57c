"""One judge for the report and the list of runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.model import Health
from otel_voiceload.reports import runs
from otel_voiceload.reports.build import build_report
from otel_voiceload.reports.marks import Marks
from otel_voiceload.reports.soundness import Soundness
from otel_voiceload.store.open import open_store
from tests.reports.samples import PLANTED, QUIET
from tests.store import records
from tests.store.builder import write_run
from tests.store.records import at

SECOND = Health(0, 0, 1, 50, 0, 0.0, 0.001, 0.001, 0.0, 0.1, 0, 0)


def test_the_list_of_runs_says_what_the_reports_say(store: Path) -> None:
    with open_store(store) as reading:
        listed = {
            row["run_id"]: row["validity"] for row in runs.listed(reading, Marks({}, ())).dicts()
        }
        shown = runs.shown(reading, QUIET).dicts()[0]["validity"]
        said = {run: build_report(reading, run)["run"]["validity"] for run in (PLANTED, QUIET)}

    assert listed == said
    assert shown == said[QUIET]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (range(0), []),
        (range(3), ["2 s left out in which the generator was the limit: it waited for a core"]),
        (range(31), ["the generator was the limit for 100 % of the time"]),
    ],
)
def test_what_the_generator_said_of_its_seconds_is_among_the_reasons(
    tmp_path: Path, bad: range, told: list[str]
) -> None:
    seconds = [
        replace(SECOND, at_mono_ns=at(each), limited_by=("run_delay",) if each in bad else ())
        for each in range(1, 31)
    ]
    path = write_run(tmp_path / "run.duckdb", [*records.small_run(), *seconds], records.RUN)

    with open_store(path) as reading:
        facts = reading.query("run_facts", run_id=records.RUN)[0]
        _, reasons = Soundness(reading, records.RUN, facts).judged()

    assert [
        why for why in reasons if "generator was the limit" in why and "level" not in why
    ] == told


@pytest.mark.parametrize(
    ("of_run", "said"),
    [
        ({"machine_cores": 2}, True),
        ({"machine_cores": 2, "hearing_bias_s": 0.004}, False),
        ({}, False),  # simulated or imported: nothing was to be measured
    ],
)
def test_a_hearing_that_could_not_be_measured_is_said(
    tmp_path: Path, of_run: dict[str, object], said: bool
) -> None:
    run = [records.run(**of_run), *records.small_run()[1:]]
    with open_store(write_run(tmp_path / "run.duckdb", run, records.RUN)) as reading:
        facts = reading.query("run_facts", run_id=records.RUN)[0]
        _, reasons = Soundness(reading, records.RUN, facts).judged()

    assert any(why.startswith("hearing not calibrated") for why in reasons) is said
