from __future__ import annotations

from otel_voiceload.charts import turn_share
from otel_voiceload.charts.turn_share import Share


def share(number: int, level: float, component: str, mean: float | None, part: float) -> Share:
    return {
        "level_no": number,
        "level": level,
        "component": component,
        "turns": 9,
        "mean_s": mean,
        "share": part,
    }


ROWS = [
    share(0, 12, "llm", 0.5, 0.5),
    share(0, 12, "unattributed", 0.5, 0.5),
    share(1, 24, "llm", 3.0, 0.75),
    share(1, 24, "stt", 1.0, 0.25),
    share(2, 12, "llm", 0.5, 1.0),
]


def test_levels_stand_in_the_order_they_were_held_and_a_return_says_so() -> None:
    spec = turn_share.spec(ROWS)

    assert spec["layer"][0]["encoding"]["x"]["sort"] == ["12", "24", "12 again"]


def test_a_level_held_many_times_keeps_a_short_name() -> None:
    rows = [share(number, 12, "llm", 0.5, 1.0) for number in range(4)]

    assert list(turn_share.level_names(rows).values()) == ["12", "12 again", "12 (3)", "12 (4)"]


def test_levels_that_do_not_fit_beside_each_other_stand_on_end() -> None:
    many = [share(number, 100 + number, "llm", 0.5, 1.0) for number in range(20)]
    angles = [
        turn_share.spec(rows)["layer"][0]["encoding"]["x"]["axis"]["labelAngle"]
        for rows in (ROWS, many)
    ]

    assert angles == [0, -90]


def test_the_mean_turn_stands_above_each_bar() -> None:
    texts = turn_share.spec(ROWS)["layer"][1]["data"]["values"]

    assert [(row["level"], row["text"]) for row in texts] == [
        ("12", "1.00"),
        ("24", "4.00"),
        ("12 again", "0.50"),
    ]


def test_the_legend_names_only_what_is_there_and_the_rest_last() -> None:
    colour = turn_share.spec(ROWS)["layer"][0]["encoding"]["color"]

    assert colour["legend"]["values"] == ["stt", "llm", "unattributed"]


def test_a_component_without_a_figure_is_left_out() -> None:
    spec = turn_share.spec([*ROWS, share(2, 12, "tts", None, 0.1)])

    assert "tts" not in {row["component"] for row in spec["layer"][0]["data"]["values"]}
