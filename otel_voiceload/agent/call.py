"""One call on the agent's side: hear the caller out, have the work done, speak, or give way.

Callbacks only and no clock of its own: every event brings its time, so a whole call is played in a
test without waiting. The caller's speech during work that has not been heard yet means that the
caller was not finished: the work is given up and the turn begun again with all that was said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from otel_voiceload.agent.desk import Desk
from otel_voiceload.agent.ears import Ears, Heard, SpeechEnded, SpeechStarted, speech_s
from otel_voiceload.agent.mischief import Mischief
from otel_voiceload.agent.tracing import CallTrace, Tracing
from otel_voiceload.agent.voice import Understood, Voice
from otel_voiceload.audio.clips import Clip
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.pipeline import (
    AttemptOver,
    AudioReady,
    PipelineEvent,
    TextReady,
    TurnFailed,
    TurnKey,
)
from otel_voiceload.events import AudioHeard, CallStarted, CallStopped, WireClosed, WireEvent
from otel_voiceload.model import NS_PER_S
from otel_voiceload.transports.ticker import FrameTicker, Ticket
from otel_voiceload.transports.wire import AgentWire

GREETING_TURN: Final = -1
_LEAST_SPEECH_S: Final = 0.15  # shorter sounds are clicks and coughs, and get no answer
_GOODBYE_S: Final = 3.0  # silence after the goodbye until the agent hangs up
_HANG_UP_S: Final = 2.0  # from the agent's ``end`` until it cuts the line itself


@dataclass(frozen=True, slots=True)
class Staff:
    """What all calls of a process share."""

    config: AgentConfig
    desk: Desk
    voice: Voice
    recognise: Callable[[bytes], Clip | None]
    ticker: FrameTicker
    tracing: Tracing
    leaked: list[bytes] = field(default_factory=list, repr=False)  # only with that fault


@dataclass(slots=True)
class _Turn:
    """The turn under way: from the caller's end of speech to the end of the reply."""

    key: TurnKey
    speech: SpeechEnded | None = None  # None: the greeting
    understood: Understood | None = None
    attempts: int = 0  # numbers already used by starts that were given up
    endings: int = 0  # how often the caller was taken to have finished


class AgentCall:
    """The sink of one connection."""

    def __init__(self, staff: Staff, wire: AgentWire) -> None:
        self._staff = staff
        self._wire = wire
        self._ears = Ears(wire.encoding, staff.config.endpointing)
        self._mischief: Mischief | None = None
        self._trace: CallTrace | None = None
        self._name = ""
        self._started_ns = 0
        self._next_turn = 0
        self._turn: _Turn | None = None
        self._speaking: Clip | None = None
        self._frame = 0
        self._stop_speaking_ns: int | None = None  # a slow agent's own time to give way
        self._ticket: Ticket | None = None
        self._speech_began_ns: int | None = None
        self._answered_early = False  # the rest of this speech was answered already
        self._struck = False  # a fault struck in this speech; one is enough
        self._goodbye_ns: int | None = None  # since when the last word is said
        self._hang_up_ns: int | None = None
        self._over = False

    def __call__(self, event: WireEvent) -> None:
        if type(event) is AudioHeard:
            if not self._over:
                now_ns = event.arrival_mono_ns
                self._staff.ticker.keep_up(now_ns)
                heard = self._ears.hear(event.data, now_ns)
                if heard:
                    self._hear(heard, now_ns)
                self._look_at_clock(now_ns)
        elif isinstance(event, CallStarted):
            self._start(event)
        elif isinstance(event, (CallStopped, WireClosed)):
            self._finish(event.arrival_mono_ns)

    # --- the call's ends ------------------------------------------------------------------------

    def _start(self, event: CallStarted) -> None:
        staff = self._staff
        self._started_ns = event.arrival_mono_ns
        self._name = staff.desk.enter(event.call_id, self)
        self._mischief = Mischief(staff.config, self._name, staff.leaked)
        traceparent = event.traceparent or self._wire.headers.get("traceparent")
        self._trace = staff.tracing.call(event.call_id, traceparent)
        if staff.config.greeting:
            self._turn = _Turn(TurnKey(self._name, GREETING_TURN))
            staff.desk.begin(event.arrival_mono_ns, self._turn.key, ("tts",))

    def _finish(self, now_ns: int) -> None:
        if self._over:
            return
        self._over = True
        self._be_silent()
        if self._turn is not None:
            self._staff.desk.cancel(now_ns, self._turn.key)
        if self._name:
            self._staff.desk.leave(self._name)

    def _look_at_clock(self, now_ns: int) -> None:
        """Called with each frame: what depends on time going by, not on anything being said."""
        if self._speech_began_ns is not None:
            if self._mischief is not None and self._mischief.strikes_in_speech:
                self._make_mischief(now_ns)
        elif self._goodbye_ns is not None and now_ns - self._goodbye_ns > _GOODBYE_S * NS_PER_S:
            self._end("resolution", now_ns)
        elif self._hang_up_ns is not None and now_ns > self._hang_up_ns:
            self._hang_up_ns = None
            self._wire.close()

    def _end(self, reason: str, now_ns: int) -> None:
        self._goodbye_ns = None
        self._wire.end(reason)
        self._hang_up_ns = now_ns + round(_HANG_UP_S * NS_PER_S)

    # --- the caller -----------------------------------------------------------------------------

    def _hear(self, heard: tuple[Heard, ...], now_ns: int) -> None:
        for event in heard:
            if isinstance(event, SpeechStarted):
                self._caller_began(event, now_ns)
            else:
                self._caller_ended(event, now_ns)

    def _caller_began(self, event: SpeechStarted, now_ns: int) -> None:
        self._speech_began_ns = event.at_ns
        self._answered_early = self._struck = False
        self._goodbye_ns = None
        self._tick(True)
        if self._speaking is not None:
            assert self._mischief is not None
            self._stop_speaking_ns = now_ns + self._mischief.slow_to_stop_ns
            if self._stop_speaking_ns <= now_ns:
                self._give_way(now_ns)
        elif self._turn is not None:
            self._staff.desk.cancel(now_ns, self._turn.key)
            if self._turn.speech is None:
                self._turn = None  # the greeting is not said any more

    def _caller_ended(self, speech: SpeechEnded, now_ns: int) -> None:
        self._speech_began_ns = None
        if self._answered_early:
            self._answered_early = False
            return
        if speech_s(speech) >= _LEAST_SPEECH_S or self._turn is not None:
            self._answer(speech, now_ns)

    def _answer(self, speech: SpeechEnded, now_ns: int) -> None:
        staff, turn = self._staff, self._turn
        if self._speaking is not None:  # still talking: a slow agent, which now has to answer
            self._give_way(now_ns)
            turn = None
        if turn is None:
            turn = _Turn(TurnKey(self._name, self._next_turn), speech)
            self._next_turn += 1
        elif turn.speech is not None:
            speech = SpeechEnded(
                turn.speech.data + speech.data, turn.speech.start_ns, speech.end_ns
            )
            turn.speech = speech
        self._turn = turn
        turn.understood = Understood(staff.recognise(speech.data))
        self._tell_endpointing(turn, speech, now_ns)
        turn.endings += 1
        staff.desk.begin(now_ns, turn.key, first_attempt=turn.attempts)

    def _tell_endpointing(self, turn: _Turn, speech: SpeechEnded, now_ns: int) -> None:
        at_s, end_s = self._since_start(speech.end_ns), self._since_start(now_ns)
        self._wire.timing(turn.key.turn, "endpointing", turn.endings, at_s, end_s, end_s, 0.0, "ok")
        if self._trace is not None:
            self._trace.endpointing(turn.key.turn, turn.endings, speech.end_ns, now_ns)

    # --- the work -------------------------------------------------------------------------------

    def worked(self, event: PipelineEvent) -> None:
        """The desk's news of this call's turns, also of those it gave up."""
        if isinstance(event, AttemptOver):
            self._tell_attempt(event)
            return
        turn = self._turn
        if self._over or turn is None or turn.key != event.key:
            return
        match event:
            case TextReady():
                if turn.understood is not None and turn.understood.clip is not None:
                    self._wire.transcript("caller", turn.understood.clip.text, True)
            case AudioReady():
                self._speak(turn)
            case TurnFailed():
                self._turn = None
                self._wire.error(
                    event.status, f"{event.component} refused to the last retry; no reply"
                )

    def _tell_attempt(self, event: AttemptOver) -> None:
        if self._trace is not None:
            self._trace.attempt(event)
        if self._turn is not None and self._turn.key == event.key:
            self._turn.attempts = max(self._turn.attempts, event.attempt + 1)
        # Turns on the wire count from 0: what the greeting took is only in the spans.
        if not self._over and event.key.turn != GREETING_TURN:
            self._wire.timing(
                event.key.turn,
                event.component,
                event.attempt,
                self._since_start(event.start_ns),
                None if event.first_ns is None else self._since_start(event.first_ns),
                self._since_start(event.end_ns),
                event.queue_ns / NS_PER_S,
                event.status,
            )

    def _since_start(self, at_ns: int) -> float:
        return (at_ns - self._started_ns) / NS_PER_S

    # --- the reply ------------------------------------------------------------------------------

    def _speak(self, turn: _Turn) -> None:
        voice, number = self._staff.voice, turn.key.turn
        assert self._mischief is not None
        if turn.understood is None:
            clip = voice.greeting(self._name)
        elif self._mischief.wrong_reply(number):
            clip = voice.wrong_reply(turn.understood, self._name, number)
        else:
            clip = voice.reply(turn.understood, self._name, number)
        self._say(clip)

    def _say(self, clip: Clip) -> None:
        self._wire.transcript("agent", clip.text, True)
        self._speaking, self._frame = clip, 0
        self._stop_speaking_ns = None
        # The first frame goes at the very moment its audio exists; the rest is paced.
        self._send_frame()
        self._tick(True)

    def _send_frame(self) -> None:
        assert self._speaking is not None
        self._wire.send(self._speaking.frame(self._frame))
        self._frame += 1

    def _paced(self, _scheduled_ns: int, now_ns: int) -> None:
        """Once per 20 ms while either side speaks."""
        clip = self._speaking
        if clip is not None:
            assert self._mischief is not None
            if self._stop_speaking_ns is not None and now_ns >= self._stop_speaking_ns:
                self._give_way(now_ns)
            elif self._frame * 2 >= clip.n_frames and self._mischief.drops(self._next_turn - 1):
                self._wire.abort()
                self._finish(now_ns)
            elif self._frame < clip.n_frames:
                self._send_frame()
            else:
                self._said(now_ns)
        elif self._ears.voiced:
            self._hear(self._ears.nothing_until(now_ns), now_ns)
        else:
            self._tick(False)

    def _said(self, now_ns: int) -> None:
        """The reply is over; what it meant decides whether the agent still listens."""
        turn, clip = self._turn, self._speaking
        self._be_silent()
        self._turn = None
        understood = None if turn is None else turn.understood
        if clip is None or understood is None or understood.clip is None:
            return
        if clip.intent == "transfer":
            self._end("transfer", now_ns)
        elif understood.clip.intent == "thanks":
            self._goodbye_ns = now_ns

    def _give_way(self, now_ns: int) -> None:
        """Stop in the middle: the caller speaks."""
        self._be_silent()
        self._wire.clear()
        if self._turn is not None:
            self._staff.desk.cancel(now_ns, self._turn.key)
            self._turn = None

    def _be_silent(self) -> None:
        self._speaking, self._stop_speaking_ns = None, None
        if not self._ears.voiced or self._over:
            self._tick(False)

    def _tick(self, on: bool) -> None:
        if on and self._ticket is None:
            self._ticket = self._staff.ticker.add(self._paced)
        elif not on and self._ticket is not None:
            self._staff.ticker.remove(self._ticket)
            self._ticket = None

    # --- mischief -------------------------------------------------------------------------------

    def _make_mischief(self, now_ns: int) -> None:
        """Faults that strike while the caller speaks."""
        assert self._mischief is not None
        assert self._speech_began_ns is not None
        if self._struck or self._speaking is not None or self._turn is not None:
            return
        spoken_ns = now_ns - self._speech_began_ns
        if self._mischief.endpoints_falsely(self._next_turn, spoken_ns):
            self._answered_early = self._struck = True
            self._answer(self._ears.speech_so_far(), now_ns)
        elif self._mischief.talks_over(self._next_turn, spoken_ns):
            self._struck = True
            self._say(self._staff.voice.reply(Understood(None), self._name, self._next_turn))
