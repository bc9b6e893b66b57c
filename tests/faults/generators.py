"""A whole `ovl generate` against a small agent in a thread, with its processes in reach."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from otel_voiceload.transports import plain
from otel_voiceload.transports.wire import ServeOptions
from tests.end_to_end.running import started
from tests.load.echo import EchoAgent

START_S = 60.0  # on a machine with better things to do
STORE = "ovl-store"
SHORT = {
    "name": "short",
    "think": {"median": "100ms", "p95": "150ms"},
    "reply_end_silence": "200ms",
    "greeting": {"wait_s": 0},
    "nodes": {
        "open": {"say": {"intent": "open", "max_s": 1.5}, "edges": [{"go": "more"}]},
        "more": {"say": {"intent": "open", "max_s": 1.5}, "edges": [{"go": "done"}]},
        "done": {"end": "resolution"},
    },
}


@contextlib.contextmanager
def echo() -> Iterator[tuple[int, EchoAgent]]:
    """An agent that answers at once; its port."""
    loop, agent = asyncio.new_event_loop(), EchoAgent()
    ready, stop, port = threading.Event(), asyncio.Event(), 0

    async def serve() -> None:
        nonlocal port
        server = await plain.serve(ServeOptions(), agent)
        port = server.port
        ready.set()
        await stop.wait()
        await server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(START_S)
    try:
        yield port, agent
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        loop.close()


@dataclass
class Generator:
    """A running one. ``said`` grows with what it says on stderr."""

    process: subprocess.Popen[str]
    port: int
    said: list[tuple[float, str]] = field(default_factory=list)
    out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._read, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, words: str, timeout_s: float = START_S) -> float:
        """When a line with these words was said."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            for at_s, line in list(self.said):
                if words in line:
                    return at_s
            if self.process.poll() is not None and not self._threads[0].is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"{words!r} was not said: {[line for _, line in self.said]}")

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.process.pid).children(recursive=True))
        return []

    def workers(self, calls: int = 1) -> list[psutil.Process]:
        """Those with so many connections to the agent at least, waited for."""
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s:
            if found := [child for child in self.children() if self.held_by(child) >= calls]:
                return found
            time.sleep(0.1)
        raise AssertionError("no worker holds a call")

    def held_by(self, process: psutil.Process) -> int:
        with contextlib.suppress(psutil.Error):
            ends = process.net_connections("tcp")
            return sum(bool(end.raddr) and end.raddr.port == self.port for end in ends)
        return 0

    def end(self, timeout_s: float = 90.0) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout_s)
        late = self.process.poll() is None
        if late:
            self.process.send_signal(signal.SIGABRT)  # it tells where each of its threads stands
        code = self.process.wait(10)
        for thread in self._threads:
            thread.join(10)
        assert not late, f"no end within {timeout_s:g} s: {''.join(line for _, line in self.said)}"
        return code

    def report(self) -> dict[str, Any]:  # Any: the report as JSON has it
        return dict(json.loads("".join(self.out)))

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append((time.monotonic(), line))

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.out += self.process.stdout


@contextlib.contextmanager
def generating(
    folder: Path,
    port: int,
    *words: str,
    collector: str | None = "embedded",
    before: Sequence[Path] = (),
) -> Iterator[Generator]:
    """`ovl generate` with calls of two seconds; its children are gone at the end of the block.

    ``collector`` None: the one that it finds, as when nobody says anything.
    """
    scenario = folder / "short.yaml"
    scenario.write_text(yaml.safe_dump(SHORT, sort_keys=False))
    line = ("generate", f"ws://127.0.0.1:{port}", "--scenario", str(scenario))
    line += (*(("--collector", collector) if collector else ()), "-f", "json", *words)
    with started(folder, *line, before=before) as process:
        generator = Generator(process, port)
        family: list[psutil.Process] = []
        try:
            yield generator
        finally:
            family = generator.children()
            for child in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()


def assert_ledger_closes(report: dict[str, Any]) -> None:
    told = report["generator"]
    lost = sum(told["spans_lost"].values())
    assert told["spans_ended"] == told["spans_stored"] + lost, told


def alone(store: Path) -> list[str]:
    """Command lines of processes that still work for a store."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(store) in line and process.info["pid"] != os.getpid():
            found.append(line)
    return found
