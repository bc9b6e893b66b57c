"""Which named queries each section of a report rests on: ``ovl query NAME`` gives the rows again.

A figure that nobody can compute once more is a claim. So every section says where its numbers come
from; what the method makes of them (a saturation point, bounds) is in docs/method.md. Together they
name what a report asks, and nothing else: a test listens to one being built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "run": (
        "run_facts", "run_ledger", "level_table", "generator_health", "faulty_components",
        "component_clocks",
    ),
    "verdict": (
        "level_blocks", "level_cells", "level_throughput", "turn_cycles", "component_load",
        "component_failures", "resource_levels",
    ),
    "carries": ("turn_samples", "call_samples", "level_cells", "baseline_run"),
    "fixes": ("component_work", "call_shape", "turn_cycles", "marginal_cost"),
    "levels": ("level_table", "component_curve", "turn_samples", "component_sources"),
    "whole": ("component_samples",),
    "within": ("turn_index_latency", "call_spread"),
    "split": ("split_latency",),
    "phases": ("phase_table", "turn_samples", "call_samples"),
    "spikes": ("spikes", "spike_recovery"),
    "late": ("hold_pieces", "hold_promises", "spike_turns"),
    "quotas": ("quota_seconds",),
    "drift": ("drift_blocks", "resource_blocks"),
    "thresholds": (
        "turn_samples", "call_samples", "component_samples", "gap_samples", "target_samples",
    ),
    "calls": ("call_samples", "turn_samples", "calls_left_out"),
    "generator": ("generator_health", "turn_starts", "run_ledger", "run_facts"),
    "resources": ("resource_levels", "marginal_cost"),
}  # fmt: skip


def origin(section: str) -> str:
    """One line for below a section."""
    return f"from ovl query {', '.join(QUERIES[section])}"
