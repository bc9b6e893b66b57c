"""Twilio Media Streams: G.711 mu-law at 8 kHz as base64 in JSON messages, over a WebSocket.

The caller's end is Twilio's: it plays an agent's audio at the pace of real time, gives back each
``mark`` when what was sent before it has been heard, and drops the rest on ``clear``. No Twilio
account is involved: an agent that serves such a stream is called as Twilio would call it. The wire
has neither transcripts nor timings nor a word for the end of a call: an agent ends it by closing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from otel_voiceload.audio.encoding import MULAW_8K
from otel_voiceload.conventions import Component
from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    ClearHeard,
    EndHeard,
    ErrorHeard,
    MarkHeard,
)
from otel_voiceload.transports import twilio_codec, websocket
from otel_voiceload.transports.ends import AgentEnd, CallerEnd, dialled, listen
from otel_voiceload.transports.playout import Playout
from otel_voiceload.transports.twilio_codec import AgentStream, CallerStream
from otel_voiceload.transports.wire import CallOptions, Handler, ServeOptions, Sink

ENCODING = MULAW_8K
TELLS = frozenset({ClearHeard})


@dataclass(frozen=True, slots=True)
class Options(CallOptions):
    """``params`` become the stream's customParameters, beside ``traceparent``."""

    def problems(self) -> list[str]:
        found = CallOptions.problems(self)
        if urlsplit(self.url).scheme not in ("ws", "wss"):
            found.append(f"{self.place} is no WebSocket; write twilio+ws:// or twilio+wss://")
        return found


class TwilioCall(CallerEnd):
    """The caller's end; see ``wire.Wire``."""

    encoding = ENCODING

    def __init__(
        self, options: Options, sink: Sink, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        super().__init__(options, sink)
        self._clock = clock
        self._playout = Playout(ENCODING)
        self._stream = CallerStream("")

    def start(self, call_id: str, traceparent: str | None, params: Mapping[str, str]) -> None:
        self._stream = CallerStream(call_id)
        merged = {**self._options.params, **params}
        for message in self._stream.opening(traceparent, merged):
            self._link.send_text(message)

    def send(self, frame: bytes) -> None:
        self._link.send_text(self._stream.media(frame), len(frame))
        # Looked at with each frame: a timer per mark would cost more, and be no better heard.
        if self._playout.waiting:
            self._give_back(self._playout.played(self._clock()))

    def dtmf(self, digit: str) -> None:
        """Press a key of the telephone."""
        self._link.send_text(self._stream.dtmf(digit))

    def speech_end(self) -> None:
        pass  # a telephone tells nobody

    def stop_message(self) -> bytes:
        return self._stream.stop()

    def audio(self, data: bytes, arrival_mono_ns: int) -> None:
        what = f"{len(data)} bytes came in a binary message; this wire has text messages only"
        self._sink(ErrorHeard("protocol", what, arrival_mono_ns))

    def text(self, data: bytes, arrival_mono_ns: int) -> None:
        event = twilio_codec.from_agent(data, self._stream.sid, arrival_mono_ns)
        if type(event) is AudioHeard:
            self._link.count_audio(len(event.data), arrival_mono_ns)
            self._playout.heard(len(event.data), arrival_mono_ns)
            self._sink(event)
        elif isinstance(event, MarkHeard):
            self._playout.mark(event.name, arrival_mono_ns)
            self._give_back(self._playout.played(arrival_mono_ns))
        elif isinstance(event, ClearHeard):
            self._give_back(self._playout.clear(arrival_mono_ns))
            self._sink(event)
        elif event is not None:
            self._sink(event)

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None:
        if error_type is None and not self._leaving:
            self._sink(EndHeard("hang_up", arrival_mono_ns))
        super().closed(error_type, detail, arrival_mono_ns)

    def _give_back(self, marks: list[str]) -> None:
        for name in marks:
            self._link.send_text(self._stream.mark(name))


class TwilioAgent(AgentEnd):
    """The agent's end; see ``wire.AgentWire``. What this wire can not say is left unsaid."""

    encoding = ENCODING

    def __init__(self, headers: Mapping[str, str], handler: Handler) -> None:
        super().__init__(headers, handler)
        self._stream = AgentStream("")

    def send(self, audio: bytes) -> None:
        self._link.send_text(self._stream.media(audio), len(audio))

    def mark(self, name: str) -> None:
        """Ask for ``MarkHeard`` once the caller has heard all that was sent so far."""
        self._link.send_text(self._stream.mark(name))

    def transcript(self, role: str, text: str, final: bool) -> None:
        pass

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
        pass

    def clear(self) -> None:
        self._link.send_text(self._stream.clear)

    def end(self, reason: str) -> None:
        """Closes the stream, since there is no other way to say it; the reason is lost."""
        self._link.hang_up()

    def error(self, type_: str, message: str) -> None:
        pass

    def audio(self, data: bytes, arrival_mono_ns: int) -> None:
        what = f"{len(data)} bytes came in a binary message; this wire has text messages only"
        self.take(ErrorHeard("protocol", what, arrival_mono_ns))

    def text(self, data: bytes, arrival_mono_ns: int) -> None:
        event = twilio_codec.from_caller(data, arrival_mono_ns)
        if type(event) is AudioHeard:
            self._link.count_audio(len(event.data), arrival_mono_ns)
        elif isinstance(event, CallStarted) and not self._started:
            self._stream = AgentStream(twilio_codec.stream_sid_of(data))
        self.take(event)


async def open_call(options: Options, sink: Sink) -> TwilioCall:
    """Call an agent that serves a Media Stream; errors as in ``websocket.connect``.

    Raises:
        UsageError: the options have problems.
    """
    return await dialled(TwilioCall(options, sink))


async def serve(options: ServeOptions, handler: Handler) -> websocket.Listening:
    """Listen as an agent that Twilio would connect a call to.

    Raises:
        UsageError: the options have problems, or the port is in use.
    """
    return await listen(options, lambda headers: TwilioAgent(headers, handler))
