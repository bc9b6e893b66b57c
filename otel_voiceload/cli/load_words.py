"""The words for a load, put together: what was typed now, and what a file says beside it.

A load is one of three kinds: calls with a profile, stages, or a rate. What was typed now chooses
the kind, and a file's words of another kind are then not mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_voiceload.capacity.durations import duration_s
from otel_voiceload.errors import UsageError
from otel_voiceload.model import Arrivals
from otel_voiceload.profiles import Request

PLAIN = "custom"  # the profile of calls and a duration, of a rate, or of stages
OF_AGAIN = (  # decided by the run that is made again
    "profile", "calls", "rate", "arrivals", "total_calls", "duration", "stage", "pace",
    "until_knee", "scenario", "seed", "max_calls", "max_connect_rate", "processes",
    "trace_sample", "threshold", "peak_calls",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadWords:
    """The options of ``ovl generate`` that say how much, as they came."""

    profile: str | None
    calls: int | None
    rate: float | None
    arrivals: Arrivals
    total_calls: int | None
    duration: str | None
    stages: tuple[str, ...]
    pace: float
    until_knee: bool

    def resolve(self, typed: frozenset[str]) -> tuple[str, Request]:
        """The profile's name and the request. ``typed`` are the options of the command line."""
        profile, calls, duration = self.profile, self.calls, self.duration
        rate, stages = self.rate, self.stages
        if "stage" in typed:
            profile = profile if "profile" in typed else None
            calls = calls if "calls" in typed else None
            duration = duration if "duration" in typed else None
            rate = rate if "rate" in typed else None
        elif "rate" in typed:
            profile = profile if "profile" in typed else None
            calls = calls if "calls" in typed else None
            stages = ()
        elif typed & {"calls", "duration"} or ("profile" in typed and profile != PLAIN):
            stages = ()
            rate = rate if not typed & {"calls", "profile"} else None
        request = Request(
            calls=calls,
            duration_s=duration_s(duration) if duration is not None else None,
            stages=stages,
            pace=self.pace,
            rate_per_s=rate,
            arrivals=self.arrivals,
            total_calls=self.total_calls,
            until_knee=self.until_knee,
        )
        return profile or ("ramp" if self.until_knee else PLAIN), request


def refuse_beside_again(typed: frozenset[str]) -> None:
    """Raises UsageError when the load is chosen twice: by a run, and by words of its own."""
    chosen = sorted(typed & set(OF_AGAIN))
    if chosen:
        option = f"--{chosen[0].replace('_', '-')}"
        raise UsageError(f"--again makes the same load once more; leave out {option}")
