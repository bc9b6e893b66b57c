"""The collector's process: ``python -m ovl_collector.serve --store DIR``.

Prints one JSON line when it is up: what control.json holds, the recording, and notes such as a port
that was taken. SIGTERM and SIGINT drain: everything received is committed and acknowledged, the
segment is sealed, the manifest says ended, control.json goes, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson
import uvloop

from ovl_collector.admission import Admission
from ovl_collector.config import GRPC_PORT, HTTP_PORT, LOOPBACK, Address, Config, Tls, parse_address
from ovl_collector.control import CONTROL_FILE, Control, write_control_file
from ovl_collector.decoded import Limits
from ovl_collector.duplicates import SeenRequests
from ovl_collector.errors import CollectorError, UsageError
from ovl_collector.grpc_server import GrpcServer
from ovl_collector.http_app import App
from ovl_collector.http_server import HttpServer
from ovl_collector.ledger import Ledger
from ovl_collector.locks import RecordingLock
from ovl_collector.manifest import Manifest
from ovl_collector.receive import Receiver
from ovl_collector.recordings import existing_recording, new_recording, open_store, unended
from ovl_collector.recovery import recent_hashes, recover
from ovl_collector.segments import Rotation, Segments
from ovl_collector.writer import Writer

_PARENT_POLL_S: Final = 0.5
# A client retries for about as long; what it sends again may be stored in the dead recording.
_SUSPECT_NS: Final = 120 * 10**9
_FOREVER_NS: Final = 2**63


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until stopped; returns the exit code. Errors are one line on stderr."""
    try:
        arguments = _parser().parse_args(argv)
        if arguments.recover:
            return _recover_all(Path(arguments.store))
        config = config_from(arguments)
        uvloop.run(serve(config, announce=_announce))
    except CollectorError as error:
        print(f"ovl-collector: {error}", file=sys.stderr)
        return error.exit_code
    return 0


async def serve(config: Config, announce: Callable[[dict[str, Any]], None]) -> None:
    """Runs one collector on the current event loop. Raises CollectorError before it is up."""
    problems = config.problems()
    if problems:
        raise UsageError("; ".join(problems))
    folder, lock, manifest, seen, suspect_until = _claim(config)
    try:
        await _run(config, folder, manifest, seen, suspect_until, announce)
    finally:
        lock.release()


def _claim(config: Config) -> tuple[Path, RecordingLock, Manifest, SeenRequests, int]:
    """The recording to write, locked and recovered."""
    seen = SeenRequests()
    now = time.time_ns()
    if config.recording is None:
        open_store(config.store)
        leftovers = unended(config.store)
        folder, lock, manifest = new_recording(config.store, now)
        return folder, lock, manifest, seen, now + _SUSPECT_NS if leftovers else 0
    folder, lock, manifest = existing_recording(config.store, config.recording)
    try:
        manifest = recover(folder, manifest)
        seen.load(recent_hashes(folder, manifest))
    except (duckdb.Error, OSError) as error:
        lock.release()
        raise CollectorError(f"recording {folder} can not be recovered: {error}") from error
    return folder, lock, manifest, seen, _FOREVER_NS


async def _run(
    config: Config,
    folder: Path,
    manifest: Manifest,
    seen: SeenRequests,
    suspect_until: int,
    announce: Callable[[dict[str, Any]], None],
) -> None:
    stopping = asyncio.Event()
    notes: list[str] = []
    listener = _listen(config.http, notes)
    try:
        segments = Segments(
            folder,
            manifest,
            config.rotation,
            mono_ns=time.monotonic_ns,
            unix_ns=time.time_ns,
        )
    except (duckdb.Error, OSError) as error:
        listener.close()
        raise CollectorError(f"no segment can be made in {folder}: {error}") from error
    ledger = Ledger(time.time_ns)
    writer = Writer(segments, ledger, seen=seen, suspect_until_unix_ns=suspect_until)
    writer.start()
    admission = Admission(config.room_bytes, lambda: writer.is_stalled)
    # Time in nanoseconds as the first number: unique in the recording also when it is continued.
    receiver = Receiver(
        writer,
        admission,
        ledger,
        config.limits,
        unix_ns=time.time_ns,
        first_batch_id=time.time_ns(),
    )
    control = Control(writer, segments, ledger, admission, stopping.set)
    grpc_server = GrpcServer(receiver, config.token)
    http_server = HttpServer(App(receiver, control, config.token), listener, config.tls)
    try:
        grpc_address = _bind_grpc(grpc_server, config, notes)
        await grpc_server.start()
        await http_server.start()
        http_address = Address(*listener.getsockname()[:2])
        scheme = "https" if config.tls else "http"
        content = write_control_file(
            folder,
            grpc=str(grpc_address),
            http=f"{scheme}://{http_address}",
            token=control.token,
        )
        recording = segments.manifest.recording
        announce({"event": "ready", **content, "recording": recording, "notes": notes})
        await _until_stopped(stopping, config.parent_pid)
    finally:
        (folder / CONTROL_FILE).unlink(missing_ok=True)
        await asyncio.gather(grpc_server.stop(), http_server.stop())
        await asyncio.to_thread(writer.close)
        receiver.close()
        await asyncio.to_thread(segments.end)


def _listen(asked: Address | None, notes: list[str]) -> socket.socket:
    wanted = asked or Address(LOOPBACK, HTTP_PORT)
    try:
        return _bound(wanted)
    except OSError as error:
        if asked is not None:
            raise UsageError(
                f"HTTP port {asked} can not be bound ({error.strerror}); choose another with --http"
            ) from error
    listener = _bound(Address(wanted.host, 0))
    notes.append(f"port {wanted.port} is taken, OTLP/HTTP is on {listener.getsockname()[1]}")
    return listener


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(1024)  # now, so that a port taken is known now
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _bind_grpc(server: GrpcServer, config: Config, notes: list[str]) -> Address:
    wanted = config.grpc or Address(LOOPBACK, GRPC_PORT)
    try:
        return Address(wanted.host, server.bind(wanted, config.tls))
    except UsageError:
        if config.grpc is not None:
            raise
    port = server.bind(Address(wanted.host, 0), config.tls)
    notes.append(f"port {wanted.port} is taken, OTLP/gRPC is on {port}")
    return Address(wanted.host, port)


async def _until_stopped(stopping: asyncio.Event, parent_pid: int | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
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
    recovered = []
    if not (store / "recordings").is_dir():
        raise UsageError(f"{store} is not a store")
    for folder in unended(store):
        try:
            _, lock, manifest = existing_recording(store, folder.name)
        except UsageError:
            continue  # its collector lives
        try:
            recover(folder, manifest, ended=True)
        except (duckdb.Error, OSError) as error:
            raise CollectorError(f"recording {folder} can not be recovered: {error}") from error
        finally:
            lock.release()
        recovered.append(folder.name)
    _announce({"event": "recovered", "recordings": recovered})
    return 0


def _announce(event: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(event).decode() + "\n")
    sys.stdout.flush()


def config_from(arguments: argparse.Namespace) -> Config:
    tls = None
    if arguments.tls_cert or arguments.tls_key or arguments.tls_client_ca:
        if not (arguments.tls_cert and arguments.tls_key):
            raise UsageError("TLS needs both --tls-cert and --tls-key")
        tls = Tls(arguments.tls_cert, arguments.tls_key, arguments.tls_client_ca)
    return Config(
        store=Path(arguments.store),
        grpc=parse_address(arguments.grpc, "--grpc") if arguments.grpc else None,
        http=parse_address(arguments.http, "--http") if arguments.http else None,
        recording=arguments.recording,
        token=_secret(arguments.token) if arguments.token else None,
        tls=tls,
        insecure=arguments.insecure,
        parent_pid=arguments.parent_pid,
        limits=Limits(body_bytes=arguments.max_body_mib * 2**20),
        room_bytes=max(64, 4 * arguments.max_body_mib) * 2**20,
        rotation=Rotation(
            items=arguments.segment_items,
            body_bytes=arguments.segment_mib * 2**20,
            age_s=arguments.segment_age_s,
        ),
    )


def _secret(text: str) -> str:
    """The value itself, or that of an environment variable written as ``env:NAME``."""
    if not text.startswith("env:"):
        return text
    value = os.environ.get(text.removeprefix("env:"))
    if not value:
        raise UsageError(f"--token {text}: that environment variable is not set")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ovl_collector.serve",
        description="Receives OTLP and acknowledges it once DuckDB has committed it.",
    )
    add = parser.add_argument
    add("--store", required=True, help="folder of recordings; made when it is not there")
    add("--grpc", help="host:port of OTLP/gRPC (default 127.0.0.1:4317, or any free port)")
    add("--http", help="host:port of OTLP/HTTP (default 127.0.0.1:4318, or any free port)")
    add("--recording", help="continue this recording instead of starting a new one")
    add("--token", help="ask senders for this bearer token; env:NAME reads it from there")
    add("--tls-cert", type=Path)
    add("--tls-key", type=Path)
    add("--tls-client-ca", type=Path, help="ask senders for a certificate of this authority")
    add("--insecure", action="store_true", help="allow an open address without any of these")
    add("--parent-pid", type=int, help="stop in order when this process is gone")
    add("--recover", action="store_true", help="seal what dead collectors left, then exit")
    add("--max-body-mib", type=int, default=16, help="of one request, also after decompression")
    add("--segment-items", type=int, default=Rotation().items, help="spans and points per file")
    add("--segment-mib", type=int, default=Rotation().body_bytes // 2**20)
    add("--segment-age-s", type=float, default=Rotation().age_s)
    return parser


if __name__ == "__main__":
    sys.exit(main())
