"""A bot that nobody here wrote: Pipecat's own code and spans, called as Twilio would call it.

Only its services are ours, and their limits: what is planted in them, the analysis must name from
the spans that the bot sends by itself. Nothing in the bot is changed but where its spans go.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.store.open import open_store
from tests.benchmarks.running import COMMAND, ROOT, environment
from tests.collector.processes import Served

HERE = Path(__file__).parent / "pipecat"
HOME = ROOT / "build" / "pipecat"
INSTALL_S = 900
UP_S = 60
RUN_S = 300
TRIES = 3  # on a machine that has other things to do, the generator may be the limit itself
# Two places are full at about seven calls; the bot's own process would be at about thirty.
LEVELS = ("20s:2", "16s:3", "16s:4", "16s:6", "16s:8", "16s:12", "24s:4")
NAMED = ("found", "at_most")


@pytest.fixture(scope="module")
def python() -> Path:
    """The bot's own environment; installed once, half a gigabyte."""
    if os.environ.get("INTEROP") != "1":
        pytest.skip("installs Pipecat; run by make interop")
    wanted = HERE / "requirements.txt"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    binary, stamp = HOME / "bin" / "python", HOME / "installed"
    if not stamp.is_file() or stamp.read_text() != digest:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        words = ["-m", "pip", "install", "--quiet", "--no-deps", "--prefer-binary"]
        subprocess.run([str(binary), *words, "-r", str(wanted)], check=True, timeout=INSTALL_S)
        stamp.write_text(digest)
    return binary


@dataclass(frozen=True)
class Bot:
    url: str
    store: Path

    def called(self, *words: str) -> dict[str, Any]:
        """The report of one ``ovl generate``."""
        report = self.store.parent / "report.json"
        report.unlink(missing_ok=True)
        options = ["--scenario", str(HERE / "scenario.yaml"), "--store", str(self.store)]
        done = subprocess.run(
            [*COMMAND, "generate", self.url, *options, *words, "-f", "json", "-o", str(report)],
            cwd=self.store.parent,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
            timeout=RUN_S,
        )
        assert report.is_file(), done.stderr
        found: dict[str, Any] = json.loads(report.read_text("utf-8"))
        return found


@contextmanager
def bot(python: Path, folder: Path, *places: str) -> Iterator[Bot]:
    """Collector, providers and bot, each a process of its own; ended when left."""
    provider_port, bot_port = free_port(), free_port()
    limits = [word for place in places for word in ("--places", place)]
    providers = f"http://127.0.0.1:{provider_port}/v1"
    with ExitStack() as ends:
        collector = ends.enter_context(Served(folder / "store"))
        for words, more in (
            (["providers.py", "--port", str(provider_port), *limits], {}),
            (
                ["bot.py", "--port", str(bot_port), "--providers", providers],
                {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http},
            ),
        ):
            script, *options = words
            ends.enter_context(ended(python, script, options, more))
        for port in (provider_port, bot_port):
            wait_for(port)
        yield Bot(f"twilio+ws://127.0.0.1:{bot_port}/ws", folder / "store")


@contextmanager
def ended(python: Path, script: str, options: list[str], more: dict[str, str]) -> Iterator[None]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))}
    direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    process = subprocess.Popen(
        [str(python), str(HERE / script), *options],
        env={**kept, **direct, **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    give_up = time.monotonic() + UP_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < give_up, f"nothing listens on port {port}"
            time.sleep(0.2)


def joined(store: Path) -> list[dict[str, object]]:
    """Of the calls of the load: how many turns each component was seen in, and how it joined."""
    sql = (
        "select component, joined_by, count(distinct (call_id, turn_index)) as turns"
        " from component_observations where source = 'target_trace' and run_id not like '%-smoke'"
        " group by component, joined_by order by component"
    )
    with open_store(store) as reading:
        return reading.sql(sql).dicts()


def test_without_the_trace_header_the_call_sid_joins(python: Path, tmp_path: Path) -> None:
    """Twilio can not set headers on the upgrade, so the bot's trace is one of its own then."""
    with bot(python, tmp_path) as target:
        target.called("-c", "2", "-d", "15s", "-H", "traceparent: none")
    found = joined(tmp_path / "store")
    assert {row["joined_by"] for row in found} == {"call_id"}
    assert {"stt", "llm", "tts"} <= {row["component"] for row in found}


@pytest.mark.parametrize("planted", ["llm", "tts"])
def test_a_limit_behind_the_bot_is_named(python: Path, tmp_path: Path, planted: str) -> None:
    stages = [word for level in LEVELS for word in ("-s", f"hold:{level}")]
    for attempt in range(TRIES):
        with bot(python, tmp_path / str(attempt), f"{planted}=2") as target:
            report = target.called(*stages)
        found, reasons = report["inflection"], " ".join(report["run"]["validity_reasons"])
        if found["status"] in NAMED or "generator was the limit" not in reasons:
            break
    assert found["status"] in NAMED, (found, reasons)
    assert [each["component"] for each in found["candidates"]] == [planted]
    assert 4 <= found["candidates"][0]["calls"] <= 11

    seen = joined(target.store)
    turns = report["turn_latency"]["samples"]
    assert {row["joined_by"] for row in seen} == {"trace"}
    for component in ("stt", "llm", "tts"):
        (count,) = (int(str(row["turns"])) for row in seen if row["component"] == component)
        assert count >= 0.9 * turns
