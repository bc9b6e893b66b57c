"""What can be made to go wrong with the reference agent on purpose, each fault with its parameters.

A fault that is not in this list is refused when the file is read: a test that silently plants
nothing proves nothing. ``share`` is the share of turns it strikes, by a seeded draw per turn.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otel_voiceload.capacity.fields import Seconds

_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Served = Literal["stt", "llm", "tts"]


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drop(_Fault):
    """The connection breaks in the middle of the reply."""

    name: Literal["drop"] = "drop"
    share: _Share = 0.05


class TalkOver(_Fault):
    """The agent speaks while the caller still does, ``after`` the caller began."""

    name: Literal["talk_over"] = "talk_over"
    share: _Share = 0.1
    after: Seconds = 0.5


class FalseEndpoint(_Fault):
    """The agent takes the caller's speech for finished ``after`` it began, and answers."""

    name: Literal["false_endpoint"] = "false_endpoint"
    share: _Share = 0.1
    after: Seconds = 0.6


class WrongReply(_Fault):
    """The reply has another intent than the caller's words ask for."""

    name: Literal["wrong_reply"] = "wrong_reply"
    share: _Share = 0.1


class SlowBargeIn(_Fault):
    """The agent speaks on for ``delay`` after the caller cut in."""

    name: Literal["slow_barge_in"] = "slow_barge_in"
    delay: Seconds = 1.0


class Leak(_Fault):
    """A component gets slower with time: its latency grows by ``per_minute`` of the original."""

    name: Literal["leak"] = "leak"
    component: _Served = "llm"
    per_minute: float = Field(default=0.05, ge=0.0)


class Cold(_Fault):
    """The first answer of each call takes ``extra`` longer: connections, caches, a prompt."""

    name: Literal["cold"] = "cold"
    component: _Served = "llm"
    extra: Seconds = 0.4


class Incident(_Fault):
    """For a while a component takes ``factor`` times as long, whatever the load.

    ``at`` counts from the first work of the run.
    """

    name: Literal["incident"] = "incident"
    component: _Served = "llm"
    at: Seconds = 60.0
    lasting: Seconds = 15.0
    factor: float = Field(default=4.0, gt=0.0, le=100.0)


class Noisy(_Fault):
    """What waits for ``component`` slows ``victim``, as on a shared processor.

    The victim takes ``factor`` times its latency longer for each full set of waiting requests, up
    to three sets.
    """

    name: Literal["noisy"] = "noisy"
    component: _Served = "llm"
    victim: _Served = "tts"
    factor: float = Field(default=1.0, ge=0.0, le=100.0)


class Nested(_Fault):
    """The component's spans begin with the turn's first work, as frameworks do that nest."""

    name: Literal["nested"] = "nested"
    component: _Served = "tts"


class LostSpans(_Fault):
    """Component spans that never arrive."""

    name: Literal["lost_spans"] = "lost_spans"
    share: _Share = 0.05


class Sampled(_Fault):
    """Only this share of the calls have component spans at all."""

    name: Literal["sampled"] = "sampled"
    share: _Share = 0.1


class ClockSkew(_Fault):
    """A component's clock is ``ahead`` of the caller's."""

    name: Literal["clock_skew"] = "clock_skew"
    component: _Served = "llm"
    ahead: Seconds = 0.05


class Autoscale(_Fault):
    """``add`` servers more each time that all of them were busy for ``lag``."""

    name: Literal["autoscale"] = "autoscale"
    component: _Served = "llm"
    add: int = Field(default=4, ge=1)
    lag: Seconds = 10.0
    max_capacity: int = Field(default=64, ge=1)


class SharedQuota(_Fault):
    """``other`` asks the servers of ``component`` too, as under one account's limit.

    What happens beyond the limit is as ``component`` says; each keeps its own latency and hold.
    """

    name: Literal["shared_quota"] = "shared_quota"
    component: _Served = "llm"
    other: _Served = "tts"

    @model_validator(mode="after")
    def _two_of_them(self) -> Self:
        if self.component == self.other:
            raise ValueError(f"{self.other} can not share a quota with itself")
        return self


class MemoryLeak(_Fault):
    """Every call leaves this much memory behind in the agent's process."""

    name: Literal["memory_leak"] = "memory_leak"
    bytes_per_call: int = Field(default=262_144, ge=1, le=64_000_000)


Fault = Annotated[
    Drop
    | TalkOver
    | FalseEndpoint
    | WrongReply
    | SlowBargeIn
    | Leak
    | Cold
    | Incident
    | Noisy
    | Autoscale
    | SharedQuota
    | MemoryLeak
    | Nested
    | LostSpans
    | Sampled
    | ClockSkew,
    Field(discriminator="name"),
]

FAULT_NAMES: Final = (
    "drop",
    "talk_over",
    "false_endpoint",
    "wrong_reply",
    "slow_barge_in",
    "leak",
    "cold",
    "incident",
    "noisy",
    "autoscale",
    "shared_quota",
    "memory_leak",
    "nested",
    "lost_spans",
    "sampled",
    "clock_skew",
)

# Wrong is the telling and not the agent, so only a simulation can do it on purpose.
SIMULATED_ONLY: Final = ("nested", "lost_spans", "sampled", "clock_skew")
