from __future__ import annotations

from math import isclose

from otel_voiceload.analysis.costs import bill
from otel_voiceload.analysis.demand import Declared, needs
from otel_voiceload.analysis.inputs import settle
from otel_voiceload.capacity.prices import Prices

INPUTS = settle({}, "", {})
NEEDS = needs(100, INPUTS, Declared({}))
PRICES = Prices.model_validate(
    {
        "stt": {"per_minute": 0.01},
        "llm": {"per_million_input_tokens": 0.5, "per_million_output_tokens": 2.0},
        "tts": {"per_million_characters": 10},
        "sip": {"per_minute": 0.02},
        "generator": {"per_machine_hour": 0.4},
    }
)


def test_an_hour_of_a_hundred_calls() -> None:
    made = bill(100, INPUTS, NEEDS, PRICES)
    by_name = {f"{each.service} {each.what}": each.per_hour for each in made.rows}
    turns = 100 * 3600 / 7

    expected = {
        "stt streams": 100 * 60 * 0.01,
        "llm input tokens": turns / 30 * 70_050 / 1e6 * 0.5,
        "llm output tokens": turns * 60 / 1e6 * 2,
        "tts characters": turns * 240 / 1e6 * 10,
        "sip calls": 100 * 60 * 0.02,
        "generator machines, for a test": 0.4,
    }
    assert by_name.keys() == expected.keys()
    assert all(isclose(by_name[name] or 0, each) for name, each in expected.items())
    assert made.unpriced == ()
    assert isclose(made.per_call_minute, made.per_hour / 6000)
    assert isclose(made.per_call, made.per_call_minute * 3.5)  # 210 s


def test_a_stream_that_is_paid_while_somebody_speaks_costs_less() -> None:
    prices = Prices.model_validate({"stt": {"per_minute": 0.01, "billed": "work"}})
    made = bill(100, INPUTS, NEEDS, prices)

    assert isclose(made.rows[0].per_hour or 0, 60 * 2 / 7)


def test_speech_is_paid_by_the_minute_or_by_characters() -> None:
    prices = Prices.model_validate({"tts": {"per_minute": 0.03}})
    rows = [each for each in bill(100, INPUTS, NEEDS, prices).rows if each.service == "tts"]

    assert [each.what for each in rows] == ["speech"]
    assert isclose(rows[0].per_hour or 0, 6000 * 3 / 7 * 0.03)


def test_without_a_price_a_row_is_unknown_and_the_sum_says_so() -> None:
    made = bill(100, INPUTS, NEEDS, Prices())

    assert {each.per_hour for each in made.rows} == {None}
    assert made.per_hour == 0
    assert "llm input tokens" in made.unpriced
