"""The agent's part of a turn: stt, then llm, then tts, each through its component, with retries.

The live agent and the simulator both drive this; the first by a real clock, the second by a virtual
one. The next component begins at the first token of the one before it, while that one may still
hold its server (``hold`` over 1). Events inside are worked off in order of time, each at its own
moment, so a late wake-up delays what is heard but never changes who was served when.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from otel_voiceload.capacity.component import Component, Done, First, Progress, Rejected, Started
from otel_voiceload.capacity.config import SERVED, AgentConfig, ServedComponent
from otel_voiceload.capacity.draws import draw_latency_ns, draw_retry_wait_ns
from otel_voiceload.capacity.slowness import slowed_ns

STATUS_OK = "ok"
STATUS_REJECTED = "rate_limited"
STATUS_CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TurnKey:
    """Which piece of work: ``turn`` is 0 for the first answer; the agent's greeting takes -1."""

    call_id: str
    turn: int


@dataclass(frozen=True, slots=True)
class AttemptOver:
    """One attempt of one component is over and its server free.

    ``retry_wait_ns`` is the pause before this attempt. ``first_ns`` is None when it gave nothing.
    """

    key: TurnKey
    component: ServedComponent
    attempt: int
    start_ns: int  # asked for
    served_ns: int | None  # taken up by a server
    first_ns: int | None
    end_ns: int
    status: str
    retry_wait_ns: int

    @property
    def queue_ns(self) -> int:
        return (self.end_ns if self.served_ns is None else self.served_ns) - self.start_ns

    @property
    def busy_ns(self) -> int:
        return 0 if self.served_ns is None else self.end_ns - self.served_ns

    @property
    def latency_ns(self) -> int:
        """From asked to the first token, waiting included; to the end where there was none."""
        return (self.end_ns if self.first_ns is None else self.first_ns) - self.start_ns


@dataclass(frozen=True, slots=True)
class TextReady:
    """The speech recogniser gave its text: what the caller said is known to the agent now."""

    key: TurnKey
    at_ns: int


@dataclass(frozen=True, slots=True)
class AudioReady:
    """The first byte of the reply's audio exists."""

    key: TurnKey
    at_ns: int


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """A component refused to the last attempt; this turn gets no reply."""

    key: TurnKey
    at_ns: int
    component: ServedComponent
    status: str


PipelineEvent = AttemptOver | TextReady | AudioReady | TurnFailed


@dataclass(slots=True, eq=False)
class _Attempt:
    """Identity is the request id: the same turn may ask the same component several times."""

    turn: _Turn
    component: ServedComponent
    number: int
    start_ns: int
    retry_wait_ns: int = 0
    served_ns: int | None = None
    first_ns: int | None = None


@dataclass(slots=True, eq=False)
class _Turn:
    key: TurnKey
    chain: tuple[ServedComponent, ...]
    first_attempt: int
    open: set[_Attempt] = field(default_factory=set)
    gone: bool = False


class Pipeline:
    """All turns of all calls of one agent process."""

    def __init__(self, config: AgentConfig) -> None:
        self.config = config
        own = {
            name: Component(name, config.components.named(name), config.autoscale_of(name))
            for name in SERVED
        }
        self.components = {name: own[config.servers_of(name)] for name in SERVED}
        self._now_ns = 0
        self._born_ns: int | None = None
        self._turns: dict[TurnKey, _Turn] = {}
        self._retries: list[tuple[int, int, _Attempt]] = []  # (at, order, attempt)
        self._order = 0
        self._events: list[PipelineEvent] = []

    @property
    def busy(self) -> bool:
        """Whether any turn still has work under way."""
        return bool(self._turns)

    def is_under_way(self, key: TurnKey) -> bool:
        """Whether this turn still has work under way."""
        return key in self._turns

    def begin(
        self,
        now_ns: int,
        key: TurnKey,
        chain: tuple[ServedComponent, ...] = SERVED,
        *,
        first_attempt: int = 0,
    ) -> None:
        """Start the work of one turn; a greeting only takes ``("tts",)``.

        ``first_attempt`` is the number of attempts that an earlier, given-up start of the same
        turn already took, so that attempts stay distinct within a turn.
        """
        self._run_to(now_ns)
        if self._born_ns is None:
            self._born_ns = now_ns
        turn = _Turn(key, chain, first_attempt)
        self._turns[key] = turn
        self._ask(_Attempt(turn, chain[0], first_attempt, now_ns), now_ns)

    def cancel(self, now_ns: int, key: TurnKey) -> None:
        """Give up a turn: queued work leaves the queue, running work its server."""
        self._run_to(now_ns)
        turn = self._turns.pop(key, None)
        if turn is None:
            return
        turn.gone = True
        for attempt in sorted(turn.open, key=lambda a: (a.start_ns, a.number)):
            self.components[attempt.component].cancel(now_ns, attempt)
            if attempt.start_ns <= now_ns:  # else it still waits to be asked again
                done = STATUS_OK if attempt.first_ns is not None else STATUS_CANCELLED
                self._over(attempt, now_ns, done)
        turn.open.clear()

    def advance(self, now_ns: int) -> list[PipelineEvent]:
        """Everything up to ``now_ns`` that was not told yet, in order of time."""
        self._run_to(now_ns)
        told, self._events = self._events, []
        return told

    @property
    def next_event_ns(self) -> int | None:
        """When ``advance`` will next have something to tell; None while no work is under way."""
        return self._now_ns if self._events else self._next_work_ns()

    def _next_work_ns(self) -> int | None:
        times = [
            at_ns
            for component in self.components.values()
            if (at_ns := component.next_event_ns) is not None
        ]
        if self._retries:
            times.append(self._retries[0][0])
        return min(times, default=None)

    def _run_to(self, now_ns: int) -> None:
        self._now_ns = max(self._now_ns, now_ns)
        while (at_ns := self._next_work_ns()) is not None and at_ns <= now_ns:
            while self._retries and self._retries[0][0] <= at_ns:
                attempt = heapq.heappop(self._retries)[2]
                if not attempt.turn.gone:
                    self._ask(attempt, at_ns)
            for component in self.components.values():
                for progress in component.advance(at_ns):
                    self._take(progress)

    def _ask(self, attempt: _Attempt, now_ns: int) -> None:
        key = attempt.turn.key
        latency_ns = draw_latency_ns(
            self.config, self.config.seed, key.call_id, key.turn, attempt.component, attempt.number
        )
        if self.config.faults:
            latency_ns = slowed_ns(
                self.config,
                attempt.component,
                latency_ns,
                turn=key.turn,
                age_ns=0 if self._born_ns is None else now_ns - self._born_ns,
                waiting_sets=self._waiting_sets,
            )
        attempt.turn.open.add(attempt)
        hold = self.config.components.named(attempt.component).hold
        self.components[attempt.component].submit(now_ns, attempt, latency_ns, hold)

    def _waiting_sets(self, name: ServedComponent) -> float:
        part = self.components[name]
        beyond = part.waiting + max(0, part.serving - part.capacity)
        return beyond / part.capacity

    def _take(self, progress: Progress) -> None:
        attempt = progress.request_id
        assert isinstance(attempt, _Attempt)
        match progress:
            case Started():
                attempt.served_ns = progress.at_ns
            case First():
                attempt.first_ns = progress.at_ns
                self._go_on(attempt, progress.at_ns)
            case Done():
                self._close(attempt, progress.at_ns, STATUS_OK)
            case Rejected():
                self._refused(attempt, progress)

    def _go_on(self, attempt: _Attempt, at_ns: int) -> None:
        turn = attempt.turn
        if attempt.component == "stt":
            self._events.append(TextReady(turn.key, at_ns))
        following = turn.chain.index(attempt.component) + 1
        if following == len(turn.chain):
            self._events.append(AudioReady(turn.key, at_ns))
        else:
            self._ask(_Attempt(turn, turn.chain[following], turn.first_attempt, at_ns), at_ns)

    def _refused(self, attempt: _Attempt, answer: Rejected) -> None:
        self._over(attempt, answer.at_ns, STATUS_REJECTED)
        turn, key = attempt.turn, attempt.turn.key
        turn.open.discard(attempt)
        retries = self.config.components.named(attempt.component).retries
        if attempt.number - turn.first_attempt >= retries:
            self._events.append(TurnFailed(key, answer.at_ns, attempt.component, STATUS_REJECTED))
            if not turn.open:
                self._turns.pop(key, None)
            return
        wait_ns = draw_retry_wait_ns(
            answer.retry_after_ns,
            self.config.seed,
            key.call_id,
            key.turn,
            attempt.component,
            attempt.number,
        )
        again = _Attempt(
            turn, attempt.component, attempt.number + 1, answer.at_ns + wait_ns, wait_ns
        )
        turn.open.add(again)
        self._order += 1
        heapq.heappush(self._retries, (again.start_ns, self._order, again))

    def _close(self, attempt: _Attempt, at_ns: int, status: str) -> None:
        self._over(attempt, at_ns, status)
        attempt.turn.open.discard(attempt)
        if not attempt.turn.open:
            self._turns.pop(attempt.turn.key, None)

    def _over(self, attempt: _Attempt, at_ns: int, status: str) -> None:
        self._events.append(
            AttemptOver(
                key=attempt.turn.key,
                component=attempt.component,
                attempt=attempt.number,
                start_ns=attempt.start_ns,
                served_ns=attempt.served_ns,
                first_ns=attempt.first_ns,
                end_ns=at_ns,
                status=status,
                retry_wait_ns=attempt.retry_wait_ns,
            )
        )
