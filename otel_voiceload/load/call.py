"""One call: a conversation bound to a wire, its place in the frame schedule, and its records.

The conversation decides and knows no sockets, the wire sends and knows no turns; this carries what
the one says to the other. Every way in which it can go wrong ends in one ``CallRecord`` with an
outcome: the target's failures by their class, ours as ``aborted_by_us``, which no figure of the
target's counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import Encoding
from otel_voiceload.callers.actions import (
    Action,
    HangUp,
    Ping,
    SendFrame,
    SpeechEnd,
    TurnFinished,
)
from otel_voiceload.callers.conversation import Conversation
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.errors import TargetRefused, WireError
from otel_voiceload.events import WireEvent
from otel_voiceload.model import (
    CallIdentity,
    CallRecord,
    CallStartRecord,
    ConnectRecord,
    LoadContext,
    MediaStats,
    Record,
)
from otel_voiceload.telemetry.context import headers, traceparent
from otel_voiceload.transports.ticker import FrameTicker, Ticket
from otel_voiceload.transports.wire import CallOptions, Transport, Wire

When = Literal["after_turn", "now"]

_LEFT = HangUp("aborted_by_us", "hang_up", None)  # told to hang up before it was connected


@dataclass(frozen=True, slots=True)
class CallSetup:
    """What all calls of a worker share.

    ``load`` is asked in every frame of every call, so it should only read a value. ``failed`` hears
    of faults of ours; ``speech_hints`` sends the wire's end-of-speech message, off by default since
    no real caller has it.
    """

    transport: Transport
    options: CallOptions
    pack: Callable[[Encoding], ClipPack]
    seed: int
    ticker: FrameTicker
    emit: Callable[[Record], None]
    load: Callable[[], LoadContext]
    failed: Callable[[BaseException], None]
    speech_hints: bool = False
    clock: Callable[[], int] = time.monotonic_ns


class Call:
    """Made when its start is due; ``run`` plays it to its end."""

    def __init__(
        self,
        setup: CallSetup,
        identity: CallIdentity,
        scenario: Scenario,
        scheduled_mono_ns: int,
        on_over: Callable[[Call], None] | None = None,
    ) -> None:
        """``on_over`` hears once that the call is over, before its wire is closed in order."""
        self._setup = setup
        self._on_over = on_over
        self.identity = identity
        self._scenario = scenario
        self._scheduled_mono_ns = scheduled_mono_ns
        self._load = setup.load()
        self._wire: Wire | None = None
        self._conversation: Conversation | None = None
        self._early: list[WireEvent] = []  # heard before the conversation began
        self._ticket: Ticket | None = None
        self._over: asyncio.Future[HangUp] | None = None
        self._asked_to_leave: When | None = None
        self._connecting: asyncio.Task[Wire] | None = None

    @property
    def connecting(self) -> bool:
        return self._connecting is not None and not self._connecting.done()

    async def run(self) -> CallRecord:
        """Play the call; the record has been emitted when this returns. Raises nothing of ours."""
        try:
            return await self._run()
        finally:
            # The wire knows its call and the ticker's ticket too. In a circle they would stay until
            # the garbage collector comes by, thirty kilobytes a call, which is long after freeze().
            self._wire = self._ticket = self._connecting = None

    async def _run(self) -> CallRecord:
        clock = self._setup.clock
        start_mono_ns = clock()
        self._over = asyncio.get_running_loop().create_future()
        if self._asked_to_leave is not None:  # before it even began
            connect = self._unconnected(start_mono_ns, "cancelled")
            return self._finish(start_mono_ns, _LEFT, connect)
        try:
            options = self._options()
            # A task of its own, so that hanging up can cancel it and nothing else.
            self._connecting = asyncio.ensure_future(
                self._setup.transport.open_call(options, self._hear)
            )
            self._wire = wire = await self._connecting
        except asyncio.CancelledError:
            if self._asked_to_leave is None:
                raise
            connect = self._unconnected(start_mono_ns, "cancelled")
            return self._finish(start_mono_ns, _LEFT, connect)
        except WireError as error:
            ended = HangUp(error.outcome, None, error.error_type)
            connect = self._unconnected(start_mono_ns, error.error_type)
            return self._finish(start_mono_ns, ended, connect, detail=str(error))
        except TargetRefused as error:
            ended = HangUp("aborted_by_us", None, "not_allowed")
            connect = self._unconnected(start_mono_ns, "not_allowed")
            return self._finish(start_mono_ns, ended, connect, detail=str(error))
        except Exception as error:
            connect = self._unconnected(start_mono_ns, "internal")
            return self._finish(start_mono_ns, self._internal(error), connect, detail=repr(error))
        return await self._converse(wire, start_mono_ns)

    def hang_up(self, when: When) -> None:
        """End the call: when its turn is answered, or now. A call that still connects never is.

        One that is over has nothing left to end: whoever watches it may ask a moment too late.
        """
        if self._asked_to_leave == "now" or (self._over is not None and self._over.done()):
            return
        self._asked_to_leave = when
        if self._conversation is not None:
            self._guard(self._conversation.hang_up, self._setup.clock(), when)
        elif self._connecting is not None:
            self._connecting.cancel()

    def abort(self) -> None:
        """Cut the connection; for the deadline of the last hang-up."""
        self.hang_up("now")
        if self._wire is not None:
            self._wire.abort()

    # --- the conversation -------------------------------------------------------------------------

    async def _converse(self, wire: Wire, start_mono_ns: int) -> CallRecord:
        setup, over = self._setup, self._over
        assert over is not None
        detail = ""
        try:
            self._begin(wire)
        except Exception as error:
            detail = repr(error)
            self._end(self._internal(error))
        try:
            ended = await over
        except asyncio.CancelledError:
            wire.abort()
            raise
        finally:
            if self._ticket is not None:
                setup.ticker.remove(self._ticket)
        end_mono_ns = setup.clock()
        try:
            media = await wire.close()
        except Exception as error:
            setup.failed(error)
            media = wire.abort()
        return self._finish(
            start_mono_ns, ended, wire.connect, media=media, end_mono_ns=end_mono_ns, detail=detail
        )

    def _begin(self, wire: Wire) -> None:
        setup, call = self._setup, self.identity
        conversation = Conversation(
            call, self._scenario, setup.pack(wire.encoding), setup.seed, wire.encoding
        )
        wire.start(call.call_id, traceparent(call), {})
        now_mono_ns = setup.clock()
        conversation.media_up(now_mono_ns)
        self._conversation = conversation
        setup.emit(CallStartRecord(call, self._load, now_mono_ns))
        early, self._early = self._early, []
        for event in early:
            self._hear(event)
        self._ticket = setup.ticker.add(self._slot)
        if self._asked_to_leave is not None:
            self._act(conversation.hang_up(now_mono_ns, self._asked_to_leave))

    def _hear(self, event: WireEvent) -> None:
        conversation = self._conversation
        if conversation is None:
            self._early.append(event)
            return
        self._setup.ticker.keep_up(event.arrival_mono_ns)
        try:
            actions = conversation.hear(event)
            if actions:
                self._act(actions)
        except Exception as error:
            self._end(self._internal(error))

    def _slot(self, scheduled_mono_ns: int, now_mono_ns: int) -> None:
        conversation, wire = self._conversation, self._wire
        assert conversation is not None
        assert wire is not None
        try:
            actions = conversation.due(scheduled_mono_ns, now_mono_ns, self._setup.load())
            first = actions[0] if len(actions) == 1 else None
            if type(first) is SendFrame:  # nearly always
                wire.send(first.data)
            else:
                self._act(actions)
        except Exception as error:
            self._end(self._internal(error))

    def _guard(self, ask: Callable[..., tuple[Action, ...]], *told: object) -> None:
        """A fault of ours in one call ends that call and no other."""
        try:
            self._act(ask(*told))
        except Exception as error:
            self._end(self._internal(error))

    def _act(self, actions: tuple[Action, ...]) -> None:
        wire = self._wire
        assert wire is not None
        for action in actions:
            match action:
                case SendFrame(data):
                    wire.send(data)
                case TurnFinished(record):
                    self._setup.emit(record)
                case Ping():
                    wire.ping()
                case SpeechEnd():
                    if self._setup.speech_hints:
                        wire.speech_end()
                case HangUp():
                    self._end(action)

    def _end(self, ended: HangUp) -> None:
        if self._ticket is not None:
            self._setup.ticker.remove(self._ticket)
        if self._over is not None and not self._over.done():
            self._over.set_result(ended)
            self._tell_over()

    def _tell_over(self) -> None:
        on_over, self._on_over = self._on_over, None
        if on_over is not None:
            on_over(self)

    def _internal(self, error: Exception) -> HangUp:
        self._setup.failed(error)
        return HangUp("aborted_by_us", None, "internal")

    # --- what is recorded -------------------------------------------------------------------------

    def _finish(
        self,
        start_mono_ns: int,
        ended: HangUp,
        connect: ConnectRecord,
        *,
        media: MediaStats | None = None,
        end_mono_ns: int | None = None,
        detail: str = "",
    ) -> CallRecord:
        self._tell_over()
        talk = self._conversation
        record = CallRecord(
            call=self.identity,
            load=self._load,
            scheduled_mono_ns=self._scheduled_mono_ns,
            start_mono_ns=start_mono_ns,
            end_mono_ns=self._setup.clock() if end_mono_ns is None else end_mono_ns,
            outcome=ended.outcome,
            end_reason=ended.end_reason,
            turn_count=0 if talk is None else talk.turn_count,
            greeting_latency_s=None if talk is None else talk.greeting_latency_s,
            connect=connect,
            media=MediaStats() if media is None else media,
            error_type=ended.error_type,
            detail=detail,
        )
        self._setup.emit(record)
        return record

    def _options(self) -> CallOptions:
        options = self._setup.options
        # The user's own headers win: a gateway may want a traceparent of its own making.
        return replace(options, headers={**headers(self.identity), **options.headers})

    def _unconnected(self, start_mono_ns: int, error_type: str) -> ConnectRecord:
        """What can be said of a connection that never stood."""
        place = urlsplit(self._setup.options.url)
        return ConnectRecord(
            start_mono_ns=start_mono_ns,
            end_mono_ns=self._setup.clock(),
            steps=(),
            server_address=place.hostname or "",
            server_port=place.port or (443 if place.scheme in ("wss", "https") else 80),
            transport="tcp",
            protocol="websocket",
            error_type=error_type,
        )
