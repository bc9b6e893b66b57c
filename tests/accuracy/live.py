"""Six limits in the real-time reference agent, real audio, both ends on this machine.

Run by ``make accuracy-live``. Each plant is ramped by the real ``ovl generate`` and judged by
``ovl analyze``; the truth is not the configuration but a sweep of its own against a fresh agent:
turns per second while it is overloaded, over turns per second of one unloaded call. The sweep is
counted by SQL on its own store and shares nothing with the analysis but the definition of N*.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from otel_voiceload.capacity.config import SERVED
from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulated_call import CallerModel
from tests.benchmarks.running import (
    COMMAND,
    agent,
    environment,
    json_line,
    machine,
    percent,
    table,
)

SCENARIO = "demo"
RAMP_TO = 96
PACE = "0.22"  # of the ramp's minute: four turn cycles
FEW, FEW_S = 10, 40
MANY, MANY_S = 150, 40
SETTLE_S = 12  # a step's callers arrive within a turn cycle, and then the backlog grows
MOST_ERROR = 0.15
RIGHT_CODES = (0, 4)  # 4: too few turns for a percentile that somebody promised; nobody did
TURNS = """
select s.calls_asked::int as calls,
       count(*) filter (where t.outcome = 'answered') as answered,
       (s.ended_ns - s.started_ns) / 1e9 - {settle} as seconds
from stages s join turns t
  on t.end_ns between s.started_ns + {settle} * 1000000000 and s.ended_ns
group by all order by calls
"""


@dataclass(frozen=True, slots=True)
class Plant:
    """What is planted: which component, for about how many calls, and how it fails beyond."""

    component: str
    calls: int
    over: str = "queue"
    hold: float = 1.0

    @property
    def name(self) -> str:
        held = f", held {self.hold:g}x" if self.hold != 1 else ""
        return f"{self.component}:{self.calls} {self.over}{held}"

    def configuration(self, seed: int) -> str:
        """As the agent's own YAML."""
        config = solve_plant(self.component, self.calls, CallerModel().cycle(), seed=seed)
        parts: dict[str, dict[str, object]] = {}
        for name in SERVED:
            part = config.components.named(name)
            # As long on its server as before, but answered earlier.
            hold = self.hold if name == self.component else 1.0
            latency = {"median": part.latency.median_s / hold, "p95": part.latency.p95_s / hold}
            parts[name] = {"latency": latency, "capacity": part.capacity, "hold": hold}
        parts[self.component]["over_capacity"] = self.over
        reply = {"median": config.reply.median_s, "p95": config.reply.p95_s}
        return yaml.safe_dump(
            {"seed": seed, "greeting": config.greeting, "reply": reply, "components": parts}
        )


PLANTS = (
    Plant("stt", 40),
    Plant("llm", 48),
    Plant("tts", 56),
    Plant("llm", 44, "share"),
    Plant("tts", 48, "reject"),
    Plant("llm", 52, hold=2.0),
)


def generate(folder: Path, config: str, *words: str) -> tuple[int, dict[str, Any]]:
    """One run against a fresh agent, in a store of its own."""
    folder.mkdir()
    (folder / "agent.yaml").write_text(config, "utf-8")
    with agent(folder, "--config", "agent.yaml") as (_, url):
        asked = ["generate", url, "--scenario", SCENARIO, *words, "-q", "-f", "json"]
        done = subprocess.run(
            [*COMMAND, *asked, "-o", "report.json"], cwd=folder, env=environment(), check=False
        )
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    return done.returncode, report


def sweep(folder: Path, config: str) -> float:
    """N*: what the overloaded agent answers per second, in unloaded calls."""
    stages = ["-s", f"hold:{FEW_S}s:{FEW}", "-s", f"hold:{MANY_S}s:{MANY}"]
    generate(folder, config, *stages, "--max-calls", str(MANY))
    question = TURNS.format(settle=SETTLE_S)
    done = subprocess.run(
        [*COMMAND, "query", question, "-f", "json"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=True,
    )
    few, many = json.loads(done.stdout)
    per_call = few["answered"] / few["seconds"] / few["calls"]
    return float(many["answered"] / many["seconds"] / per_call)


def play(plant: Plant, seed: int, folder: Path) -> dict[str, Any]:
    config = plant.configuration(seed)
    begun = time.monotonic()
    truth = sweep(folder / "sweep", config)
    words = ("-p", "ramp", "-c", str(RAMP_TO), "--pace", PACE, "--seed", str(seed))
    code, report = generate(folder / "ramp", config, *words)
    found = report["inflection"]
    first = found["candidates"][0] if found["status"] == "found" else {}
    calls = first.get("calls")
    right = first.get("component") == plant.component
    error = abs(calls / truth - 1) if right and calls else None
    return {
        "planted": plant.name,
        "truth": round(truth, 1),
        "status": found["status"],
        "found": [candidate["component"] for candidate in found["candidates"]],
        "calls": calls,
        "interval": first.get("ci"),
        "error": error,
        "validity": report["run"]["validity"],
        "reasons": report["run"]["validity_reasons"],
        "exit": code,
        "fine": error is not None and error <= MOST_ERROR and code in RIGHT_CODES,
        "seconds": round(time.monotonic() - begun),
    }


def row_of(run: dict[str, Any]) -> tuple[object, ...]:
    calls, interval = run["calls"], run["interval"]
    return (
        run["planted"],
        f"{run['truth']:.1f}",
        ", ".join(run["found"]) or "-",
        "-" if calls is None else f"{calls:.1f}",
        "-" if not interval else f"{interval[0]:.0f}-{interval[1]:.0f}",
        percent(run["error"]),
        run["status"],
        run["validity"],
        "yes" if run["fine"] else "no",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of plants, from 1")
    asked = parser.parse_args()
    before = machine()
    runs = []
    for number, plant in enumerate(PLANTS, 1):
        if asked.only and number not in asked.only:
            continue
        with tempfile.TemporaryDirectory(prefix="ovl-live-") as name:
            runs.append(play(plant, asked.seed, Path(name)))
        print("  ".join(str(cell) for cell in row_of(runs[-1])), file=sys.stderr, flush=True)
    columns = ("planted", "sweep", "found", "N*", "interval", "off by", "status", "run", "right")
    table(columns, [row_of(run) for run in runs])
    right = sum(run["fine"] for run in runs)
    print(f"\n{right} of {len(runs)} named, and within {MOST_ERROR:.0%} of the sweep")
    json_line("accuracy_live", before, right=right, each=runs)
    return int(right < len(runs))


if __name__ == "__main__":
    sys.exit(main())
