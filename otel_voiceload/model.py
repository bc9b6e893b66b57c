"""Values that travel between rooms: offered load, what was heard, and what is recorded of a call.

All are frozen: a value handed on is never changed by its sender. Times inside a process are integer
nanoseconds with the clock in the name: ``_mono_ns`` is CLOCK_MONOTONIC, which all processes of one
host share; ``_unix_ns`` is wall time, made from a ``ClockAnchor`` once, so that a step of the wall
clock during a run moves no duration. Lengths and offsets are seconds (``_s``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from otel_voiceload.conventions import Component

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """One reading of both clocks, taken together at the start of a run."""

    mono_ns: int
    unix_ns: int

    def to_unix_ns(self, mono_ns: int) -> int:
        return self.unix_ns + (mono_ns - self.mono_ns)


# --- offered load -------------------------------------------------------------------------------


Arrivals = Literal["poisson", "constant"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One straight piece of offered load.

    Closed: calls held go from ``calls_from`` to ``calls_to``. Open (``arrivals`` is set): calls
    begin at ``per_s_from`` to ``per_s_to`` a second, however many are then held; ``calls_*`` are 0.
    """

    index: int
    phase: str
    start_s: float  # since the first stage's start
    duration_s: float
    calls_from: float
    calls_to: float
    repeat_of: int | None = None  # index of the earlier stage whose level this one returns to
    arrivals: Arrivals | None = None
    per_s_from: float = 0.0
    per_s_to: float = 0.0
    at_once: bool = False  # a jump up is not spread over a turn cycle; the connect limit holds
    note: str = ""  # why this load: "75% of the ceiling of 35 calls", for whoever reads the report

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    def calls_at(self, elapsed_s: float) -> float:
        """Calls asked for at ``elapsed_s`` since the first stage's start."""
        return self.calls_from + (self.calls_to - self.calls_from) * self._share(elapsed_s)

    def per_s_at(self, elapsed_s: float) -> float:
        """Calls begun per second, of an open stage."""
        return self.per_s_from + (self.per_s_to - self.per_s_from) * self._share(elapsed_s)

    def _share(self, elapsed_s: float) -> float:
        if self.duration_s <= 0:
            return 1.0
        return min(1.0, max(0.0, (elapsed_s - self.start_s) / self.duration_s))


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Where in the run something happened; stamped on every span."""

    phase: str
    stage_index: int
    concurrency_target: int
    concurrency_local: int


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """Ids of one call; derived from run id and index, so a re-sent record keeps its ids."""

    call_index: int
    call_id: str  # begins with trace_id
    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits, of the call span
    scenario: str
    sampled: bool  # whether the target is told to record its part


# --- what is recorded ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectStep:
    name: str  # "dns", "tcp", "tls", "upgrade", later "invite", "ice", "dtls"
    end_mono_ns: int


@dataclass(frozen=True, slots=True)
class ConnectRecord:
    start_mono_ns: int
    end_mono_ns: int
    steps: tuple[ConnectStep, ...]
    server_address: str
    server_port: int
    transport: str  # "tcp" or "udp"
    protocol: str  # "websocket", later "sip", "webrtc"
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class ComponentRecord:
    """One attempt of one component within a turn, on the caller's clock."""

    component: Component
    attempt: int  # 0-based
    start_mono_ns: int
    first_mono_ns: int | None  # first token or byte
    end_mono_ns: int  # server free again
    queue_s: float
    source: str
    error_type: str | None = None
    retry_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A finished turn. ``first_audio_mono_ns`` None means nobody answered before the deadline."""

    call: CallIdentity
    load: LoadContext  # at the caller's speech start
    turn_index: int
    outcome: str  # conventions.TURN_OUTCOMES
    clip_id: str
    speech_start_mono_ns: int
    speech_end_mono_ns: int  # the last speech sample, on the sample clock
    first_byte_mono_ns: int | None
    first_audio_mono_ns: int | None
    last_audio_mono_ns: int | None
    transcript_mono_ns: int | None
    deadline_s: float
    send_delay_s: float  # our own lateness against the turn's schedule
    rtt_s: float | None
    heard_text: str
    components: tuple[ComponentRecord, ...]
    audio_gap_s: float = 0.0
    snr_db: float | None = None
    onset_error_bound_ms: float | None = None
    error_type: str | None = None

    @property
    def response_latency_s(self) -> float | None:
        if self.first_audio_mono_ns is None:
            return None
        return (self.first_audio_mono_ns - self.speech_end_mono_ns) / NS_PER_S


@dataclass(frozen=True, slots=True)
class MediaStats:
    """What a wire counted over a whole call; None where the wire can not have the figure."""

    bytes_sent: int = 0
    bytes_received: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    rtt_s: float | None = None
    jitter_s: float | None = None
    jitter_rfc3550_s: float | None = None
    loss_ratio: float | None = None
    packets_lost: int | None = None
    cadence_s: float | None = None  # median time between the agent's messages while it speaks


@dataclass(frozen=True, slots=True)
class CallStartRecord:
    """Media is up; becomes the zero-length ``call.start`` marker."""

    call: CallIdentity
    load: LoadContext
    at_mono_ns: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that is over, for whatever reason."""

    call: CallIdentity
    load: LoadContext  # at its start
    scheduled_mono_ns: int
    start_mono_ns: int
    end_mono_ns: int
    outcome: str  # conventions.CALL_OUTCOMES
    end_reason: str | None
    turn_count: int
    greeting_latency_s: float | None
    connect: ConnectRecord
    media: MediaStats
    error_type: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ShardLoss:
    """A worker that gave no sign of life any more; ``at_mono_ns`` is its last one."""

    shard_index: int
    at_mono_ns: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a run says of itself; sent as a marker at its start and whole at its end."""

    run_id: str
    target: str
    wire: str
    profile: str
    seed: int
    tag: str
    scenario_hash: str
    clip_pack: str
    co_located: bool
    thresholds: dict[str, list[str]]
    start_mono_ns: int
    end_mono_ns: int | None = None  # None: this is the marker of the start
    stop_reason: str = ""
    planted: str = ""
    hearing_bias_s: float | None = None  # heard minus true onset, the median
    hearing_spread_s: float | None = None  # half of the onsets lie within it
    peak_calls: float | None = None  # the load that written thresholds are judged at
    plan: str = ""  # JSON without secrets, so that the run can be made again
    starts_dropped: int = 0
    shards: int = 1
    shards_lost: tuple[ShardLoss, ...] = ()
    machine_cores: int | None = None  # the generator's machine: what may be used of it
    machine_memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StageRecord:
    stage: Stage
    start_mono_ns: int
    end_mono_ns: int | None = None  # None: this is the marker of the start


@dataclass(frozen=True, slots=True)
class Health:
    """One second of one shard: whether the generator kept its own promises."""

    shard_index: int
    at_mono_ns: int
    calls_active: int
    frames_due: int
    frames_late: int  # over one frame late: dropped
    late_share: float  # frames more than 20 ms late / frames due
    pacing_error_p99_s: float
    loop_lag_p99_s: float
    run_delay_share: float  # share of the second spent runnable but not running (schedstat)
    cpu: float  # CPU seconds per second
    late_starts: int  # calls that began over one frame after their schedule
    connect_pending: int
    dropped_starts: int = 0  # arrivals of the open model that found --max-calls held
    pacing_error_p999_s: float = 0.0
    limited_by: tuple[str, ...] = ()  # of conventions.LIMIT_REASONS; empty: promises kept
    sent_bytes_per_s: float = 0.0  # in messages of all calls, without the headers around them
    received_bytes_per_s: float = 0.0
    # So that percentiles over any time can be held against a bound: those of seconds do not add up.
    frames_over_5_ms: int = 0
    frames_over_10_ms: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process took of its machine in about a second, seen from outside.

    ``cpu`` is CPU seconds per second: 1 is one core. ``sockets`` counts connections by peer.
    """

    role: str  # "generator" or "target"
    process: str  # "worker-0", "runner", "telemetry", "collector", "target"
    pid: int
    at_mono_ns: int
    cpu: float
    rss_bytes: int
    fds: int
    threads: int
    sockets: Mapping[str, int] = field(default_factory=dict)
    fds_limit: int | None = None  # that it may open; None: no limit, or not to be seen


@dataclass(frozen=True, slots=True)
class MachineUsage:
    """What belongs to no process: traffic of the calls, both ways, and the store's size."""

    at_mono_ns: int
    sent_bytes_per_s: float | None
    received_bytes_per_s: float | None
    store_bytes: int | None
    memory_free_bytes: int | None = None
    disk_free_bytes: int | None = None  # where the store lies


Record = (
    TurnRecord
    | CallStartRecord
    | CallRecord
    | RunRecord
    | StageRecord
    | Health
    | Usage
    | MachineUsage
)


# --- what the screen shows while a run goes on --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """One shard's last second, for the live table; never a source of the report's figures."""

    health: Health
    calls_started: int
    calls_ended: dict[str, int] = field(default_factory=dict)  # outcome -> count
    turn_latencies_s: tuple[float, ...] = ()
    turns_unanswered: int = 0
    # As the wire told, (call index, seconds) of each component.
    components: dict[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    natural_ends: dict[str, int] = field(default_factory=dict)  # scenario -> count
    calls_failed_here: int = 0  # on this machine's side, of those that ended
    spans_ended: int = 0  # by this shard since its start: what a ledger needs when it dies
    # (call index, seconds, unanswered): what --abort-on-fail judges; unanswered counts as deadline
    turns: tuple[tuple[int, float, bool], ...] = ()
