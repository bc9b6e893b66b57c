from __future__ import annotations

from otel_voiceload.reports.exhibits import Exhibits
from otel_voiceload.reports.render import figures
from otel_voiceload.store.catalogue import catalogue
from tests.reports.samples import demo_exhibits, demo_report


def test_a_demo_has_every_chart_once() -> None:
    names = [figure.name for figure in figures.figures(demo_report(), demo_exhibits())]

    assert names == [
        "latency-turn",
        "latency-stt",
        "latency-llm",
        "latency-tts",
        "latency-network",
        "latency-endpointing",
        "turn-share",
        "stage-timeline",
        "turn-best",
        "turn-baseline-median",
        "turn-past-knee-median",
        "turn-worst",
    ]


def test_every_chart_names_a_query_that_exists() -> None:
    commands = {figure.command for figure in figures.figures(demo_report(), demo_exhibits())}

    assert {command.split()[2] for command in commands} <= set(catalogue())


def test_an_audio_only_target_has_the_curve_of_its_turns() -> None:
    report = demo_report()
    report["components"] = []
    report["inflection"].update(status="unobserved", candidates=[])
    shown = figures.figures(report, Exhibits([], [], []))
    found = figures.bend_of(report)

    assert [figure.name for figure in shown] == ["latency-turn"]
    assert found is not None
    assert (found[0], round(found[1].calls)) == ("turn", 47)


def test_no_bend_is_drawn_where_none_was_found() -> None:
    report = demo_report()
    for inflection in (report["inflection"], report["turn_inflection"]):
        inflection.update(status="not_reached", candidates=[], climb=None)
    curve = figures.figures(report, demo_exhibits())[0]

    assert figures.bend_of(report) is None
    assert {layer["mark"]["type"] for layer in curve.spec["layer"]} == {"line", "point", "text"}


def test_a_level_returned_to_is_told_from_the_first_visit_in_every_chart() -> None:
    curves = [
        figure
        for figure in figures.figures(demo_report(), demo_exhibits())
        if figure.group == figures.CURVES and figure.name != "latency-endpointing"
    ]
    diamonds = [
        layer["data"]["values"]
        for figure in curves
        for layer in figure.spec["layer"]
        if layer["mark"].get("shape") == "diamond"
    ]

    assert [{row["calls"] for row in rows} for rows in diamonds] == [{24}] * len(curves)


def test_a_role_that_looks_at_the_median_alone_is_not_said_beside_a_p95_that_grew() -> None:
    report = demo_report()
    for one in report["components"]:
        one.update(role="healthy", baseline_p95_s=0.2, peak_p95_s=1.4)
    described = {f.name: f.describes for f in figures.figures(report, demo_exhibits())}

    assert "p99; p95 0.20 s at first, 1.40 s at worst." in described["latency-stt"]


def test_every_chart_describes_itself_for_those_who_can_not_see_it() -> None:
    described = {f.name: f.describes for f in figures.figures(demo_report(), demo_exhibits())}

    assert "bends first, at 46 (41-52) calls" in described["latency-llm"]
    assert "unattributed" in described["turn-share"]
