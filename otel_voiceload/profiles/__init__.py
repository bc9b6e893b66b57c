"""Load profiles: one file per shape of load, found by its file name.

A profile is data before it is behaviour: it hands out stages and is asked again, with what was
found, before the last of them ends. Nothing here sleeps, starts or measures.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self, cast

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage

_SHARED = frozenset({"__init__", "levels", "units"})
_INTERNAL = frozenset({"demo"})  # its lengths are those of the demo's own short turns


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, in words that all profiles share. None: the profile's own default.

    ``turn_cycle_s`` is the scenario's mean time from one end of the caller's speech to the next;
    a hold below four of them has nothing to count.
    """

    calls: int | None = None
    duration_s: float | None = None
    stages: tuple[str, ...] = ()  # as written: "10m:200", "hold:10m:200"
    pace: float = 1.0
    turn_cycle_s: float = 7.0


@dataclass(frozen=True, slots=True)
class StageFinding:
    """What is known of a stage when the profile is asked how to go on."""

    stage: Stage
    generator_limited: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found so far. ``stages`` holds every stage handed out, the running one included."""

    stages: tuple[StageFinding, ...] = ()
    natural_ends: int = 0  # calls that came to their own end, over the whole run

    @property
    def end_s(self) -> float:
        """When the stages handed out end, since the first one's start."""
        return self.stages[-1].stage.end_s if self.stages else 0.0


class Profile(Protocol):
    """What a profile's ``Options`` offer."""

    name: ClassVar[str]
    seeks_limit: ClassVar[bool]  # written thresholds are then judged at --peak-calls

    @classmethod
    def of(cls, request: Request) -> Self:
        """Raises UsageError when the request holds what this profile does not take."""

    @property
    def peak_calls(self) -> int:
        """The most calls that it will ever ask for."""

    def problems(self) -> list[str]: ...

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        """The stages that follow, the first beginning at ``findings.end_s``; None: that was all."""


def known() -> tuple[str, ...]:
    """Names of the profiles that are here, from the files of this folder."""
    return tuple(
        sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in _SHARED)
    )


def load(name: str) -> type[Profile]:
    """The options class of a profile.

    Raises:
        UsageError: there is no such profile.
    """
    if name not in known():
        offered = ", ".join(each for each in known() if each not in _INTERNAL)
        raise UsageError(f"no profile {name!r}; known are {offered}")
    options = importlib.import_module(f"{__name__}.{name}").Options
    return cast("type[Profile]", options)  # the test over all profiles holds each one to it


def planned(profile: Profile, natural_ends: int = 0) -> tuple[Stage, ...]:
    """All stages of a run in which ``natural_ends`` calls ended by themselves and nothing broke.

    With none, a profile that waits for such ends goes on for as long as it ever would.
    """
    stages: tuple[Stage, ...] = ()
    while more := profile.next_stages(
        Findings(tuple(StageFinding(stage) for stage in stages), natural_ends)
    ):
        stages += more
    return stages
