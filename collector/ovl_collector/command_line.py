"""The configuration that the options of the collector's process make."""

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
    if arguments.token == "":  # as from a variable that nobody set: it would open the door
        raise UsageError("--token is empty; give one, or leave the option out")
    tls = None
    if arguments.tls_cert or arguments.tls_key or arguments.tls_client_ca:
        if not (arguments.tls_cert and arguments.tls_key):
            raise UsageError("TLS needs both --tls-cert and --tls-key")
        ca = arguments.tls_client_ca
        tls = Tls(Path(arguments.tls_cert), Path(arguments.tls_key), Path(ca) if ca else None)
    return Config(
        store=Path(arguments.store),
        grpc=parse_address(arguments.grpc, "--grpc") if arguments.grpc else None,
        http=parse_address(arguments.http, "--http") if arguments.http else None,
        recording=arguments.recording,
        token=_secret(arguments.token, "--token") if arguments.token else None,
        tls=tls,
        insecure=arguments.insecure,
        parent_pid=arguments.parent_pid,
        private=arguments.private,
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
        self_watch_s=arguments.self_watch_s,
        forward=_destination(arguments),
        cors_origins=tuple(arguments.cors_origin),
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
