from __future__ import annotations

from dataclasses import replace

import pytest

from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    ComponentRecord,
    Health,
    LoadContext,
    TurnRecord,
)

from .virtual import World, rates, stages

HEALTH = Health(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0)


def test_the_asked_calls_are_held_from_step_to_step() -> None:
    world = World(call_s=7.0)
    world.shard.begin(stages((20, 4, 4), (20, 10, 10), (20, 2, 2)), start_mono_ns=0)
    world.run_until(60.0)
    assert [world.held_at(t) for t in (2.0, 4.0, 19.9, 22.0, 24.1, 39.9, 43.0, 59.0)] == [
        2,
        4,
        4,
        7,
        10,
        10,
        2,
        2,
    ]
    assert [call.index for call in world.calls] == list(range(len(world.calls)))


def test_starts_of_a_step_come_when_they_are_due() -> None:
    world = World()
    world.shard.begin(stages((20, 4, 4)), start_mono_ns=0)
    world.run_until(20.0)
    assert [call.started_s for call in world.calls] == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.01)
    assert [call.scheduled_s for call in world.calls] == pytest.approx([0.5, 1.5, 2.5, 3.5])
    assert world.shard.late_starts == 0


def test_nothing_begins_before_the_start() -> None:
    world = World()
    world.shard.begin(stages((20, 4, 4)), start_mono_ns=5 * NS_PER_S)
    world.run_until(5.4)
    assert world.calls == []
    world.run_until(5.6)
    assert len(world.calls) == 1


def test_a_call_that_ends_is_replaced_at_once_by_a_new_one() -> None:
    world = World(call_s=10.0, spread_s=0.0)
    world.shard.begin(stages((35, 2, 2)), start_mono_ns=0)
    world.run_until(35.0)
    assert [call.started_s for call in world.calls] == pytest.approx(
        [0, 0, 10, 10, 20, 20, 30, 30], abs=0.01
    )
    assert world.calls[2].scheduled_s == pytest.approx(10.0)
    assert world.shard.late_starts == 0


def test_a_target_that_refuses_is_dialled_once_a_second_and_place() -> None:
    world = World(call_s=0.001, spread_s=0.0)
    world.shard.begin(stages((10, 3, 3)), start_mono_ns=0)
    world.run_until(9.5)
    assert len(world.calls) == 30
    assert world.shard.late_starts == 0, "the pause is part of the schedule"


def test_connections_begin_at_their_rate_and_the_wait_is_our_lateness() -> None:
    world = World(rate=2.0, spread_s=0.0)
    world.shard.begin(stages((10, 6, 6)), start_mono_ns=0)
    world.run_until(10.0)
    assert [call.started_s for call in world.calls] == pytest.approx(
        [0, 0.5, 1.0, 1.5, 2.0, 2.5], abs=0.01
    )
    assert all(call.scheduled_s == 0.0 for call in world.calls)
    assert world.shard.late_starts == 5


def test_surplus_calls_hang_up_after_their_turn_the_newest_first() -> None:
    world = World(turn_s=2.0)
    world.shard.begin(stages((10, 6, 6), (10, 2, 2)), start_mono_ns=0)
    world.run_until(11.0)
    assert [call.asked for call in world.calls] == [[], [], *[["after_turn"]] * 4]
    assert world.held == 6
    world.run_until(12.5)
    assert world.held == 2
    world.run_until(20.0)
    assert len(world.calls) == 6


def test_a_surplus_call_that_does_not_leave_is_made_to() -> None:
    world = World(turn_s=None)
    world.shard.begin(stages((5, 2, 2), (20, 1, 1)), start_mono_ns=0)
    world.run_until(14.0)
    assert world.held == 2
    world.run_until(15.5)
    assert world.calls[1].asked == ["after_turn", "now"]
    assert world.held == 1


def test_more_calls_than_asked_are_never_held_even_while_some_are_leaving() -> None:
    world = World(turn_s=8.0)
    world.shard.begin(stages((10, 6, 6), (2, 2, 2), (20, 6, 6)), start_mono_ns=0)
    world.run_until(32.0)
    assert max(world.held_at(t / 10) for t in range(320)) == 6
    assert world.held_at(30.0) == 6


@pytest.mark.parametrize("count", [1, 2, 3])
def test_shards_hold_the_asked_calls_together_with_indices_of_their_own(count: int) -> None:
    worlds = [World(call_s=6.0, shard=(index, count)) for index in range(count)]
    for world in worlds:
        world.shard.begin(stages((20, 7, 7), (20, 13, 13)), start_mono_ns=0)
        world.run_until(40.0)
    assert sum(world.held_at(19.0) for world in worlds) == 7
    assert sum(world.held_at(39.0) for world in worlds) == 13
    for index, world in enumerate(worlds):
        assert {call.index % count for call in world.calls} == {index}


def test_stages_that_are_added_go_on_without_a_gap() -> None:
    world = World(call_s=6.0)
    first = stages((10, 4, 4), (10, 8, 8))
    world.shard.begin(first[:1], start_mono_ns=0)
    world.run_until(10.3)  # the word comes late; the level is held meanwhile
    assert world.held == 4
    world.shard.extend(first[1:])
    world.run_until(19.0)
    assert world.held == 8


def test_without_a_word_after_the_last_stage_the_load_ends_by_itself() -> None:
    world = World()
    world.shard.begin(stages((10, 3, 3)), start_mono_ns=0)
    world.run_until(14.9)
    assert world.held == 3
    world.run_until(17.0)
    assert world.held == 0
    assert world.shard.done.is_set()


def test_at_the_finish_calls_get_their_turn_answered_and_then_their_grace() -> None:
    world = World(turn_s=None)
    world.shard.begin(stages((10, 3, 3)), start_mono_ns=0)
    world.run_until(10.0)
    world.shard.finish(grace_s=3.0)
    world.run_until(12.9)
    assert world.held == 3
    assert not world.shard.done.is_set()
    world.run_until(13.1)
    assert [call.asked for call in world.calls] == [["after_turn", "now"]] * 3
    assert world.shard.done.is_set()
    assert len(world.calls) == 3


def test_the_kill_switch_hangs_up_now_and_cuts_what_is_left_at_the_deadline() -> None:
    world = World()
    world.shard.begin(stages((10, 3, 3)), start_mono_ns=0)
    world.run_until(5.0)
    world.deaf = True
    world.shard.hang_up_all(deadline_mono_ns=8 * NS_PER_S)
    world.run_until(7.9)
    assert [call.asked for call in world.calls] == [["now"]] * 3
    assert not world.shard.done.is_set()
    world.run_until(9.0)
    assert all("abort" in call.asked for call in world.calls)
    assert world.shard.done.is_set()


def test_a_shard_that_never_began_can_finish() -> None:
    world = World()
    world.shard.finish(grace_s=1.0)
    assert world.shard.done.is_set()


def test_a_call_that_breaks_frees_its_place_and_is_told() -> None:
    world = World(spread_s=0.0)
    world.shard.begin(stages((10, 1, 1)), start_mono_ns=0)
    world.run_until(1.0)
    task = world.calls[0].task
    assert task is not None
    task.error = ValueError("a bug")
    task.finish()
    world.shard.pace()
    world.run_until(2.0)
    assert len(world.calls) == 2
    assert [str(error) for error in world.failures] == ["a bug"]


def test_the_load_context_says_where_in_the_run_we_are() -> None:
    world = World(call_s=6.0)
    world.shard.begin(stages((10, 4, 4), (10, 0, 10)), start_mono_ns=0)
    world.run_until(9.0)
    assert world.shard.load == LoadContext("phase 0", 0, 4, 4)
    world.run_until(10.2)
    assert world.shard.load.phase == "phase 1"
    world.run_until(18.0)
    assert world.shard.load.concurrency_target in (7, 8)


def test_progress_is_what_happened_since_the_last_one() -> None:
    world = World()
    world.shard.begin(stages((10, 2, 2)), start_mono_ns=0)
    world.run_until(5.0)

    def turn(first_audio_ns: int | None) -> TurnRecord:
        return TurnRecord(
            call=CallIdentity(0, "c", "t", "s", "demo", True),
            load=world.shard.load,
            turn_index=0,
            outcome="answered" if first_audio_ns else "no_response",
            clip_id="clip",
            speech_start_mono_ns=0,
            speech_end_mono_ns=NS_PER_S,
            first_byte_mono_ns=None,
            first_audio_mono_ns=first_audio_ns,
            last_audio_mono_ns=None,
            transcript_mono_ns=None,
            deadline_s=10.0,
            send_delay_s=0.0,
            rtt_s=None,
            heard_text="",
            components=(
                ComponentRecord("llm", 0, 0, NS_PER_S // 4, NS_PER_S, 0.0, "in_band"),
                ComponentRecord("llm", 1, 0, None, NS_PER_S, 0.0, "in_band"),
            ),
        )

    world.shard.note(turn(NS_PER_S * 3 // 2))
    world.shard.note(turn(None))
    progress = world.shard.take_progress(HEALTH)
    assert progress.calls_started == 2
    assert progress.turn_latencies_s == (0.5,)
    assert progress.turns_unanswered == 1
    told = [seconds for _, seconds in progress.components["llm"]]
    assert told == [0.25, 1.0, 0.25, 1.0]
    assert world.shard.take_progress(HEALTH).calls_started == 0
    assert world.shard.calls_started == 2


# --- the open model ------------------------------------------------------------------------------


def test_calls_arrive_at_their_rate_whoever_is_still_held() -> None:
    world = World(call_s=7.0)
    world.shard.begin(rates((10, 1, 1), (10, 2, 2)), start_mono_ns=0)
    world.run_until(20.0)
    assert len(world.calls) == 30
    assert [call.started_s for call in world.calls[:3]] == pytest.approx([0.5, 1.5, 2.5], abs=0.01)
    assert [call.scheduled_s for call in world.calls[:3]] == pytest.approx([0.5, 1.5, 2.5])
    assert world.held_at(19.9) == 14, "two a second, seven seconds each"
    assert world.shard.load == LoadContext("phase 1", 1, 0, world.held)


def test_an_arrival_that_finds_no_place_is_counted_and_never_made_up_for() -> None:
    world = World(call_s=4.0, max_calls=2)
    world.shard.begin(rates((8, 1, 1)), start_mono_ns=0)
    world.run_until(8.0)
    assert [call.index for call in world.calls] == [0, 1, 4, 5]
    assert world.shard.dropped_starts == 4
    assert world.shard.take_progress(HEALTH).calls_started == 4
    assert world.shard.dropped_starts == 0


def test_the_connect_gate_delays_arrivals_and_the_schedule_tells_by_how_much() -> None:
    world = World(call_s=1.0, rate=2.0)
    world.shard.begin(rates((2, 4, 4)), start_mono_ns=0)
    world.run_until(6.0)
    assert len(world.calls) == 8
    delays = [call.started_s - call.scheduled_s for call in world.calls]
    assert delays == pytest.approx([0.25 * i for i in range(8)], abs=0.02)
    assert world.shard.late_starts == 7


def test_after_the_last_open_stage_nothing_arrives_and_the_load_ends_by_itself() -> None:
    world = World(call_s=1.0)
    world.shard.begin(rates((3, 2, 2)), start_mono_ns=0)
    world.run_until(12.0)
    assert len(world.calls) == 6
    assert world.shard.done.is_set()


@pytest.mark.parametrize("count", [1, 2])
def test_no_more_calls_begin_than_were_asked_for_in_all(count: int) -> None:
    for offered in (stages((60, 4, 4)), rates((60, 1, 1))):
        worlds = [World(call_s=5.0, shard=(i, count), total_calls=9) for i in range(count)]
        for world in worlds:
            world.shard.begin(offered, start_mono_ns=0)
            world.run_until(50.0)
        indices = sorted(call.index for world in worlds for call in world.calls)
        assert indices == list(range(9))


def test_a_jump_that_is_to_come_at_once_is_not_spread_over_a_turn_cycle() -> None:
    world = World(spread_s=4.0)
    steady, jump = stages((10, 2, 2), (10, 8, 8))
    world.shard.begin((steady, replace(jump, at_once=True)), start_mono_ns=0)
    world.run_until(11.0)
    assert [world.held_at(9.9), world.held_at(10.05)] == [2, 8]
