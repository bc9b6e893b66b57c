"""Records of one short call, as the rooms above would make them; times are small and readable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from otel_voiceload.model import (
    NS_PER_MS,
    NS_PER_S,
    CallRecord,
    ClockAnchor,
    ComponentRecord,
    ConnectRecord,
    ConnectStep,
    Health,
    LoadContext,
    MediaStats,
    RunRecord,
    Stage,
    StageRecord,
    TurnRecord,
)
from otel_voiceload.telemetry.context import call_identity
from otel_voiceload.telemetry.otlp import RunScope

RUN_ID = "20261123T101500-ab12cd"
UNIX_NS = 1_800_000_000 * NS_PER_S
SCOPE = RunScope(RUN_ID, ClockAnchor(mono_ns=0, unix_ns=UNIX_NS))
CALL = call_identity(RUN_ID, 7, "booking", sampled=True)
LOAD = LoadContext("ramp", 2, 24, 12)
STAGE = Stage(2, "ramp", 17.0, 9.0, 12.0, 24.0)


def ms(value: float) -> int:
    return round(value * NS_PER_MS)


def component(**changes: Any) -> ComponentRecord:  # Any: the fields of the record, as given
    """llm, asked at 1.2 s, 100 ms in the queue, first token at 1.6 s, its server free at 1.9 s."""
    made = ComponentRecord("llm", 0, ms(1200), ms(1600), ms(1900), 0.1, "in_band")
    return replace(made, **changes)


def turn(**changes: Any) -> TurnRecord:
    """Speech 0-1 s, answered at 1.8 s, over a wire with 40 ms round trip."""
    made = TurnRecord(
        call=CALL,
        load=LOAD,
        turn_index=0,
        outcome="answered",
        clip_id="open-1-f",
        speech_start_mono_ns=0,
        speech_end_mono_ns=ms(1000),
        first_byte_mono_ns=ms(1790),
        first_audio_mono_ns=ms(1800),
        last_audio_mono_ns=ms(2600),
        transcript_mono_ns=ms(1700),
        deadline_s=10.0,
        send_delay_s=0.001,
        rtt_s=0.04,
        heard_text="which day?",
        components=(component(),),
    )
    return replace(made, **changes)


def connect(**changes: Any) -> ConnectRecord:
    made = ConnectRecord(
        start_mono_ns=0,
        end_mono_ns=ms(12),
        steps=(ConnectStep("tcp", ms(2)), ConnectStep("upgrade", ms(12))),
        server_address="127.0.0.1",
        server_port=8000,
        transport="tcp",
        protocol="websocket",
    )
    return replace(made, **changes)


def call(**changes: Any) -> CallRecord:
    """Planned at -5 ms, begun at 0, over at 9 s after four turns."""
    made = CallRecord(
        call=CALL,
        load=LOAD,
        scheduled_mono_ns=-ms(5),
        start_mono_ns=0,
        end_mono_ns=ms(9000),
        outcome="completed",
        end_reason="resolution",
        turn_count=4,
        greeting_latency_s=0.3,
        connect=connect(),
        media=MediaStats(messages_received=400, rtt_s=0.04),
    )
    return replace(made, **changes)


def run(**changes: Any) -> RunRecord:
    made = RunRecord(
        run_id=RUN_ID,
        target="ws://127.0.0.1:8000",
        wire="ws",
        profile="demo",
        seed=1,
        tag="",
        scenario_hash="s",
        clip_pack="c",
        co_located=True,
        thresholds={"turn_latency": ["p95<2s"]},
        start_mono_ns=0,
    )
    return replace(made, **changes)


def stage(**changes: Any) -> StageRecord:
    return replace(StageRecord(STAGE, ms(17_000)), **changes)


def health(**changes: Any) -> Health:
    made = Health(
        shard_index=1,
        at_mono_ns=ms(3000),
        calls_active=12,
        frames_due=600,
        frames_late=3,
        late_share=0.005,
        pacing_error_p99_s=0.002,
        loop_lag_p99_s=0.001,
        run_delay_share=0.02,
        cpu=0.2,
        late_starts=0,
        connect_pending=1,
    )
    return replace(made, **changes)
