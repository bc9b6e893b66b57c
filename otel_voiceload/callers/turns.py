"""A turn in the making: everything that is known of it so far, until it becomes a record.

It stays open until the next turn's speech ends, since agents report their timings late. In-band
timings count from the moment the agent received ``start``; they are put on the caller's clock by
half a round trip, and belong to the last turn that had begun when their result was there. The turn
number that comes with them is only a hint: agents count greetings, or from one.
"""

from __future__ import annotations

from itertools import groupby

from otel_voiceload.audio.detector import Onset
from otel_voiceload.conventions import SOURCE_IN_BAND
from otel_voiceload.events import TimingHeard, TranscriptHeard
from otel_voiceload.model import NS_PER_S, CallIdentity, ComponentRecord, LoadContext, TurnRecord


class AgentClock:
    """The agent's seconds since ``start`` on the caller's clock."""

    __slots__ = ("_least_rtt_ns", "rtt_s", "start_sent_mono_ns")

    def __init__(self) -> None:
        self.start_sent_mono_ns = 0
        self.rtt_s: float | None = None  # of the latest ping
        self._least_rtt_ns = 0

    def pong(self, rtt_ns: int) -> None:
        self._least_rtt_ns = min(self._least_rtt_ns or rtt_ns, rtt_ns)
        self.rtt_s = rtt_ns / NS_PER_S

    @property
    def origin_mono_ns(self) -> int:
        """When the agent received ``start``. The least round trip is the least disturbed one."""
        return self.start_sent_mono_ns + self._least_rtt_ns // 2

    def settled_mono_ns(self, timing: TimingHeard) -> int:
        """When an attempt had its result.

        Not its start: a recogniser that runs all through the call started long before this turn.
        """
        seconds = timing.end_s if timing.first_s is None else timing.first_s
        return self.origin_mono_ns + round(seconds * NS_PER_S)


class OpenTurn:
    """One turn of one call, written by the conversation alone."""

    __slots__ = (
        "answer",
        "audio_gap_s",
        "begun_mono_ns",
        "clip_id",
        "cut_in",
        "deadline_s",
        "error_type",
        "final_texts",
        "first_byte_mono_ns",
        "index",
        "interrupted",
        "last_audio_mono_ns",
        "load",
        "partial_text",
        "send_delay_s",
        "speech_end_mono_ns",
        "speech_start_mono_ns",
        "timings",
        "transcript_mono_ns",
        "unanswered",
    )

    def __init__(
        self, index: int, clip_id: str, load: LoadContext, begun_mono_ns: int, deadline_s: float
    ) -> None:
        self.index = index
        self.clip_id = clip_id
        self.load = load
        self.begun_mono_ns = begun_mono_ns
        self.deadline_s = deadline_s
        self.send_delay_s = 0.0
        self.speech_start_mono_ns: int | None = None
        self.speech_end_mono_ns: int | None = None
        self.first_byte_mono_ns: int | None = None
        self.cut_in: Onset | None = None  # a voice over the caller's own, while it lasts
        self.interrupted = False
        self.answer: Onset | None = None
        self.last_audio_mono_ns: int | None = None
        self.unanswered = False  # the caller waited in vain, to the end of its patience
        self.audio_gap_s = 0.0
        self.transcript_mono_ns: int | None = None
        self.final_texts: list[str] = []
        self.partial_text = ""
        self.timings: list[TimingHeard] = []
        self.error_type: str | None = None

    @property
    def heard_text(self) -> str:
        return " ".join(self.final_texts) or self.partial_text

    @property
    def reply_s(self) -> float:
        """Length of the reply's voice so far."""
        if self.answer is None or self.last_audio_mono_ns is None:
            return 0.0
        return (self.last_audio_mono_ns - self.answer.at_ns) / NS_PER_S

    @property
    def outcome(self) -> str:
        if self.answer is not None:
            return "interrupted" if self.interrupted else "answered"
        return "no_response" if self.unanswered else "cut_off"

    def add_transcript(self, event: TranscriptHeard) -> None:
        if self.transcript_mono_ns is None:
            self.transcript_mono_ns = event.arrival_mono_ns
        if event.final:
            self.final_texts.append(event.text)
        else:
            self.partial_text = event.text

    def record(self, call: CallIdentity, now_mono_ns: int, clock: AgentClock) -> TurnRecord:
        """The finished turn. A speech that was cut short ends now."""
        start = self.speech_start_mono_ns
        answer = self.answer
        return TurnRecord(
            call=call,
            load=self.load,
            turn_index=self.index,
            outcome=self.outcome,
            clip_id=self.clip_id,
            speech_start_mono_ns=self.begun_mono_ns if start is None else start,
            speech_end_mono_ns=self.speech_end_mono_ns or now_mono_ns,
            first_byte_mono_ns=self.first_byte_mono_ns,
            first_audio_mono_ns=answer.at_ns if answer else None,
            last_audio_mono_ns=self.last_audio_mono_ns,
            transcript_mono_ns=self.transcript_mono_ns,
            deadline_s=self.deadline_s,
            send_delay_s=self.send_delay_s,
            rtt_s=clock.rtt_s,
            heard_text=self.heard_text,
            components=components(self.timings, clock.origin_mono_ns),
            audio_gap_s=self.audio_gap_s,
            snr_db=answer.snr_db if answer else None,
            onset_error_bound_ms=answer.error_bound_ms if answer else None,
            error_type=self.error_type,
        )


def components(timings: list[TimingHeard], origin_mono_ns: int) -> tuple[ComponentRecord, ...]:
    """In-band timings on the caller's clock, attempts in order, a repeated report counted once.

    An agent that takes one speech for two asks twice within a turn, and counts its attempts anew.
    They go on here: two attempts of one number would be one span, and one of them lost.
    """
    latest = {(t.component, t.attempt, t.start_s): t for t in timings}
    ordered = sorted(latest.values(), key=lambda t: (t.component, t.start_s, t.attempt))
    found = []
    for _, attempts in groupby(ordered, key=lambda t: t.component):
        before: TimingHeard | None = None
        number = -1
        for t in attempts:
            number = max(number + 1, t.attempt)
            waited = t.start_s - before.end_s if before and before.status != "ok" else 0.0
            found.append(
                ComponentRecord(
                    component=t.component,
                    attempt=number,
                    start_mono_ns=origin_mono_ns + round(t.start_s * NS_PER_S),
                    first_mono_ns=(
                        None if t.first_s is None else origin_mono_ns + round(t.first_s * NS_PER_S)
                    ),
                    end_mono_ns=origin_mono_ns + round(t.end_s * NS_PER_S),
                    queue_s=t.queue_s,
                    source=SOURCE_IN_BAND,
                    error_type=None if t.status == "ok" else t.status,
                    retry_wait_s=max(0.0, waited),
                )
            )
            before = t
    return tuple(found)
