"""The charts of a long five-phase run as drawings: what is written, and that it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from xml.etree import ElementTree

import pytest

from otel_voiceload.charts import latency_curve, stage_timeline, theme, turn_share, waterfall
from otel_voiceload.charts.labels import Box
from otel_voiceload.charts.latency_curve import Bend, Point
from otel_voiceload.charts.stage_timeline import TimelinePoint
from otel_voiceload.charts.theme import Spec

HELD = (10, 5, 20, 40, 80, 160, 320, 80, 16, 80, 16, 160, 16, 60, 40, 80, 160, 320)
BEND = Bend(calls=142, low=115, high=170, climb_from=85, climb_to=160)
THIN = 5.0  # pixels of a character at least: what meets even so does meet
PLAIN = re.compile(r"[-−]?[\d,]+(\.\d+)?")


def drawn(spec: Spec) -> ElementTree.Element:
    vl_convert = pytest.importorskip("vl_convert")
    return ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, config=theme.config("light")))


def texts(
    element: ElementTree.Element, left: float = 0.0, top: float = 0.0, turned: bool = False
) -> Iterator[tuple[str, Box]]:
    """Every text that can be seen, and a box that is rather too small than too large."""
    transform = element.get("transform", "")
    if move := re.search(r"translate\(([-\d.e]+),\s*([-\d.e]+)\)", transform):
        left, top = left + float(move[1]), top + float(move[2])
    turned = turned or "rotate(-90)" in transform or "rotate(270)" in transform
    if element.tag.endswith("text") and element.text and element.get("opacity") != "0":
        wide = THIN * len(element.text)
        before = {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", ""), 0.0) * wide
        if turned:
            yield element.text, Box(left - 8, left, top + before - wide, top + before)
        else:
            yield element.text, Box(left - before, left - before + wide, top - 8, top)
    for child in element:
        yield from texts(child, left, top, turned)


def curve_of(many: bool) -> Spec:
    levels = range(10, 330, 10) if many else (10, 20, 40, 80, 160, 320)
    points = [Point(calls, False, 30, 0.2, 0.3 + calls / 50, 9.0, 0.0) for calls in levels]
    axes = latency_curve.shared_axes([points], BEND)
    return latency_curve.spec("llm", points, axes, bend=BEND, bends_here=True, width=325)


def share() -> Spec:
    rows: list[turn_share.Share] = [
        {
            "level_no": number,
            "level": calls,
            "component": "llm",
            "turns": 9,
            "mean_s": 0.66,
            "share": 1.0,
        }
        for number, calls in enumerate(HELD)
    ]
    return turn_share.spec(rows, width=490)


def timeline() -> Spec:
    rows: list[TimelinePoint] = []
    at_s = 0.0
    for calls in HELD:
        lasting = 4400.0 if calls == 60 else 45.0
        for moment in (at_s, at_s + lasting):
            rows.append(
                {
                    "series": "asked",
                    "at_s": moment,
                    "calls": calls,
                    "stage_index": None,
                    "phase": None,
                }
            )
        at_s += lasting
    return stage_timeline.spec(rows, bend_calls=142, bend_label="llm bends at 142", width=490)


def slow_turn() -> Spec:
    span: waterfall.ExemplarSpan = {
        "exemplar": "worst",
        "call_id": "c" * 32,
        "turn_index": 1,
        "calls": 96,
        "latency_s": 30.0,
        "component": "llm",
        "attempt": 0,
        "start_s": 1.0,
        "end_s": 29.0,
        "source": "in_band",
        "error_type": None,
    }
    return waterfall.spec([span], title="Worst turn", subtitle="30 s", width=490)


CHARTS = {
    "curve": curve_of(many=False),
    "curve of many levels": curve_of(many=True),
    "share": share(),
    "timeline": timeline(),
    "slow turn": slow_turn(),
}


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_of_a_chart_stands_on_another_or_outside_and_numbers_are_plain(name: str) -> None:
    drawing = drawn(CHARTS[name])
    written = list(texts(drawing))
    numbers = [text for text, _ in written if text[:1].isdigit() and " " not in text]

    assert [(one, other) for (one, a), (other, b) in combinations(written, 2) if a.meets(b)] == []
    assert [text for text, box in written if box.right > float(drawing.get("width", "0"))] == []
    assert len(numbers) >= 5
    assert [text for text in numbers if not PLAIN.fullmatch(text.rstrip("%"))] == []


def test_every_level_of_a_long_run_has_its_seconds_above() -> None:
    written = [text for text, _ in texts(drawn(CHARTS["share"]))]

    assert written.count("0.66") == len(HELD)
