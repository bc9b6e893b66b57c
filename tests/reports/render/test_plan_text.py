from __future__ import annotations

import re

import pytest

from otel_voiceload.capacity.plan_file import PlanFile
from otel_voiceload.capacity.prices import Prices
from otel_voiceload.reports.plan import PlanOptions, plan_without_run
from otel_voiceload.reports.plan_types import Plan, PlanOutcome
from otel_voiceload.reports.render.plan_text import WIDTH, markdown, terminal
from tests.reports.plans import assumed, declaring


@pytest.fixture
def full() -> Plan:
    """Everything that a plan may hold, at the most calls there may be."""
    written = PlanFile(declaring(stt=9e9, tts=1e5).limits, {"call.turns": 30.0})
    prices = Prices.model_validate({"stt": {"per_minute": 0.01}, "currency": "EUR"})
    plan = plan_without_run(
        PlanOptions(
            target_calls=10_000_000, written=written, file="providers-of-2027.yaml", prices=prices
        )
    )
    outcome: PlanOutcome = {
        "first": [
            {"component": "llm", "calls": 49.0, "ci": (44.0, 55.0), "simulated": True, "why": ""}
        ],
        "carries": (44.0, 55.0), "unknown": ["stt", "tts"], "peak_p50_s": 1.6, "peak_p95_s": 1.9,
        "simulated_calls": 92, "scale": 1.0, "notes": [],
    }  # fmt: skip
    plan["what_if"] = {
        "changes": ["llm.capacity=2x", "stt.latency=80ms"],
        "peak_calls": 60.0,
        "deadline_s": 8.0,
        "before": outcome,
        "after": outcome,
    }
    plan["fixes"] = [
        {
            "component": "llm", "action": "give llm more capacity, twice as much",
            "ceiling_after": None, "ci": (44.0, 110.0), "next_bottleneck": None, "basis": "bounds",
            "why": "stt and tts carried 46 calls without bending and never met more",
            "at_peak": {
                "calls": 60.0, "now_s": 1.5, "after_s": (0.8, 1.5), "saves_ms": (0.0, 700.0),
                "deadline_s": 8.0,
            },
        }
    ]  # fmt: skip
    plan["run"] = {"id": "r1", "target": "ws://agent", "validity": "valid", "headline": "h"}
    return plan


def test_no_line_is_wider_than_a_terminal(full: Plan) -> None:
    assert [line for line in terminal(full).splitlines() if len(line) > WIDTH] == []


def test_colour_changes_nothing_but_the_colour(full: Plan) -> None:
    assert re.sub(r"\x1b\[\d+m", "", terminal(full, color=True)).split() == terminal(full).split()
    assert "\x1b[31m" in terminal(full, color=True)  # a limit that is too small


@pytest.mark.parametrize(
    "said",
    [
        "LIMITS, the calls at which each is full",
        "WHAT IF llm.capacity=2x, stt.latency=80ms",
        "NEEDED for 10,000,000 calls at once",
        "100,000 short",
        "at least 44 calls, up to 110; where in between is not known: stt and tts",
        "(saves up to 700 ms, perhaps nothing)",
        "together 6,000,000.00 EUR an hour",
        "INPUTS, to be edited",
    ],
)
def test_every_section_is_there_in_both_forms(full: Plan, said: str) -> None:
    text = " ".join(terminal(full).split())

    assert said in text


def test_markdown_has_the_same_sections_as_tables(full: Plan) -> None:
    text = markdown(full)

    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "Limits",
        "What to fix",
        "What if llm.capacity=2x, stt.latency=80ms",
        "Needed for 10,000,000 calls at once",
        "Cost",
        "Inputs",
    ]
    assert "| llm | tokens per minute, both |" in text


def test_what_was_not_asked_is_left_out() -> None:
    text = terminal(assumed(10))

    assert "WHAT IF" not in text
    assert "cost" not in text
    assert "name a RUN" in text


def test_a_file_name_with_odd_signs_breaks_no_table() -> None:
    plan = plan_without_run(
        PlanOptions(target_calls=5, written=declaring(llm=1.0), file="a|b<c>.yaml")
    )

    assert "a\\|b" in markdown(plan)
