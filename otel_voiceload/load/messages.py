"""What the runner and a worker say to each other over the control pipe.

Typed values and nothing else, so that the same contract can later travel over another channel than
a local pipe. The runner may extend the stages while the load runs, since a profile looks at what
was found before it decides how to go on. An end of the pipe means that the runner is gone: the
worker then hangs up everything and leaves.

    runner -> worker    Begin  Extend  Finish  HangUpAll
    worker -> runner    Ready  model.Progress (each second)  Finished
"""

from __future__ import annotations

from dataclasses import dataclass, field

from otel_voiceload.load.contract import ShardContract
from otel_voiceload.model import Progress, Stage


@dataclass(frozen=True, slots=True)
class Begin:
    """Offer these stages; elapsed time counts from the contract's start, which may lie ahead."""

    stages: tuple[Stage, ...]
    contract: ShardContract


@dataclass(frozen=True, slots=True)
class Extend:
    """More stages, each beginning where the one before ends.

    Until this arrives the last level is held: a runner that decides late causes no gap in the load.
    The contract's deadline moves with them.
    """

    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """No more starts; every call hangs up after its turn, and at once when the grace is over."""

    grace_s: float = 10.0


@dataclass(frozen=True, slots=True)
class HangUpAll:
    """Hang up now; what is still open at the deadline is cut off."""

    deadline_mono_ns: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Clips are loaded and the loop runs; sent once, before anything is offered."""

    shard_index: int
    pid: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The worker's last word: its records are in the telemetry pipe by then, or counted here."""

    shard_index: int
    calls_started: int
    calls_ended: dict[str, int] = field(default_factory=dict)  # outcome -> count
    # Reason -> spans that telemetry could not even be told of: they are in none of its totals.
    spans_lost: dict[str, int] = field(default_factory=dict)
    internal_errors: int = 0
    first_internal_error: str = ""


ToWorker = Begin | Extend | Finish | HangUpAll
FromWorker = Ready | Progress | Finished
