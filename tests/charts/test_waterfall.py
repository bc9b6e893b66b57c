from __future__ import annotations

from typing import Any

from otel_voiceload.charts import waterfall
from otel_voiceload.charts.waterfall import ExemplarSpan


def span(
    component: str | None, start: float | None, end: float | None, error: str | None = None
) -> ExemplarSpan:
    return {
        "exemplar": "worst",
        "call_id": "c" * 32,
        "turn_index": 1,
        "calls": 96,
        "latency_s": 1.0,
        "component": component,
        "attempt": 0,
        "start_s": start,
        "end_s": end,
        "source": "in_band",
        "error_type": error,
    }


def bars(spans: list[ExemplarSpan]) -> list[dict[str, Any]]:
    spec = waterfall.spec(spans, title="Worst", subtitle="")
    values: list[dict[str, Any]] = spec["layer"][0]["data"]["values"]
    return values


def gaps(spans: list[ExemplarSpan]) -> list[tuple[float, float]]:
    return [(bar["start"], bar["end"]) for bar in bars(spans) if bar["component"] == "unattributed"]


def test_what_no_component_covers_is_drawn_as_unattributed() -> None:
    spans = [span("stt", 0.1, 0.2), span("llm", 0.2, 0.7), span("tts", 0.75, 0.9)]

    assert gaps(spans) == [(0.0, 0.1), (0.7, 0.75), (0.9, 1.0)]


def test_overlapping_components_leave_no_gap() -> None:
    assert gaps([span("llm", 0.0, 0.8), span("tts", 0.5, 1.0)]) == []


def test_a_gap_below_a_millisecond_is_rounding() -> None:
    assert gaps([span("llm", 0.0, 0.4995), span("tts", 0.5, 1.0)]) == []


def test_a_turn_without_component_timing_is_unattributed_as_a_whole() -> None:
    assert gaps([span(None, None, None)]) == [(0.0, 1.0)]


def test_a_failed_attempt_says_why() -> None:
    spec = waterfall.spec([span("llm", 0.0, 0.5, "rate_limited")], title="Worst", subtitle="")

    assert [bar["failed"] for bar in spec["layer"][1]["data"]["values"]] == ["rate_limited"]


def test_work_that_ends_after_the_first_voice_does_not_stretch_the_axis() -> None:
    spec = waterfall.spec([span("tts", 0.5, 9.0)], title="", subtitle="")

    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1] < 1.2
