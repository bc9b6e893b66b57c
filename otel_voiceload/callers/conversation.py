"""A conversation: one call from the caller's side, as a state machine that is told the time.

    new -> greeting -> thinking -> speaking -> listening -> thinking -> ... -> over
                                       any state -> ending -> over

``hear`` takes what arrived, ``due`` is called once per 20 ms slot; both return what to do. There is
no task, no timer and no await, so a whole call is a table test, and thousands of calls share one
loop. What the caller says next is decided at the last moment, when its think time is over: the
agent's transcript often comes after its voice.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, Literal

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.detector import Event, Onset
from otel_voiceload.audio.encoding import FRAME_NS, Encoding
from otel_voiceload.callers.actions import (
    Action,
    HangUp,
    Ping,
    SendFrame,
    SpeechEnd,
    TurnFinished,
)
from otel_voiceload.callers.brain import Brain, Hangup, Heard, Say
from otel_voiceload.callers.hearing import Hearing
from otel_voiceload.callers.scenario import Scenario
from otel_voiceload.callers.speech import Speaking, said_by_nobody
from otel_voiceload.callers.turns import AgentClock, OpenTurn
from otel_voiceload.conventions import END_REASONS
from otel_voiceload.events import (
    AudioHeard,
    ClearHeard,
    EndHeard,
    ErrorHeard,
    PongHeard,
    TimingHeard,
    TranscriptHeard,
    WireClosed,
    WireEvent,
)
from otel_voiceload.model import NS_PER_S, CallIdentity, LoadContext

_NEVER: Final = 1 << 62


class _State(Enum):
    NEW = auto()  # the wire is being set up
    GREETING = auto()  # the agent may speak first
    THINKING = auto()  # the reply is over, the next word is due at _wake_ns
    SPEAKING = auto()
    LISTENING = auto()  # from the caller's last word to the end of the reply
    ENDING = auto()  # the agent said that the call is over; its last words still play
    OVER = auto()


class Conversation:
    """One call. Read ``outcome`` and its companions once a ``HangUp`` was returned."""

    def __init__(
        self,
        call: CallIdentity,
        scenario: Scenario,
        pack: ClipPack,
        seed: int,
        encoding: Encoding,
    ) -> None:
        """Raises ConfigError when the pack has no clip for the scenario's first words."""
        self.outcome: str | None = None
        self.end_reason: str | None = None
        self.error_type: str | None = None
        self.greeting_latency_s: float | None = None
        self.turn_count = 0  # turns begun
        self._call = call
        self._scenario = scenario
        self._brain = Brain(scenario, pack, seed, call.call_index)
        self._hearing = Hearing(encoding, scenario.reply_end_silence)
        self._state = _State.NEW
        self._wake_ns = _NEVER  # when the state wants to act; never after the call's deadline
        self._call_deadline_ns = _NEVER
        self._clock = AgentClock()
        self._schedule_ns = 0  # when the turn's speech was to begin
        self._speaking: Speaking | None = None
        self._turn: OpenTurn | None = None
        self._previous: OpenTurn | None = None  # waits for late timings
        self._frames = 0
        self._idle = said_by_nobody(pack)
        self._media = False  # from ``media_up`` to the end of the call
        self._out: list[Action] = []
        self._any_voice = False
        self._leaving = False
        self._end: EndHeard | None = None
        self._last_error: str | None = None

    # --- what the load room calls -----------------------------------------------------------------

    def media_up(self, now_mono_ns: int) -> None:
        """The wire is open and ``start`` was just sent."""
        self._media = True
        self._clock.start_sent_mono_ns = now_mono_ns
        self._call_deadline_ns = now_mono_ns + _ns(self._scenario.call_deadline)
        self._go(_State.GREETING, now_mono_ns + _ns(self._scenario.greeting.wait_s))

    def due(
        self, scheduled_mono_ns: int, now_mono_ns: int, load: LoadContext
    ) -> tuple[Action, ...]:
        """A 20 ms slot; nothing is sent before ``media_up`` and after the call is over."""
        if not self._media:
            return ()
        if now_mono_ns >= self._hearing.due_ns:
            self._notice(self._hearing.advance(now_mono_ns), now_mono_ns)
        if now_mono_ns >= self._wake_ns:
            self._wake(scheduled_mono_ns, now_mono_ns, load)
        speaking = self._speaking
        if speaking is not None:
            if speaking.in_mid_speech and not self._out:
                return (SendFrame(speaking.take(now_mono_ns)),)
            self._speak(speaking, now_mono_ns)
        elif self._media:
            self._frames += 1
            idle = self._idle[self._frames % len(self._idle)]
            if not self._out:
                return idle  # made once for all calls: most frames of a call are these
            self._out += idle
        return self._take_out()

    def hear(self, event: WireEvent) -> tuple[Action, ...]:
        """Something arrived."""
        if self.outcome is not None:
            return ()
        if type(event) is AudioHeard:
            turn = self._turn
            if (
                turn is not None
                and turn.first_byte_mono_ns is None
                and turn.speech_end_mono_ns is not None
            ):
                turn.first_byte_mono_ns = event.arrival_mono_ns
            voice = self._hearing.hear(event.data, event.arrival_mono_ns)
            if voice:
                self._notice(voice, event.arrival_mono_ns)
                return self._take_out()
            return ()
        self._hear_message(event)
        return self._take_out()

    def hang_up(
        self, now_mono_ns: int, when: Literal["after_turn", "now"] = "after_turn"
    ) -> tuple[Action, ...]:
        """Our own end of the call; "after_turn" lets a turn that has begun be answered."""
        if self.outcome is None:
            self._leaving = True
            busy = self._state in (_State.SPEAKING, _State.LISTENING, _State.ENDING)
            if when == "now" or not busy:
                self._finish(now_mono_ns, "aborted_by_us", "hang_up", None)
        return self._take_out()

    # --- messages ---------------------------------------------------------------------------------

    def _hear_message(self, event: WireEvent) -> None:
        match event:
            case TranscriptHeard(role="agent"):
                self._read(event)
            case TimingHeard():
                self._place(event)
            case PongHeard():
                self._clock.pong(event.rtt_ns)
            case ClearHeard(arrival_mono_ns=now):
                self._notice(self._hearing.clear(now), now)
            case ErrorHeard():
                self._last_error = event.type
                if self._turn is not None and self._turn.error_type is None:
                    self._turn.error_type = event.type
            case EndHeard(arrival_mono_ns=now):
                self._end = event
                self._speaking = None
                self._go(_State.ENDING, max(now, self._hearing.playing_until_ns))
            case WireClosed(arrival_mono_ns=now):
                self._closed(event, now)
            case _:
                pass  # what only the agent's end can hear

    def _read(self, event: TranscriptHeard) -> None:
        turn = self._turn
        if self._state is _State.SPEAKING and turn is not None and not turn.interrupted:
            turn = self._previous  # the text of a reply often follows its voice
        if turn is not None:
            turn.add_transcript(event)

    def _place(self, event: TimingHeard) -> None:
        settled = self._clock.settled_mono_ns(event)
        for turn in (self._turn, self._previous):
            if turn is not None and settled >= turn.begun_mono_ns:
                turn.timings.append(event)
                return

    def _closed(self, event: WireClosed, now: int) -> None:
        self._notice(self._hearing.drain(), now)
        if self.outcome is not None:
            return
        if event.error_type == "internal":  # a fault of ours
            self._finish(now, "aborted_by_us", None, event.error_type)
        elif self._end is not None:
            self._finish_as_told(now)
        else:
            why = event.error_type or self._last_error or "closed_by_agent"
            self._finish(now, "dropped", None, why)

    # --- the agent's voice ------------------------------------------------------------------------

    def _notice(self, voice: tuple[Event, ...], now: int) -> None:
        for event in voice:
            if isinstance(event, Onset):
                self._voice_began(event, now)
            else:
                self._voice_ended(event.at_ns, now)

    def _voice_began(self, onset: Onset, now: int) -> None:
        self._any_voice = True
        turn = self._turn
        if self._state is _State.SPEAKING and turn is not None:
            turn.interrupted = True
            turn.cut_in = onset
            return
        if turn is None:
            if self.greeting_latency_s is None:
                self.greeting_latency_s = (onset.at_ns - self._clock.start_sent_mono_ns) / NS_PER_S
            back_to = _State.GREETING
        else:
            if turn.answer is None:
                turn.answer = onset
                turn.interrupted |= onset.at_ns < (turn.speech_end_mono_ns or now)
            back_to = _State.LISTENING
        if self._state is not _State.ENDING:  # also from thinking: the agent had more to say
            self._go(back_to, onset.at_ns + _ns(self._scenario.turn_deadline))

    def _voice_ended(self, at_ns: int, now: int) -> None:
        turn = self._turn
        if turn is not None:
            if self._state is _State.SPEAKING:
                turn.cut_in = None
                return
            if turn.answer is None or at_ns <= (turn.speech_end_mono_ns or now):
                # It was over before the caller was: no answer, only an interruption.
                turn.answer = None
                if self._state is _State.LISTENING:
                    self._await_answer(turn)
                return
            self._reply_heard_until(turn, turn.answer, at_ns)
        if self._state in (_State.LISTENING, _State.GREETING):
            if self._leaving:
                self._finish(now, "aborted_by_us", "hang_up", None)
            else:
                # Not before now: whoever has not yet heard that the reply is over does not speak.
                self._schedule_ns = max(at_ns + _ns(self._brain.think_s()), now)
                self._go(_State.THINKING, self._schedule_ns)

    def _reply_heard_until(self, turn: OpenTurn, answer: Onset, at_ns: int) -> None:
        turn.last_audio_mono_ns = at_ns
        turn.audio_gap_s += self._hearing.take_gap_s(answer.at_ns, at_ns)

    # --- time -------------------------------------------------------------------------------------

    def _wake(self, scheduled: int, now: int, load: LoadContext) -> None:
        if now >= self._call_deadline_ns:
            self._finish(now, "timed_out", "hang_up", "call_deadline")
        elif self._state is _State.ENDING:
            if self._hearing.voiced:
                self._go(_State.ENDING, now + FRAME_NS)
            else:
                self._finish_as_told(now)
        elif self._state is _State.LISTENING and self._turn and self._turn.answer is None:
            self._lose_patience(self._turn, scheduled, now, load)
        elif self._hearing.voiced:  # a greeting or a reply without end
            self._finish(now, "timed_out", "hang_up", "turn_deadline")
        else:
            if self._state is _State.GREETING:  # nobody spoke first
                self._schedule_ns = self._wake_ns
            self._decide(scheduled, now, load, self._heard())

    def _lose_patience(self, turn: OpenTurn, scheduled: int, now: int, load: LoadContext) -> None:
        turn.unanswered = True
        if self._brain.has_words_for_silence and not self._leaving:
            self._schedule_ns = self._wake_ns
            self._decide(scheduled, now, load, Heard("", False, silence_s=turn.deadline_s))
        elif self._any_voice:
            self._finish(now, "abandoned", "hang_up", "no_response")
        else:
            self._finish(now, "silent_agent", "hang_up", "no_voice")

    def _decide(self, scheduled: int, now: int, load: LoadContext, heard: Heard | None) -> None:
        decision = self._brain.first() if heard is None else self._brain.next(heard)
        match decision:
            case Hangup(end_reason=reason):
                self._finish(now, _natural(reason), reason, None)
            case Say(clip=clip):
                turn = OpenTurn(self.turn_count, clip.clip_id, load, now, self._brain.patience_s)
                # Slots come every 20 ms; the one to keep was the first at or after the schedule.
                early = scheduled - self._schedule_ns
                kept = scheduled - early // FRAME_NS * FRAME_NS if early > 0 else self._schedule_ns
                turn.send_delay_s = max(0, now - kept) / NS_PER_S
                self.turn_count += 1
                if self._previous is not None:
                    self._emit(self._previous, now)
                self._previous, self._turn = self._turn, turn
                self._speaking = Speaking(clip)
                self._out.append(Ping())
                self._go(_State.SPEAKING, _NEVER)

    def _heard(self) -> Heard | None:
        turn = self._turn
        return None if turn is None else Heard(turn.heard_text, reply_s=turn.reply_s)

    def _speak(self, speaking: Speaking, now: int) -> None:
        turn = self._turn
        assert turn is not None
        self._out.append(SendFrame(speaking.take(now)))
        turn.speech_start_mono_ns = speaking.start_mono_ns
        if speaking.end_mono_ns is not None and turn.speech_end_mono_ns is None:
            turn.speech_end_mono_ns = speaking.end_mono_ns
            self._out.append(SpeechEnd())
            if self._previous is not None:
                self._emit(self._previous, now)
                self._previous = None
            if turn.cut_in is not None:  # the agent speaks on: that is its answer
                turn.answer = turn.cut_in
                self._go(_State.LISTENING, turn.cut_in.at_ns + _ns(self._scenario.turn_deadline))
            else:
                self._await_answer(turn)
        if speaking.done:
            self._speaking = None

    def _await_answer(self, turn: OpenTurn) -> None:
        assert turn.speech_end_mono_ns is not None
        self._go(_State.LISTENING, turn.speech_end_mono_ns + _ns(turn.deadline_s))

    # --- the end ----------------------------------------------------------------------------------

    def _finish_as_told(self, now: int) -> None:
        assert self._end is not None
        reason = self._end.reason if self._end.reason in END_REASONS else "hang_up"
        open_turn = self._turn is not None and self._turn.answer is None
        if self._leaving and reason == "hang_up":
            self._finish(now, "aborted_by_us", "hang_up", None)
        elif reason == "hang_up" and (open_turn or self._turn is None):
            self._finish(now, "dropped", "hang_up", self._last_error or "agent_hung_up")
        else:
            self._finish(now, _natural(reason), reason, None)

    def _finish(
        self, now: int, outcome: str, end_reason: str | None, error_type: str | None
    ) -> None:
        self.outcome, self.end_reason, self.error_type = outcome, end_reason, error_type
        self._media = False
        self._speaking = None
        turn = self._turn
        if turn is not None and turn.answer is not None and self._hearing.voiced:
            last_ns = self._hearing.last_voiced_ns
            self._reply_heard_until(turn, turn.answer, last_ns or turn.answer.at_ns)
        for open_turn in (self._previous, turn):
            if open_turn is not None:
                self._emit(open_turn, now)
        self._turn = self._previous = None
        self._state = _State.OVER
        self._out.append(HangUp(outcome, end_reason, error_type))

    def _emit(self, turn: OpenTurn, now: int) -> None:
        self._out.append(TurnFinished(turn.record(self._call, now, self._clock)))

    # --- small things -----------------------------------------------------------------------------

    def _go(self, state: _State, wake_ns: int) -> None:
        self._state = state
        self._wake_ns = min(wake_ns, self._call_deadline_ns)

    def _take_out(self) -> tuple[Action, ...]:
        out = self._out
        if not out:
            return ()
        self._out = []
        return tuple(out)


def _natural(end_reason: str) -> str:
    return "transferred" if end_reason == "transfer" else "completed"


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
