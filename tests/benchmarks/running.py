"""What the benchmarks share: running ``ovl`` as its users do, CPU time by process, and the output.

Every figure is printed twice: as a table for people, and as one JSON line with the machine and its
load at the start, because a figure from a busy machine says little.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "otel_voiceload")
_START_S = 30.0
_STOP_S = 15.0


def environment() -> dict[str, str]:
    """The user's environment without what would lead a run elsewhere than into its own folder."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OVL_", "OTEL_", "PYTHON"))
    }
    path = os.pathsep.join([str(ROOT), str(ROOT / "collector")])
    return {**kept, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "100"}


@contextlib.contextmanager
def started(
    folder: Path, *words: str, stdout: int = subprocess.PIPE, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A running ``ovl words...`` in ``folder``; told to stop at the end of the block."""
    process = subprocess.Popen(
        [*COMMAND, *words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def agent(folder: Path, *words: str) -> Iterator[tuple[int, str]]:
    """The reference agent: the id of its process, and its address."""
    with started(folder, "agent", "--port", "0", *words, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        answers, _, _ = select.select([process.stdout], [], [], _START_S)
        first = process.stdout.readline() if answers else "it said nothing"
        if not first.startswith("reference agent at "):
            raise SystemExit(f"the reference agent did not start: {first.strip()}")
        yield process.pid, first.split()[3].rstrip(";")


@contextlib.contextmanager
def light_agent(*words: str) -> Iterator[tuple[int, str]]:
    """A target that is not the limit: the id of its process, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.light_agent", *words],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.pid, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


# --- CPU time, from /proc -------------------------------------------------------------------------


def need_proc() -> None:
    if not Path("/proc/self/stat").is_file():
        raise SystemExit("this benchmark reads CPU times from /proc; run it on Linux")


def cpu_s(pid: int) -> float | None:
    """Seconds of CPU that the process has used; None when it is gone."""
    fields = _stat(pid)
    return (
        None if fields is None else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    )


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:  # grows while it is walked
        found += children.get(each, [])
    return found


def sockets(pid: int) -> int:
    """How many the process holds: of all that a run starts, a worker has the most."""
    found = 0
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found += entry.readlink().name.startswith("socket:")
    return found


def descriptors(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


def memory_bytes(pid: int) -> int | None:
    """Resident memory, shared libraries included; None when the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def pin(pid: int, cores: set[int]) -> None:
    """Put all threads of a process on these cores; one that is gone stays gone."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def stolen_s() -> float:
    """Seconds of CPU that this machine's host gave to others, of all cores together."""
    ticks = Path("/proc/stat").read_text("utf-8").split("\n")[0].split()[8]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def is_collector(pid: int) -> bool:
    try:
        return b"ovl_collector" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _stat(pid: int) -> list[str] | None:
    """The fields behind the name, which may hold spaces: state, parent, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None


# --- what is printed ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure and what is asked of it; at most, unless it says at least."""

    what: str
    seen: float
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.seen >= self.bound if self.at_least else self.seen <= self.bound

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        word = "holds" if self.holds else "SHORT"
        return f"{word}  {self.what}: {self.seen:,.1f}, {side} {self.bound:,.0f}"


def machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """As Markdown, aligned, so that it can be read as it is and kept in a document."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print("\n".join(lines), flush=True)


def json_line(benchmark: str, before: dict[str, object], **figures: object) -> None:
    print(json.dumps({"benchmark": benchmark, "machine": before, **figures}), flush=True)


def ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def kilobytes(n_bytes: float | None) -> str:
    return "-" if n_bytes is None else f"{n_bytes / 1000:.0f} kB"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"
