from __future__ import annotations

from dataclasses import replace
from math import exp, inf, isclose, sqrt

import pytest

from otel_voiceload.analysis.inputs import settle
from otel_voiceload.analysis.saturation import Cap, declared_caps
from tests.analysis.plans import WORK, model


def test_servers_times_cycle_over_busy_are_the_calls() -> None:
    # 7.2 servers, each held 0.6 s in a cycle of 4 s.
    (llm,) = model(48.0).fulls()

    assert isclose(llm.calls, 7.2 * 4 / 0.6)
    assert llm.ci is not None
    assert [round(each, 1) for each in llm.ci] == [43.2, 52.8]  # as it was measured


def test_a_declared_limit_is_as_uncertain_as_the_run_that_it_meets() -> None:
    (tts,) = model(None, tts=70.0).fulls()
    wide = exp(1.96 * sqrt(0.01**2 + 0.01**2))  # of the cycle and of the time a server is held

    assert tts.ci is not None
    assert isclose(tts.ci[1] / tts.calls, wide)
    assert isclose(tts.calls / tts.ci[0], wide)


def test_what_rests_on_an_assumption_has_no_interval() -> None:
    base = model(None, tts=70.0)
    assumed = replace(base, work={**WORK, "tts": replace(WORK["tts"], assumed=True)})

    assert assumed.fulls()[0].ci is None
    assert replace(base, cycle_error=None).fulls()[0].ci is None


def test_the_tightest_cap_of_a_component_counts_and_the_first_is_at_the_head() -> None:
    more = {"tts": (Cap("calls", 60.0, "declared", "streams"), Cap("turns_per_s", 9.0, "set", ""))}
    found = model(48.0, more=more).fulls()

    assert [(each.component, round(each.calls)) for each in found] == [("tts", 36), ("llm", 48)]


@pytest.mark.parametrize(
    ("tts", "stt", "unknown", "carries"),
    [
        (70.0, 90.0, (), (43.2, 52.8)),
        (None, 90.0, ("tts",), (43.2, 52.8)),
        (None, None, ("stt", "tts"), (43.2, 52.8)),
    ],
)
def test_what_is_unknown_is_named(
    tts: float | None, stt: float | None, unknown: tuple[str, ...], carries: tuple[float, float]
) -> None:
    made = model(48.0, tts, stt)

    assert made.unknown == unknown
    bounds = made.carries()
    assert bounds is not None
    assert isclose(bounds[0], carries[0])
    assert isclose(bounds[1], carries[1])


def test_without_any_limit_only_what_was_carried_is_known() -> None:
    assert model(None, carried=96.0).carries() == (96.0, inf)
    assert model(None, carried=None).carries() is None


def test_calls_beyond_the_limit_wait() -> None:
    # 96 calls on what 48 fill: a whole cycle more per turn.
    assert isclose(model().latency_s(96, 48), 0.9 + 4.0)
    assert isclose(model().latency_s(40, 48), 0.9)


def test_declared_limits_become_caps() -> None:
    limits = {
        ("stt", "streams"): 100.0,
        ("llm", "concurrent"): 8.0,
        ("llm", "requests_per_minute"): 600.0,
        ("llm", "tokens_per_minute"): 143_700.0,
        ("sip", "calls_per_second"): 2.0,
    }
    inputs = settle({"call.turns": 30.0, "llm.system_prompt_tokens": 1000.0}, "limits.yaml", {})
    caps = declared_caps(limits, inputs, "limits.yaml")

    assert caps["stt"] == (Cap("calls", 100, "declared", "streams 100 in limits.yaml"),)
    servers, per_minute, tokens = caps["llm"]
    assert (servers.kind, servers.value) == ("servers", 8)
    assert (per_minute.kind, per_minute.value) == ("turns_per_s", 10)
    # 71,850 tokens in a call of 30 turns are 2,395 a turn.
    assert isclose(tokens.value, 143_700 / 60 / 2395)
    assert tokens.why == "tokens per minute 143,700 in limits.yaml"
    assert caps["sip"][0].value == 2 * 210


def test_tokens_that_are_assumed_give_no_interval() -> None:
    limits = {("llm", "tokens_per_minute"): 1000.0}
    written = settle({"llm.system_prompt_tokens": 5.0}, "f", {})

    assert declared_caps(limits, settle({}, "", {}), "f")["llm"][0].span is None
    assert declared_caps(limits, written, "f")["llm"][0].span is not None
