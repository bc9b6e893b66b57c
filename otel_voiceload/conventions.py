"""The names of spans, attributes and their values, in one place.

Others rely on these: dashboards, SQL and the collector's promoted columns. Extending the list is
free, changing an entry is not. docs/spans.md shows the same names and a test compares the two.
"""

from __future__ import annotations

from typing import Final, Literal

SCOPE: Final = "otel_voiceload"
SERVICE_CALLER: Final = "ovl-caller"
SERVICE_AGENT: Final = "ovl-agent"
SERVICE_COLLECTOR: Final = "ovl-collector"
SERVICE_IMPORT: Final = "ovl-import"

# Span names. Markers have zero length and ids of their own: a span arrives only when it ends, so
# without them nobody could tell what is under way.
SPAN_RUN: Final = "run"
SPAN_RUN_START: Final = "run.start"
SPAN_IMPORT: Final = "import"  # of a file that named its own runs
SPAN_STAGE: Final = "stage"
SPAN_STAGE_START: Final = "stage.start"
SPAN_CALL: Final = "call"
SPAN_CALL_START: Final = "call.start"
SPAN_TURN: Final = "turn"
SPAN_NETWORK_CONNECT: Final = "network.connect"
SPAN_NETWORK_UPLINK: Final = "network.uplink"
SPAN_NETWORK_DOWNLINK: Final = "network.downlink"
SPAN_NETWORK_MEDIA: Final = "network.media"

# Components. The first four are the ones a fix is bought for; the others are shown beside them.
Component = Literal[
    "stt",
    "llm",
    "tts",
    "network",
    "endpointing",
    "text_aggregation",
    "tool",
    "unattributed",
]
COMPONENTS: Final = ("stt", "llm", "tts", "network")
SEGMENTS: Final = ("endpointing", "text_aggregation", "tool", "unattributed")

# Where a component's timing came from, best first.
SOURCE_TARGET_TRACE: Final = "target_trace"
SOURCE_IN_BAND: Final = "in_band"
SOURCE_POST_CALL_API: Final = "post_call_api"
SOURCE_CALLER_ESTIMATE: Final = "caller_estimate"
SOURCE_SIMULATED: Final = "simulated"

# Events on the turn span.
EVENT_SPEECH_START: Final = "caller.speech.start"
EVENT_SPEECH_END: Final = "caller.speech.end"
EVENT_FIRST_BYTE: Final = "agent.audio.first_byte"
EVENT_FIRST_AUDIO: Final = "agent.audio.first"
EVENT_LAST_AUDIO: Final = "agent.audio.last"
EVENT_TRANSCRIPT: Final = "agent.transcript.first"

# Attributes. Seconds are doubles.
RUN_ID: Final = "voiceload.run.id"
RUN_TARGET: Final = "voiceload.run.target"
RUN_WIRE: Final = "voiceload.run.wire"
RUN_PROFILE: Final = "voiceload.run.profile"
RUN_SEED: Final = "voiceload.run.seed"
RUN_TAG: Final = "voiceload.run.tag"
RUN_SCENARIO_HASH: Final = "voiceload.run.scenario_hash"
RUN_CLIP_PACK: Final = "voiceload.run.clip_pack"
RUN_STOP_REASON: Final = "voiceload.run.stop_reason"
RUN_CO_LOCATED: Final = "voiceload.run.co_located"
RUN_THRESHOLDS: Final = "voiceload.run.thresholds"  # JSON text: what the user wrote
RUN_SPANS_ENDED: Final = "voiceload.run.spans_ended"  # spans the generator ended, this one included
RUN_SPANS_LOST: Final = "voiceload.run.spans_lost"  # JSON text {reason: count}
RUN_SHARDS: Final = "voiceload.run.shards"
RUN_SHARDS_LOST: Final = "voiceload.run.shards_lost"  # JSON text [{"shard": 3, "at_s": 83.2}]
RUN_HEARING_BIAS: Final = "voiceload.run.hearing_bias"  # seconds
RUN_HEARING_SPREAD: Final = "voiceload.run.hearing_spread"  # seconds
RUN_PEAK_CALLS: Final = "voiceload.run.peak_calls"  # what written thresholds are judged at
RUN_PLAN: Final = "voiceload.run.plan"  # JSON text: what was asked for, without secrets
RUN_STARTS_DROPPED: Final = "voiceload.run.starts_dropped"  # arrivals that found no place
RUN_MACHINE_CORES: Final = "voiceload.run.machine_cores"  # that the generator may use
RUN_MACHINE_MEMORY: Final = "voiceload.run.machine_memory"  # bytes of the same machine
RUN_COPY: Final = "voiceload.run.copy"  # JSON text: the ledger of the user's own back end
RUN_PLANTED: Final = "voiceload.run.planted"  # "llm:48": what a demo planted
IMPORT_FILE: Final = "voiceload.import.file"  # its name; on the run that it was made into
IMPORT_CONTENT: Final = "voiceload.import.content"  # hash; only when all of it was handed on
IMPORT_BYTES: Final = "voiceload.import.bytes"  # of that content, after decompression
SHARD_INDEX: Final = "voiceload.shard.index"
SHARD_COUNT: Final = "voiceload.shard.count"
PHASE_NAME: Final = "voiceload.phase.name"
STAGE_INDEX: Final = "voiceload.stage.index"
STAGE_CALLS_FROM: Final = "voiceload.stage.calls_from"
STAGE_CALLS_TO: Final = "voiceload.stage.calls_to"
STAGE_REPEAT_OF: Final = "voiceload.stage.repeat_of"
STAGE_DURATION: Final = "voiceload.stage.duration"  # seconds asked
STAGE_ARRIVALS: Final = "voiceload.stage.arrivals"  # open model: "poisson" or "constant"
STAGE_PER_S_FROM: Final = "voiceload.stage.per_s_from"  # calls begun per second
STAGE_PER_S_TO: Final = "voiceload.stage.per_s_to"
STAGE_AT_ONCE: Final = "voiceload.stage.at_once"  # a jump that is not spread over a turn cycle
STAGE_NOTE: Final = "voiceload.stage.note"  # why this load, in words
CONCURRENCY_TARGET: Final = "voiceload.concurrency.target"
CONCURRENCY_LOCAL: Final = "voiceload.concurrency.local"
SESSION_ID: Final = "session.id"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
CALL_ID: Final = "voiceload.call.id"
CALL_INDEX: Final = "voiceload.call.index"
CALL_OUTCOME: Final = "voiceload.call.outcome"
CALL_END_REASON: Final = "voiceload.call.end_reason"
CALL_TURN_COUNT: Final = "voiceload.call.turn_count"
CALL_SCHEDULED_DELAY: Final = "voiceload.call.scheduled_delay"
CALL_GREETING_LATENCY: Final = "voiceload.call.greeting_latency"
SCENARIO_NAME: Final = "voiceload.scenario.name"
TURN_INDEX: Final = "voiceload.turn.index"  # 0-based
TURN_RESPONSE_LATENCY: Final = "voiceload.turn.response_latency"
TURN_DEADLINE: Final = "voiceload.turn.deadline"  # seconds; what a turn without answer counts as
TURN_OUTCOME: Final = "voiceload.turn.outcome"
TURN_FIRST: Final = "voiceload.turn.first"
TURN_SEND_DELAY: Final = "voiceload.turn.send_delay"
TURN_CLIP: Final = "voiceload.turn.clip"
TURN_AUDIO_GAP: Final = "voiceload.turn.audio_gap"  # seconds of underrun inside the reply
TURN_SNR_DB: Final = "voiceload.turn.snr_db"
TURN_ONSET_ERROR_MS: Final = "voiceload.turn.onset_error_bound_ms"
COMPONENT_NAME: Final = "voiceload.component.name"
COMPONENT_LATENCY: Final = "voiceload.component.latency"
COMPONENT_SOURCE: Final = "voiceload.component.source"
COMPONENT_BUSY: Final = "voiceload.component.busy"
COMPONENT_QUEUE: Final = "voiceload.component.queue"
COMPONENT_ATTEMPT: Final = "voiceload.component.attempt"
COMPONENT_RETRY_WAIT: Final = "voiceload.component.retry_wait"
COMPONENT_PROVIDER: Final = "voiceload.component.provider"
COMPONENT_MODEL: Final = "voiceload.component.model"
NETWORK_RTT: Final = "voiceload.network.rtt"
NETWORK_JITTER: Final = "voiceload.network.jitter"
NETWORK_JITTER_RFC3550: Final = "voiceload.network.jitter_rfc3550"
NETWORK_LOSS_RATIO: Final = "voiceload.network.loss_ratio"
NETWORK_PACKETS_RECEIVED: Final = "voiceload.network.packets_received"
NETWORK_PACKETS_LOST: Final = "voiceload.network.packets_lost"
NETWORK_CADENCE: Final = "voiceload.network.cadence"
NETWORK_TRANSPORT: Final = "network.transport"
NETWORK_PROTOCOL_NAME: Final = "network.protocol.name"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
TARGET_TRACE_ID: Final = "voiceload.target.trace_id"
TARGET_SPAN_ID: Final = "voiceload.target.span_id"
ERROR_TYPE: Final = "error.type"

# Baggage that marks our traffic for production dashboards.
BAGGAGE: Final = "synthetic_request=true"
SYNTHETIC_TYPE: Final = "user_agent.synthetic.type"  # "test"

# Metrics, once a second per shard.
METRIC_CALLS_ACTIVE: Final = "voiceload.calls.active"
METRIC_RESOURCE: Final = "voiceload.resource."  # + cpu, memory, file_descriptors, ...
RESOURCE_ROLE: Final = "voiceload.resource.role"  # "generator" or "target"
RESOURCE_PROCESS: Final = "voiceload.resource.process"  # "worker-0", "collector", "target"
RESOURCE_PEER: Final = "voiceload.resource.peer"  # on sockets: the address at the other end
PROCESS_PID: Final = "process.pid"
METRIC_GENERATOR: Final = "voiceload.generator."  # + the field of model.Health
METRIC_LIMITED: Final = "voiceload.generator.limited"  # 0 or 1 for each reason
LIMITED_BY: Final = "voiceload.generator.limited_by"  # the reason, on that metric
LIMIT_REASONS: Final = ("pacing_error", "late_frames", "loop_lag", "run_delay")

# Outcomes of a call. The target's fault and ours are never mixed.
CALL_OUTCOMES: Final = (
    "completed",
    "transferred",
    "refused",
    "negotiation_failed",
    "dropped",
    "timed_out",
    "silent_agent",
    "abandoned",
    "aborted_by_us",
)
END_REASONS: Final = ("resolution", "transfer", "callback", "hang_up")
TURN_OUTCOMES: Final = ("answered", "no_response", "interrupted", "cut_off")
