"""A run in virtual time: its workers are a script, and its signals are real."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from otel_voiceload.errors import ExitCode, OvlError
from otel_voiceload.load.health import limited_by
from otel_voiceload.load.messages import (
    Extend,
    Finish,
    Finished,
    HangUpAll,
)
from otel_voiceload.model import NS_PER_S, Health, Progress, RunRecord, StageRecord
from otel_voiceload.profiles import Profile, Request
from otel_voiceload.profiles.levels import level
from otel_voiceload.runner.calibrate import HearingError
from otel_voiceload.runner.fleet import Fleet
from otel_voiceload.runner.generate import LEAD_S, Run, RunOutcome
from otel_voiceload.runner.measure import Measuring, Nowhere
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import prepare
from otel_voiceload.runner.screen import Screen
from otel_voiceload.telemetry.exporter import Totals
from tests.runner.fakes import Ask, ScriptedFleet

PLAN = RunPlan("ws://127.0.0.1:8765", "custom", Request(calls=5, duration_s=60), Path("store"))
PREPARED = replace(prepare(PLAN), hearing=HearingError(0.003, 0.001, 21))
TWO = (level(0, "steady", 0.0, 3.0, 2), level(1, "steady", 3.0, 2.0, 4))
THIRD = level(2, "steady", 5.0, 4.0, 8)


def play(
    profile: Ask,
    fleet: ScriptedFleet,
    said: io.StringIO | None = None,
    stop_asked: Callable[[], bool] = lambda: False,
    plan: RunPlan = PLAN,
    measuring: Callable[[], Measuring] = lambda: Nowhere("nothing is measured in tests"),
) -> RunOutcome:
    prepared = replace(PREPARED, profile=cast(Profile, profile))
    with Screen(said or io.StringIO(), clock=lambda: fleet.now_ns / NS_PER_S) as screen:
        workers = cast(Fleet, fleet)
        run = Run(plan, prepared, screen, workers, lambda: fleet.now_ns, stop_asked, measuring)
        return run.play()


def interrupt(number: int = signal.SIGINT) -> None:
    signal.raise_signal(number)


def health(fleet: ScriptedFleet, *, pacing_s: float = 0.001, shard: int = 0) -> Health:
    said = Health(shard, fleet.now_ns, 2, 50, 0, 0.0, pacing_s, 0.001, 0.0, 0.1, 0, 0)
    return replace(said, limited_by=limited_by(said))


def stages_of(fleet: ScriptedFleet) -> list[tuple[int, float, float | None]]:
    """Index, start and end (None: the marker) of the stage records, in seconds of the load."""

    def elapsed(at_ns: int) -> float:
        return round((at_ns - fleet.begin_ns) / NS_PER_S, 3)

    return [
        (r.stage.index, elapsed(r.start_mono_ns), r.end_mono_ns and elapsed(r.end_mono_ns))
        for r in fleet.recorded
        if isinstance(r, StageRecord)
    ]


def test_each_stage_is_marked_once_and_told_once_at_the_times_asked_for() -> None:
    fleet = ScriptedFleet()

    play(Ask([TWO, None]), fleet)

    assert stages_of(fleet) == [(0, 0.0, None), (0, 0.0, 3.0), (1, 3.0, None), (1, 3.0, 5.0)]
    assert (fleet.begun, fleet.begin_ns) == (TWO, 1_000 * NS_PER_S + int(LEAD_S * NS_PER_S))
    assert fleet.words(Finish) == [pytest.approx(5.0, abs=0.11)]


def test_a_stage_shorter_than_a_look_is_marked_and_told_all_the_same() -> None:
    fleet = ScriptedFleet()
    short = level(1, "steady", 1.0, 0.02, 3)

    play(Ask([(level(0, "steady", 0.0, 1.0, 2), short), None]), fleet)

    assert stages_of(fleet)[2:] == [(1, 1.0, None), (1, 1.0, 1.02)]


def test_the_run_says_of_itself_when_it_began_and_whole_when_it_ended() -> None:
    fleet = ScriptedFleet()

    outcome = play(Ask([TWO, None]), fleet)

    first, (last, timeout_s) = fleet.recorded[0], fleet.closed or (None, 0.0)
    assert isinstance(first, RunRecord)
    assert isinstance(last, RunRecord)
    assert (first.end_mono_ns, first.stop_reason) == (None, "")
    assert first.start_mono_ns == fleet.begin_ns
    assert (last.hearing_bias_s, last.hearing_spread_s) == (0.003, 0.001)
    assert (last.end_mono_ns, last.stop_reason) == (fleet.now_ns, "duration")
    assert timeout_s >= 30
    assert outcome == RunOutcome(PREPARED.run_id, "duration", Totals(7, 7), None)


def test_a_profile_that_seeks_the_limit_reached_its_target() -> None:
    assert play(Ask([TWO, None], seeks_limit=True), ScriptedFleet()).stop_reason == "target_reached"


def test_the_profile_is_asked_before_the_last_stage_ends_and_the_workers_hear_more() -> None:
    fleet = ScriptedFleet()
    profile = Ask([TWO, (THIRD,), None])

    play(profile, fleet)

    assert fleet.words(Extend) == [pytest.approx(4.7, abs=0.11)]
    assert [len(findings.stages) for findings in profile.asked] == [0, 2, 3]
    assert stages_of(fleet)[-1] == (2, 5.0, 9.0)
    assert fleet.words(Finish) == [pytest.approx(9.0, abs=0.11)]


def test_findings_say_in_which_stages_the_generator_was_late_and_how_many_calls_ended() -> None:
    fleet = ScriptedFleet()
    profile = Ask([TWO, (THIRD,), None])

    def second(pacing_s: float, ended: dict[str, int]) -> Callable[[], Progress]:
        ends = {"booking": ended["completed"], "demo": ended["transferred"]}
        return lambda: Progress(health(fleet, pacing_s=pacing_s), 1, ended, natural_ends=ends)

    for at_s, pacing_s in ((1.0, 0.001), (2.0, 0.001), (3.0, 0.001), (4.1, 0.2)):
        fleet.at(at_s, second(pacing_s, {"completed": 1, "transferred": 1, "dropped": 1}))

    play(profile, fleet)

    at_end_of_two = profile.asked[1]
    assert [found.generator_limited for found in at_end_of_two.stages] == [False, True]
    assert at_end_of_two.natural_ends == 8
    assert at_end_of_two.scenario_ends == {"booking": 4, "demo": 4}


def test_a_stage_is_judged_once_whatever_is_heard_of_it_later() -> None:
    fleet = ScriptedFleet()
    profile = Ask([(TWO[0],), (TWO[1],), None])
    for at_s in (3.0, 3.1, 3.9):  # of its last second, heard when the next one was handed out
        fleet.at(at_s, lambda: Progress(health(fleet, pacing_s=0.2), 0))

    play(profile, fleet)

    verdicts = [[found.generator_limited for found in asked.stages] for asked in profile.asked]
    assert verdicts == [[], [False], [False, False]]


def test_ctrl_c_hangs_up_and_ends_the_running_stage_where_it_was() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()
    fleet.at(3.8, interrupt)

    outcome = play(Ask([TWO, None]), fleet, said)

    assert (outcome.stop_reason, outcome.interrupted) == ("user", ExitCode.INTERRUPTED)
    assert outcome.totals == Totals(7, 7)
    told_s = fleet.words(HangUpAll)[0]
    assert told_s == pytest.approx(3.8, abs=0.11)
    assert stages_of(fleet) == [
        *[(0, 0.0, None), (0, 0.0, 3.0)],
        *[(1, 3.0, None), (1, 3.0, pytest.approx(told_s))],
    ]
    assert fleet.words(Finish) == []
    assert "stopping (Ctrl-C): hanging up; a second Ctrl-C ends it at once" in said.getvalue()


def test_the_kill_switch_hangs_up_at_once_and_is_told_from_the_user() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()

    outcome = play(Ask([TWO, None]), fleet, said, stop_asked=lambda: fleet.elapsed_s >= 1.0)

    assert (outcome.stop_reason, outcome.interrupted) == ("kill", ExitCode.INTERRUPTED)
    assert "stopping (ovl stop): hanging up" in said.getvalue()
    assert fleet.words(HangUpAll) == [pytest.approx(1.0, abs=0.11)]


def test_the_kill_switch_works_while_the_calls_end_after_their_turns() -> None:
    fleet = ScriptedFleet()
    fleet.deaf = True

    outcome = play(Ask([TWO, None]), fleet, stop_asked=lambda: fleet.elapsed_s >= 6.0)

    assert (outcome.stop_reason, outcome.interrupted) == ("duration", ExitCode.INTERRUPTED)
    assert fleet.words(HangUpAll) == [pytest.approx(6.0, abs=0.11)]


def test_a_promise_that_is_broken_ends_the_run_after_the_turns() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()
    plan = replace(PLAN, thresholds={"turn_latency": ["p95<2s"]}, abort_grace_s=2.0)
    slow = tuple((index, 3.0, False) for index in range(200))
    fleet.at(1.0, lambda: Progress(health(fleet), 2, turns=slow))

    outcome = play(Ask([TWO, None]), fleet, said, plan=plan)

    assert (outcome.stop_reason, outcome.interrupted) == ("quality_floor", None)
    assert outcome.broken == "turn_latency: p95<2s is broken (3.00 s so far)"
    assert f"aborting: {outcome.broken}\n" in said.getvalue()
    assert fleet.words(Finish) == [pytest.approx(2.0, abs=0.11)]


def test_sigterm_is_told_nothing_of_ctrl_c() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()
    fleet.at(3.8, lambda: signal.raise_signal(signal.SIGTERM))

    outcome = play(Ask([TWO, None]), fleet, said)

    assert outcome.interrupted == ExitCode.TERMINATED
    assert "stopping (SIGTERM): hanging up\n" in said.getvalue()


def test_ctrl_c_before_the_first_stage_leaves_a_run_without_stages() -> None:
    fleet = ScriptedFleet()
    fleet.at(-LEAD_S, interrupt)

    outcome = play(Ask([TWO, None]), fleet)

    assert outcome.stop_reason == "user"
    assert stages_of(fleet) == []


def test_being_told_to_end_leaves_with_its_own_code() -> None:
    fleet = ScriptedFleet()
    fleet.at(1.0, lambda: interrupt(signal.SIGTERM))

    outcome = play(Ask([TWO, None]), fleet)

    assert (outcome.stop_reason, outcome.interrupted) == ("user", ExitCode.TERMINATED)


def test_calls_that_do_not_end_are_waited_for_no_longer_than_the_grace() -> None:
    fleet = ScriptedFleet()
    fleet.deaf = True
    fleet.at(1.0, interrupt)

    play(Ask([TWO, None]), fleet)

    assert fleet.elapsed_s == pytest.approx(8.0, abs=0.3)


def test_a_second_ctrl_c_waits_for_nobody() -> None:
    fleet = ScriptedFleet()
    fleet.deaf = True
    fleet.at(1.0, interrupt)
    fleet.at(2.0, interrupt)

    outcome = play(Ask([TWO, None]), fleet)

    assert outcome.interrupted == ExitCode.INTERRUPTED
    assert fleet.elapsed_s == pytest.approx(2.0, abs=0.11)
    assert len(fleet.words(HangUpAll)) == 1
    assert fleet.closed is not None
    assert fleet.closed[1] <= 5


def test_two_signals_at_the_same_moment_are_one() -> None:
    fleet = ScriptedFleet()
    fleet.deaf = True
    fleet.at(1.0, interrupt)
    fleet.at(1.0, interrupt)

    play(Ask([TWO, None]), fleet)

    assert fleet.elapsed_s > 5, "a wrapper that passes the signal on is no second Ctrl-C"


def test_ctrl_c_while_the_calls_end_after_their_turns_hangs_them_up() -> None:
    fleet = ScriptedFleet()
    fleet.deaf = True
    fleet.at(6.0, interrupt)

    outcome = play(Ask([TWO, None]), fleet)

    assert (outcome.stop_reason, outcome.interrupted) == ("duration", ExitCode.INTERRUPTED)
    assert fleet.words(HangUpAll) == [pytest.approx(6.0, abs=0.11)]
    assert fleet.elapsed_s == pytest.approx(13.0, abs=0.3)


def test_the_signals_are_given_back_afterwards() -> None:
    with handler_of(signal.SIGINT) as mine:
        play(Ask([TWO, None]), ScriptedFleet())

        assert signal.getsignal(signal.SIGINT) is mine


@contextmanager
def handler_of(number: int) -> Iterator[Callable[..., None]]:
    def mine(*_: object) -> None:
        raise AssertionError("nobody sends this signal")

    before = signal.signal(number, mine)
    try:
        yield mine
    finally:
        signal.signal(number, before)


def test_the_load_goes_on_with_the_workers_that_are_left_and_the_lost_one_is_named() -> None:
    fleet, said = ScriptedFleet(workers=2), io.StringIO()
    fleet.at(1.0, lambda: fleet.lost.append(1))

    outcome = play(Ask([TWO, None]), fleet, said)

    assert outcome.stop_reason == "duration"
    assert stages_of(fleet)[-1] == (1, 3.0, 5.0)
    assert "worker 2 of 2 lost 0.0 s into the load; offered load 50.0 %" in said.getvalue()
    assert said.getvalue().count("lost") == 1
    last = (fleet.closed or (None, 0.0))[0]
    assert isinstance(last, RunRecord)
    assert (last.shards, last.shards_lost) == (2, fleet.losses)
    assert fleet.looks > 10, "for workers that are silent"


def test_without_any_worker_the_run_ends_at_once() -> None:
    fleet = ScriptedFleet()
    fleet.at(1.0, lambda: fleet.lost.append(0))

    outcome = play(Ask([TWO, None]), fleet)

    assert outcome.stop_reason == "kill"
    assert outcome.interrupted is None
    assert fleet.elapsed_s == pytest.approx(1.0, abs=0.11)
    assert stages_of(fleet) == [(0, 0.0, None), (0, 0.0, pytest.approx(1.0, abs=0.11))]


def test_workers_that_all_said_goodbye_of_themselves_end_the_run() -> None:
    fleet = ScriptedFleet()
    fleet.at(1.0, lambda: fleet.finished.append(Finished(0, 3)))

    assert play(Ask([TWO, None]), fleet).stop_reason == "kill"
    assert fleet.elapsed_s < 2


def test_a_load_whose_records_nobody_takes_is_ended() -> None:
    fleet = ScriptedFleet()

    def die() -> None:
        fleet.telemetry_alive = False

    fleet.at(1.0, die)

    outcome = play(Ask([TWO, None]), fleet)

    assert (outcome.stop_reason, outcome.totals) == ("kill", None)
    assert fleet.words(Finish) == [pytest.approx(1.0, abs=0.11)]


def test_errors_inside_the_workers_are_handed_on() -> None:
    fleet = ScriptedFleet()
    broken = Finished(0, 3, internal_errors=2, first_internal_error="KeyError: 'x'")
    fleet.at(1.0, lambda: fleet.finished.append(broken))

    assert play(Ask([TWO, None]), fleet).internal_errors[:1] == ("KeyError: 'x'",)


def test_a_worker_that_does_not_start_closes_everything_and_is_said() -> None:
    fleet = ScriptedFleet()
    fleet.lost = [0]

    with pytest.raises(OvlError, match="worker 0"):
        play(Ask([TWO, None]), fleet)

    assert fleet.closed is not None
    assert fleet.closed[0] is None, "a run that never began has no end"


def test_progress_is_shown_while_it_goes_on() -> None:
    fleet, said = ScriptedFleet(), io.StringIO()
    long = level(0, "steady", 0.0, 25.0, 2)
    fleet.at(8.0, lambda: Progress(health(fleet), 2, {}, (0.5, 0.7), 1))

    play(Ask([(long,), None]), fleet, said)

    lines = said.getvalue().splitlines()
    assert len(lines) == 2
    assert "calls 2/2  answered 2/3" in lines[0]
