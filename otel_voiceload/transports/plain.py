"""The plain wire: PCM16 at 16 kHz in binary messages, JSON in text messages, over a WebSocket.

It exists so that anyone's agent can be tested after thirty lines of work. Both ends speak through
one codec, so that the reference agent and a stranger's hear the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.conventions import Component
from otel_voiceload.events import (
    AudioHeard,
    ClearHeard,
    EndHeard,
    ErrorHeard,
    TimingHeard,
    TranscriptHeard,
)
from otel_voiceload.transports import plain_codec, websocket
from otel_voiceload.transports.ends import AgentEnd, CallerEnd, dialled, listen
from otel_voiceload.transports.link import Link
from otel_voiceload.transports.wire import CallOptions, Handler, ServeOptions, Sink

Options = CallOptions
ENCODING = PCM16_16K
TELLS = frozenset({TranscriptHeard, TimingHeard, ClearHeard, EndHeard, ErrorHeard})


class PlainCall(CallerEnd):
    """The caller's end; see ``wire.Wire``."""

    encoding = ENCODING
    # The link's own method, from ``opened`` on: one step less, fifty times a second and call.
    send: Callable[[bytes], None]

    def start(self, call_id: str, traceparent: str | None, params: Mapping[str, str]) -> None:
        merged = {**self._options.params, **params}
        self._link.send_text(
            plain_codec.start(call_id, traceparent, self.encoding.sample_rate, merged)
        )

    def opened(self, link: Link) -> None:
        super().opened(link)
        self.send = link.send_audio

    def speech_end(self) -> None:
        self._link.send_text(plain_codec.SPEECH_END)

    def stop_message(self) -> bytes:
        return plain_codec.STOP

    def audio(self, data: bytes, arrival_mono_ns: int) -> None:
        self._sink(AudioHeard(data, arrival_mono_ns))

    def text(self, data: bytes, arrival_mono_ns: int) -> None:
        event = plain_codec.from_agent(data, arrival_mono_ns)
        if event is not None:
            self._sink(event)


class PlainAgent(AgentEnd):
    """The agent's end; see ``wire.AgentWire``."""

    encoding = ENCODING
    send: Callable[[bytes], None]  # as at the caller's end

    def opened(self, link: Link) -> None:
        self.send = link.send_audio
        super().opened(link)

    def transcript(self, role: str, text: str, final: bool) -> None:
        self._link.send_text(plain_codec.transcript(role, text, final))

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
        self._link.send_text(
            plain_codec.timing(turn, component, attempt, start_s, first_s, end_s, queue_s, status)
        )

    def clear(self) -> None:
        self._link.send_text(plain_codec.CLEAR)

    def end(self, reason: str) -> None:
        self._link.send_text(plain_codec.end(reason))

    def error(self, type_: str, message: str) -> None:
        self._link.send_text(plain_codec.error(type_, message))

    def audio(self, data: bytes, arrival_mono_ns: int) -> None:
        if self._started and self._sink is not None:
            self._sink(AudioHeard(data, arrival_mono_ns))
        else:
            self.take(AudioHeard(data, arrival_mono_ns))

    def text(self, data: bytes, arrival_mono_ns: int) -> None:
        self.take(plain_codec.from_caller(data, arrival_mono_ns))


async def open_call(options: Options, sink: Sink) -> PlainCall:
    """Connect to a plain agent; errors as in ``websocket.connect``.

    Raises:
        UsageError: the options have problems.
    """
    return await dialled(PlainCall(options, sink))


async def serve(options: ServeOptions, handler: Handler) -> websocket.Listening:
    """Listen as a plain agent.

    Raises:
        UsageError: the options have problems, or the port is in use.
    """
    return await listen(options, lambda headers: PlainAgent(headers, handler))
