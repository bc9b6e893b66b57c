"""A target that is a file is played in virtual time, stored, and read like any other run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.errors import ConfigError, UsageError
from otel_voiceload.model import NS_PER_S
from otel_voiceload.profiles import Request
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.runner.plan import SIMULATED_MAX_CALLS, RunPlan
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.simulated import caller_model, play_simulated
from otel_voiceload.store.open import open_store

AGENT = """
greeting: false
reply: {median: 800ms, p95: 1200ms}
components:
  stt: {latency: {median: 60ms, p95: 90ms}, capacity: 200}
  llm: {latency: {median: 500ms, p95: 700ms}, capacity: 4}
  tts: {latency: {median: 60ms, p95: 90ms}, capacity: 200}
"""


_HEARD = """
select c.call_index, t.turn_index, t.outcome, t.response_latency_s
from turns t join (select *, row_number() over (partition by run_id order by call_id) as call_index
    from calls) c using (run_id, call_id)
where run_id = $run_id order by 1, 2
"""


def plan_of(folder: Path, text: str = AGENT, **more: object) -> RunPlan:
    path = folder / "agent.yaml"
    path.write_text(text)
    asked: dict[str, Any] = {
        "target": f"sim:{path}",
        "profile_name": "ramp",
        "request": Request(calls=60, duration_s=240),
        "store": folder / "store",
        "scenarios": ("demo",),
        "max_calls": SIMULATED_MAX_CALLS,
        **more,
    }
    return RunPlan(**asked)


@contextmanager
def quiet() -> Iterator[Screen]:
    yield Screen(io.StringIO(), quiet=True, no_color=True)


def test_a_planted_limit_is_found_in_a_run_that_nobody_waited_for(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    with quiet() as screen:
        outcome = play_simulated(plan, screen)
    assert outcome.totals is not None
    assert outcome.totals.unexplained == 0
    assert not outcome.totals.lost
    with open_store(plan.store) as reading:
        report = build_report(reading, outcome.run_id, ReportOptions())
        sources = reading.sql("select distinct source from component_spans where component='llm'")
    assert report["run"]["wire"] == "sim"
    assert report["run"]["validity"] == "valid"
    assert [each["component"] for each in report["inflection"]["candidates"]] == ["llm"]
    assert sources.rows == (("simulated",),)


def test_an_open_rate_comes_and_goes_and_one_seed_gives_the_same_calls_again(
    tmp_path: Path,
) -> None:
    request = Request(rate_per_s=4.0, duration_s=30, arrivals="constant")
    plan = plan_of(tmp_path, profile_name="custom", request=request)
    with quiet() as screen:
        runs = [play_simulated(plan, screen).run_id for _ in range(2)]
    with open_store(plan.store) as reading:
        reading.prepare(*runs)
        counts = reading.sql("select count(*), count(distinct trace_id) from calls group by run_id")
        heard, again = (reading.sql(_HEARD, run_id=run_id).rows for run_id in runs)
        traces = reading.sql("select count(distinct trace_id) from calls")
        offsets = reading.sql(f"select distinct started_ns % {NS_PER_S} from runs")
    assert counts.rows == ((120, 120), (120, 120))
    assert traces.rows == ((240,),), "no trace is of two runs"
    assert heard == again
    assert offsets.rows == ((0,),), "what cuts time into pieces cuts both alike"
    assert len({latency for *_, latency in heard}) > 200, "turns differ from one another"


@pytest.mark.parametrize(
    ("text", "more", "error", "words"),
    [
        ("faults: [talk_over]", {}, ConfigError, "needs real audio"),
        ("components: 3", {}, ConfigError, "agent.yaml"),
        (AGENT, {"scenarios": ("demo", "booking")}, UsageError, "one scenario"),
        (AGENT, {"abort_grace_s": 3.0}, UsageError, "--abort-on-fail"),
    ],
)
def test_what_can_not_be_simulated_is_said_before_anything_starts(
    tmp_path: Path, text: str, more: dict[str, object], error: type[Exception], words: str
) -> None:
    plan = plan_of(tmp_path, text, **more)
    with quiet() as screen, pytest.raises(error, match=words):
        play_simulated(plan, screen)
    assert not plan.store.exists()


def test_simulated_callers_keep_the_times_of_their_scenario() -> None:
    callers, scenario = caller_model(("booking",))
    assert (scenario.name, callers.turns_per_call) == ("booking", 5)
    assert (callers.patience_s, callers.think_least_s, callers.greeting_wait_s) == (8.0, 0.7, 3.0)
    assert 1.0 < callers.speech.mean_s < 5.0


def test_a_run_that_has_made_all_its_calls_is_over(tmp_path: Path) -> None:
    """It has no duration, and the hour after which nobody waits for its calls does not pass."""
    request = Request(calls=1, total_calls=1)
    plan = plan_of(tmp_path, profile_name="custom", request=request)
    with quiet() as screen:
        outcome = play_simulated(plan, screen)
    with open_store(plan.store) as reading:
        (calls,) = reading.sql("select count(*), max(ended) from calls").rows
        (run,) = reading.sql("select ended - started < interval 5 minute, ended from runs").rows
    assert outcome.stop_reason == "target_reached"
    assert (calls[0], run[0]) == (1, True)
