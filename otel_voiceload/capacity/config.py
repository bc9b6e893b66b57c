"""The reference agent's configuration file, also read by the simulator.

One YAML describes what the agent can carry; ``knee.expected_knee`` turns it into calls. Everything
has a default, so the empty file is a working agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from otel_voiceload.capacity.faults import FAULT_NAMES, Autoscale, Fault, SharedQuota
from otel_voiceload.capacity.fields import Seconds, Spread
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.errors import ConfigError

OverCapacity = Literal["queue", "reject", "share", "cliff"]
ServedComponent = Literal["stt", "llm", "tts"]
SERVED: tuple[ServedComponent, ...] = ("stt", "llm", "tts")


class _FromFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ComponentConfig(_FromFile):
    """One component: how fast it answers, how many it serves at once, what it does beyond that.

    ``queue_limit`` is how many may wait (``queue``) or be squeezed in beyond the capacity
    (``share``, ``cliff``); None is no limit. ``retries`` is how often the agent asks again after a
    refusal. ``rate`` is a limit of its own: requests per second, refused beyond it.
    """

    latency: Spread
    hold: float = Field(default=1.0, ge=1.0, le=100.0)  # slot busy = hold x latency
    capacity: int = Field(ge=1, le=1_000_000)
    over_capacity: OverCapacity = "queue"
    queue_limit: int | None = Field(default=None, ge=0)
    rate: float | None = Field(default=None, gt=0.0, le=1e6)
    retry_after: Seconds = 1.0
    retries: int = Field(default=3, ge=0, le=20)

    @property
    def busy_mean_s(self) -> float:
        return self.latency.mean_s * self.hold

    @model_validator(mode="after")
    def _no_queue_where_all_are_refused(self) -> Self:
        if self.over_capacity == "reject" and self.queue_limit:
            raise ValueError("queue_limit has no meaning with over_capacity reject; use queue")
        return self


class ComponentsConfig(_FromFile):
    stt: ComponentConfig = ComponentConfig(latency=Lognormal(0.100, 0.170), capacity=60)
    llm: ComponentConfig = ComponentConfig(
        latency=Lognormal(0.200, 0.350), hold=2.0, capacity=8, queue_limit=200
    )
    tts: ComponentConfig = ComponentConfig(
        latency=Lognormal(0.100, 0.180), hold=1.5, capacity=60, over_capacity="reject"
    )

    def named(self, name: ServedComponent) -> ComponentConfig:
        return {"stt": self.stt, "llm": self.llm, "tts": self.tts}[name]


class NetworkConfig(_FromFile):
    """Simulated network in front of the agent: one way, per message, normal around ``delay``.

    Zero by default: each delayed message costs a timer, which a laptop feels at some hundred calls.
    """

    delay: Seconds = 0.0
    jitter: Seconds = 0.0


def _named_fault(value: object) -> object:
    """``drop`` alone means the fault with its defaults; an unknown name is told the known ones."""
    name = value.get("name") if isinstance(value, dict) else value
    if isinstance(value, dict) and name is None:
        raise ValueError(_without_name(value))
    if name not in FAULT_NAMES:
        raise ValueError(f"unknown fault {name!r}; known are {', '.join(FAULT_NAMES)}")
    return value if isinstance(value, dict) else {"name": name}


def _without_name(value: Mapping[object, object]) -> str:
    """How to write it; who wrote ``autoscale: {add: 4}`` sees that very fault."""
    name = next((each for each in FAULT_NAMES if each in value), None)
    if name is None:
        return "a fault without a name: write drop, or {name: drop, share: 0.1}"
    given = value[name]
    scalars = given.items() if isinstance(given, dict) else ()
    parameters = [f"{key}: {each}" for key, each in scalars if isinstance(each, int | float | str)]
    return f"write it as {{{', '.join([f'name: {name}', *parameters])}}}"


class AgentConfig(_FromFile):
    """The whole file."""

    seed: int = 1
    components: ComponentsConfig = ComponentsConfig()
    network: NetworkConfig = NetworkConfig()
    endpointing: Seconds = Field(default=0.200, ge=0.02, le=5.0)  # silence that ends a speech
    greeting: bool = True
    reply: Spread = Lognormal(3.0, 6.0)
    faults: tuple[Annotated[Fault, BeforeValidator(_named_fault)], ...] = ()

    @model_validator(mode="after")
    def _each_fault_once(self) -> Self:
        keys = [(fault.name, getattr(fault, "component", None)) for fault in self.faults]
        if twice := {name for name, part in keys if keys.count((name, part)) > 1}:
            raise ValueError(f"fault {', '.join(sorted(twice))} is given twice")
        return self

    def autoscale_of(self, component: ServedComponent) -> Autoscale | None:
        for fault in self.faults:
            if isinstance(fault, Autoscale) and fault.component == component:
                return fault
        return None

    def servers_of(self, component: ServedComponent) -> ServedComponent:
        """Whose servers it asks: its own, unless it shares a quota."""
        for fault in self.faults:
            if isinstance(fault, SharedQuota) and fault.other == component:
                return fault.component
        return component


def parse_agent_config(data: object, where: str) -> AgentConfig:
    """The configuration in ``data``, which came from ``where`` (named in the message).

    Raises:
        ConfigError: every fault of the file in one line.
    """
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: is not an agent configuration; it must be a mapping of names")
    try:
        return AgentConfig.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(_one_fault(item["loc"], item["msg"]) for item in error.errors())
        raise ConfigError(f"{where}: {faults}") from None


def _one_fault(place: tuple[int | str, ...], message: str) -> str:
    words = message.removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in place)}: {words}" if place else words


def load_agent_config(path: Path) -> AgentConfig:
    """The configuration in the file at ``path``.

    Raises:
        ConfigError: no such file, no YAML, or a value that can not be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise ConfigError(f"{path}: {reason}; name a YAML file of the reference agent") from None
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "can not be read"
        raise ConfigError(f"{path}: not YAML{line}: {problem}; correct the file") from None
    return parse_agent_config(data, str(path))
