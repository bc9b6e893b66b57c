"""What a run was asked to be, before anything is started."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from otel_voiceload.errors import UsageError
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Request
from otel_voiceload.telemetry.spool import MIN_SPOOL_BYTES, SPOOL_BYTES

SIMULATED = "sim:"  # before the file of an agent: a target that is computed, not called
SIMULATED_MAX_CALLS = 1_000_000  # --max-calls is against slips of the hand, and this hurts nobody
LOCAL_TRACE_SAMPLE = 1.0
REMOTE_TRACE_SAMPLE = 0.1  # a target's tracing back end is not ours to flood
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?", re.IGNORECASE)
CALLS_PER_WORKER = 400  # about what one core holds with everything on; fewer calls need fewer


@dataclass(frozen=True, slots=True)
class Access:
    """What a collector that somebody else runs asks of its senders. Headers may be secrets."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: Path | None = None  # that its certificate is checked against


@dataclass(frozen=True, slots=True)
class Again:
    """The run that is made once more, and what has to be as it was then."""

    run_id: str
    scenario_hash: str
    clip_pack: str


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run. Headers and ``params`` may hold secrets and stay out of messages."""

    target: str
    profile_name: str
    request: Request
    store: Path
    scenarios: tuple[str, ...] = ("booking",)
    collector: str | None = None
    collector_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    collector_ca: Path | None = None
    spool_bytes: int = SPOOL_BYTES
    seed: int = 1
    tag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls_ca: Path | None = None
    tls_insecure: bool = False
    trace_sample: float | None = None
    allow: tuple[str, ...] = ()
    max_calls: int = 100
    max_connect_rate: float = 50.0
    processes: int | None = None
    target_pids: tuple[int, ...] = ()  # none: whoever listens on the target's port, on this machine
    thresholds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    peak_calls: float | None = None  # what written thresholds of a search are judged at
    again: Again | None = None
    abort_grace_s: float | None = None  # None: a broken threshold does not end the run
    planted: str = ""
    turn_cycle_s: float | None = None  # where the target's part of a turn is known

    def text(self, stages: Sequence[Stage] = ()) -> str:
        """Every value as YAML, secrets masked, and its stages: what ``--print-config`` shows."""
        shown: dict[str, object] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in ("headers", "params", "collector_headers"):
                value = dict.fromkeys(value, "***")
            elif each.name == "request":
                value = {f.name: getattr(value, f.name) for f in fields(value)}
                value.pop("turn_cycle_s")  # follows from the scenarios
            shown[each.name] = _plain(value)
        shown["stages"] = [
            {
                "start": f"{round(stage.start_s, 1):g}s",
                "duration": f"{round(stage.duration_s, 1):g}s",
                "calls": _offered(stage),
                **({"note": stage.note} if stage.note else {}),
            }
            for stage in stages
        ]
        return yaml.safe_dump(shown, sort_keys=False)

    @property
    def access(self) -> Access:
        return Access(self.collector_headers, self.collector_ca)

    @property
    def simulated(self) -> Path | None:
        """The file of an agent that is to be simulated; None for one that is to be called."""
        is_file = self.target.startswith(SIMULATED)
        return Path(self.target.removeprefix(SIMULATED)) if is_file else None

    @property
    def local(self) -> bool:
        """Whether generator and target share this host, and with it the cores."""
        host = urlsplit(self.target.partition("+")[2] or self.target).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def sample_ratio(self) -> float:
        if self.trace_sample is not None:
            return self.trace_sample
        return LOCAL_TRACE_SAMPLE if self.local else REMOTE_TRACE_SAMPLE

    def worker_count(self, peak_calls: int, cores: int | None = None) -> int:
        """One worker per core that the target does not need, and no more than the calls need."""
        if self.processes is not None:
            return self.processes
        available = cores or os.cpu_count() or 1
        free = available - 1 if self.local else available
        needed = -(-peak_calls // CALLS_PER_WORKER)
        return max(1, min(free, needed))


def _offered(stage: Stage) -> str:
    """Calls held, or begun per second."""
    unit = "/s" if stage.arrivals else ""
    first, last = stage.calls_from, stage.calls_to
    if stage.arrivals:
        first, last = stage.per_s_from, stage.per_s_to
    return f"{last:g}{unit}" if first == last else f"{first:g} to {last:g}{unit}"


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def parse_header(text: str, option: str = "-H") -> tuple[str, str]:
    """``Name: value``; a value ``env:NAME`` is read from the environment.

    Raises:
        UsageError: no colon, or the variable is not set. The value is never repeated.
    """
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(
            f"{option} wants 'Name: value'; a secret can be named as 'Name: env:VARIABLE'"
        )
    value = value.strip()
    if value.startswith("env:"):
        variable = value.removeprefix("env:")
        if variable not in os.environ:
            raise UsageError(
                f"{option} {name.strip()}: the environment has no {variable}; set it first"
            )
        value = os.environ[variable]
    return name.strip(), value


def parse_spool_size(text: str) -> int:
    """Bytes of ``512MiB``, ``2GB`` or a plain number.

    Raises:
        UsageError: it is no size, or one that holds next to nothing.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--spool-size {text!r} is no size; write a number and a unit: 512MiB")
    unit = (found[2] or "").lower()
    power = "kmgt".index(unit[0]) + 1 if unit else 0
    base = 1024 if unit.endswith("i") else 1000
    size = round(float(found[1]) * float(base**power))
    if size < MIN_SPOOL_BYTES:
        raise UsageError(f"--spool-size {text!r} holds next to nothing; give 1MiB or more")
    return size


def parse_param(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--param wants NAME=VALUE, not {text!r}")
    return name, value
