"""The collector's process: ``python -m ovl_collector.serve --store DIR``.

Prints one JSON line when it is up: what control.json holds, the recording, and notes such as a port
that was taken. SIGTERM, SIGINT and SIGHUP drain: everything received is committed and acknowledged,
the segment is sealed, the manifest says ended, control.json goes, a second line says what was
stored, and the exit code is 0. Under ``--parent-pid`` what comes from the terminal (SIGINT, SIGHUP)
does nothing, since it is then for the parent to handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson
import uvloop

from ovl_collector.admission import Admission
from ovl_collector.command_line import config_from
from ovl_collector.config import Config
from ovl_collector.control import CONTROL_FILE, Control, write_control_file
from ovl_collector.doors import Doors, open_doors
from ovl_collector.errors import CollectorError as CollectorError  # for who imports this door
from ovl_collector.errors import UsageError
from ovl_collector.farewell import farewell
from ovl_collector.forward import Forwarder
from ovl_collector.http_app import App
from ovl_collector.http_server import HttpServer
from ovl_collector.ledger import Ledger
from ovl_collector.options import as_toml, read_options
from ovl_collector.receive import Receiver
from ovl_collector.recordings import Claim, claim_recording, recover_dead
from ovl_collector.retention import Keep, Retention
from ovl_collector.segments import Segments
from ovl_collector.self_watch import SelfWatch
from ovl_collector.writer import Writer

_PARENT_POLL_S: Final = 0.5
_SWEEP_S: Final = 5.0
_M_MMAP_THRESHOLD: Final = -3  # of malloc.h
_M_ARENA_MAX: Final = -8


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until stopped; returns the exit code. Errors are one line on stderr."""
    try:
        arguments = read_options(argv, os.environ)
        if arguments.print_config:
            sys.stdout.write(as_toml(arguments))
            return 0
        if arguments.recover:
            return _recover_all(Path(arguments.store))
        config = config_from(arguments)
        _calm_the_garbage_collector()
        _calm_the_allocator()
        uvloop.run(serve(config, announce=_announce))
    except CollectorError as error:
        print(f"ovl-collector: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def printed_config(argv: Sequence[str]) -> str:
    """What ``--print-config`` shows, for a caller that has read the environment itself.

    Raises CollectorError.
    """
    return as_toml(read_options(argv, {}))


async def serve(config: Config, announce: Callable[[dict[str, Any]], None]) -> None:
    """Runs one collector on the current event loop. Raises CollectorError before it is up."""
    problems = config.problems()
    if problems:
        raise UsageError("; ".join(problems))
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    # These reach the whole terminal; a parent still has calls to end and spans to send.
    terminal: Callable[[], None] = stopping.set if config.parent_pid is None else _do_nothing
    loop.add_signal_handler(signal.SIGINT, terminal)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has said otherwise
        loop.add_signal_handler(signal.SIGHUP, terminal)
    # Ports before the recording, so that a port in use leaves no empty recording behind.
    doors = open_doors(config)
    if config.forward is not None and config.forward.url.rstrip("/") == doors.http_url:
        doors.listener.close()
        raise UsageError(f"--forward {doors.http_url} is this collector itself")
    try:
        claim = claim_recording(config.store, config.recording, time.time_ns())
    except CollectorError:
        doors.listener.close()
        raise
    try:
        await _run(config, claim, doors, stopping, announce)
    finally:
        claim.lock.release()


async def _run(
    config: Config,
    claim: Claim,
    doors: Doors,
    stopping: asyncio.Event,
    announce: Callable[[dict[str, Any]], None],
) -> None:
    try:
        segments = Segments(
            claim.folder,
            claim.manifest,
            config.rotation,
            mono_ns=time.monotonic_ns,
            unix_ns=time.time_ns,
        )
    except (duckdb.Error, OSError) as error:
        raise CollectorError(f"no segment can be made in {claim.folder}: {error}") from error
    ledger = Ledger(time.time_ns)
    writer = Writer(
        segments,
        ledger,
        seen=claim.seen,
        suspect_until_unix_ns=claim.suspect_until_unix_ns,
    )
    writer.start()
    admission = Admission(config.room_bytes, lambda: writer.is_stalled)
    forwarder = Forwarder(config.forward) if config.forward else None
    receiver = Receiver(
        writer,
        admission,
        ledger,
        config.limits,
        unix_ns=time.time_ns,
        # Time as the first number: unique in the recording also when it is continued.
        first_batch_id=time.time_ns(),
        copies=forwarder,
    )
    control = Control(writer, segments, ledger, admission, stopping.set, forwarder)
    http_server = HttpServer(
        App(receiver, control, config.token, config.cors_origins), doors.listener, config.tls
    )
    if forwarder is not None:
        forwarder.start()
    try:
        await doors.grpc_server.start(receiver)
        await http_server.start()
        content = write_control_file(
            claim.folder,
            grpc=str(doors.grpc),
            http=doors.http_url,
            token=control.token,
            private=config.private,
        )
        recording = claim.manifest.recording
        announce({"event": "ready", **content, "recording": recording, "notes": doors.notes})
        retention = Retention(config.store, segments, config.keep, unix_ns=time.time_ns)
        watch = SelfWatch(receiver, control.stats, unix_ns=time.time_ns)
        async with _beside(
            _watch_self(watch, config.self_watch_s),
            _sweep(retention, config.keep) if config.keep.is_bounded else None,
        ):
            await _until_stopped(stopping, config.parent_pid)
    finally:
        (claim.folder / CONTROL_FILE).unlink(missing_ok=True)
        await asyncio.gather(doors.grpc_server.stop(), http_server.stop())
        await asyncio.to_thread(writer.close)
        receiver.close()
        if forwarder is not None:
            await asyncio.to_thread(forwarder.close)
        await asyncio.to_thread(segments.end)
    announce(farewell(claim.manifest.recording, ledger.as_dict(), watch.points))


def _do_nothing() -> None:
    pass


@contextlib.asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None] | None) -> AsyncIterator[None]:
    """Runs works without end for as long as the block lasts."""
    tasks = [asyncio.create_task(work) for work in works if work is not None]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _sweep(retention: Retention, keep: Keep) -> None:
    while True:
        await asyncio.sleep(min(_SWEEP_S, keep.max_age_s or _SWEEP_S))
        await asyncio.to_thread(retention.sweep)


async def _watch_self(watch: SelfWatch, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        await watch.speak()


async def _until_stopped(stopping: asyncio.Event, parent_pid: int | None) -> None:
    watch = asyncio.create_task(_watch(parent_pid, stopping)) if parent_pid else None
    try:
        await stopping.wait()
    finally:
        if watch is not None:
            watch.cancel()


async def _watch(parent_pid: int, stopping: asyncio.Event) -> None:
    """A collector must not outlive the run that started it, also when that was killed."""
    while _is_alive(parent_pid):  # noqa: ASYNC110 - nothing tells of another process's end
        await asyncio.sleep(_PARENT_POLL_S)
    stopping.set()


def _is_alive(pid: int) -> bool:
    if os.getppid() == pid:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A killed parent stays as a zombie until it is reaped; we are then already another's child.
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state not in ("Z", "X")


def _recover_all(store: Path) -> int:
    """Seals what dead collectors left, in every recording that nobody holds."""
    _announce({"event": "recovered", "recordings": recover_dead(store)})
    return 0


def _calm_the_garbage_collector() -> None:
    """Decoding makes many objects and no cycles; looking for them costs a tenth of the CPU."""
    gc.set_threshold(50_000, 20, 50)


def _calm_the_allocator() -> None:
    """Large blocks go back to the system when freed, and threads share their arenas: bodies of
    16 MiB otherwise stay in the process's memory for good. glibc only; others do without."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, 1024 * 1024)
    mallopt(_M_ARENA_MAX, 2)


def _announce(event: dict[str, Any]) -> None:
    try:
        sys.stdout.write(orjson.dumps(event).decode() + "\n")
        sys.stdout.flush()
    except OSError:  # who listened is gone; Python would flush once more at its exit and complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
