"""What can be made to go wrong with the reference agent on purpose, each fault with its parameters.

A fault that is not in this list is refused when the file is read: a test that silently plants
nothing proves nothing. ``share`` is the share of turns it strikes, by a seeded draw per turn.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from otel_voiceload.capacity.durations import Seconds

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


class Autoscale(_Fault):
    """``add`` servers more each time that all of them were busy for ``lag``."""

    name: Literal["autoscale"] = "autoscale"
    component: _Served = "llm"
    add: int = Field(default=4, ge=1)
    lag: Seconds = 10.0
    max_capacity: int = Field(default=64, ge=1)


class MemoryLeak(_Fault):
    """Every call leaves this much memory behind in the agent's process."""

    name: Literal["memory_leak"] = "memory_leak"
    bytes_per_call: int = Field(default=262_144, ge=1, le=64_000_000)


Fault = Annotated[
    Drop | TalkOver | FalseEndpoint | WrongReply | SlowBargeIn | Leak | Autoscale | MemoryLeak,
    Field(discriminator="name"),
]

FAULT_NAMES: Final = (
    "drop",
    "talk_over",
    "false_endpoint",
    "wrong_reply",
    "slow_barge_in",
    "leak",
    "autoscale",
    "memory_leak",
)
