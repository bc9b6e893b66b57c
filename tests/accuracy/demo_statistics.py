"""The demo's statistics over many seeds: right component, and N* against the planted one.

Run by `make accuracy`; prints a table. Simulated in virtual time with the demo's own levels, calls
and plants, through the real encoder, decoder and store.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from otel_voiceload.analysis import inflection
from otel_voiceload.analysis.levels import gather
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import Stage
from otel_voiceload.reports.build_causes import grounds
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.store.builder import write_run

LEVELS = ((12, 8), (24, 9), (48, 8), (96, 12), (24, 8))
PLANTED_CALLS = 48


def demo_stages() -> list[Stage]:
    stages = []
    start_s = 0.0
    for index, (calls, duration_s) in enumerate(LEVELS):
        repeat_of = 1 if index == len(LEVELS) - 1 else None
        stages.append(Stage(index, "ramp", start_s, duration_s, calls, calls, repeat_of))
        start_s += duration_s
    return stages


def write_demo(path: Path, component: str, seed: int) -> Path:
    callers = CallerModel()
    config = solve_plant(component, PLANTED_CALLS, callers.cycle(), seed=seed)
    run = SimulatedRun(run_id=f"{component}-{seed}", profile="demo", planted=component)
    return write_run(path, simulate(demo_stages(), config, callers, seed=seed, run=run), run.run_id)


def inflections(reading: Reading, run_id: str) -> inflection.Inflections:
    evidence = gather(
        reading.arrays("level_blocks", run_id=run_id),
        reading.arrays("level_cells", run_id=run_id),
        reading.arrays("level_throughput", run_id=run_id),
        reading.arrays("turn_cycles", run_id=run_id),
    )
    machine = {"machine_cores": None, "machine_memory_bytes": None}
    return inflection.find(evidence, grounds(reading, run_id, machine))


def score(component: str, seeds: range) -> str:
    errors, widths = [], []
    right = covered = 0
    wrong = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            path = write_demo(Path(folder) / "run.duckdb", component, seed)
            with open_store(path) as reading:
                found = inflections(reading, f"{component}-{seed}").components
        if component == "none":
            right += found.status == "not_reached"
            if found.status != "not_reached":
                wrong.append((seed, found.status, [c.component for c in found.candidates]))
            continue
        first = found.candidates[0] if found.candidates else None
        if found.status == "found" and first is not None and first.component == component:
            right += 1
            assert first.calls is not None
            assert first.ci is not None
            errors.append(abs(first.calls / PLANTED_CALLS - 1))
            covered += first.ci[0] <= PLANTED_CALLS <= first.ci[1]
            widths.append(first.ci[1] / first.ci[0])
            if errors[-1] > 0.2:
                wrong.append((seed, "far", [first.calls]))
        else:
            wrong.append((seed, found.status, [c.component for c in found.candidates]))
    total = len(seeds)
    row = f"| {component:4} | {right}/{total} |"
    if errors:
        median, ninety, worst = np.quantile(errors, (0.5, 0.9, 1.0))
        row += f" {median:.1%} | {ninety:.1%} | {worst:.1%} | {covered / len(errors):.2f} |"
        row += f" x{np.median(widths):.2f} |"
    else:
        row += " - | - | - | - | - |"
    return row + "".join(f"\n  {each}" for each in wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--components", nargs="*", default=["stt", "llm", "tts", "none"])
    arguments = parser.parse_args()
    print(
        "| planted at 48 | right | N* error median | p90 | worst | 95 % interval covers | width |"
    )
    print("|---|---|---|---|---|---|---|")
    for component in arguments.components:
        started = time.monotonic()
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        print(score(component, seeds), flush=True)
        print(f"  ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
