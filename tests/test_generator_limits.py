"""One rule for "the generator was the limit": for the runner while it plays, and for the views.

A shard judges its own seconds; here is held what follows from them for stages, levels and turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.load.health import StageLoad, limited
from otel_voiceload.model import Health, ShardLoss
from otel_voiceload.runner.stage_log import HELD
from otel_voiceload.store.open import open_store
from tests.store import records
from tests.store.builder import write_run
from tests.store.records import at, call, identity, turn

GOOD = Health(0, 0, 1, 50, 0, 0.0, 0.001, 0.001, 0.0, 0.1, 0, 0)
STAGE_S = 20


def told(
    seconds: Iterable[int], bad: Iterable[int] = (), *, shard: int = 0, active: int = 1
) -> list[Health]:
    """The words of a shard at these seconds of the run; at ``bad`` ones it was the limit."""
    broken = set(bad)
    return [
        replace(
            GOOD,
            shard_index=shard,
            calls_active=active,
            at_mono_ns=at(second),
            limited_by=("loop_lag",) if second in broken else (),
        )
        for second in seconds
    ]


def asked(folder: Path, health: list[Health], sql: str) -> list[tuple[object, ...]]:
    run = [*records.small_run()[2:], records.run(), records.stage(STAGE_S), *health]
    with open_store(write_run(folder / "run.duckdb", run, records.RUN)) as reading:
        return list(reading.sql(sql).rows)


ALL = range(1, STAGE_S + 1)


@pytest.mark.parametrize(
    ("health", "stage_is_lost"),
    [
        (told(ALL), False),
        (told(ALL, bad=range(1, 6)), False),  # a quarter
        (told(ALL, bad=range(1, 7)), True),
        (told([*range(1, 5), *range(10, 21)]), True),  # frozen from 4 to 10
        (told([*range(1, 5), *range(8, 21)]), False),
        ([*told(ALL, bad=range(1, 9)), *told(ALL, shard=1)], False),  # a fifth of both
        ([*told(ALL, bad=range(1, 13)), *told(ALL, shard=1)], True),
    ],
)
def test_the_runner_and_the_views_judge_a_stage_alike(
    tmp_path: Path, health: list[Health], stage_is_lost: bool
) -> None:
    assert limited(health) is stage_is_lost
    assert asked(tmp_path, health, "select generator_limited from stage_health") == [
        (stage_is_lost,)
    ]


def test_a_shard_that_is_frozen_says_no_heartbeat(tmp_path: Path) -> None:
    frozen = told([1, 2, 3, 6, 7], bad=[6])

    said = asked(
        tmp_path,
        frozen,
        "select (until_ns - from_ns) / 1e9, limited, limited_by from generator_seconds"
        " order by from_ns limit 5",
    )

    assert said == [
        *[(1.0, False, None)] * 3,
        (3.0, True, "loop_lag, no_heartbeat"),
        (1.0, False, None),
    ]


@pytest.mark.parametrize(("active", "silent_s"), [(1, [5.0]), (0, [])])
def test_a_shard_that_never_comes_back_is_the_limit_until_it_counts_as_lost(
    tmp_path: Path, active: int, silent_s: list[float]
) -> None:
    said = asked(
        tmp_path,
        told(range(1, 9), active=active),
        "select (until_ns - from_ns) / 1e9 from generator_seconds where limited",
    )

    assert [row[0] for row in said] == silent_s


def test_a_run_without_any_word_of_its_generator_is_not_blamed_on_it(tmp_path: Path) -> None:
    counts = "select max(counts::int), (select count(*) from limited_slots) from slot_levels"
    said = asked(tmp_path, [], counts)
    assert said == [(1, 0)]


@pytest.mark.parametrize(("bad", "counted_s"), [([], 12.25), ([8, 9], 10.25), ([1], 12.25)])
def test_seconds_in_which_the_generator_was_the_limit_are_no_time_of_a_level(
    tmp_path: Path, bad: list[int], counted_s: float
) -> None:
    counted = "select sum(counts::int) / 4 from slot_levels"  # the first seconds are for settling

    assert asked(tmp_path, told(ALL, bad=bad), counted) == [(counted_s,)]


@pytest.mark.parametrize(
    ("bad", "held_up"),
    [
        ([], False),
        ([8], True),  # it began in that second
        ([12], True),  # the answer came in that one
        ([10], False),  # both of its stamps are right, whatever was in between
    ],
)
def test_a_turn_that_began_or_ended_in_such_a_second_does_not_count(
    tmp_path: Path, bad: list[int], held_up: bool
) -> None:
    slow = turn(identity(), 2, 7.5, 11.5)
    run = [*records.small_run(), slow, *told(ALL, bad=bad)]
    with open_store(write_run(tmp_path / "run.duckdb", run, records.RUN)) as reading:
        samples = reading.query("turn_samples", run_id=records.RUN)
        rows = reading.sql("select held_up from turns where turn_index = 2").rows

    assert rows == ((held_up,),)
    assert any(each["latency_s"] == 4.0 for each in samples) is not held_up


@pytest.mark.parametrize(
    ("lost_at_s", "stage_is_lost"),
    [((), False), ((19.9,), False), ((15.0,), True), ((40.0,), False)],
)
def test_a_stage_whose_load_was_not_offered_in_full_is_lost(
    tmp_path: Path, lost_at_s: tuple[float, ...], stage_is_lost: bool
) -> None:
    """One of eight: 1 % of the load is 1.6 s of 20."""
    gone = sum(max(0.0, STAGE_S - second) for second in lost_at_s) / STAGE_S / 8
    assert StageLoad(2.0, told(ALL), unoffered=gone).limited is stage_is_lost
    losses = tuple(ShardLoss(index, at(second)) for index, second in enumerate(lost_at_s))
    whole = records.run(shards=8, shards_lost=losses)
    run = [*records.small_run()[2:], whole, records.stage(STAGE_S), *told(ALL)]
    path = write_run(tmp_path / "run.duckdb", run, records.RUN)

    with open_store(path) as reading:
        stages = list(reading.sql("select generator_limited from stage_health").rows)
        runs = list(reading.sql("select validity, shards from runs").rows)

    assert stages == [(stage_is_lost,)]
    assert runs == [("degraded" if losses else "valid", 8)]


@pytest.mark.parametrize(
    ("asked_calls", "outcome", "error_type", "stage_is_lost"),
    [
        (3.0, "aborted_by_us", "local_resources", True),
        (1.0, "aborted_by_us", "local_resources", False),  # one was asked for, and one was held
        (3.0, "aborted_by_us", None, False),  # hung up, as was planned
        (3.0, "refused", "429", False),  # what the target does is what is looked for
    ],
)
def test_a_level_whose_calls_this_machine_could_not_hold_is_lost(
    tmp_path: Path, asked_calls: float, outcome: str, error_type: str | None, stage_is_lost: bool
) -> None:
    held = call(identity(1), 0.1, 20.0)
    failed = [
        call(identity(index), index, index + 0.01, outcome, error_type=error_type)
        for index in range(2, 12)
    ]
    ours = len(failed) if outcome == "aborted_by_us" and error_type else 0
    live = StageLoad(asked_calls, told(ALL), begun=1 + len(failed), failed_here=ours)
    assert live.limited is stage_is_lost, "while it runs"
    run = [records.run(), records.stage(STAGE_S, asked_calls), held, *failed, *told(ALL)]
    with open_store(write_run(tmp_path / "run.duckdb", run, records.RUN)) as reading:
        stages = list(reading.sql("select generator_limited from stage_health").rows)
        why = list(reading.sql("select excluded_why from levels where level > 0").rows)
        (ledger,) = reading.query("run_ledger", run_id=records.RUN)

    assert stages == [(stage_is_lost,)]
    assert [("the generator was the limit",) in why] == [stage_is_lost]
    assert ledger["calls_failed_here"] == (10 if error_type == "local_resources" else 0)


def test_a_piece_by_which_a_level_was_held_to_measure_is_no_level_of_its_own(
    tmp_path: Path,
) -> None:
    """The generator was the limit of the level and not of the piece, or of the piece alone."""
    for bad, expected in ((range(1, 11), [(True, 20.0)]), (range(21, 23), [(False, 20.0)])):
        whole = records.stage(STAGE_S)
        piece = replace(
            whole,
            stage=replace(whole.stage, index=1, start_s=20.0, duration_s=2.0, note=HELD),
            start_mono_ns=at(20),
            end_mono_ns=at(22),
        )
        run = [*records.small_run()[2:], records.run(), whole, piece, *told(range(1, 23), bad=bad)]
        path = write_run(tmp_path / f"{bad.start}.duckdb", run, records.RUN)
        with open_store(path) as reading:
            sql = "select limited, (ended_ns - started_ns) / 1e9 from held_levels"
            assert list(reading.sql(sql).rows) == expected, bad
