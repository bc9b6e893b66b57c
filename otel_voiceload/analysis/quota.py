"""Quota walls: at a constant load a provider suddenly begins to refuse, because so many were used.

Refusals that come with a rising load are a limit like any other. Here the load stayed the same and
nothing was refused for a while, so what ran out is a count: of this minute, this hour or this day.
One wall that stands to the end of its level is told with the requests that were taken until then,
and walls that come back at even distances with those of one period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["lasting", "recurring"]

CALM: Final = 0.02  # share refused at most, before
WALL: Final = 0.20  # share refused at least, behind it
LEAST_REQUESTS: Final = 30  # on either side
LEAST_CALM_S: Final = 10
LEAST_LASTING_S: Final = 30  # shorter at the end of a level, nobody knows how it went on
PIECE_REQUESTS: Final = 10.0
ROLLING_S: Final = 60
EVEN: Final = 0.15  # of the distance between two walls
LEAST_RECURRING: Final = 2
BROKEN_OFF: Final = 0.05  # a lasting wall with less in any piece behind it is none

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Seconds:
    """One component second by second, every second from its first request to its last.

    ``level`` is -1 outside held levels.
    """

    component: str
    first_second: int  # since the run's first stage
    level: Ints
    attempts: Ints
    refused: Ints
    calls: Mapping[int, float]  # level -> calls held
    error_type: str


@dataclass(frozen=True, slots=True)
class QuotaWall:
    """``at_s`` counts from the run's first stage, ``requests`` are those taken until then.

    Of walls that come back: of the first one, and ``period_requests`` the median of a period.
    """

    component: str
    kind: Kind
    calls: float
    level_no: int
    at_s: float
    requests: int
    last_minute: int
    refused_share: float  # behind it
    error_type: str
    walls: int
    period_s: float | None
    period_requests: int | None


def find(series: Sequence[Seconds]) -> list[QuotaWall]:
    """In the order in which they were hit."""
    walls = [wall for each in series for wall in _walls(each)]
    return sorted(walls, key=lambda wall: (wall.at_s, wall.component))


def _walls(seconds: Seconds) -> list[QuotaWall]:
    found = []
    for level in dict.fromkeys(seconds.level[seconds.level >= 0].tolist()):
        where = np.flatnonzero(seconds.level == level)
        wall = _wall(seconds, int(level), int(where[0]), int(where[-1]) + 1)
        if wall is not None:
            found.append(wall)
    return found


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From where to where it was refused; ``calm_from`` is where the calm before began."""

    calm_from: int
    begin: int
    end: int


def _wall(seconds: Seconds, level: int, first: int, last: int) -> QuotaWall | None:
    stretches = _stretches(seconds, first, last)
    if not stretches:
        return None
    taken = seconds.attempts - seconds.refused
    begin, end = stretches[0].begin, stretches[0].end
    lasting = len(stretches) == 1 and end == last and end - begin >= LEAST_LASTING_S
    period_s: float | None = None
    period_requests: int | None = None
    if not lasting:
        if len(stretches) < LEAST_RECURRING:
            return None
        distances = [after.begin - before.begin for before, after in pairwise(stretches)]
        period_s = float(median(distances))
        if any(abs(each - period_s) > EVEN * period_s for each in distances):
            return None
        period_requests = round(
            median(
                int(taken[before.begin : after.begin].sum())
                for before, after in pairwise(stretches)
            )
        )
    behind = slice(begin, end)
    return QuotaWall(
        component=seconds.component,
        kind="lasting" if lasting else "recurring",
        calls=seconds.calls[level],
        level_no=level,
        at_s=float(seconds.first_second + begin),
        requests=int(taken[:begin].sum()),
        last_minute=int(taken[max(0, begin - ROLLING_S) : begin].sum()),
        refused_share=float(seconds.refused[behind].sum() / seconds.attempts[behind].sum()),
        error_type=seconds.error_type,
        walls=len(stretches),
        period_s=period_s,
        period_requests=period_requests,
    )


def _stretches(seconds: Seconds, first: int, last: int) -> list[_Stretch]:
    """Every time that it was calm, then refused, within one level."""
    length = _piece_length(seconds, first, last)
    found: list[_Stretch] = []
    calm_from, at = first, first
    while at < last:
        begin = _next_refusal(seconds, at, last)
        if begin is None:
            break
        end = _end_of_wall(seconds, begin, last, length)
        calm = slice(calm_from, begin)
        if (
            begin - calm_from >= LEAST_CALM_S
            and seconds.attempts[calm].sum() >= LEAST_REQUESTS
            and _share(seconds, calm_from, begin) <= CALM
            and seconds.attempts[begin:end].sum() >= LEAST_REQUESTS
            and _share(seconds, begin, end) >= WALL
            and _share(seconds, begin, _far_enough(seconds, begin, end)) >= WALL
        ):
            found.append(_Stretch(calm_from, begin, end))
            calm_from = at = end
        elif _share(seconds, begin, end) >= WALL:
            calm_from = at = end
        else:
            at = end  # stray refusals; they count against the calm that they lie in
    return found


def _far_enough(seconds: Seconds, begin: int, end: int) -> int:
    """Behind the first thirty requests: a wall is there at once, a load near its limit wanders."""
    asked = np.cumsum(seconds.attempts[begin:end])
    return min(end, begin + int(np.searchsorted(asked, LEAST_REQUESTS)) + 1)


def _next_refusal(seconds: Seconds, start: int, last: int) -> int | None:
    where = np.flatnonzero(seconds.refused[start:last])
    return None if not len(where) else start + int(where[0])


def _end_of_wall(seconds: Seconds, begin: int, last: int, length: int) -> int:
    """Where the first piece without next to any refusal begins, or the end of the level."""
    at = begin
    while at < last:
        until = min(last, at + length)
        attempts = seconds.attempts[at:until].sum()
        if attempts and _share(seconds, at, until) <= BROKEN_OFF and until - at == length:
            refusals = np.flatnonzero(seconds.refused[begin:at])
            return begin + int(refusals[-1]) + 1 if len(refusals) else begin + 1
        at = until
    return last


def _piece_length(seconds: Seconds, first: int, last: int) -> int:
    """Seconds in which about ten requests are made."""
    per_s = float(seconds.attempts[first:last].sum()) / (last - first)
    return max(2, round(PIECE_REQUESTS / per_s)) if per_s else last - first


def _share(seconds: Seconds, first: int, last: int) -> float:
    attempts = int(seconds.attempts[first:last].sum())
    return float(seconds.refused[first:last].sum()) / attempts if attempts else 0.0


def series_of(rows: Sequence[Mapping[str, object]]) -> list[Seconds]:
    """The rows of the query ``quota_seconds``; seconds without a request are filled in."""
    groups: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        groups.setdefault(str(row["component"]), []).append(row)
    return [_series(component, members) for component, members in groups.items()]


def _series(component: str, rows: Sequence[Mapping[str, object]]) -> Seconds:
    seconds = np.array([row["second"] for row in rows], dtype=np.int64)
    first = int(seconds.min())
    length = int(seconds.max()) - first + 1
    level = np.full(length, -1, dtype=np.int64)
    attempts = np.zeros(length, dtype=np.int64)
    refused = np.zeros(length, dtype=np.int64)
    calls: dict[int, float] = {}
    kinds: dict[str, int] = {}
    for row, at in zip(rows, (seconds - first).tolist(), strict=True):
        attempts[at], refused[at] = _int(row, "attempts"), _int(row, "refused")
        number, held = row["level_no"], row["calls"]
        if isinstance(number, int) and isinstance(held, int | float):
            level[at], calls[number] = number, float(held)
        if kind := row["error_type"]:
            kinds[str(kind)] = kinds.get(str(kind), 0) + int(refused[at])
    _fill(level)
    most = max(kinds, key=lambda kind: kinds[kind], default="")
    return Seconds(component, first, level, attempts, refused, calls, most)


def _fill(level: Ints) -> None:
    """A second without a request belongs to the level around it."""
    known = np.flatnonzero(level >= 0)
    for before, after in pairwise(known):
        if level[before] == level[after]:
            level[before:after] = level[before]


def _int(row: Mapping[str, object], name: str) -> int:
    value = row[name]
    assert isinstance(value, int)
    return value
