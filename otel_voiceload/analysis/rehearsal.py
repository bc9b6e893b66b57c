"""A fitted agent under a simulated ramp, judged by the very analysis that judges a run.

A staircase around the calls at which the law expects the first limit, in virtual time. Its records
become the same cells of component, level and block that the store's queries give, without a store:
a what-if is asked many times and nobody wants its spans.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from otel_voiceload.analysis.inflection import Inflections, find
from otel_voiceload.analysis.levels import Columns, Evidence, gather
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.simulate import SimulatedRecord, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import NS_PER_S, CallRecord, RunRecord, Stage, TurnRecord

# Of the expected limit. Well below it, closely around it, and far over it: the plateau.
SHARES: Final = (0.15, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 1.9)
_LEAST_TURNS: Final = 120  # of a level, after the warm-up
_LEAST_CYCLES: Final = 6.0
_BLOCKS: Final = 6
_BLOCK_NAMES: Final = (
    "level_no", "level", "kind", "stage_index", "phase", "block", "seconds", "call_seconds",
    "limited", "start_s", "start_ns",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rehearsed:
    found: Inflections
    evidence: Evidence
    peak: tuple[float, float] | None  # turn p50 and p95 in seconds at the calls asked about
    calls_simulated: int  # the most that were held


def rehearse(
    config: AgentConfig, callers: CallerModel, expected: float, peak: float | None = None
) -> Rehearsed:
    """The ramp played; ``peak`` calls are held too, for their latency. Seconds of computing.

    ``expected`` and ``peak`` are calls, as few as are simulated.
    """
    cycle_s = callers.cycle().mean_s(config)
    levels = sorted({max(1, ceil(share * expected)) for share in SHARES})
    if peak is not None:
        levels = sorted({*levels, max(1, round(peak))})
    stages = _stages(levels, cycle_s)
    records = simulate(stages, config, callers, seed=1)
    evidence = evidence_of(records, stages, cycle_s)
    found = find(evidence, timed=("stt", "llm", "tts"))
    at_peak = None
    if peak is not None:
        at_peak = _latency(records, stages[levels.index(max(1, round(peak)))], cycle_s)
    return Rehearsed(found, evidence, at_peak, levels[-1])


def _stages(levels: Sequence[int], cycle_s: float) -> list[Stage]:
    made: list[Stage] = []
    start_s = 0.0
    for index, calls in enumerate(levels):
        hold_s = cycle_s * (1 + max(_LEAST_CYCLES, _LEAST_TURNS / calls))
        made.append(Stage(index, "ramp", start_s, hold_s, calls, calls))
        start_s += hold_s
    return made


@dataclass(frozen=True, slots=True)
class _Counted:
    """The time of a level that counts: after one turn cycle, in blocks."""

    stage: Stage
    from_ns: int
    block_ns: int

    @property
    def till_ns(self) -> int:
        return self.from_ns + _BLOCKS * self.block_ns

    def block(self, at_ns: int) -> int | None:
        """The block of a moment; None outside."""
        block = (at_ns - self.from_ns) // self.block_ns
        return int(block) if 0 <= block < _BLOCKS else None


def _counted(stages: Iterable[Stage], cycle_s: float, start_ns: int) -> list[_Counted]:
    made = []
    for stage in stages:
        from_s, length_s = stage.start_s + cycle_s, stage.duration_s - cycle_s
        from_ns = start_ns + round(from_s * NS_PER_S)
        made.append(_Counted(stage, from_ns, round(length_s * NS_PER_S / _BLOCKS)))
    return made


def evidence_of(
    records: Sequence[SimulatedRecord], stages: Sequence[Stage], cycle_s: float
) -> Evidence:
    """What level_blocks, level_cells, level_throughput and turn_cycles would give of them."""
    turns = [each for each in records if isinstance(each, TurnRecord)]
    calls = [each for each in records if isinstance(each, CallRecord)]
    start_ns = _start_ns(records)
    held = _counted(stages, cycle_s, start_ns)
    return gather(_blocks(held, calls, start_ns), *_work(held, turns), _cycles(held, turns, calls))


def _blocks(held: Sequence[_Counted], calls: Sequence[CallRecord], start_ns: int) -> Columns:
    rows = []
    for level in held:
        stage = level.stage
        for block in range(_BLOCKS):
            begin_ns = level.from_ns + block * level.block_ns
            end_ns = begin_ns + level.block_ns
            shared_ns = sum(
                max(0, min(end_ns, each.end_mono_ns) - max(begin_ns, each.start_mono_ns))
                for each in calls
            )
            rows.append(
                (
                    stage.index,
                    stage.calls_to,
                    "held",
                    stage.index,
                    stage.phase,
                    block,
                    level.block_ns / NS_PER_S,
                    shared_ns / NS_PER_S,
                    False,
                    (begin_ns - start_ns) / NS_PER_S,
                    begin_ns,
                )
            )
    return _columns(_BLOCK_NAMES, rows)


def _work(held: Sequence[_Counted], turns: Sequence[TurnRecord]) -> tuple[Columns, Columns]:
    """Cells of latency, by when a turn began, and throughput, by when its work ended."""
    cells: dict[tuple[str, int, int, bool], list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0])
    ended: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0])
    for turn in turns:
        began = _place(held, turn.speech_end_mono_ns)
        for name, seconds, failed, done_ns in _parts(turn):
            if began is not None:
                cell = cells[(name, *began, turn.turn_index == 0)]
                cell[0] += 1
                cell[1] += seconds
                cell[2] += seconds * seconds
                cell[3] += failed
            at = _place(held, done_ns)
            if at is not None:
                count = ended[(name, *at)]
                count[0] += not failed
                count[1] += 1
    place = ("component", "level_no", "block")
    of_cells = [(*key, *cell) for key, cell in sorted(cells.items())]
    of_ends = [(*key, *count) for key, count in sorted(ended.items())]
    return (
        _columns((*place, "first", "turns", "sum_s", "sum_squares", "errors"), of_cells),
        _columns((*place, "finished", "ended"), of_ends),
    )


def _parts(turn: TurnRecord) -> Iterator[tuple[str, float, bool, int]]:
    """The turn and its components: seconds, whether it failed, when it was done.

    Components follow one another here, so a component's own time is its whole time.
    """
    latency_s = turn.response_latency_s
    waited_s = turn.deadline_s if latency_s is None else latency_s
    done_ns = turn.speech_end_mono_ns + round(waited_s * NS_PER_S)
    yield "turn", waited_s, latency_s is None, done_ns
    for name in dict.fromkeys(each.component for each in turn.components):
        work = [each for each in turn.components if each.component == name]
        served = [each.first_mono_ns for each in work if each.first_mono_ns is not None]
        end_ns = max(served) if served else max(each.end_mono_ns for each in work)
        refused = any(each.error_type not in (None, "cancelled") for each in work)
        own_s = (end_ns - min(each.start_mono_ns for each in work)) / NS_PER_S
        yield name, own_s, refused or not served, end_ns


def _cycles(
    held: Sequence[_Counted], turns: Sequence[TurnRecord], calls: Sequence[CallRecord]
) -> Columns:
    """From one end of speech to the next, and from a call's last one to the next call's first.

    The next call in a place is like this one, so the way round is what is left of this call.
    """
    by_call: dict[str, list[TurnRecord]] = defaultdict(list)
    for turn in turns:
        by_call[turn.call.call_id].append(turn)
    ended = {call.call.call_id: call for call in calls if call.outcome == "completed"}
    sums: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0, 0.0])
    for call_id, each in by_call.items():
        each.sort(key=lambda turn: turn.turn_index)
        ends = [turn.speech_end_mono_ns for turn in each]
        lengths = [(after, after - before) for before, after in pairwise(ends)]
        if (call := ended.get(call_id)) is not None:
            whole_ns = call.end_mono_ns - call.start_mono_ns
            lengths.append((ends[-1], whole_ns - (ends[-1] - ends[0])))
        for at_ns, length_ns in lengths:
            at = _place(held, at_ns)
            if at is not None:
                found = sums[(at[0], call_id)]
                found[0] += 1
                found[1] += length_ns / NS_PER_S
    rows = [(level, call_id, *found) for (level, call_id), found in sums.items()]
    return _columns(("level_no", "call", "cycles", "sum_s"), rows)


def _place(held: Sequence[_Counted], at_ns: int) -> tuple[int, int] | None:
    for level in held:
        if at_ns < level.till_ns:
            block = level.block(at_ns)
            return None if block is None else (level.stage.index, block)
    return None


def _latency(
    records: Sequence[SimulatedRecord], stage: Stage, cycle_s: float
) -> tuple[float, float] | None:
    """Turn p50 and p95 while this stage was held; who was not answered counts as the deadline."""
    (level,) = _counted([stage], cycle_s, _start_ns(records))
    seconds = [
        turn.deadline_s if turn.response_latency_s is None else turn.response_latency_s
        for turn in records
        if isinstance(turn, TurnRecord) and level.block(turn.speech_end_mono_ns) is not None
    ]
    if not seconds:
        return None
    p50_s, p95_s = np.quantile(seconds, (0.5, 0.95))
    return float(p50_s), float(p95_s)


def _start_ns(records: Sequence[SimulatedRecord]) -> int:
    return next(each.start_mono_ns for each in records if isinstance(each, RunRecord))


def _columns(
    names: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> dict[str, npt.NDArray[np.generic]]:
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}
