"""Runs that can not say what a report would like to know, each as one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import duckdb
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.capacity.knee import solve_plant
from otel_voiceload.capacity.simulate import SimulatedRun, simulate
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.model import CallRecord, Record, RunRecord, Stage, TurnRecord
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.otlp import attributes
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_run, write_segment

FILE = "run.duckdb"
LEVELS = ((4, 10.0), (12, 10.0), (4, 10.0))


@cache
def ramp() -> tuple[Record, ...]:
    """A sound run of three levels, the last of them a return; nothing bends."""
    stages, start_s = [], 0.0
    for index, (calls, length_s) in enumerate(LEVELS):
        again = 0 if index == len(LEVELS) - 1 else None
        stages.append(Stage(index, "ramp", start_s, length_s, calls, calls, again))
        start_s += length_s
    return _played(stages, "ramp")


@cache
def one_level(calls: int = 10, length_s: float = 30.0) -> tuple[Record, ...]:
    return _played([Stage(0, "baseline", 0.0, length_s, calls, calls)], "baseline")


def _played(stages: Sequence[Stage], profile: str) -> tuple[Record, ...]:
    callers = CallerModel()
    run = SimulatedRun(run_id=records.RUN, profile=profile)
    config = solve_plant("none", 48, callers.cycle())
    return tuple(simulate(stages, config, callers, seed=3, run=run))


def written(folder: Path, run: Sequence[Record]) -> Path:
    return write_run(folder / FILE, run, records.RUN)


def sound(folder: Path) -> Path:
    return written(folder, ramp())


def empty(folder: Path) -> Path:
    return written(folder, [records.run()])


def killed_at_once(folder: Path) -> Path:
    return written(folder, [records.run(end_mono_ns=None, stop_reason="")])


def one_held_level(folder: Path) -> Path:
    return written(folder, one_level())


def ten_calls(folder: Path) -> Path:
    """Ten calls of two turns each, and no more."""
    run: list[Record] = [records.run(), records.stage(60.0, calls=10)]
    for index in range(1, 11):
        who = records.identity(index)
        run.append(records.call_start(who, 1))
        for number in range(2):
            at = 8.0 + 10 * number + 0.2 * index
            timed = (
                records.component("stt", at, at + 0.1, at + 0.1),
                records.component("llm", at + 0.1, at + 0.5, at + 0.9),
                records.component("tts", at + 0.5, at + 0.7, at + 1.2),
            )
            run.append(records.turn(who, number, at, at + 0.8, *timed))
        run.append(records.call(who, 1, 40))
    return written(folder, run)


def without_components(folder: Path) -> Path:
    return written(folder, _each_turn(components=(), rtt_s=None))


def without_llm(folder: Path) -> Path:
    run = [
        replace(each, components=tuple(c for c in each.components if c.component != "llm"))
        if isinstance(each, TurnRecord)
        else each
        for each in ramp()
    ]
    return written(folder, run)


def nobody_answered(folder: Path) -> Path:
    run = [
        replace(each, outcome="abandoned") if isinstance(each, CallRecord) else each
        for each in _each_turn(outcome="no_response", first_audio_mono_ns=None, components=())
    ]
    return written(folder, run)


def _each_turn(**changes: object) -> list[Record]:
    return [
        replace(each, **changes)  # type: ignore[arg-type]  # by name
        if isinstance(each, TurnRecord)
        else each
        for each in ramp()
    ]


def turns_end_before_they_begin(folder: Path) -> Path:
    """Every turn's latency is below zero, and that of every component as well."""
    path = sound(folder)
    with duckdb.connect(path) as connection:
        connection.execute(
            "update spans set response_latency_s = -1, end_time_unix_nano ="
            " start_time_unix_nano - 1000000000 where name = 'turn'"
        )
        connection.execute(
            "update spans set component_latency_s = -component_latency_s, component_busy_s ="
            " -component_busy_s where component is not null"
        )
    return path


def components_end_before_they_begin(folder: Path) -> Path:
    path = sound(folder)
    with duckdb.connect(path) as connection:
        connection.execute(
            "update spans set component_latency_s = -component_latency_s where component = 'llm'"
        )
    return path


def calls_end_before_they_begin(folder: Path) -> Path:
    path = sound(folder)
    with duckdb.connect(path) as connection:
        connection.execute(
            "update spans set end_time_unix_nano = start_time_unix_nano - 5000000000"
            " where name = 'call'"
        )
    return path


def calls_without_turns(folder: Path) -> Path:
    return written(folder, [each for each in ramp() if not isinstance(each, TurnRecord)])


def only_the_targets_spans(folder: Path) -> Path:
    """A run of which nothing is there but what a target sent under its id."""
    spans = [
        Span(
            trace_id=index.to_bytes(16, "big"),
            span_id=index.to_bytes(8, "big"),
            name="llm",
            start_time_unix_nano=UNIX_NS + index * 10**9,
            end_time_unix_nano=UNIX_NS + index * 10**9 + 3 * 10**8,
            attributes=attributes(
                {
                    "voiceload.component.name": "llm",
                    "voiceload.component.source": "target_trace",
                    "voiceload.component.latency": 0.3,
                }
            ),
        )
        for index in range(1, 40)
    ]
    mine = {"service.name": "bot", "voiceload.run.id": records.RUN}
    return write_segment(folder / FILE, [spans_batch(spans, mine)])


def of_an_older_generator(folder: Path) -> Path:
    """Without what later versions added: stages, markers, health, most of the run's own words."""
    kept = [each for each in ramp() if isinstance(each, TurnRecord | CallRecord | RunRecord)]
    path = written(folder, kept)
    with duckdb.connect(path) as connection:
        connection.execute("update spans set attributes = null, events = null where name = 'run'")
        connection.execute("delete from spans where name in ('call.start', 'run.start')")
    return path


def of_another_layout(folder: Path, version: int) -> Path:
    path = sound(folder)
    with duckdb.connect(path) as connection:
        connection.execute("update meta set schema_version = ?", [version])
    return path


def one_long_call(folder: Path, spans: int) -> Path:
    """One call of so many spans: a turn every three seconds, or as it fits into half a day."""
    who = records.identity()
    timed = (
        records.component("stt", 3.1, 3.2, 3.2),
        records.component("llm", 3.2, 3.6, 3.9),
        records.component("tts", 3.6, 3.9, 4.4),
    )
    turns = spans // 4
    cycle_s = min(3.0, 43_200 / turns)
    length_s = cycle_s * turns + 10
    batch: list[Batch] = batches_of(
        [
            records.run(end_mono_ns=records.at(length_s)),
            records.stage(length_s),
            records.call_start(who, 1),
            records.turn(who, 0, 3.0, 4.0, *timed),
            records.call(who, 1, length_s - 1),
        ],
        records.RUN,
    )
    path = write_segment(folder / FILE, batch)
    with duckdb.connect(path) as connection:
        connection.execute(
            """
            insert into spans
            select s.* replace (
                unhex(substr(md5(i || hex(span_id)), 1, 16)) as span_id,
                if(name = 'turn', parent_span_id,
                    unhex(substr(md5(i || hex(parent_span_id)), 1, 16))) as parent_span_id,
                start_time_unix_nano + i * $cycle_ns as start_time_unix_nano,
                end_time_unix_nano + i * $cycle_ns as end_time_unix_nano,
                i::integer as turn_index,
                if(name = 'turn', false, turn_first) as turn_first,
                null as events
            )
            from spans s, range(1, $turns) t(i)
            where name = 'turn' or component in ('stt', 'llm', 'tts')
            """,
            {"turns": turns, "cycle_ns": round(cycle_s * 1e9)},
        )
        connection.execute("checkpoint")
    return path
