"""A fix in the shape of the JSON report, which a plan has as well."""

from __future__ import annotations

from typing import Literal, TypedDict


class FixAtPeak(TypedDict):
    """Mean turn latency at the expected peak; of a pair the first is the best case.

    Callers wait no longer than ``deadline_s``: a figure that reaches it is a least value.
    """

    calls: float
    now_s: float
    after_s: tuple[float, float]
    saves_ms: tuple[float, float]  # the least and the most
    deadline_s: float | None


class Fix(TypedDict):
    """What relieving a component buys; the list is in the order to do it.

    ``basis`` is limits where all of them are measured or declared, else bounds: ``ci`` then holds
    the least and the most that would be carried, and ``ceiling_after`` is None.
    """

    component: str
    action: str
    ceiling_after: float | None
    ci: tuple[float, float] | None
    next_bottleneck: str | None
    basis: Literal["limits", "bounds"]
    why: str  # what the bounds rest on
    at_peak: FixAtPeak | None
