"""How long `ovl analyze` takes on a hundred thousand spans and on ten million, and in what memory.

The runs are simulated, so that they have what real ones have, and lie in stores as a collector
leaves them. Every figure is that of a whole process, start-up included. Some of the analysis' own
figures are computed again by polars, from the Parquet that `ovl export` writes, and values and time
stand beside ours; polars has less to do, since turns and observations are made already. At the end
the same spans come in as a file, by `ovl import`.

Says what was asked and leaves with 1 when a figure is short, or when polars comes to other values.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.benchmarks import big_store, polars_figures
from tests.benchmarks.running import (
    COMMAND,
    ROOT,
    Judged,
    environment,
    json_line,
    machine,
    need_proc,
    table,
)

# What is asked of two cores of an idle machine.
SMALL_S: Final = 1.0
BIG_S: Final = 5.0
BIG_BYTES: Final = 2_000_000_000
IMPORT_SPANS_PER_S: Final = 30_000
ASKED_SPANS: Final = 10_000_000  # of the two figures of the big store
# Two ways to sum the same numbers: the last digits may differ, nothing else may.
SAME: Final = 1e-9
_GRID: Final = (
    "select slot, level_no, keeps_first from slot_levels where run_id = $run_id and counts"
)
_OWN: Final = """
select w.component, s.level_no, median(w.self_s) as self_s
from slot_levels s
join component_turns w on w.run_id = s.run_id and w.start_ns // 250000000 = s.slot
where s.run_id = $run_id and s.counts and w.component not in ('network', 'unattributed')
    and (s.keeps_first or not coalesce(w.first, false))
group by all
order by all
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one process took, and what it printed."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    out: str

    def row(self, what: str, spans: int) -> list[str]:
        return [
            what,
            f"{self.wall_s:.2f} s",
            f"{self.cpu_s:.2f} s",
            f"{self.peak_bytes / 1e6:,.0f} MB",
            f"{spans / self.wall_s:,.0f}",
        ]

    def figures(self) -> dict[str, float]:
        return {
            "wall_s": round(self.wall_s, 3),
            "cpu_s": round(self.cpu_s, 3),
            "peak_mb": round(self.peak_bytes / 1e6, 1),
        }


def taken(command: Sequence[str], folder: Path, fine: Sequence[int] = (0,)) -> Taken:
    """Runs a process to its end. SystemExit with its words when that is none of the fine ones."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaints:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=out,
            stderr=complaints,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        if process.returncode not in fine:
            words = complaints.read().strip()[-500:]
            raise SystemExit(f"{' '.join(command[:6])} left with {process.returncode}: {words}")
        out.seek(0)
        said = out.read()
    return Taken(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, said)


def ovl(folder: Path, *words: str, fine: Sequence[int] = (0,)) -> Taken:
    return taken([*COMMAND, *words], folder, fine)


def analysed(store: Path, repeats: int) -> Taken:
    """The median by wall time; whatever the verdict on the run is."""
    found = [
        ovl(store.parent, "analyze", "-f", "json", "--store", str(store), fine=(0, 4, 99))
        for _ in range(repeats)
    ]
    return sorted(found, key=lambda each: each.wall_s)[(repeats - 1) // 2]


# --- the second opinion ---------------------------------------------------------------------------


def second_opinion(folder: Path, store: Path) -> tuple[Taken, float, int]:
    """Polars' process, the largest relative difference to ours, and how many figures were held."""
    there = ("--store", str(store))
    for name in (polars_figures.TURNS, polars_figures.WORK):
        path = folder / name
        ovl(folder, "export", "latest", "--view", path.stem, "-o", str(path), *there)
    grid = ovl(folder, "query", _GRID, "-f", "csv", *there)
    (folder / polars_figures.SLOTS).write_text(grid.out, "utf-8")
    own = json.loads(ovl(folder, "query", _OWN, "-f", "json", *there).out)
    module = "tests.benchmarks.polars_figures"
    theirs = taken([sys.executable, "-m", module, str(folder)], ROOT)
    said = json.loads(theirs.out)
    mine = _by_place(own, ("component", "level_no"), ("self_s",))
    levels = json.loads(ovl(folder, "query", "levels", "-f", "json", *there).out)
    mine |= _by_place(levels, ("level_no",), ("p50_s", "p95_s"))
    other = _by_place(said["own"], ("component", "level_no"), ("self_s",))
    other |= _by_place(said["turns"], ("level_no",), ("p50_s", "p95_s"))
    if mine.keys() != other.keys():
        odd = sorted(map(str, mine.keys() ^ other.keys()))[:3]
        raise SystemExit(f"one of the two has figures that the other has not: {', '.join(odd)}")
    worst = max(abs(mine[key] - other[key]) / max(abs(other[key]), 1e-12) for key in mine)
    return theirs, worst, len(mine)


def _by_place(
    rows: Sequence[dict[str, object]], keys: Sequence[str], figures: Sequence[str]
) -> dict[tuple[object, ...], float]:
    return {
        (*(row[key] for key in keys), figure): float(str(row[figure]))
        for row in rows
        for figure in figures
        if row[figure] is not None
    }


# --- all of it ------------------------------------------------------------------------------------


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="ovl-speed-") as name:
        yield Path(name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=ASKED_SPANS, help="of the big store, about")
    parser.add_argument(
        "--repeats", type=int, default=3, help="of each analysis; the median counts"
    )
    parser.add_argument("--folder", type=Path, help="keep the stores there, and take what is there")
    asked = parser.parse_args()
    need_proc()
    before = machine()
    rows: list[list[str]] = []
    verdicts: list[Judged] = []
    figures: dict[str, object] = {}
    with _folder(asked.folder) as folder:
        # In a process of its own: the peak of every child counts from that of who started it.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as aside:
            small = aside.submit(big_store.simulated, folder, big_store.BASE_SPANS).result()
            copies = max(1, math.ceil(asked.spans / small.spans))
            big = aside.submit(big_store.multiplied, folder, small.path, copies).result()
        for name, store, most_s in (("small", small, SMALL_S), ("big", big, BIG_S)):
            ours = analysed(store.path, asked.repeats)
            theirs, worst, held = second_opinion(folder, store.path)
            rows.append(ours.row(f"ovl analyze, {store.spans:,} spans", store.spans))
            rows.append(theirs.row("polars, some of its figures", store.spans))
            figures[name] = {
                "spans": store.spans,
                "ovl": ours.figures(),
                "polars": theirs.figures(),
                "figures_held": held,
                "largest_difference": worst,
            }
            what = f"{store.spans:,} spans"
            if name == "small" or asked.spans >= ASKED_SPANS:
                verdicts.append(Judged(f"{what}: s, start-up included", ours.wall_s, most_s))
            if name == "big":
                peak = ours.peak_bytes / 1e6
                verdicts.append(Judged(f"{what}: MB at the peak", peak, BIG_BYTES / 1e6))
            verdicts.append(Judged(f"{what}: 1e-9ths off polars' values", worst / SAME, 1.0))
        lines = folder / "spans.jsonl"
        ovl(folder, "export", "latest", "-o", str(lines), "--store", str(small.path))
        with tempfile.TemporaryDirectory(dir=folder) as fresh:  # what is stored is not taken again
            took = ovl(folder, "import", str(lines), "--store", fresh, fine=(0, 4))
        rows.append(took.row("ovl import, OTLP JSON lines", small.spans))
        figures["import"] = took.figures()
        pace = small.spans / took.wall_s
        verdicts.append(
            Judged("import: spans/s, start-up included", pace, IMPORT_SPANS_PER_S, at_least=True)
        )
    table((f"analysis, median of {asked.repeats}", "wall", "CPU", "peak", "spans/s"), rows)
    print("\n".join(str(each) for each in verdicts))
    json_line(
        "analysis_speed",
        before,
        **figures,
        short=[each.what for each in verdicts if not each.holds],
    )
    return 0 if all(each.holds for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
