"""Many short calls one after the other: does a worker keep anything of a call that is over?

A hundred places are filled again as soon as their call ends, by the real ``ovl generate`` against a
light target, one turn per call. The worker's memory is laid beside the number of calls that were
over; its slope has an interval from twenty stretches of the run, the first tenth left out while the
allocator settles. Leaves with 1 when the interval's upper end is over 5 MiB for 10,000 calls, or
when the descriptors grow.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.concurrent_calls import CpuWatch, Worker, asked_of_store
from tests.benchmarks.running import (
    json_line,
    light_agent,
    machine,
    need_proc,
    started,
    table,
)

PLACES = 100
CALLS_PER_S = 30.0  # of all places together; what a run really does is read from its store
MOST_BYTES = 5 << 20  # per 10,000 calls
PER_CALLS = 10_000
WARM_UP = 0.1
STRETCHES = 20
T_95 = 1.734  # one-sided, 18 degrees of freedom
MOST_DESCRIPTORS = 8  # a call more or less is under way at either look
SCENARIO = """
name: churn
think: {median: 50ms, p95: 80ms}
reply_end_silence: 100ms
greeting: {wait_s: 0s}
nodes:
  open:
    say: {intent: open, max_s: 1.2}
    edges: [{go: done}]
  done: {end: resolution}
"""
ENDS = "select epoch_ms(ended) / 1000.0 as at_s from calls where ended is not null order by ended"


def slope(calls: list[float], memory: list[float]) -> tuple[float, float]:
    """Bytes per call, and the upper end of its one-sided 95 % interval."""
    cut = np.array_split(np.arange(len(calls)), STRETCHES)
    x = np.array([statistics.mean(calls[i] for i in part) for part in cut if len(part)])
    y = np.array([statistics.mean(memory[i] for i in part) for part in cut if len(part)])
    if len(x) < STRETCHES:
        raise SystemExit("the run was too short to measure a slope; give more --calls")
    spread = float(((x - x.mean()) ** 2).sum())
    per_call = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    left = y - y.mean() - per_call * (x - x.mean())
    error = (float((left**2).sum()) / (STRETCHES - 2) / spread) ** 0.5
    return per_call, per_call + T_95 * error


def play(calls: int, folder: Path) -> tuple[list[Worker], list[float]]:
    """What was seen of the worker, and when each call ended."""
    (folder / "churn.yaml").write_text(SCENARIO, "utf-8")
    lasts = f"{calls / CALLS_PER_S:.0f}s"
    words = ["-c", str(PLACES), "-d", lasts, "--processes", "1", "--scenario", "churn.yaml"]
    with light_agent("0.3") as (pid, url):
        report = ["-f", "json", "-o", "report.json"]
        with started(folder, "generate", url, *words, *report) as generator:
            watch = CpuWatch(generator.pid, pid)
            watch.start()
            generator.wait(calls / CALLS_PER_S + 180)
            watch.stop()
    ends = [float(row["at_s"]) for row in asked_of_store(folder, ENDS)]
    if len(ends) < STRETCHES:
        raise SystemExit("hardly a call ended; see what the run said above")
    return watch.worker, ends


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="about so many")
    asked = parser.parse_args()
    need_proc()
    before = machine()
    with tempfile.TemporaryDirectory(prefix="ovl-churn-") as name:
        seen, ends = play(asked.calls, Path(name))
    over = [float(np.searchsorted(ends, worker.at_unix_s)) for worker in seen]
    kept = [i for i, calls in enumerate(over) if WARM_UP * len(ends) <= calls < len(ends)]
    per_call, upper = slope([over[i] for i in kept], [float(seen[i].memory) for i in kept])
    tenth = max(1, len(kept) // 10)
    descriptors = [
        statistics.median(seen[i].descriptors for i in part)
        for part in (kept[:tenth], kept[-tenth:])
    ]
    grown = descriptors[1] - descriptors[0]
    fine = upper * PER_CALLS <= MOST_BYTES and grown <= MOST_DESCRIPTORS
    mib = PER_CALLS / (1 << 20)
    table(
        (f"{len(ends)} calls, {PLACES} at a time", "worker"),
        [
            ("memory per 10,000 calls", f"{per_call * mib:.2f} MiB"),
            ("upper end of its interval", f"{upper * mib:.2f} MiB"),
            ("memory, first and last", f"{seen[0].memory >> 20}, {seen[-1].memory >> 20} MiB"),
            ("descriptors, first and last tenth", f"{descriptors[0]:g}, {descriptors[1]:g}"),
        ],
    )
    json_line(
        "churn",
        before,
        calls=len(ends),
        bytes_per_call=per_call,
        bytes_per_call_upper=upper,
        descriptors=descriptors,
        fine=fine,
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
