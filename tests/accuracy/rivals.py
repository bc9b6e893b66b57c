"""What others would do, small and own: the detectors that the method is measured against.

Each is told the same run, level by level, and answers a component and a number of calls, or
nothing. They get the store's levels and percentiles; only the first rule goes without self time and
without the warm-up cut, because that is how it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from otel_voiceload.store.reading import Reading

COMPONENTS: Final = ("stt", "llm", "tts")
Answer = tuple[str, float] | None

# Every level that was climbed to, in the order of its load; `held` counts the time that counts.
_LEVELS = """
with placed as (
    select c.component, s.level_no, s.calls, s.counts and not coalesce(c.first, false) as counts,
        c.latency_s, c.self_s, c.start_ns
    from slot_levels s
    join component_turns c on c.run_id = s.run_id and c.start_ns // 250000000 = s.slot
    where s.run_id = $run_id and not c.failed
),
served as (
    select s.level_no, count(*) as turns
    from slot_levels s
    join turns t on t.run_id = s.run_id and t.end_ns // 250000000 = s.slot
    where s.run_id = $run_id and s.counts and not t.censored
    group by s.level_no
),
held as (
    select level_no, avg(calls) as calls, count(*) * 0.25 as seconds, min(slot) as began,
        any_value(kind) as kind, any_value(level) as level
    from slot_levels where run_id = $run_id and counts group by level_no
)
select
    p.component, h.calls, h.began, h.level, h.kind,
    quantile_cont(p.latency_s, 0.95) as raw_p95_s,
    quantile_cont(p.self_s, 0.95) filter (p.counts) as p95_s,
    median(p.self_s) filter (p.counts) as median_s,
    avg(p.self_s) filter (p.counts) as mean_s,
    count(*) filter (p.counts) as turns,
    any_value(served.turns) / any_value(h.seconds) as rate
from placed p join held h using (level_no) left join served using (level_no)
group by all
having count(*) filter (p.counts) >= 6
order by p.component, h.calls
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One component at one level."""

    calls: float
    raw_p95_s: float
    p95_s: float
    median_s: float
    mean_s: float
    rate: float


Climb = Mapping[str, Sequence[Seen]]


def climb(reading: Reading, run_id: str) -> Climb:
    """The levels of the way up; one that the load came back to is left out."""
    rows = reading.sql(_LEVELS, run_id=run_id).dicts()
    highest = max((row for row in rows), key=lambda row: float(str(row["calls"])), default=None)
    found: dict[str, list[Seen]] = {name: [] for name in COMPONENTS}
    for row in rows:
        assert highest is not None
        late = row["kind"] == "held" and int(str(row["began"])) > int(str(highest["began"]))
        if row["component"] in found and not late:
            figures = ("calls", "raw_p95_s", "p95_s", "median_s", "mean_s", "rate")
            found[str(row["component"])].append(Seen(*(float(str(row[n] or 0)) for n in figures)))
    return {name: seen for name, seen in found.items() if len(seen) >= 3}


def raw_p95_doubled(seen: Climb) -> Answer:
    """The usual alert: p95 of the span over twice its baseline, once."""
    return _first(seen, lambda each: each.raw_p95_s, 2.0, persistent=False)


def median_tripled(seen: Climb) -> Answer:
    """The best threshold that was found: median self time over three times, and it stays there."""
    return _first(seen, lambda each: each.median_s, 3.0, persistent=True)


def kneedle(seen: Climb) -> Answer:
    """The point farthest below the chord of the normalised p95 curve; it always finds one."""
    best: tuple[float, str, float] | None = None
    for name, levels in seen.items():
        x = np.array([each.calls for each in levels])
        y = np.array([each.raw_p95_s for each in levels])
        if y.max() <= y.min() or x.max() <= x.min():
            continue
        gap = (x - x.min()) / (x.max() - x.min()) - (y - y.min()) / (y.max() - y.min())
        at = int(np.argmax(gap))
        if best is None or gap[at] > best[0]:
            best = (float(gap[at]), name, float(x[at]))
    return None if best is None else (best[1], best[2])


def pelt(seen: Climb) -> Answer:
    """Earliest upward change of the mean log latency, by penalised least squares (BIC)."""
    found: list[tuple[float, float, str]] = []
    for name, levels in seen.items():
        values = np.log([max(1e-6, each.mean_s) for each in levels])
        for at in _changes(values):
            rise = float(values[at:].mean() - values[:at].mean())
            if rise > 0:
                calls = math.sqrt(levels[at - 1].calls * levels[at].calls)
                found.append((calls, -rise, name))
                break
    return None if not found else (min(found)[2], min(found)[0])


def usl(seen: Climb) -> Answer:
    """Gunther's law on the throughput; the name is whose median grew most by its peak."""
    levels = next(iter(seen.values()), ())
    n = np.array([each.calls for each in levels if each.rate > 0])
    rate = np.array([each.rate for each in levels if each.rate > 0])
    if len(n) < 4:
        return None
    terms = np.stack([np.ones_like(n), n - 1, n * (n - 1)], axis=1)
    # By relative error: N/X grows without bound, and its top would decide alone.
    weights = rate / n
    (unit, linear, square), *_ = np.linalg.lstsq(terms * weights[:, None], np.ones_like(n))
    if unit <= 0 or square <= 0:
        return None
    peak = math.sqrt(max(1.0, (1 - linear / unit)) / (square / unit))
    if peak >= n.max():
        return None
    growth = {name: each[-1].median_s / max(1e-6, each[0].median_s) for name, each in seen.items()}
    return max(growth, key=lambda name: growth[name]), peak


RIVALS: Final[Mapping[str, Callable[[Climb], Answer]]] = {
    "raw p95 > 2x baseline": raw_p95_doubled,
    "median self time > 3x, persistent": median_tripled,
    "Kneedle": kneedle,
    "PELT": pelt,
    "USL": usl,
}


def _first(
    seen: Climb, figure: Callable[[Seen], float], times: float, *, persistent: bool
) -> Answer:
    """The earliest level over the threshold; of several, who is farthest over it."""
    found: list[tuple[float, float, str, float]] = []
    for name, levels in seen.items():
        base = figure(levels[0])
        over = [figure(each) > times * base for each in levels]
        for at in range(1, len(levels)):
            if all(over[at:]) if persistent else over[at]:
                calls = math.sqrt(levels[at - 1].calls * levels[at].calls)
                found.append((levels[at].calls, -figure(levels[at]) / base, name, calls))
                break
    if not found:
        return None
    _, _, name, calls = min(found)
    return name, calls


def _changes(values: np.typing.NDArray[np.float64]) -> list[int]:
    """Optimal partition of a short series; pruning would save nothing here."""
    size = len(values)
    spread = float(np.median(np.abs(np.diff(values)))) / 0.954 or 1e-3
    penalty = 2 * spread**2 * math.log(size)
    best = [-penalty, *[math.inf] * size]
    last = [0] * (size + 1)
    for end in range(1, size + 1):
        for start in range(end):
            part = values[start:end]
            cost = best[start] + float(((part - part.mean()) ** 2).sum()) + penalty
            if cost < best[end]:
                best[end], last[end] = cost, start
    changes = []
    at = last[size]
    while at > 0:
        changes.append(at)
        at = last[at]
    return sorted(changes)
