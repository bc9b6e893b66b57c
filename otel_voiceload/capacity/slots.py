"""Places for calls: when each one opens and closes so that the asked number of calls is held.

A slot is one caller after another. Slot i is open while the offered load, rounded, is over i. Those
that open at one moment are spread over one turn cycle: callers in step hit the agent in waves, and
waves make a knee that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otel_voiceload.model import Stage


@dataclass(frozen=True, slots=True)
class SlotChange:
    at_s: float  # since the first stage's start
    slot: int
    opens: bool


def slot_changes(stages: Sequence[Stage], spread_s: float, held: int = 0) -> list[SlotChange]:
    """All openings and closings in order of time; what the last stage holds stays open.

    ``held`` slots are open when the first stage begins. One that is offered at once is not spread.
    """
    changes: list[SlotChange] = []
    for stage in stages:
        # An opening may not slip past its own stage, where the slot may have to close again.
        spread = 0.0 if stage.at_once else min(spread_s, stage.duration_s / 2)
        asked = round(stage.calls_from)
        for slot in range(held, asked):
            at_s = stage.start_s + spread * (slot - held) / (asked - held)
            changes.append(SlotChange(at_s, slot, True))
        changes += [SlotChange(stage.start_s, slot, False) for slot in range(asked, held)]
        reached = round(stage.calls_to)
        for slot in range(asked, reached):
            changes.append(SlotChange(_crossing_s(stage, slot), slot, True))
        for slot in range(reached, asked):
            changes.append(SlotChange(_crossing_s(stage, slot), slot, False))
        held = reached
    return sorted(changes, key=lambda change: change.at_s)


def _crossing_s(stage: Stage, slot: int) -> float:
    """When a straight ramp passes the half between ``slot`` calls and one more."""
    share = (slot + 0.5 - stage.calls_from) / (stage.calls_to - stage.calls_from)
    return stage.start_s + stage.duration_s * min(1.0, max(0.0, share))
