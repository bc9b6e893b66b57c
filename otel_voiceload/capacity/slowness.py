"""What makes an answer slower than its draw: leaks, cold starts, incidents, noisy neighbours.

None of it is a limit of capacity, and the analysis must not take it for one; that is what they are
for. A noisy neighbour is the hard case: the victim climbs with the culprit's load.
"""

from __future__ import annotations

from collections.abc import Callable

from otel_voiceload.capacity.config import AgentConfig, ServedComponent
from otel_voiceload.capacity.faults import Cold, Incident, Leak, Noisy
from otel_voiceload.model import NS_PER_S

_MOST_SETS = 3.0  # of waiting requests: a processor is not shared among more than fit on it
_NS_PER_MINUTE = 60 * NS_PER_S


def slowed_ns(
    config: AgentConfig,
    component: ServedComponent,
    latency_ns: int,
    *,
    turn: int,
    age_ns: int,
    waiting_sets: Callable[[ServedComponent], float],
) -> int:
    """The latency of one attempt with everything that slows it.

    ``age_ns`` counts from the agent's first work; ``waiting_sets`` tells how many times a
    component's capacity waits for it now.
    """
    factor, extra_ns = 1.0, 0
    for fault in config.faults:
        match fault:
            case Leak() if fault.component == component:
                factor *= 1 + fault.per_minute * age_ns / _NS_PER_MINUTE
            case Incident() if fault.component == component:
                if 0 <= age_ns / NS_PER_S - fault.at < fault.lasting:
                    factor *= fault.factor
            case Noisy() if fault.victim == component:
                factor *= 1 + fault.factor * min(_MOST_SETS, waiting_sets(fault.component))
            case Cold() if fault.component == component and turn == 0:
                extra_ns += round(fault.extra * NS_PER_S)
            case _:
                pass
    return round(latency_ns * factor) + extra_ns
