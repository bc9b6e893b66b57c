from __future__ import annotations

from otel_voiceload.reports.render import grid
from otel_voiceload.reports.render.grid import BendRow, LevelRow
from tests.reports.samples import demo_report


def test_columns_follow_a_turn_and_then_the_rest() -> None:
    assert grid.build(demo_report()).columns == (
        "turn",
        "stt",
        "llm",
        "tts",
        "network",
        "endpointing",
    )


def test_the_bending_component_is_never_left_out_for_width() -> None:
    report = demo_report()
    for component in report["components"]:
        component["role"] = "bottleneck" if component["component"] == "endpointing" else "healthy"

    assert grid.build(report, limit=1).columns == ("turn", "endpointing")


def test_only_the_component_that_bends_is_marked_and_only_past_its_bend() -> None:
    built = grid.build(demo_report())
    bent = [
        (row.calls, built.columns[place])
        for row in built.rows
        if isinstance(row, LevelRow)
        for place, cell in enumerate(row.cells)
        if cell is not None and cell.bent
    ]

    assert bent == [("48", "llm"), ("96", "llm")]


def test_a_bend_above_every_level_stands_before_the_return() -> None:
    report = demo_report()
    report["inflection"]["candidates"][0]["calls"] = 120.0
    kinds = [
        "bend" if isinstance(row, BendRow) else row.calls + ("again" if row.again else "")
        for row in grid.build(report).rows
    ]

    assert kinds == ["12", "24", "48", "96", "bend", "24again"]


def test_the_level_returned_to_has_its_own_figures() -> None:
    report = demo_report()
    (llm,) = (each for each in report["levels"][-1]["components"] if each["component"] == "llm")
    llm["p50_s"] = 3.21
    built = grid.build(report)
    last = built.rows[-1]

    assert isinstance(last, LevelRow)
    assert last.again
    assert last.cells[built.columns.index("llm")].p50 == "3.21"


def test_a_missing_point_is_a_question_mark_that_the_grid_explains() -> None:
    report = demo_report()
    report["levels"][0]["components"].pop(0)
    built = grid.build(report)

    assert built.has_unknown
    assert not grid.build(demo_report()).has_unknown


def test_unanswered_turns_and_failures_are_told_by_name() -> None:
    errors = [row.errors for row in grid.build(demo_report()).rows if isinstance(row, LevelRow)]

    assert errors == ["", "", "", "3 turns unanswered, llm attempts failed in 3.4% of turns", ""]
