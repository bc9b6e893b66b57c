"""The plain wire: PCM16 at 16 kHz in binary messages, JSON in text messages, over a WebSocket.

It exists so that anyone's agent can be tested after thirty lines of work. Both ends speak through
one codec, so that the reference agent and a stranger's hear the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from picows import WSCloseCode, WSUpgradeRequest

from otel_voiceload.audio.encoding import PCM16_16K, Encoding
from otel_voiceload.conventions import Component
from otel_voiceload.errors import UsageError
from otel_voiceload.model import (
    AudioHeard,
    CallStarted,
    ConnectRecord,
    ErrorHeard,
    MediaStats,
    PongHeard,
    WireClosed,
)
from otel_voiceload.transports import plain_codec, websocket
from otel_voiceload.transports.link import Link
from otel_voiceload.transports.wire import CallOptions, Handler, ServeOptions, Sink

Options = CallOptions


class PlainCall:
    """The caller's end; see ``wire.Wire``."""

    encoding: Encoding = PCM16_16K

    def __init__(self, options: Options, sink: Sink) -> None:
        self._options = options
        self._sink = sink
        self._link: Link | None = None
        self.connect: ConnectRecord = _NOT_CONNECTED

    async def dial(self) -> None:
        self._link, self.connect = await websocket.connect(self._options, self)

    # --- Wire ---

    def start(self, call_id: str, traceparent: str | None, params: Mapping[str, str]) -> None:
        merged = {**self._options.params, **params}
        self._open.send_text(
            plain_codec.start(call_id, traceparent, self.encoding.sample_rate, merged)
        )

    def send(self, frame: bytes) -> None:
        self._open.send_audio(frame)

    def speech_end(self) -> None:
        self._open.send_text(plain_codec.SPEECH_END)

    def ping(self) -> None:
        self._open.ping()

    def stats(self) -> MediaStats:
        return self._open.stats()

    async def close(self) -> MediaStats:
        if not self._open.gone.done():
            self._open.send_text(plain_codec.STOP)
            self._open.hang_up()
            # The link cuts itself after the grace time, so this wait is bounded.
            await asyncio.shield(self._open.gone)
        return self.stats()

    def abort(self) -> MediaStats:
        self._open.abort()
        return self.stats()

    # --- Receiver ---

    def opened(self, link: Link) -> None:
        self._link = link

    def audio(self, data: bytes, arrival_mono_ns: int) -> None:
        self._sink(AudioHeard(data, arrival_mono_ns))

    def text(self, data: bytes, arrival_mono_ns: int) -> None:
        event = plain_codec.from_agent(data, arrival_mono_ns)
        if event is not None:
            self._sink(event)

    def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None:
        self._sink(PongHeard(rtt_ns, arrival_mono_ns))

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None:
        self._sink(WireClosed(error_type, detail, arrival_mono_ns))

    @property
    def _open(self) -> Link:
        assert self._link is not None, "dial() comes first"
        return self._link


class PlainAgent:
    """The agent's end; see ``wire.AgentWire``."""

    encoding: Encoding = PCM16_16K

    def __init__(self, headers: Mapping[str, str], handler: Handler) -> None:
        self.headers = headers
        self._handler = handler
        self._sink: Sink | None = None
        self._link: Link | None = None
        self._started = False

    # --- AgentWire ---

    def send(self, audio: bytes) -> None:
        self._open.send_audio(audio)

    def transcript(self, role: str, text: str, final: bool) -> None:
        self._open.send_text(plain_codec.transcript(role, text, final))

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
        self._open.send_text(
            plain_codec.timing(turn, component, attempt, start_s, first_s, end_s, queue_s, status)
        )

    def clear(self) -> None:
        self._open.send_text(plain_codec.CLEAR)

    def end(self, reason: str) -> None:
        self._open.send_text(plain_codec.end(reason))

    def error(self, type_: str, message: str) -> None:
        self._open.send_text(plain_codec.error(type_, message))

    def close(self) -> None:
        self._open.hang_up()

    def abort(self) -> None:
        self._open.abort()

    # --- Receiver ---

    def opened(self, link: Link) -> None:
        self._link = link
        self._sink = self._handler(self)

    def audio(self, data: bytes, arrival_mono_ns: int) -> None:
        if self._started and self._sink is not None:
            self._sink(AudioHeard(data, arrival_mono_ns))
        else:
            self._refuse("audio came before start")

    def text(self, data: bytes, arrival_mono_ns: int) -> None:
        event = plain_codec.from_caller(data, arrival_mono_ns)
        if event is None or self._sink is None:
            return
        if isinstance(event, ErrorHeard) or (isinstance(event, CallStarted) == self._started):
            detail = event.message if isinstance(event, ErrorHeard) else "start comes first, once"
            self._refuse(detail)
        elif isinstance(event, CallStarted) and event.sample_rate != self.encoding.sample_rate:
            self._refuse(f"sample_rate {event.sample_rate} is not {self.encoding.sample_rate}")
        else:
            self._started = True
            self._sink(event)

    def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None:
        if self._started and self._sink is not None:
            self._sink(PongHeard(rtt_ns, arrival_mono_ns))

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None:
        if self._sink is not None:
            self._sink(WireClosed(error_type, detail, arrival_mono_ns))

    def _refuse(self, detail: str) -> None:
        self.error("protocol", detail)
        self._open.hang_up(WSCloseCode.PROTOCOL_ERROR)

    @property
    def _open(self) -> Link:
        assert self._link is not None, "the handler is called with an open link"
        return self._link


_NOT_CONNECTED = ConnectRecord(0, 0, (), "", 0, "tcp", "websocket")


async def open_call(options: Options, sink: Sink) -> PlainCall:
    """Connect to a plain agent; errors as in ``websocket.connect``.

    Raises:
        UsageError: the options have problems.
    """
    _check(options.problems())
    call = PlainCall(options, sink)
    await call.dial()
    return call


async def serve(options: ServeOptions, handler: Handler) -> websocket.Listening:
    """Listen as a plain agent.

    Raises:
        UsageError: the options have problems, or the port is in use.
    """
    _check(options.problems())

    def accept(request: WSUpgradeRequest) -> PlainAgent:
        return PlainAgent({k.lower(): v for k, v in request.headers.items()}, handler)

    listening = websocket.Listening(options, accept)
    await listening.open()
    return listening


def _check(problems: list[str]) -> None:
    if problems:
        raise UsageError("; ".join(problems))
