"""The demo's verdict over plants and seeds: right component, and N* against the planted one.

Real demos with real calls, so the whole table takes a minute per run. A run that the machine could
not hold (exit 4) says nothing and is counted apart, not as right and not as wrong.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.running import COMMAND, environment, json_line, machine, percent, table

PLANTS = ("stt", "llm", "tts", "none")
PLANTED_CALLS = 48
RIGHT, INCONCLUSIVE = 0, 4


def play(plant: str, seed: int) -> dict[str, Any]:
    """One demo in a folder of its own."""
    planted = plant if plant == "none" else f"{plant}:{PLANTED_CALLS}"
    words = ["demo", "--plant", planted, "--seed", str(seed), "-q", "-f", "json", "-o", "out.json"]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ovl-bench-") as name:
        done = subprocess.run(
            [*COMMAND, *words], cwd=name, env=environment(), stdout=subprocess.DEVNULL, check=False
        )
        file = Path(name) / "out.json"
        report = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    found = report.get("inflection", {})
    candidates = found.get("candidates", [])
    first = candidates[0] if found.get("status") == "found" else {}
    calls, interval = first.get("calls"), first.get("ci")
    right = done.returncode == RIGHT
    return {
        "planted": planted,
        "seed": seed,
        "status": found.get("status"),
        "found": [candidate["component"] for candidate in candidates],
        "calls": calls,
        "interval": interval,
        "error": abs(calls / PLANTED_CALLS - 1) if right and calls else None,
        "covered": interval[0] <= PLANTED_CALLS <= interval[1] if right and interval else None,
        "validity": report.get("run", {}).get("validity"),
        "exit": done.returncode,
        "seconds": round(time.monotonic() - begun, 1),
    }


def row_of(run: dict[str, Any]) -> tuple[object, ...]:
    calls, interval = run["calls"], run["interval"]
    return (
        run["planted"],
        run["seed"],
        ", ".join(run["found"]) or "-",
        "-" if calls is None else f"{calls:.1f}",
        "-" if interval is None else f"{interval[0]:.0f}-{interval[1]:.0f}",
        run["status"] or "-",
        run["validity"] or "-",
        run["exit"],
        f"{run['seconds']:.0f} s",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--plants", nargs="+", default=list(PLANTS), choices=PLANTS)
    asked = parser.parse_args()
    before = machine()
    runs = []
    for plant in asked.plants:
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            runs.append(play(plant, seed))
            print(f"  {plant}, seed {seed}: exit {runs[-1]['exit']}", file=sys.stderr, flush=True)
    columns = ("planted", "seed", "found", "N*", "interval", "status", "validity", "exit", "took")
    table(columns, [row_of(run) for run in runs])
    errors = [run["error"] for run in runs if run["error"] is not None]
    totals = {
        "runs": len(runs),
        "right": sum(run["exit"] == RIGHT for run in runs),
        "inconclusive": sum(run["exit"] == INCONCLUSIVE for run in runs),
        "error_median": round(statistics.median(errors), 4) if errors else None,
        "error_max": round(max(errors), 4) if errors else None,
        "intervals_that_cover": sum(run["covered"] is True for run in runs),
    }
    print()
    rows = [
        ("right", f"{totals['right']} of {len(runs)}"),
        ("could not be told (exit 4)", totals["inconclusive"]),
        (
            "N* error, median and largest",
            f"{_share(errors, statistics.median)}, {_share(errors, max)}",
        ),
        (
            "intervals that hold the planted N*",
            f"{totals['intervals_that_cover']} of {len(errors)}",
        ),
    ]
    table(("demo", f"seeds per plant: {asked.seeds}"), rows)
    json_line("demo_seeds", before, **totals, each=runs)
    return 0


def _share(errors: list[float], of: Any) -> str:  # Any: median and max
    return percent(of(errors)) if errors else "-"


if __name__ == "__main__":
    sys.exit(main())
