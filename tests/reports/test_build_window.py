from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.capacity.simulate import SimulatedRun
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.render import github, html, junit, markdown, terminal
from otel_voiceload.reports.report import Report
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.reports.published import hold_to_schema
from tests.reports.samples import PLANTED, QUIET, demo_exhibits
from tests.store.builder import UNIX_NS

# The run holds 6, 12, 24, 48 and again 12 calls; llm is full at 24.
START_NS = UNIX_NS + SimulatedRun().start_mono_ns
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def reading(store: Path) -> Iterator[Reading]:
    with open_store(store) as opened:
        yield opened


def asked(reading: Reading, since_s: float, until_s: float | None = None, **more: Any) -> Report:
    options = ReportOptions(
        since_ns=START_NS + round(since_s * SECOND),
        until_ns=None if until_s is None else START_NS + round(until_s * SECOND),
        **more,
    )
    return build_report(reading, PLANTED, options)


@pytest.fixture(scope="module")
def whole(reading: Reading) -> Report:
    return build_report(reading, PLANTED)


@pytest.fixture(scope="module")
def above(reading: Reading) -> Report:
    """From the level of 24 calls on: what is unloaded lies outside."""
    return asked(reading, 16)


@pytest.fixture(scope="module")
def beyond(reading: Reading) -> Report:
    return asked(reading, 5000)


def test_every_form_says_of_which_window_it_is(above: Report) -> None:
    window = "Of the window from 16 s on of the run (51 s)"
    hold_to_schema(above)
    assert above["run"]["window"]["since_s"] == 16
    assert above["run"]["window"]["until_s"] is None
    assert window in " ".join(terminal.render(above).split())[:300]
    assert window in markdown.render(above)[:700]
    assert window in html.render(above, demo_exhibits())
    assert window in junit.render(above)
    assert any(window in line for line in github.commands(above))


def test_a_report_of_the_whole_run_has_no_window(whole: Report) -> None:
    assert "window" not in whole["run"]
    assert "Of the window" not in terminal.render(whole)


def test_the_baseline_is_the_runs_own_wherever_the_window_begins(
    whole: Report, above: Report
) -> None:
    assert whole["baseline"]["kind"] == "own_levels"
    assert above["baseline"] == whole["baseline"]


def test_unloaded_levels_outside_of_the_window_stand_for_the_unloaded_target(
    whole: Report, above: Report
) -> None:
    assert above["run"]["window"]["unloaded_up_to"] == 12
    first, again = above["first_inflection"], whole["first_inflection"]
    assert first is not None
    assert again is not None
    assert first["component"] == again["component"] == "llm"
    assert first["concurrency"] == pytest.approx(again["concurrency"], rel=0.1)
    assert [level["level"] for level in above["levels"]] == [24, 48, 12], "none is shown"
    for inside, all_of_it in (
        (above["ceiling"]["slo"], whole["ceiling"]["slo"]),
        (above["ceiling"]["degradation"], whole["ceiling"]["degradation"]),
    ):
        assert inside["ci"] == all_of_it["ci"]


def test_a_level_held_before_the_window_keeps_its_mark(above: Report) -> None:
    assert [level["again"] for level in above["levels"]] == [False, False, True]
    assert [level["again"] for level in above["within_calls"]][-1]
    assert "again 12" in terminal.render(above)


def test_levels_that_the_load_came_back_down_to_are_no_climb(reading: Reading) -> None:
    report = asked(reading, 36)
    assert report["inflection"]["status"] == "cannot_tell"
    assert "came back down" in report["headline"]
    assert "the whole run, which held up to 48 calls" in report["next_step"]


def test_nothing_bent_in_a_window_below_the_bend_asks_for_the_rest_of_the_run(
    reading: Reading,
) -> None:
    report = asked(reading, 0, 15)
    assert report["inflection"]["status"] == "not_reached"
    assert report["run"]["window"]["unloaded_up_to"] is None, "it has such levels of its own"
    assert "the whole run, which held up to 48 calls" in report["next_step"]


def test_a_window_beyond_the_run_says_where_its_calls_lie(beyond: Report) -> None:
    assert beyond["run"]["validity"] == "inconclusive"
    assert beyond["headline"].startswith("This window can not be judged: ")
    assert "from 5000 s on holds no turn; the run's calls lie between 0 s and" in beyond["headline"]
    assert beyond["next_step"].startswith("Choose a window that holds some")


def test_a_tagged_baseline_is_whole_though_another_runs_window_is_asked_for(
    reading: Reading,
) -> None:
    base = asked(reading, 16, baselines=(QUIET,))["baseline"]
    assert (base["kind"], base["run_id"], base["completion"]) == ("tagged_run", QUIET, 1.0)
