"""How many calls one core of generator holds, and how many two cores hold with both ends on them.

Each number of calls is a run of the real ``ovl generate`` with everything on: hearing,
conversation, records, spans, collector. It counts when the run is valid, nearly all calls were
held, and pacing kept its bounds. The number is doubled until one does not count, and then halved in
between. A number that failed is tried once more: a shared machine has bad minutes of its own, in
which a quarter of the load fails just as well. Every attempt is printed. Seconds in which the host
of a virtual machine gave its processors to others are left out of the pacing, and counted.

``generator``: the worker alone on the first core; target (``light_agent``), telemetry, collector
and the command share the others. ``both``: the reference agent, hearing and speaking, in the place
of the light one. ``twilio``: as ``generator``, on Twilio's wire. Beside each, in the same run, a
plain ``websockets`` client of fewer calls: the ratio of CPU time per call holds on any machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.concurrent_calls import hold_calls, hold_plain_calls
from tests.benchmarks.running import (
    agent,
    json_line,
    kilobytes,
    light_agent,
    machine,
    ms,
    need_proc,
    percent,
    pin,
    table,
)

WORKER_CORE = 0
SCENARIO = "demo"
CONNECT_RATE = 100  # per second: a thousand calls stand after ten seconds
# Shares of all frames in the seconds in which nearly all calls were held. The first says that the
# 99th percentile of the pacing error is at most 5 ms, the second that the 99.9th is at most 10 ms.
BOUNDS = {"held_over_5_ms": 0.01, "held_over_10_ms": 0.001, "held_late_share": 0.001}
MEMORY_BYTES = 200_000  # per call, of the worker
LEAST = {"generator": 500, "both": 400, "twilio": 250}  # calls: fewer, and it leaves with 1
HELD_SHARE = 0.95
ATTEMPTS = 2
CLOSE = 1.15  # the search ends when the least that failed is this much above the most that held

COLUMNS = (
    "calls",
    "counts",
    "over 5 / 10 / 20 ms",
    "worst seconds' p99",
    "run delay",
    "seconds stolen",
    "worker cores, ms per call-second",
    "target cores",
    "collector",
    "memory per call",
)


def why_not(figures: dict[str, Any]) -> str:
    """What was wrong with a run; empty when it counts."""
    validity = figures["validity"]
    wrong = [] if validity == "valid" else [f"{validity} ({figures['why'][0]})"]
    wrong += [name for name, most in BOUNDS.items() if figures[name] > most]
    wrong += ["calls_held"] if figures["most_held"] < HELD_SHARE * figures["calls"] else []
    memory = figures["bytes_per_call"]
    wrong += ["bytes_per_call"] if memory is not None and memory > MEMORY_BYTES else []
    return ", ".join(wrong)


def play(calls: int, seconds: int, pid: int, url: str) -> dict[str, Any]:
    """One run; a run that could not be measured at all does not count either."""
    lasts_s = seconds + calls // CONNECT_RATE
    more = ["--processes", "1", "--max-connect-rate", str(CONNECT_RATE)]
    with tempfile.TemporaryDirectory(prefix="ovl-density-") as name:
        try:
            figures = hold_calls(
                SCENARIO, calls, lasts_s, Path(name), pid, url, worker_core=WORKER_CORE, more=more
            )
        except SystemExit as failure:
            return {"calls": calls, "why_not": str(failure)}
    return {**figures, "why_not": why_not(figures)}


def row(f: dict[str, Any]) -> tuple[str, ...]:
    if "cores" not in f:
        return (str(f["calls"]), f["why_not"], *("-" for _ in COLUMNS[2:]))
    each = f["worker_cores"] / f["calls"] * 1000
    return (
        str(f["calls"]),
        "yes" if not f["why_not"] else f"no: {f['why_not']}",
        " / ".join(f"{f[name]:.2%}" for name in BOUNDS),
        ms(f["held_pacing_error_p99_s"]["p99"]),
        percent(f["run_delay_share"]["p50"]),
        str(f["stolen_seconds"]),
        f"{f['worker_cores']:.2f}, {each:.2f}",
        f"{f['cores']['agent']:.2f}",
        f"{f['cores']['collector']:.2f}",
        kilobytes(f["bytes_per_call"]),
    )


def search(asked: argparse.Namespace, pid: int, url: str) -> list[dict[str, Any]]:
    """Every run that was needed to find the largest number that counts."""
    runs: list[dict[str, Any]] = []
    good, bad, calls = 0, 0, asked.calls
    while True:
        for _ in range(ATTEMPTS):
            runs.append(play(calls, asked.seconds, pid, url))
            print("  ".join(row(runs[-1])), file=sys.stderr, flush=True)
            if not runs[-1]["why_not"]:
                break
        if runs[-1]["why_not"]:
            bad = calls
        else:
            good = calls
        if calls == asked.most and not bad:
            return runs
        if bad and (bad <= good * CLOSE or bad - good <= asked.step):
            return runs
        calls = min(asked.most, 2 * calls) if not bad else (good + bad) // 2
        if not calls:
            return runs


def measure(asked: argparse.Namespace, what: str) -> int:
    """The most calls that held."""
    before = machine()
    others = set(range(os.cpu_count() or 1)) - {WORKER_CORE}
    pin(os.getpid(), others)  # whoever watches is not to be in the worker's way, nor its children
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ovl-bench-")))
        if what != "both":
            wire = "twilio" if what == "twilio" else "plain"
            pid, url = stack.enter_context(light_agent("--wire", wire))
        else:
            planted = ("--cycle", "speech=1.2s,think=200ms", "--plant", f"none:{asked.most}")
            pid, url = stack.enter_context(agent(folder, *planted))
        pin(pid, others)
        runs = search(asked, pid, url)
        yardstick = url
        if what == "twilio":  # the plain client speaks the plain wire only
            beside, yardstick = stack.enter_context(light_agent())
            pin(beside, others)
        plain = hold_plain_calls(yardstick, asked.plain_calls, asked.plain_seconds)
    counted = [run for run in runs if not run["why_not"]]
    most = max((run["calls"] for run in counted), default=0)
    where = f"worker on core {WORKER_CORE}; target, telemetry, collector on {sorted(others)}"
    table((*COLUMNS[:-1], f"{COLUMNS[-1]} ({what})"), [row(run) for run in runs])
    table(
        (what, where),
        [
            ("calls that held", f"{most}, at least {LEAST[what]} are wanted"),
            (f"plain websockets client, {asked.plain_calls} calls", per_call(plain["cpu"], plain)),
            ("its CPU per call to ours", f"{ratio(plain, counted):.2f}" if counted else "-"),
        ],
    )
    json_line("density", before, what=what, most=most, where=where, runs=runs, plain=plain)
    return most


def per_call(cores: float, held: dict[str, Any]) -> str:
    return f"{cores / held['calls'] * 1000:.2f} ms per call-second"


def ratio(plain: dict[str, Any], counted: list[dict[str, Any]]) -> float:
    best = max(counted, key=lambda run: int(run["calls"]))
    return float(plain["cpu"] / plain["calls"] / (best["worker_cores"] / best["calls"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500, help="where the search begins")
    parser.add_argument("--most", type=int, default=1000, help="and where it ends")
    parser.add_argument("--step", type=int, default=25)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", choices=tuple(LEAST))
    parser.add_argument("--plain-calls", type=int, default=50)
    parser.add_argument("--plain-seconds", type=int, default=15)
    asked = parser.parse_args()
    need_proc()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("the generator needs a core for itself, and the rest another one")
    found = {what: measure(asked, what) for what in ([asked.only] if asked.only else LEAST)}
    return int(any(most < LEAST[what] for what, most in found.items()))


if __name__ == "__main__":
    sys.exit(main())
