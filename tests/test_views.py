"""What the views promise: one row per thing, by the rules that the comments in the SQL state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.model import Health, Record
from otel_voiceload.store.open import open_store
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.context import run_trace_id
from otel_voiceload.telemetry.otlp import attributes
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_segment
from tests.store.records import at, component, identity, turn

AGENT = {"service.name": "ovl-agent"}


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with open_store(path) as reading:
        return list(reading.sql(sql).rows)


def stored(tmp_path: Path, run: Sequence[Record], *more: Batch, **how: Any) -> Path:
    batches = [*batches_of(run, records.RUN), *more]
    return write_segment(tmp_path / "run.duckdb", batches, **how)


def span(name: str, trace_id: str, start_s: float, end_s: float, values: dict[str, Any]) -> Span:
    return Span(
        trace_id=bytes.fromhex(trace_id),
        span_id=abs(hash((name, start_s))).to_bytes(8, "big"),
        name=name,
        start_time_unix_nano=UNIX_NS + at(start_s),
        end_time_unix_nano=UNIX_NS + at(end_s),
        attributes=attributes(values),
    )


def agent_llm(start_s: float, seconds: float, **more: object) -> Span:
    values: dict[str, object] = {
        "session.id": identity().call_id,
        "voiceload.component.name": "llm",
        "voiceload.component.latency": seconds,
        "voiceload.component.source": "target_trace",
    } | more
    return span("llm", identity().trace_id, start_s, start_s + seconds, values)


# --- turns ---------------------------------------------------------------------------------------


def test_an_unanswered_turn_counts_as_its_deadline(tmp_path: Path) -> None:
    path = stored(tmp_path, records.small_run())
    sql = "select response_latency_s, response_latency_scheduled_s, censored from turns order by 1"
    assert ask(path, sql) == [(1.0, 1.01, False), (8.0, 8.01, True)]


def test_a_turn_that_we_cut_ourselves_says_nothing_of_the_target(tmp_path: Path) -> None:
    run = [*records.small_run()[:-1], records.call(identity(), 1, 9, "aborted_by_us")]
    assert ask(
        stored(tmp_path, run), "select response_latency_s from turns order by turn_index"
    ) == [
        (1.0,),
        (None,),
    ]


def test_an_interrupted_turn_has_no_latency(tmp_path: Path) -> None:
    talked_over = turn(identity(), 1, 7.0, 6.5, outcome="interrupted")
    run = [*records.small_run()[:4], talked_over, records.small_run()[-1]]
    assert ask(
        stored(tmp_path, run),
        "select response_latency_s, censored from turns where outcome = 'interrupted'",
    ) == [(None, False)]


def test_of_a_turn_whose_spans_were_not_sampled_no_time_is_without_account(tmp_path: Path) -> None:
    sampled, lost = identity(1), identity(2)
    way = component("network", 3.0, 3.1, 3.1)
    run = [
        records.call_start(sampled, 1),
        turn(sampled, 0, 3.0, 4.0, way, component("llm", 3.1, 3.6, 3.8)),
        records.call(sampled, 1, 9),
        records.call_start(lost, 1),
        turn(lost, 0, 3.0, 4.0, way),
        records.call(lost, 1, 9),
    ]
    told = "select unattributed_s from turns order by call_id"
    both = stored(tmp_path, [*records.small_run()[:2], *run])
    assert ask(both, told) == [(pytest.approx(0.4),), (None,)]
    # Where nobody tells of components, what the network leaves is all there is to say.
    (tmp_path / "other").mkdir()
    alone = stored(tmp_path / "other", [*records.small_run()[:2], *run[3:]])
    assert ask(alone, told) == [(pytest.approx(0.9),)]


def test_unattributed_is_what_no_interval_covers_and_overlaps_count_once(tmp_path: Path) -> None:
    overlapping = turn(
        identity(),
        0,
        3.0,
        4.0,
        component("stt", 3.0, 3.4, 3.4),
        component("llm", 3.3, 3.6, 3.9),  # began on a partial transcript
        component("tts", 3.7, 3.9, 4.4),
    )
    run = [*records.small_run()[:3], overlapping, *records.small_run()[4:]]
    ((rest,),) = ask(stored(tmp_path, run), "select unattributed_s from turns where not censored")
    assert rest == pytest.approx(0.2)  # 3.6 to 3.7, and 3.9 to 4.0


def test_the_network_counts_on_both_ways_but_once_as_a_component(tmp_path: Path) -> None:
    first = replace(records.small_run()[3], rtt_s=0.1)  # type: ignore[type-var]  # a turn
    run = [*records.small_run()[:3], first, *records.small_run()[4:]]
    path = stored(tmp_path, run)
    # 3.0-3.05 up, 3.1-3.9 worked, 3.95-4.0 down.
    ((rest,),) = ask(path, "select unattributed_s from turns where not censored")
    assert rest == pytest.approx(0.1)
    ((ways, seconds),) = ask(
        path,
        "select count(*), any_value(latency_s) from component_turns"
        " where component = 'network' and turn_index = 0",
    )
    assert ways == 1
    assert seconds == pytest.approx(0.1)


def test_the_cycle_runs_from_one_end_of_speech_to_the_next(tmp_path: Path) -> None:
    assert ask(
        stored(tmp_path, records.small_run()), "select cycle_s from turns order by turn_index"
    ) == [(None,), (4.0,)]


@pytest.mark.parametrize(
    ("outcome", "turn_count", "handover_s"),
    [
        ("completed", 2, 6.0),  # 11 s of call, 5 of them between its two turns
        ("completed", 3, None),  # its last turn is not there
        ("aborted_by_us", 2, None),
    ],
)
def test_a_call_that_came_to_its_end_gives_one_cycle_more_to_its_place(
    tmp_path: Path, outcome: str, turn_count: int, handover_s: float | None
) -> None:
    who = records.identity()
    turns = [records.turn(who, index, 3.0 + 5 * index, 4.0 + 5 * index) for index in (0, 1)]
    whole = records.call(who, 1, 12, outcome, turn_count=turn_count)
    path = stored(tmp_path, [records.run(), records.stage(), *turns, whole])
    seen = ask(path, "select cycle_s, handover_s from turns order by turn_index")
    assert seen == [(None, None), (5.0, handover_s)]


# --- components ----------------------------------------------------------------------------------


def test_the_targets_own_trace_comes_before_what_it_says_in_band(tmp_path: Path) -> None:
    path = stored(tmp_path, records.small_run(), spans_batch([agent_llm(3.2, 0.41)], AGENT))
    assert ask(path, "select count(*) from component_observations where component = 'llm'") == [
        (2,)
    ]
    assert ask(
        path,
        "select turn_index, attempt, latency_s, source from component_spans where component='llm'",
    ) == [(0, 0, 0.41, "target_trace")]


def test_a_targets_span_belongs_to_the_turn_that_was_going_on_whatever_number_it_says(
    tmp_path: Path,
) -> None:
    miscounted = agent_llm(7.3, 0.4, **{"voiceload.turn.index": 5})
    path = stored(tmp_path, records.small_run(), spans_batch([miscounted], AGENT))
    sql = "select turn_index from component_spans where source = 'target_trace'"
    assert ask(path, sql) == [(1,)]


def test_all_attempts_together_are_a_components_latency(tmp_path: Path) -> None:
    retried = turn(
        identity(),
        0,
        3.0,
        5.0,
        component("llm", 3.0, None, 3.1, error_type="rate_limited"),
        component("llm", 4.1, 4.5, 4.9, attempt=1, retry_wait_s=1.0),
    )
    run = [*records.small_run()[:3], retried, *records.small_run()[4:]]
    path = stored(tmp_path, run)
    assert ask(path, "select attempt from component_spans where component = 'llm' order by 1") == [
        (0,),
        (1,),
    ]
    assert ask(
        path,
        "select latency_s, attempts, failed_attempts from component_turns where component = 'llm'",
    ) == [(1.5, 2, 1)]
    ((rest,),) = ask(path, "select unattributed_s from turns where turn_index = 0")
    assert rest == pytest.approx(0.5), "from 4.5 on: the wait before the second attempt is llm's"


def test_work_that_was_given_up_counts_only_where_the_caller_waited_for_it(tmp_path: Path) -> None:
    given_up = component("llm", 7.1, None, 15.0, error_type="cancelled")
    first = turn(
        identity(),
        0,
        3.0,
        4.0,
        component("llm", 2.0, None, 2.9, error_type="cancelled"),  # a pause taken for the end
        component("llm", 3.2, 3.6, 3.9, attempt=1),
    )
    run = [*records.small_run()[:3], first, turn(identity(), 1, 7.0, None, given_up)]
    sql = (
        "select turn_index, latency_s, failed, served from component_turns"
        " where component = 'llm' order by turn_index"
    )
    abandoned = stored(tmp_path, [*run, records.call(identity(), 1, 16, "abandoned")])
    assert ask(abandoned, sql) == [
        (0, pytest.approx(0.4), False, True),
        (1, pytest.approx(7.9), False, False),
    ]
    ours = tmp_path / "ours"
    ours.mkdir()
    hung_up = stored(ours, [*run, records.call(identity(), 1, 16, "aborted_by_us")])
    assert [row[0] for row in ask(hung_up, sql)] == [0]


def test_self_time_leaves_out_what_a_nested_component_waited_for(tmp_path: Path) -> None:
    nested = turn(
        identity(),
        0,
        3.0,
        5.0,
        component("llm", 3.1, 4.6, 4.6),
        component("tts", 3.1, 4.8, 4.9),  # opened with the turn, as sloppy instrumentation does
    )
    run = [*records.small_run()[:3], nested, *records.small_run()[4:]]
    ((raw, own),) = ask(
        stored(tmp_path, run),
        "select latency_s, self_s from component_turns where component = 'tts'",
    )
    assert raw == pytest.approx(1.7)
    assert own == pytest.approx(0.2)


def test_endpointing_keeps_the_part_of_it_that_stt_does_not_cover(tmp_path: Path) -> None:
    overlapping = turn(
        identity(),
        0,
        3.0,
        5.0,
        component("stt", 3.3, 3.5, 3.5),
        component("endpointing", 3.0, 3.4, 3.4),
        component("llm", 3.5, 4.0, 4.6),
    )
    run = [*records.small_run()[:3], overlapping, *records.small_run()[4:]]
    path = stored(tmp_path, run)
    for view in ("component_spans", "component_turns"):
        sql = f"select component, self_s from {view} where turn_index = 0 and source is not null"
        assert dict(ask(path, sql)) == {
            "stt": pytest.approx(0.2),
            "endpointing": pytest.approx(0.3),
            "llm": pytest.approx(0.5),
        }, view


# --- calls, levels, runs -------------------------------------------------------------------------


def test_a_call_without_an_end_is_closed_at_its_last_sign_of_life(tmp_path: Path) -> None:
    killed = records.small_run()[2:5]
    sql = "select outcome, closed_by, epoch(ended - started), turn_count from calls"
    assert ask(stored(tmp_path, killed), sql) == [(None, "last_sign", 14.0, 2)]


def test_a_run_without_its_own_end_says_so(tmp_path: Path) -> None:
    path = stored(tmp_path, [replace(records.run(), end_mono_ns=None), *records.small_run()[2:]])
    assert ask(path, "select ended, shut_down, validity, target from runs") == [
        (None, False, "degraded", "ws://127.0.0.1:8080")
    ]


def test_refused_calls_do_not_weigh_on_the_target(tmp_path: Path) -> None:
    refused = records.call(identity(2), 2, 12, "refused", error_type="busy")
    path = stored(tmp_path, [*records.small_run(), refused])
    assert ask(path, "select max(calls) from concurrency") == [(1,)]


def test_a_level_where_the_generator_was_late_is_left_out_and_says_why(tmp_path: Path) -> None:
    second = Health(0, 0, 1, 50, 5, 0.1, 0.05, 0.01, 0.2, 0.9, 0, 0, limited_by=("late_frames",))
    late = [replace(second, at_mono_ns=at(each)) for each in range(1, 20)]
    path = stored(tmp_path, [*records.small_run(), *late])
    assert ask(path, "select valid, excluded_why from levels") == [
        (False, "the generator was the limit")
    ]


def test_equal_neighbours_are_one_level(tmp_path: Path) -> None:
    first = records.stage(10)
    second = replace(records.stage(20, index=1), start_mono_ns=at(10), end_mono_ns=at(20))
    path = stored(tmp_path, [*records.small_run()[2:], records.run(), first, second])
    assert ask(path, "select level, stage_index from levels") == [(1.0, 0)]


# --- spans and their runs ------------------------------------------------------------------------


def test_a_span_delivered_twice_is_one_row(tmp_path: Path) -> None:
    batches = batches_of(records.small_run(), records.RUN)
    path = stored(tmp_path, records.small_run(), *batches, doubtful=frozenset({1}))
    assert ask(path, "select count(*), count(distinct (trace_id, span_id)) from otel_spans") == [
        (ask(path, "select count(distinct (trace_id, span_id)) from otel_spans")[0][0],) * 2
    ]
    assert ask(path, "select count(*) from calls") == [(1,)]


def test_batches_that_nobody_doubts_do_not_pass_the_join(tmp_path: Path) -> None:
    """So an unmarked copy stays: the join of all rows would cost seconds on every question."""
    copy = spans_batch([agent_llm(3.2, 0.41)], AGENT)
    sql = "select count(*) from otel_spans where service_name = 'ovl-agent'"
    for marked, rows in ((frozenset[int](), 2), (frozenset({1}), 1)):
        folder = tmp_path / f"{rows}"
        folder.mkdir()
        path = write_segment(folder / "run.duckdb", [copy, copy], doubtful=marked)
        assert ask(path, sql) == [(rows,)]


def test_duplicates_within_one_doubtful_batch_are_one_row(tmp_path: Path) -> None:
    twice = spans_batch([agent_llm(3.2, 0.4), agent_llm(3.2, 0.4)], AGENT)
    path = stored(tmp_path, records.small_run(), twice, doubtful=frozenset({1}))
    assert ask(path, "select count(*) from otel_spans where service_name = 'ovl-agent'") == [(1,)]


def test_a_span_finds_its_run_by_its_resource_its_trace_or_a_link(tmp_path: Path) -> None:
    elsewhere = span("their.work", "ee" * 16, 3.3, 3.5, {})
    elsewhere.links.add(trace_id=bytes.fromhex(identity().trace_id), span_id=bytes(8))
    nobodys = span("other.work", "dd" * 16, 3.3, 3.5, {})
    path = stored(
        tmp_path,
        records.small_run(),
        spans_batch([agent_llm(3.2, 0.4), elsewhere, nobodys], AGENT),
    )
    assert ask(
        path,
        "select name, run_id from otel_spans where service_name = 'ovl-agent' order by name",
    ) == [("llm", records.RUN), ("other.work", None), ("their.work", records.RUN)]


def test_the_attribute_map_is_whole_again(tmp_path: Path) -> None:
    odd = agent_llm(3.2, 0.4, **{"my.note": "kept", "my.flag": True})
    odd.attributes.add(key="my.nothing").value.SetInParent()
    path = stored(tmp_path, records.small_run(), spans_batch([odd], AGENT))
    ((text, promoted, nothing, kept),) = ask(
        path,
        """select attributes::varchar, attributes->>'$."voiceload.component.latency"',
        json_exists(attributes, '$."my.nothing"'), attributes->>'$."my.note"'
        from otel_spans where service_name = 'ovl-agent'""",
    )
    assert (promoted, nothing, kept) == ("0.4", True, "kept"), text


def test_the_ledger_shows_what_came_and_what_was_stored(tmp_path: Path) -> None:
    path = stored(tmp_path, records.small_run())
    ((accepted, kept, rejected),) = ask(
        path, "select sum(accepted), sum(stored), sum(rejected) from ledger"
    )
    assert accepted == kept
    assert rejected == 0


def test_the_trace_of_the_run_itself_belongs_to_the_run(tmp_path: Path) -> None:
    path = stored(tmp_path, records.small_run())
    assert ask(
        path,
        f"select distinct run_id from otel_spans where trace_id = '{run_trace_id(records.RUN)}'",
    ) == [(records.RUN,)]


@pytest.mark.parametrize(("in_step", "low", "high"), [(True, 2.0, 100.0), (False, 0.0, 1.3)])
def test_callers_in_step_are_told_from_those_spread_out(
    tmp_path: Path, in_step: bool, low: float, high: float
) -> None:
    run: list[Record] = [records.run(end_mono_ns=at(60)), records.stage(60.0, 8.0)]
    for number in range(8):
        who, late_s = identity(number + 1), 0.0 if in_step else number * 0.5
        run += [records.call_start(who, 0.0), records.call(who, 0.0, 60.0)]
        for index in range(14):
            end_s = 2.0 + 4 * index + late_s
            # Two callers say what only they say, six say the same: five of those were said before.
            clip = f"{number if number < 2 else 'same'}-{index}"
            run.append(turn(who, index, end_s, end_s + 1, clip_id=clip))
    with open_store(stored(tmp_path, run)) as reading:
        (found,) = reading.query("turn_starts", run_id=records.RUN)

    assert low <= cast(float, found["dispersion"]) < high
    assert found["prompt_repeat_ratio"] == pytest.approx(5 / 8)
