from __future__ import annotations

from otel_voiceload.analysis.demand import Declared, needs
from otel_voiceload.analysis.inputs import Measured, settle
from otel_voiceload.analysis.whatif import Limit, Outcome, WhatIf
from otel_voiceload.reports import plan_rows as rows
from tests.analysis.plans import model


def test_limits_are_known_or_unknown_with_what_was_carried() -> None:
    llm, stt, tts = rows.limits(model(48.0), with_run=True)

    assert (llm["component"], llm["basis"], llm["busy_s"]) == ("llm", "measured", 0.6)
    assert [(each["component"], each["basis"]) for each in (stt, tts)] == [
        ("stt", "unknown"),
        ("tts", "unknown"),
    ]
    assert (tts["calls"], tts["at_least"], tts["why"]) == (None, 46.0, "not seen to bend")


def test_without_a_run_nothing_was_measured() -> None:
    (row, *_) = rows.limits(model(None, stt=10.0), with_run=False)

    assert (row["latency_p50_s"], row["busy_s"]) == (None, None)
    assert rows.limits(model(None), with_run=False)[0]["why"] == "not declared"
    assert (
        rows.limits(model(None, carried=None), with_run=True)[0]["why"] == "this run does not tell"
    )


def test_a_need_says_where_each_of_its_numbers_comes_from() -> None:
    inputs = settle({"call.turn_cycle": 5.0}, "f", {"llm.busy": Measured(0.5, "component_work")})
    found = needs(10, inputs, Declared({("sip", "channels"): 5.0}))
    made = {f"{each.service} {each.what}": rows.need(each, inputs) for each in found}

    assert made["llm requests at once"]["sources"] == ["file", "run", "assumption"]
    assert made["sip channels"]["sources"] == []
    assert (made["sip channels"]["declared"], made["sip channels"]["verdict"]) == (5.0, "short")
    assert made["sip channels"]["grant"] == 10


def test_inputs_keep_value_and_source() -> None:
    by_name = {each["name"]: each for each in rows.inputs(settle({}, "", {}))}

    assert by_name["call.length"] == {
        "name": "call.length",
        "value": 210.0,
        "unit": "s",
        "source": "assumption",
        "where": "call.turns x call.turn_cycle",
    }


def test_a_change_has_a_before_and_an_after() -> None:
    limit = Limit("llm", 48.0, (40.0, 55.0), True, "measured")
    outcome = Outcome((limit,), (40.0, 55.0), ("tts",), (0.8, 1.2), 92, 1.0, ("a note",))
    made = rows.what_if(WhatIf(("llm.capacity=2x",), outcome, outcome, 60.0))

    assert made["changes"] == ["llm.capacity=2x"]
    assert made["before"] == made["after"]
    assert (made["after"]["peak_p50_s"], made["after"]["peak_p95_s"]) == (0.8, 1.2)
    assert made["after"]["first"][0]["calls"] == 48
