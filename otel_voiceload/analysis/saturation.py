"""Where every component is full, as far as that is known: measured, declared, or not at all.

A run shows the limit of the component that bent first and of no other, since the first one keeps
the load away from the rest. Their limits come from what the user declares, or stay unknown: fitting
them to latencies below saturation was tried and was off by half. What is known of an undeclared one
is that it carried what it carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, sqrt
from typing import Final, Literal

from otel_voiceload.analysis.demand import call_tokens
from otel_voiceload.analysis.inputs import Inputs
from otel_voiceload.capacity.plan_file import Granted

SERVED: Final = ("stt", "llm", "tts")
Basis = Literal["measured", "declared", "set"]
Kind = Literal["servers", "turns_per_s", "calls"]
Span = tuple[float, float]

_Z95: Final = 1.96


@dataclass(frozen=True, slots=True)
class Work:
    """One component in a turn of a call that nothing holds up. Seconds, per turn.

    ``assumed``: how long a server is held was not measured, so what rests on it has no interval.
    """

    latency_s: float
    p50_s: float
    p95_s: float
    busy_s: float
    busy_error: float = 0.0  # relative standard error
    assumed: bool = False

    def times(self, factor: float) -> Work:
        return replace(
            self,
            latency_s=self.latency_s * factor,
            p50_s=self.p50_s * factor,
            p95_s=self.p95_s * factor,
            busy_s=self.busy_s * factor,
        )


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit: requests served at once, turns a second, or calls.

    ``span`` are the ends of the 95 % interval as factors of the value, of what this cap itself is
    uncertain by; None: there is none to give.
    """

    kind: Kind
    value: float
    basis: Basis
    why: str
    span: Span | None = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Full:
    """A component and the calls at which it is full."""

    component: str
    calls: float
    ci: Span | None
    cap: Cap


@dataclass(frozen=True, slots=True)
class Model:
    """A run, or assumptions, as the operational law needs them.

    ``carried`` is how many calls all components were seen to carry; None without a run.
    """

    cycle_s: float
    cycle_error: float | None  # relative standard error; None: the cycle is an assumption
    unloaded_s: float  # mean turn latency
    work: Mapping[str, Work]
    caps: Mapping[str, tuple[Cap, ...]]
    carried: float | None = None
    notes: tuple[str, ...] = ()
    patience_s: float = inf  # callers wait no longer, so no turn takes longer

    @property
    def unknown(self) -> tuple[str, ...]:
        """The components that a plan is about and whose limit nobody knows."""
        return tuple(name for name in SERVED if not self.caps.get(name))

    def fulls(self) -> tuple[Full, ...]:
        """Each component with a known limit, the first to be full at the head."""
        return self._first_of({name: list(caps) for name, caps in self.caps.items()})

    def waited_for(self) -> tuple[Full, ...]:
        """As ``fulls``, of the limits that turns wait for. What limits calls keeps them from
        beginning, and no turn of those that begin waits."""
        return self._first_of(
            {name: [cap for cap in caps if cap.kind != "calls"] for name, caps in self.caps.items()}
        )

    def carries(self) -> tuple[float, float] | None:
        """Bounds of the calls that can be carried; the upper one is infinite where none is known.

        Where some limits are unknown the lower bound is at most what was seen to be carried.
        """
        fulls = self.fulls()
        low, high = inf, inf
        for each in fulls:
            ends = each.ci or (each.calls, each.calls)
            low, high = min(low, ends[0]), min(high, ends[1])
        if self.unknown:
            if self.carried is None:
                return None
            low = min(low, self.carried)
        return low, high

    def latency_s(self, calls: float, full_at: float) -> float:
        """Mean turn latency at ``calls`` when the first limit lies at ``full_at``: a lower bound.

        Little's law: calls beyond what is carried wait. Just below the limit some wait too, which
        the law does not see. Where callers lose patience it ends there.
        """
        waits_s = max(0.0, calls / full_at - 1) * self.cycle_s
        return min(self.unloaded_s + waits_s, max(self.unloaded_s, self.patience_s))

    def _first_of(self, caps: Mapping[str, Sequence[Cap]]) -> tuple[Full, ...]:
        found = [
            min((self._full(name, cap) for cap in of_one), key=lambda each: each.calls)
            for name, of_one in caps.items()
            if of_one
        ]
        return tuple(sorted(found, key=lambda each: each.calls))

    def _full(self, name: str, cap: Cap) -> Full:
        calls, error, assumed = cap.value, 0.0, False
        if cap.kind != "calls":
            calls *= self.cycle_s
            error, assumed = self.cycle_error or 0.0, self.cycle_error is None
        if cap.kind == "servers":
            work = self.work[name]
            calls /= work.busy_s
            error = sqrt(error**2 + work.busy_error**2)
            assumed |= work.assumed
        if cap.basis == "measured":
            error, assumed = 0.0, False  # its interval is that of N* itself
        if cap.span is None or assumed:
            return Full(name, calls, None, cap)
        low, high = cap.span
        ends = calls * low * exp(-_Z95 * error), calls * high * exp(_Z95 * error)
        return Full(name, calls, ends, cap)


def declared_caps(limits: Granted, inputs: Inputs, file: str) -> dict[str, tuple[Cap, ...]]:
    """The caps that a plan file declares, by component; ``sip`` stands among them."""
    caps: dict[str, list[Cap]] = {}
    for (service, key), value in limits.items():
        name = key.replace("_", " ")
        why = f"{name} {value:,g} in {file}"
        caps.setdefault(service, []).append(_cap(service, key, value, inputs, why))
    return {service: tuple(each) for service, each in caps.items()}


def _cap(service: str, key: str, value: float, inputs: Inputs, why: str) -> Cap:
    match key:
        case "concurrent":
            return Cap("servers", value, "declared", why)
        case "requests_per_minute":
            per_turn = inputs.number(f"{service}.requests_per_turn")
            return Cap("turns_per_s", value / 60 / per_turn, "declared", why)
        case "tokens_per_minute":
            per_turn = call_tokens(inputs).both / inputs.number("call.turns")
            # Tokens are assumed, so what they allow has no interval.
            known = inputs.source("llm.system_prompt_tokens") == "file"
            span = (1.0, 1.0) if known else None
            return Cap("turns_per_s", value / 60 / per_turn, "declared", why, span)
        case "calls_per_second":
            return Cap("calls", value * inputs.number("call.length"), "declared", why)
        case _:
            return Cap("calls", value, "declared", why)
