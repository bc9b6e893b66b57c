"""Six limits in the real-time reference agent, real audio, both ends on this machine.

Run by ``make accuracy-live``. Each plant is ramped by the real ``ovl generate`` and judged by
``ovl analyze``; the truth is not the configuration but a sweep of its own against a fresh agent:
turns per second while it is overloaded, over turns per second of one unloaded call. The sweep is
counted by SQL on its own store and shares nothing with the analysis but the definition of N*.

The same YAML is then ramped in virtual time (``sim:``), and the simulation is held to the live
agent: the same component, N* near the same sweep, and how far the levels' medians are apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
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
# Of the planted calls: enough for a queue that never empties, and not so many that callers hang up
# before they are answered. With 150 calls on a limit of 40 the servers worked for callers who had
# gone, and the sweep found 28.
OVERLOAD, OVERLOAD_S = 1.5, 40
SETTLE_S = 12  # a step's callers arrive within a turn cycle, and then the backlog grows
MOST_ERROR = 0.15
RIGHT_CODES = (0, 4)  # 4: too few turns for a percentile that somebody promised; nobody did
TURNS = """
select s.calls_asked::int as calls,
       count(*) filter (where t.outcome = 'answered') as answered,
       (s.ended_ns - s.started_ns) / 1e9 - {settle} as seconds
from stages s join turns t
  on t.end_ns between s.started_ns + {settle} * 1000000000::bigint and s.ended_ns
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


def generate(folder: Path, target: str, *words: str) -> tuple[int, dict[str, Any]]:
    """One run in the store of its folder."""
    asked = ["generate", target, "--scenario", SCENARIO, *words, "-q", "-f", "json"]
    done = subprocess.run(
        [*COMMAND, *asked, "-o", "report.json"], cwd=folder, env=environment(), check=False
    )
    file = folder / "report.json"
    if not file.is_file():
        raise SystemExit(f"ovl {' '.join(asked)} left no report: exit {done.returncode}")
    report: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return done.returncode, report


def generate_live(folder: Path, config: str, *words: str) -> tuple[int, dict[str, Any]]:
    """One run against a fresh agent."""
    folder.mkdir()
    (folder / "agent.yaml").write_text(config, "utf-8")
    with agent(folder, "--config", "agent.yaml") as (_, url):
        return generate(folder, url, *words)


def generate_simulated(folder: Path, config: str, *words: str) -> dict[str, Any]:
    folder.mkdir()
    (folder / "agent.yaml").write_text(config, "utf-8")
    return generate(folder, "sim:agent.yaml", *words)[1]


def named(report: dict[str, Any], plant: Plant) -> tuple[float | None, list[float] | None]:
    """N* and its interval when the planted component was found, and it alone."""
    found = report["inflection"]
    first = found["candidates"][0] if found["status"] == "found" else {}
    if first.get("component") != plant.component:
        return None, None
    return first["calls"], first["ci"]


def apart(live: dict[str, Any], simulated: dict[str, Any]) -> float | None:
    """The median over the levels of how far the two medians of turn latency are apart."""
    theirs = {level["calls_asked"]: level["p50_s"] for level in simulated["levels"]}
    shares = [
        abs(level["p50_s"] / theirs[level["calls_asked"]] - 1)
        for level in live["levels"]
        if level["excluded_why"] is None and level["p50_s"] and theirs.get(level["calls_asked"])
    ]
    return statistics.median(shares) if shares else None


def sweep(folder: Path, config: str, many: int) -> float:
    """N*: what the agent answers per second with ``many`` calls, in unloaded calls."""
    stages = ["-s", f"hold:{FEW_S}s:{FEW}", "-s", f"hold:{OVERLOAD_S}s:{many}"]
    generate_live(folder, config, *stages, "--max-calls", str(many))
    question = TURNS.format(settle=SETTLE_S)
    done = subprocess.run(
        [*COMMAND, "query", question, "-f", "json"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    few, over = json.loads(done.stdout)
    per_call = few["answered"] / few["seconds"] / few["calls"]
    return float(over["answered"] / over["seconds"] / per_call)


def play(plant: Plant, seed: int, folder: Path) -> dict[str, Any]:
    config = plant.configuration(seed)
    begun = time.monotonic()
    truth = sweep(folder / "sweep", config, round(OVERLOAD * plant.calls))
    words = ("-p", "ramp", "-c", str(RAMP_TO), "--pace", PACE, "--seed", str(seed))
    code, report = generate_live(folder / "ramp", config, *words)
    simulated = generate_simulated(folder / "sim", config, *words)
    calls, interval = named(report, plant)
    simulated_calls, _ = named(simulated, plant)
    errors = [abs(found / truth - 1) if found else None for found in (calls, simulated_calls)]
    found = report["inflection"]
    return {
        "planted": plant.name,
        "truth": round(truth, 1),
        "status": found["status"],
        "found": [candidate["component"] for candidate in found["candidates"]],
        "calls": calls,
        "interval": interval,
        "error": errors[0],
        "simulated_calls": simulated_calls,
        "simulated_error": errors[1],
        "medians_apart": apart(report, simulated),
        "validity": report["run"]["validity"],
        "reasons": report["run"]["validity_reasons"],
        "exit": code,
        "fine": code in RIGHT_CODES and all(e is not None and e <= MOST_ERROR for e in errors),
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
        "-" if run["simulated_calls"] is None else f"{run['simulated_calls']:.1f}",
        percent(run["medians_apart"]),
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
    columns = (
        *("planted", "sweep", "found", "N*", "interval", "off by"),
        *("sim:", "medians apart", "status", "run", "right"),
    )
    table(columns, [row_of(run) for run in runs])
    right = sum(run["fine"] for run in runs)
    print(
        f"\n{right} of {len(runs)} named within {MOST_ERROR:.0%} of the sweep, live and simulated"
    )
    json_line("accuracy_live", before, right=right, each=runs)
    return int(right < len(runs))


if __name__ == "__main__":
    sys.exit(main())
