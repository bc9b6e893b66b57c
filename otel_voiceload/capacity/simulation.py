"""A simulated run while it plays: slots, callers and the agent's pipeline on one event list."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.draws import draw_reply_s, strikes, uniform
from otel_voiceload.capacity.faults import Drop
from otel_voiceload.capacity.lognormal import standard_normal
from otel_voiceload.capacity.pipeline import (
    STATUS_OK,
    AttemptOver,
    AudioReady,
    Pipeline,
    PipelineEvent,
    TurnKey,
)
from otel_voiceload.capacity.simulated_call import CallerModel, SimulatedCall, SimulatedTurn
from otel_voiceload.capacity.simulated_run import SimulatedRun
from otel_voiceload.capacity.slots import SlotChange, slot_changes
from otel_voiceload.capacity.telling import told
from otel_voiceload.conventions import SOURCE_SIMULATED
from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    CallRecord,
    ComponentRecord,
    LoadContext,
    RunRecord,
    Stage,
    TurnRecord,
)

GREETING: Final = -1  # the turn in which the agent speaks first


class Simulation:
    """One run that is played piece by piece: ``extend``, ``run_to``, and ``finish`` at the end.

    Args:
        most_held: arrivals of open stages that find so many calls held are dropped and counted.
        most_calls: no call begins after so many.
    """

    def __init__(
        self,
        config: AgentConfig,
        callers: CallerModel,
        *,
        seed: int,
        run: SimulatedRun,
        most_held: int | None = None,
        most_calls: int | None = None,
    ) -> None:
        self.run = run
        self.natural_ends = 0
        self.starts_dropped = 0
        self._config = config
        self._callers = callers
        self._seed = seed
        self._most_held = most_held
        self._most_calls = most_calls
        self._stages: list[Stage] = []
        self._pipeline = Pipeline(self._config)
        self._drop = next((f for f in config.faults if isinstance(f, Drop)), None)
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._held_slots = 0
        self._arrived = 0
        self._open_slots: set[int] = set()
        self._calls: dict[str, SimulatedCall] = {}  # under way, by call id
        self._by_slot: dict[int, SimulatedCall] = {}
        self._next_index = 0
        self._turns: list[TurnRecord] = []
        self._calls_over: list[CallRecord] = []
        self._work: dict[TurnKey, list[ComponentRecord]] = {}
        self._now_ns = run.start_mono_ns

    @property
    def calls_held(self) -> int:
        return len(self._calls)

    @property
    def all_called(self) -> bool:
        """Whether as many calls as were wanted have begun and are over."""
        return self._next_index == self._most_calls and not self._calls

    def extend(self, stages: Iterable[Stage]) -> None:
        """Offer these too; the first begins where the last one so far ends."""
        more = list(stages)
        spread_s = self._callers.cycle().mean_s(self._config)
        for change in slot_changes(more, spread_s, held=self._held_slots):
            self._at_s(change.at_s, partial(self._change_slot, change))
        self._stages += more
        if more:
            self._held_slots = round(more[-1].calls_to)

    def arrive(self, at_s: float) -> None:
        """One call of an open model; it holds no slot that anybody calls from again."""
        self._arrived += 1
        self._at_s(at_s, partial(self._take_arrival, -self._arrived))

    def run_to(self, at_s: float) -> None:
        """Everything that happens before ``at_s``, since the first stage's start."""
        until_ns = self.run.start_mono_ns + round(at_s * NS_PER_S)
        self._play(until_ns)
        self._now_ns = max(self._now_ns, until_ns)

    def finish(self) -> None:
        """No more load: every call hangs up after the turn it is in."""
        end_s = self._stages[-1].end_s if self._stages else 0.0
        for slot in range(self._held_slots):
            self._at_s(end_s, partial(self._change_slot, SlotChange(end_s, slot, False)))
        self._held_slots = 0
        self._play(None)

    def hang_up(self) -> None:
        """Somebody stopped the run: all calls end at this moment, and no other begins."""
        self._open_slots.clear()
        self._heap.clear()
        for call in list(self._calls.values()):
            if call.turn is not None and call.turn.first_ns is None:
                self._pipeline.cancel(self._now_ns, TurnKey(call.identity.call_id, call.turn.index))
            self._end_call(call, "aborted_by_us", "hang_up")
        self._heap.clear()

    def take(self) -> list[TurnRecord | CallRecord]:
        """Turns and calls that are over and were not taken yet, each in order of their end."""
        for event in self._pipeline.advance(self._now_ns):
            self._heard_of(event)
        taken: list[TurnRecord | CallRecord] = []
        kept = []
        for turn in self._turns:
            key = TurnKey(turn.call.call_id, turn.turn_index)
            # A component may be done with a turn only after the turn was heard.
            if self._pipeline.is_under_way(key):
                kept.append(turn)
            else:
                work = self._work.pop(key, ())
                heard = told(self._config, self._seed, key.call_id, key.turn, work)
                taken.append(replace(turn, components=heard))
        self._turns = kept
        taken += self._calls_over
        self._calls_over = []
        return taken

    def run_record(self, stop_reason: str = "duration") -> RunRecord:
        """What the run says of itself at its end, as of now."""
        return self.run.record(
            seed=self._seed,
            end_mono_ns=self._now_ns,
            stop_reason=stop_reason,
            starts_dropped=self.starts_dropped,
        )

    def _play(self, until_ns: int | None) -> None:
        while True:
            own_ns = self._heap[0][0] if self._heap else None
            work_ns = self._pipeline.next_event_ns
            times = [at_ns for at_ns in (own_ns, work_ns) if at_ns is not None]
            if not times or (until_ns is not None and min(times) >= until_ns):
                return
            if own_ns is None or (work_ns is not None and work_ns <= own_ns):
                assert work_ns is not None
                self._now_ns = max(self._now_ns, work_ns)
                for event in self._pipeline.advance(work_ns):
                    self._heard_of(event)
            else:
                self._now_ns, _, step = heapq.heappop(self._heap)
                step()

    # --- the callers ----------------------------------------------------------------------------

    def _change_slot(self, change: SlotChange) -> None:
        if change.opens:
            self._open_slots.add(change.slot)
            if change.slot not in self._by_slot:
                self._start_call(change.slot)
            else:
                self._by_slot[change.slot].closing = False
        else:
            self._open_slots.discard(change.slot)
            if change.slot in self._by_slot:
                self._by_slot[change.slot].closing = True

    def _take_arrival(self, slot: int) -> None:
        if self._most_held is not None and len(self._calls) >= self._most_held:
            self.starts_dropped += 1
            return
        self._open_slots.add(slot)
        self._start_call(slot)
        self._open_slots.discard(slot)

    def _start_call(self, slot: int) -> None:
        if slot not in self._open_slots or slot in self._by_slot:
            return
        index = self._next_index
        if index == self._most_calls:
            return
        self._next_index += 1
        # From the run's name and the index, as live calls have it: a seed gives the same ids again.
        trace_id = f"{round(uniform(self._seed, self.run.run_id) * 2**63):016x}{index + 1:016x}"
        identity = CallIdentity(
            call_index=index,
            call_id=trace_id,
            trace_id=trace_id,
            span_id=f"{index + 1:016x}",
            scenario="simulated",
            sampled=True,
        )
        call = SimulatedCall(slot, identity, self._load(starting=True), self._now_ns)
        self._calls[trace_id] = call
        self._by_slot[slot] = call
        wait_s = self._callers.greeting_wait_s
        if self._config.greeting and wait_s:
            self._pipeline.begin(self._now_ns, TurnKey(trace_id, GREETING), ("tts",))
            self._at(self._now_ns + round(wait_s * NS_PER_S), partial(self._wait_over, call))
        else:
            self._speak(call)

    def _wait_over(self, call: SimulatedCall) -> None:
        """Nobody greeted in time: the caller begins."""
        if call.greeting_s is None and call.identity.call_id in self._calls:
            self._speak(call)

    def _greeted(self, call: SimulatedCall) -> None:
        if call.turn is not None:
            return  # too late: the caller speaks already
        call.greeting_s = (self._now_ns - call.start_ns) / NS_PER_S
        reply_s = draw_reply_s(self._config, self._config.seed, call.identity.call_id, GREETING)
        think_s = self._think_s(call.identity.call_id, GREETING)
        self._at(self._now_ns + round((reply_s + think_s) * NS_PER_S), partial(self._speak, call))

    def _speak(self, call: SimulatedCall) -> None:
        index = 0 if call.turn is None else call.turn.index + 1
        call_id = call.identity.call_id
        speech_s = self._callers.speech.quantile(uniform(self._seed, call_id, index, "speech"))
        up_ns, down_ns = (self._one_way_ns(call_id, index, way) for way in ("up", "down"))
        end_ns = self._now_ns + round(speech_s * NS_PER_S)
        rtt_s = (up_ns + down_ns) / NS_PER_S
        call.turn = SimulatedTurn(index, self._load(), self._now_ns, end_ns, rtt_s)
        heard_ns = end_ns + up_ns + round(self._config.endpointing * NS_PER_S)
        self._at(heard_ns, partial(self._hears, TurnKey(call_id, index)))
        patience_ns = round(self._callers.patience_s * NS_PER_S)
        self._at(end_ns + patience_ns, partial(self._lose_patience, call, call.turn))

    def _first_audio(self, key: TurnKey) -> None:
        call = self._calls.get(key.call_id)
        if call is not None and key.turn == GREETING:
            self._greeted(call)
            return
        if call is None or call.turn is None or call.turn.index != key.turn:
            return
        call.turn.first_ns = self._now_ns
        call.turn.outcome = "answered"
        reply_s = draw_reply_s(self._config, self._config.seed, key.call_id, key.turn)
        if self._drop is not None and strikes(
            self._drop.share, self._config.seed, key.call_id, key.turn, self._drop.name
        ):
            call.turn.last_ns = self._now_ns + round(reply_s * NS_PER_S / 2)
            call.turn.outcome = "cut_off"
        else:
            call.turn.last_ns = self._now_ns + round(reply_s * NS_PER_S)
        self._at(call.turn.last_ns, partial(self._reply_over, call))

    def _reply_over(self, call: SimulatedCall) -> None:
        turn = call.turn
        assert turn is not None
        if turn.outcome == "cut_off":
            self._end_turn(call)
            self._end_call(call, "dropped", None)
            return
        self._end_turn(call)
        if turn.index + 1 >= self._callers.turns_per_call:
            self._end_call(call, "completed", "resolution")
        elif call.closing:
            self._end_call(call, "aborted_by_us", "hang_up")
        else:
            think_s = self._think_s(call.identity.call_id, turn.index)
            self._at(self._now_ns + round(think_s * NS_PER_S), partial(self._speak, call))

    def _think_s(self, call_id: str, turn: int) -> float:
        share = uniform(self._seed, call_id, turn, "think")
        return max(self._callers.think.quantile(share), self._callers.think_least_s)

    def _lose_patience(self, call: SimulatedCall, turn: SimulatedTurn) -> None:
        if turn.first_ns is not None:
            return
        self._pipeline.cancel(self._now_ns, TurnKey(call.identity.call_id, turn.index))
        self._end_turn(call)
        self._end_call(call, "abandoned", None)

    def _end_turn(self, call: SimulatedCall) -> None:
        self._turns.append(call.turn_record(self._callers.patience_s))

    def _end_call(self, call: SimulatedCall, outcome: str, end_reason: str | None) -> None:
        del self._calls[call.identity.call_id]
        del self._by_slot[call.slot]
        self._calls_over.append(call.call_record(self._now_ns, outcome, end_reason))
        self.natural_ends += outcome == "completed"
        self._at(
            self._now_ns + round(self._callers.between_s * NS_PER_S),
            partial(self._start_call, call.slot),
        )

    # --- the agent ------------------------------------------------------------------------------

    def _hears(self, key: TurnKey) -> None:
        self._pipeline.begin(self._now_ns, key)

    def _heard_of(self, event: PipelineEvent) -> None:
        match event:
            case AudioReady():
                down_ns = self._one_way_ns(event.key.call_id, event.key.turn, "down")
                self._at(event.at_ns + down_ns, partial(self._first_audio, event.key))
            case AttemptOver() if event.key.turn != GREETING:
                self._work.setdefault(event.key, []).append(
                    ComponentRecord(
                        component=event.component,
                        attempt=event.attempt,
                        start_mono_ns=event.start_ns,
                        first_mono_ns=event.first_ns,
                        end_mono_ns=event.end_ns,
                        queue_s=event.queue_ns / NS_PER_S,
                        source=SOURCE_SIMULATED,
                        error_type=None if event.status == STATUS_OK else event.status,
                        retry_wait_s=event.retry_wait_ns / NS_PER_S,
                    )
                )
            case _:
                pass  # a failed turn is one that the caller waits for in vain

    def _one_way_ns(self, call_id: str, turn: int, way: str) -> int:
        network = self._config.network
        if not network.delay and not network.jitter:
            return 0
        share = uniform(self._seed, call_id, turn, "network", way)
        return max(0, round((network.delay + network.jitter * standard_normal(share)) * NS_PER_S))

    def _load(self, *, starting: bool = False) -> LoadContext:
        elapsed_s = (self._now_ns - self.run.start_mono_ns) / NS_PER_S
        stage = self._stages[0]
        for stage in self._stages:
            if elapsed_s < stage.end_s:
                break
        return LoadContext(
            phase=stage.phase,
            stage_index=stage.index,
            concurrency_target=round(stage.calls_at(elapsed_s)),
            concurrency_local=len(self._calls) + starting,
        )

    def _at_s(self, at_s: float, step: Callable[[], None]) -> None:
        self._at(self.run.start_mono_ns + round(at_s * NS_PER_S), step)

    def _at(self, at_ns: int, step: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at_ns, self._order, step))
