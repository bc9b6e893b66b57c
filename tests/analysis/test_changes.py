from __future__ import annotations

from dataclasses import replace
from math import isclose

import pytest

from otel_voiceload.analysis.changes import Change, apply, parse_change, refuse_unknown
from otel_voiceload.analysis.saturation import Cap
from otel_voiceload.errors import UsageError
from tests.analysis.plans import model


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("llm.capacity=2x", Change("llm", "capacity", 2.0, True, "llm.capacity=2x")),
        ("llm.capacity=16", Change("llm", "capacity", 16.0, False, "llm.capacity=16")),
        ("stt.latency=0.5x", Change("stt", "latency", 0.5, True, "stt.latency=0.5x")),
        ("tts.latency=80ms", Change("tts", "latency", 0.08, False, "tts.latency=80ms")),
    ],
)
def test_a_change_is_read(text: str, change: Change) -> None:
    assert parse_change(text) == change


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("llm", "is not understood"),
        ("llm.capacity", "is not understood"),
        ("llm=2x", "is not understood"),
        ("llm.capacity=", "is not understood"),
        ("llm.capasity=2x", "llm has no 'capasity'; did you mean capacity?"),
        ("llm.colour=2x", "llm has no 'colour'; known are capacity, latency"),
        ("llm.capacity=0x", "more than zero"),
        ("llm.capacity=0", "more than zero"),
        ("llm.capacity=-2x", "more than zero"),
        ("llm.capacity=nanx", "more than zero"),
        ("llm.capacity=nan", "more than zero"),
        ("llm.capacity=infx", "no infinity"),
        ("llm.capacity=twice", "'twice' is no number"),
        ("stt.latency=0ms", "more than zero"),
        ("stt.latency=fast", "'fast' is no number"),
    ],
)
def test_what_is_no_change_is_one_clear_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_change(text)

    assert said in str(error.value)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rag.capacity=2x", None),
        ("lmm.capacity=2x", "no component 'lmm'; did you mean llm?"),
        ("database.capacity=2x", "no component 'database'; known are stt, llm, tts, rag"),
    ],
)
def test_a_component_is_one_that_the_run_has(text: str, said: str | None) -> None:
    known = replace(model(48.0), caps={"rag": (Cap("turns_per_s", 5.0, "measured", "seen"),)})
    if said is None:
        refuse_unknown(known, [parse_change(text)])
        assert apply(known, [parse_change(text)]).caps["rag"][0].value == 10.0
        return
    with pytest.raises(UsageError, match=said):
        refuse_unknown(known, [parse_change(text)])


def test_twice_the_capacity_is_full_at_twice_the_calls() -> None:
    changed = apply(model(48.0, tts=70.0), [parse_change("llm.capacity=2x")])

    assert [(f.component, round(f.calls)) for f in changed.fulls()] == [("tts", 70), ("llm", 96)]


def test_a_number_of_servers_replaces_what_was_measured_and_leaves_other_quotas() -> None:
    quota = Cap("turns_per_s", 20.0, "declared", "requests per minute")
    base = model(48.0)
    base = replace(base, caps={"llm": (*base.caps["llm"], quota)})
    changed = apply(base, [parse_change("llm.capacity=9")])

    assert isclose(changed.fulls()[0].calls, 9 * 4 / 0.6)
    assert quota in changed.caps["llm"]
    assert isclose(apply(base, [parse_change("llm.capacity=30")]).fulls()[0].calls, 80)


def test_half_the_latency_holds_servers_half_as_long_and_shortens_the_cycle() -> None:
    changed = apply(model(48.0), [parse_change("llm.latency=0.5x")])

    assert isclose(changed.cycle_s, 3.75)  # 0.5 s of latency less 0.25
    assert isclose(changed.unloaded_s, 0.65)
    assert isclose(changed.fulls()[0].calls, 7.2 * 3.75 / 0.3)
    assert "holds its servers 0.5 times as long" in changed.notes[0]


def test_a_latency_in_milliseconds_is_the_new_median() -> None:
    changed = apply(model(48.0), [parse_change("llm.latency=980ms")])

    assert isclose(changed.work["llm"].p50_s, 0.98)
    assert isclose(changed.work["llm"].busy_s, 1.2)


def test_a_factor_of_what_is_not_known_changes_nothing_and_says_so() -> None:
    base = model(48.0)
    changed = apply(base, [parse_change("stt.capacity=2x")])

    assert changed.fulls() == base.fulls()
    assert "what stt can carry is not known" in changed.notes[0]


def test_what_has_no_timing_can_not_be_made_faster() -> None:
    base = replace(model(48.0), work={})

    with pytest.raises(UsageError, match="no timing of tts"):
        apply(base, [parse_change("tts.latency=2x")])
    with pytest.raises(UsageError, match="how long a request holds tts is not known"):
        apply(base, [parse_change("tts.capacity=9")])
