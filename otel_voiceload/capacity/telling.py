"""What a simulated agent tells of a turn, when its telling is at fault: nested, lost, skewed spans.

The work itself is untouched, so a run with such a fault has the same limits as one without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.draws import uniform
from otel_voiceload.capacity.faults import ClockSkew, LostSpans, Nested, Sampled
from otel_voiceload.model import NS_PER_S, ComponentRecord


def told(
    config: AgentConfig, seed: int, call_id: str, turn: int, work: Sequence[ComponentRecord]
) -> tuple[ComponentRecord, ...]:
    """The component records of one turn as they arrive."""
    arrived = tuple(work)
    for fault in config.faults:
        match fault:
            case Nested() if arrived:
                first_ns = min(each.start_mono_ns for each in arrived)
                arrived = tuple(
                    replace(each, start_mono_ns=first_ns)
                    if each.component == fault.component and each.attempt == 0
                    else each
                    for each in arrived
                )
            case Sampled() if uniform(seed, call_id, "sampled") >= fault.share:
                return ()
            case LostSpans():
                arrived = tuple(
                    each
                    for each in arrived
                    if uniform(seed, call_id, turn, each.component, each.attempt, "lost")
                    >= fault.share
                )
            case ClockSkew():
                arrived = tuple(
                    _moved(each, round(fault.ahead * NS_PER_S))
                    if each.component == fault.component
                    else each
                    for each in arrived
                )
            case _:
                pass
    return arrived


def _moved(work: ComponentRecord, by_ns: int) -> ComponentRecord:
    first_ns = work.first_mono_ns
    return replace(
        work,
        start_mono_ns=work.start_mono_ns + by_ns,
        first_mono_ns=None if first_ns is None else first_ns + by_ns,
        end_mono_ns=work.end_mono_ns + by_ns,
    )
