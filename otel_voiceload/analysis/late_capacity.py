"""Capacity that comes late: inside one held level a component is slow first, and well after.

Autoscaling shows itself so: the load rises, requests wait, servers are added, the wait is gone
while the load is still the same. What is looked for is that whole story and nothing less: well on
the levels below, slow from the beginning of this one, then well up to its end. A component near
its limit is slow and well by turns, and one that is full stays slow; neither of them tells it.

From outside it can not be told why capacity came late: servers that were added, a cache that
filled, or somebody else's incident that began with this very level look alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

UNATTRIBUTED: Final = "unattributed"
OCTAVE: Final = 2.2  # "twice as many" in whole calls
WELL: Final = 1.3  # times what is usual below
SLOW: Final = 1.6
LEAST_GROWTH_S: Final = 0.05
Z_LIMIT: Final = 5.0
MOSTLY: Final = 0.75  # of the pieces of the slow part
LEAST_WELL: Final = 3  # pieces at the end, and a quarter of the level
LEAST_SLOW: Final = 2
CYCLES: Final = 2.0  # a step up stirs a level for about so many turn cycles
CYCLES_OF_SPIKE: Final = 4.0  # callers who begin together speak together for a while


@dataclass(frozen=True, slots=True)
class Piece:
    """One component in one piece of a held level; ``from_s`` counts from the begin of the hold."""

    from_s: float
    turns: int
    sum_s: float
    sum_squares: float

    @property
    def mean_s(self) -> float:
        return self.sum_s / self.turns


@dataclass(frozen=True, slots=True)
class Hold:
    """One component inside one held level, its pieces in order of time."""

    component: str
    level_no: int
    calls: float
    spike: bool
    hold_s: float
    cycle_s: float  # of an unloaded call
    piece_s: float
    started_ns: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Late:
    """Slow until ``recovered_after_s``, to within ``resolution_s``, and well from then on.

    ``usual_s`` is what the component took on the levels below, or afterwards where there are none.
    """

    component: str
    level_no: int
    calls: float
    spike: bool
    started_ns: int
    recovered_after_s: float
    resolution_s: float
    usual_s: float
    worse_s: float
    after_s: float
    turns: int


def find(holds: Sequence[Hold]) -> list[Late]:
    """At most one per level, in the order of the run: the component that explains most of it."""
    best: dict[int, Late] = {}
    for hold in holds:
        late = _late(hold, _usual(hold, holds))
        if late is None:
            continue
        before = best.get(late.level_no)
        if before is None or _weight(late) > _weight(before):
            best[late.level_no] = late
    return sorted(best.values(), key=lambda each: each.started_ns)


def _weight(late: Late) -> tuple[int, float]:
    """A component with a name goes before what none explains, and that before the whole turn."""
    rank = {"turn": 0, UNATTRIBUTED: 1}.get(late.component, 2)
    return rank, late.worse_s - late.usual_s


def _usual(hold: Hold, holds: Sequence[Hold]) -> tuple[float, float] | None:
    """Mean and standard error on the lowest levels; None when this is among them."""
    same = [each for each in holds if each.component == hold.component and not each.spike]
    lowest = min((each.calls for each in same), default=hold.calls)
    base = [
        piece
        for each in same
        if each.calls <= OCTAVE * lowest and each.calls < hold.calls
        for piece in each.pieces
    ]
    return _pooled(base) if base else None


def _late(hold: Hold, usual: tuple[float, float] | None) -> Late | None:
    pieces = hold.pieces
    for split in range(LEAST_SLOW, len(pieces) - LEAST_WELL + 1):
        slow, well = pieces[:split], pieces[split:]
        if len(well) < len(pieces) / 4:
            break
        after_s, after_error_s = _pooled(well)
        base_s, base_error_s = usual or (after_s, after_error_s)
        if not all(piece.mean_s <= SLOW * base_s for piece in well):
            continue
        if after_s > max(WELL * base_s, base_s + LEAST_GROWTH_S / 2):
            continue
        # In the last slow piece it got well, so that piece is of both parts and speaks for neither.
        sure = slow[:-1] if len(slow) > LEAST_SLOW else slow
        worse_s, worse_error_s = _pooled(sure)
        least_s = max(SLOW * base_s, base_s + LEAST_GROWTH_S)
        spread_s = sqrt(worse_error_s**2 + after_error_s**2 + base_error_s**2)
        begin = slow[: max(1, round(hold.cycle_s / hold.piece_s) + 1)]
        if (
            worse_s < least_s
            or worse_s - max(after_s, base_s) < Z_LIMIT * spread_s
            or sum(piece.mean_s >= least_s for piece in sure) < MOSTLY * len(sure)
            or not any(piece.mean_s >= least_s for piece in begin)
            or slow[-1].mean_s < WELL * base_s
        ):
            continue
        after = well[0].from_s
        if after < (CYCLES_OF_SPIKE if hold.spike else CYCLES) * hold.cycle_s:
            continue
        return Late(
            component=hold.component,
            level_no=hold.level_no,
            calls=hold.calls,
            spike=hold.spike,
            started_ns=hold.started_ns,
            recovered_after_s=after,
            resolution_s=hold.piece_s,
            usual_s=base_s,
            worse_s=worse_s,
            after_s=after_s,
            turns=sum(piece.turns for piece in pieces),
        )
    return None


def _pooled(pieces: Sequence[Piece]) -> tuple[float, float]:
    """Mean of all turns and its standard error, by turns or by pieces, whichever is larger."""
    turns = sum(piece.turns for piece in pieces)
    mean_s = sum(piece.sum_s for piece in pieces) / turns
    squares = sum(piece.sum_squares for piece in pieces) / turns
    by_turns = sqrt(max(0.0, squares - mean_s**2) / max(1, turns - 1))
    if len(pieces) < 2:
        return mean_s, by_turns
    apart = sum((piece.mean_s - mean_s) ** 2 for piece in pieces) / (len(pieces) - 1)
    return mean_s, max(by_turns, sqrt(apart / len(pieces)))


def holds_of(rows: Sequence[Mapping[str, object]]) -> list[Hold]:
    """The rows of the query ``hold_pieces``."""
    groups: dict[tuple[int, str], list[Mapping[str, object]]] = {}
    for row in rows:
        groups.setdefault((_int(row, "level_no"), str(row["component"])), []).append(row)
    found = []
    for (level_no, component), members in groups.items():
        first = members[0]
        found.append(
            Hold(
                component=component,
                level_no=level_no,
                calls=_float(first, "level"),
                spike=bool(first["spike"]),
                hold_s=_float(first, "hold_s"),
                cycle_s=_float(first, "cycle_s"),
                piece_s=_float(first, "piece_s"),
                started_ns=_int(first, "started_ns"),
                pieces=tuple(
                    Piece(
                        _float(row, "from_s"),
                        _int(row, "turns"),
                        _float(row, "sum_s"),
                        _float(row, "sum_squares"),
                    )
                    for row in members
                ),
            )
        )
    return found


def _float(row: Mapping[str, object], name: str) -> float:
    value = row[name]
    assert isinstance(value, int | float)
    return float(value)


def _int(row: Mapping[str, object], name: str) -> int:
    return int(_float(row, name))
