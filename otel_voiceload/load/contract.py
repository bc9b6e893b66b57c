"""The shard contract: all that a worker must be told to hold its part of a load, wherever it runs.

The runner's own worker processes are its first launcher; another one starts the same program on
another machine and hands it the same values as JSON. Calls need no word between shards: a call's
index modulo the count says whose it is, and everything else follows from its index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal, Self

import orjson

from otel_voiceload.errors import UsageError
from otel_voiceload.model import NS_PER_MS, NS_PER_S, ClockAnchor, Stage

HEARTBEAT_S: Final = 1.0
MISSED: Final = 3  # heartbeats in a row: the shard is lost
UNTOLD_S: Final = 5.0  # without a word after the last stage: whoever decides is gone, so stop
CUT_S: Final = 10.0  # and that much later no call of the shard is up, whatever happened
MOST_OFFSET_S: Final = 0.050  # a clock further off would move one shard's turns against another's
LEAST_NOTICE_S: Final = 5.0  # to load clips and to hear of a start that was called off

Lane = Literal["pipe", "telemetry"]


@dataclass(frozen=True, slots=True)
class ShardContract:
    """One shard of a run.

    ``clock_offset_ns`` is the wall clock of the shard's machine minus that of the runner's, as it
    was measured; ``start_unix_ns`` and ``deadline_unix_ns`` are the runner's UTC. At the deadline
    every call is hung up, whoever can still be heard; stages that are added move it.
    ``collector`` is the OTLP/HTTP endpoint that all shards share. ``lane`` says how the spans get
    there: over a ``pipe`` to the telemetry process of this machine, or by a ``telemetry`` process
    of the shard's own.
    """

    run_id: str
    shard_index: int
    shard_count: int
    start_unix_ns: int
    deadline_unix_ns: int
    collector: str
    clock_offset_ns: int = 0
    heartbeat_s: float = HEARTBEAT_S
    lane: Lane = "pipe"

    def owns(self, call_index: int) -> bool:
        return call_index % self.shard_count == self.shard_index

    @property
    def lost_after_s(self) -> float:
        """Silence after which a shard is lost: the missed heartbeats, and one that is late."""
        return (MISSED + 1) * self.heartbeat_s

    def start_mono_ns(self, anchor: ClockAnchor) -> int:
        """On the clock of the machine that took ``anchor``; converted once, so that no later step
        of its wall clock moves the load."""
        return self._mono_ns(self.start_unix_ns, anchor)

    def deadline_mono_ns(self, anchor: ClockAnchor) -> int:
        return self._mono_ns(self.deadline_unix_ns, anchor)

    def _mono_ns(self, unix_ns: int, anchor: ClockAnchor) -> int:
        return anchor.mono_ns + unix_ns + self.clock_offset_ns - anchor.unix_ns

    def problems(self) -> list[str]:
        found = []
        if not 0 <= self.shard_index < self.shard_count:
            found.append(f"shard {self.shard_index} of {self.shard_count} does not exist")
        if self.deadline_unix_ns <= self.start_unix_ns:
            found.append("the deadline lies before the start")
        if not self.run_id or not self.collector:
            found.append("a shard needs a run id and a collector")
        if self.heartbeat_s <= 0:
            found.append(f"a heartbeat every {self.heartbeat_s:g} s can not be kept")
        return found

    def refusals(self, now_unix_ns: int) -> list[str]:
        """Why a shard on another machine does not begin; ``now_unix_ns`` is the runner's clock.

        One on the runner's own machine has its clock and needs no notice.
        """
        found = self.problems()
        if abs(self.clock_offset_ns) > MOST_OFFSET_S * NS_PER_S:
            found.append(
                f"the clock of shard {self.shard_index} is off by "
                f"{self.clock_offset_ns / NS_PER_MS:+.0f} ms, more than "
                f"{MOST_OFFSET_S * 1000:.0f} ms; synchronise it"
            )
        notice_s = (self.start_unix_ns - now_unix_ns) / NS_PER_S
        if notice_s < LEAST_NOTICE_S:
            found.append(
                f"shard {self.shard_index} is to start in {notice_s:.1f} s and needs "
                f"{LEAST_NOTICE_S:.0f} s of notice; start later"
            )
        return found

    def to_json(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises UsageError when the text is no contract."""
        try:
            told = orjson.loads(text)
            contract = cls(**told)
        except (orjson.JSONDecodeError, TypeError) as error:
            known = ", ".join(field.name for field in fields(cls))
            raise UsageError(f"not a shard contract: {error}; it has {known}") from None
        if problems := contract.problems():
            raise UsageError(f"not a shard contract: {'; '.join(problems)}")
        return contract


def deadline_unix_ns(start_unix_ns: int, stages: Iterable[Stage]) -> int:
    """When a shard that is told nothing more has hung up everything."""
    end_s = max((stage.end_s for stage in stages), default=0.0)
    return start_unix_ns + round((end_s + UNTOLD_S + CUT_S) * NS_PER_S)


def contracts(
    run_id: str, count: int, stages: Iterable[Stage], start_unix_ns: int, collector: str
) -> tuple[ShardContract, ...]:
    """Those of all shards of one machine, which share the runner's clock."""
    deadline_ns = deadline_unix_ns(start_unix_ns, stages)
    return tuple(
        ShardContract(run_id, index, count, start_unix_ns, deadline_ns, collector)
        for index in range(count)
    )
