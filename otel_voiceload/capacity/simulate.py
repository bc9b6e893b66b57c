"""A load test in virtual time: the agent's own pipeline, callers that only keep time, no audio.

The components are the very objects the live agent runs, driven by an event list instead of a clock,
so what the simulator says about a configuration the live agent does too. It serves the tests of the
analysis, which need many runs with a known truth, and later targets that exist only as a file.

Every place ("slot") of the offered load is one caller after another. A slot opens when the asked
number of calls passes it and closes when the number falls below it; its call then hangs up after
the turn it is in. Slots that open at the same moment are spread over one turn cycle, since callers
in step make a false early knee.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.draws import draw_reply_s, strikes, uniform
from otel_voiceload.capacity.faults import Autoscale, Drop, Leak
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
from otel_voiceload.capacity.slots import SlotChange, slot_changes
from otel_voiceload.conventions import SOURCE_SIMULATED
from otel_voiceload.errors import ConfigError
from otel_voiceload.model import (
    NS_PER_S,
    CallIdentity,
    CallRecord,
    ComponentRecord,
    LoadContext,
    RunRecord,
    Stage,
    StageRecord,
    TurnRecord,
)

SimulatedRecord = TurnRecord | CallRecord | StageRecord | RunRecord


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """What the records say of the run itself."""

    run_id: str = "simulated"
    target: str = "sim:"
    profile: str = "custom"
    tag: str = ""
    planted: str = ""
    start_mono_ns: int = 1_000 * NS_PER_S


def simulate(
    stages: Sequence[Stage],
    config: AgentConfig,
    callers: CallerModel | None = None,
    *,
    seed: int = 1,
    run: SimulatedRun | None = None,
) -> list[SimulatedRecord]:
    """All records of one run, turns and calls in order of their end, stages and the run at the end.

    Raises:
        ConfigError: the configuration has a fault that needs real audio to be seen.
    """
    for fault in config.faults:
        if not isinstance(fault, (Drop, Leak, Autoscale)):
            raise ConfigError(
                f"fault {fault.name} needs real audio and can not be simulated; remove it or call "
                "a running reference agent"
            )
    return _Simulation(stages, config, callers or CallerModel(), seed, run or SimulatedRun()).play()


class _Simulation:
    def __init__(
        self,
        stages: Sequence[Stage],
        config: AgentConfig,
        callers: CallerModel,
        seed: int,
        run: SimulatedRun,
    ) -> None:
        self._stages = stages
        self._config = config
        self._callers = callers
        self._seed = seed
        self._run = run
        self._pipeline = Pipeline(self._config)
        self._drop = next((f for f in config.faults if isinstance(f, Drop)), None)
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._open_slots: set[int] = set()
        self._calls: dict[str, SimulatedCall] = {}  # under way, by call id
        self._by_slot: dict[int, SimulatedCall] = {}
        self._next_index = 0
        self._turns: list[TurnRecord] = []
        self._calls_over: list[CallRecord] = []
        self._work: dict[TurnKey, list[ComponentRecord]] = {}
        self._now_ns = run.start_mono_ns

    def play(self) -> list[SimulatedRecord]:
        start_ns = self._run.start_mono_ns
        spread_s = self._callers.cycle().mean_s(self._config)
        for change in slot_changes(self._stages, spread_s):
            self._at(start_ns + round(change.at_s * NS_PER_S), partial(self._change_slot, change))
        while True:
            own_ns = self._heap[0][0] if self._heap else None
            work_ns = self._pipeline.next_event_ns
            if own_ns is None and work_ns is None:
                break
            if own_ns is None or (work_ns is not None and work_ns <= own_ns):
                assert work_ns is not None
                self._now_ns = max(self._now_ns, work_ns)
                for event in self._pipeline.advance(work_ns):
                    self._heard_of(event)
            else:
                self._now_ns, _, step = heapq.heappop(self._heap)
                step()
        return list(self._records())

    def _records(self) -> Iterator[SimulatedRecord]:
        start_ns = self._run.start_mono_ns
        # A component may be done with a turn only after the turn was heard, so work is added last.
        for turn in self._turns:
            key = TurnKey(turn.call.call_id, turn.turn_index)
            yield replace(turn, components=tuple(self._work.get(key, ())))
        yield from self._calls_over
        for stage in self._stages:
            yield StageRecord(
                stage,
                start_ns + round(stage.start_s * NS_PER_S),
                start_ns + round(stage.end_s * NS_PER_S),
            )
        yield RunRecord(
            run_id=self._run.run_id,
            target=self._run.target,
            wire="sim",
            profile=self._run.profile,
            seed=self._seed,
            tag=self._run.tag,
            scenario_hash="simulated",
            clip_pack="simulated",
            co_located=False,
            thresholds={},
            start_mono_ns=start_ns,
            end_mono_ns=self._now_ns,
            stop_reason="duration",
            planted=self._run.planted,
        )

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

    def _start_call(self, slot: int) -> None:
        if slot not in self._open_slots or slot in self._by_slot:
            return
        index = self._next_index
        self._next_index += 1
        # From the run's name and the index, as live calls have it: a seed gives the same ids again.
        trace_id = f"{round(uniform(self._seed, self._run.run_id) * 2**63):016x}{index + 1:016x}"
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
        self._speak(call)

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
            share = uniform(self._seed, call.identity.call_id, turn.index, "think")
            think_s = self._callers.think.quantile(share)
            self._at(self._now_ns + round(think_s * NS_PER_S), partial(self._speak, call))

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
            case AttemptOver():
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
        elapsed_s = (self._now_ns - self._run.start_mono_ns) / NS_PER_S
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

    def _at(self, at_ns: int, step: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at_ns, self._order, step))
