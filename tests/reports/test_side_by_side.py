from __future__ import annotations

from otel_voiceload.reports import side_by_side
from tests.reports.samples import demo_report


def test_both_runs_stand_beside_each_other_in_eighty_columns() -> None:
    old, new = demo_report(), demo_report()
    old["run"]["tag"], new["run"]["tag"] = "friday", "a tag that is much longer than a column is"
    new["turn_latency"]["p95_s"] = 1.23
    text = side_by_side.text(old, new)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "friday" in lines[0]
    (p95,) = [line for line in lines if line.strip().startswith("turn p95")]
    assert p95.endswith("1.23 s")


def test_a_component_that_only_one_of_them_saw_is_left_out() -> None:
    old, new = demo_report(), demo_report()
    new["components"] = [each for each in new["components"] if each["component"] != "llm"]
    names = [name for name, _, _ in side_by_side.rows(old, new)]
    assert "llm p95 at its peak" not in names
    assert "stt p95 at its peak" in names


def test_what_bent_is_said_or_why_nothing_is() -> None:
    old, new = demo_report(), demo_report()
    new["inflection"] = {**new["inflection"], "status": "not_reached", "candidates": []}
    (row,) = [row for row in side_by_side.rows(old, new) if row[0] == "bends first"]
    assert row[1].startswith("llm ")
    assert row[2] == "not reached"
