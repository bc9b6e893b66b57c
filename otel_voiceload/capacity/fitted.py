"""A measured agent as a configuration of the simulator, so that what-if runs play its own numbers.

Latencies are a lognormal through the measured median and p95. The law's rate is kept exactly: with
whole servers, each is held as long as makes servers / busy the rate that was measured or declared.
A component whose limit is not known gets one that it can not reach, and whoever reads the result is
told.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, inf
from typing import Final

from otel_voiceload.capacity.config import SERVED, AgentConfig
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.capacity.measures import FittedCalls, FittedPart
from otel_voiceload.capacity.simulated_call import CallerModel

_NO_LIMIT: Final = 1_000_000
_LONGEST_HOLD: Final = 100.0  # as the configuration has it
_LEAST_S: Final = 0.001
_LEAST_ENDPOINTING_S, _MOST_ENDPOINTING_S = 0.02, 5.0
_SPREAD: Final = 1.3  # p95 over median of what callers say and think


def fit(
    parts: Mapping[str, FittedPart], calls: FittedCalls, scale: float = 1.0
) -> tuple[AgentConfig, CallerModel]:
    """Agent and callers; at a ``scale`` of 4 a quarter of the calls meets a quarter of the servers.

    The law is linear in the number of calls, so the calls found are to be multiplied by ``scale``.
    """
    components: dict[str, dict[str, object]] = {}
    own_s = 0.0
    for name in SERVED:
        part = parts.get(name) or FittedPart(_LEAST_S, _LEAST_S, _LEAST_S)
        latency = Lognormal(max(_LEAST_S, part.p50_s), max(_LEAST_S, part.p50_s, part.p95_s))
        own_s += latency.mean_s
        components[name] = _component(part, latency, part.turns_per_s / scale)
    endpointing_s = min(_MOST_ENDPOINTING_S, max(_LEAST_ENDPOINTING_S, calls.unloaded_s - own_s))
    rest_s = max(0.05, calls.cycle_s - endpointing_s - own_s)
    speech_s, reply_s, think_s = _shares(rest_s, calls)
    turns = max(2, round(calls.turns))  # the first of each is no evidence
    data = {
        "greeting": False,
        "endpointing": endpointing_s,
        "reply": _around(reply_s),
        "components": components,
    }
    callers = CallerModel(
        speech=_around(speech_s),
        # The last turn of a call has none after it, and the cycle is a mean over all turns.
        think=_around(think_s / (1 - 1 / turns)),
        turns_per_call=turns,
        patience_s=calls.patience_s,
    )
    return AgentConfig.model_validate(data), callers


def _component(part: FittedPart, latency: Lognormal, turns_per_s: float) -> dict[str, object]:
    longest = max(1.0, part.busy_s / latency.mean_s)
    hold = min(_LONGEST_HOLD, longest)
    if turns_per_s == inf:
        return {"latency": latency, "hold": hold, "capacity": _NO_LIMIT}
    if part.refuses:
        return {"latency": latency, "hold": hold, "capacity": _NO_LIMIT, "rate": turns_per_s}
    # Not fewer servers than the latency alone keeps busy: a server is held at least as long.
    least = ceil(turns_per_s * latency.mean_s - 1e-9)
    servers = max(1, least, round(turns_per_s * part.busy_s))
    hold = min(_LONGEST_HOLD, max(1.0, servers / (turns_per_s * latency.mean_s)))
    return {"latency": latency, "hold": hold, "capacity": servers}


def _shares(rest_s: float, calls: FittedCalls) -> tuple[float, float, float]:
    """Speech, reply and thinking, which together are the rest of a cycle.

    Where callers cut in, the parts overlap and are longer than the whole: then all give way.
    """
    think_s = rest_s - calls.speech_s - calls.reply_s
    if think_s >= 0.01:
        return calls.speech_s, calls.reply_s, think_s
    talking = (rest_s - 0.01) / (calls.speech_s + calls.reply_s)
    return calls.speech_s * talking, calls.reply_s * talking, 0.01


def _around(mean_s: float) -> Lognormal:
    """With this mean, and a spread as people have it."""
    shape = Lognormal(1.0, _SPREAD)
    median_s = max(1e-4, mean_s / shape.mean_s)
    return Lognormal(median_s, median_s * _SPREAD)
