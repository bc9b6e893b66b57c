"""The two ends of a wire that is one WebSocket: all of them that no message format changes.

Dialling, pings, counts, hanging up and being hung up on are the same for every such wire. What is
left to its own file is what the messages look like.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from otel_voiceload.audio.encoding import Encoding
from otel_voiceload.errors import UsageError
from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    ErrorHeard,
    PongHeard,
    WireClosed,
    WireEvent,
)
from otel_voiceload.model import ConnectRecord, MediaStats
from otel_voiceload.transports import websocket
from otel_voiceload.transports.link import Link, Receiver
from otel_voiceload.transports.sockets import WSCloseCode, WSUpgradeRequest
from otel_voiceload.transports.wire import CallOptions, Handler, ServeOptions, Sink

_NOT_CONNECTED = ConnectRecord(0, 0, (), "", 0, "tcp", "websocket")


class CallerEnd(ABC):
    """The part of ``wire.Wire`` and of ``link.Receiver`` that a caller's end inherits."""

    encoding: ClassVar[Encoding]

    def __init__(self, options: CallOptions, sink: Sink) -> None:
        self.connect: ConnectRecord = _NOT_CONNECTED
        self._options = options
        self._sink = sink
        self._opened: Link | None = None
        self._leaving = False  # we hung up, not the agent

    @abstractmethod
    def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...

    @abstractmethod
    def text(self, data: bytes, arrival_mono_ns: int) -> None: ...

    @abstractmethod
    def stop_message(self) -> bytes:
        """The last words of a caller that hangs up in order."""

    async def dial(self) -> None:
        """Raises as ``websocket.connect``; UsageError when the options have problems."""
        _check(self._options.problems())
        self._opened, self.connect = await websocket.connect(self._options, self)

    def ping(self) -> None:
        self._link.ping()

    def stats(self) -> MediaStats:
        return self._link.stats()

    async def close(self) -> MediaStats:
        if not self._link.gone.done():
            self._leaving = True
            self._link.send_text(self.stop_message())
            self._link.hang_up()
            # The link cuts itself after the grace time, so this wait is bounded.
            await asyncio.shield(self._link.gone)
        return self.stats()

    def abort(self) -> MediaStats:
        self._leaving = True
        self._link.abort()
        return self.stats()

    def opened(self, link: Link) -> None:
        self._opened = link

    def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None:
        self._sink(PongHeard(rtt_ns, arrival_mono_ns))

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None:
        self._sink(WireClosed(error_type, detail, arrival_mono_ns))

    @property
    def _link(self) -> Link:
        assert self._opened is not None, "dial() comes first"
        return self._opened


class AgentEnd(ABC):
    """The part of ``wire.AgentWire`` and of ``link.Receiver`` that an agent's end inherits.

    It holds the caller to the order of a call: ``start`` first and once, then the rest.
    """

    encoding: ClassVar[Encoding]

    def __init__(self, headers: Mapping[str, str], handler: Handler) -> None:
        self.headers = headers
        self._handler = handler
        self._sink: Sink | None = None
        self._opened: Link | None = None
        self._started = False

    @abstractmethod
    def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...

    @abstractmethod
    def text(self, data: bytes, arrival_mono_ns: int) -> None: ...

    @abstractmethod
    def error(self, type_: str, message: str) -> None: ...

    def close(self) -> None:
        self._link.hang_up()

    def abort(self) -> None:
        self._link.abort()

    def opened(self, link: Link) -> None:
        self._opened = link
        self._sink = self._handler(self)  # type: ignore[arg-type]  # the heir has the rest of it

    def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None:
        if self._started and self._sink is not None:
            self._sink(PongHeard(rtt_ns, arrival_mono_ns))

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None:
        sink, self._sink = self._sink, None  # who listened holds this end: apart, both go at once
        if sink is not None:
            sink(WireClosed(error_type, detail, arrival_mono_ns))

    def take(self, event: WireEvent | None) -> None:
        """Hand on what the caller said, or refuse it; None is a message nobody here knows."""
        if event is None or self._sink is None:
            return
        if isinstance(event, AudioHeard):  # nearly always
            if self._started:
                self._sink(event)
            else:
                self._refuse("audio came before start")
        elif isinstance(event, ErrorHeard):
            self._refuse(event.message)
        elif isinstance(event, CallStarted) == self._started:
            self._refuse("start comes first, once")
        elif isinstance(event, CallStarted) and event.sample_rate != self.encoding.sample_rate:
            self._refuse(f"sample_rate {event.sample_rate} is not {self.encoding.sample_rate}")
        else:
            self._started = True
            self._sink(event)

    def _refuse(self, detail: str) -> None:
        self.error("protocol", detail)
        self._link.hang_up(WSCloseCode.PROTOCOL_ERROR)

    @property
    def _link(self) -> Link:
        assert self._opened is not None, "the handler is called with an open link"
        return self._opened


Call = TypeVar("Call", bound=CallerEnd)


async def dialled(call: Call) -> Call:
    """``call``, connected; errors as of its ``dial``."""
    await call.dial()
    return call


async def listen(
    options: ServeOptions, make: Callable[[Mapping[str, str]], Receiver]
) -> websocket.Listening:
    """Take calls; ``make`` gets a request's headers, names in lower case.

    Raises:
        UsageError: the options have problems, or the port is in use.
    """
    _check(options.problems())

    def accept(request: WSUpgradeRequest) -> Receiver:
        return make({name.lower(): value for name, value in request.headers.items()})

    listening = websocket.Listening(options, accept)
    await listening.open()
    return listening


def _check(problems: list[str]) -> None:
    if problems:
        raise UsageError("; ".join(problems))
