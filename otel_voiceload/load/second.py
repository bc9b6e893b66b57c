"""What happened in a shard since it last told: the live figures, never a source of the report's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from otel_voiceload.model import NS_PER_S, CallRecord, Health, Progress, Record, TurnRecord

_NATURAL_ENDS = ("completed", "transferred")


@dataclass(slots=True)
class Second:
    """Filled by the shard as things happen, and by every record that goes to telemetry."""

    started: int = 0
    late_starts: int = 0
    dropped_starts: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    natural_ends: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    turns: list[tuple[int, float, bool]] = field(default_factory=list)
    unanswered: int = 0
    components: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    failed_here: int = 0

    def take(self, record: Record) -> None:
        match record:
            case TurnRecord():
                self._take_turn(record)
            case CallRecord():
                self.ended[record.outcome] += 1
                self.failed_here += record.outcome == "aborted_by_us" and bool(record.error_type)
                if record.outcome in _NATURAL_ENDS:
                    self.natural_ends[record.call.scenario] += 1
            case _:
                pass

    def progress(self, health: Health) -> Progress:
        return Progress(
            health=health,
            calls_started=self.started,
            calls_ended=dict(self.ended),
            natural_ends=dict(self.natural_ends),
            turn_latencies_s=tuple(self.latencies_s),
            turns=tuple(self.turns),
            turns_unanswered=self.unanswered,
            components={k: tuple(v) for k, v in self.components.items()},
            calls_failed_here=self.failed_here,
        )

    def _take_turn(self, record: TurnRecord) -> None:
        latency_s = record.response_latency_s
        if latency_s is None:
            self.unanswered += 1
            if record.outcome == "no_response":
                self.turns.append((record.call.call_index, record.deadline_s, True))
        elif latency_s >= 0:
            self.latencies_s.append(latency_s)
            self.turns.append((record.call.call_index, latency_s, False))
        for part in record.components:
            first_ns = part.end_mono_ns if part.first_mono_ns is None else part.first_mono_ns
            taken_s = (first_ns - part.start_mono_ns) / NS_PER_S
            told = self.components.setdefault(part.component, [])
            told.append((record.call.call_index, taken_s))
