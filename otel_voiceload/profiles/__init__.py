"""Load profiles: one file per shape of load, found by its file name.

A profile is data before it is behaviour: it hands out stages and is asked again, with what was
found, before the last of them ends. Nothing here sleeps, starts or measures: a profile whose next
load follows from the run so far says so with ``needs_measure``, and whoever plays it has the run
analysed while the last level is held.
"""

from __future__ import annotations

import importlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol, Self, cast

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Arrivals, Stage

_SHARED = frozenset({"__init__", "file", "levels", "search", "sequence", "units"})
_INTERNAL = frozenset({"demo"})  # its lengths are those of the demo's own short turns
FILES = (".yaml", ".yml")
SEARCHES = ("ramp", "five-phase")  # that can stop at the knee
DEFAULT_MAX_CALLS = 100

StopReason = Literal["target_reached", "quality_floor", "duration", "generator_limit"]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How many calls were carried within the promises; ``calls`` None: a measurement told nothing.

    ``source`` says where it was measured, or why it could not be: it stands in the report.
    """

    calls: float | None
    source: str

    def share(self, share: float, otherwise: int, most: int | None = None) -> tuple[int, str]:
        """A share of it in whole calls, or ``otherwise`` calls; and in words which of the two.

        ``most`` holds it down, which the words then say.
        """
        if self.calls is None:
            calls = otherwise if most is None else min(otherwise, most)
            return calls, f"{calls} calls, since no ceiling is known: {self.source}"
        calls = max(1, math.floor(share * self.calls))
        words = f"{share * 100:g}% of the ceiling of {self.calls:.0f} calls ({self.source})"
        if most is None or calls <= most:
            return calls, words
        return most, f"{words}, held down to {most} calls"


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, in words that all profiles share. None: the profile's own default.

    ``turn_cycle_s`` is the scenario's mean time from one end of the caller's speech to the next;
    a hold below four of them has nothing to count. ``ceiling`` is one measured before this run.
    """

    calls: int | None = None
    duration_s: float | None = None
    stages: tuple[str, ...] = ()  # as written: "10m:200", "hold:10m:200", "hold:10m:5/s"
    pace: float = 1.0
    turn_cycle_s: float = 7.0
    rate_per_s: float | None = None
    arrivals: Arrivals = "poisson"
    total_calls: int | None = None
    max_calls: int = DEFAULT_MAX_CALLS
    until_knee: bool = False
    scenarios: tuple[str, ...] = ()  # names of those that are played
    ceiling: Ceiling | None = None


@dataclass(frozen=True, slots=True)
class StageFinding:
    """What is known of a stage when the profile is asked how to go on."""

    stage: Stage
    generator_limited: bool = False
    ends_before: int = 0  # natural ends of the run when this stage was handed out
    held_on: bool = False  # a piece by which the level before it was held, to measure meanwhile


@dataclass(frozen=True, slots=True)
class Fared:
    """How turns fared at one level, against the run's own low levels."""

    calls: float
    turns: int
    p95_s: float
    p95_ratio: float | None  # over the p95 of levels up to ten calls
    unanswered: float  # share of the turns
    completion_drop: float | None  # in points of 0..1


@dataclass(frozen=True, slots=True)
class Measured:
    """The run so far, as its analysis sees it. ``status`` "unknown": ``why`` it could not be told.

    ``levels`` are those that can be judged, in the order of the run. Beside a ceiling ``why`` says
    where it is from when that is not the run.

    The others are those of the report's inflection: found, at_most, not_reached, ambiguous,
    cannot_tell, unobserved.
    """

    stages: int  # how many of the stages handed out were analysed
    status: str
    component: str | None = None
    knee: float | None = None
    knee_low: float | None = None
    knee_high: float | None = None
    ceiling: float | None = None  # calls, the lower end
    levels: tuple[Fared, ...] = ()
    why: str = ""

    @property
    def top(self) -> Fared | None:
        """The highest level, when it was held for the first time."""
        return max(self.levels, key=lambda each: each.calls, default=None)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found so far. ``stages`` holds every stage handed out, the running one included."""

    stages: tuple[StageFinding, ...] = ()
    natural_ends: int = 0  # calls that came to their own end, over the whole run
    scenario_ends: Mapping[str, int] = field(default_factory=Counter)  # of these, each scenario's
    measured: Measured | None = None  # the latest one

    @property
    def end_s(self) -> float:
        """When the stages handed out end, since the first one's start."""
        return self.stages[-1].stage.end_s if self.stages else 0.0

    @property
    def measured_now(self) -> Measured | None:
        """The measurement when it covers all stages handed out."""
        if self.measured is None or self.measured.stages < len(self.stages):
            return None
        return self.measured


class Plain:
    """What a profile offers that looks at nothing but its own stages."""

    __slots__ = ()
    seeks_limit: ClassVar[bool]

    def needs_measure(self, findings: Findings) -> bool:
        return False

    def stop_reason(self, findings: Findings) -> StopReason:
        return "target_reached" if self.seeks_limit else "duration"


class Profile(Protocol):
    """A load over time."""

    name: ClassVar[str]
    seeks_limit: ClassVar[bool]  # written thresholds are then judged at --peak-calls

    @property
    def peak_calls(self) -> int:
        """The most calls that it will ever ask for."""

    def problems(self) -> list[str]: ...

    def needs_measure(self, findings: Findings) -> bool:
        """Whether ``findings.measured`` should cover the stages so far before it is asked on."""

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        """The stages that follow, the first beginning at ``findings.end_s``; None: that was all.

        A measurement that it needed may be missing or "unknown": it then goes on without one and
        says so in the stages' notes.
        """

    def stop_reason(self, findings: Findings) -> StopReason:
        """Why there was no more."""


class Named(Profile, Protocol):
    """What the ``Options`` of a profile's file offer."""

    @classmethod
    def of(cls, request: Request) -> Self:
        """Raises UsageError when the request holds what this profile does not take.

        CeilingUnknown when its load is a share of a ceiling that the request does not hold.
        """


def known() -> tuple[str, ...]:
    """Names of the profiles that are here, from the files of this folder."""
    stems = (p.stem for p in Path(__file__).parent.glob("*.py"))
    return tuple(sorted(stem.replace("_", "-") for stem in stems if stem not in _SHARED))


def offered() -> tuple[str, ...]:
    """Those of them that are for users."""
    return tuple(name for name in known() if name not in _INTERNAL)


def load(name: str) -> type[Named]:
    """The options class of a profile.

    Raises:
        UsageError: there is no such profile.
    """
    if name not in known():
        raise UsageError(
            f"no profile {name!r}; known are {', '.join(offered())}, or a file such as mine.yaml"
        )
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return cast("type[Named]", module.Options)  # the test over all profiles holds each to it


def make(name: str, request: Request) -> Profile:
    """The profile of a name or of a YAML file, for what was asked.

    Raises:
        UsageError: there is none, or the request holds what it does not take.
        CeilingUnknown: its load is a share of a ceiling that the request does not hold.
        ConfigError: the file can not be read or says what no profile is.
    """
    if name.endswith(FILES):
        from otel_voiceload.profiles.file import read

        return read(Path(name), request)
    kind = load(name)
    if request.rate_per_s is not None and name != "custom":
        raise UsageError(f"--rate is a load of its own; leave out --profile {name}")
    if request.until_knee and name not in SEARCHES:
        raise UsageError(f"--until-knee is for {' and '.join(SEARCHES)}, not for {name}")
    return kind.of(request)


def planned(profile: Profile, natural_ends: int = 0) -> tuple[Stage, ...]:
    """All stages of a run in which ``natural_ends`` calls ended by themselves and nothing broke.

    With none, a profile that waits for such ends goes on for as long as it ever would. A ceiling
    that it would measure is taken to be its own peak.
    """
    ends: Mapping[str, int] = defaultdict(lambda: natural_ends)
    stages: tuple[Stage, ...] = ()
    while True:
        carried = Measured(
            len(stages),
            "not_reached",
            ceiling=float(profile.peak_calls),
            why="supposing that nothing bends",
        )
        found = tuple(StageFinding(stage) for stage in stages)
        more = profile.next_stages(Findings(found, natural_ends, ends, carried))
        if not more:
            return stages
        stages += more
