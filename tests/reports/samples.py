"""A demo's report and exhibits, written by hand, the texts that renderers make of it, and a store.

The texts are golden files: ``python -m tests.reports.samples`` writes them anew after a wanted
change, and the difference is what a reviewer reads.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import cast

import orjson

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import Stage
from otel_voiceload.reports.exhibits import Exhibits
from otel_voiceload.reports.render import csv, github, junit, markdown, terminal
from otel_voiceload.reports.report import Report
from tests.store.builder import batches_of, write_store

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
RENDERERS: dict[str, Callable[[Report], str]] = {
    "demo.txt": terminal.render,
    "demo.csv": csv.render,
    "demo.md": markdown.render,
    "demo.xml": junit.render,
    "demo.annotations": lambda report: "\n".join(github.commands(report)),
}
PLANTED = "20270115T080001-llm"
QUIET = "20270115T080002-none"
LEVELS = ((6, 8), (12, 8), (24, 8), (48, 10), (12, 8))


@cache
def _report() -> Report:
    return cast(Report, orjson.loads((HERE / "fixture" / "demo_report.json").read_bytes()))


def demo_report() -> Report:
    """A copy that a test may change."""
    return deepcopy(_report())


def demo_exhibits() -> Exhibits:
    return Exhibits(**orjson.loads((HERE / "fixture" / "demo_exhibits.json").read_bytes()))


def demo_store(folder: Path) -> Path:
    """Two recordings of one run each: llm planted at 24 calls, tagged friday; nothing planted."""
    for run_id, plant, calls in ((PLANTED, "llm", 24), (QUIET, "none", 24)):
        callers = CallerModel()
        run = SimulatedRun(
            run_id=run_id,
            profile="demo",
            planted=f"{plant}:{calls}" if plant != "none" else plant,
            tag="friday" if plant == "llm" else "",
        )
        config = solve_plant(plant, calls, callers.cycle(), seed=1)
        records = simulate(stages(), config, callers, seed=1, run=run)
        write_store(folder, [(batches_of(records, run_id), True)], recording=f"{run_id}-rec")
    return folder


def stages() -> list[Stage]:
    made = []
    start_s = 0.0
    for index, (calls, duration_s) in enumerate(LEVELS):
        repeat_of = 1 if index == len(LEVELS) - 1 else None
        made.append(Stage(index, "ramp", start_s, duration_s, calls, calls, repeat_of))
        start_s += duration_s
    return made


if __name__ == "__main__":
    for name, render in RENDERERS.items():
        (GOLDEN / name).write_text(render(demo_report()), encoding="utf-8")
