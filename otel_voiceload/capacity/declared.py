"""Reading the plan file: what providers grant, and what is assumed where a run does not tell.

    limits:
      stt: {streams: 100}
      llm: {concurrent: 48, requests_per_minute: 500, tokens_per_minute: 200000}
    assumptions:
      llm: {system_prompt_tokens: 1500}

Everything may be left out: a limit that is not declared is unknown, and an assumption then has the
default that ``ovl plan --print-assumptions`` shows. What was read is a ``plan_file.PlanFile``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from otel_voiceload.capacity.fields import Seconds
from otel_voiceload.capacity.plan_file import PlanFile, Wire
from otel_voiceload.capacity.written import Written, read_written

_Count = Annotated[float, Field(gt=0, le=1e12, strict=True)] | None
_Length = Annotated[Seconds, Field(gt=0, le=1e6)] | None
_Tokens = Annotated[float, Field(ge=0, le=1e9, strict=True)] | None


class ServiceLimits(Written):
    streams: _Count = None
    concurrent: _Count = None
    requests_per_minute: _Count = None


class LlmLimits(Written):
    concurrent: _Count = None
    requests_per_minute: _Count = None
    tokens_per_minute: _Count = None  # input and output together, as providers count them


class SipLimits(Written):
    channels: _Count = None
    calls_per_second: _Count = None


class Limits(Written):
    stt: ServiceLimits = ServiceLimits()
    llm: LlmLimits = LlmLimits()
    tts: ServiceLimits = ServiceLimits()
    sip: SipLimits = SipLimits()


class CallAssumptions(Written):
    """``length`` is turns times the turn cycle where it is not given."""

    turns: Annotated[float, Field(ge=1, le=10_000, strict=True)] | None = None
    turn_cycle: _Length = None  # from one end of the caller's speech to the next
    length: _Length = None
    speech: _Length = None  # of the caller, per turn
    reply: _Length = None  # of the agent, per turn


class ServiceAssumptions(Written):
    """``busy`` is how long one request holds a server or stream of the provider."""

    requests_per_turn: Annotated[float, Field(gt=0, le=1000, strict=True)] | None = None
    busy: _Length = None


class LlmAssumptions(ServiceAssumptions):
    system_prompt_tokens: _Tokens = None
    user_tokens: _Tokens = None  # per turn
    reply_tokens: _Tokens = None  # per turn
    history_turns: Annotated[int, Field(ge=0, le=10_000)] | Literal["all"] | None = None


class TtsAssumptions(ServiceAssumptions):
    characters: _Tokens = None  # per turn


class GeneratorAssumptions(Written):
    calls_per_core: _Count = None
    cores_per_machine: _Count = None


class Assumptions(Written):
    call: CallAssumptions = CallAssumptions()
    stt: ServiceAssumptions = ServiceAssumptions()
    llm: LlmAssumptions = LlmAssumptions()
    tts: TtsAssumptions = TtsAssumptions()
    wire: Wire | None = None
    enough: Annotated[float, Field(ge=0.5, le=0.999999, strict=True)] | None = None
    generator: GeneratorAssumptions = GeneratorAssumptions()


class Whole(Written):
    limits: Limits = Limits()
    assumptions: Assumptions = Assumptions()


def load_plan_file(path: Path) -> PlanFile:
    """Raises ConfigError with line and key."""
    written = read_written(path, Whole).model_dump(exclude_none=True)
    limits = {
        (service, key): value
        for service, declared in written["limits"].items()
        for key, value in declared.items()
    }
    assumptions: dict[str, float | str] = {}
    for section, given in written["assumptions"].items():
        if isinstance(given, dict):
            assumptions |= {f"{section}.{key}": value for key, value in given.items()}
        else:
            assumptions[section] = given
    return PlanFile(limits, assumptions)
