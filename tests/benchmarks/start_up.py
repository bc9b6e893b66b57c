"""How long ``ovl --help`` takes, and what it loads.

Wall time is the median of several starts, beside the bare interpreter's in the same run: a ratio
holds on any machine. The modules are those that Python itself says it imported. Leaves with 1 when
one of the heavy ones is among them.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.running import COMMAND, ROOT, environment, json_line, machine, ms, table

HEAVY = ("aiortc", "grpc", "numpy", "duckdb", "opentelemetry")


def wall_s(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=True)
    return time.perf_counter() - begun


def imported(command: Sequence[str]) -> dict[str, int]:
    """Packages that ``python ...`` imports, each with the microseconds its own modules took."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    said = subprocess.run(
        timed, cwd=ROOT, env=environment(), capture_output=True, check=True, text=True
    ).stderr
    packages: dict[str, int] = {}
    for line in said.splitlines():
        if line.startswith("import time:"):
            own, _, name = line.removeprefix("import time:").split("|")
            if own.strip().isdigit():  # all but the heading
                package = name.strip().partition(".")[0]
                packages[package] = packages.get(package, 0) + int(own)
    return packages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    before = machine()
    help_command = [*COMMAND, "--help"]
    wall_s(help_command)  # the first start may compile
    taken = [(wall_s(help_command), wall_s([sys.executable, "-c", ""])) for _ in range(repeats)]
    help_s, bare_s = (statistics.median(column) for column in zip(*taken, strict=True))
    packages = imported(help_command)
    loaded = [name for name in HEAVY if name in packages]
    dearest = sorted(packages, key=packages.__getitem__, reverse=True)[:5]
    rows = [
        ("ovl --help, median", ms(help_s)),
        ("fastest, slowest", f"{ms(min(taken)[0])}, {ms(max(taken)[0])}"),
        ("bare interpreter, median", ms(bare_s)),
        ("ratio", f"{help_s / bare_s:.1f}"),
        ("heavy modules loaded", ", ".join(loaded) or "none"),
        ("dearest packages", ", ".join(f"{n} {packages[n] / 1000:.0f} ms" for n in dearest)),
    ]
    table(("start-up", f"of {repeats} starts"), rows)
    json_line(
        "start_up",
        before,
        help_s=round(help_s, 4),
        bare_s=round(bare_s, 4),
        ratio=round(help_s / bare_s, 2),
        heavy_loaded=loaded,
    )
    return 1 if loaded else 0


if __name__ == "__main__":
    sys.exit(main())
