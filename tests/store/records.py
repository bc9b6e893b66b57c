"""Records of one small run for the tests of the store: a call, two turns, one without an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    CallRecord,
    CallStartRecord,
    ComponentRecord,
    ConnectRecord,
    LoadContext,
    MediaStats,
    Record,
    RunRecord,
    Stage,
    StageRecord,
    TurnRecord,
)

RUN = "run-1"
LOAD = LoadContext("baseline", 0, 1, 1)
START_NS = 100 * NS_PER_S


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def identity(index: int = 1) -> CallIdentity:
    trace = f"{index:032x}"
    return CallIdentity(index, trace, trace, f"{index:016x}", "booking", True)


def component(
    name: str, start_s: float, first_s: float | None, end_s: float, **more: Any
) -> ComponentRecord:
    record = ComponentRecord(
        component=name,  # type: ignore[arg-type]  # odd ones too
        attempt=0,
        start_mono_ns=at(start_s),
        first_mono_ns=None if first_s is None else at(first_s),
        end_mono_ns=at(end_s),
        queue_s=0.0,
        source="in_band",
    )
    return replace(record, **more)


def turn(
    call: CallIdentity,
    index: int,
    speech_end_s: float,
    first_audio_s: float | None,
    *components: ComponentRecord,
    **more: Any,
) -> TurnRecord:
    record = TurnRecord(
        call=call,
        load=LOAD,
        turn_index=index,
        outcome="no_response" if first_audio_s is None else "answered",
        clip_id="clip",
        speech_start_mono_ns=at(speech_end_s - 1),
        speech_end_mono_ns=at(speech_end_s),
        first_byte_mono_ns=None if first_audio_s is None else at(first_audio_s),
        first_audio_mono_ns=None if first_audio_s is None else at(first_audio_s),
        last_audio_mono_ns=None if first_audio_s is None else at(first_audio_s + 0.5),
        transcript_mono_ns=None,
        deadline_s=8.0,
        send_delay_s=0.01,
        rtt_s=None,
        heard_text="",
        components=components,
    )
    return replace(record, **more)


def call(
    who: CallIdentity, start_s: float, end_s: float, outcome: str = "completed", **more: Any
) -> CallRecord:
    record = CallRecord(
        call=who,
        load=LOAD,
        scheduled_mono_ns=at(start_s),
        start_mono_ns=at(start_s),
        end_mono_ns=at(end_s),
        outcome=outcome,
        end_reason="resolution" if outcome == "completed" else None,
        turn_count=2,
        greeting_latency_s=0.4,
        connect=ConnectRecord(
            at(start_s - 0.1), at(start_s), (), "127.0.0.1", 8080, "tcp", "websocket"
        ),
        media=MediaStats(),
    )
    return replace(record, **more)


def call_start(who: CallIdentity, start_s: float) -> CallStartRecord:
    return CallStartRecord(who, LOAD, at(start_s))


def stage(end_s: float = 30.0, calls: float = 1.0, index: int = 0) -> StageRecord:
    planned = Stage(index, "baseline", 0.0, end_s, calls, calls)
    return StageRecord(planned, at(0), at(end_s))


def level_stage(start_s: float, end_s: float, calls: float, index: int) -> StageRecord:
    """A later level of a run."""
    planned = Stage(index, "baseline", start_s, end_s - start_s, calls, calls)
    return StageRecord(planned, at(start_s), at(end_s))


def run(tag: str = "", run_id: str = RUN, **more: Any) -> RunRecord:
    record = RunRecord(
        run_id=run_id,
        target="ws://127.0.0.1:8080",
        wire="plain",
        profile="baseline",
        seed=1,
        tag=tag,
        scenario_hash="hash",
        clip_pack="pack",
        co_located=True,
        thresholds={},
        start_mono_ns=at(0),
        end_mono_ns=at(30),
        stop_reason="duration",
    )
    return replace(record, **more)


def small_run() -> list[Record]:
    """One call: turn 0 answered in 1.0 s by stt, llm and tts; turn 1 never answered."""
    who = identity()
    return [
        run(),
        stage(),
        call_start(who, 1),
        turn(
            who,
            0,
            3.0,
            4.0,
            component("stt", 3.1, 3.2, 3.2),
            component("llm", 3.2, 3.6, 3.9),
            component("tts", 3.6, 3.9, 4.4),
        ),
        turn(who, 1, 7.0, None),
        call(who, 1, 16, "abandoned"),
    ]
