"""A wire: the connection of one call, seen from either end, and what every transport offers.

A wire owns sockets and message formats and knows no turns. Received things are handed to a ``Sink``
callback instead of an async iterator: at fifty frames a second and hundreds of calls in a process,
an iterator costs a queue entry and a task wake-up per frame, and every wake-up is a moment between
the arrival of a frame and its time stamp. A callback runs where the bytes were read. For the same
reason ``send`` is an ordinary function: the pacing loop must never wait for one call's socket.

Callbacks are called from the event loop's thread, never from inside ``send``, ``start`` or
``ping``. Each end hears exactly one ``WireClosed``, and nothing after it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from otel_voiceload.audio.encoding import Encoding
from otel_voiceload.conventions import Component
from otel_voiceload.errors import TargetRefused
from otel_voiceload.events import WireEvent
from otel_voiceload.model import ConnectRecord, MediaStats

CLOSE_GRACE_S = 2.0  # an orderly close that takes longer is cut off

Sink = Callable[[WireEvent], None]


class Wire(Protocol):
    """The caller's end of one call."""

    @property
    def encoding(self) -> Encoding: ...

    @property
    def connect(self) -> ConnectRecord: ...

    def start(self, call_id: str, traceparent: str | None, params: Mapping[str, str]) -> None:
        """Open the call; before any ``send``. ``params`` win over those of the options."""

    def send(self, frame: bytes, /) -> None:
        """Hand over audio. Never blocks, drops nothing, and is silent once the wire is closed."""

    def speech_end(self) -> None:
        """Hint that the caller stopped speaking; wires without such a message do nothing."""

    def ping(self) -> None:
        """Ask for a round trip; a ``PongHeard`` answers. Wires without a ping do nothing."""

    def stats(self) -> MediaStats: ...

    async def close(self) -> MediaStats:
        """Hang up in order, within ``CLOSE_GRACE_S``. Calling it twice is fine."""

    def abort(self) -> MediaStats:
        """Hang up at once, telling nobody."""


class AgentWire(Protocol):
    """The agent's end of one call.

    ``close`` is synchronous here: an agent is made of callbacks and has nobody to wait with.
    It lets what was sent before go out first and cuts the connection after ``CLOSE_GRACE_S``.
    """

    @property
    def encoding(self) -> Encoding: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Request headers, names in lower case."""

    def send(self, audio: bytes, /) -> None: ...

    def transcript(self, role: str, text: str, final: bool) -> None: ...

    def timing(
        self,
        turn: int,
        component: Component,
        attempt: int,
        start_s: float,
        first_s: float | None,
        end_s: float,
        queue_s: float,
        status: str,
    ) -> None:
        """In-band timing of one attempt; seconds since this end received ``start``."""

    def clear(self) -> None:
        """Ask the caller to drop what it has not played yet."""

    def end(self, reason: str) -> None:
        """Say that the call is over and why; the caller hangs up."""

    def error(self, type_: str, message: str) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


Handler = Callable[[AgentWire], Sink]
"""Called once per connection; its sink hears ``CallStarted`` first, then the audio."""


class Server(Protocol):
    @property
    def port(self) -> int: ...

    async def close(self) -> None:
        """Stop listening and end the connections, within ``CLOSE_GRACE_S``."""


def loopback_only(address: str) -> None:
    """The default address check.

    Raises:
        TargetRefused: ``address`` is not a loopback address.
    """
    if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        raise TargetRefused(
            f"{address} is not on this machine and was not allowed; nothing was sent to it"
        )


@dataclass(slots=True)
class Traffic:
    """Bytes of messages, both ways, without the headers around them; calls may share a count."""

    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How to reach a target. ``url`` is the target without the transport's name before ``+``.

    ``headers`` and ``params`` may hold secrets and stay out of ``repr`` and of every message.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls_ca: Path | None = None
    tls_insecure: bool = False
    connect_timeout_s: float = 10.0  # DNS, TCP, TLS and upgrade together
    keepalive_s: float = 10.0  # silence until a ping, and a ping's time to be answered
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_address: Callable[[str], None] = loopback_only  # gets every resolved address
    traffic: Traffic = field(default_factory=Traffic, repr=False, compare=False)  # is counted here

    def problems(self) -> list[str]:
        """Everything that is wrong, each a sentence with what to do."""
        found = []
        parts = urlsplit(self.url)
        if not parts.hostname:
            found.append(f"target {self.place!r} names no host; write scheme://host:port/path")
        try:
            _ = parts.port
        except ValueError:
            found.append(f"target {self.place!r} has a port that is not 0-65535; correct it")
        if parts.username is not None or parts.password is not None:
            found.append(
                "the target carries a user name or password, which would end up in reports; "
                "use -H 'Authorization: ...' instead"
            )
        for name, value in self.headers.items():
            if not name or any(c in name for c in " \t\r\n:") or any(c in value for c in "\r\n"):
                found.append(
                    f"header {name.strip()!r} is not 'Name: value' on one line; correct it"
                )
        if self.tls_ca is not None and not self.tls_ca.is_file():
            found.append(f"certificate file {self.tls_ca} does not exist; correct --tls-ca")
        if self.connect_timeout_s <= 0:
            found.append(f"connect timeout {self.connect_timeout_s} s is not positive; raise it")
        if self.keepalive_s <= 0:
            found.append(f"keepalive {self.keepalive_s} s is not positive; raise it")
        return found

    @property
    def place(self) -> str:
        """The target without user, query and fragment, fit for a message."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def masked(self, text: str) -> str:
        """``text`` with every header and parameter value replaced."""
        for value in (*self.headers.values(), *self.params.values()):
            if len(value) >= 4:
                text = text.replace(value, "***")
        return text


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where an agent listens. Port 0 takes a free one.

    ``network_delay`` draws the seconds that each message spends on a simulated network: it holds
    back everything of this end, in both directions, pongs too, and keeps the order.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    network_delay: Callable[[], float] | None = None

    def problems(self) -> list[str]:
        found = []
        if not 0 <= self.port <= 65535:
            found.append(f"port {self.port} is not 0-65535; correct --port")
        if (self.tls_cert is None) != (self.tls_key is None):
            found.append("a certificate needs its key and a key its certificate; give both files")
        found += [
            f"file {path} does not exist; correct its path"
            for path in (self.tls_cert, self.tls_key)
            if path is not None and not path.is_file()
        ]
        return found


class Transport(Protocol):
    """What a transport's module offers; ``load`` returns one.

    ``TELLS`` holds the kinds of events, beside audio, that an agent can bring to the caller's ears
    on this wire. What is not among them can not be known of any target that speaks it.
    """

    Options: type[CallOptions]
    ENCODING: Encoding
    TELLS: frozenset[type[WireEvent]]

    async def open_call(self, options: CallOptions, sink: Sink) -> Wire:
        """Connect, without sending ``start``.

        Raises:
            WireError: with the call outcome and error type that the failure stands for.
            TargetRefused: the address is not allowed.
        """

    async def serve(self, options: ServeOptions, handler: Handler) -> Server: ...
