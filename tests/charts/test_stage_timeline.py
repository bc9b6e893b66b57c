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

    assert [(row["at"], row["text"]) for row in labels] == [(0, "12"), (8, "24")]


def test_the_steps_of_the_asked_load_keep_their_order() -> None:
    asked = stage_timeline.spec(ROWS)["layer"][1]["data"]["values"]

    assert [row["order"] for row in asked] == [0, 1, 2, 3]


def test_the_bend_lies_across_the_chart_only_when_there_is_one() -> None:
    with_bend = stage_timeline.spec(ROWS, bend_calls=46, bend_label="llm bends at 46")
    without = stage_timeline.spec(ROWS)

    assert len(with_bend["layer"]) == len(without["layer"]) + 2
    assert with_bend["layer"][-1]["mark"]["text"] == "llm bends at 46"


def test_a_stage_too_short_for_its_number_has_none() -> None:
    asked = [at("asked", 0, 5), at("asked", 1, 5), at("asked", 1, 320), at("asked", 900, 320)]
    labels = stage_timeline.spec(asked)["layer"][2]["data"]["values"]

    assert [row["text"] for row in labels] == ["320"]


def test_the_words_of_the_bend_stand_where_the_load_does_not_cross_them() -> None:
    asked = [at("asked", 0, 90), at("asked", 20, 90), at("asked", 20, 12), at("asked", 99, 12)]
    words = stage_timeline.spec(asked, bend_calls=46, bend_label="llm bends at 46")["layer"][-1]

    assert words["data"]["values"] == [{"calls": 46, "at": 20.0}]


def test_a_long_run_is_told_in_minutes() -> None:
    spec = stage_timeline.spec([at("asked", 0, 5), at("asked", 5400, 5)])
    x = spec["layer"][0]["encoding"]["x"]

    assert x["title"] == "minutes since the first stage"
    assert x["axis"]["values"] == [0, 15, 30, 45, 60, 75, 90]
