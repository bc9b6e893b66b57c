from __future__ import annotations

from typing import Any, cast

import pytest

from otel_voiceload.reports.render import html, markdown, phases, terminal
from otel_voiceload.reports.report import Phase, Report, Spike
from tests.reports.samples import demo_exhibits, demo_report


def phase(name: str, **changes: Any) -> Phase:
    made = {
        "phase": name,
        "started": None,
        "ended": None,
        "stages": 1,
        "calls_from": 10.0,
        "calls_to": 10.0,
        "per_s_to": None,
        "calls": 30,
        "turns": 120,
        "p50_s": 0.71,
        "p95_s": 1.2,
        "p99_s": 30.0,
        "completion": 0.98,
        "error_rate": 0.0,
        "starts_dropped": 0,
        "note": "",
        "verdict": None,
    }
    return cast(Phase, made | changes)


def spike(**changes: Any) -> Spike:
    made = {
        "stage_index": 3,
        "phase": "spike",
        "started": None,
        "calls_before": 4.0,
        "calls_asked": 20.0,
        "calls_reached": 20,
        "jump_s": 0.5,
        "schedule_delay_p95_s": 0.02,
        "connect_attempts": 16,
        "connect_failures": 1,
        "connect_p50_s": 0.004,
        "connect_p95_s": 0.009,
        "queued": 12,
        "rejected": 3,
        "dropped": 2,
        "p95_before_s": 0.9,
        "p95_s": 3.1,
        "p95_after_s": 0.95,
        "recovery_s": 4.0,
        "recovery_ci": (2.0, 6.0),
        "recovery_resolution_s": 2.0,
        "watched_s": 30.0,
        "limited_share": 0.0,
    }
    return cast(Spike, made | changes)


def report() -> Report:
    made = demo_report()
    made["phases"] = [
        phase("baseline"),
        phase("ramp", calls_from=2.0, calls_to=40.0, p95_s=None),
        phase("a name of the user's own", verdict="not_applicable", note="n" * 90),
        phase("open", calls_from=None, calls_to=None, per_s_to=2.5, starts_dropped=7),
    ]
    made["spikes"] = [spike(), spike(jump_s=None, calls_reached=15, recovery_s=None)]
    return made


def test_each_phase_is_a_row_with_its_load_and_its_notes() -> None:
    rows = phases.rows(report())
    assert [row.cells[:3] for row in rows] == [
        ("baseline", "10", "30"),
        ("ramp", "2-40", "30"),
        ("a name of the user's own", "10", "30"),
        ("open", "2.5/s", "30"),
    ]
    assert rows[1].cells[5] == "?"
    assert rows[3].notes == ("7 arrivals found all of --max-calls held",)


def test_a_run_of_one_phase_needs_no_table_of_them() -> None:
    made = demo_report()
    made["phases"] = [phase("ramp")]
    assert phases.rows(made) == []
    made["phases"] = [phase("soak", note="75% of the ceiling of 8 calls")]
    assert len(phases.rows(made)) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "4 to 20 calls stood after 0.50 s; the generator's own delay p95 20 ms"),
        ({}, "1 of 16 calls did not connect; 12 requests queued, 3 rejected, 2 calls dropped"),
        ({}, "turns p95 0.90 s before, 3.10 s in it, back after 4.00 s, to within 2.00 s"),
        ({"jump_s": None, "calls_reached": 15}, "never stood: 15 calls at the most"),
        ({"recovery_s": None}, "not back within the 30.0 s that were watched"),
        ({"recovery_s": 0.0}, "back within 2.00 s"),
        ({"recovery_ci": (2.0, 16.0)}, "to within 2.00 s (2.00 s to 16.0 s)"),
        ({"recovery_ci": (4.0, None)}, "to within 2.00 s (at least 4.00 s)"),
        ({"watched_s": None}, "nothing was held after it"),
        ({"limited_share": 0.2}, "; the generator was the limit for 20% of it"),
    ],
)
def test_a_spike_is_told_in_words(changes: dict[str, Any], said: str) -> None:
    made = demo_report()
    made["spikes"] = [spike(**changes)]
    assert said in " ".join(phases.about_spikes(made))


def test_every_form_of_the_report_shows_the_phases() -> None:
    text = terminal.render(report())
    assert max(map(len, text.splitlines())) <= 80
    for shown in (text, markdown.render(report()), html.render(report(), demo_exhibits())):
        for words in ("baseline", "2-40", "2.5/s", "7 arrivals", "4 to 20 calls"):
            assert words in " ".join(shown.split())
