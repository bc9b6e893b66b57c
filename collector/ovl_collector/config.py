"""What a collector is started with. ``problems()`` names every fault at once."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ovl_collector.cors import cors_problems
from ovl_collector.decoded import Limits
from ovl_collector.errors import UsageError
from ovl_collector.forward import Destination
from ovl_collector.retention import Keep
from ovl_collector.segments import Rotation

GRPC_PORT: Final = 4317
HTTP_PORT: Final = 4318
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str, option: str) -> Address:
    """``host:port``, ``[::1]:port``, ``:port`` or ``port``. Raises UsageError."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or LOOPBACK
    if not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"{option} {text!r} is no address; write host:port, such as 127.0.0.1:4317"
        )
    return Address(host, int(port))


@dataclass(frozen=True, slots=True)
class Tls:
    cert: Path
    key: Path
    client_ca: Path | None = None

    @property
    def client_cert_mode(self) -> ssl.VerifyMode:
        return ssl.CERT_REQUIRED if self.client_ca else ssl.CERT_NONE

    def cert_bytes(self) -> bytes:
        return self.cert.read_bytes()

    def key_bytes(self) -> bytes:
        return self.key.read_bytes()

    def client_ca_bytes(self) -> bytes | None:
        return self.client_ca.read_bytes() if self.client_ca else None

    def problems(self) -> list[str]:
        files = [self.cert, self.key, *([self.client_ca] if self.client_ca else [])]
        return [f"TLS file {path} is not there" for path in files if not path.is_file()]


@dataclass(frozen=True, slots=True)
class Config:
    """``grpc`` and ``http`` are None when not asked for: the standard ports, or any free one."""

    store: Path
    grpc: Address | None = None
    http: Address | None = None
    recording: str | None = None  # continue this one instead of making a new one
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    insecure: bool = False
    parent_pid: int | None = None
    private: bool = False  # ends with the run that started it, so no other run may use it
    room_bytes: int = 48 * 2**20  # of requests, decoded, from arrival to their commit
    limits: Limits = field(default_factory=Limits)
    rotation: Rotation = field(default_factory=Rotation)
    keep: Keep = field(default_factory=Keep)
    self_watch_s: float = 10.0
    forward: Destination | None = None
    cors_origins: tuple[str, ...] = ()  # of web pages whose browsers may send

    def problems(self) -> list[str]:
        found = [
            *self.limits.problems(),
            *self.rotation.problems(),
            *self.keep.problems(),
        ]
        most, segment = self.keep.max_bytes, self.rotation.body_bytes
        if most is not None and 0 < most < segment:
            found.append(
                f"--max-size of {most / 2**20:.1f} MiB is less than one segment file may take "
                f"({segment / 2**20:.0f} MiB); give more, or make the files smaller "
                "(segment_mib in the collector's configuration file)"
            )
        if self.self_watch_s <= 0:
            found.append(f"--self-watch-s must be positive, not {self.self_watch_s}")
        if self.tls is not None:
            found += self.tls.problems()
        if self.forward is not None:
            found += self.forward.problems()
        found += cors_problems(self.cors_origins)
        if self.room_bytes < self.limits.body_bytes:
            found.append(
                f"room for {self.room_bytes} queued bytes is less than one body may have "
                f"({self.limits.body_bytes})"
            )
        if self.recording is not None and Path(self.recording).name != self.recording:
            found.append(f"recording {self.recording!r} is no id")
        guarded = self.token is not None or (
            self.tls is not None and self.tls.client_ca is not None
        )
        for option, address in (("--grpc", self.grpc), ("--http", self.http)):
            if address is not None and not (address.is_loopback or guarded or self.insecure):
                found.append(
                    f"{option} {address} is open to other machines; "
                    "add --token, --tls-client-ca or --insecure"
                )
        return found
