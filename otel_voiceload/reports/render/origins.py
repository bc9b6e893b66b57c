"""Which named queries each section of a report rests on: ``ovl query NAME`` gives the rows again.

A figure that nobody can compute once more is a claim. So every section says where its numbers come
from; what the method makes of them (a saturation point, bounds) is in docs/method.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "verdict": ("level_blocks", "level_cells", "level_throughput", "turn_cycles"),
    "carries": ("turn_samples", "call_samples", "level_cells"),
    "levels": ("level_table", "component_curve", "turn_samples"),
    "phases": ("phase_table", "turn_samples", "call_samples", "drift_blocks"),
    "thresholds": ("turn_samples", "call_samples", "component_samples", "target_samples"),
    "calls": ("call_samples", "turn_samples"),
    "generator": ("generator_health", "turn_starts", "run_ledger", "run_facts"),
    "resources": ("resource_levels", "marginal_cost"),
}


def origin(section: str) -> str:
    """One line for below a section."""
    return f"from ovl query {', '.join(QUERIES[section])}"
