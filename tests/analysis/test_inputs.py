from __future__ import annotations

from otel_voiceload.analysis.inputs import KNOWN, Measured, settle


def test_the_file_wins_over_the_run_and_the_run_over_assumptions() -> None:
    measured = {
        "call.turns": Measured(4.0, "call_shape"),
        "call.turn_cycle": Measured(2.5, "turn_cycles", 0.05),
    }
    inputs = settle({"call.turns": 12.0}, "limits.yaml", measured, "friday")

    assert [inputs.source(f"call.{name}") for name in ("turns", "turn_cycle", "speech")] == [
        "file", "run", "assumption",
    ]  # fmt: skip
    assert inputs.number("call.turns") == 12
    assert inputs.items["call.turns"].where == "limits.yaml"
    assert inputs.items["call.turn_cycle"].where == "run friday: ovl query turn_cycles"
    assert inputs.relative_error("call.turn_cycle") == 0.02
    assert inputs.relative_error("call.turns") is None


def test_what_follows_is_as_well_known_as_its_least_known_part() -> None:
    inputs = settle({"call.speech": 1.5}, "limits.yaml", {"call.turns": Measured(10.0, "q")})

    assert (inputs.number("call.length"), inputs.source("call.length")) == (70, "assumption")
    assert (inputs.number("stt.busy"), inputs.source("stt.busy")) == (1.5, "file")
    assert inputs.items["call.length"].where == "call.turns x call.turn_cycle"


def test_the_density_follows_the_wire() -> None:
    densities = [
        settle({"wire": wire}, "f", {}).number("generator.calls_per_core")
        for wire in ("plain", "twilio")
    ]

    assert densities == [500, 250]


def test_all_history_is_no_number_of_turns() -> None:
    assert settle({}, "", {}).history_turns is None
    assert settle({"llm.history_turns": 6}, "f", {}).history_turns == 6


def test_every_input_has_a_value_and_a_source() -> None:
    inputs = settle({}, "", {})

    assert list(inputs.items) == [known.name for known in KNOWN]
    assert {each.source for each in inputs.items.values()} == {"assumption"}
