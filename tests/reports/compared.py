"""Runs to compare, made of the demo's report and drawn turns: no store is needed."""

from __future__ import annotations

import numpy as np

from otel_voiceload.analysis.judge import Measured
from otel_voiceload.reports.compare_read import RunFigures
from otel_voiceload.reports.report import Candidate
from tests.reports.samples import demo_report

LEVELS = (6.0, 12.0, 24.0)


def measured(values: np.ndarray, levels: np.ndarray, calls: np.ndarray) -> Measured:
    size = len(values)
    words = np.array([""] * size)
    return Measured(values, np.zeros(size), calls, levels, words, words)


def a_run(
    name: str,
    seed: int,
    *,
    slower: float = 1.0,
    completion: float = 1.0,
    bends: tuple[str, float] | None = ("llm", 60.0),
    levels: tuple[float, ...] = LEVELS,
    target: str = "ws://127.0.0.1:8765",
) -> RunFigures:
    """A valid run with 40 calls of 8 turns a level, its llm taking a third of each turn."""
    chance = np.random.default_rng(seed)
    report = demo_report()
    report["run"] |= {"id": f"{name}-{seed}", "tag": name, "target": target}
    report["run"] |= {"validity": "valid", "validity_reasons": []}
    found = report["inflection"]
    if bends is None:
        found |= {"status": "not_reached", "candidates": [], "tested_up_to": 96.0}
    else:
        first: Candidate = found["candidates"][0]
        who, calls = bends
        first |= {"component": who, "calls": calls, "ci": (calls * 0.93, calls * 1.07)}
        found |= {"status": "found", "candidates": [first]}
    turns, of_level = 320, np.repeat(np.arange(len(levels), dtype=float), 320)
    of_call = np.repeat(np.arange(40.0 * len(levels)), 8)
    llm = 0.2 * slower * np.exp(0.3 * chance.standard_normal(turns * len(levels)))
    whole = 0.4 + llm
    ends = chance.random(40 * len(levels)) < completion
    at = np.repeat(np.arange(len(levels), dtype=float), 40)
    calls_no = np.arange(40.0 * len(levels))
    return RunFigures(
        report=report,
        scenario_hash="scenarios",
        clip_pack="clips",
        measured={
            "turn_latency": measured(whole, of_level, of_call),
            "error_rate": measured(np.zeros(len(whole)), of_level, of_call),
            "llm": measured(llm, of_level, of_call),
            "call_completion": measured(ends.astype(float), at, calls_no),
            "greeting": measured(0.3 + 0.1 * chance.random(len(at)), at, calls_no),
        },
        levels=dict(enumerate(levels)),
    )
