"""The options of the collector's process and the configuration they make."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ovl_collector.config import Config, Tls, parse_address
from ovl_collector.decoded import Limits
from ovl_collector.errors import UsageError
from ovl_collector.forward import Destination, parse_header
from ovl_collector.quantities import parse_age, parse_size
from ovl_collector.retention import Keep
from ovl_collector.segments import Rotation


def config_from(arguments: argparse.Namespace) -> Config:
    """Raises UsageError for what no option can mean."""
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
        token=_secret(arguments.token, "--token") if arguments.token else None,
        tls=tls,
        insecure=arguments.insecure,
        parent_pid=arguments.parent_pid,
        limits=Limits(body_bytes=arguments.max_body_mib * 2**20),
        room_bytes=max(48, 3 * arguments.max_body_mib) * 2**20,
        rotation=Rotation(
            items=arguments.segment_items,
            body_bytes=arguments.segment_mib * 2**20,
            age_s=arguments.segment_age_s,
        ),
        keep=Keep(
            parse_size(arguments.max_size, "--max-size") if arguments.max_size else None,
            parse_age(arguments.max_age, "--max-age") if arguments.max_age else None,
        ),
        forward=_destination(arguments),
    )


def _destination(arguments: argparse.Namespace) -> Destination | None:
    if arguments.forward is None:
        if arguments.forward_header:
            raise UsageError("--forward-header without --forward")
        return None
    headers = tuple(
        parse_header(text, lambda value: _secret(value, "--forward-header"))
        for text in arguments.forward_header
    )
    return Destination(arguments.forward, headers)


def _secret(text: str, option: str) -> str:
    """The value itself, or that of an environment variable written as ``env:NAME``."""
    if not text.startswith("env:"):
        return text
    value = os.environ.get(text.removeprefix("env:"))
    if not value:
        raise UsageError(f"{option} {text}: that environment variable is not set")
    return value


def parser() -> argparse.ArgumentParser:
    """Every option of ``python -m ovl_collector.serve``."""
    options = argparse.ArgumentParser(
        prog="python -m ovl_collector.serve",
        description="Receives OTLP and acknowledges it once DuckDB has committed it.",
    )
    add = options.add_argument
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
    add("--forward", help="send a copy of what was stored to this OTLP/HTTP endpoint")
    add("--forward-header", action="append", default=[], help="'Name: value' or env:NAME")
    add("--max-size", help="of the store, such as 20GiB; the oldest files go first")
    add("--max-age", help="of what is kept, such as 7d")
    return options
