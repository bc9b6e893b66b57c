"""A link: one open WebSocket, at either end.

Built on picows, whose per-frame cost is close to that of the system calls alone: no compression, no
proxy, no redirects. What picows leaves to its user is here: fragments, message limits, the closing
handshake with a bound on its time, and an error type for every way a connection can go away.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from array import array
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from otel_voiceload.model import NS_PER_S, MediaStats
from otel_voiceload.transports.network_delay import Lane, NetworkDelay
from otel_voiceload.transports.sockets import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
)
from otel_voiceload.transports.wire import CLOSE_GRACE_S, Traffic

MAX_MESSAGE_BYTES: Final = 1 << 20
# A peer may send ahead of real time, whole replies at once, but not without end: nothing else would
# run in this process. Four minutes of PCM16 in one go, and then sixteen times its 32 kB/s.
_BURST_BYTES: Final = 8 << 20
_BYTES_PER_S: Final = 512 << 10
_MESSAGE_COST: Final = 256  # so that a flood of tiny messages counts too
_UNREAD_BYTES: Final = 8 << 20  # a peer that reads nothing for minutes is gone
_CADENCE_GAP_NS: Final = 500_000_000  # a longer pause is the agent's silence, not its cadence
_GAPS_KEPT: Final = 1024  # twenty seconds of a voice
_PINGS_KEPT: Final = 16

_BINARY: Final = WSMsgType.BINARY
_TEXT: Final = WSMsgType.TEXT
_DATA: Final = (_BINARY, _TEXT)

_CLOSE_ERRORS: Final = {
    1001: "going_away",
    1002: "protocol_error",
    1003: "unsupported_data",
    1007: "protocol_error",
    1008: "policy_violation",
    1009: "message_too_big",
    1011: "agent_error",
    1012: "service_restart",
    1013: "busy",
}

# picows logs each peer's misbehaviour as an error of ours; here it is an event of its call.
QUIET_LOG: Final = logging.Logger("otel_voiceload.picows", logging.CRITICAL)
QUIET_LOG.addHandler(logging.NullHandler())


class Receiver(Protocol):
    """Who hears what a link receives."""

    def opened(self, link: Link) -> None: ...

    def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def text(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None: ...

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None: ...


class _Nobody:
    def opened(self, link: Link) -> None: ...

    def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def text(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def pong(self, rtt_ns: int, arrival_mono_ns: int) -> None: ...

    def closed(self, error_type: str | None, detail: str, arrival_mono_ns: int) -> None: ...


_NOBODY: Final = _Nobody()


class Link(WSListener):
    """Sends at once, receives into a ``Receiver``; with a ``NetworkDelay`` both are held back."""

    def __init__(
        self,
        receiver: Receiver,
        delay: NetworkDelay | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        traffic: Traffic | None = None,
    ) -> None:
        self._receiver: Receiver = receiver
        self._traffic = Traffic() if traffic is None else traffic
        self._clock = clock
        self._inward: Lane | None = delay.lane() if delay else None
        self._outward: Lane | None = delay.lane() if delay else None
        self._transport: WSTransport | None = None
        self._send: Callable[[WSMsgType, bytes], None] | None = None  # while anything may be sent
        self.gone = asyncio.get_running_loop().create_future()
        self._hanging_up = False
        self._cut: asyncio.TimerHandle | None = None  # the end of an orderly close's grace
        self._error: tuple[str, str] | None = None  # our own reason to cut the connection
        self._writing_paused = False
        self._parts: list[bytes] = []  # of a message that arrives in fragments
        self._parts_kind = _BINARY
        self._parts_bytes = 0
        self._budget = _BURST_BYTES
        self._budget_mono_ns = clock()
        self._pings: dict[bytes, int] = {}
        self._rtts_ns: deque[int] = deque(maxlen=256)
        self._gaps_ns = array("I")  # a ring; as a deque of integers it was a third of a call
        self._next_gap = 0
        self._last_audio_mono_ns = 0
        self._bytes_sent = self._bytes_received = 0
        self._messages_sent = self._messages_received = 0

    # --- sending ---

    def send_audio(self, data: bytes) -> None:
        n_bytes = len(data)
        self._bytes_sent += n_bytes
        self._traffic.sent += n_bytes
        self._messages_sent += 1
        if self._outward is not None:
            self._outward.put(self._write, _BINARY, data)
        elif self._send is not None and not self._writing_paused:  # nearly always
            self._send(_BINARY, data)
        else:
            self._write(_BINARY, data)

    def send_text(self, data: bytes, audio_bytes: int = 0) -> None:
        """``audio_bytes``: how much sound the text carries, on wires that write sound as text."""
        self._bytes_sent += audio_bytes
        self._traffic.sent += len(data)
        self._messages_sent += 1
        if self._outward is None:
            self._write(_TEXT, data)
        else:
            self._outward.put(self._write, _TEXT, data)

    def ping(self) -> None:
        if self._transport is None or self._hanging_up:
            return
        now = self._clock()
        payload = now.to_bytes(8, "big")
        if len(self._pings) >= _PINGS_KEPT:
            del self._pings[next(iter(self._pings))]
        self._pings[payload] = now
        self._transport.send_ping(payload)

    def hang_up(self, code: WSCloseCode = WSCloseCode.OK) -> None:
        """Close in order: what was sent before goes first; cut after the grace time."""
        if self._outward is None:
            self._close_handshake(code)
        else:
            self._outward.put(self._close_handshake, code)

    def abort(self, error: tuple[str, str] | None = None) -> None:
        """Cut at once. ``error`` is what the receiver is told, else that we closed it."""
        self._send = None
        if error is None:
            self._hanging_up = True
        elif self._error is None:
            self._error = error
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.disconnect(graceful=False)

    def _write(self, kind: WSMsgType, data: bytes) -> None:
        transport, send = self._transport, self._send
        if transport is None or send is None:
            return
        send(kind, data)
        if (
            self._writing_paused
            and transport.underlying_transport.get_write_buffer_size() > _UNREAD_BYTES
        ):
            self.abort(("not_reading", "the peer stopped reading what it was sent"))

    def _close_handshake(self, code: WSCloseCode) -> None:
        transport = self._transport
        if transport is None or self._hanging_up or transport.is_disconnected:
            return
        self._hanging_up = True
        self._send = None
        transport.send_close(code)
        self._cut_later()

    def _cut_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._cut = self._cut or loop.call_later(CLOSE_GRACE_S, self.abort)

    # --- what picows calls ---

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport, self._send = transport, transport.send
        try:
            self._receiver.opened(self)
        except Exception as failure:
            self._failed(failure)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if transport.is_close_frame_sent and not self._hanging_up:
            return  # picows found the stream broken, and reads on for a moment
        kind = frame.msg_type  # one look: each makes the name anew, in half a microsecond
        data = frame.get_payload_as_bytes()
        n_bytes = len(data)
        self._traffic.received += n_bytes
        self._budget -= n_bytes + _MESSAGE_COST
        if self._budget < 0 and self._flooded():
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._broken("a frame has reserved bits set; no extension was agreed on")
        elif kind in _DATA:
            if self._parts_bytes:
                self._broken("a message began inside another one")
            elif not frame.fin:
                self._parts_kind = kind
                self._part(data, last=False)
            elif kind == _BINARY and self._inward is None:  # nearly always
                self._audio(data)
            else:
                self._message(kind, data)
        elif kind == WSMsgType.CONTINUATION:
            if self._parts_bytes:
                self._part(data, last=frame.fin)
            else:
                self._broken("a fragment continues no message")
        elif kind == WSMsgType.PONG:
            self._held(self._pong, data)
        elif kind == WSMsgType.PING:  # only without picows' own answer: on a simulated network
            self._held(self._answer_ping, data)
        elif kind == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            self._cut_later()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._send = None
        if self._cut is not None:
            self._cut.cancel()
        if not self.gone.done():
            self.gone.set_result(None)
        self._held(self._closed, *self._why_gone(transport))

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        # picows' keepalive pings are empty, ours are stamped; each answer goes to its asker.
        return frame.msg_type == WSMsgType.PONG and frame.payload_size == 0

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False

    # --- receiving ---

    def _held(self, call: Callable[..., None], *args: object) -> None:
        if self._inward is None:
            call(*args)
        else:
            self._inward.put(call, *args)

    def _message(self, kind: WSMsgType, data: bytes) -> None:
        deliver = self._audio if kind == _BINARY else self._text
        if self._inward is None:
            deliver(data)
        else:
            self._inward.put(deliver, data)

    def _part(self, data: bytes, last: bool) -> None:
        # An empty fragment counts one byte, so that the count says whether a message is open.
        self._parts.append(data)
        self._parts_bytes += max(1, len(data))
        if self._parts_bytes > MAX_MESSAGE_BYTES:
            self.abort(("message_too_big", f"a message is over {MAX_MESSAGE_BYTES} bytes"))
        elif last:
            whole = b"".join(self._parts)
            self._parts, self._parts_bytes = [], 0
            self._message(self._parts_kind, whole)

    def _audio(self, data: bytes) -> None:
        now = self._clock()
        self.count_audio(len(data), now)
        self._messages_received += 1
        try:
            self._receiver.audio(data, now)
        except Exception as failure:
            self._failed(failure)

    def count_audio(self, n_bytes: int, arrival_mono_ns: int) -> None:
        """Sound has arrived; receivers that find it in a text say so themselves."""
        gap = arrival_mono_ns - self._last_audio_mono_ns
        self._last_audio_mono_ns = arrival_mono_ns
        if gap < _CADENCE_GAP_NS:
            if len(self._gaps_ns) < _GAPS_KEPT:
                self._gaps_ns.append(gap)
            else:
                self._gaps_ns[self._next_gap] = gap
                self._next_gap = (self._next_gap + 1) % _GAPS_KEPT
        self._bytes_received += n_bytes

    def _text(self, data: bytes) -> None:
        self._messages_received += 1
        try:
            self._receiver.text(data, self._clock())
        except Exception as failure:
            self._failed(failure)

    def _pong(self, data: bytes) -> None:
        sent_mono_ns = self._pings.pop(data, None)
        if sent_mono_ns is None:
            return
        now = self._clock()
        self._rtts_ns.append(now - sent_mono_ns)
        try:
            self._receiver.pong(now - sent_mono_ns, now)
        except Exception as failure:
            self._failed(failure)

    def _answer_ping(self, data: bytes) -> None:
        if self._outward is not None and self._transport is not None:
            self._outward.put(self._transport.send_pong, data)

    def _closed(self, error_type: str | None, detail: str) -> None:
        self._receiver.closed(error_type, detail, self._clock())
        # Nothing follows, and whoever listened holds this link: apart, both go at once.
        self._receiver, self._transport = _NOBODY, None

    # --- the ways to end ---

    def _flooded(self) -> bool:
        """Refill the budget by the time that passed; cut the peer that has used it up."""
        now = self._clock()
        self._budget += (now - self._budget_mono_ns) * _BYTES_PER_S // NS_PER_S
        self._budget_mono_ns = now
        if self._budget >= 0:
            return False
        self.abort(("flooding", "the peer sends without end, far faster than speech"))
        return True

    def _broken(self, detail: str) -> None:
        self.abort(("protocol_error", detail))

    def _failed(self, failure: Exception) -> None:
        # A bug in whoever listens. It must be seen, and must cost this call only.
        self.abort(("internal", f"{type(failure).__name__} while handling a message"))
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a wire's listener failed; its call was cut", "exception": failure}
        )

    def _why_gone(self, transport: WSTransport) -> tuple[str | None, str]:
        if self._error is not None:
            return self._error
        handshake = transport.close_handshake
        if self._hanging_up:
            return None, "closed by us"
        if handshake is not None and handshake.recv is not None:
            code = int(handshake.recv.code)  # type: ignore[call-overload]  # an IntEnum, in truth
            reason = handshake.recv.reason or ""
            if code in (0, 1000, 1005):
                return None, reason or "closed by the peer"
            return _CLOSE_ERRORS.get(code, f"close_{code}"), reason or f"close code {code}"
        if handshake is not None and handshake.sent is not None:  # picows itself gave up
            code = int(handshake.sent.code)  # type: ignore[call-overload]
            if code == WSCloseCode.GOING_AWAY:
                return "ping_timeout", "the peer stopped answering pings"
            return _CLOSE_ERRORS.get(code, "protocol_error"), handshake.sent.reason or ""
        return "connection_lost", "the connection went away without a closing message"

    def stats(self) -> MediaStats:
        rtts, gaps = self._rtts_ns, self._gaps_ns
        return MediaStats(
            bytes_sent=self._bytes_sent,
            bytes_received=self._bytes_received,
            messages_sent=self._messages_sent,
            messages_received=self._messages_received,
            rtt_s=statistics.median(rtts) / NS_PER_S if rtts else None,
            cadence_s=statistics.median(gaps) / NS_PER_S if gaps else None,
        )
