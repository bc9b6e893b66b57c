"""The reference agent as a process of its own: ``python -m otel_voiceload.agent.serve``.

The first line on stdout is one JSON object of event ``ready`` with the port and the knee to be
expected; whoever started the process waits for it. SIGTERM, SIGINT and the death of the parent (if
its id was given) end it within two seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import uvloop

from otel_voiceload import transports
from otel_voiceload.agent.call import AgentCall, Staff
from otel_voiceload.agent.desk import Desk, LoopAlarm
from otel_voiceload.agent.settings import DEFAULT_CYCLE, Wishes, parse_cycle, settle
from otel_voiceload.agent.tracing import Tracing
from otel_voiceload.agent.voice import Voice
from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.audio.fingerprint import Fingerprints
from otel_voiceload.capacity.config import SERVED, AgentConfig, NetworkConfig
from otel_voiceload.capacity.faults import FAULT_NAMES
from otel_voiceload.capacity.knee import Knee
from otel_voiceload.capacity.pipeline import Pipeline
from otel_voiceload.errors import ExitCode, OvlError
from otel_voiceload.model import ClockAnchor
from otel_voiceload.transports.ticker import FrameTicker
from otel_voiceload.transports.wire import ServeOptions

_PARENT_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Ready:
    """What is said once the agent listens."""

    url: str
    port: int
    pid: int
    clip_pack: str
    seed: int
    knee: Knee

    def line(self) -> bytes:
        words = asdict(self)
        words["knee"]["text"] = self.knee.text()
        return orjson.dumps({"event": "ready", **words})


async def run_agent(
    config: AgentConfig,
    knee: Knee,
    options: ServeOptions,
    *,
    wire: str,
    otlp_endpoint: str | None,
    stop: asyncio.Event,
    ready: Callable[[Ready], None],
) -> None:
    """Serve ``wire`` (the name of a transport) until ``stop`` is set.

    Raises:
        UsageError: no such wire, the port is in use, or the options have problems.
        ConfigError: the clip pack is not one.
    """
    scheme = transports.served_scheme(wire, secure=options.tls_cert is not None)
    pack = wire_pack(wire)
    fingerprints = Fingerprints(pack)

    def recognise(data: bytes) -> Clip | None:
        match = fingerprints.match(data)
        return None if match is None else match.clip

    tracing = Tracing.to_endpoint(ClockAnchor(time.monotonic_ns(), time.time_ns()), otlp_endpoint)
    staff = Staff(
        config=config,
        desk=Desk(Pipeline(config), LoopAlarm()),
        voice=Voice(pack, config),
        recognise=recognise,
        ticker=FrameTicker(),
        tracing=tracing,
    )
    # The pack and the fingerprints live as long as the process; the collector need not walk them.
    gc.collect()
    gc.freeze()
    server = await transports.load(scheme).serve(options, lambda end: AgentCall(staff, end))
    try:
        url = f"{scheme}://{options.host}:{server.port}"
        ready(Ready(url, server.port, os.getpid(), pack.pack_id, config.seed, knee))
        await stop.wait()
    finally:
        await server.close()
        staff.ticker.close()
        tracing.close()


def wire_pack(wire: str) -> ClipPack:
    """The clips in the encoding of a wire, by its name.

    Raises:
        UsageError: no wire has that name.
    """
    return ClipPack.load(transports.load(transports.served_scheme(wire, secure=False)).ENCODING)


def network_delay(network: NetworkConfig, rng: random.Random) -> Callable[[], float] | None:
    """Draws of one way through the simulated network; None where there is none."""
    if not network.delay and not network.jitter:
        return None
    return lambda: max(0.0, rng.gauss(network.delay, network.jitter))


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="ovl-agent", description=__doc__.partition("\n")[0])
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--wire", default="plain", metavar="plain|twilio")
    words.add_argument("--config", type=Path)
    words.add_argument("--plant", metavar="COMPONENT:CALLS")
    words.add_argument("--cycle", default="", metavar="speech=1.2s,think=200ms")
    words.add_argument("--seed", type=int)
    for name in SERVED:
        words.add_argument(f"--{name}-capacity", type=int, metavar="N")
    words.add_argument("--fault", action="append", default=[], choices=FAULT_NAMES)
    words.add_argument("--otlp", metavar="ENDPOINT", help="base URL of an OTLP/HTTP receiver")
    words.add_argument("--tls-cert", type=Path)
    words.add_argument("--tls-key", type=Path)
    words.add_argument("--parent-pid", type=int, help="end when this process is gone")
    return words


def main(argv: Sequence[str] | None = None) -> int:
    """Run as a child that announces itself in JSON; the exit code."""
    asked = parser().parse_args(argv)
    try:
        capacities = [(name, getattr(asked, f"{name}_capacity")) for name in SERVED]
        wishes = Wishes(
            config_file=asked.config,
            plant=asked.plant,
            cycle=parse_cycle(asked.cycle) if asked.cycle else DEFAULT_CYCLE,
            seed=asked.seed,
            capacities=tuple((name, count) for name, count in capacities if count is not None),
            faults=tuple(asked.fault),
        )
        config, knee = settle(wishes, wire_pack(asked.wire))
        options = ServeOptions(
            host=asked.host,
            port=asked.port,
            tls_cert=asked.tls_cert,
            tls_key=asked.tls_key,
            network_delay=network_delay(config.network, random.Random(config.seed)),
        )
        run(config, knee, options, asked.wire, asked.otlp, asked.parent_pid, _print_ready)
    except OvlError as error:
        print(f"ovl-agent: {error}", file=sys.stderr)
        return error.exit_code
    return ExitCode.OK


def run(
    config: AgentConfig,
    knee: Knee,
    options: ServeOptions,
    wire: str,
    otlp_endpoint: str | None,
    parent_pid: int | None,
    ready: Callable[[Ready], None],
) -> None:
    """Serve in this process until SIGTERM, SIGINT or the parent's end; raises as ``run_agent``."""
    _allow_many_files()
    _reach_loopback_directly()
    uvloop.run(_until_told(config, knee, options, wire, otlp_endpoint, parent_pid, ready))


async def _until_told(
    config: AgentConfig,
    knee: Knee,
    options: ServeOptions,
    wire: str,
    otlp_endpoint: str | None,
    parent_pid: int | None,
    ready: Callable[[Ready], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watch = None
    if parent_pid is not None:
        watch = loop.create_task(_stop_with_parent(parent_pid, stop))
    try:
        await run_agent(
            config, knee, options, wire=wire, otlp_endpoint=otlp_endpoint, stop=stop, ready=ready
        )
    finally:
        if watch is not None:
            watch.cancel()


async def _stop_with_parent(parent_pid: int, stop: asyncio.Event) -> None:
    # An orphan is adopted by another process, so its parent's id changes.
    while not stop.is_set() and os.getppid() == parent_pid:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PARENT_LOOK_S)
    stop.set()


def _print_ready(ready: Ready) -> None:
    sys.stdout.buffer.write(ready.line() + b"\n")
    sys.stdout.buffer.flush()


def _allow_many_files() -> None:
    """A call is a file descriptor; take as many as the system allows without asking."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # An unlimited hard limit can not be set as the soft one on macOS.
    wanted = 65_536 if most == resource.RLIM_INFINITY else min(most, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _reach_loopback_directly() -> None:
    """Keep the span exporter from asking a proxy of the environment for 127.0.0.1."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost,::1")))


if __name__ == "__main__":
    sys.exit(main())
