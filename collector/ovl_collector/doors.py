"""The two ports. One that was asked for must be free; a standard one may be replaced by any."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from ovl_collector.config import GRPC_PORT, HTTP_PORT, LOOPBACK, Address, Config
from ovl_collector.errors import UsageError
from ovl_collector.grpc_server import GrpcServer


@dataclass(frozen=True, slots=True)
class Doors:
    """Both ports are bound. ``notes`` tell people about a port that was taken."""

    listener: socket.socket
    http_url: str
    grpc_server: GrpcServer
    grpc: Address
    notes: tuple[str, ...]


def open_doors(config: Config) -> Doors:
    """Raises UsageError naming the port that can not be bound."""
    notes: list[str] = []
    listener = _listen(config.http, notes)
    try:
        server = GrpcServer(config.limits.body_bytes, config.token)
        grpc = _bind_grpc(server, config, notes)
    except UsageError:
        listener.close()
        raise
    scheme = "https" if config.tls else "http"
    http = Address(*listener.getsockname()[:2])
    return Doors(listener, f"{scheme}://{http}", server, grpc, tuple(notes))


def _listen(asked: Address | None, notes: list[str]) -> socket.socket:
    wanted = asked or Address(LOOPBACK, HTTP_PORT)
    try:
        return _bound(wanted)
    except OSError as error:
        if asked is not None:
            raise _taken("HTTP", asked, error, "--http") from error
    listener = _bound(Address(wanted.host, 0))
    port = listener.getsockname()[1]
    notes.append(f"port {wanted.port} is taken, OTLP/HTTP is on {port}")
    return listener


def _bind_grpc(server: GrpcServer, config: Config, notes: list[str]) -> Address:
    wanted = config.grpc or Address(LOOPBACK, GRPC_PORT)
    try:
        # grpc writes lines of its own to stderr when a port is taken, so a socket tries first.
        _bound(wanted).close()
    except OSError as error:
        if config.grpc is not None:
            raise _taken("gRPC", wanted, error, "--grpc") from error
        port = server.bind(Address(wanted.host, 0), config.tls)
        notes.append(f"port {wanted.port} is taken, OTLP/gRPC is on {port}")
    else:
        port = server.bind(wanted, config.tls)
    return Address(wanted.host, port)


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(1024)  # now: only this tells that another one listens
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _taken(kind: str, address: Address, error: OSError, option: str) -> UsageError:
    return UsageError(
        f"{kind} port {address} can not be bound ({error.strerror}); choose another with {option}"
    )
