"""What is read off the one call before the load."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.errors import Interrupted, SmokeFailed
from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    CallRecord,
    CallStartRecord,
    ComponentRecord,
    ConnectRecord,
    LoadContext,
    MediaStats,
    TurnRecord,
)
from otel_voiceload.profiles import Request
from otel_voiceload.runner import smoke as smoking
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import Prepared, prepare
from otel_voiceload.runner.smoke import Heard, judge, smoke, timeline
from otel_voiceload.runner.stop import StopRequests

LOAD = LoadContext("smoke", 0, 1, 1)
CALL = CallIdentity(0, "a" * 32 + "-0", "a" * 32, "b" * 16, "booking", True)
TARGET = "ws://127.0.0.1:8765"


def s(seconds: float) -> int:
    return int(seconds * NS_PER_S)


def turn(answer_s: float | None = 0.8, *, timed: bool = False, text: bool = False) -> TurnRecord:
    part = ComponentRecord("llm", 0, s(1), s(1.2), s(1.3), 0.0, "in_band")
    return TurnRecord(
        call=CALL,
        load=LOAD,
        turn_index=0,
        outcome="no_response" if answer_s is None else "answered",
        clip_id="open-01-us_f",
        speech_start_mono_ns=0,
        speech_end_mono_ns=s(1),
        first_byte_mono_ns=None,
        first_audio_mono_ns=None if answer_s is None else s(1 + answer_s),
        last_audio_mono_ns=None,
        transcript_mono_ns=s(2) if text else None,
        deadline_s=8.0,
        send_delay_s=0.0,
        rtt_s=None,
        heard_text="",
        components=(part,) if timed else (),
    )


def call(
    outcome: str = "completed", detail: str = "", greeting_s: float | None = None
) -> CallRecord:
    connect = ConnectRecord(0, s(0.012), (), "127.0.0.1", 8765, "tcp", "websocket")
    return CallRecord(
        call=CALL,
        load=LOAD,
        scheduled_mono_ns=0,
        start_mono_ns=0,
        end_mono_ns=s(9),
        outcome=outcome,
        end_reason=None,
        turn_count=2,
        greeting_latency_s=greeting_s,
        connect=connect,
        media=MediaStats(),
        detail=detail,
    )


STARTED = CallStartRecord(CALL, LOAD, s(0.012))


def heard(*turns: TurnRecord, ended: CallRecord | None = None, started: bool = True) -> Heard:
    return Heard(STARTED if started else None, list(turns), ended or call())


def test_an_answered_call_passes_and_its_timeline_says_what_the_wire_gives() -> None:
    one = heard(turn(0.8, timed=True, text=True), turn(1.25), ended=call(greeting_s=0.45))

    judge(one, TARGET)

    lines = timeline(one, 9)
    assert lines[0] == "smoke call: connected in 12 ms, greeted after 450 ms"
    assert lines[1] == "  turns answered 2 of 2, after 800 ms, 1.25 s"
    assert lines[2] == "  transcript yes, in-band timing llm"
    assert lines[3] == "  trace joined: yes, 9 spans"


def test_a_target_that_gives_audio_only_is_told_how_to_show_more() -> None:
    lines = timeline(heard(turn()), 0)

    assert "transcript no, in-band timing no" in lines[2]
    assert "point its OTLP at the collector" in lines[3]
    assert "not known" in timeline(heard(turn()), None)[3]
    timed = timeline(heard(turn(timed=True)), 0)[3]
    assert timed == "  trace joined: no, and not needed: it is timed in band"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (heard(started=False, ended=call("refused", "connection refused")), "connection refused"),
        (heard(ended=call("silent_agent")), "never said anything"),
        (heard(turn(None), ended=call("abandoned")), "answered none of 1 turns"),
        (heard(turn(), turn(None), ended=call("dropped", "went away")), "after 1 answered turns"),
        (Heard(), "left no trace"),
    ],
)
def test_a_target_that_can_not_be_measured_gets_no_load(one: Heard, words: str) -> None:
    with pytest.raises(SmokeFailed, match=words):
        judge(one, TARGET)


def test_a_call_that_we_hung_up_after_two_answers_is_fine() -> None:
    judge(heard(turn(), turn(), ended=replace(call("aborted_by_us"), turn_count=2)), TARGET)


PLAN = RunPlan(TARGET, "custom", Request(calls=5), Path("store"))


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Callable[[Heard], None]:
    """Sets what the call left behind, without a call."""

    def leave(one: Heard) -> None:
        async def play(*_: object) -> Heard:
            return one

        monkeypatch.setattr(smoking, "_play", play)

    return leave


def test_the_calls_own_trace_is_looked_for_among_the_targets_spans(
    played: Callable[[Heard], None],
) -> None:
    asked: list[str] = []

    def joined(trace_id: str) -> int:
        asked.append(trace_id)
        return 4

    played(heard(turn()))
    seen = smoke(PLAN, prepare(PLAN), joined)

    assert asked == [CALL.trace_id]
    assert seen.joined == 4
    assert seen.lines[-1] == "  trace joined: yes, 4 spans"


def test_nothing_is_looked_for_when_the_call_failed(played: Callable[[Heard], None]) -> None:
    def joined(trace_id: str) -> int:
        raise AssertionError("there is no trace")

    played(heard(ended=call("silent_agent")))
    with pytest.raises(SmokeFailed):
        smoke(PLAN, prepare(PLAN), joined)


def test_a_call_that_somebody_stopped_is_followed_by_nothing(
    played: Callable[[Heard], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(prepared: Prepared, stop: StopRequests) -> Heard:
        assert stop.look()
        return heard(turn())

    monkeypatch.setattr(smoking, "_play", play)

    with pytest.raises(Interrupted, match="no load was sent"):
        smoke(PLAN, prepare(PLAN), lambda trace: 0, lambda: True)


def test_an_error_of_ours_in_the_call_is_not_taken_for_the_targets(
    played: Callable[[Heard], None],
) -> None:
    one = heard(turn())
    one.errors.append(KeyError("x"))
    played(one)

    with pytest.raises(KeyError):
        smoke(PLAN, prepare(PLAN), lambda trace: 0)
