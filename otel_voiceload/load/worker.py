"""A worker process: one event loop, one frame ticker, one shard of the calls.

It neither encodes nor exports. Records leave through a thread into the telemetry process's pipe,
and everything else it does beside pacing happens once a second. Ctrl-C is not for it: the runner
decides how a run ends. When the runner is gone, it hangs up and leaves.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
import traceback
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.load.contract import HEARTBEAT_S
from otel_voiceload.load.health import LoopLag, Probe
from otel_voiceload.load.messages import (
    Begin,
    Extend,
    Finish,
    Finished,
    FromWorker,
    HangUpAll,
    Ready,
    ToWorker,
)
from otel_voiceload.load.outbox import PipeWriter, RecordOutbox
from otel_voiceload.load.plan import WorkerConfig, call_setup, new_call
from otel_voiceload.load.shard import Shard
from otel_voiceload.model import NS_PER_S, ClockAnchor, Health, Record
from otel_voiceload.transports.ticker import FrameTicker

ORPHAN_GRACE_S = 4.0
# The outbox's thread pickles a hundred records for 3 ms and more, and with Python's own 5 ms for
# handing over the interpreter every slot that is due meanwhile would wait for it.
SWITCH_S = 0.0005
# New containers, until the garbage collector looks at them. Calls leave none in circles (churn:
# memory stays), and with Python's own 700 it walked over those in use: 10 to 30 ms at a time with
# 500 calls, every few seconds.
GC_AFTER = 50_000


def main(config: WorkerConfig, control: Connection, records: Connection) -> None:
    """Entry of the process; returns when every call is over and every record is on its way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(GC_AFTER)
    import uvloop  # here, since the runner imports this module only for its names

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Worker(config, control, records).work())


class Worker:
    """The parts of the process and how they hear of each other."""

    def __init__(self, config: WorkerConfig, control: Connection, records: Connection) -> None:
        self._config = config
        self._control = control
        self._deadline_mono_ns: int | None = None
        self._errors = 0
        self._first_error = ""
        self._ticker = FrameTicker()
        self._outbox = RecordOutbox(records)
        self._words = PipeWriter[FromWorker](
            self._send_words, lambda word, reason: None, every_s=0.05, max_items=120, at_a_time=1
        )

    async def work(self) -> None:
        config, loop = self._config, asyncio.get_running_loop()
        ClipPack.load(config.encoding)
        setup = call_setup(config, self._ticker, self._emit, lambda: self._shard.load, self._failed)
        self._traffic = setup.options.traffic
        self._shard = Shard(
            config.shard_index,
            config.shard_count,
            spread_s=config.turn_cycle_s,
            max_connect_rate=config.max_connect_rate,
            seed=config.seed,
            max_calls=config.max_calls,
            total_calls=config.total_calls,
            make_call=partial(new_call, config, setup),
            later=loop.call_later,
            spawn=loop.create_task,
            failed=self._failed,
        )
        # What was loaded stays for good: the collector need not walk over it in every pass.
        gc.collect()
        gc.freeze()
        loop.add_reader(self._control.fileno(), self._read)
        loop.add_signal_handler(signal.SIGTERM, self._orphaned)
        self._words.put(Ready(config.shard_index, os.getpid()))
        watch = loop.create_task(self._watch())
        await self._shard.done.wait()
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        self._ticker.close()
        loop.remove_reader(self._control.fileno())
        self._say_farewell()

    async def _watch(self) -> None:
        lag = LoopLag()
        probe = Probe(self._config.shard_index, time.monotonic_ns())
        lag.start()
        try:
            while True:
                await asyncio.sleep(HEARTBEAT_S)
                self._keep_deadline()
                self._outbox.put(self._tell_second(probe, lag))
        finally:
            lag.stop()
            # A piece of a second has the last calls' ends, but its shares would mislead.
            self._tell_second(probe, lag)

    def _keep_deadline(self) -> None:
        """Hang up at the contract's deadline: control may be cut off without an end of its pipe."""
        deadline_ns = self._deadline_mono_ns
        if deadline_ns is not None and time.monotonic_ns() > deadline_ns:
            self._deadline_mono_ns = None
            self._orphaned()

    def _tell_second(self, probe: Probe, lag: LoopLag) -> Health:
        """Tell the runner of the time since this was last called."""
        shard = self._shard
        health = probe.take(
            time.monotonic_ns(),
            self._ticker.take_health(),
            lag.take_p99_s(),
            calls_active=shard.calls_active,
            late_starts=shard.late_starts,
            connect_pending=shard.connect_pending,
            traffic=(self._traffic.sent, self._traffic.received),
        )
        health = replace(health, dropped_starts=shard.dropped_starts)
        progress = shard.take_progress(health)
        self._words.put(replace(progress, spans_ended=self._outbox.spans_ended))
        return health

    def _read(self) -> None:
        try:
            while self._control.poll():
                self._obey(self._control.recv())
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._orphaned()

    def _obey(self, word: ToWorker) -> None:
        match word:
            case Begin(stages, contract):
                anchor = ClockAnchor(time.monotonic_ns(), time.time_ns())
                self._deadline_mono_ns = contract.deadline_mono_ns(anchor)
                self._shard.begin(stages, contract.start_mono_ns(anchor))
            case Extend(stages):
                if self._deadline_mono_ns is not None:
                    more_s = sum(stage.duration_s for stage in stages)
                    self._deadline_mono_ns += round(more_s * NS_PER_S)
                self._shard.extend(stages)
            case Finish(grace_s):
                self._shard.finish(grace_s)
            case HangUpAll(deadline_mono_ns):
                self._shard.hang_up_all(deadline_mono_ns)

    def _orphaned(self) -> None:
        self._shard.hang_up_all(time.monotonic_ns() + round(ORPHAN_GRACE_S * NS_PER_S))

    def _emit(self, record: Record) -> None:
        self._outbox.put(record)
        self._shard.note(record)

    def _failed(self, error: BaseException) -> None:
        """A fault of ours in one call: told once in full, counted ever after."""
        self._errors += 1
        if not self._first_error:
            self._first_error = f"{type(error).__name__}: {error}"
            traceback.print_exception(error, file=sys.stderr)

    def _say_farewell(self) -> None:
        lost = self._outbox.close()
        self._words.put(
            Finished(
                shard_index=self._config.shard_index,
                calls_started=self._shard.calls_started,
                calls_ended=dict(self._shard.calls_ended),
                spans_lost=lost,
                internal_errors=self._errors,
                first_internal_error=self._first_error,
            )
        )
        self._words.close(1.0)
        self._control.close()

    def _send_words(self, words: list[FromWorker]) -> None:
        for word in words:
            self._control.send(word)
