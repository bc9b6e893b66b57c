"""Draws belong to names: the same call draws the same values whatever runs beside it."""

from statistics import fmean, median

import pytest

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.draws import (
    draw_latency_ns,
    draw_reply_s,
    draw_retry_wait_ns,
    strikes,
    uniform,
)

CONFIG = AgentConfig()


def test_the_same_names_draw_the_same_latency() -> None:
    once, again = (draw_latency_ns(CONFIG, 1, "call", 3, "llm", 0) for _ in range(2))
    assert once == again


def test_every_name_matters() -> None:
    drawn = {
        draw_latency_ns(CONFIG, seed, call, turn, "llm", attempt)
        for seed in (1, 2)
        for call in ("a", "b")
        for turn in (0, 1)
        for attempt in (0, 1)
    }
    assert len(drawn) == 16


def test_uniform_numbers_are_uniform_and_never_at_the_ends() -> None:
    drawn = [uniform(1, index) for index in range(10_000)]
    assert min(drawn) > 0
    assert max(drawn) < 1
    assert fmean(drawn) == pytest.approx(0.5, abs=0.01)


def test_latencies_follow_the_component() -> None:
    drawn = [draw_latency_ns(CONFIG, 1, "call", turn, "llm", 0) for turn in range(4000)]
    assert median(drawn) / 1e9 == pytest.approx(0.2, rel=0.03)


def test_replies_follow_the_configuration() -> None:
    drawn = [draw_reply_s(CONFIG, 1, "call", turn) for turn in range(4000)]
    assert median(drawn) == pytest.approx(3.0, rel=0.03)


def test_a_retry_waits_what_it_was_told_and_up_to_a_quarter_more() -> None:
    waits = [draw_retry_wait_ns(1000, 1, f"call {n}", 0, "tts", 0) for n in range(500)]
    assert min(waits) >= 1000
    assert max(waits) <= 1250
    assert len(set(waits)) > 100


def test_a_fault_strikes_its_share_of_the_turns() -> None:
    struck = sum(strikes(0.1, 1, f"call {n}", 0, "drop") for n in range(5000))
    assert struck == pytest.approx(500, rel=0.2)
    assert not strikes(0.0, 1, "call", 0, "drop")
    assert strikes(1.0, 1, "call", 0, "drop")
