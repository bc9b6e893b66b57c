"""How much of each load test this process has stored, for `/control/stats`.

The ledger counts requests at the door, where nobody looks into resources. Here the rows of a commit
are counted by the run that their resource names, once for a whole group. Spans without a run id, a
target's own, are in the totals only: whose they are is found out when reading.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_ITEMS: Final = ("spans", "metric_points")
_MOST_RUNS: Final = 1000  # a sender can make up as many as it likes


class RunCounts:
    """Written by the writer thread, read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}
        self._run_of: dict[int, str] = {}  # by resource id, of the live segment

    def begin_segment(self) -> None:
        """Every file gets the resources of its spans anew."""
        self._run_of.clear()

    def note(self, tables: Mapping[str, pa.Table]) -> None:
        """The tables of one commit."""
        resources = tables.get("resources")
        if resources is not None:
            ids, runs = (resources.column(name).to_pylist() for name in ("resource_id", "run_id"))
            self._run_of |= {key: run for key, run in zip(ids, runs, strict=True) if run}
        if not self._run_of:
            return
        for name in _ITEMS:
            if (table := tables.get(name)) is None:
                continue
            for pair in pc.value_counts(table.column("resource_id")).to_pylist():
                run = self._run_of.get(pair["values"])
                if run is not None:
                    self._add(run, name, pair["counts"])

    def _add(self, run: str, name: str, count: int) -> None:
        with self._lock:
            if run not in self._counts and len(self._counts) >= _MOST_RUNS:
                del self._counts[next(iter(self._counts))]  # the one that was seen first
            self._counts.setdefault(run, Counter())[name] += count

    def as_dict(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {
                run: {name: counts[name] for name in _ITEMS} for run, counts in self._counts.items()
            }
