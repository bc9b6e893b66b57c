"""Many calls at once against the reference agent on this machine, by the real ``ovl generate``.

Agent, generator, telemetry and collector share the cores here, which is the hard case. The agent
has room for all calls, so whatever is late is late because of us or of the machine. What the
generator says of itself is read from the store, CPU time from /proc, both over the seconds in which
nearly all calls were held. Beside it, against the same agent, a plain ``websockets`` client holds
fewer calls: the ratio of CPU time per call can be compared between machines, the rest can not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.running import (
    COMMAND,
    ROOT,
    agent,
    cpu_s,
    descriptors,
    environment,
    family,
    is_collector,
    json_line,
    kilobytes,
    machine,
    memory_bytes,
    ms,
    need_proc,
    percent,
    pin,
    sockets,
    started,
    stolen_s,
    table,
)

# Each scenario against an agent with room for everybody, speaking replies of that scenario's kind.
SCENARIOS = {
    "demo": ("--cycle", "speech=1.2s,think=200ms", "--plant", "none:{calls}"),
    "booking": ("--stt-capacity", "10000", "--llm-capacity", "10000", "--tts-capacity", "10000"),
}
WORKER_SOCKETS = 8  # more than the runner and telemetry ever hold
HELD = 0.95  # of the calls: from then on a second counts for the CPU figures
POINTS = """
select name, at_ns, value from metric_points
where name like 'voiceload.generator.%' or name = 'voiceload.calls.active' order by at_ns
"""
GENERATOR = "voiceload.generator."
# A virtual machine's host may give its processors to others, unseen by the scheduler's run delay:
# 0.25 s gone out of one second made frames 90 ms late here. Such seconds say nothing of the load.
MOST_STOLEN_S = 0.03  # of all processors, within three seconds


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds used up to a moment, by who used them."""

    at_unix_s: float
    generator: float  # the command, its workers and telemetry
    collector: float
    agent: float


@dataclass(frozen=True, slots=True)
class Worker:
    """What the process that holds the calls held at a moment."""

    at_unix_s: float
    sockets: int
    descriptors: int
    memory: int  # resident, bytes


class CpuWatch(threading.Thread):
    """Reads the CPU times of the agent and of the generator's family twice a second.

    With ``worker_core`` the worker gets that core for itself, and everything else the others.
    """

    def __init__(self, generator_pid: int, agent_pid: int, worker_core: int | None = None) -> None:
        super().__init__(daemon=True)
        self.seen: list[Used] = []
        self.worker: list[Worker] = []
        self.stolen: list[tuple[float, float]] = []  # a moment, seconds stolen up to it
        self._pids = (generator_pid, agent_pid)
        self._worker_core = worker_core
        self._over = threading.Event()

    def run(self) -> None:
        generator_pid, agent_pid = self._pids
        latest: dict[int, float] = {}
        collectors: set[int] = set()
        while not self._over.wait(0.5):
            for pid in family(generator_pid):
                latest[pid] = cpu_s(pid) or latest.get(pid, 0.0)
                if is_collector(pid):
                    collectors.add(pid)
            self.stolen.append((time.time(), stolen_s()))
            self._look_at_worker(set(latest) - collectors - {generator_pid}, collectors)
            collector = sum(latest[pid] for pid in collectors)
            generator = sum(latest.values()) - collector
            agents = cpu_s(agent_pid) or 0.0
            self.seen.append(Used(time.time(), generator, collector, agents))

    def _look_at_worker(self, candidates: set[int], collectors: set[int]) -> None:
        """The one of them that holds the calls."""
        held = {pid: sockets(pid) for pid in candidates}
        worker = max(held, key=lambda pid: held[pid], default=0)
        if not worker or held[worker] < WORKER_SOCKETS:
            return
        memory = memory_bytes(worker)
        if memory is not None:
            self.worker.append(Worker(time.time(), held[worker], descriptors(worker), memory))
        if self._worker_core is not None:
            others = set(range(os.cpu_count() or 1)) - {self._worker_core}
            pin(worker, {self._worker_core})
            for pid in {*candidates, *collectors, *self._pids} - {worker}:
                pin(pid, others)

    @property
    def bytes_per_call(self) -> float | None:
        """How the worker's memory grew from its first calls to its last."""
        by_calls = sorted(self.worker, key=lambda seen: seen.sockets)
        if not by_calls or by_calls[0].sockets == by_calls[-1].sockets:
            return None
        few, many = by_calls[0], by_calls[-1]
        return (many.memory - few.memory) / (many.sockets - few.sockets)

    def stop(self) -> None:
        self._over.set()
        self.join()

    def was_ours(self, second_ends_s: float) -> bool:
        """Whether the host left us this machine in the second up to a moment, and just before."""
        seen = [s for at, s in self.stolen if second_ends_s - 2 <= at <= second_ends_s + 1]
        return not seen or seen[-1] - seen[0] <= MOST_STOLEN_S

    def cores(self, begin_s: float, end_s: float) -> dict[str, float]:
        """Cores kept busy by each between two moments."""
        within = [used for used in self.seen if begin_s <= used.at_unix_s <= end_s]
        if len(within) < 2:
            raise SystemExit(
                "the run ended too early to measure CPU times; see its own words above"
            )
        first, last = within[0], within[-1]
        passed_s = last.at_unix_s - first.at_unix_s
        return {
            name: (getattr(last, name) - getattr(first, name)) / passed_s
            for name in ("generator", "collector", "agent")
        }


def asked_of_store(folder: Path, question: str) -> list[dict[str, Any]]:  # whatever was asked for
    words = [*COMMAND, "query", question, "-f", "json"]
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def spread(values: list[float]) -> dict[str, float]:
    p50, p99, worst = np.quantile(values, (0.5, 0.99, 1.0))
    return {"p50": round(float(p50), 5), "p99": round(float(p99), 5), "max": round(float(worst), 5)}


def hold_calls(
    scenario: str,
    calls: int,
    seconds: int,
    folder: Path,
    agent_pid: int,
    url: str,
    *,
    worker_core: int | None = None,
    more: Sequence[str] = (),
) -> dict[str, Any]:
    """One run of ``ovl generate``; its figures."""
    words = ["generate", url, "-c", str(calls), "-d", f"{seconds}s", "--max-calls", str(calls)]
    words += ["--scenario", scenario, "-f", "json", "-o", "report.json", *more]
    with started(folder, *words) as generator:
        watch = CpuWatch(generator.pid, agent_pid, worker_core)
        watch.start()
        code = generator.wait(seconds + 120)
        watch.stop()
    report = json.loads((folder / "report.json").read_text("utf-8"))
    (stage,) = asked_of_store(folder, "select started_ns, ended_ns, calls_held from stages")
    points: dict[str, list[float]] = {}
    held: dict[str, list[float]] = {}  # the same, once nearly all calls were held
    full_ns: list[int] = []
    rows = asked_of_store(folder, POINTS)
    for row in rows:
        if stage["started_ns"] < row["at_ns"] <= stage["ended_ns"]:
            points.setdefault(row["name"].removeprefix(GENERATOR), []).append(float(row["value"]))
            if row["name"] == "voiceload.calls.active" and row["value"] >= HELD * calls:
                full_ns.append(row["at_ns"])
    stolen_ns: set[int] = set()
    for row in rows:
        if full_ns and min(full_ns) < row["at_ns"] <= stage["ended_ns"]:
            if not watch.was_ours(row["at_ns"] / 1e9):
                stolen_ns.add(row["at_ns"])
                continue
            held.setdefault(row["name"].removeprefix(GENERATOR), []).append(float(row["value"]))
    if not full_ns:
        raise SystemExit(f"{calls} calls were never held at once; see what the run said above")
    if not held:
        raise SystemExit("the host took this machine's processors away in every second")
    cores = watch.cores(min(full_ns) / 1e9, stage["ended_ns"] / 1e9)
    said = report["generator"]
    return {
        "scenario": scenario,
        "calls": calls,
        "seconds": seconds,
        "exit": code,
        "validity": report["run"]["validity"],
        "why": report["run"]["validity_reasons"],
        "calls_held": round(stage["calls_held"], 1),
        "most_held": max(row["value"] for row in rows if row["name"] == "voiceload.calls.active"),
        "turns": report["turn_latency"]["samples"],
        "turn_p95_s": report["turn_latency"]["p95_s"],
        "pacing_error_p99_s": spread(points["pacing_error_p99_s"]),
        "pacing_error_p999_s": spread(points["pacing_error_p999_s"]),
        "held_pacing_error_p99_s": spread(held["pacing_error_p99_s"]),
        "held_pacing_error_p999_s": spread(held["pacing_error_p999_s"]),
        "late_share": sum(points["frames_late"]) / sum(points["frames_due"]),
        "held_late_share": sum(held["frames_late"]) / sum(held["frames_due"]),
        "held_over_5_ms": sum(held["frames_over_5_ms"]) / sum(held["frames_due"]),
        "held_over_10_ms": sum(held["frames_over_10_ms"]) / sum(held["frames_due"]),
        "stolen_seconds": len(stolen_ns),
        "run_delay_share": spread(points["run_delay_share"]),
        "loop_lag_p99_s": spread(points["loop_lag_p99_s"]),
        "worker_cores": round(float(np.median(points["cpu"])), 3),
        "cores": {name: round(value, 3) for name, value in cores.items()},
        "bytes_per_call": watch.bytes_per_call,
        "spans": {key: said[f"spans_{key}"] for key in ("ended", "stored", "lost")},
    }


def hold_plain_calls(url: str, calls: int, seconds: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "tests.benchmarks.plain_client", url, str(calls), str(seconds)]
    done = subprocess.run(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return {"calls": calls, **figures}


def measure(asked: argparse.Namespace, scenario: str) -> dict[str, Any]:
    words = [word.format(calls=asked.calls) for word in SCENARIOS[scenario]]
    with tempfile.TemporaryDirectory(prefix="ovl-bench-") as name:
        folder = Path(name)
        with agent(folder, *words) as (pid, url):
            figures = hold_calls(scenario, asked.calls, asked.seconds, folder, pid, url)
            plain = hold_plain_calls(url, asked.plain_calls, asked.plain_seconds)
    ours, theirs = figures["worker_cores"] / asked.calls, plain["cpu"] / plain["calls"]
    return {**figures, "plain": plain, "plain_to_ours_per_call": round(theirs / ours, 2)}


def per_call(cores: float, held: dict[str, Any]) -> str:
    return f"{cores / held['calls'] * 100:.2f} % per call"


def rows_of(f: dict[str, Any]) -> list[tuple[str, str]]:
    def seconds(name: str) -> str:
        return " / ".join(ms(f[name][part]) for part in ("p50", "p99", "max"))

    delay, cores, plain = f["run_delay_share"], f["cores"], f["plain"]
    lost = sum(f["spans"]["lost"].values())
    return [
        ("calls held, turns, turn p95", f"{f['calls_held']}, {f['turns']}, {ms(f['turn_p95_s'])}"),
        ("pacing error p99 of a second: p50 / p99 / max", seconds("pacing_error_p99_s")),
        ("pacing error p99.9 of a second: p50 / p99 / max", seconds("pacing_error_p999_s")),
        ("frames dropped late", percent(f["late_share"])),
        ("run delay of a second: p50 / p99 / max", " / ".join(map(percent, delay.values()))),
        ("loop lag p99 of a second: p50 / p99 / max", seconds("loop_lag_p99_s")),
        ("cores: workers", f"{f['worker_cores']:.2f}, {per_call(f['worker_cores'], f)}"),
        ("cores: generator with telemetry", f"{cores['generator']:.2f}"),
        ("cores: collector", f"{cores['collector']:.2f}"),
        ("cores: agent", f"{cores['agent']:.2f}, {per_call(cores['agent'], f)}"),
        ("who runs where", "nobody is pinned: the kernel places them"),
        ("worker's memory per call", kilobytes(f["bytes_per_call"])),
        ("spans ended, stored, lost", f"{f['spans']['ended']}, {f['spans']['stored']}, {lost}"),
        ("validity, exit", f"{f['validity']}, {f['exit']}"),
        (
            f"plain websockets client, {plain['calls']} calls",
            f"{plain['cpu']:.2f} cores, {per_call(plain['cpu'], plain)}, "
            f"pacing error p99 {ms(plain['pacing_error_p99_s'])}",
        ),
        ("plain client's CPU per call to ours", f"{f['plain_to_ours_per_call']:.2f}"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    parser.add_argument("--plain-calls", type=int, default=50)
    parser.add_argument("--plain-seconds", type=int, default=15)
    asked = parser.parse_args()
    need_proc()
    for scenario in asked.scenario or SCENARIOS:
        before = machine()
        figures = measure(asked, scenario)
        table((f"{asked.calls} calls, {scenario}", f"{asked.seconds} s"), rows_of(figures))
        json_line("concurrent_calls", before, **figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
