"""A simulated call leaves the records that a live one would."""

from otel_voiceload.capacity.simulated_call import CallerModel, SimulatedCall, SimulatedTurn
from otel_voiceload.model import CallIdentity, LoadContext

LOAD = LoadContext("ramp", 0, 12, 3)
IDENTITY = CallIdentity(0, "c" * 32, "c" * 32, "d" * 16, "simulated", True)


def test_a_turn_without_an_answer_keeps_the_deadline_it_was_held_to() -> None:
    call = SimulatedCall(0, IDENTITY, LOAD, 0, SimulatedTurn(2, LOAD, 10, 20, 0.04))
    record = call.turn_record(8.0)
    assert (record.outcome, record.response_latency_s, record.deadline_s) == (
        "no_response",
        None,
        8,
    )
    assert record.turn_index == 2


def test_an_answered_turn_has_its_latency_from_the_end_of_speech() -> None:
    turn = SimulatedTurn(0, LOAD, 0, 10**9, 0.0, first_ns=2 * 10**9, last_ns=3 * 10**9)
    record = SimulatedCall(0, IDENTITY, LOAD, 0, turn).turn_record(8.0)
    assert record.response_latency_s == 1.0


def test_a_call_counts_the_turns_it_began() -> None:
    silent = SimulatedCall(0, IDENTITY, LOAD, 5)
    assert silent.call_record(9, "aborted_by_us", "hang_up").turn_count == 0
    silent.turn = SimulatedTurn(3, LOAD, 10, 20, 0.04)
    record = silent.call_record(30, "completed", "resolution")
    assert (record.turn_count, record.start_mono_ns, record.end_mono_ns) == (4, 5, 30)


def test_the_cycle_of_callers_shares_the_calls_ends_among_its_turns() -> None:
    callers = CallerModel(turns_per_call=4, between_s=0.4)
    cycle = callers.cycle()
    assert cycle.between_s == 0.1
    assert cycle.think_s == callers.think.mean_s * 0.75
