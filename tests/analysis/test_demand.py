"""10,000 calls with the assumptions as they are: 30 turns of 7 s, calculated by hand."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose

import pytest

from otel_voiceload.analysis.demand import Declared, Need, call_tokens, needs
from otel_voiceload.analysis.inputs import settle

NOTHING = Declared({})


def wanted(
    calls: int = 10_000,
    limits: Mapping[tuple[str, str], float] | None = None,
    **given: float | str,
) -> dict[str, Need]:
    inputs = settle({name.replace("__", "."): each for name, each in given.items()}, "f", {})
    found = needs(calls, inputs, Declared(limits or {}))
    return {f"{each.service} {each.what}": each for each in found}


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("sip channels", 10_000),
        ("sip calls per second", 10_000 / 210),
        ("stt streams, one per call", 10_000),
        ("stt streams, by duty cycle", 10_000 * 2 / 7),
        ("llm requests per minute", 10_000 * 60 / 7),
        ("llm requests in a second", 10_000 / 7),
        ("llm requests at once", 10_000 * 1.5 / 7),
        # A call sends 30 x 1,030 + 90 x (0 + 1 + ... + 29) = 70,050 and gets 1,800.
        ("llm tokens per minute, input", 70_050 * 10_000 / 7 * 60 / 30),
        ("llm tokens per minute, output", 1_800 * 10_000 / 7 * 60 / 30),
        ("llm tokens per minute, both", 71_850 * 10_000 / 7 * 60 / 30),
        ("tts streams, one per call", 10_000),
        ("tts streams, by duty cycle", 10_000 * 3 / 7),
        ("network audio, one way", 2_560),
        ("network audio, both ways", 5_120),
        ("network wire, both ways", 5_600),
        ("generator cores", 20),
        ("generator machines", 3),
    ],
)
def test_ten_thousand_calls_ask_for(name: str, mean: float) -> None:
    assert isclose(wanted()[name].mean, mean)


def test_what_is_granted_holds_for_busy_moments_too() -> None:
    for need in wanted().values():
        assert need.wanted >= need.mean
    assert isclose(wanted()["stt streams, by duty cycle"].wanted, 2997, abs_tol=2)
    # The busiest minute in a thousand has 1.1 % more requests, and as many more tokens.
    requests, tokens = (wanted()[f"llm {each}"] for each in (
        "requests per minute", "tokens per minute, both",
    ))  # fmt: skip
    assert isclose(tokens.wanted / tokens.mean, requests.wanted / requests.mean)


def test_a_declared_limit_is_held_against_what_is_needed() -> None:
    limits = {
        ("llm", "concurrent"): 2_200.0,  # the mean is 2,143, busy moments take more
        ("llm", "tokens_per_minute"): 1e6,
        ("sip", "channels"): 10_000.0,
        ("stt", "streams"): 12_000.0,
    }
    found = wanted(limits=limits)

    assert found["llm requests at once"].verdict == "tight"
    assert found["llm tokens per minute, both"].verdict == "short"
    assert found["sip channels"].verdict == "enough"
    assert found["stt streams, one per call"].verdict == "enough"
    assert found["tts streams, one per call"].verdict is None


def test_requests_of_a_stream_stand_apart_where_they_differ_from_speaking() -> None:
    assert "tts requests at once" not in wanted()
    found = wanted(tts__busy=0.7)["tts requests at once"]

    assert isclose(found.mean, 10_000 * 0.7 / 7)
    assert found.inputs == ("call.turn_cycle", "tts.busy", "tts.requests_per_turn")
    assert "tts requests per minute" in wanted(limits={("tts", "requests_per_minute"): 9.0})


def test_telephone_audio_is_a_quarter_and_its_json_is_not() -> None:
    found = wanted(wire="twilio")

    assert found["network audio, both ways"].mean == 1_280
    assert isclose(found["network wire, both ways"].mean, 2 * 10 * 154.4)
    assert found["generator cores"].mean == 40


def test_one_call_needs_one_of_each() -> None:
    found = wanted(calls=1)

    assert found["generator cores"].mean == found["generator machines"].mean == 1
    assert found["stt streams, by duty cycle"].wanted == 1


def test_the_tokens_of_a_call_follow_its_turns() -> None:
    assert call_tokens(settle({"call.turns": 3.0}, "f", {})).input == 3360


def test_what_a_run_had_counts_before_what_was_declared() -> None:
    found = needs(100, settle({}, "f", {}), Declared({("llm", "concurrent"): 1e6}, {"llm": 1.0}))
    held = {(each.service, each.key): each for each in found}[("llm", "concurrent")]

    assert (held.declared, held.seen, held.verdict) == (1e6, 1.0, "short")
