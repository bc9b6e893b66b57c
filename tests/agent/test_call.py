"""A whole call on the agent's side, played in virtual time with real sound."""

from itertools import pairwise

import pytest

from otel_voiceload.events import AudioHeard, CallStarted, SpeechEndHint
from otel_voiceload.model import NS_PER_MS, NS_PER_S
from tests.agent.world import FLAT, PACK, SAMPLED, START_NS, TRACE, Line, World, caller

OPEN = caller("open")


def one_turn(line: Line, intent: str = "open", after_s: float = 3.0) -> int:
    """Say something and hear the reply out; returns the true end of the caller's speech."""
    line.quiet(0.5)
    end_ns = line.say(caller(intent))
    line.quiet(after_s)
    return end_ns


def reply_text(line: Line) -> str:
    return [text for role, text in line.wire.all("transcript") if role == "agent"][-1]


def test_a_question_is_answered_after_endpointing_stt_llm_and_tts() -> None:
    line = World().call()
    end_ns = one_turn(line)
    first_ns = line.wire.times("audio")[0]
    # 200 ms endpointing (found at the next frame) + 100 + 200 + 60 ms of work
    assert 555 <= (first_ns - end_ns) / NS_PER_MS <= 590


def test_the_reply_is_one_clip_sent_whole_at_the_pace_of_speech() -> None:
    line = World().call()
    one_turn(line)
    (clip,) = [clip for clip in PACK.replies("ask") if clip.text == reply_text(line)
               and clip.data == b"".join(line.wire.all("audio"))]  # fmt: skip
    times = line.wire.times("audio")
    steps = {later - earlier for earlier, later in pairwise(times[1:])}
    assert steps == {20 * NS_PER_MS}
    assert times[1] - times[0] <= 20 * NS_PER_MS
    assert clip.speech_s == pytest.approx(0.8, abs=0.05)


def test_both_sides_of_the_talk_are_told_as_text() -> None:
    line = World().call()
    one_turn(line)
    assert line.wire.all("transcript") == [("caller", OPEN.text), ("agent", reply_text(line))]


@pytest.mark.parametrize(
    ("heard", "answered"),
    [("open", "ask"), ("detail", "check"), ("confirm", "done"), ("question", "answer"),
     ("thanks", "done"), ("human", "transfer")],
)  # fmt: skip
def test_what_was_said_decides_the_answer(heard: str, answered: str) -> None:
    line = World().call()
    one_turn(line, heard)
    assert reply_text(line) in {clip.text for clip in PACK.replies(answered)}


def test_speech_that_is_no_known_clip_is_briefly_asked_again() -> None:
    line = World().call()
    line.quiet(0.5)
    line.say(PACK.replies("check")[2])  # somebody else speaks
    line.quiet(2)
    assert reply_text(line) in {clip.text for clip in PACK.replies("ask")}
    assert [role for role, _ in line.wire.all("transcript")] == ["agent"]


@pytest.mark.parametrize("sound", [bytes(640), PACK.idle_frame(3)], ids=["muted", "idle"])
def test_silence_gets_no_answer(sound: bytes) -> None:
    line = World().call()
    for _ in range(400):
        line.frame(sound)
    assert line.wire.said == []


def test_a_hint_that_speech_ended_is_not_believed() -> None:
    line = World().call()
    line.quiet(0.5)
    line.say(OPEN, frames=OPEN.n_frames // 2)
    line.sink(SpeechEndHint(line.world.now_ns))
    line.frame(OPEN.frame(OPEN.n_frames // 2))
    assert line.wire.said == []


def test_every_attempt_is_told_with_its_times() -> None:
    line = World().call()
    end_ns = one_turn(line)
    told = {values[1]: values for values in line.wire.all("timing")}
    assert list(told) == ["endpointing", "stt", "llm", "tts"]
    turn, _, attempt, start_s, first_s, stop_s, queue_s, status = told["llm"]
    assert (turn, attempt, queue_s, status) == (0, 0, 0.0, "ok")
    assert first_s - start_s == pytest.approx(0.2)
    assert stop_s == first_s
    assert told["stt"][4] == start_s
    ends_s = (end_ns - START_NS) / NS_PER_S
    assert told["endpointing"][3] == pytest.approx(ends_s, abs=0.01)
    assert told["endpointing"][5] == told["stt"][3]


def test_turns_are_counted_from_nought() -> None:
    line = World().call()
    for intent in ("open", "detail", "confirm"):
        one_turn(line, intent, after_s=2.0)
    assert [v[0] for v in line.wire.all("timing") if v[1] == "llm"] == [0, 1, 2]


def test_work_that_waits_for_a_server_says_how_long() -> None:
    world = World(components=FLAT | {"llm": {**FLAT["llm"], "capacity": 1}})
    lines = [world.call(f"call {n}") for n in range(2)]
    for number in range(25 + OPEN.n_frames + 60):
        world.advance(20 * NS_PER_MS)
        for line in lines:
            data = (
                OPEN.frame(number - 25)
                if 25 <= number < 25 + OPEN.n_frames
                else PACK.idle_frame(number)
            )
            line.sink(AudioHeard(data, world.now_ns))
    queued = [v[6] for line in lines for v in line.wire.all("timing") if v[1] == "llm"]
    assert sorted(queued) == [0.0, pytest.approx(0.2)]


def test_a_refusal_to_the_last_retry_is_an_error_and_no_reply() -> None:
    busy = {**FLAT["stt"], "capacity": 1, "over_capacity": "reject", "retries": 0,
            "latency": {"median": 60, "p95": 60}}  # fmt: skip
    world = World(components=FLAT | {"stt": busy})
    hog, line = world.call("hog"), world.call("line")
    hog.say(OPEN)
    hog.quiet(0.5)
    one_turn(line)
    ((kind, message),) = line.wire.all("error")
    assert kind == "rate_limited"
    assert "stt" in message
    assert line.wire.all("audio") == []


def test_a_caller_who_cuts_in_makes_the_agent_stop_and_clear() -> None:
    world = World(reply={"median": 6, "p95": 6})
    line = world.call()
    one_turn(line, after_s=1.5)
    assert line.wire.all("clear") == []
    began_ns = world.now_ns
    line.say(caller("question"))
    (cleared_ns,) = line.wire.times("clear")
    assert 0 < (cleared_ns - began_ns) / NS_PER_MS < 150
    assert line.wire.times("audio")[-1] <= cleared_ns
    line.quiet(2)
    assert reply_text(line) in {clip.text for clip in PACK.replies("answer")}


def test_a_caller_who_goes_on_before_the_reply_is_heard_out_and_answered_once() -> None:
    line = World().call()
    line.quiet(0.5)
    line.say(caller("open"))
    line.quiet(0.3)  # taken for the end: the work begins
    line.say(caller("detail"))
    line.quiet(3)
    assert len([r for r, _ in line.wire.all("transcript") if r == "agent"]) == 1
    told = [(v[0], v[1], v[2], v[7]) for v in line.wire.all("timing")]
    assert (0, "stt", 0, "cancelled") in told or (0, "stt", 0, "ok") in told
    assert (0, "endpointing", 1, "ok") in told
    assert (0, "tts", 1, "ok") in told
    assert len({(turn, name, attempt) for turn, name, attempt, _ in told}) == len(told)


def test_a_click_is_no_speech() -> None:
    line = World().call()
    line.quiet(0.5)
    for number in range(20, 24):
        line.frame(OPEN.frame(number))
    line.quiet(3)
    assert line.wire.all("audio") == []


def test_a_caller_whose_line_falls_mute_in_mid_speech_is_answered() -> None:
    line = World().call()
    line.quiet(0.5)
    line.say(OPEN, frames=OPEN.n_frames - 20)
    for _ in range(60):
        line.world.advance(20 * NS_PER_MS)  # nothing arrives any more
    assert line.wire.all("audio") != []


def test_who_asks_for_a_human_is_transferred_after_the_reply() -> None:
    line = World().call()
    one_turn(line, "human")
    assert line.wire.all("end") == ["transfer"]
    assert line.wire.times("end")[0] >= line.wire.times("audio")[-1]


def test_a_caller_who_never_hangs_up_after_the_end_is_cut_off() -> None:
    line = World().call()
    one_turn(line, "human", after_s=5)
    assert line.wire.all("close") == [None]


def test_after_a_goodbye_the_agent_waits_for_the_caller_to_hang_up() -> None:
    line = World().call()
    one_turn(line, "thanks", after_s=2.5)
    assert line.wire.all("end") == []
    line.quiet(3)
    assert line.wire.all("end") == ["resolution"]


def test_an_agent_that_greets_speaks_first_and_tells_no_turn_of_it() -> None:
    line = World(greeting=True).call()
    line.quiet(2)
    assert reply_text(line) in {clip.text for clip in PACK.replies("greet")}
    assert (line.wire.times("audio")[0] - START_NS) / NS_PER_MS == pytest.approx(60)
    assert line.wire.all("timing") == []
    one_turn(line)
    assert {v[0] for v in line.wire.all("timing")} == {0}


def test_a_caller_who_speaks_first_is_not_greeted_any_more() -> None:
    slow = {**FLAT["tts"], "latency": {"median": 2, "p95": 2}}
    line = World(greeting=True, components=FLAT | {"tts": slow}).call()
    one_turn(line, after_s=4)
    greetings = {clip.text for clip in PACK.replies("greet")}
    assert greetings.isdisjoint(text for _, text in line.wire.all("transcript"))


def test_a_hang_up_cancels_what_waits_and_nothing_more_is_said() -> None:
    world = World(components=FLAT | {"llm": {**FLAT["llm"], "latency": {"median": 5, "p95": 5}}})
    line = world.call()
    line.quiet(0.5)
    line.say(OPEN)
    line.quiet(0.5)
    before = len(line.wire.said)
    line.hang_up()
    for _ in range(500):
        world.advance(20 * NS_PER_MS)
    assert len(line.wire.said) == before
    assert world.ticker.tickets == []
    cancelled = [s for s in world.spans.get_finished_spans() if s.name == "llm"]
    assert [s.attributes["error.type"] for s in cancelled] == ["cancelled"]


def test_a_hang_up_in_the_middle_of_the_reply_ends_it() -> None:
    world = World(reply={"median": 6, "p95": 6})
    line = world.call()
    one_turn(line, after_s=1.5)
    line.hang_up()
    sent = len(line.wire.all("audio"))
    for _ in range(100):
        world.advance(20 * NS_PER_MS)
    assert len(line.wire.all("audio")) == sent


@pytest.mark.parametrize(
    ("heard_in", "traced"), [("start", True), ("headers", True), ("neither", False)]
)
def test_the_trace_is_joined_by_the_start_or_by_the_upgrade(heard_in: str, traced: bool) -> None:
    world = World()
    line = Line(world, "call")
    if heard_in == "headers":
        line.wire.headers = {"traceparent": SAMPLED}
    in_start = SAMPLED if heard_in == "start" else None
    line.sink(CallStarted("call", in_start, 16_000, {}, world.now_ns))
    one_turn(line)
    traces = {f"{span.context.trace_id:032x}" for span in world.spans.get_finished_spans()}
    assert (traces == {TRACE}) == traced
