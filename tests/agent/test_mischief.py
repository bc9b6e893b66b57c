"""Planted faults do what they say, to the share of turns they say."""

from otel_voiceload.agent.mischief import Mischief
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.model import NS_PER_MS
from tests.agent.test_call import OPEN, one_turn, reply_text
from tests.agent.world import PACK, World, caller


def test_without_faults_nothing_strikes() -> None:
    mischief = Mischief(AgentConfig(), "call", [])
    assert mischief.slow_to_stop_ns == 0
    assert not any(
        (mischief.drops(turn), mischief.wrong_reply(turn))[turn % 2] for turn in range(50)
    )
    assert not mischief.talks_over(0, 10**10)
    assert not mischief.endpoints_falsely(0, 10**10)


def test_a_drop_cuts_the_line_in_the_middle_of_the_reply() -> None:
    world = World(faults=[{"name": "drop", "share": 1}])
    line = world.call()
    one_turn(line)
    assert line.wire.all("abort") == [None]
    clip = next(c for c in PACK.replies("ask") if c.text == reply_text(line))
    assert len(line.wire.all("audio")) == (clip.n_frames + 1) // 2
    assert world.ticker.tickets == []


def test_a_wrong_reply_has_another_intent() -> None:
    line = World(faults=[{"name": "wrong_reply", "share": 1}]).call()
    one_turn(line)
    assert reply_text(line) not in {clip.text for clip in PACK.replies("ask")}


def test_an_agent_that_talks_over_speaks_while_the_caller_does_and_still_answers() -> None:
    line = World(faults=[{"name": "talk_over", "share": 1, "after": "400ms"}]).call()
    line.quiet(0.5)
    began_ns = line.world.now_ns
    line.say(OPEN)
    first_ns = line.wire.times("audio")[0]
    assert 380 <= (first_ns - began_ns) / NS_PER_MS <= 460
    line.quiet(3)
    assert len(line.wire.all("transcript")) == 3  # talk-over, what the caller said, the answer


def test_a_false_endpoint_answers_before_the_caller_is_done_and_only_once() -> None:
    line = World(faults=[{"name": "false_endpoint", "share": 1, "after": "400ms"}]).call()
    clip = caller("open", shortest=False)
    line.quiet(0.5)
    end_ns = line.say(clip)
    line.quiet(3)
    assert line.wire.times("audio")[0] < end_ns
    assert [role for role, _ in line.wire.all("transcript")].count("agent") == 1


def test_a_slow_agent_speaks_on_for_a_while_and_then_answers() -> None:
    world = World(faults=[{"name": "slow_barge_in", "delay": "800ms"}],
                  reply={"median": 6, "p95": 6})  # fmt: skip
    line = world.call()
    one_turn(line, after_s=1.5)
    began_ns = world.now_ns
    line.say(caller("question"))
    line.quiet(3)
    (cleared_ns,) = line.wire.times("clear")
    assert 800 <= (cleared_ns - began_ns) / NS_PER_MS <= 960
    assert reply_text(line) in {clip.text for clip in PACK.replies("answer")}


def test_a_memory_leak_keeps_what_each_call_left_behind() -> None:
    world = World(faults=[{"name": "memory_leak", "bytes_per_call": 1000}])
    for number in range(3):
        world.call(f"call {number}").hang_up()
    assert [len(left) for left in world.staff.leaked] == [1000] * 3
