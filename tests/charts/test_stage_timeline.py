from __future__ import annotations

from otel_voiceload.charts import stage_timeline
from otel_voiceload.charts.stage_timeline import TimelinePoint


def at(series: str, at_s: float, calls: float) -> TimelinePoint:
    return {"series": series, "at_s": at_s, "calls": calls, "stage_index": None, "phase": None}


ROWS = [
    at("asked", 0, 12),
    at("asked", 8, 12),
    at("asked", 8, 24),
    at("asked", 17, 24),
    at("held", 0, 3),
    at("held", 4, 12),
]


def test_each_stage_is_labelled_with_the_calls_at_its_start() -> None:
    labels = stage_timeline.spec(ROWS)["layer"][2]["data"]["values"]

    assert [(row["at_s"], row["text"]) for row in labels] == [(0, "12"), (8, "24")]


def test_the_steps_of_the_asked_load_keep_their_order() -> None:
    asked = stage_timeline.spec(ROWS)["layer"][1]["data"]["values"]

    assert [row["order"] for row in asked] == [0, 1, 2, 3]


def test_the_bend_lies_across_the_chart_only_when_there_is_one() -> None:
    with_bend = stage_timeline.spec(ROWS, bend_calls=46, bend_label="llm bends at 46")
    without = stage_timeline.spec(ROWS)

    assert len(with_bend["layer"]) == len(without["layer"]) + 2
    assert with_bend["layer"][-1]["mark"]["text"] == "llm bends at 46"
