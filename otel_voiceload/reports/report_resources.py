"""The part of the Report that says what the load took of the machines; types only."""

from __future__ import annotations

from typing import Literal, TypedDict

ResourceRole = Literal["generator", "target"]


class CallCost(TypedDict):
    """What one call more took of one process: a slope over the counted seconds of all levels."""

    role: ResourceRole
    process: str  # "worker" for all of them; "machine" has the traffic of their calls
    seconds: int  # that it rests on
    calls_from: float | None
    calls_to: float | None
    cpu_idle: float | None  # cores
    cpu_per_call: float | None
    rss_idle_bytes: float | None
    rss_bytes_per_call: float | None
    sent_bytes_per_s_per_call: float | None
    received_bytes_per_s_per_call: float | None


class ResourceCeiling(TypedDict):
    """(what the machine has - idle) / per call, had the role the machine to itself."""

    role: ResourceRole
    cpu_calls: float | None
    memory_calls: float | None


class ResourceLevel(TypedDict):
    """What a role took at one level, its processes together; levels in the order of the run."""

    role: ResourceRole
    source: str  # "sampled" from outside, or "otlp": told by the target
    phase: str
    calls: float
    at_s: float  # the middle of it, from the start of the run
    seconds: int
    cpu: float | None  # cores
    rss_bytes: float | None
    fds: float | None
    sockets: float | None
    sent_bytes_per_s: float | None  # in the calls' messages, by the generator's own count
    received_bytes_per_s: float | None
    gc_share: float | None  # of its time, in pauses


class Resources(TypedDict):
    machine_cores: int | None  # of the generator's machine
    machine_memory_bytes: int | None
    per_call: list[CallCost]
    ceilings: list[ResourceCeiling]
    levels: list[ResourceLevel]
